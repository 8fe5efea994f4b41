import type { Maybe } from '../arithmetic.ts'
import {
  type AllocationMethod,
  allocationMethods,
  type BreakEven,
  type CostFigure,
  type CostOption,
  type CostReport,
  type DecisionCriterion,
  type DecisionFact,
  type FigureFinder,
  figureFinder,
  type InvestmentComparison,
} from '../price/cost-report.ts'
import {
  formatNumber,
  formatPercent,
  formatStated,
  formatTokens,
  formatUsd,
  notAvailable,
} from './format.ts'
import { plainText } from './plain-text.ts'

/** One option as tables show it. */
export interface OptionRow {
  readonly option: CostOption
  readonly usdPerMillionOutputTokens: Maybe
  readonly fullUseUsdPerMillionOutputTokens: Maybe
  readonly usdPerMillionTotalTokens: Maybe
  readonly usdPerYear: Maybe
  readonly usdPerHour: Maybe
  readonly servers: Maybe
  readonly utilisationRatio: Maybe
  readonly meanPowerKw: Maybe
}

export function optionRows(cost: CostReport): OptionRow[] {
  const find = figureFinder(cost)
  return cost.options.map((option) => {
    const at = (name: string): Maybe => find(`options.${option.id}.${name}`)?.value
    return {
      option,
      usdPerMillionOutputTokens: at('usdPerMillionOutputTokens'),
      fullUseUsdPerMillionOutputTokens: at('atFullUse.usdPerMillionOutputTokens'),
      usdPerMillionTotalTokens: at('usdPerMillionTotalTokens'),
      usdPerYear: at('usdPerYear'),
      usdPerHour: at('usdPerHour'),
      servers: option.kind === 'api' ? undefined : at('servers'),
      utilisationRatio: at('utilisationRatio'),
      meanPowerKw: at('meanPowerKw'),
    }
  })
}

/** The option whose bill is explained: the first with machines of one's own. */
export function ownOption({ options }: CostReport): CostOption | undefined {
  return options.find(({ kind }) => kind === 'owned' || kind === 'colocated')
}

/** Lines of an option's bill, in the order in which they are added up. */
export function billLines(cost: CostReport, { id, lines }: CostOption): CostFigure[] {
  const find = figureFinder(cost)
  return lines.flatMap((line) => find(`options.${id}.lines.${line}.usdPerYear`) ?? [])
}

/** What the machines of an option are and how busy, e.g. `2 servers, 38 % used`; empty for an API. */
export function fleetText({ option, servers, utilisationRatio }: OptionRow): string {
  if (option.kind === 'api') return 'by the token'
  if (servers === undefined) return notAvailable
  const count = `${formatStated(Number(servers.toPrecision(3)))} ${servers === 1 ? 'server' : 'servers'}`
  return utilisationRatio === undefined
    ? count
    : `${count}, ${formatPercent(utilisationRatio)} used`
}

/** Inputs that have a value, as the report lists them. */
export function assumptions({ figures }: CostReport): CostFigure[] {
  return figures.filter(({ origin, value }) => origin !== undefined && value !== undefined)
}

/** Where an option begins to beat another, along each axis; explanations are told once below. */
interface BreakEvenRow {
  readonly pair: string
  readonly cells: Readonly<Record<BreakEven['axis'] | 'declining', string>>
}

/** A pair a row. What a mix and its own parts come to follows from how a mix is made, and is left out. */
function breakEvenRows(cost: CostReport): BreakEvenRow[] {
  const find = figureFinder(cost)
  const mixes = new Set(cost.options.filter(({ kind }) => kind === 'hybrid').map(({ id }) => id))
  const told = cost.breakEvens.filter(
    ({ option, against }) => !mixes.has(option) && !mixes.has(against),
  )
  const pairs = [...new Set(told.map(({ option, against }) => `${option} against ${against}`))]
  return pairs.map((pair) => {
    const cell = (axis: BreakEven['axis'], market: BreakEven['market']): string => {
      const found = told.find(
        (each) =>
          `${each.option} against ${each.against}` === pair &&
          each.axis === axis &&
          each.market === market,
      )
      return found === undefined ? '' : outcomeText(found, find)
    }
    return {
      pair: plainText(pair),
      cells: {
        volume: cell('volume', 'flat'),
        utilisation: cell('utilisation', 'flat'),
        months: cell('months', 'flat'),
        declining: cell('months', 'declining'),
      },
    }
  })
}

/** Headings of the table of break-evens, by cell. */
const breakEvenColumns = [
  { key: 'volume', heading: 'Cheaper from' },
  { key: 'utilisation', heading: 'Cheaper from a use of' },
  { key: 'months', heading: 'Paid back' },
  { key: 'declining', heading: 'Paid back as prices move' },
] as const satisfies readonly { key: keyof BreakEvenRow['cells']; heading: string }[]

/** The table of break-evens, without columns in which nothing is. */
export function breakEvenTable(cost: CostReport): { headings: string[]; rows: string[][] } {
  const rows = breakEvenRows(cost)
  const shown = breakEvenColumns.filter(({ key }) => rows.some(({ cells }) => cells[key] !== ''))
  return {
    headings: ['When an option is cheaper', ...shown.map(({ heading }) => heading)],
    rows: rows.map(({ pair, cells }) => [pair, ...shown.map(({ key }) => cells[key])]),
  }
}

/** What each investment saves, is worth and earns, and when its money is back. */
export function investmentTable(cost: CostReport): { headings: string[]; rows: string[][] } {
  const find = figureFinder(cost)
  return {
    headings: [
      'Investment',
      'Saves, undiscounted',
      'Net present value',
      'Rate of return',
      'Money back',
      'discounted',
    ],
    rows: cost.comparisons
      // A mix without a machine is an API and no investment.
      .filter(({ option }) => find(`options.${option}.servers`)?.value !== 0)
      .map((comparison) => investmentCells(find, comparison)),
  }
}

function investmentCells(find: FigureFinder, comparison: InvestmentComparison): string[] {
  const { option, against, market, irrs } = comparison
  const declining = market === 'declining'
  const prefix = `comparisons.${option}.${against}${declining ? '.declining' : ''}`
  const at = (path: string): Maybe => find(path)?.value
  const years = (path: string): string => {
    const value = at(`${prefix}.${path}`)
    return value === undefined ? 'never' : `${formatNumber(value)} years`
  }
  const pair = plainText(`${option} against ${against}${declining ? ', as prices move' : ''}`)
  if (comparison.irr === 'unknown') return [pair, ...Array<string>(5).fill(notAvailable)]
  return [
    pair,
    formatUsd(at(`${prefix}.savedUsd`)),
    formatUsd(at(`${prefix}.npvUsd`)),
    irrs.length === 0 ? 'none' : irrs.map((path) => formatPercent(at(path))).join(' or '),
    years('paybackYears'),
    years('discountedPaybackYears'),
  ]
}

function outcomeText({ axis, outcome, at, date }: BreakEven, find: FigureFinder): string {
  const places = at
    .flatMap((path) => find(path)?.value ?? [])
    .map((value) => placeText(axis, value))
  switch (outcome) {
    case 'at':
      return `${places[0] ?? notAvailable}${date === undefined ? '' : ` (${date})`}`
    case 'band':
      return `between ${places.join(' and ')}`
    case 'never':
      return 'never'
    case 'always':
      return 'always'
    case 'unknown':
      return notAvailable
  }
}

function placeText(axis: BreakEven['axis'], value: number): string {
  switch (axis) {
    case 'volume':
      return `${formatTokens(value)} a day`
    case 'utilisation':
      return formatPercent(value)
    case 'months':
      return `${formatNumber(value)} months`
  }
}

/** What else is known of each option: a figure a row, an option a column. Rows that no option has are left out. */
export function figureTable(cost: CostReport): { headings: string[]; rows: string[][] } {
  const find = figureFinder(cost)
  const rows = tabled.flatMap((name) => {
    const figures = cost.options.map(({ id }) => find(`options.${id}.${name}`))
    const known = figures.find((figure) => figure?.value !== undefined)
    if (known === undefined) return []
    return [
      [known.label, ...figures.map((figure) => (figure === undefined ? '' : figureText(figure)))],
    ]
  })
  return { headings: ['Figure', ...cost.options.map(({ id }) => id)], rows }
}

/** To show a figure of options beside each other, name it here. */
const tabled = [
  'usdPerHour',
  'usdPerRequest',
  'usdPerUserMonth',
  'outputTokensPerUsd',
  'boundUsd',
  'horizon.undiscountedUsd',
  'horizon.presentUsd',
  'revenue.usdPerYear',
  'revenue.grossMarginUsdPerYear',
  'revenue.neededUsdPerUserMonth',
  'revenue.neededSeats',
  'revenue.grossMarginRatio',
  'energyKwhPerYear',
  'kwPerRack',
  'waterLPerRackYear',
  'gramsPerThousandTokens',
]

/** One bill shared between kinds of tokens in several ways: none of them is the truth, and each adds up to the bill. */
export function allocationTable(cost: CostReport): { headings: string[]; rows: string[][] } {
  const find = figureFinder(cost)
  const rows = cost.options.flatMap(({ id }) =>
    allocationMethods.flatMap((method) => {
      const cells = ['Input', 'CachedInput', 'Output'].map(
        (name) => find(`options.${id}.allocation.${method}.usdPerMillion${name}Tokens`)?.value,
      )
      if (cells.every((value) => value === undefined)) return []
      return [[`${id}, by ${methodWords[method]}`, ...cells.map((value) => formatUsd(value))]]
    }),
  )
  return { headings: ['USD per million', 'input', 'cached input', 'output'], rows }
}

/** Ways that could not be taken, and why, once for all options of which that is so. */
export function allocationRefusals({ allocationRefused }: CostReport): string[] {
  const reasons = allocationRefused.map(({ method, why }) => `By ${methodWords[method]}: ${why}.`)
  return [...new Set(reasons)]
}

const methodWords: Readonly<Record<AllocationMethod, string>> = {
  priceRatio: 'the ratio of prices',
  phaseTime: 'time of prefill and decode',
  regression: 'regression over shapes of load',
  energy: 'energy of prefill and decode',
}

/** One row of the decision table: a fact of each option, in their order; empty where an option has none of that name. */
export interface DecisionRow {
  readonly criterion: DecisionCriterion
  readonly label: string
  readonly cells: readonly string[]
}

/** What there is to know of each option, side by side and in words. */
export function decisionRows(cost: CostReport): DecisionRow[] {
  const find = figureFinder(cost)
  const { options } = cost.decision
  return criteria.flatMap((criterion) => {
    const labels = new Set(
      options.flatMap(({ facts }) => facts[criterion].map(({ label }) => label)),
    )
    return [...labels].map((label) => ({
      criterion,
      label,
      cells: options.map(({ facts }) =>
        facts[criterion]
          .filter((fact) => fact.label === label)
          .map((fact) => factText(fact, find))
          .join('; '),
      ),
    }))
  })
}

/** The same for formats without headings of their own. */
export function decisionTable(cost: CostReport): { headings: string[]; rows: string[][] } {
  return {
    headings: ['Decision', ...cost.decision.options.map(({ option }) => plainText(option))],
    rows: decisionRows(cost).map(({ criterion, label, cells }) => [
      `${criterion}: ${label}`,
      ...cells,
    ]),
  }
}

const criteria = [
  'cost',
  'performance',
  'security',
  'control',
] as const satisfies readonly DecisionCriterion[]

function factText({ text, path }: DecisionFact, find: FigureFinder): string {
  if (path === undefined) return text ?? notAvailable
  const figure = find(path)
  const value = figure === undefined ? notAvailable : figureText(figure)
  return text === undefined ? value : `${value} (${text})`
}

/** A figure with its unit. */
function figureText({ value, unit }: CostFigure): string {
  if (value === undefined) return notAvailable
  if (unit.startsWith('USD')) return `${formatUsd(value)}${unit.slice('USD'.length)}`
  return unit === 'ratio' ? formatPercent(value) : `${formatNumber(value)} ${unit}`
}

/** What each requirement removes and costs, a sentence each. */
export function requirementLines(cost: CostReport): string[] {
  const find = figureFinder(cost)
  const name = (id: string | undefined) =>
    plainText(cost.options.find((option) => option.id === id)?.name ?? 'no option')
  return cost.decision.requirements.map((each) => {
    const removed =
      each.removes.length === 0
        ? 'removes no option'
        : `removes ${each.removes.map(name).join(', ')}`
    const usd = each.usdPerYear === undefined ? undefined : find(each.usdPerYear)?.value
    const price =
      usd === undefined
        ? `its price is ${notAvailable}: ${each.cheapest === undefined ? 'no option meets everything' : 'a bill is unknown'}`
        : `it costs ${formatUsd(usd)} a year (${name(each.cheapest)} instead of ${name(each.cheapestWithout)} without it)`
    const lines = each.lines.flatMap((path) => {
      const line = find(path)
      return line === undefined ? [] : [`${line.label} ${formatUsd(line.value)}`]
    })
    const itemised = lines.length === 0 ? '' : `; in bills because of it: ${lines.join(', ')}`
    return `${each.requirement} ${removed}; ${price}${itemised}.`
  })
}
