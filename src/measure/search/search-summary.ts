import type { Limit, LoadAxis } from '../../load/search-plan.ts'

/** How one limit stood at a level. */
export interface LimitCheck {
  readonly limit: Limit
  /** ms of the percentile, or the share of good requests; absent when withheld or unknown. */
  readonly value?: number
  /** Samples, and how many it takes. */
  readonly n: number
  readonly neededN: number
  /** MLPerf's estimate, where the limit asks for it and there are samples enough. */
  readonly earlyStoppingMs?: number
  /** `not-proven`: within the limit, but not for sure enough where the limit asks for that; no proof of a miss either. */
  readonly outcome: 'held' | 'missed' | 'not-proven' | 'too-few-samples' | 'not-told'
}

/** `beyond`: the server gave way under the load. `unusable`: the figures are wrong for a reason that is not, or not for sure, the server's. */
export type ServiceKind = 'served' | 'beyond' | 'unusable'

/**
 * What a level says about the limits. `unusable`: what went wrong there was not the server's doing, or
 * nobody can tell. Only `held` is held.
 */
export type SloStanding = 'held' | 'missed' | 'not-proven' | 'too-few-samples' | 'unusable'

/** A level of a search, with what it says about the question. */
export interface SloTrial {
  readonly level: number
  /** Users, or requests per second. */
  readonly size: number
  readonly standing: SloStanding
  /** Whether the server served this load, gave way, or nobody can tell. */
  readonly service: ServiceKind
  /** In a few words. */
  readonly why: string
  readonly checks: readonly LimitCheck[]
  readonly outputTokensPerS?: number
  /** The level shows that going on makes no sense: interrupted, or no request was answered. */
  readonly endsSearch: boolean
}

/** Why a search knows no two neighbouring loads of which one holds and the other does not. */
export type NotBracketed =
  | 'highest-load-holds'
  | 'too-few-samples'
  | 'unusable-level'
  | 'not-confirmed'
  | 'levels-used-up'
  | 'stopped-early'

/** The looks at one load. */
export interface Looks {
  readonly size: number
  readonly held: number
  readonly looks: number
}

/** What a search for the highest load under limits came to. */
export type SloOutcome =
  | {
      readonly kind: 'found'
      /** All its looks held. */
      readonly at: Looks
      /** The next load tried above it, at which some look missed. */
      readonly above: Looks
      /** The level whose figures stand for it: the median of its looks by output throughput, the lower of two. */
      readonly level: number
      /** Lowest and highest output throughput of its looks. */
      readonly outputTokensPerS?: { readonly low: number; readonly high: number }
    }
  | {
      /** Every look at the lowest load that may be tried missed. */
      readonly kind: 'unreachable'
      readonly at: Looks
    }
  | {
      readonly kind: 'not-bracketed'
      readonly why: NotBracketed
      /** What is known all the same: the highest load that held at every look with no lower one that missed. */
      readonly heldAt?: Looks
      readonly level?: number
      /** The lowest load above it that did not hold. */
      readonly notHeldAt?: Looks
    }

/** A level of a sweep. */
export interface SweepTrial {
  readonly level: number
  readonly axis: LoadAxis
  readonly size: number
  readonly standing: ServiceKind
  readonly why: string
  readonly outputTokensPerS?: number
  readonly requestsPerS?: number
  readonly latencyMeanMs?: number
  /** Output tokens/s / mean latency in s. */
  readonly power?: number
  readonly endsSearch: boolean
}

/** Where throughput / latency is highest, or why that cannot be told. */
export type Knee =
  | {
      readonly kind: 'found'
      readonly level: number
      readonly size: number
      /** Its neighbours on the axis, between which the true one lies; absent below the lowest load there is. */
      readonly below?: number
      readonly above: number
    }
  | {
      readonly kind: 'not-found'
      readonly why: 'too-few-levels' | 'at-lowest-load' | 'at-highest-load'
    }

/** Why a sweep climbed no further. */
export type Saturation =
  | {
      /** Twice the users brought less than `minGainRatio` more. */
      readonly kind: 'no-gain'
      readonly from: number
      readonly to: number
      readonly gainRatio: number
    }
  | { readonly kind: 'gave-way'; readonly at: number; readonly why: string }
  | { readonly kind: 'unusable-level'; readonly at: number; readonly why: string }
  | { readonly kind: 'not-reached'; readonly highest: number }

/** What the search of a run came to, from its levels alone. */
export type SearchSummary =
  | {
      readonly question: 'sweep'
      readonly axis: LoadAxis
      readonly trials: readonly SweepTrial[]
      /** Of the climb over users; absent where the user chose the levels. */
      readonly saturation?: Saturation
      readonly knee: Knee
    }
  | {
      readonly question: 'slo'
      readonly axis: LoadAxis
      readonly trials: readonly SloTrial[]
      readonly outcome: SloOutcome
    }

/** What a search does next: another level, or nothing more. */
export type SearchStep =
  | { readonly kind: 'level'; readonly axis: LoadAxis; readonly size: number }
  | { readonly kind: 'done' }
