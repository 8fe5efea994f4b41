import type { Maybe } from '../../arithmetic.ts'
import {
  flowsAtYearEnds,
  internalRates,
  netPresentValueUsd,
  paybackOfYears,
  type YearlyFlows,
} from '../finance/cash-flows.ts'
import type { LedgerBuilder } from '../ledger.ts'
import { sumInOrder } from '../options/bill.ts'
import type { YearPaths } from './horizon-rows.ts'

/** What an investment saves year by year, without and with the value of what is left after the last one. */
interface SavedFlows {
  readonly running: YearlyFlows
  readonly whole: readonly number[]
}

/** Where the flows of a comparison come from, and how. */
export interface FlowPaths {
  readonly years: number
  readonly from: readonly string[]
  readonly flows: (values: readonly number[]) => SavedFlows
}

/** The costs of an option that buys machines subtracted from another's. */
export function comparisonFlows(own: YearPaths, other: YearPaths): FlowPaths {
  const years = own.capexUsd.length
  return {
    years,
    from: [
      ...own.capexUsd,
      ...own.runningUsd,
      ...other.capexUsd,
      ...other.runningUsd,
      ...(own.salvageUsd === undefined ? [] : [own.salvageUsd]),
    ],
    flows: (values) => {
      const part = (index: number) => values.slice(index * years, (index + 1) * years)
      const running = { startUsd: minus(part(2), part(0)), endUsd: minus(part(3), part(1)) }
      const salvageUsd = own.salvageUsd === undefined ? 0 : (values[4 * years] as number)
      const flows = flowsAtYearEnds(running)
      return { running, whole: flows.map((usd, t) => (t === years ? usd + salvageUsd : usd)) }
    },
  }
}

function minus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value - (b[index] as number))
}

export const COST_OF_CAPITAL = 'finance.costOfCapitalRatioPerYear'

const WHOLE =
  'saved: capexUsd, at the start of a year, and runningUsd, at its end, of the other less its own, and salvageUsd at the end of the last'

const PAYBACK =
  'when what is saved first makes up for what is bought; runningUsd evenly over each year, nothing sold at the end'

/** Rows `comparisons.<option>.<against>`: what the investment saves, is worth, earns, and when it is back. */
export function comparisonRows(
  ledger: LedgerBuilder,
  prefix: string,
  { years, from, flows }: FlowPaths,
): void {
  const row = (
    name: string,
    label: string,
    unit: string,
    formula: string,
    work: (saved: SavedFlows, rate: number) => Maybe,
  ) =>
    ledger.result({
      path: `${prefix}.${name}`,
      label,
      unit,
      formula,
      from: [COST_OF_CAPITAL, ...from],
      work: ([rate = 0, ...values]) => work(flows(values), rate),
    })
  row(
    'savedUsd',
    `Saved over ${years} years, undiscounted`,
    'USD',
    `sum of what is ${WHOLE}`,
    ({ whole }) => sumInOrder(whole),
  )
  row(
    'npvUsd',
    `Net present value of ${years} years`,
    'USD',
    `sum of saved_t / (1 + costOfCapitalRatioPerYear)^t; ${WHOLE}`,
    ({ whole }, rate) => netPresentValueUsd(whole, rate),
  )
  row(
    'irrRatioPerYear',
    'Internal rate of return',
    'ratio/year',
    'the rate at which the net present value is 0, where there is one alone',
    ({ whole }) => {
      const rates = internalRates(whole)
      return rates.kind === 'one' ? rates.root.value : undefined
    },
  )
  row('paybackYears', 'Payback', 'years', PAYBACK, ({ running }) => yearsBack(running, 0))
  row(
    'discountedPaybackYears',
    'Payback, discounted',
    'years',
    `${PAYBACK}; each flow / (1 + costOfCapitalRatioPerYear)^t`,
    ({ running }, rate) => yearsBack(running, rate),
  )
}

function yearsBack(flows: YearlyFlows, rate: number): Maybe {
  const back = paybackOfYears(flows, rate)
  return back.kind === 'after' ? back.periods : undefined
}
