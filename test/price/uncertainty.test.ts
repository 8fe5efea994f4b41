import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { normalCdf, normalQuantile } from '../../src/measure/statistics/normal.ts'
import { type Ledger, startLedger } from '../../src/price/ledger.ts'
import { solveFor } from '../../src/price/uncertainty/indifference.ts'
import {
  cheapestShares,
  quantilesOf,
  type Simulation,
  simulate,
} from '../../src/price/uncertainty/monte-carlo.ts'
import { simulateLedger } from '../../src/price/uncertainty/simulate-ledger.ts'
import { tornado } from '../../src/price/uncertainty/tornado.ts'
import { quantileFunction, type Uncertain } from '../../src/price/uncertainty/uncertain.ts'
import { seededRandom } from '../../src/random.ts'

describe('the normal distribution', () => {
  test('has 2.5 % above 1.959964 and one in a million above 4.753424', () => {
    // Tables; -10.420452 for 1e-25 is Wichura's own third region.
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 13)
    expect(normalQuantile(1 - 1e-6)).toBeCloseTo(4.753424308822899, 9)
    expect(normalQuantile(1e-25)).toBeCloseTo(-10.420452, 5)
    expect(normalQuantile(0.5)).toBe(0)
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY)
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY)
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14)
    // Tables: 1.1286e-19 beyond 9 deviations.
    expect(normalCdf(-9) / 1.1286e-19).toBeCloseTo(1, 4)
    expect(normalCdf(9)).toBe(1)
  })

  test('its two functions undo each other', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
        (p) => Math.abs(normalCdf(normalQuantile(p)) - p) < 1e-13,
      ),
    )
  })
})

describe('what is known of an input', () => {
  test('a range from 2 to 6 is 3 at a quarter', () => {
    expect(quantileFunction({ kind: 'uniform', low: 2, high: 6 })(0.25)).toBe(3)
    expect(quantileFunction({ kind: 'value', value: 7 })(0.9)).toBe(7)
  })

  test('a triangle from 0 over 1 to 4 has a quarter below its peak, and half below 1.55', () => {
    const at = quantileFunction({ kind: 'triangular', low: 0, mode: 1, high: 4 })
    expect(at(0.25)).toBeCloseTo(1, 12)
    // 4 - sqrt(0.5 x 4 x 3).
    expect(at(0.5)).toBeCloseTo(4 - Math.sqrt(6), 12)
    expect(at(0.0625)).toBeCloseTo(0.5, 12)
    expect(quantileFunction({ kind: 'triangular', low: 3, mode: 3, high: 3 })(0.7)).toBe(3)
  })

  test('an interval of 90 % has its ends at the 5 % and 95 % quantiles', () => {
    const normal = quantileFunction({ kind: 'normal', low: 10, high: 20, confidenceRatio: 0.9 })
    expect(normal(0.05)).toBeCloseTo(10, 9)
    expect(normal(0.5)).toBeCloseTo(15, 12)
    expect(normal(0.95)).toBeCloseTo(20, 9)
    const log = quantileFunction({ kind: 'lognormal', low: 1, high: 100, confidenceRatio: 0.9 })
    expect(log(0.05)).toBeCloseTo(1, 9)
    expect(log(0.5)).toBeCloseTo(10, 9)
    expect(log(0.95)).toBeCloseTo(100, 6)
  })

  test('a utilisation cut at 1 never passes it, and half of what is left lies below its median', () => {
    const input = {
      kind: 'normal',
      low: 0.7,
      high: 1.1,
      confidenceRatio: 0.9,
      least: 0,
      most: 1,
    } as const
    const at = quantileFunction(input)
    expect(at(1)).toBeCloseTo(1, 9)
    // P(Z < (1 - 0.9) / sd), sd = 0.2 / 1.644854: half of 0.7946 is 0.3973, at z = -0.2603.
    expect(at(0.5)).toBeCloseTo(0.9 - 0.2603 * (0.2 / 1.644854), 4)
  })

  test('an interval backwards, a peak outside, a price of 0 in logarithms and no room are refused', () => {
    const refused: Uncertain[] = [
      { kind: 'uniform', low: 6, high: 2 },
      { kind: 'triangular', low: 0, mode: 5, high: 4 },
      { kind: 'lognormal', low: 0, high: 4, confidenceRatio: 0.9 },
      { kind: 'normal', low: 0, high: 4, confidenceRatio: 90 },
      { kind: 'normal', low: 0, high: 4, confidenceRatio: 0.9, least: 4, most: 3 },
    ]
    for (const input of refused) expect(() => quantileFunction(input)).toThrow(UserError)
  })
})

const seeded = (seed: number) => (name: string) => seededRandom(seed, name)

describe('a toy model of five options', () => {
  const inputs = {
    utilisation: { kind: 'triangular', low: 0.1, mode: 0.4, high: 0.9 },
    throughput: { kind: 'normal', low: 900, high: 1100, confidenceRatio: 0.95, least: 1 },
    rent: { kind: 'uniform', low: 2, high: 4 },
    apiPrice: { kind: 'lognormal', low: 0.5, high: 5, confidenceRatio: 0.9 },
    kwhPrice: { kind: 'uniform', low: 0.08, high: 0.2 },
    capexPerHour: { kind: 'value', value: 1.2 },
  } as const
  const options = ['owned', 'colocated', 'rented', 'api', 'mixed'] as const
  const model = ([
    use = 0,
    throughput = 0,
    rent = 0,
    apiPrice = 0,
    kwh = 0,
    capex = 0,
  ]: Float64Array) => {
    const millionsPerHour = (throughput * use * 3600) / 1e6
    const owned = (capex + 1.3 * kwh) / millionsPerHour
    return [
      owned,
      owned + 0.4 / millionsPerHour,
      rent / millionsPerHour,
      apiPrice,
      0.7 * owned + 0.3 * apiPrice,
    ]
  }
  const run = (seed: number, draws = 20_000) =>
    simulate(inputs, options, model, draws, seeded(seed))
  const digest = ({ inputs: drawn, outputs }: Simulation<string, string>): string => {
    const hash = createHash('sha256')
    for (const column of [...Object.values(drawn), ...Object.values(outputs)]) hash.update(column)
    return hash.digest('hex')
  }

  test('gives the same bytes for the same seed and others for another', () => {
    expect(digest(run(7))).toBe(digest(run(7)))
    expect(digest(run(7))).not.toBe(digest(run(8)))
  })

  test('100,000 draws are 100,000 numbers for each input and each output', () => {
    const { inputs: drawn, outputs } = run(1, 100_000)
    const columns: Float64Array[] = [...Object.values(drawn), ...Object.values(outputs)]
    const bytes = columns.reduce((total, column) => total + column.byteLength, 0)
    expect(bytes).toBe(11 * 100_000 * 8)
  })

  test('an input more leaves the draws of the others as they were', () => {
    const more = { ...inputs, extra: { kind: 'uniform', low: 0, high: 1 } } as const
    const wider = simulate(more, options, (values) => model(values), 1000, seeded(7))
    expect(wider.inputs.rent).toEqual(run(7, 1000).inputs.rent)
  })

  test('inputs are independent of each other: no correlation beyond 4 standard errors', () => {
    const { rent, kwhPrice } = run(7).inputs
    const n = rent.length
    const centre = (column: Float64Array) => {
      const average = column.reduce((a, b) => a + b, 0) / n
      return column.map((value) => value - average)
    }
    const [a, b] = [centre(rent), centre(kwhPrice)]
    const dot = (u: Float64Array, v: Float64Array) =>
      u.reduce((total, value, i) => total + value * (v[i] as number), 0)
    expect(Math.abs(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))).toBeLessThan(4 / Math.sqrt(n))
  })

  test('the shares of the cheapest add up to 1, and a dearer twin never wins', () => {
    const shares = cheapestShares(run(7).outputs)
    const total = Object.values(shares).reduce<number>((sum, share) => sum + (share ?? 0), 0)
    expect(total).toBeCloseTo(1, 12)
    expect(shares.colocated).toBe(0)
    expect(shares.mixed).toBe(0)
    expect(shares.owned).toBeGreaterThan(0)
    expect(shares.api).toBeGreaterThan(0)
  })
})

describe('what draws say', () => {
  test('a uniform price is under 0.25 in a quarter of them, within 4 standard errors', () => {
    const draws = 40_000
    const { outputs } = simulate(
      { price: { kind: 'uniform', low: 0, high: 1 } },
      ['moving', 'fixed'],
      ([price = Number.NaN]) => [price, 0.25],
      draws,
      seeded(3),
    )
    const error = Math.sqrt((0.25 * 0.75) / draws)
    expect(Math.abs((cheapestShares(outputs).moving ?? 0) - 0.25)).toBeLessThan(4 * error)
    const [median] = quantilesOf(outputs.moving, [0.5])
    expect(Math.abs((median ?? 0) - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / draws))
  })

  test('quantiles are draws: of 1 to 10 the median is 5, the 90 % quantile 9', () => {
    const column = Float64Array.from([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    expect(quantilesOf(column, [0, 0.5, 0.9, 1])).toEqual([1, 5, 9, 10])
    expect(column[0]).toBe(10)
    expect(() => quantilesOf(column, [50])).toThrow(UserError)
  })

  test('a tie is half a win each', () => {
    const outputs = { a: Float64Array.from([1, 2]), b: Float64Array.from([1, 1]) }
    expect(cheapestShares(outputs)).toEqual({ a: 0.25, b: 0.75 })
  })

  test('a mix that costs what one of its parts does is that part, and wins where it beats both', () => {
    const outputs = {
      own: Float64Array.from([1, 3, 3]),
      api: Float64Array.from([2, 1, 2]),
      mix: Float64Array.from([1 - 1e-16, 1, 1.5]),
    }
    expect(cheapestShares(outputs, ['mix'])).toEqual({ own: 1 / 3, api: 1 / 3, mix: 1 / 3 })
  })

  test('one unknown draw leaves quantiles and shares unknown, never cheap', () => {
    const { outputs } = simulate(
      { x: { kind: 'uniform', low: 0, high: 1 } },
      ['known', 'unknown'],
      ([x = Number.NaN]) => [x, x > 0.5 ? Number.NaN : 0],
      100,
      seeded(3),
    )
    expect(quantilesOf(outputs.unknown, [0.5])).toEqual([undefined])
    expect(cheapestShares(outputs)).toEqual({ known: undefined, unknown: undefined })
    expect(cheapestShares({ known: outputs.known })).toEqual({ known: 1 })
    expect(quantilesOf(new Float64Array(0), [0.5])).toEqual([undefined])
  })

  test('a generator’s 0 is no minus infinity', () => {
    const input = { kind: 'normal', low: 1, high: 2, confidenceRatio: 0.9 } as const
    const { outputs } = simulate(
      { x: input },
      ['y'],
      (values) => values,
      1,
      () => () => 0,
    )
    // 6.3 standard deviations under the middle.
    expect(outputs.y[0]).toBeCloseTo(1.5 - 6.3372 * (0.5 / 1.644854), 3)
  })

  test('no draw, or half of one, is none', () => {
    const none = (draws: number) => simulate({}, ['a'], () => [1], draws, seeded(1))
    expect(() => none(0)).toThrow(UserError)
    expect(() => none(1.5)).toThrow(UserError)
  })
})

/** Costs `a` and `b`, worked from inputs x = 1 (0 to 2) and y = 2 (0 to 3, likeliest 2), and z = 3, which is certain. */
function ledgerOf(
  a: (x: number, y: number, z: number) => number | undefined,
  b: (x: number, y: number, z: number) => number | undefined = () => 4,
): Ledger {
  const rows = startLedger()
  const input = (path: string, value: number, uncertain?: Uncertain) =>
    rows.input({ path, label: path, unit: 'USD', value, origin: 'choice', source: 's', uncertain })
  const from = [
    input('x', 1, { kind: 'uniform', low: 0, high: 2 }),
    input('y', 2, { kind: 'triangular', low: 0, mode: 2, high: 3 }),
    input('z', 3),
  ]
  const cost = (id: string, work: typeof a) =>
    rows.result({
      path: `options.${id}.usdPerYear`,
      label: id,
      unit: 'USD/year',
      formula: '?',
      from,
      work: ([x = 0, y = 0, z = 0]) => work(x, y, z),
    })
  cost('a', a)
  cost('b', b)
  return rows.ledger()
}

describe('draws of a ledger', () => {
  const [a, b] = ['options.a.usdPerYear', 'options.b.usdPerYear']

  test('move what is uncertain and leave the rest: x + z goes from 3 to 5', () => {
    const ledger = ledgerOf((x, _, z) => x + z)
    const { inputs, outputs } = simulateLedger(ledger, [a, b], 1000, seeded(1))
    expect(Object.keys(inputs)).toEqual(['x', 'y'])
    expect(outputs[a]).toEqual(inputs.x?.map((x) => x + 3))
    expect(outputs[b]?.every((cost) => cost === 4)).toBe(true)
  })

  test('are the same bytes for the same seed, whatever else is drawn beside them', () => {
    const ledger = ledgerOf(
      (x, y) => x * y,
      (x) => x,
    )
    const bytes = (wanted: string[], seed: number) =>
      Buffer.from(
        simulateLedger(ledger, wanted, 1000, seeded(seed)).outputs[a]?.buffer as ArrayBuffer,
      ).toString('hex')
    expect(bytes([a], 5)).toBe(bytes([a, b], 5))
    expect(bytes([a], 5)).not.toBe(bytes([a], 6))
  })
})

describe('which input matters', () => {
  test('of x + 10 y + z, from the 10 % to the 90 % quantiles: y swings more than x, and z has no bar', () => {
    const { base, bars } = tornado(
      ledgerOf((x, y, z) => x + 10 * y + z),
      'options.a.usdPerYear',
      0.1,
    )
    // As it is, not at the medians.
    expect(base).toBe(24)
    expect(bars.map(({ input }) => input)).toEqual(['y', 'x'])
    // Two thirds of the triangle lie below 2: sqrt(0.1 x 3 x 2) and 3 - sqrt(0.1 x 3 x 1).
    expect(bars[0]?.lowInput).toBeCloseTo(Math.sqrt(0.6), 12)
    expect(bars[0]?.highInput).toBeCloseTo(3 - Math.sqrt(0.3), 12)
    expect(bars[0]?.atLow).toBeCloseTo(4 + 10 * Math.sqrt(0.6), 12)
    expect(bars[1]?.swing).toBeCloseTo(1.6, 12)
  })

  test('a bar that is unknown at one end comes last', () => {
    const { bars } = tornado(
      ledgerOf((x, y) => (y > 2.2 ? undefined : x)),
      'options.a.usdPerYear',
      0.1,
    )
    expect(bars.map(({ input }) => input)).toEqual(['x', 'y'])
    expect(bars[1]?.swing).toBeUndefined()
  })
})

describe('what would have to be true', () => {
  const range = { low: 0, high: 5 }

  test('x x costs 4 at 2: below it a is cheaper, above it b', () => {
    const found = solveFor(
      ledgerOf((x) => x * x),
      'x',
      'a',
      'b',
      range,
    )
    expect(found.outcome).toBe('at')
    expect(found.places).toEqual([
      { value: expect.closeTo(2, 10), jumps: false, cheaperBelow: 'a', cheaperAbove: 'b' },
    ])
    expect(found.explanation).toBe('Below it a costs less than b, above it more.')
  })

  test('nothing: a stays dearer, both cost the same, or a bill is unknown', () => {
    const with2 = (a: (x: number) => number | undefined, b?: (x: number) => number) =>
      solveFor(ledgerOf(a, b), 'x', 'a', 'b', range)
    expect(with2((x) => x + 10)).toMatchObject({ outcome: 'never', dearer: 'a', places: [] })
    expect(with2((x) => -x)).toMatchObject({ outcome: 'never', dearer: 'b' })
    expect(
      with2(
        (x) => x,
        (x) => x,
      ),
    ).toMatchObject({ outcome: 'same', places: [] })
    expect(with2(() => undefined)).toMatchObject({ outcome: 'unknown', low: undefined })
    expect(with2((x) => (x > 1 && x < 2 ? undefined : x))).toMatchObject({ outcome: 'unknown' })
  })

  test('whole servers at 1 each pass 2.5 where the third is bought, in a step', () => {
    const found = solveFor(
      ledgerOf(
        (x) => Math.ceil(x),
        () => 2.5,
      ),
      'x',
      'a',
      'b',
      range,
    )
    expect(found.places).toEqual([
      { value: expect.closeTo(2, 12), jumps: true, cheaperBelow: 'a', cheaperAbove: 'b' },
    ])
    expect(found.explanation).toContain('in a step')
  })

  test('a parabola through 4 twice has two places, and one that is known from 1 on is sought from there', () => {
    const twice = solveFor(
      ledgerOf((x) => 4 + (x - 1.01) * (x - 3.03)),
      'x',
      'a',
      'b',
      range,
    )
    expect(twice.places.map(({ value }) => value)).toEqual([
      expect.closeTo(1.01, 10),
      expect.closeTo(3.03, 10),
    ])
    expect(twice.places.map(({ cheaperAbove }) => cheaperAbove)).toEqual(['a', 'b'])
    const part = solveFor(
      ledgerOf((x) => (x < 1 ? undefined : 2 * x)),
      'x',
      'a',
      'b',
      range,
    )
    expect(part).toMatchObject({ outcome: 'at', low: 1, high: 5 })
  })

  test('where a costs what b does until 3 and less from there on, there is one place', () => {
    const found = solveFor(
      ledgerOf((x) => Math.min(4, 7 - x)),
      'x',
      'a',
      'b',
      range,
    )
    expect(found.places).toEqual([
      { value: expect.closeTo(3, 9), jumps: false, cheaperBelow: undefined, cheaperAbove: 'a' },
    ])
  })

  test('without a range it is sought from a thousandth to a thousand times the value', () => {
    const found = solveFor(
      ledgerOf((x) => x),
      'x',
      'a',
      'b',
    )
    expect(found).toMatchObject({ low: 0.001, high: 1000, value: 1, unit: 'USD' })
    expect(found.places[0]?.value).toBeCloseTo(4, 9)
  })

  test('no input, no option and a range backwards are refused by name', () => {
    const ledger = ledgerOf((x) => x)
    expect(() => solveFor(ledger, 'w', 'a', 'b')).toThrow('There is no figure w.')
    expect(() => solveFor(ledger, 'options.a.usdPerYear', 'a', 'b')).toThrow('is no input')
    expect(() => solveFor(ledger, 'x', 'a', 'c')).toThrow('There is no option "c".')
    expect(() => solveFor(ledger, 'x', 'a', 'b', { low: 5, high: 0 })).toThrow(UserError)
  })
})
