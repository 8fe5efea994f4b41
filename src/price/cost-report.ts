import type { BillPart, Origin } from './ledger.ts'
import type { Requirement, ScenarioOption } from './scenario.ts'
import type { Uncertain } from './uncertainty/uncertain.ts'

/**
 * One number of a price, and where it comes from: an input has an origin and a source, a result a formula and the paths that it is worked
 * from. Every number of a cost report is one of these; others refer to it by path.
 */
export interface CostFigure {
  /** e.g. `options.own.lines.electricity.usdPerYear`. */
  readonly path: string
  readonly label: string
  readonly unit: string
  /** Absent where it is unknown. */
  readonly value?: number
  readonly origin?: Origin
  readonly source?: string
  /** Of the source, where it gives one. */
  readonly date?: string
  readonly note?: string
  readonly uncertain?: Uncertain
  readonly formula?: string
  readonly from?: readonly string[]
  /** Of a line of a bill: what kind of cost it is. */
  readonly part?: BillPart
}

/** One way to get the tokens. Its numbers are the figures under `options.<id>`. */
export interface CostOption {
  readonly id: string
  readonly kind: ScenarioOption['kind']
  readonly name: string
  /** Ids of the lines of its bill, in the order in which they are added up: `options.<id>.lines.<line>.usdPerYear`. */
  readonly lines: readonly string[]
  /** Why a figure is missing, when one is. */
  readonly missing: readonly string[]
  /** Requirements that it does not meet, or does not say that it meets: it is not ranked. */
  readonly excluded: readonly Exclusion[]
}

export interface Exclusion {
  readonly requirement: Requirement
  readonly why: string
}

/** Cost of one load level: the first option that owns machines, at that level's measured throughput. */
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
    | 'not-judged'
    | 'mix-not-measured'
    | 'set-by-hand'
    | 'unreal'
  readonly text: string
}

/** Where one option begins to cost less than another, along one axis. */
export interface BreakEven {
  /** Ids of options. */
  readonly option: string
  readonly against: string
  /** `volume`: tokens a day. `utilisation`: of its machines, by moving the volume. `months`: from the purchase, undiscounted. */
  readonly axis: 'volume' | 'utilisation' | 'months'
  /** `flat`: today's prices for ever. `declining`: those that the market's own commitments, or the scenario, imply. */
  readonly market: 'flat' | 'declining'
  /** `band`: cheaper between two places, or in several stretches, as whole servers are bought. */
  readonly outcome: 'at' | 'band' | 'never' | 'always' | 'unknown'
  /** Paths of the figures that say where; none for never, always and unknown. */
  readonly at: readonly string[]
  /** A calendar date for months, ISO, where the date of the run is known. */
  readonly date?: string
  readonly explanation: string
}

/**
 * An option that buys machines against one that buys none, over the horizon: in words what the figures
 * `comparisons.<option>.<against>.{savedUsd,npvUsd,irrRatioPerYear,paybackYears,discountedPaybackYears}` cannot say. Of market
 * `declining`, the figures are under `comparisons.<option>.<against>.declining`.
 */
export interface InvestmentComparison {
  /** Ids of options. */
  readonly option: string
  readonly against: string
  readonly market: 'flat' | 'declining'
  /** How many internal rates of return there are. */
  readonly irr: 'one' | 'none' | 'several' | 'unknown'
  /** Paths of them all, ascending. */
  readonly irrs: readonly string[]
  /** Whether the money comes back within the horizon, nothing sold at its end. */
  readonly payback: 'after' | 'never' | 'unknown'
  readonly discountedPayback: 'after' | 'never' | 'unknown'
  readonly explanation: string
}

/** Costs along an axis, for a picture: the whole model worked again at each place, nothing in between. */
export interface CostCurve {
  /** `volume`: output tokens a day. `utilisation`: share of what the machines of the first option that owns some can make. */
  readonly axis: 'volume' | 'utilisation'
  readonly unit: string
  readonly valueUnit: string
  /** How a value comes about. */
  readonly formula: string
  readonly x: readonly number[]
  /** Of each option the places of `x` at which its value is known, and the value at each. */
  readonly series: readonly {
    readonly option: string
    readonly x: readonly number[]
    readonly values: readonly number[]
  }[]
}

/** One input moved alone from its low to its high end: paths of figures. */
export interface TornadoBar {
  readonly input: string
  readonly lowInput: string
  readonly highInput: string
  readonly atLow: string
  readonly atHigh: string
}

/** What is uncertain, and what that does to the price. */
export interface CostUncertainty {
  readonly draws: number
  readonly seed: number
  /** Inputs that were drawn, by path. Without any there is nothing to simulate. */
  readonly inputs: readonly string[]
  /** Ids of options whose bill is unknown: they have no draws, and the others are compared without them. */
  readonly leftOut: readonly string[]
  /** Of each option: paths of its 5 %, 50 % and 95 % quantiles and of the share of draws in which it is cheapest of those not excluded. */
  readonly options: readonly {
    readonly option: string
    readonly low: string
    readonly median: string
    readonly high: string
    readonly cheapest: string
  }[]
  /** Of the option that the report is about, widest first. */
  readonly tornado: {
    readonly option: string
    readonly base: string
    readonly bars: readonly TornadoBar[]
  }
}

/** What one requirement removes and costs. Paths of figures. */
export interface RequirementPrice {
  readonly requirement: Requirement
  /** Ids of options that it removes. */
  readonly removes: readonly string[]
  /** Cheapest option that meets everything, and cheapest were this requirement not there: ids; absent where there is none. */
  readonly cheapest?: string
  readonly cheapestWithout?: string
  /** Path of the difference, USD a year; absent where either is. */
  readonly usdPerYear?: string
  /** Lines that are in a bill because of it. */
  readonly lines: readonly string[]
}

/** One fact of the decision table: words, or a figure by path. */
export interface DecisionFact {
  readonly label: string
  readonly text?: string
  readonly path?: string
}

export const decisionCriteria = ['cost', 'performance', 'security', 'control'] as const
export type DecisionCriterion = (typeof decisionCriteria)[number]

/** Cost, performance, security and control side by side. Nothing is scored unless weights were given. */
export interface Decision {
  readonly options: readonly {
    readonly option: string
    readonly facts: Readonly<Record<DecisionCriterion, readonly DecisionFact[]>>
    /** Path of the weighted score, where weights were given and every part is known. */
    readonly score?: string
  }[]
  /** Of each alone: where several bar an option, the price of one without the others is small. */
  readonly requirements: readonly RequirementPrice[]
  /** Path of what all requirements cost together, USD a year; absent without any, and where nothing can be compared. */
  readonly requirementsUsdPerYear?: string
}

/** A way of sharing a bill between kinds of tokens that could not be used, and why. */
export interface AllocationRefused {
  readonly option: string
  readonly method: AllocationMethod
  readonly why: string
}

export const allocationMethods = ['priceRatio', 'phaseTime', 'regression', 'energy'] as const
/** Figures are `options.<id>.allocation.<method>.usdPerMillion{Input,CachedInput,Output}Tokens`. */
export type AllocationMethod = (typeof allocationMethods)[number]

/** The money, worked from one operating point. */
export interface CostReport {
  /** Name of the scenario. */
  readonly scenario: string
  /** The operating point the options are priced at; absent when no level qualifies. */
  readonly pricedLevel?: number
  /** Why that level. */
  readonly pricedLevelReason: string
  readonly options: readonly CostOption[]
  readonly levels: readonly LevelCost[]
  readonly breakEvens: readonly BreakEven[]
  readonly comparisons: readonly InvestmentComparison[]
  readonly curves: readonly CostCurve[]
  readonly allocationRefused: readonly AllocationRefused[]
  /** Absent where no known bill rests on an uncertain input. */
  readonly uncertainty?: CostUncertainty
  readonly decision: Decision
  /** Every number, in an order in which each follows from those before it. */
  readonly figures: readonly CostFigure[]
  readonly warnings: readonly CostWarning[]
}

/** Finds figures by path. */
export type FigureFinder = (path: string) => CostFigure | undefined

export function figureFinder({ figures }: Pick<CostReport, 'figures'>): FigureFinder {
  const byPath = new Map(figures.map((figure) => [figure.path, figure]))
  return (path) => byPath.get(path)
}
