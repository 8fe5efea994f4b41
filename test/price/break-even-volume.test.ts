import { describe, expect, test } from 'vitest'
import { figureFinder } from '../../src/price/cost-report.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { statedSubject } from '../../src/price/subject.ts'
import { type Changes, catalogue, figure, scenario } from './fixtures.ts'

/**
 * A box that makes 100 output tokens/s, 8.64 million a day, and is wanted half of that. One box stands at 8,760 USD / 4 years + 10 %
 * support + 0.2 kW x 8,760 h x 1.5 x 0.1 USD/kWh = 2,190 + 876 + 262.8 = 3,328.8 USD a year, and costs 0.8 kW x 8,760 x 0.15 =
 * 1,051.2 USD a year more while it works.
 */
const STANDING_USD = 3328.8
const WORKING_USD = 1051.2
const FULL_TOKENS_PER_DAY = 8_640_000

function priced(usdPerMillionOutputTokens: number, changes: Changes = {}) {
  const sheets = catalogue.sheets.map((sheet) => ({
    ...sheet,
    entries: sheet.entries.map((entry) =>
      entry.kind === 'api'
        ? {
            ...entry,
            usdPerMillionOutputTokens: {
              ...entry.usdPerMillionOutputTokens,
              value: usdPerMillionOutputTokens,
            },
          }
        : entry,
    ),
  }))
  const report = priceSubject(
    statedSubject(100, undefined, '2026-11-30'),
    scenario({ ...changes, demand: { inputPerOutputToken: figure(0), ...changes.demand } }),
    { ...catalogue, sheets },
  )
  const find = figureFinder(report)
  const breakEven = (option: string, against: string, axis: 'volume' | 'utilisation') => {
    const found = report.breakEvens.find(
      (each) => each.option === option && each.against === against && each.axis === axis,
    )
    if (found === undefined) throw new Error(`no break-even of ${option} against ${against}`)
    return { ...found, places: found.at.map((path) => find(path)?.value) }
  }
  return { report, find, breakEven }
}

/** USD a year of an API at so much a million, for a volume a day. */
const apiUsd = (usdPerMillion: number, volume: number) => (usdPerMillion * volume * 365) / 1e6

describe('the volume from which a box costs less than an API', () => {
  test('at 6 USD a million it is where 0.00219 x volume = 3,328.8 + 1,051.2 x volume / 8.64 million', () => {
    const { breakEven, find } = priced(6)
    const found = breakEven('own', 'api', 'volume')
    const volume = STANDING_USD / (0.00219 - WORKING_USD / FULL_TOKENS_PER_DAY)
    expect(found.outcome).toBe('at')
    expect(found.places).toEqual([expect.closeTo(volume, 3)])
    expect(found.explanation).toBe(
      'Below it own costs more than api, above it less: more volume carries its standing costs.',
    )
    expect(find('breakEvens.own.api.volume.0.utilisationRatio')?.value).toBeCloseTo(
      volume / FULL_TOKENS_PER_DAY,
      9,
    )
    expect(find('breakEvens.own.api.volume.0')).toMatchObject({
      unit: 'output tokens/day',
      from: ['demand.outputTokensPerDay', 'options.own.usdPerYear', 'options.api.usdPerYear'],
    })
  })

  test('at 1.50 USD it is a band: each new box is dearer until it fills, up to the tenth', () => {
    // Of k boxes, at k x 3,328.8 / (547.5e-6 - 121.667e-6) tokens a day; k full ones need one more and are dearer while
    // 3,328.8 > k x (4,730.4 - 1,051.2 - 3,328.8).
    const { breakEven } = priced(1.5)
    const found = breakEven('own', 'api', 'volume')
    const first = STANDING_USD / (547.5e-6 - WORKING_USD / FULL_TOKENS_PER_DAY)
    expect(found.outcome).toBe('band')
    expect(found.places).toEqual([expect.closeTo(first, 3), expect.closeTo(10 * first, 2)])
    expect(found.explanation).toContain('between them it depends on how full the last server is')
    expect(apiUsd(1.5, first)).toBeCloseTo(
      STANDING_USD + (WORKING_USD * first) / FULL_TOKENS_PER_DAY,
      6,
    )
  })

  test('at 1 USD it never is, as full boxes cost 1.39', () => {
    const { breakEven } = priced(1)
    for (const axis of ['volume', 'utilisation'] as const)
      expect(breakEven('own', 'api', axis)).toMatchObject({ outcome: 'never', at: [] })
  })

  test('a free box is cheaper at every volume', () => {
    const free = {
      serverPriceUsd: figure(0),
      serverPowerW: { load: figure(1), idle: figure(0) },
    }
    expect(priced(6, { own: free }).breakEven('own', 'api', 'volume')).toMatchObject({
      outcome: 'always',
      at: [],
    })
  })

  test('is not known where the throughput is not', () => {
    const report = priceSubject(
      { ...statedSubject(100, undefined, undefined), points: [] },
      scenario(),
      catalogue,
    )
    // own and rent against each other and the API, and by utilisation; own against both in months.
    expect(report.breakEvens.map(({ outcome }) => outcome)).toEqual(Array(8).fill('unknown'))
    expect(report.curves).toEqual([])
    expect(report.uncertainty).toBeUndefined()
  })
})

describe('the utilisation from which the box of today costs less than an API', () => {
  test('at 1.50 USD is 3,328.8 / (4,730.4 - 1,051.2)', () => {
    const found = priced(1.5).breakEven('own', 'api', 'utilisation')
    expect(found.outcome).toBe('at')
    expect(found.places).toEqual([expect.closeTo(STANDING_USD / (4730.4 - WORKING_USD), 9)])
  })

  test('is never where the highest hour of the demand fills the box before', () => {
    // Twice as much by day as on average: half full at the most.
    const byDay = { hourWeights: Array.from({ length: 24 }, (_, hour) => (hour < 12 ? 0 : 1)) }
    const { breakEven, report } = priced(1.5, {
      demand: { ...byDay, amount: { kind: 'share-of-server', ratio: figure(0.4) } },
    })
    expect(breakEven('own', 'api', 'utilisation').outcome).toBe('never')
    const curve = report.curves.find(({ axis }) => axis === 'utilisation')
    const own = curve?.series.find(({ option }) => option === 'own')
    expect(own?.x.at(-1)).toBe(0.5)
  })
})

describe('a mix of boxes and an API', () => {
  const { breakEven } = priced(6, {
    options: {
      own: {
        kind: 'owned',
        lifeYears: figure(4),
        residualRatio: figure(0),
        supportRatioPerYear: figure(0.1),
        pueRatio: figure(1.5),
        electricity: 'grid',
      },
      api: { kind: 'api', api: 'api' },
      mix: { kind: 'hybrid', base: 'own', api: 'api' },
    },
  })

  test('is the API alone until a box pays for itself, and cheaper from there on', () => {
    const volume = STANDING_USD / (0.00219 - WORKING_USD / FULL_TOKENS_PER_DAY)
    const found = breakEven('mix', 'api', 'volume')
    expect(found.outcome).toBe('at')
    expect(found.places).toEqual([expect.closeTo(volume, 3)])
    expect(found.explanation).toContain('Below it mix costs as much as api, above it less')
  })

  test('is not held against boxes alone, than which it never costs more', () => {
    expect(() => breakEven('own', 'mix', 'volume')).toThrow('no break-even')
  })
})

describe('cost curves', () => {
  const { report, find } = priced(1.5)
  const [volume, use] = report.curves
  const of = (curve: typeof volume, option: string) =>
    curve?.series.find((each) => each.option === option)?.values

  test('are the model itself at each place: at the demand of today they give the price of today', () => {
    const today = find('demand.outputTokensPerDay')?.value ?? Number.NaN
    const at = volume?.x.indexOf(today) ?? -1
    expect(volume?.x.length).toBe(61)
    for (const option of ['own', 'rent', 'api'])
      expect(of(volume, option)?.[at]).toBeCloseTo(
        find(`options.${option}.usdPerMillionOutputTokens`)?.value ?? Number.NaN,
        9,
      )
  })

  test('of a box by its utilisation are (3,328.8 / utilisation + 1,051.2) / 3,153.6 USD a million', () => {
    const values = of(use, 'own')
    expect(use?.x.at(0)).toBe(0.05)
    expect(use?.x.at(-1)).toBe(1)
    for (const [i, ratio] of (use?.x ?? []).entries())
      expect(values?.[i]).toBeCloseTo((STANDING_USD / ratio + WORKING_USD) / 3153.6, 9)
    for (const value of of(use, 'api') ?? []) expect(value).toBeCloseTo(1.5, 12)
  })
})
