import type { Maybe } from '../arithmetic.ts'
import {
  type BreakEven,
  type CostFigure,
  type CostOption,
  type CostReport,
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

/** One sentence on a break-even, its own explanation included. */
export function breakEvenLine(cost: CostReport, breakEven: BreakEven): string {
  const find = figureFinder(cost)
  const name = (id: string) =>
    plainText(cost.options.find((option) => option.id === id)?.name ?? id)
  const market = breakEven.market === 'declining' ? ', as prices move' : ''
  return `${name(breakEven.option)} against ${name(breakEven.against)}${market}: ${outcomeText(breakEven, find)}; ${plainText(breakEven.explanation)}`
}

/** One sentence on an investment: what it saves, is worth and earns, and when the money is back. */
export function investmentLine(cost: CostReport, comparison: InvestmentComparison): string {
  const { option, against, market, irrs, explanation } = comparison
  const find = figureFinder(cost)
  const name = (id: string) => plainText(cost.options.find((each) => each.id === id)?.name ?? id)
  const prefix = `comparisons.${option}.${against}${market === 'declining' ? '.declining' : ''}`
  const at = (path: string): Maybe => find(path)?.value
  const years = (path: string): string => {
    const value = at(`${prefix}.${path}`)
    return value === undefined ? 'never' : `after ${formatNumber(value)} years`
  }
  const saved = find(`${prefix}.savedUsd`)
  const told =
    comparison.irr === 'unknown'
      ? notAvailable
      : [
          `${saved?.label.toLowerCase()}: ${formatUsd(saved?.value)}`,
          `net present value ${formatUsd(at(`${prefix}.npvUsd`))}`,
          `internal rate of return ${irrs.length === 0 ? 'none' : irrs.map((path) => formatPercent(at(path))).join(' or ')}`,
          `money back ${years('paybackYears')}, discounted ${years('discountedPaybackYears')}`,
        ].join(', ')
  const words = comparison.irr === 'one' ? '' : `; ${plainText(explanation)}`
  return `${name(option)} against ${name(against)}${market === 'declining' ? ', as prices move' : ''}: ${told}${words}`
}

function outcomeText({ axis, outcome, at, date }: BreakEven, find: FigureFinder): string {
  const places = at
    .flatMap((path) => find(path)?.value ?? [])
    .map((value) => placeText(axis, value))
  switch (outcome) {
    case 'at':
      return `break-even ${places[0] ?? notAvailable}${date === undefined ? '' : ` (${date})`}`
    case 'band':
      return `break-even between ${places.join(' and ')}`
    case 'never':
      return 'no break-even: it stays dearer'
    case 'always':
      return 'no break-even: it is cheaper throughout'
    case 'unknown':
      return `break-even ${notAvailable}`
  }
}

function placeText(axis: BreakEven['axis'], value: number): string {
  switch (axis) {
    case 'volume':
      return `at ${formatTokens(value)} output tokens a day`
    case 'utilisation':
      return `at ${formatPercent(value)} utilisation`
    case 'months':
      return `after ${formatNumber(value)} months`
  }
}
