import type { Maybe } from '../../arithmetic.ts'
import { rankOf } from '../quantile.ts'

/** How others read a percentile off the same samples. */
export interface PercentileDefinition {
  readonly label: string
  /** Who reports it. */
  readonly usedBy: string
  /** @param sorted ascending, never empty @param p percent, 0 to 100 */
  readonly of: (sorted: ArrayLike<number>, p: number) => Maybe
}

/** Same samples, different "p99": to read a figure as a rival would. To add one, add it here. */
export const percentileDefinitions = {
  'nearest-rank': {
    label: 'nearest rank: smallest sample that p percent do not exceed',
    usedBy: 'baremark',
    of: (sorted, p) => sorted[rankOf(sorted.length, p) - 1],
  },
  hdr: {
    label: 'nearest rank, the percentile lowered by one bit against rounding',
    usedBy: 'HdrHistogram getValueAtPercentile; wrk2',
    of: (sorted, p) => sorted[Math.max(1, Math.ceil((nextDown(p) * sorted.length) / 100)) - 1],
  },
  loadgen: {
    label: 'sample at index floor(n p)',
    usedBy: 'MLPerf LoadGen results.cc',
    // LoadGen would read past the end at p = 100, and asks for the maximum apart.
    of: (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * (p / 100)))],
  },
  lower: {
    label: 'the lower of the two neighbours of (n - 1) p',
    usedBy: 'mlcommons/endpoints (numpy method "lower")',
    of: (sorted, p) => sorted[Math.floor((sorted.length - 1) * (p / 100))],
  },
  linear: {
    label: 'linear between the neighbours of (n - 1) p; type 7 of Hyndman and Fan',
    usedBy: 'numpy default: vLLM, AIPerf, inference-perf, genai-bench; k6; tinybench',
    of: (sorted, p) => interpolated(sorted, (sorted.length - 1) * (p / 100)),
  },
  hazen: {
    label: 'linear at n p + 1/2; type 5 of Hyndman and Fan',
    usedBy: 'MATLAB prctile',
    of: (sorted, p) => interpolated(sorted, sorted.length * (p / 100) - 0.5),
  },
  weibull: {
    label: 'linear at (n + 1) p; type 6 of Hyndman and Fan',
    usedBy: 'R type 6, SPSS, Minitab',
    of: (sorted, p) => interpolated(sorted, (sorted.length + 1) * (p / 100) - 1),
  },
  'median-unbiased': {
    label: 'linear at (n + 1/3) p + 1/3; type 8, which Hyndman and Fan recommend',
    usedBy: 'R type 8',
    of: (sorted, p) => interpolated(sorted, (sorted.length + 1 / 3) * (p / 100) + 1 / 3 - 1),
  },
} as const satisfies Record<string, PercentileDefinition>

export type PercentileDefinitionName = keyof typeof percentileDefinitions

/** Value at a fractional index from 0; the ends beyond them. */
function interpolated(sorted: ArrayLike<number>, at: number): Maybe {
  const index = Math.min(sorted.length - 1, Math.max(0, at))
  const low = sorted[Math.floor(index)]
  const high = sorted[Math.ceil(index)]
  if (low === undefined || high === undefined) return undefined
  return low + (high - low) * (index - Math.floor(index))
}

/** The largest double under a positive one. */
function nextDown(value: number): number {
  if (!(value > 0)) return value
  const bits = new BigUint64Array(Float64Array.of(value).buffer)
  bits[0] = (bits[0] ?? 0n) - 1n
  return new Float64Array(bits.buffer)[0] ?? value
}
