import type { Maybe } from '../arithmetic.ts'
import { MONTHS_PER_YEAR } from '../units.ts'
import type { BreakEven, CostFigure } from './cost-report.ts'
import { dateAfter, type PriceCurve, paidOver } from './finance/falling-prices.ts'
import type { Market } from './horizon/horizon-rows.ts'
import { type Ledger, rowsBehind, type Values, workOut } from './ledger.ts'
import { investments } from './ownership.ts'
import type { Scenario } from './scenario.ts'
import type { Subject } from './subject.ts'

/**
 * When each option that buys machines has cost no more than each one that buys none, counted from the purchase, undiscounted: what is
 * bought counts at the start of its year, all else evenly over the year, nothing is sold. Under today's prices, and under those that the
 * market is known to move to; not beyond the horizon. Figures are `breakEvens.<option>.<against>.months.<market>.*`.
 */
export function breakEvenMonths(
  subject: Subject,
  scenario: Scenario,
  ledger: Ledger,
  values: Values,
): { breakEvens: BreakEven[]; figures: CostFigure[] } {
  const markets = (option: string, against: string): Market[] =>
    [option, against].some((id) => marketsOf(id, values).length > 0)
      ? ['flat', 'declining']
      : ['flat']
  const found = investments(scenario).flatMap(({ option, against }) =>
    markets(option, against).map((market) => {
      const pair = { option, against, market }
      return breakEvenOf(pair, subject, scenario, ledger, values)
    }),
  )
  return {
    breakEvens: found.map(({ breakEven }) => breakEven),
    figures: found.flatMap(({ figures }) => figures),
  }
}

interface Pair {
  readonly option: string
  readonly against: string
  readonly market: Market
}

/** Prices a year later / prices. */
interface Ratios {
  readonly api: number
  readonly rent: number
}

const FLAT: Ratios = { api: 1, rent: 1 }

const marketPath = { api: 'market.apiPriceRatioPerYear', rent: 'market.rentPriceRatioPerYear' }
const boughtAs = { api: 'tokensUsd', rent: 'rentUsd' }
const kinds = ['api', 'rent'] as const

/** Known markets that an option buys on. */
function marketsOf(id: string, values: Values): (typeof kinds)[number][] {
  return kinds.filter(
    (kind) => values.has(marketPath[kind]) && values.has(`options.${id}.years.1.${boughtAs[kind]}`),
  )
}

function breakEvenOf(
  pair: Pair,
  subject: Subject,
  scenario: Scenario,
  ledger: Ledger,
  values: Values,
): { breakEven: BreakEven; figures: CostFigure[] } {
  const { option, against, market } = pair
  const shared = { option, against, axis: 'months', market } as const
  const own = spending(option, scenario, values)
  const other = spending(against, scenario, values)
  const moving =
    market === 'flat'
      ? []
      : kinds.filter((kind) => [option, against].some((id) => marketsOf(id, values).includes(kind)))
  const views = viewsOf(moving, ledger, values)
  if (own === undefined || other === undefined || views === undefined)
    return {
      breakEven: {
        ...shared,
        outcome: 'unknown',
        at: [],
        explanation: 'a cost of one of the years, or of the market, is not known',
      },
      figures: [],
    }
  const found = views.map((ratios) => search(own.years, other.years, ratios))
  const from = [...own.paths, ...other.paths, ...moving.map((kind) => marketPath[kind])]
  const told = tell(found, `breakEvens.${option}.${against}.months.${market}`, from, scenario)
  const years = found[0]?.fromYears
  const date =
    told.outcome === 'at' && years !== undefined && subject.date !== undefined
      ? dateAfter(subject.date, years)
      : undefined
  const explanation = [told.explanation, ...marketText(market, moving, views[0] as Ratios)].join(
    '; ',
  )
  const { outcome, figures, at } = told
  return { breakEven: { ...shared, outcome, at, date, explanation }, figures }
}

/** The likeliest view of the market first; then, where an input has a range, its low and its high end. */
function viewsOf(
  moving: readonly (typeof kinds)[number][],
  ledger: Ledger,
  values: Values,
): Ratios[] | undefined {
  const ranges = new Map(moving.map((kind) => [kind, rangeOf(marketPath[kind], ledger, values)]))
  if ([...ranges.values()].includes(undefined)) return undefined
  const view = (pick: (range: Range) => number): Ratios => {
    const of = (kind: (typeof kinds)[number]): number => {
      const range = ranges.get(kind)
      return range === undefined ? FLAT[kind] : pick(range)
    }
    return { api: of('api'), rent: of('rent') }
  }
  const uncertain = [...ranges.values()].some((range) => range && range.low < range.high)
  return [
    view(({ value }) => value),
    ...(uncertain ? [view(({ low }) => low), view(({ high }) => high)] : []),
  ]
}

interface Range {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** The least and the most that a row comes to when each of its inputs is at an end of what is known of it. */
function rangeOf(path: string, ledger: Ledger, values: Values): Range | undefined {
  const value = values.get(path)
  if (value === undefined) return undefined
  const rows = rowsBehind(ledger, [path])
  const inputs = rows.flatMap((row) =>
    row.kind === 'input' && row.uncertain !== undefined && row.uncertain.kind !== 'value'
      ? [{ path: row.path, ends: [row.uncertain.low, row.uncertain.high] }]
      : [],
  )
  const corners = inputs.reduce<Map<string, Maybe>[]>(
    (all, input) =>
      all.flatMap((corner) => input.ends.map((end) => new Map([...corner, [input.path, end]]))),
    [new Map()],
  )
  const reached = corners.map((corner) => workOut({ rows }, corner).get(path))
  if (!reached.every((each) => each !== undefined)) return undefined
  return { value, low: Math.min(value, ...reached), high: Math.max(value, ...reached) }
}

/** What an option pays in a year, by how its prices move. */
interface YearSpending {
  readonly capexUsd: number
  readonly fixedUsd: number
  readonly api: number
  readonly rent: number
}

function spending(
  id: string,
  { horizonYears }: Scenario,
  values: Values,
): { years: YearSpending[]; paths: string[] } | undefined {
  const names = ['capexUsd', 'runningUsd', boughtAs.api, boughtAs.rent].filter((name) =>
    values.has(`options.${id}.years.1.${name}`),
  )
  const years: YearSpending[] = []
  const paths: string[] = []
  for (let year = 1; year <= horizonYears; year++) {
    const path = (name: string) => `options.${id}.years.${year}.${name}`
    paths.push(...names.map(path))
    const known = names.map((name) => values.get(path(name)))
    if (known.some((usd) => usd === undefined)) return undefined
    const of = (name: string): number => known[names.indexOf(name)] ?? 0
    const [api, rent] = [of(boughtAs.api), of(boughtAs.rent)]
    years.push({ capexUsd: of('capexUsd'), fixedUsd: of('runningUsd') - api - rent, api, rent })
  }
  return { years, paths }
}

/** Where the saving is first above nothing, and where it is lost again; or how near it came. */
interface Found {
  readonly fromYears?: number
  readonly untilYears?: number
  /** What was still missing at the best moment: 0 where nothing was. */
  readonly leastMissingUsd: number
}

/** While prices move, a saving that lasts less than a day is not seen. While they do not, it is a straight line within a year. */
const DAILY = 365

function search(
  own: readonly YearSpending[],
  other: readonly YearSpending[],
  ratios: Ratios,
): Found {
  const curve = (ratioPerYear: number): PriceCurve => ({ kind: 'geometric', ratioPerYear })
  const curves = { api: curve(ratios.api), rent: curve(ratios.rent) }
  const steps = ratios.api === 1 && ratios.rent === 1 ? 1 : DAILY
  const scale = other.reduce((sum, { fixedUsd, api, rent }) => sum + fixedUsd + api + rent, 0)
  const nothing = -ROUNDING * scale
  let fromYears: number | undefined
  let best = Number.NEGATIVE_INFINITY
  let saved = 0
  for (const [year, mine] of own.entries()) {
    const theirs = other[year] as YearSpending
    const gain = {
      fixedUsd: theirs.fixedUsd - mine.fixedUsd,
      api: theirs.api - mine.api,
      rent: theirs.rent - mine.rent,
    }
    const start = saved + theirs.capexUsd - mine.capexUsd
    const before = { api: paidOver(curves.api, year), rent: paidOver(curves.rent, year) }
    const at = (step: number): number => {
      const t = year + step / steps
      return (
        start +
        gain.fixedUsd * (t - year) +
        gain.api * (paidOver(curves.api, t) - before.api) +
        gain.rent * (paidOver(curves.rent, t) - before.rent)
      )
    }
    for (let step = 0; step <= steps; step++) {
      const now = at(step)
      best = Math.max(best, now)
      const enough = now >= nothing
      if (fromYears === undefined ? enough : !enough) {
        const low = Math.max(0, step - 1)
        const place = crossing((x) => at(x) >= nothing, low, step)
        const years = year + place / steps
        if (fromYears !== undefined) return { fromYears, untilYears: years, leastMissingUsd: 0 }
        fromYears = years
      }
    }
    saved = at(steps)
  }
  return { fromYears, leastMissingUsd: fromYears === undefined ? -best : 0 }
}

/** What sums of so many numbers may be off by, of the whole. */
const ROUNDING = 1e-12

/** Where `holds` changes between two places, by halving; the first of them where it is the same at both. */
function crossing(holds: (x: number) => boolean, from: number, to: number): number {
  const before = holds(from)
  if (holds(to) === before) return from
  let low = from
  let high = to
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) return high
    if (holds(middle) === before) low = middle
    else high = middle
  }
}

interface Told {
  readonly outcome: BreakEven['outcome']
  readonly at: readonly string[]
  readonly figures: CostFigure[]
  readonly explanation: string
}

function tell(
  found: readonly Found[],
  prefix: string,
  from: readonly string[],
  { horizonYears }: Scenario,
): Told {
  const [likeliest] = found as [Found]
  const figure = (name: string, label: string, unit: string, value: number): CostFigure => ({
    path: `${prefix}.${name}`,
    label,
    unit,
    value,
    formula:
      'sum over time of what the other pays less its own: capexUsd at the start of each year, runningUsd evenly over it, tokensUsd and rentUsd by the prices of each moment',
    from,
  })
  const months = (name: string, label: string, years: number) =>
    figure(name, label, 'months', years * MONTHS_PER_YEAR)
  const atFirst = found.map(({ fromYears }) => fromYears)
  const horizon = `${horizonYears * MONTHS_PER_YEAR} months`
  if (likeliest.fromYears === undefined) {
    const kinder = atFirst.some((years) => years !== undefined)
    const missing = figure(
      'missingUsd',
      'Still not made up for at the best moment',
      'USD',
      likeliest.leastMissingUsd,
    )
    return {
      outcome: 'never',
      at: [],
      figures: [missing],
      explanation: `at the best moment of ${horizon}, ${Math.round(likeliest.leastMissingUsd)} USD of what was paid were not made up for${kinder ? '; at one end of what is known of the market they are' : ''}`,
    }
  }
  if (likeliest.untilYears !== undefined) {
    const places = [
      months('fromMonths', 'Cheaper from', likeliest.fromYears),
      months('untilMonths', 'Cheaper until', likeliest.untilYears),
    ]
    return {
      outcome: 'band',
      at: places.map(({ path }) => path),
      figures: places,
      explanation:
        'then it costs more again: machines are bought again, or the other has become cheaper',
    }
  }
  if (likeliest.fromYears === 0)
    return {
      outcome: 'always',
      at: [],
      figures: [],
      explanation: 'it has cost no more from the first day',
    }
  const central = months('atMonths', 'Break-even', likeliest.fromYears)
  const known = atFirst.filter((years) => years !== undefined)
  if (known.length > 1 && known.length === found.length) {
    const places = [
      months('earliestMonths', 'Break-even at the earliest', Math.min(...known)),
      months('latestMonths', 'Break-even at the latest', Math.max(...known)),
    ]
    return {
      outcome: 'band',
      at: places.map(({ path }) => path),
      figures: [central, ...places],
      explanation: 'by the ends of what is known of the market',
    }
  }
  return {
    outcome: 'at',
    at: [central.path],
    figures: [central],
    explanation:
      known.length < found.length
        ? `what is saved has then made up for what was bought; at one end of what is known of the market it does not within ${horizon}`
        : 'what is saved has then made up for what was bought',
  }
}

const marketNames = { api: 'prices of APIs', rent: 'rents' }

function marketText(
  market: Market,
  moving: readonly (typeof kinds)[number][],
  ratios: Ratios,
): string[] {
  if (market === 'flat') return ["at today's prices"]
  return moving.map(
    (kind) =>
      `with ${marketNames[kind]} each year ${Number(ratios[kind].toPrecision(3))} times those of the year before`,
  )
}
