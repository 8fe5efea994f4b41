import { type Maybe, product, ratio } from '../arithmetic.ts'
import {
  type Benchmark,
  describeLevel,
  type LoadLevel,
  levelsOf,
  type Purpose,
} from '../load/benchmark.ts'
import { MIN_WINDOW_S, NEEDED_PERCENTILE } from './gate-load.ts'
import { sampleFloor } from './quantile.ts'

const SHOWN = [95, 99] as const

/**
 * What a benchmark is too short for by its own plan, a line for each level, known before any load. To explore:
 * which of p95 and p99 have too few requests, and how many or how long it would take; nothing of levels that have
 * enough, or whose number of requests only the server's speed decides. To publish: the window and the requests that
 * every level needs, and whether the plan has them.
 */
export function sampleForecast(benchmark: Benchmark, purpose: Purpose): string[] {
  const levels = levelsOf(benchmark.load)
  return purpose === 'publish'
    ? levels.map((level) => publishForecast(level, benchmark))
    : levels.flatMap((level) => exploreForecast(level, benchmark))
}

function exploreForecast(level: LoadLevel, { durationS, requests }: Benchmark): string[] {
  const ratePerS = ratePerSOf(level)
  const planned = fewer(requests, product([ratePerS, durationS]))
  const short = SHOWN.filter((p) => planned !== undefined && planned < sampleFloor(p))
  if (planned === undefined || short.length === 0) return []
  const needs = short.map((p) => `p${p} needs ${sampleFloor(p)}${timeFor(p, ratePerS)}`)
  return [
    `${describeLevel(level)}: ${about(planned, requests)} requests are planned in the window, and ${needs.join(', ')}. Percentiles with too few are withheld.`,
  ]
}

function publishForecast(level: LoadLevel, { durationS, requests }: Benchmark): string {
  const ratePerS = ratePerSOf(level)
  const p = NEEDED_PERCENTILE.publish
  const neededRequests = sampleFloor(p)
  const neededS = Math.max(MIN_WINDOW_S.publish, Math.ceil(ratio(neededRequests, ratePerS) ?? 0))
  const plannedS = fewer(durationS, ratio(requests, ratePerS))
  const planned = fewer(requests, product([ratePerS, durationS]))
  const bring = product([ratePerS, neededS])
  const needs = `${neededS} s${bring === undefined ? '' : `, which brings about ${Math.round(bring)} requests`}`
  const plan = [
    plannedS === undefined ? [] : [`${Number(plannedS.toFixed(1))} s`],
    planned === undefined ? [] : [`${about(planned, requests)} requests`],
  ].flat()
  const isShort = (plannedS ?? neededS) < neededS || (planned ?? neededRequests) < neededRequests
  const isKnown = plannedS !== undefined && planned !== undefined
  const outcome = isShort
    ? 'too short to publish'
    : isKnown
      ? 'enough'
      : `enough if at least ${neededRequests} requests complete in at least ${neededS} s`
  return `${describeLevel(level)}: to publish, the window must last ${needs}, and ${neededRequests} requests must complete in it (p${p}). Planned: ${plan.join(', ') || 'what the trace holds'}: ${outcome}.`
}

function about(planned: number, requests: Maybe): string {
  return requests === planned ? `${planned}` : `about ${Math.round(planned)}`
}

/** Users ask as fast as they are answered, and a trace or a ramp as it says: neither has one rate. */
function ratePerSOf(level: LoadLevel): Maybe {
  switch (level.kind) {
    case 'constant':
    case 'poisson':
    case 'gamma':
      return level.ratePerS
    case 'closed':
    case 'ramp':
    case 'trace':
      return undefined
  }
}

/** The window ends with whichever bound comes first. */
function fewer(a: Maybe, b: Maybe): Maybe {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

function timeFor(p: number, ratePerS: Maybe): string {
  const seconds = ratio(sampleFloor(p), ratePerS)
  return seconds === undefined ? '' : ` (${Math.ceil(seconds)} s)`
}
