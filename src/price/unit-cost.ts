import { difference, type Maybe, product, ratio, sum } from '../arithmetic.ts'
import { DAYS_PER_YEAR, HOURS_PER_DAY, S_PER_HOUR, TOKENS_PER_MILLION } from '../units.ts'
import { hoursPerMonth, type MonthBase } from './month-base.ts'
import { requireNotNegative, requireRatio } from './requirements.ts'

/**
 * USD per million tokens of something billed by the hour, used or not:
 * usdPerHour / (tokensPerS x utilisation x 3,600 / 1e6). InferenceX-app docs/tco-calculator.md.
 * Unknown where no token is made.
 *
 * @param utilisationRatio share of the throughput that is really used; 1 is a machine full around the clock
 * @throws UserError when the utilisation is outside 0..1
 */
export function usdPerMillionTokens(
  usdPerHour: Maybe,
  tokensPerS: Maybe,
  utilisationRatio: Maybe,
): Maybe {
  requireNotNegative('tokensPerS', tokensPerS)
  requireRatio('utilisationRatio', utilisationRatio)
  return ratio(usdPerHour, millionTokensIn(1, tokensPerS, utilisationRatio))
}

/** Million tokens that a throughput makes in so many hours at that utilisation. */
function millionTokensIn(hours: Maybe, tokensPerS: Maybe, utilisationRatio: Maybe): Maybe {
  return ratio(product([tokensPerS, utilisationRatio, hours, S_PER_HOUR]), TOKENS_PER_MILLION)
}

/** Million tokens a month. */
export function millionTokensPerMonth(
  tokensPerS: Maybe,
  utilisationRatio: Maybe,
  base: MonthBase,
): Maybe {
  requireRatio('utilisationRatio', utilisationRatio)
  return millionTokensIn(hoursPerMonth[base], tokensPerS, utilisationRatio)
}

/** Million tokens a year of 8,760 h. */
export function millionTokensPerYear(tokensPerS: Maybe, utilisationRatio: Maybe): Maybe {
  requireRatio('utilisationRatio', utilisationRatio)
  return millionTokensIn(DAYS_PER_YEAR * HOURS_PER_DAY, tokensPerS, utilisationRatio)
}

/**
 * Cost of a unit that is really used, of a fixed bill: cost at full use / utilisation
 * (Uptime Institute, O. Rogers, "Sweat dedicated GPU clusters", 2025).
 */
export function usdPerUsedUnit(usdPerUnitAtFullUse: Maybe, utilisationRatio: Maybe): Maybe {
  requireRatio('utilisationRatio', utilisationRatio)
  return ratio(usdPerUnitAtFullUse, utilisationRatio)
}

/**
 * Rent a month: usdPerHour x hours x switched-on share. What is rented all month is billed idle or not,
 * so the share is 1 whatever its utilisation; only hours in which nothing is rented are free.
 *
 * @param switchedOnRatio share of the month in which the machine is rented, not the share it is busy
 */
export function rentUsdPerMonth(usdPerHour: Maybe, switchedOnRatio: Maybe, base: MonthBase): Maybe {
  requireRatio('switchedOnRatio', switchedOnRatio)
  return product([usdPerHour, switchedOnRatio, hoursPerMonth[base]])
}

/**
 * Rent of a whole fleet a month, all of it around the clock: units x price x hours x (1 + overhead).
 *
 * @param overheadRatio what storage, network and operation add, e.g. 0.15 (induwara.lk)
 */
export function fleetRentUsdPerMonth(
  usdPerUnitHour: Maybe,
  units: Maybe,
  overheadRatio: Maybe,
  base: MonthBase,
): Maybe {
  requireNotNegative('overheadRatio', overheadRatio)
  const rentUsd = product([rentUsdPerMonth(usdPerUnitHour, 1, base), units])
  return product([rentUsd, sum([1, overheadRatio])])
}

/** Share of a price that is not cost: (price - cost) / price. A markup of 100 % is a margin of 50 %. */
export function grossMarginRatio(price: Maybe, cost: Maybe): Maybe {
  return ratio(difference(price, cost), price)
}

/** What is put on top of the cost: (price - cost) / cost. */
export function markupRatio(price: Maybe, cost: Maybe): Maybe {
  return ratio(difference(price, cost), cost)
}

/** A total, and what the cheaper saves against it. */
export interface Comparison {
  readonly usd: Maybe
  readonly alternativeUsd: Maybe
  readonly savedUsd: Maybe
  /** savedUsd / alternativeUsd; negative where the alternative is cheaper. */
  readonly savedRatio: Maybe
}

/** Two bills over the same time, each a list of payments summed in its order. Undiscounted. */
export function compareBills(usd: readonly Maybe[], alternativeUsd: readonly Maybe[]): Comparison {
  const own = sum(usd)
  const alternative = sum(alternativeUsd)
  const savedUsd = difference(alternative, own)
  return {
    usd: own,
    alternativeUsd: alternative,
    savedUsd,
    savedRatio: ratio(savedUsd, alternative),
  }
}

/**
 * USD per unit of capacity and year that is really used: total / (units x capacity x utilisation x years).
 * With peak TFLOP/s as the capacity it says nothing of memory-bound decode; tokens/s does.
 */
export function usdPerUsedCapacityYear(
  totalUsd: Maybe,
  units: Maybe,
  capacityPerUnit: Maybe,
  utilisationRatio: Maybe,
  years: Maybe,
): Maybe {
  requireRatio('utilisationRatio', utilisationRatio)
  return ratio(totalUsd, product([units, capacityPerUnit, utilisationRatio, years]))
}

/** How far a printed price per million strays from its own rate and throughput. */
export interface PriceCheck {
  /** usdPerHour / throughput: what should have been printed. */
  readonly usdPerMillionTokens: Maybe
  /** printed / that - 1. */
  readonly deviationRatio: Maybe
  /** Whether it is more than 1 % off; unknown where a figure is. */
  readonly contradicts: boolean | undefined
}

const TOLERATED_DEVIATION_RATIO = 0.01

/**
 * Checks a published price per million tokens against the hourly rate and throughput published with it.
 * SemiAnalysis printed $4.78 where its own two figures give $0.946 (5.05x; two independent splines).
 */
export function checkPrintedPrice(
  printedUsdPerMillionTokens: Maybe,
  usdPerHour: Maybe,
  tokensPerS: Maybe,
): PriceCheck {
  const right = usdPerMillionTokens(usdPerHour, tokensPerS, 1)
  const deviationRatio = difference(ratio(printedUsdPerMillionTokens, right), 1)
  return {
    usdPerMillionTokens: right,
    deviationRatio,
    contradicts:
      deviationRatio === undefined
        ? undefined
        : Math.abs(deviationRatio) > TOLERATED_DEVIATION_RATIO,
  }
}
