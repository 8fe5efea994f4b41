import { expect, test } from 'vitest'
import {
  formatCount,
  formatDate,
  formatInterval,
  formatMs,
  formatNumber,
  formatPercent,
  formatPercentile,
  formatStated,
  formatStatedMs,
  formatTokens,
  formatUsd,
  formatWithin,
} from '../../src/report/format.ts'

test.each([
  [0, '0'],
  [-0, '0'],
  [0.01234, '0.0123'],
  [0.5, '0.500'],
  [9.996, '10.0'],
  [12, '12.0'],
  [99.96, '100'],
  [999.6, '1,000'],
  [1234.5, '1,235'],
  [12_345_678, '12,345,678'],
  [-1234.5, '-1,235'],
  [0.00012, '0.000120'],
  [1.5e-9, '1.50e-9'],
])('%d is written %s: three digits, but whole units are never rounded away', (value, text) => {
  expect(formatNumber(value)).toBe(text)
})

test.each([undefined, Number.NaN, Number.POSITIVE_INFINITY])(
  '%s is n/a in every formatter',
  (value) => {
    const formatters = [
      formatNumber,
      formatCount,
      formatStated,
      formatMs,
      formatStatedMs,
      formatUsd,
      formatPercent,
      formatTokens,
    ]
    for (const format of formatters) expect(format(value)).toBe('n/a')
  },
)

test.each([
  [0.41234, 0.0216, '0.412 ± 0.022'],
  [0.4, 0.0996, '0.40 ± 0.10'],
  [70_080, 3_548.6, '70,080 ± 3,549'],
  [3, 0, '3.00 ± 0'],
  [3, undefined, '3.00 ± n/a'],
  [undefined, 0.1, 'n/a'],
])('%d within %d is written %s: to the second digit of what is not sure', (value, by, text) => {
  expect(formatWithin(value, by)).toBe(text)
})

test('a small price keeps its digits, and a large one drops its cents', () => {
  expect(formatUsd(0.012345)).toBe('$0.0123')
  expect(formatUsd(0.9996)).toBe('$1.00')
  expect(formatUsd(6.8446)).toBe('$6.84')
  expect(formatUsd(1234.56)).toBe('$1,235')
  expect(formatUsd(0)).toBe('$0')
  expect(formatUsd(-2.5)).toBe('-$2.50')
})

test('milliseconds turn into seconds from ten seconds on', () => {
  expect(formatMs(188.46)).toBe('188 ms')
  expect(formatMs(9_999)).toBe('9,999 ms')
  expect(formatMs(12_345)).toBe('12.3 s')
})

test('a stated figure keeps its digits and gains none', () => {
  expect(formatStated(0.08)).toBe('0.08')
  expect(formatStated(0.1 + 0.2)).toBe('0.3')
  expect(formatStated(36_000)).toBe('36,000')
  expect(formatStated(1_234_567)).toBe('1,234,567')
  expect(formatStatedMs(500)).toBe('500 ms')
  expect(formatStatedMs(2_500)).toBe('2.5 s')
})

test('what is short of everything is not 100 %', () => {
  expect(formatPercent(1)).toBe('100 %')
  expect(formatPercent(0.99971)).toBe('>99.9 %')
  expect(formatPercent(0.4)).toBe('40 %')
  expect(formatPercent(0.345)).toBe('34.5 %')
  expect(formatPercent(0)).toBe('0 %')
})

test('large token counts are in words', () => {
  expect(formatTokens(73_200_000)).toBe('73.2 million')
  expect(formatTokens(1.5e9)).toBe('1.50 billion')
  expect(formatTokens(12_300)).toBe('12,300')
})

test('a withheld percentile says how many samples it needs and has', () => {
  expect(formatPercentile({ p: 95, n: 97, withheldUntilN: 130 })).toBe('n/a (needs 130, has 97)')
  expect(formatPercentile({ p: 95, n: 0, withheldUntilN: 130 })).toBe('n/a (no samples)')
  expect(formatPercentile({ p: 50, n: 12 })).toBe('n/a (not measured)')
  expect(formatPercentile({ p: 50, n: 12, value: 41.23 }, formatMs)).toBe('41.2 ms')
})

test('a value is never shown beside the statement that it is withheld', () => {
  const contradictory = { p: 95, n: 97, value: 12, low: 11, high: 13, withheldUntilN: 130 }
  expect(formatPercentile(contradictory)).toBe('n/a (needs 130, has 97)')
  expect(formatInterval(contradictory)).toBe('n/a')
})

test('an interval without an upper end says so', () => {
  expect(formatInterval({ p: 99, n: 700, value: 264, low: 246, high: 291 })).toBe('246 to 291')
  expect(formatInterval({ p: 99, n: 700, value: 264, low: 246 })).toBe('246 or more')
  expect(formatInterval({ p: 50, n: 3, value: 264, high: 291 })).toBe('up to 291')
  expect(formatInterval({ p: 50, n: 3, value: 264 })).toBe('n/a')
})

test('a date is in UTC and says so', () => {
  expect(formatDate('2026-03-04T10:15:00.000Z')).toBe('2026-03-04 10:15 UTC')
  expect(formatDate('2026-03-04')).toBe('2026-03-04')
})
