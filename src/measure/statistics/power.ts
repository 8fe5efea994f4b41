import { bisect, firstInteger } from './bisect.ts'
import { normalCdf } from './normal.ts'
import { studentTQuantile } from './student-t.ts'

/** How a comparison of runs is to be judged. */
export interface PowerOptions {
  /** Two-sided level; 0.05 by default. */
  readonly alpha?: number
  /** Chance to find a difference that is there; 0.8 by default (Cohen). */
  readonly power?: number
}

/**
 * Smallest ratio above 1 that so many runs a side find: exp(d * logDeviation), d the effect at which a
 * two-sided t test has the power asked. As large a difference downwards is its reciprocal.
 *
 * @param runs a side, at least 2
 * @param logDeviation standard deviation of the logarithm from run to run: about the coefficient of variation
 */
export function smallestDetectableRatio(
  runs: number,
  logDeviation: number,
  { alpha = 0.05, power = 0.8 }: PowerOptions = {},
): number {
  const isMissed = (effect: number): boolean => powerOfT(runs, effect, alpha) < power
  let high = 1
  while (isMissed(high)) high *= 2
  return Math.exp(bisect(isMissed, 0, high) * logDeviation)
}

/** Fewest runs a side that find this ratio; more than 10,000 are not looked for. */
export function runsToDetect(
  ratio: number,
  logDeviation: number,
  { alpha = 0.05, power = 0.8 }: PowerOptions = {},
): number | undefined {
  const effect = Math.abs(Math.log(ratio)) / logDeviation
  const runs = firstInteger((n) => powerOfT(n, effect, alpha) >= power, 2, MOST_RUNS)
  return runs > MOST_RUNS ? undefined : runs
}

const MOST_RUNS = 10_000

/**
 * Power of a two-sided two-sample t test with n a side, the effect in standard deviations: P(|T| > t_c) of the
 * noncentral t with 2n - 2 degrees of freedom and noncentrality effect * sqrt(n / 2), as the mean of the
 * normal tails over the law of the estimated deviation S: P = E[1 - Phi(t_c S - delta) + Phi(-t_c S - delta)].
 */
export function powerOfT(n: number, effect: number, alpha: number): number {
  const df = 2 * n - 2
  const delta = effect * Math.sqrt(n / 2)
  const critical = studentTQuantile(1 - alpha / 2, df)
  return overDeviations(
    df,
    (s) => normalCdf(delta - critical * s) + normalCdf(-delta - critical * s),
  )
}

const STEPS = 400

/** Mean of `of(S)`, S² chi-squared over its degrees of freedom, by Simpson's rule over ten deviations. */
function overDeviations(df: number, of: (s: number) => number): number {
  // The density is s^(df-1) exp(-df s² / 2) up to a factor, which its own integral gives. S is about 1 +- 1/sqrt(2 df).
  const reach = 10 / Math.sqrt(2 * df)
  const [low, high] = [Math.max(0, 1 - reach), 1 + reach]
  let [total, weights] = [0, 0]
  for (let i = 0; i <= STEPS; i++) {
    const s = low + ((high - low) * i) / STEPS
    const simpson = i === 0 || i === STEPS ? 1 : i % 2 === 1 ? 4 : 2
    const logDensity = (df - 1) * Math.log(s || Number.MIN_VALUE) - (df * (s * s - 1)) / 2
    const weight = simpson * Math.exp(logDensity)
    total += weight * of(s)
    weights += weight
  }
  return total / weights
}
