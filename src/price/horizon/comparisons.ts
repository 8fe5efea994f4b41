import type { CostFigure, InvestmentComparison } from '../cost-report.ts'
import { internalRates, paybackOfYears } from '../finance/cash-flows.ts'
import type { LedgerBuilder, Values } from '../ledger.ts'
import { investments } from '../ownership.ts'
import type { Roots } from '../roots.ts'
import type { Scenario } from '../scenario.ts'
import {
  COST_OF_CAPITAL,
  comparisonFlows,
  comparisonRows,
  type FlowPaths,
} from './comparison-rows.ts'
import { follows, type Market, yearPaths } from './horizon-rows.ts'

interface Compared {
  readonly option: string
  readonly against: string
  readonly market: Market
  readonly prefix: string
  readonly paths: FlowPaths
}

/** Every investment against every option that buys no machine: under today's prices, and as they move where that is known of one of the two. */
function compared(has: (path: string) => boolean, scenario: Scenario): Compared[] {
  const paths = (id: string, market: Market) => yearPaths(has, scenario.horizonYears, id, market)
  return investments(scenario).flatMap(({ option, against }) => {
    const prefix = `comparisons.${option}.${against}`
    const under = (market: Market): Compared => ({
      option,
      against,
      market,
      prefix: market === 'flat' ? prefix : `${prefix}.declining`,
      paths: comparisonFlows(paths(option, market), paths(against, market)),
    })
    const moves = follows(has, option) || follows(has, against)
    return [under('flat'), ...(moves ? [under('declining')] : [])]
  })
}

/** Rows of all comparisons, from those of the years of all options. */
export function allComparisonRows(ledger: LedgerBuilder, scenario: Scenario): void {
  for (const { prefix, paths } of compared(ledger.has, scenario))
    comparisonRows(ledger, prefix, paths)
}

/** What the rows cannot say: whether there is no rate of return or several, and that money never comes back. */
export function investmentComparisons(
  scenario: Scenario,
  values: Values,
): { comparisons: InvestmentComparison[]; figures: CostFigure[] } {
  const told = compared((path) => values.has(path), scenario).map((each) => tell(each, values))
  return {
    comparisons: told.map(({ comparison }) => comparison),
    figures: told.flatMap(({ figures }) => figures),
  }
}

function tell(
  { option, against, market, prefix, paths }: Compared,
  values: Values,
): { comparison: InvestmentComparison; figures: CostFigure[] } {
  const known = paths.from.map((path) => values.get(path))
  const rate = values.get(COST_OF_CAPITAL)
  const shared = { option, against, market }
  if (rate === undefined || !known.every((value) => value !== undefined))
    return {
      comparison: {
        ...shared,
        irr: 'unknown',
        irrs: [],
        payback: 'unknown',
        discountedPayback: 'unknown',
        explanation: 'a cost of one of the years is not known',
      },
      figures: [],
    }
  const { running, whole } = paths.flows(known)
  const one = values.get(`${prefix}.irrRatioPerYear`)
  const rates: Roots =
    one === undefined ? internalRates(whole) : { kind: 'one', root: { value: one, jumps: false } }
  const several = rates.kind === 'several' ? rates.roots.map(({ value }) => value) : []
  const figures = several.map(
    (value, index): CostFigure => ({
      path: `${prefix}.irrs.${index + 1}.ratioPerYear`,
      label: `Rate ${index + 1} at which the net present value is 0`,
      unit: 'ratio/year',
      value,
      formula: 'a rate at which the net present value is 0, one of several',
      from: paths.from,
    }),
  )
  const back = paybackOfYears(running, 0).kind
  const discounted = paybackOfYears(running, rate).kind
  return {
    comparison: {
      ...shared,
      irr: irrOf(rates),
      irrs: rates.kind === 'one' ? [`${prefix}.irrRatioPerYear`] : figures.map(({ path }) => path),
      payback: back,
      discountedPayback: discounted,
      explanation: [irrText(rates), paybackText(back, discounted)].join('; '),
    },
    figures,
  }
}

function irrOf(rates: Roots): InvestmentComparison['irr'] {
  switch (rates.kind) {
    case 'one':
    case 'none':
    case 'several':
    case 'unknown':
      return rates.kind
    case 'everywhere':
      return 'none'
  }
}

function irrText(rates: Roots): string {
  switch (rates.kind) {
    case 'one':
      return 'it has one rate of return'
    case 'none':
      return rates.sign > 0
        ? 'it has no rate of return: its value is above 0 at every rate'
        : 'it has no rate of return: its value is below 0 at every rate'
    case 'several':
      return 'it has several rates of return, as payments change sign more than once: the net present value decides'
    case 'everywhere':
      return 'it has no rate of return: both cost the same in every year'
    case 'unknown':
      return 'its rate of return is not known'
  }
}

type Back = InvestmentComparison['payback']

function paybackText(back: Back, discounted: Back): string {
  if (back === 'never') return 'the money is not back within the horizon'
  if (discounted === 'never')
    return 'the money is back within the horizon, but not with interest on it'
  return 'the money is back within the horizon, interest included'
}
