import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { capitalRecoveryFactor } from '../../src/price/finance/annuity.ts'
import { paybackOfYears } from '../../src/price/finance/cash-flows.ts'
import { bookValueUsd, holdings } from '../../src/price/horizon/holdings.ts'
import { investments } from '../../src/price/ownership.ts'
import { figure, scenario } from './fixtures.ts'
import { priced, worked } from './stated.ts'

describe('what has a life is bought when it is needed and when it ends', () => {
  test('one thing of 2 years needed for 5 is bought in years 1, 3 and 5, and is half through its life at the end', () => {
    expect(holdings([1, 1, 1, 1, 1], 2)).toEqual({
      held: [1, 1, 1, 1, 1],
      bought: [1, 0, 1, 0, 1],
      ended: [0, 0, 1, 0, 1],
      left: [{ count: 1, ageYears: 1 }],
    })
  })

  test('a life that ends inside a year is replaced inside it: 2.5 years in the third, 5 at the end of the fifth', () => {
    const { bought, ended, left } = holdings([1, 1, 1, 1, 1], 2.5)
    expect(bought).toEqual([1, 0, 1, 0, 0])
    expect(ended).toEqual([0, 0, 1, 0, 0])
    expect(left).toEqual([{ count: 1, ageYears: 2.5 }])
  })

  test('half a year of life is bought twice a year', () => {
    expect(holdings([3, 3], 0.5).bought).toEqual([6, 6])
  })

  test('what a shrinking need does not want stays until its life ends, and is then not replaced', () => {
    const { held, bought, ended } = holdings([3, 1, 1, 1], 2)
    expect(held).toEqual([3, 3, 1, 1])
    expect(bought).toEqual([3, 0, 1, 0])
    expect(ended).toEqual([0, 0, 3, 0])
  })

  test('three lives of a third of a year end with the year', () => {
    expect(holdings([1, 1], 1 / 3).bought).toEqual([3, 3])
  })

  test('for any needs, what was bought has ended or is left, and there is never less than is needed', () => {
    const needs = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 15 })
    fc.assert(
      fc.property(needs, fc.double({ min: 0.5, max: 12, noNaN: true }), (needed, life) => {
        const { held, bought, ended, left } = holdings(needed, life)
        const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
        expect(sum(bought)).toBe(sum(ended) + sum(left.map(({ count }) => count)))
        for (const [year, count] of held.entries())
          expect(count).toBeGreaterThanOrEqual(needed[year] as number)
        for (const { ageYears } of left) expect(ageYears).toBeLessThanOrEqual(life + 1e-6)
      }),
    )
  })

  test('a quarter through its life, 1,000 of which 200 are left is worth 800', () => {
    expect(bookValueUsd(1000, 0.2, 1, 4)).toBe(800)
    expect(bookValueUsd(1000, 0.2, 4, 4)).toBeCloseTo(200, 9)
  })
})

describe('years of a box at 8,760 USD that serves 4 years', () => {
  // Support 876 a year; (0.2 + 0.5 x 0.8) kW x 8,760 h x 1.5 x 0.1 = 788.40 a year.
  const running = 1664.4

  test('it is bought in years 1 and 5, and three quarters of the second are left after 5 years', () => {
    const { at } = priced(scenario())
    for (const year of [1, 2, 3, 4, 5]) {
      expect(at(`options.own.years.${year}.servers`)).toBe(1)
      expect(at(`options.own.years.${year}.runningUsd`)).toBeCloseTo(running, 6)
      const bought = year === 1 || year === 5 ? 8760 : 0
      expect(at(`options.own.years.${year}.capexUsd`)).toBe(bought)
      expect(at(`options.own.years.${year}.usd`)).toBeCloseTo(bought + running, 6)
    }
    expect(at('options.own.horizon.salvageUsd')).toBe(6570)
    // 2 x 8,760 + 5 x 1,664.40 - 6,570.
    expect(at('options.own.horizon.undiscountedUsd')).toBeCloseTo(19_272, 6)
    expect(at('options.own.horizon.presentUsd')).toBeCloseTo(19_272, 6)
  })

  test('at 10 %: 8,760 now and after 4 years, 1,664.40 at the end of each of 5 years, 6,570 back after 5', () => {
    const { at } = priced(scenario({ scenario: { costOfCapitalRatioPerYear: figure(0.1) } }))
    // 8,760 + 8,760 / 1.4641 + 1,664.40 x 3.790787 - 6,570 / 1.61051.
    expect(at('options.own.horizon.presentUsd')).toBeCloseTo(16_973.11, 1)
    expect(at('options.own.horizon.undiscountedUsd')).toBeCloseTo(19_272, 6)
  })

  test('rent and tokens are paid at the end of each year, and nothing is bought', () => {
    const { at } = priced(scenario())
    expect(at('options.rent.years.3.capexUsd')).toBe(0)
    expect(at('options.rent.years.3.usd')).toBeCloseTo(26_280, 6)
    // 500 tokens/s are 15,768 M a year at 4 USD, and twice as many of input at 1 USD.
    expect(at('options.api.years.3.usd')).toBeCloseTo(94_608, 6)
    expect(at('options.api.horizon.undiscountedUsd')).toBeCloseTo(473_040, 5)
  })

  test('a demand that grows by 60 % a year from half a box needs 1, 1, 2, 3 and 4, bought as it does', () => {
    // 500, 800, 1,280, 2,048 and 3,276.80 tokens/s of 1,000 a box.
    const { at } = priced(scenario({ demand: { growthRatioPerYear: figure(0.6) } }))
    const of = (name: string) =>
      [1, 2, 3, 4, 5].map((year) => at(`options.own.years.${year}.${name}`))
    expect(of('servers')).toEqual([1, 1, 2, 3, 4])
    // In the fifth year the first one has had its life too.
    expect(of('capexUsd')).toEqual([8760, 0, 8760, 8760, 17_520])
    expect(at('options.own.years.3.runningUsd')).toBeCloseTo(
      2 * 876 + (2 * 0.2 + 1.28 * 0.8) * 8760 * 1.5 * 0.1,
      6,
    )
    // Bought 1, 2 and 3 years before the end, and one of 5 years after the first: 3/4 x 2, 1/2 and 1/4 are left.
    expect(at('options.own.horizon.salvageUsd')).toBeCloseTo(8760 * (2 * 0.75 + 0.5 + 0.25), 6)
    expect(of('servers').map((_, index) => at(`options.rent.years.${index + 1}.usd`))).toEqual(
      [1, 1, 2, 3, 4].map((count) => count * 26_280),
    )
    expect(at('options.api.years.2.usd')).toBeCloseTo(94_608 * 1.6, 5)
  })

  test('networks and set-up have lives of their own', () => {
    const capex = [
      {
        id: 'switch',
        what: 'Switch',
        usd: figure(1000),
        per: 'site',
        lifeYears: figure(2),
        residualRatio: figure(0.1),
      },
    ]
    const { at } = priced(scenario({ own: { capex }, scenario: { horizonYears: 3 } }))
    // In the third year 1,000 are paid and 100 come back; after it 1 of 2 years is left: 1,000 x (1 - 0.9 / 2).
    expect(at('options.own.years.1.capexUsd')).toBe(9760)
    expect(at('options.own.years.3.capexUsd')).toBe(900)
    expect(at('options.own.horizon.salvageUsd')).toBeCloseTo(8760 / 4 + 550, 6)
  })
})

describe('a mix over the years', () => {
  const mixed = (changes: object = {}) =>
    scenario({
      demand: {
        growthRatioPerYear: figure(0.4),
        hourWeights: Array.from({ length: 24 }, (_, hour) => (hour < 12 ? 1 : 3)),
        ...changes,
      },
      options: {
        own: {
          kind: 'owned',
          lifeYears: figure(4),
          residualRatio: figure(0),
          pueRatio: figure(1.5),
          electricity: 'grid',
        },
        api: { kind: 'api', api: 'api' },
        mix: { kind: 'hybrid', base: 'own', api: 'api' },
      },
    })

  test('it chooses its machines for each year, and never has fewer than before', () => {
    const { at } = priced(mixed({ growthRatioPerYear: figure(-0.5) }))
    const serving = [1, 2, 3, 4, 5].map((year) => at(`options.mix.years.${year}.servingServers`))
    expect(serving[0]).toBe(at('options.mix.servingServers'))
    for (const [index, count] of serving.slice(1).entries())
      expect(count).toBeGreaterThanOrEqual(serving[index] as number)
  })

  test('what it cannot carry in a year goes to the API', () => {
    const { at } = priced(mixed())
    for (const year of [1, 5]) {
      const wanted = at(`demand.years.${year}.meanOutputTokensPerS`) as number
      const carried = at(`options.mix.years.${year}.baseOutputTokensPerS`) as number
      expect(at(`options.mix.years.${year}.spilledOutputTokens`)).toBeCloseTo(
        (wanted - carried) * 31_536_000,
        -3,
      )
    }
  })
})

/** Scenarios of all kinds of options. */
const anyScenario = fc
  .record({
    growth: fc.double({ min: -0.5, max: 1, noNaN: true }),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    rate: fc.double({ min: 0, max: 0.3, noNaN: true }),
    life: fc.integer({ min: 1, max: 6 }),
    residual: fc.double({ min: 0, max: 0.9, noNaN: true }),
    nights: fc.integer({ min: 1, max: 9 }),
    scaling: fc.constantFrom('always-on', 'follow-load'),
    spares: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ growth, share, rate, life, residual, nights, scaling, spares }) => {
    const machine = {
      lifeYears: figure(life),
      residualRatio: figure(residual),
      supportRatioPerYear: figure(0.1),
      insuranceRatioPerYear: figure(0.01),
      spareServers: spares,
      capex: [
        { id: 'net', what: 'Network', usd: figure(500), per: 'server', lifeYears: figure(life) },
      ],
      staff: [
        { id: 'admin', what: 'People', fte: figure(0.1), per: 'site', usdPerFteYear: figure(9000) },
      ],
    }
    const yearly = [{ id: 'link', what: 'A link', usdPerYear: figure(120), per: 'site' }]
    return {
      life,
      rate,
      growth,
      of: (changes: object = {}) =>
        scenario({
          demand: {
            amount: { kind: 'share-of-server', ratio: figure(share) },
            growthRatioPerYear: figure(growth),
            hourWeights: Array.from({ length: 24 }, (_, hour) => (hour < nights ? 0 : 1)),
          },
          scenario: { costOfCapitalRatioPerYear: figure(rate), ...changes },
          options: {
            own: { kind: 'owned', ...machine, pueRatio: figure(1.5), electricity: 'grid' },
            colo: { kind: 'colocated', ...machine, colocation: 'rack' },
            rent: { kind: 'rented', rental: 'box-vm', scaling, yearly },
            vm: { kind: 'rented', rental: 'box-vm' },
            api: { kind: 'api', api: 'api', yearly },
            mix: { kind: 'hybrid', base: 'own', api: 'api', yearly },
            'rented-mix': { kind: 'hybrid', base: 'vm', api: 'api' },
          },
        }),
    }
  })

describe('for any scenario', () => {
  test('running costs of the first year are the lines of the bill that are no capital', () => {
    fc.assert(
      fc.property(anyScenario, ({ of }) => {
        const any = of()
        const { ledger, at } = worked(any)
        for (const id of Object.keys(any.options)) {
          const bound = ledger.rows
            .map(({ path }) => path)
            .filter((path) => path.startsWith(`options.${id}.lines.`))
            .filter((path) => /\.(base-)?(servers|net)\.usdPerYear$/.test(path))
            .reduce((sum, path) => sum + (at(path) as number), 0)
          const bill = at(`options.${id}.usdPerYear`) as number
          expect(at(`options.${id}.years.1.runningUsd`)).toBeCloseTo(bill - bound, 4)
        }
      }),
      { numRuns: 25 },
    )
  })

  test('of a steady demand over one life, money of today paid off as an annuity is the bill', () => {
    fc.assert(
      fc.property(anyScenario, ({ of, life, rate }) => {
        const steady = of({ horizonYears: life })
        const { at } = worked({
          ...steady,
          demand: { ...steady.demand, growthRatioPerYear: undefined },
        })
        for (const id of Object.keys(steady.options)) {
          const present = at(`options.${id}.horizon.presentUsd`) as number
          const bill = at(`options.${id}.usdPerYear`) as number
          const paidOff = present * capitalRecoveryFactor(rate, life)
          expect(Math.abs(paidOff - bill)).toBeLessThan(1e-9 * Math.max(1, bill))
        }
      }),
      { numRuns: 25 },
    )
  })

  test('what is saved is the difference of the two horizons', () => {
    fc.assert(
      fc.property(anyScenario, ({ of }) => {
        const any = of()
        const { at } = worked(any)
        expect(investments(any)).toHaveLength(3 * 4)
        for (const { option, against } of investments(any)) {
          const of2 = (id: string, name: string) => at(`options.${id}.horizon.${name}`) as number
          const prefix = `comparisons.${option}.${against}`
          expect(at(`${prefix}.savedUsd`)).toBeCloseTo(
            of2(against, 'undiscountedUsd') - of2(option, 'undiscountedUsd'),
            3,
          )
          expect(at(`${prefix}.npvUsd`)).toBeCloseTo(
            of2(against, 'presentUsd') - of2(option, 'presentUsd'),
            3,
          )
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('an investment against what it replaces', () => {
  test('8,760 now for 24,615.60 a year is back after 0.356 years, and earns 281 % a year', () => {
    const { at, report } = priced(scenario({ scenario: { horizonYears: 4 } }))
    expect(at('comparisons.own.rent.savedUsd')).toBeCloseTo(4 * 24_615.6 - 8760, 5)
    expect(at('comparisons.own.rent.paybackYears')).toBeCloseTo(8760 / 24_615.6, 9)
    // 24,615.6 x (1 - (1 + r)^-4) / r = 8,760.
    const rate = at('comparisons.own.rent.irrRatioPerYear') as number
    expect((24_615.6 * (1 - (1 + rate) ** -4)) / rate).toBeCloseTo(8760, 6)
    expect(report.comparisons[0]).toMatchObject({
      option: 'own',
      against: 'rent',
      market: 'flat',
      irr: 'one',
      irrs: ['comparisons.own.rent.irrRatioPerYear'],
      payback: 'after',
      discountedPayback: 'after',
    })
  })

  test('with interest the money is back later: 8,760 of 24,615.60 / 1.1 in the first year', () => {
    const { at } = priced(
      scenario({ scenario: { horizonYears: 4, costOfCapitalRatioPerYear: figure(0.1) } }),
    )
    expect(at('comparisons.own.rent.discountedPaybackYears')).toBeCloseTo(
      (8760 * 1.1) / 24_615.6,
      9,
    )
  })

  test('a purchase that saves nothing has no rate of return and no payback, in words', () => {
    const staff = [
      { id: 'admin', what: 'People', fte: figure(1), per: 'site', usdPerFteYear: figure(90_000) },
    ]
    const { report, at } = priced(scenario({ own: { staff } }))
    expect(report.comparisons[0]).toMatchObject({ irr: 'none', irrs: [], payback: 'never' })
    expect(report.comparisons[0]?.explanation).toContain('below 0 at every rate')
    expect(at('comparisons.own.rent.irrRatioPerYear')).toBeUndefined()
    expect(at('comparisons.own.rent.paybackYears')).toBeUndefined()
  })

  test('where an API becomes almost free, the investment has two rates, and both are told', () => {
    // It saves much at first, and costs more than the API later: the payments change sign twice.
    const falling = scenario({
      scenario: { horizonYears: 4, market: { apiPriceRatioPerYear: figure(0.01) } },
    })
    const { report, at } = priced(falling)
    const told = report.comparisons.find(
      ({ against, market }) => against === 'api' && market === 'declining',
    )
    expect(told).toMatchObject({ irr: 'several', payback: 'after' })
    expect(told?.irrs).toHaveLength(2)
    const running = [1, 2, 3, 4].map(
      (year) =>
        (at(`options.api.years.${year}.declining.runningUsd`) as number) -
        (at(`options.own.years.${year}.runningUsd`) as number),
    )
    const flows = [-8760, ...running]
    for (const path of told?.irrs ?? []) {
      const rate = at(path) as number
      const value = flows.reduce((sum, flow, t) => sum + flow / (1 + rate) ** t, 0)
      const size = flows.reduce((sum, flow, t) => sum + Math.abs(flow) / (1 + rate) ** t, 0)
      expect(Math.abs(value)).toBeLessThan(1e-6 * size)
    }
    expect(at('comparisons.own.api.declining.irrRatioPerYear')).toBeUndefined()
  })

  test('an unknown cost makes all of it unknown, and nothing else', () => {
    const { report, at } = priced(
      scenario({
        scenario: { hardwareProfile: undefined },
        options: {
          own: {
            kind: 'owned',
            lifeYears: figure(4),
            residualRatio: figure(0),
            pueRatio: figure(1.5),
            electricity: 'grid',
            serverPowerW: { load: figure(1000), idle: figure(200) },
            gpusPerServer: 1,
          },
          api: { kind: 'api', api: 'api' },
        },
      }),
    )
    expect(report.comparisons[0]).toMatchObject({ irr: 'unknown', payback: 'unknown' })
    expect(at('comparisons.own.api.npvUsd')).toBeUndefined()
    expect(at('options.api.horizon.presentUsd')).toBeCloseTo(473_040, 4)
  })

  test('money of the year that follows is not netted against the year that ends', () => {
    // 100 are back after 5/6 of a year, though 100 more are bought when it ends.
    const flows = { startUsd: [-100, -100], endUsd: [120, 120] }
    expect(paybackOfYears(flows, 0)).toEqual({ kind: 'after', periods: 100 / 120 })
    expect(paybackOfYears({ startUsd: [-100, 0], endUsd: [50, 49] }, 0)).toEqual({ kind: 'never' })
  })
})

describe('prices that move', () => {
  test('an API at 0.7 times its price a year later costs (0.7^y - 0.7^(y-1)) / ln 0.7 of it in year y', () => {
    const { at } = priced(scenario({ scenario: { market: { apiPriceRatioPerYear: figure(0.7) } } }))
    expect(at('options.api.years.1.declining.runningUsd')).toBeCloseTo(
      (94_608 * (0.7 - 1)) / Math.log(0.7),
      5,
    )
    expect(at('options.api.years.3.declining.runningUsd')).toBeCloseTo(
      (94_608 * (0.343 - 0.49)) / Math.log(0.7),
      5,
    )
    expect(at('options.api.horizon.declining.undiscountedUsd')).toBeCloseTo(
      (94_608 * (0.7 ** 5 - 1)) / Math.log(0.7),
      4,
    )
    expect(() => at('options.rent.years.1.declining.runningUsd')).toThrow()
  })

  test('commitments are refused where they are of other hardware or of another length', () => {
    const with2 = (oneYear: string, threeYear: string) =>
      scenario({ scenario: { market: { commitments: { oneYear, threeYear } } } })
    expect(() => priced(with2('middle', 'committed'))).toThrow(UserError)
    expect(() => priced(with2('committed', 'committed'))).toThrow('is 3-year, not 1-year')
  })
})
