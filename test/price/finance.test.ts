import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import {
  annualCapitalCost,
  annualCostOfAssetsUsd,
  capexShares,
  capitalRecoveryFactor,
  straightLineUsdPerHour,
  straightLineUsdPerMonth,
  straightLineUsdPerYear,
} from '../../src/price/finance/annuity.ts'
import {
  breakEvenHours,
  breakEvenMillionTokensPerMonth,
  breakEvenUtilisationRatio,
  monthsOf,
  paybackMonths,
  thresholdHoursPerDay,
} from '../../src/price/finance/break-even.ts'
import {
  discountedPayback,
  internalRates,
  netPresentValueUsd,
  payback,
} from '../../src/price/finance/cash-flows.ts'
import {
  breakEvenBand,
  breakEvenUnder,
  dateAfter,
  forwardPrices,
  paidOver,
} from '../../src/price/finance/falling-prices.ts'
import {
  compareOverYears,
  ownedUsdPerHour,
  ownedUsdPerYear,
  purchaseAndEnergy,
  runningCost,
} from '../../src/price/finance/lifetime-cost.ts'

describe('money bound in hardware', () => {
  test('at 8 % over 5 years each dollar costs 25.05 cents a year: 0.08 / (1 - 1 / 1.4693280768)', () => {
    expect(capitalRecoveryFactor(0.08, 5)).toBeCloseTo(0.2504564546, 9)
  })

  test('what is sold at the end is worth less today: (1,000 - 146.93 / 1.46933) x 0.250456 = 225.41', () => {
    expect(annualCapitalCost(1000, 146.93280768, 0.08, 5)).toBeCloseTo(225.4108091, 6)
  })

  test('a server of 3 years and a building of 15 are each paid off over their own life', () => {
    // Without interest: (300 - 30) / 3 + 1,500 / 15 = 190.
    const server = { priceUsd: 300, residualUsd: 30, lifeYears: 3 }
    const building = { priceUsd: 1500, residualUsd: 0, lifeYears: 15 }
    expect(annualCostOfAssetsUsd([server, building], 0)).toBeCloseTo(190, 9)
    // At 10 %: (300 - 30 / 1.331) x 0.4021148 + 1,500 x 0.1314738 = 111.5710 + 197.2107.
    expect(annualCostOfAssetsUsd([server, building], 0.1)).toBeCloseTo(308.7817, 3)
    expect(annualCostOfAssetsUsd([server, { ...building, residualUsd: undefined }], 0.1)).toBe(
      undefined,
    )
    expect(() => annualCostOfAssetsUsd([{ ...server, lifeYears: 0 }], 0.1)).toThrow(UserError)
  })

  test('a straight line of 30,000 less 6,000 over 4 years is 6,000 a year, 500 a month', () => {
    const asset = { priceUsd: 30_000, residualUsd: 6000, lifeYears: 4 }
    expect(straightLineUsdPerYear(asset)).toBe(6000)
    expect(straightLineUsdPerMonth(asset)).toBe(500)
    expect(straightLineUsdPerHour(asset, 6000)).toBe(1)
    expect(straightLineUsdPerHour(asset, undefined)).toBeUndefined()
  })

  test('parts add up, and each node and GPU has its share', () => {
    expect(capexShares([100, 800, 60], 2, 8)).toEqual({
      totalUsd: 960,
      usdPerNode: 480,
      usdPerGpu: 60,
    })
    expect(capexShares([100, undefined], 2, 8).totalUsd).toBeUndefined()
  })
})

describe('payments over time', () => {
  test('-1,000, 600, 600 at 10 % is worth 545.45 + 495.87 - 1,000 = 41.32', () => {
    expect(netPresentValueUsd([-1000, 600, 600], 0.1)).toBeCloseTo(41.322314, 6)
    expect(netPresentValueUsd([-1000, undefined], 0.1)).toBeUndefined()
    expect(netPresentValueUsd([-1000, 600], undefined)).toBeUndefined()
    expect(() => netPresentValueUsd([-1000, 600], -1)).toThrow(UserError)
  })

  test('what gains 100 undiscounted can lose 95 at the cost of capital', () => {
    const flows = [-1000, 350, 350, 350, 50]
    expect(netPresentValueUsd(flows, 0)).toBe(100)
    // 318.18 + 289.26 + 262.96 + 34.15 - 1,000.
    expect(netPresentValueUsd(flows, 0.1)).toBeCloseTo(-95.4511, 3)
  })

  test('it returns 13.07 %: 600 x + 600 x^2 = 1,000 at x = 0.88444', () => {
    const x = (-1 + Math.sqrt(1 + 20 / 3)) / 2
    const rates = internalRates([-1000, 600, 600])
    expect(rates.kind).toBe('one')
    expect(rates.kind === 'one' && rates.root.value).toBeCloseTo(1 / x - 1, 12)
  })

  test('-100, 230, -132 returns 10 % and 20 %: there is no one rate', () => {
    const rates = internalRates([-100, 230, -132])
    const values = rates.kind === 'several' ? rates.roots.map(({ value }) => value) : []
    expect(values.map((value) => value.toFixed(9))).toEqual(['0.100000000', '0.200000000'])
  })

  test('what only costs, or only pays, has no rate of return', () => {
    expect(internalRates([-100, -5])).toEqual({ kind: 'none', sign: -1 })
    expect(internalRates([100, 5])).toEqual({ kind: 'none', sign: 1 })
    expect(internalRates([-100, undefined])).toEqual({ kind: 'unknown' })
  })

  test('a loss has a negative rate, and money given back without gain one of 0', () => {
    const loss = internalRates([-100, 50])
    expect(loss.kind === 'one' && loss.root.value).toBeCloseTo(-0.5, 12)
    const nothing = internalRates([-100, 100])
    expect(nothing.kind === 'one' && nothing.root.value).toBeCloseTo(0, 12)
  })

  test('the present value at the internal rate is 0', () => {
    // Wider apart than this, a rate of return may lie outside those looked at.
    const pay = fc.double({ min: 10, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(pay, fc.array(pay, { minLength: 1, maxLength: 8 }), (price, flows) => {
        const rates = internalRates([-price, ...flows])
        if (rates.kind !== 'one') return flows.reduce((a, b) => a + b, 0) / price > 100
        const value = netPresentValueUsd([-price, ...flows], rates.root.value) ?? Number.NaN
        return Math.abs(value) <= 1e-6 * price
      }),
      { numRuns: 60 },
    )
  })

  test('1,000 come back as 400 a year in the middle of the third year, discounted at 5 % after 2.74', () => {
    expect(payback([-1000, 400, 400, 400])).toEqual({ kind: 'after', periods: 2.5 })
    const discounted = discountedPayback([-1000, 400, 400, 400], 0.05)
    // 1,000 - 380.952 - 362.812 = 256.236, of the third year's 345.535.
    expect(discounted.kind === 'after' && discounted.periods).toBeCloseTo(2.741562, 5)
  })

  test('at 10 % the same 1,200 are worth 994.74 and never pay', () => {
    expect(discountedPayback([-1000, 400, 400, 400], 0.1)).toEqual({ kind: 'never' })
    expect(payback([-1000, undefined])).toEqual({ kind: 'unknown' })
    expect(payback([0, 5])).toEqual({ kind: 'after', periods: 0 })
  })
})

describe('where two costs meet', () => {
  test('250,141.80 against 98.32 - 6.37 an hour: 2,720 h, 3.7 months of 730 h', () => {
    // Lenovo Press LP2368 (2026), configuration A against Azure.
    const hours = breakEvenHours(250_141.8, 6.37, 98.32)
    expect(hours.kind === 'at' && hours.value).toBeCloseTo(2720.41, 2)
    const months = monthsOf(hours, '730 h')
    expect(months.kind === 'at' && months.value).toBeCloseTo(3.7266, 3)
    const shortMonths = monthsOf(hours, '720 h')
    expect(shortMonths.kind === 'at' && shortMonths.value).toBeCloseTo(3.7784, 3)
  })

  test('rent under the running cost never pays for a machine', () => {
    expect(breakEvenHours(1000, 5, 5)).toEqual({ kind: 'never' })
    expect(monthsOf({ kind: 'never' }, '730 h')).toEqual({ kind: 'never' })
    expect(breakEvenHours(1000, undefined, 5)).toEqual({ kind: 'unknown' })
    expect(paybackMonths(4000, 95, 280)).toEqual({ kind: 'at', value: 4000 / 185 })
    expect(() => paybackMonths(-1, 95, 280)).toThrow(UserError)
  })

  test('a break-even of 150 % utilisation is none', () => {
    expect(breakEvenUtilisationRatio(1, 2)).toEqual({ kind: 'at', value: 0.5 })
    expect(breakEvenUtilisationRatio(3, 2)).toEqual({ kind: 'never', beyondLimitAt: 1.5 })
  })

  test('nor is one beyond what the machine can make, unless nothing is known of that', () => {
    expect(breakEvenMillionTokensPerMonth(1000, 1, 3, 600)).toEqual({ kind: 'at', value: 500 })
    expect(breakEvenMillionTokensPerMonth(1000, 1, 3, 400)).toEqual({
      kind: 'never',
      beyondLimitAt: 500,
    })
    expect(breakEvenMillionTokensPerMonth(1000, 1, 3, undefined)).toEqual({ kind: 'unknown' })
    expect(breakEvenMillionTokensPerMonth(1000, 3, 1, 400)).toEqual({ kind: 'never' })
  })

  test('no day has 30 hours', () => {
    expect(thresholdHoursPerDay(1200, 10, 10)).toEqual({ kind: 'at', value: 12 })
    expect(thresholdHoursPerDay(3000, 10, 10)).toEqual({ kind: 'never', beyondLimitAt: 30 })
    expect(() => thresholdHoursPerDay(3000, 10, 0)).toThrow(UserError)
  })
})

describe('costs over a life', () => {
  test('8,760 bought and 1 an hour against 3 an hour: 17,520 and 26,280 in a year', () => {
    const year = compareOverYears(8760, 1, 3, 1)
    expect(year).toEqual({
      usd: 17_520,
      alternativeUsd: 26_280,
      savedUsd: 8760,
      savedRatio: 8760 / 26_280,
    })
    expect(compareOverYears(8760, undefined, 3, 1).usd).toBeUndefined()
  })

  test('support of 10 % of 87,600 is 1 an hour; 1,460 of space a month are 2', () => {
    expect(runningCost(87_600, 0.1, 0.5, 1460, '730 h')).toEqual({
      supportUsdPerHour: 1,
      powerUsdPerHour: 0.5,
      colocationUsdPerHour: 2,
      usdPerHour: 3.5,
    })
    expect(runningCost(87_600, 0.1, undefined, 1460, '730 h').usdPerHour).toBeUndefined()
    expect(() => runningCost(87_600, 12, 0.5, 0, '730 h')).toThrow(UserError)
  })

  test('87,600 over 5 years are 2 an hour and 17,520 a year, before what runs it', () => {
    const asset = { priceUsd: 87_600, residualUsd: 0, lifeYears: 5 }
    expect(ownedUsdPerHour(asset, 0.5)).toBe(2.5)
    expect(ownedUsdPerYear(asset, [480, 2000])).toBe(20_000)
  })

  test('2 machines of 500 W at PUE 1.5, half busy, for a year at 0.10: 657 for energy', () => {
    const bought = {
      units: 2,
      usdPerUnit: 1000,
      powerWPerUnit: 500,
      pueRatio: 1.5,
      utilisationRatio: 0.5,
      usdPerKwh: 0.1,
      years: 1,
    }
    const { capexUsd, energyUsd, usd } = purchaseAndEnergy(bought)
    expect(capexUsd).toBe(2000)
    expect(energyUsd).toBeCloseTo(657, 9)
    expect(usd).toBeCloseTo(2657, 9)
    expect(() => purchaseAndEnergy({ ...bought, utilisationRatio: 1.2 })).toThrow(UserError)
    expect(() => purchaseAndEnergy({ ...bought, pueRatio: 0.9 })).toThrow(UserError)
  })
})

describe('prices that move', () => {
  test('7.20 for one year and 5.40 for three say 5.22 and 3.78 for the next two', () => {
    // 1 + q + q^2 = 2.25, q = (-1 + sqrt(6)) / 2 = 0.72474.
    const prices = forwardPrices(7.2, 5.4)
    expect(prices.ratioPerYear).toBeCloseTo(0.7247449, 7)
    expect(prices.year2).toBeCloseTo(5.218163, 6)
    expect(prices.year3).toBeCloseTo(3.781837, 6)
    expect(prices.meanOfYears2And3).toBeCloseTo(4.5, 12)
  })

  test('one price for both terms is no decline; a third of it for three is none that adds up', () => {
    expect(forwardPrices(2, 2).ratioPerYear).toBe(1)
    expect(forwardPrices(3, 0.9).ratioPerYear).toBeUndefined()
    expect(forwardPrices(3, undefined).year2).toBeUndefined()
    expect(() => forwardPrices(0, 1)).toThrow(UserError)
  })

  test('halving each year, all the time to come costs 1 / ln 2 of a year at today’s price', () => {
    const halving = { kind: 'geometric', ratioPerYear: 0.5 } as const
    expect(paidOver(halving, 1)).toBeCloseTo(0.5 / Math.LN2, 12)
    expect(paidOver(halving, 200)).toBeCloseTo(1 / Math.LN2, 12)
    expect(paidOver({ kind: 'geometric', ratioPerYear: 1 }, 3)).toBe(3)
    expect(paidOver({ kind: 'steps', ratios: [1, 0.5] }, 3.5)).toBeCloseTo(1 + 0.5 + 0.5 + 0.25, 12)
    expect(() => paidOver({ kind: 'geometric', ratioPerYear: 0 }, 1)).toThrow(UserError)
    expect(() => paidOver({ kind: 'steps', ratios: [] }, 1)).toThrow(UserError)
  })

  const purchase = {
    capexUsd: 1200,
    runningUsdPerYear: 100,
    alternativeUsdPerYear: 700,
    lifeYears: 5,
  }

  test('1,200 against 600 saved a year: two years while prices hold', () => {
    const flat = breakEvenUnder({ kind: 'flat' }, purchase)
    expect(flat.kind === 'at' && flat.years).toBeCloseTo(2, 12)
    const short = breakEvenUnder({ kind: 'flat' }, { ...purchase, lifeYears: 1 })
    expect(short).toEqual({ kind: 'never', mostSavedUsd: 600 })
  })

  test('with prices halved each year it never is: at best 344 are saved, and that only for a while', () => {
    // Saving stops where 700 x 0.5^t = 100, t = log2 7: 700 x (1 - 1/7) / ln 2 - 100 log2 7 = 865.62 - 280.74.
    const falling = breakEvenUnder({ kind: 'geometric', ratioPerYear: 0.5 }, purchase)
    expect(falling.kind === 'never' && falling.mostSavedUsd).toBeCloseTo(
      600 / Math.LN2 - 100 * Math.log2(7),
      8,
    )
  })

  test('a purchase that is just paid before the saving turns counts, at its first crossing', () => {
    const best = 600 / Math.LN2 - 100 * Math.log2(7)
    const curve = { kind: 'geometric', ratioPerYear: 0.5 } as const
    const just = breakEvenUnder(curve, { ...purchase, capexUsd: best - 0.01 })
    expect(just.kind).toBe('at')
    expect(just.kind === 'at' && just.years).toBeLessThan(Math.log2(7))
    const { kind } = breakEvenUnder(curve, { ...purchase, capexUsd: best + 0.01 })
    expect(kind).toBe('never')
  })

  test('by a price sheet: 600 in the first year, 250 in each later one, so 725 after a year and a half', () => {
    const curve = { kind: 'steps', ratios: [1, 0.5] } as const
    const outcome = breakEvenUnder(curve, { ...purchase, capexUsd: 725 })
    expect(outcome.kind === 'at' && outcome.years).toBeCloseTo(1.5, 12)
  })

  test('rising prices can make good what a dear start lost', () => {
    // 50 x (2^t - 1) / ln 2 - 100 t = 100, at first below 0: checked by putting the answer in.
    const curve = { kind: 'geometric', ratioPerYear: 2 } as const
    const late = breakEvenUnder(curve, {
      capexUsd: 100,
      runningUsdPerYear: 100,
      alternativeUsdPerYear: 50,
      lifeYears: 10,
    })
    const years = late.kind === 'at' ? late.years : Number.NaN
    expect((50 * (2 ** years - 1)) / Math.LN2 - 100 * years).toBeCloseTo(100, 8)
  })

  test('what costs nothing is paid at once unless it runs dearer, and an unknown price makes the answer unknown', () => {
    expect(breakEvenUnder({ kind: 'flat' }, { ...purchase, capexUsd: 0 })).toEqual({
      kind: 'at',
      years: 0,
    })
    // Nothing to pay back, and dearer every day.
    const gift = { ...purchase, capexUsd: 0, runningUsdPerYear: 800 }
    expect(breakEvenUnder({ kind: 'flat' }, gift)).toEqual({ kind: 'never', mostSavedUsd: 0 })
    expect(breakEvenUnder({ kind: 'flat' }, { ...purchase, capexUsd: undefined })).toEqual({
      kind: 'unknown',
    })
    expect(() => breakEvenUnder({ kind: 'flat' }, { ...purchase, lifeYears: 0 })).toThrow(UserError)
  })

  test('two views of the prices give a band, an earliest date alone, or never', () => {
    const flat = { kind: 'flat' } as const
    const mild = { kind: 'geometric', ratioPerYear: 0.95 } as const
    const harsh = { kind: 'geometric', ratioPerYear: 0.5 } as const
    const band = breakEvenBand(mild, flat, purchase)
    expect(band.kind === 'band' && band.earliestYears).toBeCloseTo(2, 12)
    expect(band.kind === 'band' && band.latestYears).toBeGreaterThan(2.05)
    expect(breakEvenBand(harsh, flat, purchase).kind).toBe('at-least')
    expect(breakEvenBand(harsh, flat, { ...purchase, capexUsd: 1e6 })).toEqual({ kind: 'never' })
    expect(breakEvenBand(harsh, flat, { ...purchase, capexUsd: undefined }).kind).toBe('unknown')
  })

  test('a year and 73 days after New Year 2026 is 15 March 2027', () => {
    expect(dateAfter('2026-01-01', 1.2)).toBe('2027-03-15')
    expect(dateAfter('soon', 1)).toBeUndefined()
  })
})
