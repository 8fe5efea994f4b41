import type { Maybe } from '../../arithmetic.ts'
import { MONTHS_PER_YEAR, TOKENS_PER_MILLION } from '../../units.ts'
import type { LedgerBuilder } from '../ledger.ts'

/** What a bill comes to by the token, the request and the user: the same for every option. */
export function resultRows(ledger: LedgerBuilder, prefix: string): void {
  const at = (name: string) => `${prefix}.${name}`
  const row = (
    name: string,
    label: string,
    unit: string,
    formula: string,
    demand: string,
    work: (usdPerYear: number, amount: number) => Maybe,
  ) =>
    ledger.result({
      path: at(name),
      label,
      unit,
      formula,
      from: [at('usdPerYear'), `demand.${demand}`],
      work: ([usd = 0, amount = 0]) => work(usd, amount),
    })
  row(
    'usdPerMillionOutputTokens',
    'Whole bill on the output tokens',
    'USD/M output tokens',
    'usdPerYear / (outputTokensPerYear / 1e6)',
    'outputTokensPerYear',
    (usd, tokens) => (usd / tokens) * TOKENS_PER_MILLION,
  )
  row(
    'usdPerMillionTotalTokens',
    'Whole bill on all tokens, blended',
    'USD/M tokens',
    'usdPerYear / (totalTokensPerYear / 1e6)',
    'totalTokensPerYear',
    (usd, tokens) => (usd / tokens) * TOKENS_PER_MILLION,
  )
  row(
    'usdPerRequest',
    'A request',
    'USD/request',
    'usdPerYear / requestsPerYear',
    'requestsPerYear',
    (usd, requests) => usd / requests,
  )
  row(
    'outputTokensPerUsd',
    'Output tokens for a dollar',
    'tokens/USD',
    'outputTokensPerYear / usdPerYear',
    'outputTokensPerYear',
    (usd, tokens) => tokens / usd,
  )
  if (ledger.has('demand.users'))
    row(
      'usdPerUserMonth',
      'A user and month',
      'USD/user/month',
      'usdPerYear / users / 12',
      'users',
      (usd, users) => usd / users / MONTHS_PER_YEAR,
    )
}
