import { type Maybe, mean } from '../../arithmetic.ts'
import { variance } from './moments.ts'
import { studentTQuantile, studentTTwoSided } from './student-t.ts'

/** How many times larger one set of runs is than another. */
export interface RatioOfMeans {
  /** Geometric mean of the second over that of the first. */
  readonly ratio: Maybe
  readonly low: Maybe
  readonly high: Maybe
  /** Two-sided, of a ratio of 1. */
  readonly pValue: Maybe
  /** Welch's degrees of freedom. */
  readonly degreesOfFreedom: Maybe
}

const UNKNOWN: RatioOfMeans = {
  ratio: undefined,
  low: undefined,
  high: undefined,
  pValue: undefined,
  degreesOfFreedom: undefined,
}

/**
 * Welch's t test (Biometrika 34, 1947) on logarithms, of figures of whole runs: the ratio of geometric
 * means with its interval. On logarithms, as spreads of times and rates grow with them and a ratio is what
 * is asked. Requests of one run are not independent, one figure a run is. At 3 to 10 runs a side its
 * interval covers 95 % where a bootstrap covers 80 to 92.
 *
 * @returns all unknown for an empty side or a value not above 0; interval and p unknown for a side of one
 *   run, and where no side has any spread
 */
export function logWelch(
  before: readonly number[],
  after: readonly number[],
  { confidence = 0.95 }: { confidence?: number } = {},
): RatioOfMeans {
  if ([...before, ...after].some((value) => !(value > 0 && value < Infinity))) return UNKNOWN
  const [logBefore, logAfter] = [before.map(Math.log), after.map(Math.log)]
  const [meanBefore, meanAfter] = [mean(logBefore), mean(logAfter)]
  if (meanBefore === undefined || meanAfter === undefined) return UNKNOWN
  const difference = meanAfter - meanBefore
  const known = { ...UNKNOWN, ratio: Math.exp(difference) }
  const { error, degreesOfFreedom } = welchError(logBefore, logAfter)
  if (error === undefined || degreesOfFreedom === undefined) return known
  const half = studentTQuantile(1 - (1 - confidence) / 2, degreesOfFreedom) * error
  return {
    ratio: known.ratio,
    low: Math.exp(difference - half),
    high: Math.exp(difference + half),
    pValue: studentTTwoSided(difference / error, degreesOfFreedom),
    degreesOfFreedom,
  }
}

/** Standard error of the difference of two means, and the degrees of freedom of Welch and Satterthwaite. */
function welchError(
  x: readonly number[],
  y: readonly number[],
): { error: Maybe; degreesOfFreedom: Maybe } {
  const [ofX, ofY] = [variance(x), variance(y)]
  if (ofX === undefined || ofY === undefined || ofX + ofY === 0)
    return { error: undefined, degreesOfFreedom: undefined }
  const [partX, partY] = [ofX / x.length, ofY / y.length]
  return {
    error: Math.sqrt(partX + partY),
    degreesOfFreedom:
      (partX + partY) ** 2 / (partX ** 2 / (x.length - 1) + partY ** 2 / (y.length - 1)),
  }
}
