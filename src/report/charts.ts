import type { Maybe } from '../arithmetic.ts'
import { type LoadLevel, sizeOf } from '../load/benchmark.ts'
import { servingGpus } from '../measure/serving-gpus.ts'
import type { Distribution, OperatingPoint, Percentile } from '../measure/summary.ts'
import {
  type Chart,
  dot,
  type Encoding,
  frame,
  haloText,
  LABEL_SIZE,
  type Layer,
  limitLayers,
  loadChannel,
  loadWords,
  nearLimit,
  originOf,
  PLOT_HEIGHT,
  PLOT_WIDTH,
  type Position,
  topLegend,
  valueChannel,
} from './chart-look.ts'
import { costCharts } from './cost-charts.ts'
import { textWidth } from './font-widths.ts'
import { formatCount, formatNumber, formatStatedMs, shownValue, whyWithheld } from './format.ts'
import { machineCharts } from './machine-charts.ts'
import { palette } from './palette.ts'
import { plainText, shorten } from './plain-text.ts'
import type { Report } from './report.ts'
import { markedLoad } from './search-facts.ts'
import { timelineCharts } from './timeline-charts.ts'

/** Every chart of a report, in reading order. */
export function chartsOf(whole: Report): Chart[] {
  const report = ofOneAxis(whole)
  return [
    throughputChart(report),
    percentileChart(report, {
      id: 'ttft',
      title: 'Time to first token (TTFT)',
      of: (point) => point.ttftMs,
      limitMs: report.run.config.benchmark.slo.ttftMs,
    }),
    percentileChart(report, {
      id: 'tpot',
      title: 'Time per output token (TPOT)',
      of: (point) => point.tpotMs,
      limitMs: report.run.config.benchmark.slo.tpotMs,
    }),
    ...frontierCharts(report),
    ...costCharts(report.cost, originOf(report)),
    ...timelineCharts(whole),
    ...machineCharts(whole),
  ]
}

/** A sweep over rates begins with users, which lie on another axis. */
function ofOneAxis(report: Report): Report {
  const { axis } = report.summary.search ?? {}
  if (axis === undefined) return report
  const points = report.summary.points.filter(
    ({ load }) => (load.kind === 'closed') === (axis === 'users'),
  )
  return { ...report, summary: { ...report.summary, points } }
}

function throughputChart(report: Report): Chart {
  const id = 'throughput'
  const loads = loadWords(report)
  const description = `Output tokens per second against ${loads}.`
  const values = drawable(report.summary.points, (point) => point.outputTokensPerS).map(
    ({ point, value }) => ({ load: loadOf(point.load), value, text: formatNumber(value) }),
  )
  const top = Math.max(...values.map(({ value }) => value))
  // More figures than this would overlap; the highest is the one that is quoted.
  const figures = values.length > 6 ? values.filter(({ value }) => value === top) : values
  if (values.length === 0) {
    return { kind: 'left-out', id, description, why: 'No load level has a measured throughput.' }
  }
  const x = loadChannel(report, values)
  const encoding: Encoding = { x, y: valueChannel('value', top) }
  const data = { values }
  const color = palette.blue.light
  const layer: Layer[] = [
    { data, mark: { type: 'line', color }, encoding },
    {
      data: { values: figures },
      layer: haloText({ dy: -12 }, { ...encoding, text: { field: 'text' } }),
    },
    { data, mark: { ...dot, color }, encoding },
    ...markLayers(report, x, top),
  ]
  const spec = frame(
    originOf(report),
    'Output throughput',
    `Output tokens/s against ${loads}`,
    layer,
  )
  return { kind: 'drawn', id, description, spec, notes: missingLevels(report, values.length) }
}

/** A line at the load that a search marks, named at its foot, where no curve begins. */
function markLayers(report: Report, x: Position, top: number): Layer[] {
  const marked = markedLoad(report)
  if (marked === undefined) return []
  const values = [{ load: marked.load, value: top * 0.04, text: marked.text }]
  const color = palette.navy.light
  const label = { x, y: valueChannel('value', top), text: { field: 'text' } } as const
  return [
    {
      data: { values },
      layer: [
        { mark: { type: 'rule', color, strokeDash: [2, 3] }, encoding: { x } },
        ...haloText({ color, align: 'left', dx: 5 }, label),
      ],
    },
  ]
}

interface PercentileSubject {
  readonly id: string
  readonly title: string
  readonly of: (point: OperatingPoint) => Distribution
  readonly limitMs: Maybe
}

/** A withheld percentile is not drawn, and breaks the line: nothing is known between its neighbours. */
function percentileChart(report: Report, subject: PercentileSubject): Chart {
  const { id, title } = subject
  const loads = loadWords(report)
  const description = `${title}: p50 and p95 in ms against ${loads}.`
  const values = seriesNames.flatMap((series) =>
    report.summary.points.map((point) => percentileRow(point, series, subject.of(point)[series])),
  )
  const known = values.filter(({ value }) => value !== null)
  if (known.length === 0) {
    return { kind: 'left-out', id, description, why: 'Every p50 and p95 is unknown or withheld.' }
  }
  const limitMs = nearLimit(subject.limitMs, mostOf(known))
  const top = Math.max(limitMs ?? 0, ...known.map(({ value, high }) => high ?? value ?? 0))
  const layer: Layer[] = [
    { data: { values }, layer: percentileLayers(loadChannel(report, values), top, values) },
    ...(limitMs === undefined ? [] : limitLayers(limitMs, top, `limit ${formatStatedMs(limitMs)}`)),
  ]
  const bars = known.some(({ high }) => high !== null) ? '; bars are 95 % intervals' : ''
  const spec = frame(originOf(report), title, `ms against ${loads}${bars}`, layer)
  return { kind: 'drawn', id, description, spec, notes: percentileNotes(report, subject, known) }
}

const seriesNames = ['p50', 'p95'] as const

interface PercentileRow {
  readonly load: number
  readonly series: (typeof seriesNames)[number]
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
}

function percentileRow(
  { load }: OperatingPoint,
  series: PercentileRow['series'],
  percentile: Percentile,
): PercentileRow {
  const shown = whyWithheld(percentile) === undefined
  const known = (value: Maybe) => (shown && value !== undefined ? value : null)
  const { value, low, high } = percentile
  // An interval without an upper end has no length to draw.
  const whole = low !== undefined && high !== undefined
  return {
    load: loadOf(load),
    series,
    value: known(value),
    low: known(whole ? low : undefined),
    high: known(whole ? high : undefined),
  }
}

function percentileLayers(x: Position, top: number, values: readonly PercentileRow[]): Layer[] {
  const shown = seriesNames.filter((name) =>
    values.some(({ series, value }) => series === name && value !== null),
  )
  const range = shown.map((name) => ({ p50: palette.sky, p95: palette.navy })[name].light)
  const shapes = shown.map((name) => ({ p50: 'circle', p95: 'square' })[name])
  const color: Encoding['color'] = {
    field: 'series',
    type: 'nominal',
    scale: { domain: shown, range },
    legend: topLegend,
  }
  const shape: Encoding['shape'] = {
    field: 'series',
    type: 'nominal',
    scale: { domain: shown, range: shapes },
    legend: topLegend,
  }
  return [
    {
      transform: [{ filter: 'datum.high !== null' }],
      mark: { type: 'rule', strokeWidth: 5, opacity: 0.3 },
      encoding: { x, y: valueChannel('low', top), y2: { field: 'high' }, color },
    },
    { mark: { type: 'line' }, encoding: { x, y: valueChannel('value', top), color } },
    {
      transform: [{ filter: 'datum.value !== null' }],
      mark: dot,
      encoding: { x, y: valueChannel('value', top), color, shape },
    },
  ]
}

function mostOf(rows: readonly PercentileRow[]): number {
  return Math.max(...rows.map(({ value }) => value ?? 0))
}

function percentileNotes(
  { summary }: Report,
  { of, limitMs }: PercentileSubject,
  known: readonly PercentileRow[],
): string[] {
  const withheld = summary.points.flatMap((point) =>
    seriesNames.flatMap((series) => {
      const why = whyWithheld(of(point)[series])
      return why === undefined ? [] : [`${series} at ${plainText(point.label)} not drawn: ${why}.`]
    }),
  )
  const far = limitMs !== undefined && nearLimit(limitMs, mostOf(known)) === undefined
  return far
    ? [...withheld, `The limit of ${formatStatedMs(limitMs)} is far above the chart.`]
    : withheld
}

/** One front of throughput: against what, and which levels lie on it. */
interface FrontSubject {
  readonly id: string
  readonly title: string
  /** What the horizontal axis is of: in the middle of a sentence, and with its unit as a title. */
  readonly against: string
  readonly axis: string
  readonly of: (point: OperatingPoint) => Maybe
  readonly front: readonly { readonly level: number }[]
}

/** Against interactivity always; against TTFT and TPOT where two levels span a front. */
function frontierCharts(report: Report): Chart[] {
  const { frontier, latencyFrontiers } = report.summary
  const ofTimes = (['ttftMs', 'tpotMs'] as const).flatMap((metric) => {
    const found = latencyFrontiers.find(
      (each) => each.metric === metric && each.percentile === 'p95',
    )
    const name = { ttftMs: 'TTFT p95', tpotMs: 'TPOT p95' }[metric]
    if (found === undefined || found.points.length < 2) return []
    return [
      frontierChart(report, {
        id: `frontier-${metric === 'ttftMs' ? 'ttft' : 'tpot'}`,
        title: `Throughput against ${name}`,
        against: name,
        axis: `${name}, ms`,
        of: (point) => shownValue(point[metric].p95),
        front: found.points,
      }),
    ]
  })
  const ofSpeed = frontierChart(report, {
    id: 'frontier',
    title: 'Throughput against speed per user',
    against: 'those of one user',
    axis: 'Output tokens/s of one user',
    of: ({ tokensPerSPerUser }) => tokensPerSPerUser,
    front: frontier,
  })
  return [ofSpeed, ...ofTimes]
}

function frontierChart(report: Report, subject: FrontSubject): Chart {
  const { id, title, against, axis, of, front } = subject
  const gpus = servingGpus(report.run)?.count
  const system = gpus === undefined ? 'of the whole server' : `a GPU, of ${formatCount(gpus)}`
  const description = `Output tokens per second ${system}, against ${against}; the curve joins the levels that no other equals or beats on both.`
  const best = new Set(front.map(({ level }) => level))
  const values = report.summary.points.flatMap((point) => {
    const system = point.outputTokensPerS
    const user = of(point)
    if (system === undefined || user === undefined) return []
    const text = shorten(point.label, 28)
    return [{ user, server: system / (gpus ?? 1), text, best: best.has(point.level) }]
  })
  if (values.length === 0) {
    const why = 'No load level has both a throughput and a speed per user.'
    return { kind: 'left-out', id, description, why }
  }
  const labels = pointLabels(values)
  const axes = `Output tokens/s ${system}, against ${against}`
  const spec = frame(originOf(report), title, axes, frontierLayers(values, labels, axis))
  const crowded = labels.length < values.length ? ['Labels that would overlap are left out.'] : []
  const notes = [onTheCurve(values), ...missingLevels(report, values.length), ...crowded]
  return { kind: 'drawn', id, description, spec, notes }
}

/** Which levels the curve goes through; what lies between them was not measured. */
function onTheCurve(values: readonly SpeedRow[]): string {
  const beaten = values.filter(({ best }) => !best).map(({ text }) => text)
  const which =
    beaten.length === 0
      ? 'All levels drawn lie on the curve.'
      : `Not on the curve, as another level equals or beats it on both: ${beaten.join(', ')}.`
  return values.length - beaten.length < 2
    ? which
    : `${which} Between levels the curve is interpolated.`
}

interface SpeedRow {
  readonly user: number
  readonly server: number
  readonly text: string
  readonly best: boolean
}

function frontierLayers(
  values: readonly SpeedRow[],
  labels: readonly SpeedRow[],
  title: string,
): Layer[] {
  const most = Math.max(...values.map(({ server }) => server))
  const domain = userDomain(values)
  const cut = domain[0] > 0 ? ' (axis does not start at 0)' : ''
  const encoding: Encoding = {
    x: {
      field: 'user',
      type: 'quantitative',
      title: `${title}${cut}`,
      scale: { domain, zero: false, nice: false },
      axis: { tickCount: 5 },
    },
    y: valueChannel('server', most),
  }
  const best = { transform: [{ filter: 'datum.best' }] }
  const beaten = { transform: [{ filter: '!datum.best' }] }
  const order = { field: 'user', type: 'quantitative' } as const
  const blue = { color: palette.blue.light }
  const data = { values: [...values] }
  const text = { ...encoding, text: { field: 'text' } }
  return [
    { data, ...best, mark: { ...frontCurve, ...blue }, encoding: { ...encoding, order } },
    { data: { values: [...labels] }, layer: haloText({ align: 'left', dx: 8 }, text) },
    { data, ...best, mark: { ...dot, ...blue }, encoding },
    { data, ...beaten, mark: { ...dot, color: palette.muted.light }, encoding },
  ]
}

/** The curve that `throughputAt` reads, by d3-shape: straight where there are two points. */
const frontCurve = { type: 'line', interpolate: 'monotone' } as const

/** Room to the right for the labels; a start above zero where all points would crowd to one side. */
function userDomain(values: readonly SpeedRow[]): [number, number] {
  const users = values.map(({ user }) => user)
  const least = Math.min(...users)
  const most = Math.max(...users)
  const start = least > most / 2 && least < most ? least - (most - least) / 4 : 0
  const labelWidth = Math.max(...values.map(({ text }) => textWidth(text, LABEL_SIZE))) + 14
  const shareForPoints = Math.max(0.4, 1 - labelWidth / PLOT_WIDTH)
  return [start, start + (most - start) / shareForPoints]
}

/** Labels a line apart from one another; one that would land far from its point is left out. */
function pointLabels(values: readonly SpeedRow[]): SpeedRow[] {
  const most = Math.max(...values.map(({ server }) => server))
  const lineHeight = (15 / PLOT_HEIGHT) * most
  let lowest = Number.POSITIVE_INFINITY
  return [...values]
    .sort((a, b) => b.server - a.server)
    .flatMap((row) => {
      const raised = row.server + lineHeight / 2
      const server = Math.min(raised, lowest - lineHeight)
      if (raised - server > 0.9 * lineHeight) return []
      lowest = server
      return [{ ...row, server }]
    })
}

/** The speed of a trace, whose rate its requests say. */
function loadOf(load: LoadLevel): number {
  return load.kind === 'trace' ? load.speed : (sizeOf(load) ?? 0)
}

function drawable(
  points: readonly OperatingPoint[],
  of: (point: OperatingPoint) => Maybe,
): { readonly point: OperatingPoint; readonly value: number }[] {
  return points.flatMap((point) => {
    const value = of(point)
    return value === undefined ? [] : [{ point, value }]
  })
}

function missingLevels({ summary }: Report, drawn: number): string[] {
  const missing = summary.points.length - drawn
  if (missing === 0) return []
  const levels = missing === 1 ? '1 level is' : `${formatCount(missing)} levels are`
  return [`${levels} not drawn: not measured, or too few requests.`]
}
