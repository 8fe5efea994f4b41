import { paidOver } from '../finance/falling-prices.ts'
import { sumInOrder } from '../options/bill.ts'
import type { ModelContext } from '../options/context.ts'
import type { MarketPaths } from './market-rows.ts'

/** Where the money of an option over the horizon is: paths of a year each. */
export interface YearPaths {
  readonly capexUsd: readonly string[]
  readonly runningUsd: readonly string[]
  /** Absent where nothing is left to sell. */
  readonly salvageUsd?: string
}

/** Under today's prices for ever, or as a known market moves them. */
export type Market = 'flat' | 'declining'

/** Where a row would be, and whether it is there. */
type HasRow = (path: string) => boolean

/** Whether an option buys something the price of which moves with a market that is known. */
export function follows(has: HasRow, id: string): boolean {
  return has(`options.${id}.years.1.declining.runningUsd`)
}

/** Paths of an option's money. One that buys nothing of a known market has the same in any. */
export function yearPaths(
  has: HasRow,
  horizonYears: number,
  id: string,
  market: Market,
): YearPaths {
  const years = Array.from({ length: horizonYears }, (_, index) => index + 1)
  const of = (name: string) => years.map((year) => `options.${id}.years.${year}.${name}`)
  const salvage = `options.${id}.horizon.salvageUsd`
  const moves = market === 'declining' && follows(has, id)
  return {
    capexUsd: of('capexUsd'),
    runningUsd: of(moves ? 'declining.runningUsd' : 'runningUsd'),
    salvageUsd: has(salvage) ? salvage : undefined,
  }
}

/** Rows `options.<id>.horizon`: all that is paid over the horizon, added up, and brought to today. */
export function horizonRows(context: ModelContext, id: string, market: MarketPaths): void {
  const { has } = context.ledger
  const { horizonYears } = context.scenario
  sumRows(context, `options.${id}.horizon`, yearPaths(has, horizonYears, id, 'flat'))
  decliningRows(context, id, market)
  if (follows(has, id))
    sumRows(
      context,
      `options.${id}.horizon.declining`,
      yearPaths(has, horizonYears, id, 'declining'),
    )
}

function sumRows({ ledger }: ModelContext, prefix: string, paths: YearPaths): void {
  const { capexUsd, runningUsd, salvageUsd } = paths
  const years = capexUsd.length
  const from = [...capexUsd, ...runningUsd, ...(salvageUsd === undefined ? [] : [salvageUsd])]
  const less = salvageUsd === undefined ? '' : ' - salvageUsd'
  ledger.result({
    path: `${prefix}.undiscountedUsd`,
    label: `Paid over ${years} years`,
    unit: 'USD',
    formula: `sum of capexUsd and runningUsd of the years${less}`,
    from,
    work: (values) => sumInOrder(values.slice(0, 2 * years)) - (values[2 * years] ?? 0),
  })
  ledger.result({
    path: `${prefix}.presentUsd`,
    label: `Paid over ${years} years, as money of today`,
    unit: 'USD',
    formula: `sum of capexUsd / (1 + r)^(y - 1) and runningUsd / (1 + r)^y${less === '' ? '' : `${less} / (1 + r)^${years}`}; r = costOfCapitalRatioPerYear`,
    from: ['finance.costOfCapitalRatioPerYear', ...from],
    work: ([rate = 0, ...values]) => {
      let total = 0
      for (let year = 0; year < years; year++) {
        total += (values[year] as number) / (1 + rate) ** year
        total += (values[years + year] as number) / (1 + rate) ** (year + 1)
      }
      return total - (values[2 * years] ?? 0) / (1 + rate) ** years
    },
  })
}

const followers = [
  { name: 'tokensUsd', of: 'api' },
  { name: 'rentUsd', of: 'rent' },
] as const

/**
 * Rows of an option whose prices move with a market that is known: running costs of each year at the mean of that year's prices. Nothing
 * for an option that buys nothing of such a market.
 */
function decliningRows({ ledger, scenario }: ModelContext, id: string, market: MarketPaths): void {
  const moved = followers.flatMap(({ name, of }) => {
    const ratio = market[of]
    return ratio !== undefined && ledger.has(`options.${id}.years.1.${name}`)
      ? [{ name, ratio }]
      : []
  })
  if (moved.length === 0) return
  for (let index = 0; index < scenario.horizonYears; index++) {
    const prefix = `options.${id}.years.${index + 1}`
    ledger.result({
      path: `${prefix}.declining.runningUsd`,
      label: `Running costs, as the market's prices move, year ${index + 1}`,
      unit: 'USD',
      formula: `runningUsd - ${moved.map(({ name }) => `${name} x (1 - mean of q^t over the year)`).join(' - ')}; q = ${moved.map(({ ratio }) => ratio).join(', ')}`,
      from: [
        `${prefix}.runningUsd`,
        ...moved.flatMap(({ name, ratio }) => [`${prefix}.${name}`, ratio]),
      ],
      work: ([usd = 0, ...values]) => {
        let total = usd
        for (let i = 0; i < values.length; i += 2)
          total -= (values[i] as number) * (1 - meanRatio(values[i + 1] as number, index))
        return total
      },
    })
  }
}

/** Mean price in the year that begins after `years` / price of today, when it moves all the time. */
function meanRatio(ratioPerYear: number, years: number): number {
  const curve = { kind: 'geometric', ratioPerYear } as const
  return paidOver(curve, years + 1) - paidOver(curve, years)
}
