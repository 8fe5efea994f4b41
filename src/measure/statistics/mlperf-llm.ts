import { difference, type Maybe, ratio } from '../../arithmetic.ts'
import { type EarlyStoppingVerdict, earlyStopping, mlperfRule } from './early-stopping.ts'
import { ascending } from './moments.ts'
import { percentileDefinitions } from './percentile-definitions.ts'

/** Limits of a model and scenario; they change from round to round and come from a dated file, not from here. */
export interface LlmLimits {
  readonly ttftMs: number
  readonly tpotMs: number
}

/** One limit, held against LoadGen's p99. */
export interface LimitVerdict {
  readonly p99Ms: Maybe
  readonly limitMs: number
  readonly withinLimit: boolean
  readonly earlyStopping: EarlyStoppingVerdict
}

export interface LlmVerdict {
  readonly ttft: LimitVerdict
  readonly tpot: LimitVerdict
  readonly passed: boolean
}

/**
 * MLPerf's rule for language models under load: p99 of TTFT and of TPOT each strictly under its limit
 * (submission checker, llm_check), and early stopping passed for each (loadgen/results.cc). Each is 99 %
 * sure, so both together at least 98 %.
 *
 * @param ttftMs from when each request was due
 */
export function llmVerdict(
  { ttftMs, tpotMs }: { ttftMs: readonly number[]; tpotMs: readonly number[] },
  limits: LlmLimits,
): LlmVerdict {
  const ttft = limitVerdict(ttftMs, limits.ttftMs)
  const tpot = limitVerdict(tpotMs, limits.tpotMs)
  const passed = [ttft, tpot].every((each) => each.withinLimit && each.earlyStopping.passed)
  return { ttft, tpot, passed }
}

/** One limit: of TTFT, of TPOT, or of the whole latency where a model has only that. */
export function limitVerdict(valuesMs: readonly number[], limitMs: number): LimitVerdict {
  const p99Ms = percentileDefinitions.loadgen.of(ascending(valuesMs), 99)
  const over = valuesMs.filter((value) => value > limitMs).length
  return {
    p99Ms,
    limitMs,
    withinLimit: p99Ms !== undefined && p99Ms < limitMs,
    earlyStopping: earlyStopping(mlperfRule(99), valuesMs.length, over),
  }
}

/** Mean output length within a tenth of the reference (compliance test TEST09). */
export function outputLengthBand(
  referenceMean: number,
  toleranceRatio = 0.1,
): { readonly min: number; readonly max: number } {
  return { min: referenceMean * (1 - toleranceRatio), max: referenceMean * (1 + toleranceRatio) }
}

/** Gain from sending one and the same prompt, as a share; over 0.1 something is cached (TEST04). */
export function cachingSpeedup(samePromptPerS: Maybe, differentPromptsPerS: Maybe): Maybe {
  return ratio(difference(samePromptPerS, differentPromptsPerS), differentPromptsPerS)
}
