import { type Maybe, mean, product, ratio, sum } from '../../arithmetic.ts'
import { requireNotNegative, requireRatio } from '../requirements.ts'

const MINUTES_PER_HOUR = 60

/** Over what a utility averages power to find the demand it bills. */
export type DemandIntervalMinutes = 15 | 30

/** A utility's prices. */
export interface ElectricityTariff {
  readonly energyUsdPerKwh: Maybe
  /** For the month's highest interval; absent where the tariff has no demand charge. */
  readonly demand?: {
    readonly usdPerKwMonth: Maybe
    readonly intervalMinutes: DemandIntervalMinutes
    /** Share of the highest demand of the last 11 months that is billed at least; 0 without a ratchet. */
    readonly ratchetRatio: Maybe
  }
}

/** Mean power in an interval: kWh x 60 / minutes. 25 kWh in 15 minutes are 100 kW. */
export function demandKw(kwhInInterval: Maybe, intervalMinutes: DemandIntervalMinutes): Maybe {
  return product([kwhInInterval, MINUTES_PER_HOUR / intervalMinutes])
}

/**
 * Mean power of each interval, from readings that lie evenly apart and fill intervals exactly; what is left
 * over at the end is no interval and is dropped. Unknown readings make their interval unknown.
 *
 * @param readingsPerInterval readings in one interval, a positive integer
 */
export function intervalMeansKw(
  readingsKw: readonly Maybe[],
  readingsPerInterval: number,
): Maybe[] {
  const intervals = Math.floor(readingsKw.length / readingsPerInterval)
  return Array.from({ length: intervals }, (_, i) => {
    const inside = readingsKw.slice(i * readingsPerInterval, (i + 1) * readingsPerInterval)
    return ratio(sum(inside), readingsPerInterval)
  })
}

/** A month's electricity. */
export interface ElectricityBill {
  readonly energyKwh: Maybe
  readonly energyUsd: Maybe
  /** Highest interval of the month. */
  readonly peakKw: Maybe
  /** What the demand charge is for: the peak, or what the ratchet makes of an earlier one. */
  readonly billedDemandKw: Maybe
  readonly demandUsd: Maybe
  readonly usd: Maybe
}

/**
 * The bill of a month: energy x price + billed demand x price a kW. Without a demand charge that part is 0.
 *
 * @param intervalsKw mean power of each interval of the month at the meter, PUE included
 * @param earlierPeaksKw peaks of up to 11 months before, which a ratchet looks back to
 * @param intervalMinutes length of the intervals; a demand charge needs them as long as its own
 */
export function monthlyElectricityBill(
  tariff: ElectricityTariff,
  intervalsKw: readonly Maybe[],
  intervalMinutes: DemandIntervalMinutes,
  earlierPeaksKw: readonly Maybe[],
): ElectricityBill {
  const energyKwh = product([sum(intervalsKw), intervalMinutes / MINUTES_PER_HOUR])
  const energyUsd = product([energyKwh, tariff.energyUsdPerKwh])
  const peakKw = highest(intervalsKw)
  const { demand } = tariff
  if (demand === undefined) {
    return { energyKwh, energyUsd, peakKw, billedDemandKw: 0, demandUsd: 0, usd: energyUsd }
  }
  const sameInterval = demand.intervalMinutes === intervalMinutes
  const billedDemandKw = sameInterval
    ? billedDemand(peakKw, earlierPeaksKw, demand.ratchetRatio)
    : undefined
  const demandUsd = product([billedDemandKw, demand.usdPerKwMonth])
  return {
    energyKwh,
    energyUsd,
    peakKw,
    billedDemandKw,
    demandUsd,
    usd: sum([energyUsd, demandUsd]),
  }
}

const RATCHET_MONTHS = 11

/**
 * Demand after the ratchet: max(this month, ratio x highest of the last 11 months).
 *
 * @throws UserError when the ratio is outside 0..1
 */
export function billedDemand(
  peakKw: Maybe,
  earlierPeaksKw: readonly Maybe[],
  ratchetRatio: Maybe,
): Maybe {
  requireRatio('ratchetRatio', ratchetRatio)
  if (ratchetRatio === 0 || earlierPeaksKw.length === 0) return peakKw
  return highest([peakKw, product([ratchetRatio, highest(earlierPeaksKw.slice(-RATCHET_MONTHS))])])
}

function highest(values: readonly Maybe[]): Maybe {
  let most: Maybe
  for (const value of values) {
    if (value === undefined) return undefined
    requireNotNegative('power', value)
    most = most === undefined ? value : Math.max(most, value)
  }
  return most
}

/**
 * Coincident peak: own mean power in the intervals in which the whole grid peaked (4CP: one in each of four
 * summer months, ERCOT) x price a kW and year. Whoever can go down in those hours saves it.
 */
export function coincidentPeakUsdPerYear(
  kwAtGridPeaks: readonly Maybe[],
  usdPerKwYear: Maybe,
): Maybe {
  const total = sum(kwAtGridPeaks)
  if (total === undefined) return undefined
  return product([mean(kwAtGridPeaks as number[]), usdPerKwYear])
}
