import type { Slo } from '../load/benchmark.ts'
import { usablePoints } from '../measure/search/search.ts'
import type { SloOutcome } from '../measure/search/search-summary.ts'
import { GOOD_RATIO } from './slo.ts'
import type { PricedPoint, Subject } from './subject.ts'

/** The measured level that the options are priced at, and why. Never a point between levels, never beyond them. */
export function choosePoint({
  points,
  hasSlo,
  kind,
  slo,
  search,
}: Pick<Subject, 'points' | 'hasSlo' | 'kind' | 'slo' | 'search'>): {
  point?: PricedPoint
  reason: string
} {
  if (search?.question === 'slo') return pointOfOutcome(points, search.outcome)
  const known = usablePoints(points, search).filter(
    ({ outputTokensPerS = 0 }) => outputTokensPerS > 0,
  )
  if (known.length === 0) return { reason: nothingKnown[kind] }
  const eligible = hasSlo ? known.filter(({ meetsSlo }) => meetsSlo === true) : known
  const point = highestThroughput(eligible)
  if (!point)
    return {
      reason: `no measured level let ${GOOD_RATIO * 100} % of its requests meet the SLO${inEvery(kind)}${nearest(known, slo, kind)}`,
    }
  const measured = kind === 'group' ? 'median' : 'measured'
  const met = `highest ${measured} throughput at which ${GOOD_RATIO * 100} % of requests met the SLO${inEvery(kind)}`
  return { point, reason: hasSlo ? met : withoutSlo[kind] }
}

/** A level that failed in one run is not one that the machine holds. */
function inEvery(kind: Subject['kind']): string {
  return kind === 'group' ? ' in every run' : ''
}

const NO_THROUGHPUT = 'no level has a measured throughput'

const nothingKnown: Readonly<Record<Subject['kind'], string>> = {
  run: NO_THROUGHPUT,
  group: 'no level has a throughput in every run that went to its end',
  imported: NO_THROUGHPUT,
  stated: NO_THROUGHPUT,
}

const withoutSlo: Readonly<Record<Subject['kind'], string>> = {
  run: 'highest measured throughput; no SLO was set',
  group: 'highest median throughput; no SLO was set',
  imported: 'highest throughput of the file; no SLO can be judged',
  stated: 'nobody measured it',
}

/** A search asked for this very point: the highest load at which its limits hold, and never one beyond. */
function pointOfOutcome(
  points: readonly PricedPoint[],
  outcome: SloOutcome,
): { point?: PricedPoint; reason: string } {
  const at = (level: number | undefined): PricedPoint | undefined =>
    points.find((point) => point.level === level && (point.outputTokensPerS ?? 0) > 0)
  switch (outcome.kind) {
    case 'found':
      return {
        point: at(outcome.level),
        reason: 'the highest load found at which the limits of the search hold',
      }
    case 'unreachable':
      return { reason: 'the limits of the search hold at no load that was allowed' }
    case 'not-bracketed': {
      const point = at(outcome.level)
      return point
        ? {
            point,
            reason:
              'the highest load tried at which the limits of the search held; the search was not bracketed, so more may be possible',
          }
        : { reason: 'the limits of the search were not shown to hold at any load' }
    }
  }
}

function highestThroughput(points: readonly PricedPoint[]): PricedPoint | undefined {
  return points.reduce<PricedPoint | undefined>(
    (best, point) =>
      (point.outputTokensPerS ?? 0) > (best?.outputTokensPerS ?? -1) ? point : best,
    undefined,
  )
}

/** The limits, and how near the best level came to them. */
function nearest(
  points: readonly PricedPoint[],
  slo: Slo | undefined = {},
  kind: Subject['kind'],
): string {
  const limits = [
    ...(slo.ttftMs === undefined ? [] : [`TTFT ${slo.ttftMs} ms`]),
    ...(slo.tpotMs === undefined ? [] : [`TPOT ${slo.tpotMs} ms`]),
    ...(slo.latencyMs === undefined ? [] : [`latency ${slo.latencyMs} ms`]),
  ]
  const best = points.reduce<PricedPoint | undefined>(
    (most, each) => ((each.goodRatio ?? -1) > (most?.goodRatio ?? -1) ? each : most),
    undefined,
  )
  const came =
    best?.goodRatio === undefined
      ? ''
      : `; at best ${Number((best.goodRatio * 100).toFixed(1))} % did${kind === 'group' ? ' in its worst run' : ''}, at ${best.label}`
  return `${limits.length > 0 ? ` (${limits.join(', ')})` : ''}${came}`
}
