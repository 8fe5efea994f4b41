import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { figureFinder } from '../../src/price/cost-report.ts'
import { quickPrice, type StatedPrice } from '../../src/price/quick.ts'

const value = (stated: StatedPrice, name: string) =>
  figureFinder({ figures: quickPrice(stated) })(`stated.${name}`)?.value

test('a machine at 3.60 USD an hour that makes 1,000 tokens a second makes a million for a dollar', () => {
  const stated = { outputTokensPerS: 1000, usdPerHour: 3.6 }
  expect(value(stated, 'usdPerMillionOutputTokens')).toBeCloseTo(1, 12)
  expect(value(stated, 'millionOutputTokensPerDay')).toBeCloseTo(86.4, 12)
})

test('half used it costs twice as much, and with as much input half as much a token', () => {
  const half = { outputTokensPerS: 1000, usdPerHour: 3.6, utilisationRatio: 0.5 }
  expect(value(half, 'usdPerMillionOutputTokens')).toBeCloseTo(2, 12)
  expect(value({ ...half, inputTokensPerS: 1000 }, 'usdPerMillionTotalTokens')).toBeCloseTo(1, 12)
})

test('without an input throughput there is no price of all tokens', () => {
  expect(value({ outputTokensPerS: 1, usdPerHour: 1 }, 'usdPerMillionTotalTokens')).toBeUndefined()
})

test('a utilisation in per cent, or no throughput, is refused', () => {
  const stated = { outputTokensPerS: 1000, usdPerHour: 3.6 }
  expect(() => quickPrice({ ...stated, utilisationRatio: 45 })).toThrow('utilisation')
  expect(() => quickPrice({ ...stated, utilisationRatio: 0 })).toThrow('utilisation')
  expect(() => quickPrice({ ...stated, outputTokensPerS: 0 })).toThrow('throughput')
})

const file =
  process.env.BAREMARK_TCO_CASES === undefined
    ? fileURLToPath(
        new URL('../../../shared/cases/tco/lenovo-2026-cost-per-mtok-70b.yaml', import.meta.url),
      )
    : `${process.env.BAREMARK_TCO_CASES}/lenovo-2026-cost-per-mtok-70b.yaml`

test.skipIf(!existsSync(file))('what was published of such two numbers comes out', () => {
  const { checks } = parse(readFileSync(file, 'utf8')) as {
    checks: {
      formula: string
      inputs: { rate_usd_per_hour: number; tokens_per_second: number }
      expected: { usd_per_mtok: number }
      recomputed: { usd_per_mtok: number }
      tolerance: { abs: number }
    }[]
  }
  const prices = checks.filter(({ formula }) => formula === 'usd_per_mtok')
  expect(prices.map(({ inputs }) => inputs.rate_usd_per_hour)).toContain(12.08)
  for (const { inputs, expected, recomputed, tolerance } of prices) {
    const usd = value(
      { outputTokensPerS: inputs.tokens_per_second, usdPerHour: inputs.rate_usd_per_hour },
      'usdPerMillionOutputTokens',
    )
    expect(Math.abs((usd ?? Number.NaN) - expected.usd_per_mtok)).toBeLessThanOrEqual(tolerance.abs)
    expect(usd).toBeCloseTo(recomputed.usd_per_mtok, 6)
  }
})
