import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocationResults } from '../../src/price/allocation/allocation-rows.ts'
import { measuredShapes } from '../../src/price/allocation/measured-shapes.ts'
import { allocationMethods } from '../../src/price/cost-report.ts'
import { type Subject, statedSubject, withShapesOf } from '../../src/price/subject.ts'
import { figure, scenario } from './fixtures.ts'
import { priced, subject, worked } from './stated.ts'

const kinds = [
  ['usdPerMillionInputTokens', 'inputTokensPerYear'],
  ['usdPerMillionCachedInputTokens', 'cachedInputTokensPerYear'],
  ['usdPerMillionOutputTokens', 'outputTokensPerYear'],
] as const

/** What all tokens come to at the prices of a method. */
function billedBy(at: (path: string) => number | undefined, id: string, method: string): number {
  return kinds.reduce((sum, [price, tokens]) => {
    const count = at(`demand.${tokens}`) as number
    const usd = at(`options.${id}.allocation.${method}.${price}`)
    return sum + (count === 0 ? 0 : (count / 1e6) * (usd as number))
  }, 0)
}

/** With times of prefill and decode, and loads of other shapes. */
function measured(prefillS: number, decodeS: number, parts: Partial<Subject> = {}): Subject {
  return {
    ...subject,
    points: subject.points.map((point) => ({
      ...point,
      prefillSPerRequest: prefillS,
      decodeSPerRequest: decodeS,
    })),
    ...parts,
  }
}

describe('a bill shared between kinds of tokens', () => {
  // 3,854.40 a year; 15,768 M output tokens, 31,536 M of input, a quarter of them cached.
  const cached = { cachedInputRatio: figure(0.25) }

  test('in the ratio of prices 1 to 0.1 to 4: 3,854.40 / (23,652 + 788.4 + 63,072) M', () => {
    const allocation = {
      outputToInputPriceRatio: figure(4),
      cachedToInputPriceRatio: figure(0.1),
    }
    const { at } = priced(scenario({ demand: cached, scenario: { allocation } }))
    const unit = 3854.4 / (23_652 + 788.4 + 63_072)
    expect(at('options.own.allocation.priceRatio.usdPerMillionInputTokens')).toBeCloseTo(unit, 9)
    expect(at('options.own.allocation.priceRatio.usdPerMillionCachedInputTokens')).toBeCloseTo(
      unit / 10,
      9,
    )
    expect(at('options.own.allocation.priceRatio.usdPerMillionOutputTokens')).toBeCloseTo(
      4 * unit,
      9,
    )
  })

  test("where no ratio is stated, it is that of the first API's prices", () => {
    const { at } = priced(scenario())
    expect(at('allocation.outputToInputPriceRatio')).toBe(4)
    // No price for cached tokens is listed: they are billed as input.
    expect(at('allocation.cachedToInputPriceRatio')).toBe(1)
  })

  test('by phases of 0.2 and 1.8 s: a tenth on the computed input, nothing on the cached', () => {
    const { at, report } = priced(scenario({ demand: cached }), measured(0.2, 1.8))
    const of = (name: string) => at(`options.own.allocation.phaseTime.${name}`)
    expect(of('usdPerMillionInputTokens')).toBeCloseTo(385.44 / 23_652, 9)
    expect(of('usdPerMillionCachedInputTokens')).toBe(0)
    expect(of('usdPerMillionOutputTokens')).toBeCloseTo(3468.96 / 15_768, 9)
    const prefill = report.figures.find(({ path }) => path === 'measured.prefillSPerRequest')
    expect(prefill?.note).toContain('queue')
  })

  test('by energy of 0.1 J for a token in and 2 J for one out', () => {
    const allocation = { prefillJPerInputToken: figure(0.1), decodeJPerOutputToken: figure(2) }
    const { at } = priced(scenario({ demand: cached, scenario: { allocation } }))
    const joules = 23_652 * 0.1 + 15_768 * 2
    expect(at('options.own.allocation.energy.usdPerMillionInputTokens')).toBeCloseTo(
      (3854.4 * 0.1) / joules,
      9,
    )
    expect(at('options.own.allocation.energy.usdPerMillionOutputTokens')).toBeCloseTo(
      (3854.4 * 2) / joules,
      9,
    )
  })

  test('by two loads of other shape: a token out takes nine times one in', () => {
    // 1 s of the machine = 1e-4 x 1,000 + 9e-4 x 1,000, and = 1e-4 x 5,500 + 9e-4 x 500.
    const mostlyInput = statedSubject(500, 5500, '2026-11-30')
    const even = statedSubject(1000, 1000, '2026-11-30')
    const { at } = priced(scenario(), withShapesOf(even, [mostlyInput]))
    const of = (name: string) => at(`options.own.allocation.regression.${name}`) as number
    expect(of('usdPerMillionOutputTokens') / of('usdPerMillionInputTokens')).toBeCloseTo(9, 6)
    expect(billedBy(at, 'own', 'regression')).toBeCloseTo(at('options.own.usdPerYear') as number, 6)
  })

  test('an API is not shared: its list is its prices', () => {
    const { report } = priced(scenario(), measured(0.2, 1.8))
    expect(report.figures.filter(({ path }) => path.startsWith('options.api.allocation'))).toEqual(
      [],
    )
    expect(report.allocationRefused.filter(({ option }) => option === 'api')).toEqual([])
  })

  test('the part of a mix that an API takes is charged by its list, the rest by the method', () => {
    const machine = {
      kind: 'owned',
      lifeYears: figure(4),
      residualRatio: figure(0),
      pueRatio: figure(1.5),
      electricity: 'grid',
      serverPriceUsd: figure(500_000),
    }
    // A machine at 125,000 a year is too dear for the nights that it idles: all goes to the API, at its list.
    const { at } = priced(
      scenario({
        options: {
          own: machine,
          api: { kind: 'api', api: 'api' },
          mix: { kind: 'hybrid', base: 'own', api: 'api' },
        },
      }),
      measured(0.2, 1.8),
    )
    expect(at('options.mix.servers')).toBe(0)
    expect(at('options.mix.allocation.phaseTime.usdPerMillionInputTokens')).toBeCloseTo(1, 9)
    expect(at('options.mix.allocation.phaseTime.usdPerMillionOutputTokens')).toBeCloseTo(4, 9)
  })
})

describe('a method that cannot be used says why', () => {
  test('for each of the four', () => {
    const { report } = priced(
      scenario({
        options: {
          own: {
            kind: 'owned',
            lifeYears: figure(4),
            residualRatio: figure(0),
            pueRatio: figure(1.5),
            electricity: 'grid',
          },
        },
      }),
    )
    expect(report.allocationRefused.map(({ method }) => method)).toEqual([...allocationMethods])
    expect(report.allocationRefused[0]?.why).toContain('no ratio of prices is stated')
    expect(report.allocationRefused[1]?.why).toContain('were not measured')
    expect(report.allocationRefused[2]?.why).toContain('of different shape')
    expect(report.allocationRefused[3]?.why).toContain('is not stated')
  })

  test('where all input comes from the cache, nothing can pay for the time of prefill', () => {
    const { report, at } = priced(
      scenario({ demand: { cachedInputRatio: figure(1) } }),
      measured(0.2, 1.8),
    )
    expect(report.allocationRefused).toContainEqual({
      option: 'own',
      method: 'phaseTime',
      why: 'a share falls on tokens of which there are none',
    })
    expect(at('options.own.allocation.phaseTime.usdPerMillionOutputTokens')).toBeUndefined()
  })

  test('and an unknown bill names itself', () => {
    const { report } = priced(
      scenario({ scenario: { hardwareProfile: undefined }, own: { gpusPerServer: 1 } }),
    )
    const own = report.allocationRefused.find(({ option }) => option === 'own')
    expect(own?.why).toContain('options.own.usdPerYear')
  })
})

describe('how far the methods are apart', () => {
  test('the spread is from the least to the most of those in use', () => {
    const { at } = priced(scenario(), measured(0.2, 1.8))
    const prices = ['priceRatio', 'phaseTime'].map(
      (method) => at(`options.own.allocation.${method}.usdPerMillionOutputTokens`) as number,
    )
    expect(at('options.own.allocation.spread.outputTokens.low')).toBe(Math.min(...prices))
    expect(at('options.own.allocation.spread.outputTokens.high')).toBe(Math.max(...prices))
  })

  test('one method alone has no spread', () => {
    const { report } = priced(scenario())
    expect(report.figures.filter(({ path }) => path.includes('.spread.'))).toEqual([])
  })
})

test('for any scenario, every method of every option adds up to its bill', () => {
  const share = fc.double({ min: 0, max: 0.9, noNaN: true })
  const positive = fc.double({ min: 0.01, max: 100, noNaN: true })
  fc.assert(
    fc.property(
      fc.record({
        share: fc.double({ min: 0.01, max: 1, noNaN: true }),
        cachedRatio: share,
        mix: positive,
        output: positive,
        cachedPrice: share,
        prefillS: positive,
        decodeS: positive,
        prefillJ: positive,
        decodeJ: positive,
        price: fc.double({ min: 1000, max: 400_000, noNaN: true }),
        batches: share,
        nights: fc.integer({ min: 1, max: 23 }),
      }),
      (each) => {
        const who = withShapesOf(measured(each.prefillS, each.decodeS), [
          { ...statedSubject(500, 5500, undefined), what: 'a second run' },
          {
            ...subject,
            what: 'a third run',
            points: subject.points.map((point) => ({
              ...point,
              inputTokensPerS: 6000,
              cachedInputRatio: 0.6,
            })),
          },
        ])
        const any = scenario({
          demand: {
            amount: { kind: 'share-of-server', ratio: figure(each.share) },
            cachedInputRatio: figure(each.cachedRatio),
            inputPerOutputToken: figure(each.mix),
            hourWeights: Array.from({ length: 24 }, (_, hour) => (hour < each.nights ? 0 : 1)),
          },
          scenario: {
            allocation: {
              outputToInputPriceRatio: figure(each.output),
              cachedToInputPriceRatio: figure(each.cachedPrice),
              prefillJPerInputToken: figure(each.prefillJ),
              decodeJPerOutputToken: figure(each.decodeJ),
            },
          },
          options: {
            own: {
              kind: 'owned',
              lifeYears: figure(4),
              residualRatio: figure(0.1),
              pueRatio: figure(1.5),
              electricity: 'grid',
              serverPriceUsd: figure(each.price),
            },
            rent: { kind: 'rented', rental: 'box-vm' },
            api: { kind: 'api', api: 'api' },
            mix: { kind: 'hybrid', base: 'own', api: 'api' },
          },
        })
        const { ledger, values, at } = worked(any, who)
        expect(allocationResults(any, ledger, values).refused).toEqual([])
        for (const id of ['own', 'rent', 'mix'])
          for (const method of allocationMethods) {
            const bill = at(`options.${id}.usdPerYear`) as number
            expect(Math.abs(billedBy(at, id, method) / bill - 1)).toBeLessThan(1e-9)
          }
      },
    ),
    { numRuns: 40 },
  )
})

describe('shapes of measured loads', () => {
  const load = (
    what: string,
    outputTokensPerS: number,
    inputTokensPerS: number,
    parts: object = {},
  ) => ({
    what,
    outputTokensPerS,
    inputTokensPerS,
    cachedInputRatio: undefined,
    meetsSlo: undefined,
    ...parts,
  })

  test('levels of one workload are one shape, which tells nothing', () => {
    expect(measuredShapes([load('1 user', 100, 200), load('8 users', 700, 1400)])).toBeUndefined()
  })

  test('of each shape the load that made the most counts', () => {
    const shapes = measuredShapes([
      load('short, 1 user', 100, 200),
      load('short, 8 users', 700, 1450),
      load('long', 100, 5000, { cachedInputRatio: 0.2 }),
    ])
    expect(shapes?.map(({ what }) => what)).toEqual(['long', 'short, 8 users'])
    expect(shapes?.[0]).toMatchObject({
      gpuSeconds: 1,
      inputTokens: 4000,
      cachedInputTokens: 1000,
      outputTokens: 100,
    })
  })

  test('a load that failed its SLO is none, and neither is one without its input', () => {
    expect(
      measuredShapes([
        load('a', 700, 1400),
        load('b', 100, 5000, { meetsSlo: false }),
        load('c', 100, 9000, { inputTokensPerS: undefined }),
      ]),
    ).toBeUndefined()
  })
})
