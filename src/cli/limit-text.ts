import { UserError } from '../errors.ts'
import type { Limit, PercentileLimit } from '../load/search-plan.ts'

const metrics: Readonly<Record<string, PercentileLimit['metric']>> = {
  ttft: 'ttftMs',
  tpot: 'tpotMs',
  latency: 'latencyMs',
  e2el: 'latencyMs',
}

const percentiles: Readonly<Record<string, PercentileLimit['p']>> = {
  50: 50,
  90: 90,
  95: 95,
  99: 99,
}

/**
 * `ttft p99 <= 2000, tpot p99 < 200, latency p95 <= 10s, goodput >= 0.95`: times in ms unless a unit is
 * given, the share of good requests as a ratio or in per cent.
 *
 * @throws UserError
 */
export function parseLimits(text: string): Limit[] {
  return text
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '')
    .map(parseLimit)
}

function parseLimit(term: string): Limit {
  const time = /^(\w+)\s+p(\d+)\s*(<=?)\s*(\d+(?:\.\d+)?)\s*(ms|s)?$/i.exec(term)
  const [, name = '', rank = '', sign, digits, unit = 'ms'] = time ?? []
  const metric = metrics[name.toLowerCase()]
  const p = percentiles[rank]
  const limitMs = Number(digits) * (unit.toLowerCase() === 's' ? 1000 : 1)
  if (metric !== undefined && p !== undefined && limitMs > 0) {
    const isStrict = sign === '<'
    return { kind: 'percentile', metric, p, limitMs, isStrict, needsEarlyStopping: false }
  }
  const [, share, percent] = /^goodput\s*>=\s*(\d*\.?\d+)\s*(%)?$/i.exec(term) ?? []
  const atLeastRatio = Number(share) / (percent === undefined ? 1 : 100)
  if (atLeastRatio > 0 && atLeastRatio < 1) return { kind: 'goodput', atLeastRatio }
  throw new UserError(`"${term}" is not a limit.`, {
    remedy:
      'Write NAME pNN <= MS with a NAME of ttft, tpot or latency and an NN of 50, 90, 95 or 99, or goodput >= SHARE with a SHARE between 0 and 1; commas between several.',
  })
}
