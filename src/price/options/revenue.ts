import type { Maybe } from '../../arithmetic.ts'
import { MONTHS_PER_YEAR, TOKENS_PER_MILLION } from '../../units.ts'
import type { LedgerBuilder } from '../ledger.ts'
import { wholeUp } from '../whole.ts'
import { figureRow, type ModelContext } from './context.ts'

/** Rows `revenue.*`: what is asked for, where the scenario says that anything is earned. */
export function revenueInputRows(context: ModelContext): void {
  const { revenue, sources } = context.scenario
  const stated = (
    name: string,
    label: string,
    unit: string,
    figure: Parameters<typeof figureRow>[2],
  ) => figureRow(context, { path: `revenue.${name}`, label, unit }, figure, sources)
  switch (revenue?.kind) {
    case undefined:
      return
    case 'per-million-output-tokens':
      stated(
        'usdPerMillionOutputTokens',
        'Price asked for output tokens',
        'USD/M output tokens',
        revenue.usdPerMillionOutputTokens,
      )
      return
    case 'per-seat':
      stated('usdPerSeatMonth', 'Price asked for a seat', 'USD/seat/month', revenue.usdPerSeatMonth)
      stated('seats', 'Seats', 'seats', revenue.seats)
      return
  }
}

/**
 * Rows `options.<id>.revenue.*`: what is earned in a year, what is left of it after the option's bill (a margin is a share of the revenue,
 * not of the cost), and what would have to be earned for nothing to be left. The demand stays as it is: more seats would ask for more.
 */
export function revenueRows({ ledger, scenario }: ModelContext, id: string): void {
  const { revenue } = scenario
  const prefix = `options.${id}`
  switch (revenue?.kind) {
    case undefined:
      return
    case 'per-million-output-tokens':
      ledger.result({
        path: `${prefix}.revenue.usdPerYear`,
        label: 'Revenue',
        unit: 'USD/year',
        formula: 'outputTokensPerYear / 1e6 x revenue.usdPerMillionOutputTokens',
        from: ['demand.outputTokensPerYear', 'revenue.usdPerMillionOutputTokens'],
        work: ([tokens = 0, usd = 0]) => (tokens / TOKENS_PER_MILLION) * usd,
      })
      marginRows(ledger, prefix)
      if (ledger.has('demand.users')) neededFromUsers(ledger, prefix, 'demand.users')
      return
    case 'per-seat':
      ledger.result({
        path: `${prefix}.revenue.usdPerYear`,
        label: 'Revenue',
        unit: 'USD/year',
        formula: 'revenue.seats x revenue.usdPerSeatMonth x 12',
        from: ['revenue.seats', 'revenue.usdPerSeatMonth'],
        work: ([seats = 0, usd = 0]) => seats * usd * MONTHS_PER_YEAR,
      })
      marginRows(ledger, prefix)
      neededFromUsers(ledger, prefix, 'revenue.seats')
      ledger.result({
        path: `${prefix}.revenue.neededSeats`,
        label: 'Seats at which the bill is paid, for this demand',
        unit: 'seats',
        formula: 'ceil(usdPerYear / (revenue.usdPerSeatMonth x 12))',
        from: [`${prefix}.usdPerYear`, 'revenue.usdPerSeatMonth'],
        work: ([bill = 0, usd = 0]): Maybe =>
          usd > 0 ? wholeUp(bill / (usd * MONTHS_PER_YEAR)) : undefined,
      })
      return
  }
}

function marginRows(ledger: LedgerBuilder, prefix: string): void {
  const margin = ledger.result({
    path: `${prefix}.revenue.grossMarginUsdPerYear`,
    label: 'Gross margin',
    unit: 'USD/year',
    formula: 'revenue.usdPerYear - usdPerYear',
    from: [`${prefix}.revenue.usdPerYear`, `${prefix}.usdPerYear`],
    work: ([earned = 0, bill = 0]) => earned - bill,
  })
  ledger.result({
    path: `${prefix}.revenue.grossMarginRatio`,
    label: 'Gross margin / revenue',
    unit: 'ratio',
    formula: 'revenue.grossMarginUsdPerYear / revenue.usdPerYear',
    from: [margin, `${prefix}.revenue.usdPerYear`],
    work: ([left = 0, earned = 0]) => left / earned,
  })
}

function neededFromUsers(ledger: LedgerBuilder, prefix: string, users: string): void {
  ledger.result({
    path: `${prefix}.revenue.neededUsdPerUserMonth`,
    label: 'What a user would have to pay for the bill to be paid',
    unit: 'USD/user/month',
    formula: `usdPerYear / ${users} / 12`,
    from: [`${prefix}.usdPerYear`, users],
    work: ([bill = 0, count = 0]) => bill / count / MONTHS_PER_YEAR,
  })
}
