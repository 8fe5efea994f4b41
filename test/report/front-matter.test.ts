import { describe, expect, test } from 'vitest'
import { frontMatter, stampOf } from '../../src/report/front-matter.ts'
import { reportFormats } from '../../src/report/index.ts'
import type { Report } from '../../src/report/report.ts'
import {
  emptyReport,
  partialReport,
  sampleReport,
  simulatedReport,
  unknownPriceReport,
  variants,
} from './sample-report.ts'

/** A figure that stands in every format, and may only come after the doubts. */
const THROUGHPUT = /1,?49[78]/

describe.each(reportFormats)('$name', ({ name, render }) => {
  test('says SIMULATED on its first line', async () => {
    const text = await render(simulatedReport())
    // In JSON the first line is the brace, and the notice is the first key.
    const first = name === 'json' ? text.split('\n').slice(0, 3).join(' ') : text.split('\n')[0]
    expect(first).toMatch(/SIMULATED/)
  })

  test('does not say SIMULATED of a real run', async () => {
    expect(await render(sampleReport())).not.toMatch(/SIMULATED/)
  })

  test('says PARTIAL RUN of an interrupted run before any figure', async () => {
    const text = await render(partialReport())
    expect(text.indexOf('PARTIAL RUN')).toBeGreaterThanOrEqual(0)
    expect(text.indexOf('PARTIAL RUN')).toBeLessThan(text.search(/315\.7|>316|\b316\b/))
  })

  test('says RANDOM WEIGHTS before any figure', async () => {
    const text = await render(unknownPriceReport())
    expect(text.indexOf('RANDOM WEIGHTS')).toBeGreaterThanOrEqual(0)
    expect(text.indexOf('RANDOM WEIGHTS')).toBeLessThan(text.search(THROUGHPUT))
  })

  test('puts verdict, reasons and warnings in this order before any figure', async () => {
    const text = await render(simulatedReport())
    const places = [
      'DEGRADED: measured',
      'The client shared its machine with the server',
      'Client and server share this machine',
      'Placeholders, nobody',
    ].map((part) => text.indexOf(part))
    expect(places).not.toContain(-1)
    expect([...places].sort((a, b) => a - b)).toEqual(places)
    expect(places.at(-1)).toBeLessThan(text.search(THROUGHPUT))
  })

  test.each(Object.keys(variants))('gives an unknown as n/a, in "%s"', async (variant) => {
    const text = await render((variants[variant] ?? sampleReport)())
    expect(text).not.toMatch(/\bNaN\b|\bundefined\b|\bnull\b|\bInfinity\b|\[object/)
  })
})

test('a run in which nothing completed has no figure of time, rate or price', async () => {
  for (const { name, render } of reportFormats) {
    if (name !== 'text' && name !== 'md') continue
    const rows = (await render(emptyReport())).split('\n').filter((line) => /1 user/.test(line))
    const row = rows.find((line) => line.includes('0/40'))
    expect(row?.match(/n\/a/g)).toHaveLength(7)
  }
})

test('a notice replaces the warning that says the same', () => {
  const { notices, warnings } = frontMatter(simulatedReport())
  expect(notices).toHaveLength(1)
  expect(warnings).not.toContain('A simulator answered.')
})

test('a run that was never finished is partial too', () => {
  const { run, ...rest } = sampleReport()
  const crashed: Report = { ...rest, run: { ...run, state: 'running' } }
  expect(stampOf(crashed)).toBe('PARTIAL RUN')
})

test('weights that the user declared random are random', () => {
  const { run, ...rest } = sampleReport()
  const { weights: _, ...target } = run.target
  const config = { ...run.config, declaredWeights: 'random' } as const
  expect(stampOf({ ...rest, run: { ...run, target, config } })).toBe('RANDOM WEIGHTS')
})

test('the stamp names everything that is wrong, in the order of weight', () => {
  const { run, ...rest } = partialReport()
  const simulated = { ...run, target: { ...run.target, simulated: true } }
  expect(stampOf({ ...rest, run: simulated })).toBe('SIMULATED, PARTIAL RUN, INVALID')
  expect(stampOf(sampleReport())).toBe('')
})
