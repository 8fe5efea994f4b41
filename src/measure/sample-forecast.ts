import { type Maybe, product, ratio } from '../arithmetic.ts'
import { type Benchmark, describeLevel, type LoadLevel, levelsOf } from '../load/benchmark.ts'
import { sampleFloor } from './quantile.ts'

const SHOWN = [95, 99] as const

/**
 * Which of p95 and p99 a benchmark has too few requests for by its own plan, and how many or how long it
 * would take: a line for each level, known before any load. Nothing of levels that have enough, or whose
 * number of requests only the server's speed decides.
 */
export function sampleForecast({ load, durationS, requests }: Benchmark): string[] {
  return levelsOf(load).flatMap((level) => {
    const ratePerS = ratePerSOf(level)
    const planned = fewer(requests, product([ratePerS, durationS]))
    const short = SHOWN.filter((p) => planned !== undefined && planned < sampleFloor(p))
    if (planned === undefined || short.length === 0) return []
    const needs = short.map((p) => `p${p} needs ${sampleFloor(p)}${timeFor(p, ratePerS)}`)
    const about = requests === planned ? `${planned}` : `about ${Math.round(planned)}`
    return [
      `${describeLevel(level)}: ${about} requests are planned in the window, and ${needs.join(', ')}. Percentiles with too few are withheld.`,
    ]
  })
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
