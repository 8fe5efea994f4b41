import type { RequestRecord } from '../../load/record.ts'
import type { RunLog } from '../../load/run-log.ts'
import type { OperatingPoint } from '../summary.ts'
import { aiperf } from './aiperf.ts'
import { guidellm } from './guidellm.ts'
import { inferencePerf } from './inference-perf.ts'
import { mlperf } from './mlperf.ts'
import { mlperfEndpoints } from './mlperf-endpoints.ts'
import type { Rival, RivalFigures } from './rival.ts'
import { sglang } from './sglang.ts'
import { vllm } from './vllm.ts'

/** Every tool whose definitions our records can be put through. To add one, write its file and name it here. */
export const rivals: readonly Rival[] = [
  vllm,
  aiperf,
  guidellm,
  sglang,
  mlperf,
  mlperfEndpoints,
  inferencePerf,
]

/** One load level by a rival's definitions. */
export interface RivalLevel extends RivalFigures {
  readonly level: number
  readonly label: string
}

/** A run by a rival's definitions, ours beside them. */
export interface RivalView {
  readonly rival: Omit<Rival, 'startLevel'>
  readonly levels: readonly RivalLevel[]
}

/** Takes the records of a run as they come. */
export interface RivalViewTally {
  readonly add: (record: RequestRecord) => void
  /** @param points what we make of the same records */
  readonly finish: (points: readonly OperatingPoint[]) => RivalView
}

/** A run as the rival would have seen the same answers. Records of levels that the log does not know are left out. */
export function startRivalView({ startLevel, ...rival }: Rival, run: RunLog): RivalViewTally {
  const levels = new Map(
    run.levels.map((log) => [log.level, startLevel(log, run.config.benchmark)]),
  )
  return {
    add: (record) => levels.get(record.level)?.add(record),
    finish: (points) => ({
      rival,
      levels: points.flatMap((point) => {
        const tally = levels.get(point.level)
        return tally ? [{ level: point.level, label: point.label, ...tally.finish(point) }] : []
      }),
    }),
  }
}
