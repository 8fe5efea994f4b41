import { type Maybe, product, ratio, sum } from '../arithmetic.ts'
import { S_PER_HOUR, TOKENS_PER_MILLION } from '../units.ts'
import type { TokenPrices } from './cost-report.ts'

/** Tokens per second at the operating point. */
export interface TokenRates {
  readonly inputTokensPerS: Maybe
  readonly outputTokensPerS: Maybe
}

/** Prices per million tokens of an hourly bill, when `use` (0..1) of the measured throughput is used. */
export function pricesFromBill(
  usdPerHour: Maybe,
  rates: TokenRates,
  use: number,
  outputToInputPriceRatio: Maybe,
): TokenPrices {
  const output = millionsPerHour(rates.outputTokensPerS, use)
  const input = millionsPerHour(rates.inputTokensPerS, use)
  return {
    usdPerMillionOutputTokens: ratio(usdPerHour, output),
    usdPerMillionTotalTokens: ratio(usdPerHour, sum([input, output])),
    split: splitBill(usdPerHour, input, output, outputToInputPriceRatio),
  }
}

function millionsPerHour(tokensPerS: Maybe, use: number): Maybe {
  return ratio(product([tokensPerS, S_PER_HOUR, use]), TOKENS_PER_MILLION)
}

/** Shares a bill so that `input x p + output x r x p = bill`, r being what an output token costs in input tokens. */
function splitBill(
  bill: Maybe,
  input: Maybe,
  output: Maybe,
  priceRatio: Maybe,
): TokenPrices['split'] {
  const perInput = ratio(bill, sum([input, product([output, priceRatio])]))
  if (perInput === undefined || priceRatio === undefined) return undefined
  return {
    outputToInputPriceRatio: priceRatio,
    usdPerMillionInputTokens: perInput,
    usdPerMillionOutputTokens: perInput * priceRatio,
  }
}

/** Prices of an API that bills input and output apart, for the token mix of the operating point. */
export function pricesFromTariff(
  perMillionInput: Maybe,
  perMillionOutput: Maybe,
  rates: TokenRates,
): TokenPrices {
  const inputPerOutput = ratio(rates.inputTokensPerS, rates.outputTokensPerS)
  const perOutput = sum([perMillionOutput, product([perMillionInput, inputPerOutput])])
  const priceRatio = ratio(perMillionOutput, perMillionInput)
  return {
    usdPerMillionOutputTokens: perOutput,
    usdPerMillionTotalTokens: ratio(perOutput, sum([1, inputPerOutput])),
    split:
      perMillionInput === undefined || perMillionOutput === undefined || priceRatio === undefined
        ? undefined
        : {
            outputToInputPriceRatio: priceRatio,
            usdPerMillionInputTokens: perMillionInput,
            usdPerMillionOutputTokens: perMillionOutput,
          },
  }
}
