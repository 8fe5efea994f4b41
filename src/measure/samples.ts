import type { Maybe } from '../arithmetic.ts'

/** A set of raw samples in one unit, of which any can be had by its rank. */
export interface Samples {
  readonly n: number
  /** Unknown for no samples. */
  readonly mean: Maybe
  /** The sample that `rank - 1` others come before in ascending order; nothing outside 1..n. */
  readonly valueAtRank: (rank: number) => Maybe
}
