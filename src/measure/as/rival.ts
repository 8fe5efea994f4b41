import type { Benchmark } from '../../load/benchmark.ts'
import type { RequestRecord } from '../../load/record.ts'
import type { LevelLog } from '../../load/run-log.ts'
import type { OperatingPoint } from '../summary.ts'

/** The unit in which a rival writes a figure. */
export type RivalUnit =
  | 'ms'
  | 's'
  | 'ns'
  | 'tokens'
  | 'requests'
  | '%'
  | 'requests/s'
  | 'tokens/s'
  | 'requests at once'

/** One figure by a rival's definition, made of our records. */
export interface RivalFigure {
  /** As the rival's own result file has it, steps into objects joined by dots. */
  readonly key: string
  readonly unit: RivalUnit
  /** Absent where our records cannot tell it, or where the rival has none. */
  readonly value?: number
  /** Why there is no value. */
  readonly missing?: string
  /** Our figure that answers the same question, in the rival's unit. */
  readonly ours?: number
  /** Why there is none of ours, where there would be one. */
  readonly oursMissing?: string
  /** One sentence; only where the two differ. */
  readonly why?: string
}

/** What a rival makes of one load level. */
export interface RivalFigures {
  readonly figures: readonly RivalFigure[]
  /** What a reader must know of these figures and would not learn from the definitions. */
  readonly notes: readonly string[]
}

/** Takes the records of one load level, warm-up included. */
export interface RivalTally {
  readonly add: (record: RequestRecord) => void
  /** @param ours what we make of the same records */
  readonly finish: (ours: OperatingPoint | undefined) => RivalFigures
}

/** A tool of this field, and how it makes figures of what a server did. */
export interface Rival {
  readonly name: string
  /** As its makers call it. */
  readonly tool: string
  /** Which of its versions these definitions are read from. */
  readonly version: string
  /** Files and commits. */
  readonly source: string
  /** Its definitions in words, where they are not everybody's. */
  readonly definitions: readonly string[]
  readonly startLevel: (log: LevelLog, benchmark: Benchmark) => RivalTally
}
