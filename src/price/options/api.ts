import type { Maybe } from '../../arithmetic.ts'
import type { Figure } from '../../figure.ts'
import { TOKENS_PER_MILLION } from '../../units.ts'
import { findEntry } from '../catalogue.ts'
import { componentsOf } from '../components.ts'
import type { ApiPrice } from '../price-sheet.ts'
import type { OptionOf } from '../scenario.ts'
import { billRows } from './bill.ts'
import { choiceRow, figureRow, type ModelContext, unknownRow } from './context.ts'
import { extraRows } from './machine.ts'

/** Rows of an API: three kinds of tokens at their prices. */
export function apiRows(context: ModelContext, id: string, option: OptionOf<'api'>): void {
  const prefix = `options.${id}`
  const { ledger } = context
  const priced = findEntry(context.catalogue, 'api', option.api, `${prefix}.api`)
  priceRows(context, prefix, priced)
  batchRows(context, prefix, option, priced)
  extraRows(context, prefix, option)
  for (const name of ['servers', 'gpus', 'racks'] as const)
    ledger.input({ ...none(prefix, name), value: 0, origin: 'choice', source: 'an API has none' })
  ledger.input({
    ...none(prefix, 'sites'),
    value: 1,
    origin: 'choice',
    source: 'what is per site is due once',
  })
  const lines = tokenLines(context, prefix)
  blendedRow(context, prefix)
  billRows(ledger, prefix, componentsOf(option, context.scenario.capitalMethod), lines)
}

const none = (prefix: string, name: string) => ({
  path: `${prefix}.${name}`,
  label: `${name[0]?.toUpperCase()}${name.slice(1)}`,
  unit: name,
})

type Tariff = Pick<
  ApiPrice,
  'usdPerMillionInputTokens' | 'usdPerMillionCachedInputTokens' | 'usdPerMillionOutputTokens'
>

function priceRows(
  context: ModelContext,
  prefix: string,
  { entry, sources }: ReturnType<typeof findEntry<'api'>>,
): void {
  const { promptTokens } = context.subject
  const long = entry.longContext
  const isLong =
    long !== undefined && promptTokens !== undefined && promptTokens > long.aboveInputTokens
  const tariff: Tariff = isLong ? long : entry
  const name = `${entry.provider} ${entry.model}${isLong ? `, prompts above ${long.aboveInputTokens} tokens` : ''}`
  const row = (key: keyof Tariff, label: string) => ({
    path: `${prefix}.tariff.${key}`,
    label,
    unit: 'USD/M tokens',
    note: name,
  })
  figureRow(
    context,
    row('usdPerMillionInputTokens', 'Price of input'),
    tariff.usdPerMillionInputTokens,
    sources,
  )
  cachedPriceRow(
    context,
    row('usdPerMillionCachedInputTokens', 'Price of cached input'),
    tariff,
    sources,
  )
  figureRow(
    context,
    row('usdPerMillionOutputTokens', 'Price of output'),
    tariff.usdPerMillionOutputTokens,
    sources,
  )
}

/** An API that lists no price for cached tokens bills them like others. */
function cachedPriceRow(
  context: ModelContext,
  row: { path: string; label: string; unit: string; note: string },
  tariff: Tariff,
  sources: Parameters<typeof figureRow>[3],
): void {
  const cached = tariff.usdPerMillionCachedInputTokens
  const note = cached ? row.note : `${row.note}; no price for cached tokens listed: billed as input`
  figureRow(context, { ...row, note }, cached ?? tariff.usdPerMillionInputTokens, sources)
}

function batchRows(
  context: ModelContext,
  prefix: string,
  { batchShareRatio }: OptionOf<'api'>,
  { entry, sources }: ReturnType<typeof findEntry<'api'>>,
): void {
  const share = { path: `${prefix}.batchShareRatio`, label: 'Requests in batches', unit: 'ratio' }
  const price = {
    path: `${prefix}.batchRatio`,
    label: 'Price of a request in a batch / its price',
    unit: 'ratio',
  }
  if (batchShareRatio === undefined) {
    choiceRow(context, { ...share, note: 'none stated' }, 0)
    choiceRow(context, { ...price, note: 'no batches' }, 1)
    return
  }
  figureRow(context, share, batchShareRatio, context.scenario.sources)
  const batch: Figure | undefined = entry.batchRatio
  if (batch) figureRow(context, price, batch, sources)
  else unknownRow(context.ledger, { ...price, note: 'the price sheet knows no batch price' })
}

function tokenLines({ ledger }: ModelContext, prefix: string): string[] {
  const at = (name: string) => `${prefix}.${name}`
  const line = (id: string, label: string, demand: string, price: string) =>
    ledger.result({
      path: at(`lines.${id}.usdPerYear`),
      part: 'tokens',
      label,
      unit: 'USD/year',
      formula: `${demand} / 1e6 x tariff.${price} x (1 - batchShareRatio + batchShareRatio x batchRatio)`,
      from: [`demand.${demand}`, at(`tariff.${price}`), at('batchShareRatio'), at('batchRatio')],
      work: ([tokens = 0, usd = 0, share = 0, batch = 0]): Maybe =>
        (tokens / TOKENS_PER_MILLION) * usd * (1 - share + share * batch),
    })
  return [
    line('input', 'Input tokens', 'inputTokensPerYear', 'usdPerMillionInputTokens'),
    line(
      'cached-input',
      'Cached input tokens',
      'cachedInputTokensPerYear',
      'usdPerMillionCachedInputTokens',
    ),
    line('output', 'Output tokens', 'outputTokensPerYear', 'usdPerMillionOutputTokens'),
  ]
}

/** What an output token costs with the input that comes with it: what spilled demand is billed at. */
function blendedRow({ ledger }: ModelContext, prefix: string): void {
  const at = (name: string) => `${prefix}.${name}`
  ledger.result({
    path: at('tokenUsdPerMillionOutputTokens'),
    label: 'Tokens alone, with the input of an output token',
    unit: 'USD/M output tokens',
    formula: '(lines.input + lines.cached-input + lines.output) / (outputTokensPerYear / 1e6)',
    from: [
      at('lines.input.usdPerYear'),
      at('lines.cached-input.usdPerYear'),
      at('lines.output.usdPerYear'),
      'demand.outputTokensPerYear',
    ],
    work: ([input = 0, cached = 0, output = 0, tokens = 0]) =>
      ((input + cached + output) / tokens) * TOKENS_PER_MILLION,
  })
}
