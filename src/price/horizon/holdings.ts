import { requireBetween } from '../requirements.ts'

/** What is bought and what ends in each year, to have what is needed. Years are counted from 0. */
export interface Holdings {
  /** There through the year. */
  readonly held: readonly number[]
  /** Bought in the year: at its start, or where a life ends inside it. */
  readonly bought: readonly number[]
  /** Whose life ends in the year, at its start or inside it. */
  readonly ended: readonly number[]
  /** Still there at the end, and for how long they have been. */
  readonly left: readonly { readonly count: number; readonly ageYears: number }[]
}

interface Cohort {
  readonly count: number
  readonly startYear: number
}

const SHORTEST_LIFE_YEARS = 0.01

/** A life of 3 x 1/3 year ends with the year. */
const ROUNDING_YEARS = 1e-9

/**
 * Things that last `lifeYears`, when so many are needed in each year: what is missing is bought, what is there stays until its life
 * ends, needed or not, and is then replaced as far as it is needed.
 *
 * @throws UserError for a life under a hundredth of a year
 */
export function holdings(needed: readonly number[], lifeYears: number): Holdings {
  requireBetween('lifeYears', lifeYears, SHORTEST_LIFE_YEARS, Number.MAX_VALUE)
  const held: number[] = []
  const bought: number[] = []
  const ended: number[] = []
  let cohorts: Cohort[] = []
  for (const [year, count] of needed.entries()) {
    const buy = (startYear: number): number => {
      const missing = Math.max(0, count - total(cohorts))
      if (missing > 0) cohorts.push({ count: missing, startYear })
      return missing
    }
    const endUpTo = (end: number): number => {
      const over = cohorts.filter(({ startYear }) => startYear + lifeYears <= end)
      cohorts = cohorts.filter((cohort) => !over.includes(cohort))
      return total(over)
    }
    let endedNow = endUpTo(year + ROUNDING_YEARS)
    let boughtNow = buy(year)
    held.push(total(cohorts))
    for (;;) {
      const next = Math.min(...cohorts.map(({ startYear }) => startYear + lifeYears))
      if (!(next < year + 1 - ROUNDING_YEARS)) break
      endedNow += endUpTo(next)
      boughtNow += buy(next)
    }
    ended.push(endedNow)
    bought.push(boughtNow)
  }
  const left = cohorts.map(({ count, startYear }) => ({
    count,
    ageYears: needed.length - startYear,
  }))
  return { held, bought, ended, left }
}

function total(cohorts: readonly Cohort[]): number {
  return cohorts.reduce((sum, { count }) => sum + count, 0)
}

/**
 * Value of something part of the way through its life, on a straight line from its price to what is left at its end:
 * price x (1 - (1 - residual) x age / life).
 */
export function bookValueUsd(
  priceUsd: number,
  residualRatio: number,
  ageYears: number,
  lifeYears: number,
): number {
  return priceUsd * (1 - (1 - residualRatio) * Math.min(1, ageYears / lifeYears))
}
