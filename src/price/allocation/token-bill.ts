import { type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { TOKENS_PER_MILLION } from '../../units.ts'
import { requireBetween, requireNotNegative } from '../requirements.ts'

/** Tokens by what they ask of a machine. The three add up to all tokens. */
export interface TokenCounts {
  /** Prompt tokens that had to be computed. */
  readonly inputTokens: number
  /** Prompt tokens that a cache had ready. */
  readonly cachedInputTokens: number
  /** Generated tokens, reasoning included. */
  readonly outputTokens: number
}

export type TokenClass = keyof TokenCounts

/**
 * Counts from what servers and APIs report: their prompt has the cached part in it.
 *
 * @throws UserError when more is cached than was sent
 */
export function tokenCounts(
  promptTokens: number,
  cachedInputTokens: number,
  outputTokens: number,
): TokenCounts {
  requireBetween('cachedInputTokens', cachedInputTokens, 0, promptTokens)
  requireNotNegative('outputTokens', outputTokens)
  return { inputTokens: promptTokens - cachedInputTokens, cachedInputTokens, outputTokens }
}

/** In the order in which bills are added up. */
export const tokenClasses = ['inputTokens', 'cachedInputTokens', 'outputTokens'] as const

/** USD per million tokens of each class; unknown where there is no token of it and nothing says what one would cost. */
export type ClassPrices = Readonly<Record<TokenClass, Maybe>>

/** A bill shared among the classes: tokens x price adds up to it; or why it cannot be. */
export type Allocation =
  | { readonly kind: 'allocated'; readonly usdPerMillion: ClassPrices }
  | { readonly kind: 'refused'; readonly why: AllocationRefusal }

type AllocationRefusal =
  | 'an input is unknown'
  | 'there is no token to charge'
  | 'a share falls on tokens of which there are none'
  | 'too few workloads, or all of one shape'

/** What tokens at these prices come to, USD: summed input, cached input, output. No token costs nothing at any price. */
export function billOf(tokens: TokenCounts, usdPerMillion: ClassPrices): Maybe {
  const usd = weighedTokens(tokens, usdPerMillion)
  return ratio(usd, TOKENS_PER_MILLION)
}

/** One price for all tokens, cached ones too: bill / all tokens. Unknown without any. */
export function blendedUsdPerMillion(billUsd: Maybe, tokens: TokenCounts): Maybe {
  const all = sum(tokenClasses.map((name) => tokens[name]))
  return ratio(product([billUsd, TOKENS_PER_MILLION]), all)
}

function weighedTokens(tokens: TokenCounts, weights: Readonly<Record<TokenClass, Maybe>>): Maybe {
  return sum(
    tokenClasses.map((name) => (tokens[name] === 0 ? 0 : product([tokens[name], weights[name]]))),
  )
}

/**
 * Shares a bill in proportion to tokens x weight: every token of weight w pays w x bill / sum(tokens x weight).
 *
 * @param weights of one token of each class, against each other
 * @throws UserError for a negative count or weight
 */
export function allocateByWeights(
  billUsd: Maybe,
  tokens: TokenCounts,
  weights: Readonly<Record<TokenClass, Maybe>>,
): Allocation {
  for (const name of tokenClasses) {
    requireNotNegative(name, tokens[name])
    requireNotNegative(`weight of ${name}`, weights[name])
  }
  const weighted = weighedTokens(tokens, weights)
  if (billUsd === undefined || weighted === undefined)
    return { kind: 'refused', why: 'an input is unknown' }
  if (weighted === 0) return { kind: 'refused', why: 'there is no token to charge' }
  const usdPerWeight = (billUsd / weighted) * TOKENS_PER_MILLION
  return allocated((name) => product([weights[name], usdPerWeight]))
}

/**
 * Shares a bill in proportion to something measured of each class as a whole, such as seconds or joules.
 *
 * @throws UserError for a negative count or amount
 */
export function allocateByAmounts(
  billUsd: Maybe,
  tokens: TokenCounts,
  amounts: Readonly<Record<TokenClass, Maybe>>,
): Allocation {
  for (const name of tokenClasses) {
    requireNotNegative(name, tokens[name])
    requireNotNegative(`amount of ${name}`, amounts[name])
  }
  const total = sum(tokenClasses.map((name) => amounts[name]))
  if (billUsd === undefined || total === undefined)
    return { kind: 'refused', why: 'an input is unknown' }
  if (total === 0) return { kind: 'refused', why: 'there is no token to charge' }
  if (tokenClasses.some((name) => (amounts[name] as number) > 0 && tokens[name] === 0))
    return { kind: 'refused', why: 'a share falls on tokens of which there are none' }
  return allocated((name) => {
    const usd = billUsd * ((amounts[name] as number) / total)
    return ratio(usd * TOKENS_PER_MILLION, tokens[name])
  })
}

function allocated(price: (name: TokenClass) => Maybe): Allocation {
  const usdPerMillion = {
    inputTokens: price('inputTokens'),
    cachedInputTokens: price('cachedInputTokens'),
    outputTokens: price('outputTokens'),
  }
  return { kind: 'allocated', usdPerMillion }
}
