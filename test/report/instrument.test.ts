import { expect, test } from 'vitest'
import { reportFormats } from '../../src/report/index.ts'
import { instrumentLine, instrumentRows } from '../../src/report/instrument-facts.ts'
import { emptyReport, openLoopReport, sampleReport, variants } from './sample-report.ts'

const made = 'certificate of 2026-03-03 09:30 UTC, Node v24.21.0, chunks spread over time'

test('the line gives the worst of the levels that are known, and why the others are not', () => {
  expect(instrumentLine(sampleReport())).toBe(
    `Instrument error: TTFT +0.400 ms p50, 2.000 ms p99; gaps 0.020 ms p50, 0.500 ms p99 (${made}). ` +
      'Not known at 8 users: this level had 8 streams, calibrated up to 4: run `baremark calibrate --concurrency 8 --chunks-per-s 210`.',
  )
})

test('the worst level speaks for all', () => {
  const report = sampleReport()
  const [first, ...others] = report.summary.points
  if (first?.instrument.error.kind !== 'certified') throw new Error('the sample is certified')
  const { ttftErrorMs } = first.instrument.error
  const worse = { ...ttftErrorMs, p50: { ...ttftErrorMs.p50, value: 0.75 } }
  const error = { ...first.instrument.error, ttftErrorMs: worse }
  const points = [{ ...first, instrument: { ...first.instrument, error } }, ...others]
  expect(instrumentLine({ ...report, summary: { ...report.summary, points } })).toMatch(
    /^Instrument error: TTFT \+0\.750 ms p50, 2\.000 ms p99;/,
  )
})

test('under 662 requests there is no p99, and the largest error stands in its place', () => {
  expect(instrumentLine(openLoopReport())).toContain('TTFT +0.310 ms p50, largest 4.200 ms;')
})

test('without a certificate it says that nothing is known, and what to do', () => {
  expect(instrumentLine(emptyReport())).toBe(
    'Instrument error: not known, no certificate: run `baremark calibrate`.',
  )
})

test('the table has a cell under every heading, and n/a where nothing is known', () => {
  const rows = instrumentRows(sampleReport())
  expect(rows[0]?.slice(0, 7)).toEqual([
    '1 user',
    '0.997',
    '164',
    '1 user, 500/s',
    '0.100',
    '1.000',
    '3.000',
  ])
  expect(rows[3]?.slice(2)).toEqual(['1,498', ...Array(11).fill('n/a')])
})

for (const { name, render } of reportFormats) {
  test.each(Object.entries(variants))(`${name} states it of "%s"`, async (_variant, make) => {
    const text = (await render(make())).replaceAll(/\s+/g, ' ')
    expect(text).toMatch(/Instrument error: (TTFT \+\d|not known)/)
  })
}
