import { type Maybe, ratio } from '../arithmetic.ts'
import { cachedInputTokens } from './metrics.ts'
import type { OperatingPoint } from './summary.ts'
import type { Tally } from './tally.ts'
import { isCompleted } from './throughput.ts'

type UsageParts = Pick<OperatingPoint, 'cachedInputRatio' | 'reasoningRatio'>

/**
 * What of the tokens came from a cache or was reasoning, as the answers to completed requests of the
 * measured phase tell. Servers leave the field out where it is 0, so one request that has it is enough.
 */
export function startUsageParts(): Tally<UsageParts> {
  let input = 0
  let output = 0
  let cached: Maybe
  let reasoning: Maybe
  return {
    add: (record) => {
      if (record.phase !== 'measured' || !isCompleted(record)) return
      const { inputTokens, outputTokens, reasoningTokens } = record.usage ?? {}
      const cachedTokens = cachedInputTokens(record)
      input += inputTokens ?? 0
      output += outputTokens ?? 0
      if (cachedTokens !== undefined) cached = (cached ?? 0) + cachedTokens
      if (reasoningTokens !== undefined) reasoning = (reasoning ?? 0) + reasoningTokens
    },
    finish: () => ({
      cachedInputRatio: ratio(cached, input),
      reasoningRatio: ratio(reasoning, output),
    }),
  }
}
