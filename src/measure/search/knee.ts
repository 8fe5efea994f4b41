import type { Knee, SweepTrial } from './search-summary.ts'

/** Fewest levels of which one can lie between two others. */
const FEWEST_LEVELS = 3

/**
 * The knee of a load curve: the load with the highest power, throughput / mean latency (Kleinrock, Power
 * and deterministic rules of thumb for probabilistic problems in computer communications, ICC 1979; Jain,
 * The Art of Computer Systems Performance Analysis, 1991, calls the same point knee capacity). Below it more
 * load brings more throughput than latency, above it more latency than throughput. It depends on no
 * tuning and not on how far a sweep went beyond it, as a knee by the shape of a normalised curve does
 * (Kneedle: Satopaa et al. 2011).
 *
 * Of the levels of one axis that the server served. The lowest of them may be the knee only where there
 * can be no lower: one user. The highest may be where a higher one was tried and the server gave way.
 */
export function kneeOf(trials: readonly SweepTrial[]): Knee {
  const byLoad = trials
    .filter(({ standing }) => standing !== 'unusable')
    .toSorted((a, b) => a.size - b.size)
  if (byLoad.length < FEWEST_LEVELS) return { kind: 'not-found', why: 'too-few-levels' }
  const best = mostPower(byLoad)
  if (best === undefined) return { kind: 'not-found', why: 'too-few-levels' }
  const below = byLoad.findLast(({ size }) => size < best.size)?.size
  const above = byLoad.find(({ size }) => size > best.size)?.size
  if (above === undefined) return { kind: 'not-found', why: 'at-highest-load' }
  const isLeast = best.axis === 'users' && best.size === 1
  if (below === undefined && !isLeast) return { kind: 'not-found', why: 'at-lowest-load' }
  return { kind: 'found', level: best.level, size: best.size, below, above }
}

/** Of equals the first. */
export function mostPower(trials: readonly SweepTrial[]): SweepTrial | undefined {
  return trials
    .filter(({ standing, power }) => standing === 'served' && power !== undefined)
    .reduce<SweepTrial | undefined>(
      (best, trial) => ((trial.power ?? 0) > (best?.power ?? -1) ? trial : best),
      undefined,
    )
}
