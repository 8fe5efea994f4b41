import { type Maybe, product, ratio, sum } from '../arithmetic.ts'
import { UserError } from '../errors.ts'
import { TOKENS_PER_MILLION } from '../units.ts'
import type { TokenCounts } from './allocation/token-bill.ts'
import { requireNotNegative, requireRatio } from './requirements.ts'

/** USD per million tokens for prompts longer than a limit. */
interface ApiTariffStep {
  /** The step holds for prompts (cached part included) of more than this; 0 for the first. */
  readonly aboveInputTokens: number
  readonly usdPerMillionInputTokens: Maybe
  readonly usdPerMillionCachedInputTokens: Maybe
  readonly usdPerMillionOutputTokens: Maybe
}

/** What an API charges, and when. */
export interface ApiTariff {
  /** Ascending, the first from 0. One is enough where the length of the prompt does not matter. */
  readonly steps: readonly ApiTariffStep[]
  /** What a request in a batch costs of its price, e.g. 0.5; unknown where there is no batch. */
  readonly batchRatio: Maybe
  /** First day, ISO 8601; absent when it has always held. */
  readonly from?: string
  /** First day on which it no longer holds; absent while it does. */
  readonly to?: string
}

/** One request, or many alike. */
export interface ApiUse {
  readonly perRequest: TokenCounts
  readonly requests: Maybe
  readonly batch: boolean
}

/**
 * USD for requests: tokens of each class x its price, by the step of the whole prompt. A prompt over the limit pays the
 * dearer step for all its tokens, output too, not for those beyond (OpenAI, Anthropic and Google bill long contexts so).
 * Tokens without a price make the answer unknown; a price that no token needs may be.
 *
 * @throws UserError for a negative count, or steps that do not ascend from 0
 */
export function apiUsd(tariff: ApiTariff, { perRequest, requests, batch }: ApiUse): Maybe {
  const step = stepFor(tariff.steps, perRequest.inputTokens + perRequest.cachedInputTokens)
  const usdPerRequest = sum([
    classUsd('inputTokens', perRequest.inputTokens, step.usdPerMillionInputTokens),
    classUsd(
      'cachedInputTokens',
      perRequest.cachedInputTokens,
      step.usdPerMillionCachedInputTokens,
    ),
    classUsd('outputTokens', perRequest.outputTokens, step.usdPerMillionOutputTokens),
  ])
  requireNotNegative('requests', requests)
  requireRatio('batchRatio', tariff.batchRatio)
  return product([usdPerRequest, requests, batch ? tariff.batchRatio : 1])
}

function classUsd(name: string, tokens: number, usdPerMillion: Maybe): Maybe {
  requireNotNegative(name, tokens)
  if (tokens === 0) return 0
  return ratio(product([tokens, usdPerMillion]), TOKENS_PER_MILLION)
}

function stepFor(steps: readonly ApiTariffStep[], promptTokens: number): ApiTariffStep {
  const [first] = steps
  const ascends = steps.every(
    ({ aboveInputTokens }, i) =>
      i === 0 || aboveInputTokens > (steps[i - 1]?.aboveInputTokens ?? 0),
  )
  if (first === undefined || first.aboveInputTokens !== 0 || !ascends) {
    throw new UserError('The steps of an API tariff do not ascend from 0 prompt tokens.', {
      remedy: 'Give the first step aboveInputTokens: 0 and each later one a higher limit.',
    })
  }
  return steps.findLast(({ aboveInputTokens }) => promptTokens > aboveInputTokens) ?? first
}

/** USD per million tokens of the mix that a request has; unknown without tokens. */
export function apiUsdPerMillionTokens(tariff: ApiTariff, use: Omit<ApiUse, 'requests'>): Maybe {
  const { inputTokens, cachedInputTokens, outputTokens } = use.perRequest
  const millions = (inputTokens + cachedInputTokens + outputTokens) / TOKENS_PER_MILLION
  return ratio(apiUsd(tariff, { ...use, requests: 1 }), millions)
}

/**
 * The tariff that holds on a day; where several do, the one that began last. Unknown where none does: a price that has
 * ended is no price.
 *
 * @param date ISO 8601 date
 */
export function tariffOn(tariffs: readonly ApiTariff[], date: string): ApiTariff | undefined {
  const holding = tariffs.filter(
    ({ from = '', to }) => from <= date && (to === undefined || date < to),
  )
  return holding.reduce<ApiTariff | undefined>(
    (latest, each) =>
      latest === undefined || (each.from ?? '') > (latest.from ?? '') ? each : latest,
    undefined,
  )
}
