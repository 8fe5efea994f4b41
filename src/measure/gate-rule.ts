import type { Benchmark, Purpose } from '../load/benchmark.ts'
import type { RunLog } from '../load/run-log.ts'
import type { LevelEvidence } from './level-evidence.ts'
import type { WatchedMachine } from './machine-summary.ts'
import type { Gate, OperatingPoint, ServerFigures, TokenCounts } from './summary.ts'

/** What a gate judges: one operating point without its gates, what was asked of the run, and what it left. */
export interface GateInput {
  readonly point: Omit<OperatingPoint, 'gates'>
  readonly benchmark: Benchmark
  readonly evidence: LevelEvidence
  readonly purpose: Purpose
  /** Absent where a level is judged by itself. */
  readonly run?: RunLog
}

/** What a gate of the whole run judges. */
export interface RunGateInput {
  readonly tokens: TokenCounts
  readonly run: RunLog
  readonly purpose: Purpose
  readonly machine?: WatchedMachine
  /** From the first look at the server to the last. */
  readonly server?: ServerFigures
  /** Runs of the group that went to their end; absent where a run is judged by itself. */
  readonly groupRuns?: number
}

/** What a gate came to. A reason goes on after `as` or `because`, without a full stop. */
export type Judgement =
  | { readonly kind: 'judged'; readonly value: string; readonly pass: boolean }
  | { readonly kind: 'not-measured'; readonly reason: string }
  | { readonly kind: 'does-not-apply'; readonly reason: string }

export function judged(value: string, pass: boolean): Judgement {
  return { kind: 'judged', value, pass }
}

/** It concerns this run, and nothing tells. */
export function notMeasured(reason: string): Judgement {
  return { kind: 'not-measured', reason }
}

/** Nothing in this run is what it is about. */
export function doesNotApply(reason: string): Judgement {
  return { kind: 'does-not-apply', reason }
}

/** One row of a table of gates. */
export interface GateRule<Input> {
  /** What a failure means: the numbers are wrong, or right about something else, or right and no more than told. */
  readonly severity: Gate['severity'] | ((input: Input) => Gate['severity'])
  readonly limit: (input: Input) => string
  readonly remedy: string | ((input: Input) => string)
  readonly judge: (input: Input) => Judgement
}

/** What weakens no figure that is shown, and may still not be published. */
export function noteUnlessPublished({ purpose }: { readonly purpose: Purpose }): Gate['severity'] {
  return purpose === 'publish' ? 'degraded' : 'note'
}

export function purposeOf(run: Pick<RunLog, 'config'> | undefined): Purpose {
  return run?.config.purpose ?? 'explore'
}

export function percent(value: number): string {
  return `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`
}

/** With two digits that mean something, for what is far under a hundredth. */
export function finePercent(value: number): string {
  return `${Number((value * 100).toPrecision(2))} %`
}

export function signedPercent(value: number): string {
  return `${value < 0 ? '' : '+'}${(100 * value).toFixed(1)} %`
}
