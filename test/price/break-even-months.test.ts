import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BreakEven } from '../../src/price/cost-report.ts'
import { breakEvenUnder } from '../../src/price/finance/falling-prices.ts'
import type { Scenario } from '../../src/price/scenario.ts'
import { statedSubject } from '../../src/price/subject.ts'
import { type Changes, figure, scenario } from './fixtures.ts'
import { priced, subject } from './stated.ts'

/** A box at 8,760 USD with 1,664.40 a year to run it, against 26,280 a year of rent and 94,608 of an API. */
function months(changes: Changes = {}, who = subject) {
  return monthsOf(scenario(changes), who)
}

function monthsOf(of: Scenario, who = subject) {
  const { report, at } = priced(of, who)
  const breakEvens = report.breakEvens.filter(({ axis }) => axis === 'months')
  const find = (against: string, market: BreakEven['market']): BreakEven => {
    const found = breakEvens.find((each) => each.against === against && each.market === market)
    if (found === undefined) throw new Error(`no break-even against ${against}, ${market}`)
    return found
  }
  return { breakEvens, find, at }
}

const market = (parts: object): Changes => ({ scenario: { market: parts } })

describe("break-even at today's prices", () => {
  test('8,760 USD against 24,615.60 saved a year is 4.27 months, and a day after the run', () => {
    const { breakEvens, find, at } = months()
    expect(breakEvens.map(({ against, market: of }) => [against, of])).toEqual([
      ['rent', 'flat'],
      ['api', 'flat'],
    ])
    const rent = find('rent', 'flat')
    expect(rent).toMatchObject({ option: 'own', outcome: 'at' })
    expect(rent.at).toEqual(['breakEvens.own.rent.months.flat.atMonths'])
    expect(at(rent.at[0] as string)).toBeCloseTo((12 * 8760) / 24_615.6, 9)
    // 0.35587 x 365 = 129.9 days after 30 November.
    expect(rent.date).toBe('2027-04-08')
    expect(at('breakEvens.own.api.months.flat.atMonths')).toBeCloseTo(
      (12 * 8760) / (94_608 - 1664.4),
      9,
    )
  })

  test('without the date of the measurement there is no date', () => {
    const { find } = months({}, statedSubject(1000, 2000, undefined))
    expect(find('rent', 'flat')).toMatchObject({ outcome: 'at', date: undefined })
  })

  test('it is the payback of the comparison in months', () => {
    const { report, at } = priced(scenario({ demand: { growthRatioPerYear: figure(0.6) } }))
    for (const { option, against } of report.comparisons) {
      const years = at(`comparisons.${option}.${against}.paybackYears`) as number
      expect(at(`breakEvens.${option}.${against}.months.flat.atMonths`)).toBeCloseTo(12 * years, 9)
    }
  })

  test('never tells how much was still missing: 200,000 less 5 years of 24,615.60', () => {
    // Support is 10 % of the price; 788.40 of electricity.
    const { find, at } = months({
      own: {
        serverPriceUsd: figure(200_000),
        lifeYears: figure(5),
        supportRatioPerYear: figure(0),
      },
    })
    expect(find('rent', 'flat')).toMatchObject({ outcome: 'never', at: [], date: undefined })
    expect(at('breakEvens.own.rent.months.flat.missingUsd')).toBeCloseTo(
      200_000 - 5 * (26_280 - 788.4),
      5,
    )
    expect(find('rent', 'flat').explanation).toContain('72542 USD')
  })

  test('a mix that buys no machine has cost no more than its API from the first day', () => {
    const { find } = months({
      options: {
        own: {
          kind: 'owned',
          lifeYears: figure(4),
          residualRatio: figure(0),
          pueRatio: figure(1.5),
          electricity: 'grid',
          serverPriceUsd: figure(1e9),
        },
        api: { kind: 'api', api: 'api' },
        mix: { kind: 'hybrid', base: 'own', api: 'api' },
      },
    })
    expect(find('api', 'flat').option).toBe('own')
    const mix = monthsOf(
      scenario({
        options: {
          own: {
            kind: 'owned',
            lifeYears: figure(4),
            residualRatio: figure(0),
            pueRatio: figure(1.5),
            electricity: 'grid',
            serverPriceUsd: figure(1e9),
          },
          api: { kind: 'api', api: 'api' },
          mix: { kind: 'hybrid', base: 'own', api: 'api' },
        },
      }),
    ).breakEvens.find(({ option }) => option === 'mix')
    expect(mix).toMatchObject({ outcome: 'always', at: [] })
  })

  test('machines that are bought again can lose what was won', () => {
    // 100,000 for 2 years against 52,560 a year of two rented machines' worth: won after 23.3 months, lost when the second is bought.
    const { find, at } = months({
      scenario: { horizonYears: 3 },
      own: {
        serverPriceUsd: figure(50_000),
        lifeYears: figure(2),
        supportRatioPerYear: figure(0),
        pueRatio: figure(1),
      },
    })
    // 0.6 kW x 8,760 h x 0.1 = 525.60 a year.
    const saved = 26_280 - 525.6
    expect(find('rent', 'flat').outcome).toBe('band')
    expect(at('breakEvens.own.rent.months.flat.fromMonths')).toBeCloseTo((12 * 50_000) / saved, 6)
    expect(at('breakEvens.own.rent.months.flat.untilMonths')).toBeCloseTo(24, 9)
  })

  test('an unknown price makes it unknown', () => {
    const { find } = months({
      scenario: { hardwareProfile: 'box' },
      api: { batchShareRatio: figure(0.5) },
    })
    expect(find('api', 'flat').outcome).toBe('unknown')
    expect(find('rent', 'flat').outcome).toBe('at')
  })
})

describe('break-even as prices move', () => {
  test('an API that falls to 0.7 times its price each year is met a little later', () => {
    const { find, at } = months(market({ apiPriceRatioPerYear: figure(0.7) }))
    const declining = find('api', 'declining')
    expect(declining.outcome).toBe('at')
    const years = (at('breakEvens.own.api.months.declining.atMonths') as number) / 12
    expect((94_608 * (0.7 ** years - 1)) / Math.log(0.7) - 1664.4 * years).toBeCloseTo(8760, 3)
    expect(years * 12).toBeGreaterThan(at('breakEvens.own.api.months.flat.atMonths') as number)
    expect(declining.explanation).toContain('prices of APIs each year 0.7 times')
    expect(() => find('rent', 'declining')).toThrow()
  })

  test('rents that rise are met sooner', () => {
    const { at } = months(market({ rentPriceRatioPerYear: figure(1.4) }))
    expect(at('breakEvens.own.rent.months.declining.atMonths')).toBeLessThan(
      at('breakEvens.own.rent.months.flat.atMonths') as number,
    )
  })

  test('a range of the decline makes a band: the slower end first', () => {
    const ratio = figure(0.7, { range: { low: 0.3, high: 0.9 } })
    const { find, at } = months(market({ apiPriceRatioPerYear: ratio }))
    const band = find('api', 'declining')
    expect(band.outcome).toBe('band')
    expect(band.at).toEqual([
      'breakEvens.own.api.months.declining.earliestMonths',
      'breakEvens.own.api.months.declining.latestMonths',
    ])
    const of = (q: number) =>
      months(market({ apiPriceRatioPerYear: figure(q) })).at(
        'breakEvens.own.api.months.declining.atMonths',
      ) as number
    expect(at(band.at[0] as string)).toBeCloseTo(of(0.9), 9)
    expect(at(band.at[1] as string)).toBeCloseTo(of(0.3), 9)
    expect(at('breakEvens.own.api.months.declining.atMonths')).toBeCloseTo(of(0.7), 9)
  })

  test('where the harsher end has no break-even, that is said', () => {
    const own = {
      serverPriceUsd: figure(150_000),
      supportRatioPerYear: figure(0),
      lifeYears: figure(5),
    }
    const ratio = figure(0.7, { range: { low: 0.05, high: 0.9 } })
    const { find } = months({ own, scenario: { market: { apiPriceRatioPerYear: ratio } } })
    expect(find('api', 'declining').outcome).toBe('at')
    expect(find('api', 'declining').explanation).toContain('at one end of what is known')
  })

  test('for any purchase of one box it is what the formula of falling prices says', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1000, max: 300_000, noNaN: true }),
        fc.double({ min: 0.3, max: 1.3, noNaN: true }),
        fc.integer({ min: 1, max: 6 }),
        (priceUsd, ratio, years) => {
          const { find, at } = months({
            own: {
              serverPriceUsd: figure(priceUsd),
              lifeYears: figure(years),
              supportRatioPerYear: figure(0),
            },
            scenario: { horizonYears: years, market: { apiPriceRatioPerYear: figure(ratio) } },
          })
          const expected = breakEvenUnder(
            { kind: 'geometric', ratioPerYear: ratio },
            {
              capexUsd: priceUsd,
              runningUsdPerYear: 788.4,
              alternativeUsdPerYear: 94_608,
              lifeYears: years,
            },
          )
          const told = find('api', 'declining')
          expect(told.outcome).toBe(expected.kind)
          if (expected.kind === 'at')
            expect(at(told.at[0] as string)).toBeCloseTo(12 * expected.years, 6)
          if (expected.kind === 'never')
            expect(at('breakEvens.own.api.months.declining.missingUsd')).toBeCloseTo(
              priceUsd - expected.mostSavedUsd,
              2,
            )
        },
      ),
      { numRuns: 30 },
    )
  })
})
