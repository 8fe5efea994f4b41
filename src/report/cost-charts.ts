import { largest, type Maybe, smallest } from '../arithmetic.ts'
import { type CostCurve, type CostReport, figureFinder } from '../price/cost-report.ts'
import {
  type Chart,
  type ChartOrigin,
  dot,
  type Encoding,
  frame,
  haloText,
  LABEL_SIZE,
  type Layer,
  type Position,
  TEXT_WIDTH,
  topLegend,
} from './chart-look.ts'
import { billLines, optionRows, ownOption } from './cost-facts.ts'
import { textWidth } from './font-widths.ts'
import { formatNumber, formatTokens, formatUsd, notAvailable } from './format.ts'
import { palette } from './palette.ts'
import { plainText, shorten } from './plain-text.ts'

/** Pictures of the money, in reading order: what each option costs, of what, from which volume on, and what that rests on. */
export function costCharts(cost: CostReport, origin: ChartOrigin): Chart[] {
  const priced = { cost, origin }
  return [
    comparisonChart(priced),
    billChart(priced),
    curveChart(priced, 'volume'),
    curveChart(priced, 'utilisation'),
    tornadoChart(priced),
    ownBillChart(priced),
  ]
}

interface Priced {
  readonly cost: CostReport
  readonly origin: ChartOrigin
}

const LONGEST_NAME = 26
const ROW_HEIGHT = 30

/** Colours by place: options keep theirs in every picture. */
const optionColours = [
  palette.blue.light,
  palette.amber.light,
  palette.teal.light,
  palette.rose.light,
  palette.violet.light,
  palette.olive.light,
  palette.brown.light,
]

/** By their ids, which the table of options tells the names of: names are too long for a picture. */
function namesOf({ cost }: Priced): Map<string, string> {
  return new Map(cost.options.map(({ id }) => [id, shorten(plainText(id), LONGEST_NAME)]))
}

function optionColour(priced: Priced): Encoding['color'] {
  const names = namesOf(priced)
  return {
    field: 'option',
    type: 'nominal',
    scale: {
      domain: [...names.values()],
      range: [...names.values()].map((_, i) => optionColours[i % optionColours.length] as string),
    },
    legend: null,
  }
}

/** Price of a million output tokens, an option a row, on a logarithmic axis: they lie a hundredfold apart. */
function comparisonChart(priced: Priced): Chart {
  const id = 'cost-options'
  const description = 'USD per million output tokens, by option.'
  const names = namesOf(priced)
  const find = figureFinder(priced.cost)
  const simulated = new Map(priced.cost.uncertainty?.options.map((each) => [each.option, each]))
  const rows = optionRows(priced.cost).map(({ option, usdPerMillionOutputTokens: usd }) => {
    const interval = simulated.get(option.id)
    const end = (path: string | undefined): number | null =>
      (path === undefined ? undefined : find(path)?.value) ?? null
    const excluded = option.excluded.length > 0
    return {
      option: names.get(option.id) ?? option.id,
      usd: usd ?? null,
      low: end(interval?.low),
      high: end(interval?.high),
      text: `${formatUsd(usd)}${excluded ? ', excluded' : ''}`,
    }
  })
  const known = rows.flatMap(({ usd, low, high }) => [usd, low, high].filter(isAboveZero))
  if (known.length === 0)
    return { kind: 'left-out', id, description, why: 'No option has a price.' }
  const least = Math.min(...known)
  const most = Math.max(...known)
  const x: Position = {
    field: 'usd',
    type: 'quantitative',
    title: 'USD per million output tokens (log scale)',
    // Room to the right for the longest text, whatever the prices span.
    scale: { type: 'log', domain: [least / 1.6, most * 5 * (most / least) ** 0.6], nice: false },
    axis: { format: '~g', tickCount: 4, labelOverlap: 'greedy' },
  }
  const y = rowChannel(rows.map(({ option }) => option))
  const color = optionColour(priced)
  const encoding: Encoding = { x, y, color }
  const drawn = rows.filter(({ usd }) => isAboveZero(usd))
  const layer: Layer[] = [
    {
      transform: [{ filter: 'datum.low !== null && datum.high !== null' }],
      mark: { type: 'rule', strokeWidth: 5, opacity: 0.3 },
      encoding: { ...encoding, x: { ...x, field: 'low' }, x2: { field: 'high' } },
    },
    { mark: { ...dot, size: 80 }, encoding },
    ...haloText(
      { align: 'left', dx: 9 },
      { x: { ...x, field: 'right' }, y, text: { field: 'text' } },
    ),
  ]
  const values = drawn.map((row) => ({ ...row, right: Math.max(row.usd ?? 0, row.high ?? 0) }))
  const bars = values.some(({ low }) => low !== null)
    ? '; bars hold 90 % of what the uncertain inputs make of it'
    : ''
  const spec = frame(
    priced.origin,
    'Cost of the options',
    `USD per million output tokens at the demand${bars}`,
    [{ data: { values }, layer }],
    70 + ROW_HEIGHT * rows.length,
  )
  const notes = rows
    .filter(({ usd }) => !isAboveZero(usd))
    .map(({ option }) => `${option} is not drawn: its price is ${notAvailable}.`)
  return { kind: 'drawn', id, description, spec, notes }
}

function isAboveZero(value: number | null): value is number {
  return value !== null && value > 0
}

/** Names of rows are cut there, px. */
const LONGEST_ROW_NAME = 175

function rowChannel(names: readonly string[]): Position {
  return {
    field: 'option',
    type: 'nominal',
    sort: [...names],
    title: null,
    axis: { grid: false, labelLimit: LONGEST_ROW_NAME, labelPadding: 8 },
  }
}

const parts = [
  { part: 'machines', label: 'machines', colour: palette.blue.light },
  { part: 'energy', label: 'energy', colour: palette.amber.light },
  { part: 'site', label: 'site', colour: palette.teal.light },
  { part: 'services', label: 'services', colour: palette.violet.light },
  { part: 'people', label: 'people', colour: palette.rose.light },
  { part: 'rent', label: 'rent', colour: palette.navy.light },
  { part: 'tokens', label: 'tokens', colour: palette.olive.light },
] as const

/** What a year of each option consists of. */
function billChart(priced: Priced): Chart {
  const id = 'cost-bills'
  const description = 'USD a year of each option, stacked by kind of cost.'
  const { cost } = priced
  const names = namesOf(priced)
  const totals = optionRows(cost)
  const known = totals.filter(({ usdPerYear }) => usdPerYear !== undefined)
  const most = largest(known.map(({ usdPerYear }) => usdPerYear))
  if (most === undefined)
    return { kind: 'left-out', id, description, why: 'No option has a whole bill.' }
  const values = known.flatMap(({ option }) => {
    const lines = billLines(cost, option)
    return parts.flatMap(({ part, label }, place) => {
      const usd = lines.reduce(
        (total, line) => total + (line.part === part ? (line.value ?? 0) : 0),
        0,
      )
      return usd > 0 ? [{ option: names.get(option.id) ?? option.id, part: label, place, usd }] : []
    })
  })
  const shown = parts.filter(({ label }) => values.some(({ part }) => part === label))
  const x: Position = {
    field: 'usd',
    type: 'quantitative',
    axis: null,
    stack: 'zero',
    scale: { domain: [0, most > 0 ? most * 1.35 : 1], nice: false },
  }
  const y = rowChannel(known.map(({ option }) => names.get(option.id) ?? option.id))
  const sums = known.map(({ option, usdPerYear }) => ({
    option: names.get(option.id) ?? option.id,
    usd: usdPerYear ?? 0,
    text: formatUsd(usdPerYear),
  }))
  const layer: Layer[] = [
    {
      data: { values },
      mark: { type: 'bar', height: { band: 0.6 } },
      encoding: {
        x,
        y,
        color: {
          field: 'part',
          type: 'nominal',
          scale: {
            domain: shown.map(({ label }) => label),
            range: shown.map(({ colour }) => colour),
          },
          legend: { ...topLegend, columns: 3 },
        },
        order: { field: 'place', type: 'quantitative' },
      },
    },
    {
      data: { values: sums },
      layer: haloText(
        { align: 'left', dx: 6 },
        { x: { ...x, stack: null }, y, text: { field: 'text' } },
      ),
    },
  ]
  const spec = frame(
    priced.origin,
    'What a year costs, and of what',
    'USD a year at the demand',
    layer,
    90 + ROW_HEIGHT * known.length,
  )
  const notes = totals
    .filter(({ usdPerYear }) => usdPerYear === undefined)
    .map(({ option }) => `${names.get(option.id)} is not drawn: a line of its bill is unknown.`)
  return { kind: 'drawn', id, description, spec, notes }
}

interface CurveWords {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly axis: string
}

const curveWords: Readonly<Record<CostCurve['axis'], CurveWords>> = {
  volume: {
    id: 'cost-volume',
    title: 'From which volume on which option is cheaper',
    description: 'USD per million output tokens of each option against output tokens a day.',
    axis: 'Output tokens a day (log scale)',
  },
  utilisation: {
    id: 'cost-utilisation',
    title: 'What idle machines cost',
    description: 'USD per million output tokens of each option against the use of the machines.',
    axis: 'Share of what the machines could make',
  },
}

/** Where lines cross, one option begins to beat another. Steps are whole servers. */
function curveChart(priced: Priced, axis: CostCurve['axis']): Chart {
  const { id, title, description, axis: axisTitle } = curveWords[axis]
  const curve = priced.cost.curves.find((each) => each.axis === axis)
  const names = namesOf(priced)
  const values = (curve?.series ?? []).flatMap(({ option, x: places, values: costs }) =>
    costs.flatMap((usd, i) =>
      isAboveZero(usd) ? [{ option: names.get(option) ?? option, x: places[i] ?? 0, usd }] : [],
    ),
  )
  if (curve === undefined || values.length === 0)
    return { kind: 'left-out', id, description, why: 'No option has a price along it.' }
  const isLog = axis === 'volume'
  const from = Math.min(...values.map(({ x }) => x))
  const to = Math.max(...values.map(({ x }) => x))
  const costs = values.map(({ usd }) => usd)
  const x: Position = {
    field: 'x',
    type: 'quantitative',
    title: axisTitle,
    axis: isLog
      ? { format: '~s', tickCount: 5, labelOverlap: 'greedy' }
      : { format: '~p', tickCount: 5 },
    scale: isLog
      ? { type: 'log', domain: [from, to], nice: false }
      : { domain: [0, 1], nice: false },
  }
  const y: Position = {
    field: 'usd',
    type: 'quantitative',
    title: null,
    axis: { format: '~g', tickCount: 5, labelOverlap: 'greedy' },
    scale: {
      type: 'log',
      domain: [(smallest(costs) ?? 1) / 1.3, (largest(costs) ?? 1) * 1.3],
      nice: false,
    },
  }
  const shown = [...new Set(values.map(({ option }) => option))]
  const colour = optionColour(priced)
  const legend = { ...topLegend, columns: 4, values: shown, symbolStrokeWidth: 2.5 }
  const color: Encoding['color'] = { ...(colour as object), legend }
  const layer: Layer[] = [
    {
      data: { values },
      mark: { type: 'line' },
      encoding: {
        x,
        y,
        color,
        strokeDash: {
          field: 'option',
          type: 'nominal',
          scale: {
            domain: [...names.values()],
            range: [...names.values()].map((_, i) => dashes[i % dashes.length] as number[]),
          },
          legend,
        },
      },
    },
    ...demandLayers(priced, axis, x),
  ]
  const spec = frame(
    priced.origin,
    title,
    'USD per million output tokens (log scale), in whole servers',
    layer,
    290,
  )
  const missing = [...names.values()].filter((name) => !shown.includes(name))
  return {
    kind: 'drawn',
    id,
    description,
    spec,
    notes: missing.length === 0 ? [] : [`Not drawn, as not known: ${missing.join(', ')}.`],
  }
}

/** Colours alone would not tell lines apart to everybody. */
const dashes = [
  [1, 0],
  [8, 3],
  [3, 3],
  [10, 3, 2, 3],
  [2, 2],
  [6, 6],
  [12, 2],
]

/** Where the scenario stands. */
function demandLayers({ cost }: Priced, axis: CostCurve['axis'], x: Position): Layer[] {
  const find = figureFinder(cost)
  const own = cost.options.find(({ id }) => find(`options.${id}.utilisationRatio`)?.value)
  const place: Maybe =
    axis === 'volume'
      ? find('demand.outputTokensPerDay')?.value
      : find(`options.${own?.id}.utilisationRatio`)?.value
  if (place === undefined) return []
  const text = axis === 'volume' ? `${formatTokens(place)} a day` : 'the demand'
  return [
    {
      data: { values: [{ x: place, text }] },
      layer: [
        {
          mark: { type: 'rule', color: palette.red.light, strokeDash: [5, 4] },
          encoding: { x },
        },
        ...haloText(
          { color: palette.red.light, align: 'left', dx: 4, dy: 8 },
          { x, y: { value: 0 }, text: { field: 'text' } },
        ),
      ],
    },
  ]
}

const MOST_BARS = 10

/** Each uncertain input moved alone; the widest bars are what to find out first. */
function tornadoChart(priced: Priced): Chart {
  const id = 'cost-tornado'
  const description =
    'How far each uncertain input, moved alone from its low to its high end, moves the price.'
  const { uncertainty } = priced.cost
  const find = figureFinder(priced.cost)
  const base = uncertainty && find(uncertainty.tornado.base)?.value
  const bars = (uncertainty?.tornado.bars ?? []).flatMap((bar) => {
    const [low, high] = [find(bar.atLow)?.value, find(bar.atHigh)?.value]
    const input = find(bar.input)
    if (low === undefined || high === undefined || input === undefined || low === high) return []
    const ends = [bar.lowInput, bar.highInput].map((path) => shortNumber(find(path)?.value))
    return [
      {
        option: shorten(plainText(input.label), 24),
        low: Math.min(low, high),
        high: Math.max(low, high),
        text: ends.join(' to '),
      },
    ]
  })
  if (uncertainty === undefined || base === undefined || bars.length === 0) {
    const why =
      uncertainty === undefined
        ? 'No input is uncertain: give figures a range in the scenario.'
        : 'No uncertain input moves the price.'
    return { kind: 'left-out', id, description, why }
  }
  const values = distinct(bars.slice(0, MOST_BARS))
  const least = Math.min(base, ...values.map(({ low }) => low))
  const most = Math.max(base, ...values.map(({ high }) => high))
  const room = most - least
  const widest = (texts: readonly string[]) =>
    Math.max(...texts.map((text) => textWidth(text, LABEL_SIZE, false))) + 12
  // What the longest text takes of the plot, which the names of the inputs leave room for.
  const names = Math.min(LONGEST_ROW_NAME, widest(values.map(({ option }) => option)))
  const share = Math.min(0.75, widest(values.map(({ text }) => text)) / (TEXT_WIDTH - names))
  const x: Position = {
    field: 'low',
    type: 'quantitative',
    title: 'USD per million output tokens',
    scale: {
      domain: [least - 0.05 * room, least + room / (1 - share)],
      zero: false,
      nice: false,
    },
    axis: { format: '~g', tickCount: 5, labelOverlap: 'greedy' },
  }
  const y = rowChannel(values.map(({ option }) => option))
  const layer: Layer[] = [
    {
      data: { values },
      layer: [
        {
          mark: { type: 'bar', color: palette.blue.light, height: { band: 0.6 } },
          encoding: { x, x2: { field: 'high' }, y },
        },
        ...haloText(
          { align: 'left', dx: 6 },
          { x: { ...x, field: 'high' }, y, text: { field: 'text' } },
        ),
      ],
    },
    {
      data: { values: [{ base }] },
      mark: { type: 'rule', color: palette.ink.light },
      encoding: { x: { ...x, field: 'base' } },
    },
  ]
  const name = plainText(uncertainty.tornado.option)
  const spec = frame(
    priced.origin,
    'What the price rests on',
    `${name}: each input alone from low to high (figures: its ends); the line is the price with all in the middle`,
    layer,
    80 + 26 * values.length,
  )
  const more = bars.length - values.length
  return {
    kind: 'drawn',
    id,
    description,
    spec,
    notes: more > 0 ? [`${more} narrower bars are left out.`] : [],
  }
}

function shortNumber(value: Maybe): string {
  return value !== undefined && value >= A_MILLION ? formatTokens(value) : formatNumber(value)
}

const A_MILLION = 1e6

/** Rows of one name would be drawn over each other. */
function distinct<Row extends { readonly option: string }>(rows: readonly Row[]): Row[] {
  return rows.map((row, i) => ({
    ...row,
    option: rows.some((other, j) => j < i && other.option === row.option)
      ? `${row.option} (${i + 1})`
      : row.option,
  }))
}

/** Every line of the bill of one's own machines. */
function ownBillChart(priced: Priced): Chart {
  const id = 'cost'
  const { cost } = priced
  const owned = ownOption(cost)
  const description = 'What a year of the first machines of one’s own costs in USD, by line.'
  const lines = owned ? billLines(cost, owned) : []
  if (!owned || lines.every(({ value }) => value === undefined)) {
    const why = owned ? 'No line of its bill is known.' : 'No owned option is priced.'
    return { kind: 'left-out', id, description, why }
  }
  const values = lines.map(({ label, value }) => ({
    label: shorten(label, 60),
    usd: value ?? 0,
    text: value === undefined ? notAvailable : formatUsd(value),
  }))
  const usdPerYear = optionRows(cost).find(({ option }) => option.id === owned.id)?.usdPerYear
  const spec = frame(
    priced.origin,
    `Cost of a year: ${formatUsd(usdPerYear)}`,
    `USD a year of ${shorten(owned.name, 80)}, by line`,
    [{ data: { values }, layer: lineLayers(values) }],
    70 + 24 * values.length,
  )
  const notes = lines
    .filter(({ value }) => value === undefined)
    .map(({ label }) => `${plainText(label)}: unknown, and therefore the total.`)
  return { kind: 'drawn', id, description, spec, notes }
}

function lineLayers(values: readonly { readonly label: string; readonly usd: number }[]): Layer[] {
  const most = Math.max(...values.map(({ usd }) => usd))
  const encoding: Encoding = {
    y: {
      field: 'label',
      type: 'nominal',
      // Vega-Lite drops any other sort from bars that carry text.
      sort: values.map(({ label }) => label),
      title: null,
      axis: { grid: false, labelLimit: 170, labelPadding: 8 },
    },
    // Room to the right of the longest bar, for its figure; all-zero bills need some width too.
    x: {
      field: 'usd',
      type: 'quantitative',
      axis: null,
      scale: { domain: [0, most > 0 ? most * 1.7 : 1], nice: false },
    },
  }
  return [
    {
      mark: { type: 'bar', color: palette.blue.light, height: { band: 0.62 } },
      encoding,
    },
    ...haloText({ align: 'left', dx: 6 }, { ...encoding, text: { field: 'text' } }),
  ]
}
