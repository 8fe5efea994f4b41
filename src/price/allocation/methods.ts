import { type Maybe, ratio } from '../../arithmetic.ts'
import { marginalWeights, type Workload } from './marginal-regression.ts'
import {
  type Allocation,
  allocateByAmounts,
  allocateByWeights,
  type ClassPrices,
  type TokenClass,
  type TokenCounts,
} from './token-bill.ts'

/**
 * By the ratios of an API's prices: x for an input token, c x for a cached one, r x for an output token, so that
 * x = bill / (input + c cached + r output). NVIDIA's TCO notebook takes r = 3. It says what buyers are used to,
 * not what the tokens cost.
 *
 * @param outputToInput price of an output token / of an input token
 * @param cachedToInput price of a cached input token / of an input token
 */
export function allocateByPriceRatio(
  billUsd: Maybe,
  tokens: TokenCounts,
  outputToInput: Maybe,
  cachedToInput: Maybe,
): Allocation {
  return allocateByWeights(billUsd, tokens, {
    inputTokens: 1,
    cachedInputTokens: cachedToInput,
    outputTokens: outputToInput,
  })
}

/**
 * By the time of the two phases: the input pays bill x prefill / (prefill + decode), spread over the tokens that were
 * computed; cached ones took no prefill and pay nothing (OpenCost 1.121, docs/inference-cost-tracking.md).
 */
export function allocateByPhaseTime(
  billUsd: Maybe,
  tokens: TokenCounts,
  prefillS: Maybe,
  decodeS: Maybe,
): Allocation {
  return allocateByAmounts(billUsd, tokens, {
    inputTokens: prefillS,
    cachedInputTokens: 0,
    outputTokens: decodeS,
  })
}

/** By the energy of the two phases, the same way: decode draws less power than prefill, so time overstates it. */
export function allocateByEnergy(
  billUsd: Maybe,
  tokens: TokenCounts,
  prefillJ: Maybe,
  decodeJ: Maybe,
): Allocation {
  return allocateByAmounts(billUsd, tokens, {
    inputTokens: prefillJ,
    cachedInputTokens: 0,
    outputTokens: decodeJ,
  })
}

/**
 * By what one more token of each class costs: GPU-seconds of workloads of different shape, regressed on their tokens,
 * then scaled so that the bill comes out whole. Refused where the shapes do not tell the classes apart.
 */
export function allocateByRegression(
  billUsd: Maybe,
  tokens: TokenCounts,
  workloads: readonly Workload[],
): Allocation {
  const weights = marginalWeights(workloads)
  if (weights === undefined)
    return { kind: 'refused', why: 'too few workloads, or all of one shape' }
  return allocateByWeights(billUsd, tokens, weights)
}

/** Cheapest and dearest answer for a class among methods. */
export interface ClassSpread {
  readonly lowUsdPerMillion: number
  readonly highUsdPerMillion: number
  /** high / low; unknown where the low one is 0. */
  readonly highToLow: Maybe
}

/** How far the methods are apart: no one of them is the truth. Unknown for a class that none has a price for. */
export function allocationSpread(
  allocations: readonly Allocation[],
): Readonly<Record<TokenClass, ClassSpread | undefined>> {
  const prices = allocations.flatMap((each) =>
    each.kind === 'allocated' ? [each.usdPerMillion] : [],
  )
  return {
    inputTokens: spreadOf(prices, 'inputTokens'),
    cachedInputTokens: spreadOf(prices, 'cachedInputTokens'),
    outputTokens: spreadOf(prices, 'outputTokens'),
  }
}

function spreadOf(prices: readonly ClassPrices[], name: TokenClass): ClassSpread | undefined {
  const values = prices.map((each) => each[name]).filter((price) => price !== undefined)
  if (values.length === 0) return undefined
  const low = Math.min(...values)
  const high = Math.max(...values)
  return { lowUsdPerMillion: low, highUsdPerMillion: high, highToLow: ratio(high, low) }
}
