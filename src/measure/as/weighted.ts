import type { Maybe } from '../../arithmetic.ts'

/** Weighted samples as GuideLLM's `DistributionSummary.from_values` sees them. */
export interface WeightedStatistics {
  /** The sum of the weights, rounded. */
  readonly count: number
  readonly mean: Maybe
  readonly std: Maybe
  readonly min: Maybe
  readonly max: Maybe
  /** The smallest value up to which at least this share of the weight lies, 0 to 1. */
  readonly valueAtShare: (share: number) => Maybe
}

/** Takes samples with their weights, one at a time. */
export interface WeightedPool {
  readonly add: (value: number, weight: number) => void
  readonly finish: () => WeightedStatistics
}

/** A pool of weighted numbers: 16 bytes each, and as much again while it is finished. */
export function createWeightedPool(): WeightedPool {
  const values: number[] = []
  const weights: number[] = []
  return {
    add: (value, weight) => {
      // What has no weight is no sample.
      if (weight <= 0) return
      values.push(value)
      weights.push(weight)
    },
    finish: () => statisticsOf(steps(values, weights)),
  }
}

/** One value and its part of all weight. */
interface Step {
  readonly value: number
  readonly share: number
}

interface Steps {
  readonly steps: readonly Step[]
  readonly totalWeight: number
}

/** Each value once, ascending. */
function steps(values: readonly number[], weights: readonly number[]): Steps {
  const weightOf = new Map<number, number>()
  let totalWeight = 0
  for (const [i, value] of values.entries()) {
    const weight = weights[i] ?? 0
    weightOf.set(value, (weightOf.get(value) ?? 0) + weight)
    totalWeight += weight
  }
  const ascending = [...weightOf].sort(([a], [b]) => a - b)
  return {
    steps: ascending.map(([value, weight]) => ({ value, share: weight / totalWeight })),
    totalWeight,
  }
}

function statisticsOf({ steps, totalWeight }: Steps): WeightedStatistics {
  const isEmpty = steps.length === 0
  const mean = steps.reduce((sum, { value, share }) => sum + value * share, 0)
  const variance = steps.reduce((sum, { value, share }) => sum + (value - mean) ** 2 * share, 0)
  return {
    count: Math.round(totalWeight),
    mean: isEmpty ? undefined : mean,
    std: isEmpty ? undefined : Math.sqrt(variance),
    min: steps[0]?.value,
    max: steps.at(-1)?.value,
    valueAtShare: (share) => valueAtShare(steps, share),
  }
}

function valueAtShare(steps: readonly Step[], share: number): Maybe {
  let reached = 0
  for (const step of steps) {
    reached += step.share
    if (reached >= share) return step.value
  }
  return undefined
}
