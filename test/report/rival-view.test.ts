import { describe, expect, test } from 'vitest'
import { rivals } from '../../src/measure/as/index.ts'
import { rivalFormats } from '../../src/report/rival-view.ts'
import { few, pair, runViewOf, single } from '../measure/as/few-records.ts'
import { sampleReport, simulatedReport } from './sample-report.ts'

const render = (name: string, ...of: Parameters<typeof runViewOf>): string => {
  const format = rivalFormats.find((each) => each.name === name)
  return format?.render(simulatedReport(), runViewOf(...of)) ?? ''
}

describe('a run by the definitions of another tool', () => {
  test('has their key, their value and ours on a line, and why they differ below', () => {
    const lines = render('text', 'vllm', few).split('\n')
    const row = lines.find((line) => line.includes('mean_ttft_ms')) ?? ''
    // Theirs is worked in the test of the definitions; ours is over 50, 50 and 60.
    expect(row.trim().split(/\s+/).slice(0, 4)).toEqual(['mean_ttft_ms', '41.25', '53.3333', 'ms'])
    const mark = row.trim().split(/\s+/)[4] ?? ''
    expect(lines.find((line) => line.trim().startsWith(`${mark} `))).toContain('Its clock runs')
  })

  test('says n/a and why where records do not tell', () => {
    const text = render('text', 'vllm', [single, { ...pair, usage: undefined }])
    expect(text).toMatch(/output_throughput +n\/a/)
    expect(text).toMatch(/n\/a: Where the server tells no usage/)
  })

  test('opens with the doubts of the run in every format, but not with those about money', () => {
    for (const { name } of rivalFormats) {
      const text = render(name, 'aiperf', few)
      expect(text).toContain('SIMULATED')
      expect(text).not.toContain('Cost:')
    }
    const [text] = rivalFormats.map((format) =>
      format.render(sampleReport(), runViewOf('aiperf', few)),
    )
    expect(text).not.toContain('SIMULATED')
  })

  test.each(rivals.map(({ name }) => name))('fits a terminal of 100 columns as %s', (name) => {
    const slo = { ttftMs: 100, tpotMs: 100, latencyMs: 200 }
    for (const line of render('text', name, few, { slo }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(100)
  })

  test('is a table with a reason in each row in Markdown', () => {
    const rows = render('md', 'guidellm', few)
      .split('\n')
      .filter((line) => line.startsWith('| '))
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(7)
    const tpot = rows.find((row) => row.includes('per\\_output\\_token\\_ms.successful.mean')) ?? ''
    expect(tpot).toContain('| 19 |')
    expect(tpot).toContain('TTFT included')
  })

  test('keeps every digit in JSON, under the keys of the tool', () => {
    const document = JSON.parse(render('json', 'mlperf', few)) as {
      rival: { name: string; source: string }
      levels: { figures: { key: string; value?: number }[] }[]
    }
    expect(document.rival).toMatchObject({ name: 'mlperf', version: '6.0.17' })
    expect(
      document.levels[0]?.figures.find(({ key }) => key === 'result_time_to_output_token_mean'),
    ).toMatchObject({ value: 9_666_666, unit: 'ns' })
  })
})
