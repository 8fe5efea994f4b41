import { withinHourRow } from '../demand/demand-rows.ts'
import type { ModelContext } from '../options/context.ts'

/** Demand of one year of the horizon: its number, from 1, and the paths of its rows. */
export interface DemandYear {
  readonly year: number
  readonly meanOutputTokensPerS: string
  readonly withinHourFactor: string
}

/**
 * Rows `demand.years.<y>`: the demand of the scenario in the first year, and then as it grows, in steps from year to year. Peaks keep
 * their proportion; those of Poisson arrivals get smaller as there are more of them.
 */
export function demandYearRows(context: ModelContext): DemandYear[] {
  const { ledger, scenario } = context
  return Array.from({ length: scenario.horizonYears }, (_, index) => {
    const year = index + 1
    const prefix = `demand.years.${year}`
    const meanOutputTokensPerS = ledger.result({
      path: `${prefix}.meanOutputTokensPerS`,
      label: `Output tokens/s wanted, mean, year ${year}`,
      unit: 'tokens/s',
      formula: `meanOutputTokensPerS x (1 + growthRatioPerYear)^${index}`,
      from: ['demand.meanOutputTokensPerS', 'demand.growthRatioPerYear'],
      work: ([mean = 0, growth = 0]) => mean * (1 + growth) ** index,
    })
    const poisson = scenario.demand.peak?.kind === 'poisson'
    const withinHourFactor = poisson
      ? withinHourRow(context, `${prefix}.withinHourFactor`, meanOutputTokensPerS)
      : 'demand.withinHourFactor'
    return { year, meanOutputTokensPerS, withinHourFactor }
  })
}
