import { largest, type Maybe, smallest } from '../../arithmetic.ts'
import {
  type AllocationMethod,
  type AllocationRefused,
  allocationMethods,
  type CostFigure,
} from '../cost-report.ts'
import type { Ledger, Values } from '../ledger.ts'
import { figureRow, type ModelContext } from '../options/context.ts'
import type { OptionOf, Scenario, ScenarioOption } from '../scenario.ts'
import type { Workload } from './marginal-regression.ts'
import {
  allocateByEnergy,
  allocateByPhaseTime,
  allocateByPriceRatio,
  allocateByRegression,
} from './methods.ts'
import { type Allocation, type TokenClass, type TokenCounts, tokenClasses } from './token-bill.ts'

/**
 * Rows `options.<id>.allocation.<method>`: the bill of an option shared between input, cached input and output, by every method that
 * something is known for. No method is the truth, and each adds up to the bill. An API sells by the token: its price list is the answer,
 * and nothing is shared. The part of a mix that an API bills is charged by that list, and the rest is shared.
 */
export function allocationRows(context: ModelContext): void {
  for (const name of allocationMethods) {
    const from = methods[name].rows(context)
    if (from === undefined) continue
    for (const [id, option] of sharedOptions(context.scenario))
      methodRows(context, id, option, name, from)
  }
}

/** All but APIs. */
function sharedOptions({ options }: Scenario): [string, ScenarioOption][] {
  return Object.entries(options).filter(([, { kind }]) => kind !== 'api')
}

/** A way to share a bill. To add one, add it to `allocationMethods` and here. */
interface Method {
  /** How, in words. */
  readonly what: string
  /** Writes the rows of what it needs beside bill and tokens, and gives their paths; nothing where that is not known. */
  readonly rows: (context: ModelContext) => readonly string[] | undefined
  /** Why it cannot be used without those. */
  readonly missing: string
  /** @param values of those rows */
  readonly allocate: (bill: Maybe, tokens: TokenCounts, values: readonly number[]) => Allocation
}

const methods: Readonly<Record<AllocationMethod, Method>> = {
  priceRatio: {
    what: 'in the ratio of prices: bill / (input + cachedToInputPriceRatio x cached + outputToInputPriceRatio x output), times the ratio',
    rows: priceRatioRows,
    missing: 'no ratio of prices is stated, and no option is an API with a price list',
    allocate: (bill, tokens, [outputToInput, cachedToInput]) =>
      allocateByPriceRatio(bill, tokens, outputToInput, cachedToInput),
  },
  phaseTime: {
    what: 'by the time of the two phases: prefillSPerRequest / (prefillSPerRequest + decodeSPerRequest) of the bill on the input that was computed, the rest on the output, at the mix that was measured; queueing counts as prefill',
    rows: phaseTimeRows,
    missing: 'the times of prefill and decode were not measured',
    allocate: (bill, tokens, [prefillS, decodeS]) =>
      allocateByPhaseTime(bill, tokens, prefillS, decodeS),
  },
  regression: {
    what: 'by what one more token of each kind takes: gpuSeconds of the workloads = a x input + b x cached + c x output, by least squares with none under 0',
    rows: regressionRows,
    missing:
      'there are no runs of workloads of different shape, and one shape does not tell the kinds apart',
    allocate: (bill, tokens, values) => allocateByRegression(bill, tokens, workloadsFrom(values)),
  },
  energy: {
    what: 'by the energy of the two phases: input x prefillJPerInputToken / (input x prefillJPerInputToken + output x decodeJPerOutputToken) of the bill on the input that was computed, the rest on the output',
    rows: energyRows,
    missing: 'the energy of a token in prefill and in decode is not stated',
    allocate: (bill, tokens, [prefillJ = 0, decodeJ = 0]) =>
      allocateByEnergy(bill, tokens, tokens.inputTokens * prefillJ, tokens.outputTokens * decodeJ),
  },
}

const RATIOS = {
  outputToInputPriceRatio: {
    label: 'Price of an output token / of an input token',
    dividend: 'usdPerMillionOutputTokens',
  },
  cachedToInputPriceRatio: {
    label: 'Price of a cached input token / of an input token',
    dividend: 'usdPerMillionCachedInputTokens',
  },
} as const

/** As stated, else by the price list of the first API. */
function priceRatioRows(context: ModelContext): readonly string[] | undefined {
  const { ledger, scenario } = context
  const [api] = Object.entries(scenario.options).find(([, { kind }]) => kind === 'api') ?? []
  const path = (name: keyof typeof RATIOS): string[] => {
    const { label, dividend } = RATIOS[name]
    const stated = scenario.allocation[name]
    const row = { path: `allocation.${name}`, label, unit: 'ratio' }
    if (stated) return [figureRow(context, row, stated, scenario.sources)]
    if (api === undefined) return []
    const divisor = 'usdPerMillionInputTokens'
    return [
      ledger.result({
        ...row,
        formula: `${dividend} / ${divisor}, of ${api}`,
        from: [`options.${api}.tariff.${dividend}`, `options.${api}.tariff.${divisor}`],
        work: ([price = 0, input = 0]) => price / input,
      }),
    ]
  }
  const output = path('outputToInputPriceRatio')
  return output.length === 0 ? undefined : [...output, ...path('cachedToInputPriceRatio')]
}

/** Time from the send to the first token holds whatever a request waited for before its prefill. */
function phaseTimeRows({ ledger, subject, point }: ModelContext): readonly string[] | undefined {
  const { prefillSPerRequest, decodeSPerRequest } = point ?? {}
  if (prefillSPerRequest === undefined || decodeSPerRequest === undefined) return undefined
  const measured = (
    name: 'prefillSPerRequest' | 'decodeSPerRequest',
    label: string,
    value: number,
    note?: string,
  ) =>
    ledger.input({
      path: `measured.${name}`,
      label,
      unit: 's/request',
      value,
      origin: 'measured',
      source: `${subject.what}, ${point?.label}`,
      date: subject.date,
      note: [note, point?.how?.[name]].filter(Boolean).join('; ') || undefined,
    })
  return [
    measured(
      'prefillSPerRequest',
      'From the send of a request to its first token, mean',
      prefillSPerRequest,
      'what it waited in a queue is in it',
    ),
    measured('decodeSPerRequest', 'From its first token to its end, mean', decodeSPerRequest),
  ]
}

/** Rows of each workload. */
function regressionRows({ ledger, subject }: ModelContext): readonly string[] | undefined {
  const { shapes = [] } = subject
  if (shapes.length < 2) return undefined
  return shapes.flatMap((shape, index) =>
    SHAPE.map((name) =>
      ledger.input({
        path: `measured.shapes.${index + 1}.${name}`,
        label: `Workload ${index + 1}: ${SHAPE_LABELS[name]}`,
        unit: name === 'gpuSeconds' ? 'GPU-seconds' : 'tokens',
        value: shape[name],
        origin: 'measured',
        source: shape.what,
      }),
    ),
  )
}

const SHAPE = ['gpuSeconds', ...tokenClasses] as const satisfies readonly (keyof Workload)[]

const SHAPE_LABELS: Readonly<Record<(typeof SHAPE)[number], string>> = {
  gpuSeconds: 'GPU-seconds',
  inputTokens: 'input tokens that were computed',
  cachedInputTokens: 'cached input tokens',
  outputTokens: 'output tokens',
}

function workloadsFrom(values: readonly number[]): Workload[] {
  return Array.from({ length: values.length / SHAPE.length }, (_, index) => {
    const [gpuSeconds = 0, inputTokens = 0, cachedInputTokens = 0, outputTokens = 0] = values.slice(
      SHAPE.length * index,
    )
    return { gpuSeconds, inputTokens, cachedInputTokens, outputTokens }
  })
}

function energyRows(context: ModelContext): readonly string[] | undefined {
  const { prefillJPerInputToken, decodeJPerOutputToken } = context.scenario.allocation
  if (prefillJPerInputToken === undefined || decodeJPerOutputToken === undefined) return undefined
  const stated = (name: string, label: string, figure: typeof prefillJPerInputToken) =>
    figureRow(
      context,
      { path: `allocation.${name}`, label, unit: 'J/token' },
      figure,
      context.scenario.sources,
    )
  return [
    stated('prefillJPerInputToken', 'Energy of a token in prefill', prefillJPerInputToken),
    stated('decodeJPerOutputToken', 'Energy of a token in decode', decodeJPerOutputToken),
  ]
}

const DEMAND = [
  'demand.inputTokensPerYear',
  'demand.cachedInputTokensPerYear',
  'demand.outputTokensPerYear',
]

const NAMES: Readonly<Record<TokenClass, string>> = {
  inputTokens: 'usdPerMillionInputTokens',
  cachedInputTokens: 'usdPerMillionCachedInputTokens',
  outputTokens: 'usdPerMillionOutputTokens',
}

const LABELS: Readonly<Record<TokenClass, string>> = {
  inputTokens: 'Input tokens',
  cachedInputTokens: 'Cached input tokens',
  outputTokens: 'Output tokens',
}

function methodRows(
  { ledger }: ModelContext,
  id: string,
  option: ScenarioOption,
  name: AllocationMethod,
  from: readonly string[],
): void {
  const bill = billOf(id, option)
  for (const each of tokenClasses) {
    ledger.result({
      path: `options.${id}.allocation.${name}.${NAMES[each]}`,
      label: `${LABELS[each]}, the bill shared`,
      unit: 'USD/M tokens',
      formula: `${methods[name].what}${option.kind === 'hybrid' ? '; the tokens of the API by its price list' : ''}`,
      from: [...DEMAND, ...bill.paths, ...from],
      work: (values) => {
        const shared = share(name, bill, values)
        if (shared.kind === 'refused') return undefined
        const usd = shared.usdPerMillion[each]
        return usd === undefined ? undefined : usd + bill.listed(values)[each]
      },
    })
  }
}

/** @param values of the rows that a price of the method is worked from */
function share(name: AllocationMethod, bill: Bill, values: readonly number[]): Allocation {
  return methods[name].allocate(
    bill.sharedUsd(values),
    tokensFrom(values),
    values.slice(DEMAND.length + bill.paths.length),
  )
}

function tokensFrom(values: readonly number[]): TokenCounts {
  const [inputTokens = 0, cachedInputTokens = 0, outputTokens = 0] = values
  return { inputTokens, cachedInputTokens, outputTokens }
}

/** A bill: where it is read, after the tokens, and what of it a method shares. */
interface Bill {
  readonly paths: readonly string[]
  /** USD a year. */
  readonly sharedUsd: (values: readonly number[]) => number
  /** What an API's list adds to each class, USD per million of all its tokens. */
  readonly listed: (values: readonly number[]) => Readonly<Record<TokenClass, number>>
}

function billOf(id: string, option: ScenarioOption): Bill {
  if (option.kind === 'hybrid') return hybridBill(id, option)
  return {
    paths: [`options.${id}.usdPerYear`],
    sharedUsd: (values) => values[DEMAND.length] as number,
    listed: () => ({ inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 }),
  }
}

/** The API takes the same share of every class. */
function hybridBill(id: string, { api }: OptionOf<'hybrid'>): Bill {
  const at = `options.${api}`
  return {
    paths: [
      `options.${id}.usdPerYear`,
      `options.${id}.lines.api-tokens.usdPerYear`,
      `options.${id}.spilledOutputTokensPerYear`,
      `${at}.batchShareRatio`,
      `${at}.batchRatio`,
      ...tokenClasses.map((name) => `${at}.tariff.${NAMES[name]}`),
    ],
    sharedUsd: (values) => {
      const [usd = 0, apiUsd = 0] = values.slice(DEMAND.length)
      return usd - apiUsd
    },
    listed: (values) => {
      const [, , spilled = 0, batches = 0, batch = 0, input = 0, cached = 0, output = 0] =
        values.slice(DEMAND.length)
      const part = (spilled / tokensFrom(values).outputTokens) * (1 - batches + batches * batch)
      return {
        inputTokens: part * input,
        cachedInputTokens: part * cached,
        outputTokens: part * output,
      }
    },
  }
}

/** What a worked ledger says of the methods: which could not be used and why, and how far the others are apart. */
export function allocationResults(
  scenario: Scenario,
  ledger: Ledger,
  values: Values,
): { refused: AllocationRefused[]; figures: CostFigure[] } {
  const options = sharedOptions(scenario)
  return {
    refused: options.flatMap(([id, option]) =>
      allocationMethods.flatMap((method) => {
        const why = refusal(id, option, method, ledger, values)
        return why === undefined ? [] : [{ option: id, method, why }]
      }),
    ),
    figures: options.flatMap(([id]) => tokenClasses.flatMap((each) => spread(id, each, values))),
  }
}

function refusal(
  id: string,
  option: ScenarioOption,
  name: AllocationMethod,
  { rows }: Ledger,
  values: Values,
): string | undefined {
  const path = `options.${id}.allocation.${name}.${NAMES.outputTokens}`
  const row = rows.find((each) => each.path === path)
  if (row?.kind !== 'result') return methods[name].missing
  const known = row.from.map((from) => values.get(from))
  if (!known.every((value) => value !== undefined)) {
    const unknown = row.from.filter((from) => values.get(from) === undefined)
    return `not known: ${unknown.join(', ')}`
  }
  const shared = share(name, billOf(id, option), known)
  return shared.kind === 'refused' ? shared.why : undefined
}

/** The least and the most that the methods in use charge for a class. */
function spread(id: string, each: TokenClass, values: Values): CostFigure[] {
  const paths = allocationMethods.map((name) => `options.${id}.allocation.${name}.${NAMES[each]}`)
  const from = paths.filter((path) => values.get(path) !== undefined)
  if (from.length < 2) return []
  const prices = from.map((path) => values.get(path))
  const figure = (end: 'low' | 'high', value: Maybe, formula: string): CostFigure => ({
    path: `options.${id}.allocation.spread.${each}.${end}`,
    label: `${LABELS[each]}, the ${end === 'low' ? 'least' : 'most'} of ${from.length} methods`,
    unit: 'USD/M tokens',
    value,
    formula,
    from,
  })
  return [
    figure('low', smallest(prices), 'the least of the methods that could be used'),
    figure('high', largest(prices), 'the most of them'),
  ]
}
