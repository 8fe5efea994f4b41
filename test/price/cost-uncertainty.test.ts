import { describe, expect, test } from 'vitest'
import { figureFinder } from '../../src/price/cost-report.ts'
import { uncertainOf } from '../../src/price/options/context.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { type Subject, statedSubject } from '../../src/price/subject.ts'
import { type Changes, catalogue, figure, scenario } from './fixtures.ts'

/**
 * A box of 8,760 USD at 100 output tokens/s that is wanted half: 2,190 + 876 + 788.4 = 3,854.4 USD for 1,576.8 million output tokens a
 * year, 2.4444 a million; an API at 1 + 4 USD a million costs 4, where there is no input.
 */
const MILLIONS = 1576.8
const stated = statedSubject(100, undefined, '2026-11-30')

function priced(changes: Changes = {}, subject: Subject = stated) {
  const report = priceSubject(
    subject,
    scenario({
      ...changes,
      scenario: { uncertainty: { draws: 10_000 }, ...changes.scenario },
      demand: { inputPerOutputToken: figure(0), ...changes.demand },
    }),
    catalogue,
  )
  const find = figureFinder(report)
  return { report, find, value: (path: string) => find(path)?.value }
}

const price = (low: number, high: number, law = 'uniform') =>
  figure((low + high) / 2, { range: { low, high, law } })

describe('draws of a price', () => {
  // 0.35 x the price of the server a year, and 788.4 USD of electricity.
  const uncertain = { own: { serverPriceUsd: price(0, 20_000) } }
  const costAt = (serverUsd: number) => (0.35 * serverUsd + 788.4) / MILLIONS

  test('a server between 0 and 20,000 USD: 5 %, half and 95 % of it, within 4 standard errors', () => {
    const { value, report } = priced(uncertain)
    const error = (p: number) => 4 * Math.sqrt((p * (1 - p)) / 10_000) * 20_000
    for (const [name, p] of [
      ['low', 0.05],
      ['median', 0.5],
      ['high', 0.95],
    ] as const) {
      const found = value(`uncertainty.options.own.${name}`) ?? Number.NaN
      expect(Math.abs(found - costAt(p * 20_000))).toBeLessThan(costAt(error(p)) - costAt(0))
    }
    expect(report.uncertainty).toMatchObject({
      draws: 10_000,
      seed: 1,
      inputs: ['options.own.serverPriceUsd'],
      leftOut: [],
    })
  })

  test('it beats 4 USD a million while the server costs less than 15,768', () => {
    const { value, find } = priced(uncertain)
    // (4 x 1,576.8 - 788.4) / 0.35.
    const p = (4 * MILLIONS - 788.4) / 0.35 / 20_000
    const own = value('uncertainty.options.own.cheapestRatio') ?? Number.NaN
    expect(Math.abs(own - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 10_000))
    expect(own + (value('uncertainty.options.api.cheapestRatio') ?? 0)).toBeCloseTo(1, 12)
    expect(find('uncertainty.options.own.cheapestRatio')?.formula).toContain(
      'share of 10000 draws of the uncertain inputs, seed 1',
    )
    expect(find('uncertainty.options.own.low')?.from).toEqual([
      'options.own.usdPerMillionOutputTokens',
      'options.own.serverPriceUsd',
    ])
  })

  test('an option that fails a requirement wins none of them, and takes none from the others', () => {
    const { value, find } = priced({
      ...uncertain,
      own: { ...uncertain.own, control: { airGapped: true } },
      scenario: { requirements: { airGap: true } },
    })
    expect(value('uncertainty.options.own.cheapestRatio')).toBe(1)
    expect(find('uncertainty.options.api.cheapestRatio')).toMatchObject({
      value: undefined,
      note: 'not ranked: it does not meet every requirement',
    })
    expect(value('uncertainty.options.api.median')).toBeCloseTo(4, 12)
  })

  test('an option whose bill is unknown is left out, and said to be', () => {
    const { report, value } = priced({
      ...uncertain,
      api: { batchShareRatio: figure(0.5) },
    })
    expect(report.uncertainty?.leftOut).toEqual(['api'])
    expect(report.uncertainty?.options.map(({ option }) => option)).toEqual(['own', 'rent'])
    expect(value('uncertainty.options.own.cheapestRatio')).toBe(1)
  })

  test('without an uncertain input there is nothing to draw', () => {
    expect(priced().report.uncertainty).toBeUndefined()
  })

  test('the throughput of a run brings its interval: fewer tokens from a box, and the same mix', () => {
    const seen = {
      ...stated,
      points: stated.points.map((point) => ({
        ...point,
        inputTokensPerS: 200,
        requestsPerS: 10,
        interval: { low: 90, high: 110 },
      })),
    }
    const { report, value } = priced({ demand: { inputPerOutputToken: undefined } }, seen)
    expect(report.uncertainty?.inputs).toEqual(['measured.outputTokensPerS'])
    // 2 x 1 + 4 USD in every draw.
    expect(value('uncertainty.options.api.low')).toBeCloseTo(6, 12)
    expect(value('uncertainty.options.api.high')).toBeCloseTo(6, 12)
    expect(value('uncertainty.options.own.high')).toBeGreaterThan(
      value('uncertainty.options.own.low') ?? Number.NaN,
    )
  })

  test('a seed gives the same numbers again, and another seed others', () => {
    const at = (seed: number) =>
      JSON.stringify(
        priced({ ...uncertain, scenario: { uncertainty: { draws: 500, seed } } }).report,
      )
    expect(at(3)).toBe(at(3))
    expect(at(3)).not.toBe(at(4).replaceAll('"seed":4', '"seed":3').replaceAll('seed 4', 'seed 3'))
  })
})

describe('the tornado of a price', () => {
  const { report, value } = priced({
    own: { serverPriceUsd: price(0, 20_000), pueRatio: price(1, 2) },
  })
  const tornado = report.uncertainty?.tornado

  test('is of the first machines of one’s own, around their price as it is', () => {
    expect(tornado?.option).toBe('own')
    expect(tornado?.base).toBe('options.own.usdPerMillionOutputTokens')
    expect(value(tornado?.base ?? '')).toBeCloseTo((3500 + 788.4) / MILLIONS, 12)
  })

  test('has the server before the PUE, each from its 5 % to its 95 % quantile', () => {
    expect(tornado?.bars.map(({ input }) => input)).toEqual([
      'options.own.serverPriceUsd',
      'options.own.pueRatio',
    ])
    const [server, pue] = tornado?.bars ?? []
    expect(value(server?.lowInput ?? '')).toBeCloseTo(1000, 6)
    expect(value(server?.highInput ?? '')).toBeCloseTo(19_000, 6)
    expect(value(server?.atLow ?? '')).toBeCloseTo((350 + 788.4) / MILLIONS, 9)
    expect(value(server?.atHigh ?? '')).toBeCloseTo((6650 + 788.4) / MILLIONS, 9)
    // 525.6 USD a year for each 1 of PUE.
    expect(value(pue?.atHigh ?? '')).toBeCloseTo((3500 + 1.95 * 525.6) / MILLIONS, 9)
  })
})

describe('a range of a figure', () => {
  const range = (low: number, high: number, unit: string, law: 'normal' | 'lognormal' = 'normal') =>
    uncertainOf({ value: low, source: 's', kind: 'quote', range: { low, high, law } }, unit)

  test('of a normal law is cut where there can be nothing: a price at 0, a share at 0 and 1, a PUE at 1', () => {
    expect(range(1, 2, 'USD')).toMatchObject({ least: 0, confidenceRatio: 0.9 })
    expect(range(1, 2, 'USD')).not.toHaveProperty('most')
    expect(range(0.2, 0.9, 'ratio')).toMatchObject({ least: 0, most: 1 })
    expect(range(1.2, 1.6, 'ratio')).toMatchObject({ least: 1 })
    expect(range(1.2, 1.6, 'ratio')).not.toHaveProperty('most')
    expect(range(1, 2, 'USD', 'lognormal')).not.toHaveProperty('least')
  })

  test('of no width is a value', () => {
    expect(range(1, 1, 'USD')).toBeUndefined()
  })

  test('of a lognormal law that reaches 0 is refused where it is written', () => {
    const spread = { low: 0, high: 2, law: 'lognormal' }
    expect(() => scenario({ own: { serverPriceUsd: figure(1, { range: spread }) } })).toThrow(
      'above 0 for a lognormal range',
    )
  })
})
