import type { FigureKind } from '../figure.ts'

/** One named input of the cost model, as used. Every one of them is printed in the report. */
export interface Assumption {
  /** e.g. `electricity`. */
  readonly name: string
  readonly value: number
  /** e.g. `USD/kWh`, `W`, `years`, `ratio`. */
  readonly unit: string
  readonly kind: FigureKind | 'measured' | 'detected'
  readonly source: string
  /** Absent when the source gives none. */
  readonly date?: string
  readonly note?: string
}

/** One line of an hourly bill. Lines add up to the total, or the total is unknown. */
export interface CostLine {
  readonly component: string
  readonly label: string
  readonly usdPerHour?: number
  /** The formula with its inputs' names. */
  readonly formula: string
}

/**
 * What a million tokens cost under one option. `bill` puts the whole bill on the tokens named:
 * the three are alternatives and never add up. `split` shares one bill between input and output.
 */
export interface TokenPrices {
  /** Whole bill / output tokens: input rides free. */
  readonly usdPerMillionOutputTokens?: number
  /** Whole bill / (input + output tokens). */
  readonly usdPerMillionTotalTokens?: number
  /** The bill shared so that an output token costs `outputToInputPriceRatio` input tokens; sums to the bill. */
  readonly split?: {
    readonly outputToInputPriceRatio: number
    readonly usdPerMillionInputTokens: number
    readonly usdPerMillionOutputTokens: number
  }
}

/** One way to get the tokens. */
export interface CostOption {
  readonly kind: 'owned' | 'rented' | 'api'
  readonly name: string
  /** At the stated utilisation; unknown for an API, which bills tokens and not hours. */
  readonly usdPerHour?: number
  readonly lines: readonly CostLine[]
  /** At the stated utilisation. */
  readonly prices: TokenPrices
  /** Were the hardware full all the time; the same as `prices` for an API. */
  readonly pricesAtFullUse: TokenPrices
  /** Why a figure is missing, when one is. */
  readonly missing: readonly string[]
}

/** Where owning costs the same as another option. */
export interface BreakEven {
  readonly against: string
  readonly kind: 'utilisation' | 'months'
  /** `never` when the alternative is cheaper whatever the value, `always` when owning is, `unknown` when an input is missing. */
  readonly outcome: 'at' | 'never' | 'always' | 'unknown'
  /** Utilisation ratio 0..1, or months of 730 h. */
  readonly value?: number
  /** Output tokens a day at that utilisation. */
  readonly outputTokensPerDay?: number
  readonly explanation: string
}

/** Cost of one load level, for the table: the owned option at that level's measured throughput. */
export interface LevelCost {
  readonly level: number
  readonly usdPerMillionOutputTokens?: number
  readonly usdPerMillionTotalTokens?: number
  /** Whether the level met the SLO, where one was given. */
  readonly meetsSlo?: boolean
}

export interface CostWarning {
  readonly kind:
    | 'placeholder-price'
    | 'stale-price'
    | 'board-price-only'
    | 'board-power-only'
    | 'hardware-declared'
    | 'price-does-not-apply'
    | 'no-slo'
    | 'slo-unreachable'
    | 'stated-power'
    | 'no-hardware-profile'
    | 'not-comparable'
    | 'invalid-run'
  readonly text: string
}

/** The money, worked from one operating point. */
export interface CostReport {
  /** The operating point the options are priced at; absent when no level qualifies. */
  readonly pricedLevel?: number
  /** Why that level. */
  readonly pricedLevelReason: string
  /** Share of the hours' capacity that is really used, 0..1. */
  readonly utilisation: number
  readonly options: readonly CostOption[]
  readonly breakEvens: readonly BreakEven[]
  readonly levels: readonly LevelCost[]
  readonly assumptions: readonly Assumption[]
  readonly warnings: readonly CostWarning[]
}
