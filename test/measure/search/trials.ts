import type { SloPlan, SweepPlan } from '../../../src/load/search-plan.ts'
import { distribution } from '../../../src/measure/quantile.ts'
import type { SloStanding, SloTrial } from '../../../src/measure/search/search-summary.ts'
import { nextSloStep } from '../../../src/measure/search/slo.ts'
import type { Gate, OperatingPoint } from '../../../src/measure/summary.ts'
import { benchmark, levelLog, operatingPoint, record, shifted } from '../records.ts'

export function sloPlan(parts: Partial<SloPlan> = {}): SloPlan {
  return {
    question: 'slo',
    axis: 'users',
    limits: [
      {
        kind: 'percentile',
        metric: 'ttftMs',
        p: 95,
        limitMs: 500,
        isStrict: false,
        needsEarlyStopping: false,
      },
    ],
    start: 1,
    lowest: 1,
    highest: 512,
    resolutionRatio: 0,
    confirmations: 2,
    maxCandidates: 3,
    maxLevels: 30,
    ...parts,
  }
}

export function sweepPlan(parts: Partial<SweepPlan> = {}): SweepPlan {
  return {
    question: 'sweep',
    axis: 'users',
    levels: {
      chosen: 'by-search',
      lowest: 1,
      highest: 512,
      maxLevels: 12,
      minGainRatio: 0.05,
    },
    ...parts,
  }
}

/** How a level of a size stands, by its number in the search. */
export type Oracle = (size: number, level: number) => SloStanding

export function sloTrialOf(
  size: number,
  standing: SloStanding,
  level: number,
  parts: Partial<SloTrial> = {},
): SloTrial {
  return {
    level,
    size,
    standing,
    service: 'served',
    why: '',
    checks: [],
    endsSearch: false,
    ...parts,
  }
}

/** The levels that a search runs against somebody who knows the answers. */
export function searchAgainst(plan: SloPlan, oracle: Oracle): SloTrial[] {
  const trials: SloTrial[] = []
  for (;;) {
    const step = nextSloStep(plan, trials)
    if (step.kind === 'done') return trials
    trials.push(sloTrialOf(step.size, oracle(step.size, trials.length), trials.length))
  }
}

/** Holds up to a load and not beyond. */
export function upTo(capacity: number): Oracle {
  return (size) => (size <= capacity ? 'held' : 'missed')
}

const four = [0, 250, 500, 750].map((ms, id) => shifted(record(), ms, { id }))

/** A level with these TTFTs, that no gate speaks against unless told. */
export function pointWith(
  ttftMs: readonly number[],
  parts: Partial<OperatingPoint> = {},
): OperatingPoint {
  const point = operatingPoint(levelLog({ issued: 4 }), four, benchmark())
  return { ...point, ttftMs: distribution(ttftMs), gates: [], ...parts }
}

export function failedGate(gate: string, severity: Gate['severity'] = 'invalid'): Gate {
  return { gate, status: 'fail', severity, value: 'bad', limit: 'good', remedy: '' }
}
