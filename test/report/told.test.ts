import { expect, test } from 'vitest'
import { reportFormats } from '../../src/report/index.ts'
import { textFormat } from '../../src/report/text.ts'
import { sampleReport, simulatedReport, toldReport } from './sample-report.ts'

test.each(reportFormats.filter(({ name }) => name !== 'csv' && name !== 'json'))(
  '$name says nothing of a server that said nothing',
  async ({ render }) => {
    expect(await render(sampleReport())).not.toMatch(/What the server says|server counters/)
    expect(await render(toldReport())).toMatch(/What the server says/)
  },
)

test('text is silent on token counts where a single source counted', async () => {
  expect(await textFormat.render(simulatedReport())).not.toContain('Token counts by source')
  expect(await textFormat.render(toldReport())).toContain('Token counts by source')
})

test('a column that no level tells is left out, and a level that tells nothing is n/a', async () => {
  const { summary, ...rest } = toldReport()
  const points = summary.points.map((point) => ({
    ...point,
    server: point.level === 0 ? undefined : point.server && { ...point.server, queueMs: undefined },
  }))
  const server = summary.server && { ...summary.server, queueMs: undefined }
  const text = await textFormat.render({ ...rest, summary: { ...summary, points, server } })
  expect(text).not.toContain('queue ms')
  expect(text).toContain('drafts: ')
  const plain = server && { ...server, specAcceptedRatio: undefined }
  const none = { ...summary, points: [], server: plain }
  expect(await textFormat.render({ ...rest, summary: none })).not.toContain('drafts')
  expect(text).toMatch(/ {2}1 user( +n\/a){8}\n/)
})

test.each(reportFormats)(
  '$name hides the credentials in the address of the metrics',
  async (format) => {
    // The log itself is not changed; no address that holds a password is ever taken for one.
    if (format.name !== 'json') expect(await format.render(toldReport())).not.toContain('secret')
  },
)

test('the row of a spreadsheet has the server’s figures beside the client’s', async () => {
  const { csvFormat } = await import('../../src/report/csv.ts')
  const rows = (await csvFormat.render(toldReport()))
    .split('\r\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replaceAll(/"[^"]*"/g, 'quoted').split(','))
  const cell = (row: number, name: string) => rows[row]?.[rows[0]?.indexOf(name) ?? -1]
  expect(cell(2, 'server_ttft_mean_ms')).toBe('39.5')
  expect(cell(2, 'server_ttft_p95_above_ms')).toBe('60')
  expect(cell(1, 'server_ttft_p95_above_ms')).toBe('')
  expect(cell(2, 'server_waiting_mean')).toBe('0.25')
  expect(cell(1, 'run_output_tokens_server_counters')).toBe('70000')
})

test('a server with large figures to tell still keeps to 100 columns, and loses none', async () => {
  const { summary, ...rest } = toldReport()
  const points = summary.points.map((point) => ({
    ...point,
    label: 'gamma arrivals at many a second',
    ttftFromSentMs: { ...point.ttftFromSentMs, mean: 123_456 },
    server: point.server && {
      ...point.server,
      runningMean: 1_024,
      runningMax: 2_048,
      waitingMean: 10_240,
      waitingMax: 20_480,
      ttftMs: { n: 1, meanMs: 123_456 },
      latencyMs: { n: 1, meanMs: 765_432 },
    },
  }))
  const text = await textFormat.render({ ...rest, summary: { ...summary, points } })
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  for (const figure of ['1,024/2,048', '123,456/123,456', '765,432/1,566'])
    expect(text).toContain(figure)
})
