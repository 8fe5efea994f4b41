import { difference, type Maybe, ratio } from '../arithmetic.ts'
import {
  type CostFigure,
  type CostOption,
  type CostReport,
  type Exclusion,
  type FigureFinder,
  figureFinder,
} from './cost-report.ts'
import type { Origin } from './ledger.ts'
import type { Subject } from './subject.ts'

/** One of two prices that are held against each other. */
export interface DiffedCost {
  /** As the user named it: a scenario's file or a run. */
  readonly name: string
  readonly subject: Pick<Subject, 'what' | 'verdict'>
  readonly cost: CostReport
}

export interface DiffSide {
  readonly name: string
  readonly what: string
  readonly verdict: Subject['verdict']
  readonly scenario: string
  /** Cheapest by the year of those that are not excluded and have a price; absent where none is. */
  readonly cheapest?: string
}

/** `restated`: the same value from another source. */
type InputChangeKind = 'added' | 'removed' | 'changed' | 'restated'

/** One side of an input; on the other side it may be worked out, by a formula. */
export interface InputSide {
  readonly value?: number
  readonly origin?: Origin
  readonly source?: string
  readonly date?: string
  readonly formula?: string
}

export interface InputChange {
  readonly path: string
  readonly label: string
  readonly unit: string
  readonly change: InputChangeKind
  readonly before?: InputSide
  readonly after?: InputSide
}

/** A number of both sides. What is only in one of them adds, or takes away, all of itself. */
export interface FigureChange {
  readonly path: string
  readonly label: string
  readonly unit: string
  readonly change: 'added' | 'removed' | 'changed' | 'same'
  readonly before?: number
  readonly after?: number
  /** After less before; absent where one that is there is unknown. */
  readonly difference?: number
  /** Of what was before. */
  readonly differenceRatio?: number
}

export interface OptionChange {
  readonly option: string
  readonly change: 'added' | 'removed' | 'changed' | 'same'
  readonly nameBefore?: string
  readonly nameAfter?: string
  /** Of its bill, in its order. */
  readonly lines: readonly FigureChange[]
  readonly totals: readonly FigureChange[]
  readonly excludedBefore: readonly Exclusion[]
  readonly excludedAfter: readonly Exclusion[]
}

/** What two prices differ in, and what that makes of every option. */
export interface CostDiff {
  readonly schemaVersion: 1
  readonly kind: 'baremark-cost-diff'
  readonly before: DiffSide
  readonly after: DiffSide
  /** Without those of options that only one side has. */
  readonly inputs: readonly InputChange[]
  readonly options: readonly OptionChange[]
}

/** Totals that are told, the bill first. To have another one told, add it here. */
const totalNames = [
  { name: 'usdPerYear', label: 'Whole bill' },
  { name: 'usdPerMillionOutputTokens', label: 'A million output tokens' },
  { name: 'usdPerMillionTotalTokens', label: 'A million tokens, blended' },
  { name: 'atFullUse.usdPerMillionOutputTokens', label: 'A million output tokens, at full use' },
  { name: 'servers', label: 'Servers' },
  { name: 'utilisationRatio', label: 'Utilisation' },
  { name: 'meanPowerKw', label: 'Mean power, kW' },
] as const

/** What the second price has otherwise than the first. */
export function diffCosts(before: DiffedCost, after: DiffedCost): CostDiff {
  const sides = [figureFinder(before.cost), figureFinder(after.cost)] as const
  const ids = inBoth(
    before.cost.options.map(({ id }) => id),
    after.cost.options.map(({ id }) => id),
  )
  const options = ids.map((id) => optionChange(id, before.cost, after.cost, sides))
  const single = options
    .filter(({ change }) => change === 'added' || change === 'removed')
    .map(({ option }) => `options.${option}.`)
  const inputs = inBoth(pathsOf(before.cost), pathsOf(after.cost))
    .filter((path) => !single.some((prefix) => path.startsWith(prefix)))
    .flatMap((path) => inputChange(sides[0](path), sides[1](path)) ?? [])
  return {
    schemaVersion: 1,
    kind: 'baremark-cost-diff',
    before: sideOf(before),
    after: sideOf(after),
    inputs,
    options,
  }
}

function sideOf({ name, subject, cost }: DiffedCost): DiffSide {
  const { what, verdict } = subject
  return { name, what, verdict, scenario: cost.scenario, cheapest: cheapestOf(cost) }
}

function cheapestOf(cost: CostReport): string | undefined {
  const find = figureFinder(cost)
  let cheapest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const { id, excluded } of cost.options) {
    const usd = find(`options.${id}.usdPerYear`)?.value
    if (excluded.length > 0 || usd === undefined || usd >= least) continue
    least = usd
    cheapest = id
  }
  return cheapest
}

/** In the order of the first, then what only the second has. */
function inBoth(first: readonly string[], second: readonly string[]): string[] {
  return [...new Set([...first, ...second])]
}

function pathsOf({ figures }: CostReport): string[] {
  return figures.map(({ path }) => path)
}

function inputChange(
  before: CostFigure | undefined,
  after: CostFigure | undefined,
): InputChange | undefined {
  const figure = after ?? before
  if (figure === undefined) return undefined
  if (before?.origin === undefined && after?.origin === undefined) return undefined
  const change = changeOfInput(before, after)
  if (change === undefined) return undefined
  const { path, label, unit } = figure
  return { path, label, unit, change, before: inputSide(before), after: inputSide(after) }
}

function changeOfInput(
  before: CostFigure | undefined,
  after: CostFigure | undefined,
): InputChangeKind | undefined {
  if (before === undefined) return 'added'
  if (after === undefined) return 'removed'
  if (before.value !== after.value) return 'changed'
  return isRestated(before, after) ? 'restated' : undefined
}

/** A choice or a reading is no other for being of another scenario or run. */
function isRestated(before: CostFigure, after: CostFigure): boolean {
  const own: readonly (Origin | undefined)[] = ['choice', 'measured', 'detected', 'specification']
  if (before.origin === after.origin && own.includes(before.origin)) return false
  return (
    before.origin !== after.origin || before.source !== after.source || before.date !== after.date
  )
}

function inputSide(figure: CostFigure | undefined): InputSide | undefined {
  if (figure === undefined) return undefined
  const { value, origin, source, date, formula } = figure
  return { value, origin, source, date, formula }
}

type Finders = readonly [FigureFinder, FigureFinder]

function optionChange(
  id: string,
  before: CostReport,
  after: CostReport,
  sides: Finders,
): OptionChange {
  const [old, now] = [optionOf(before, id), optionOf(after, id)]
  const lines = inBoth(old?.lines ?? [], now?.lines ?? []).flatMap(
    (line) => figureChange(`options.${id}.lines.${line}.usdPerYear`, sides) ?? [],
  )
  const totals = totalNames.flatMap(({ name, label }) => {
    const change = figureChange(`options.${id}.${name}`, sides)
    const isOfMachines = (now ?? old)?.kind !== 'api' || name !== 'servers'
    return change !== undefined && isOfMachines ? [{ ...change, label }] : []
  })
  const excludedBefore = old?.excluded ?? []
  const excludedAfter = now?.excluded ?? []
  return {
    option: id,
    change: changeOfOption(old, now, [...lines, ...totals]),
    nameBefore: old?.name,
    nameAfter: now?.name,
    lines,
    totals,
    excludedBefore,
    excludedAfter,
  }
}

function optionOf({ options }: CostReport, id: string): CostOption | undefined {
  return options.find((option) => option.id === id)
}

function changeOfOption(
  before: CostOption | undefined,
  after: CostOption | undefined,
  figures: readonly FigureChange[],
): OptionChange['change'] {
  if (before === undefined) return 'added'
  if (after === undefined) return 'removed'
  const gates = ({ excluded }: CostOption) => excluded.map(({ requirement }) => requirement).join()
  const isSame =
    figures.every(({ change }) => change === 'same') &&
    before.kind === after.kind &&
    gates(before) === gates(after)
  return isSame ? 'same' : 'changed'
}

function figureChange(path: string, [old, now]: Finders): FigureChange | undefined {
  const before = old(path)
  const after = now(path)
  const figure = after ?? before
  if (figure === undefined) return undefined
  const { label, unit } = figure
  const shared = { path, label, unit, before: before?.value, after: after?.value }
  if (before === undefined) return { ...shared, change: 'added', difference: after?.value }
  if (after === undefined)
    return { ...shared, change: 'removed', difference: difference(0, before.value) }
  const moved: Maybe = difference(after.value, before.value)
  return {
    ...shared,
    change: before.value === after.value ? 'same' : 'changed',
    difference: moved,
    differenceRatio: ratio(moved, before.value),
  }
}
