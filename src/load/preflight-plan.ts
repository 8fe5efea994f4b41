import type { PreflightPlan } from '../detect/preflight/preflight.ts'
import { type Benchmark, type Load, type LoadLevel, levelsOf, sizeOf } from './benchmark.ts'
import { connectionsOf } from './limits.ts'
import type { WorkloadData } from './workloads/plan.ts'
import { longestAnswer } from './workloads/sizes.ts'

/** Bytes of the journal, measured (docs/method.md, "What a run keeps"): the larger figure where there are two. */
const REQUEST_BYTES = 309
const CHUNK_BYTES = 5.9

/** What a preflight has to know of a run: each thing as far as the benchmark settles it. */
export function preflightPlan(
  { load, workload, ...benchmark }: Benchmark,
  url: URL,
  outFolder: string,
  data?: WorkloadData,
): PreflightPlan {
  return {
    url,
    connections: connectionsOf(load),
    requestsPerS: mostRequestsPerS(load),
    outFolder,
    outBytes: journalBytes(mostRequests(load, benchmark), longestAnswer(workload, data)),
  }
}

function mostRequestsPerS(load: Load): number | undefined {
  const rates = levelsOf(load).map(ratePerS)
  return rates.every((rate) => rate !== undefined) ? Math.max(...rates) : undefined
}

/** The highest of a level. In a closed loop the server sets the pace, in a trace its requests do. */
function ratePerS(level: LoadLevel): number | undefined {
  return level.kind === 'closed' || level.kind === 'trace' ? undefined : sizeOf(level)
}

type Bounds = Pick<Benchmark, 'durationS' | 'warmupS' | 'requests'>

/** Requests of all levels, as far as rate and time, or their number, bound them. */
function mostRequests(load: Load, bounds: Bounds): number | undefined {
  const ofLevels = levelsOf(load).map((level) => requestsOf(ratePerS(level), bounds))
  if (!ofLevels.every((requests) => requests !== undefined)) return undefined
  return ofLevels.reduce((sum, requests) => sum + requests, 0)
}

function requestsOf(
  rate: number | undefined,
  { durationS, warmupS, requests }: Bounds,
): number | undefined {
  const inWarmup = warmupS === 0 ? 0 : product(rate, warmupS)
  const inWindow = requests ?? product(rate, durationS)
  return inWarmup === undefined || inWindow === undefined ? undefined : inWarmup + inWindow
}

function product(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a * b
}

/** A chunk holds a token or more, so there are at most as many as tokens. */
function journalBytes(
  requests: number | undefined,
  answerTokens: number | undefined,
): number | undefined {
  if (requests === undefined || answerTokens === undefined) return undefined
  return Math.ceil(requests * (REQUEST_BYTES + CHUNK_BYTES * answerTokens))
}
