import { S_PER_HOUR, TOKENS_PER_MILLION } from '../units.ts'
import type { CostFigure } from './cost-report.ts'
import { startLedger } from './ledger.ts'
import { figuresOf } from './price-subject.ts'
import { requirePositive, requireRatio } from './requirements.ts'
import { usdPerMillionTokens } from './unit-cost.ts'

/** A throughput and what an hour of it costs, as somebody states them. */
export interface StatedPrice {
  readonly outputTokensPerS: number
  readonly inputTokensPerS?: number
  readonly usdPerHour: number
  /** Share of the throughput that is really used; a machine full around the clock where it is not given. */
  readonly utilisationRatio?: number
}

/**
 * The price of a token of something billed by the hour: rows `stated.*`, those of results last.
 *
 * @throws UserError for a utilisation outside 0..1, and a throughput of nothing
 */
export function quickPrice(stated: StatedPrice): CostFigure[] {
  const { outputTokensPerS, inputTokensPerS, usdPerHour, utilisationRatio } = stated
  requirePositive('The throughput', outputTokensPerS)
  requireRatio('The utilisation', utilisationRatio)
  requirePositive('The utilisation', utilisationRatio)
  const ledger = startLedger()
  const input = (name: string, label: string, unit: string, value: number, note?: string) =>
    ledger.input({
      path: `stated.${name}`,
      label,
      unit,
      value,
      origin: 'choice',
      source: 'as stated',
      note,
    })
  const output = input('outputTokensPerS', 'Output tokens/s', 'tokens/s', outputTokensPerS)
  const hour = input('usdPerHour', 'What an hour costs', 'USD/h', usdPerHour)
  const full =
    utilisationRatio === undefined
      ? 'none stated: full around the clock, which no machine is'
      : undefined
  const used = input('utilisationRatio', 'Utilisation', 'ratio', utilisationRatio ?? 1, full)
  const price = (name: string, label: string, unit: string, rates: readonly string[]) =>
    ledger.result({
      path: `stated.${name}`,
      label,
      unit,
      formula: `usdPerHour / (${rateFormula(rates)} x ${S_PER_HOUR} s x utilisationRatio / 1e6)`,
      from: [hour, used, ...rates],
      work: ([usd = 0, utilisation = 0, ...tokensPerS]) =>
        usdPerMillionTokens(
          usd,
          tokensPerS.reduce((a, b) => a + b, 0),
          utilisation,
        ),
    })
  price('usdPerMillionOutputTokens', 'All of it on the output tokens', 'USD/M output tokens', [
    output,
  ])
  if (inputTokensPerS !== undefined) {
    const read = input('inputTokensPerS', 'Input tokens/s', 'tokens/s', inputTokensPerS)
    price('usdPerMillionTotalTokens', 'On input and output tokens alike', 'USD/M tokens', [
      output,
      read,
    ])
  }
  ledger.result({
    path: 'stated.millionOutputTokensPerDay',
    label: 'Output tokens that it makes a day',
    unit: 'M tokens/day',
    formula: `outputTokensPerS x utilisationRatio x ${S_PER_DAY} s / 1e6`,
    from: [output, used],
    work: ([rate = 0, utilisation = 0]) => (rate * utilisation * S_PER_DAY) / TOKENS_PER_MILLION,
  })
  return figuresOf(ledger.ledger())
}

const S_PER_DAY = 86_400

function rateFormula(paths: readonly string[]): string {
  const names = paths.map((path) => path.slice('stated.'.length))
  return names.length === 1 ? String(names[0]) : `(${names.join(' + ')})`
}
