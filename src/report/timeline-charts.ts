import type { ServerMoment } from '../measure/summary.ts'
import { MS_PER_S } from '../units.ts'
import {
  type Chart,
  type Encoding,
  frame,
  LABEL_SIZE,
  type Layer,
  originOf,
  PLOT_WIDTH,
  type Position,
  topLegend,
  valueChannel,
} from './chart-look.ts'
import { textWidth } from './font-widths.ts'
import { palette } from './palette.ts'
import { shorten } from './plain-text.ts'
import type { Report } from './report.ts'

/** How busy the server was over the run, as far as it told; none where it did not. */
export function timelineCharts(report: Report): Chart[] {
  return [requestsChart(report), cacheChart(report)].flatMap((chart) => chart ?? [])
}

const colours = { running: palette.sky.light, waiting: palette.navy.light } as const
const lines = ['running', 'waiting'] as const

function requestsChart(report: Report): Chart | undefined {
  const values = lines.flatMap((series) =>
    valuesOf(report, (moment) => moment[series]).map((row) => ({ ...row, series })),
  )
  if (values.length === 0) return undefined
  const shown = lines.filter((name) => values.some(({ series }) => series === name))
  const color: Encoding['color'] = {
    field: 'series',
    type: 'nominal',
    scale: { domain: [...shown], range: shown.map((name) => colours[name]) },
    legend: topLegend,
  }
  const top = Math.max(...values.map(({ value }) => value))
  const y = valueChannel('value', top)
  const spec = frame(
    originOf(report),
    'Requests on the server over time',
    'Requests running and waiting by the server’s own count; measured windows are shaded, their steady parts darker',
    timelineLayers(report, values, y, top > 0 ? top : 1, (x) => [line(values, { x, y, color })]),
  )
  const description = 'Requests running and waiting on the server against the time of the run.'
  return { kind: 'drawn', id: 'server-requests', description, spec, notes: notesOf(report) }
}

function cacheChart(report: Report): Chart | undefined {
  const values = valuesOf(report, ({ kvCacheUsedRatio }) => kvCacheUsedRatio)
  if (values.length === 0) return undefined
  const y: Encoding['y'] = { ...valueChannel('value', 1), axis: { format: '.0%', tickCount: 5 } }
  const spec = frame(
    originOf(report),
    'KV cache in use over time',
    'Share of the KV cache in use by the server’s own account; measured windows are shaded, their steady parts darker',
    timelineLayers(report, values, y, 1, (x) => [
      line(values, { x, y, color: { value: palette.blue.light } }),
    ]),
  )
  const description = 'Share of the KV cache in use against the time of the run.'
  return { kind: 'drawn', id: 'server-kv-cache', description, spec, notes: notesOf(report) }
}

function notesOf({ summary: { server, serverTimeline = [] } }: Report): string[] {
  return (server?.samples ?? 0) > serverTimeline.length
    ? ['Each point is the largest of several looks.']
    : []
}

/** A value at a moment of the run, in seconds since its start. */
export interface TimeRow {
  readonly s: number
  /** A line breaks at one that is not known. */
  readonly value: number | null
}

function valuesOf(
  { summary }: Report,
  of: (moment: ServerMoment) => number | undefined,
): { readonly s: number; readonly value: number }[] {
  return (summary.serverTimeline ?? []).flatMap((moment) => {
    const value = of(moment)
    return value === undefined ? [] : [{ s: moment.atMs / MS_PER_S, value }]
  })
}

/** Rows joined by a line. */
export function line(values: readonly TimeRow[], encoding: Encoding): Layer {
  return { data: { values: [...values] }, mark: { type: 'line' }, encoding }
}

/** What is drawn against the time of the run, over its measured windows: shaded, and named near `top`. */
export function timelineLayers(
  report: Report,
  rows: readonly { readonly s: number }[],
  y: Encoding['y'],
  top: number,
  drawn: (x: Position) => readonly Layer[],
): Layer[] {
  const windows = windowsOf(report)
  const { x, first, last } = timeChannel(report, rows)
  const labels = windows
    .filter(({ start, end, text }) => fits(text, (end - start) / (last - first)))
    .map(({ start, end, text }) => ({ s: (start + end) / 2, value: top * 1.06, text }))
  return [
    {
      data: { values: windows },
      mark: { type: 'rect', color: palette.grid.light, opacity: 0.6 },
      encoding: { x: { ...x, field: 'start' }, x2: { field: 'end' } },
    },
    ...steadyLayers(report, x),
    ...drawn(x),
    {
      data: { values: labels },
      mark: { type: 'text', color: palette.ink.light },
      encoding: { x, y, text: { field: 'text' } },
    },
  ]
}

/** The steady part of each window, in a deeper shade; nothing where there is none. */
function steadyLayers({ summary }: Report, x: Position): Layer[] {
  const values = summary.points.flatMap(({ steadyState }) =>
    steadyState?.kind === 'steady'
      ? [{ start: steadyState.startMs / MS_PER_S, end: steadyState.endMs / MS_PER_S }]
      : [],
  )
  if (values.length === 0) return []
  return [
    {
      data: { values },
      mark: { type: 'rect', color: palette.grid.light },
      encoding: { x: { ...x, field: 'start' }, x2: { field: 'end' } },
    },
  ]
}

function windowsOf({ run, summary }: Report) {
  return run.levels.map(({ level, windowStartMs, windowEndMs }) => ({
    start: windowStartMs / MS_PER_S,
    end: windowEndMs / MS_PER_S,
    text: shorten(summary.points.find((point) => point.level === level)?.label ?? '', 28),
  }))
}

/** The time of a run, from its first window or row to its last. */
export function timeChannel(
  report: Report,
  rows: readonly { readonly s: number }[],
): { readonly x: Position; readonly first: number; readonly last: number } {
  const times = rows.map(({ s }) => s)
  const windows = windowsOf(report)
  const first = Math.min(...times, ...windows.map(({ start }) => start))
  const last = Math.max(...times, ...windows.map(({ end }) => end))
  const x: Position = {
    field: 's',
    type: 'quantitative',
    title: 'Seconds since the start',
    scale: { domain: [first, last > first ? last : first + 1], nice: false, zero: false },
    axis: { tickCount: 6 },
  }
  return { x, first, last }
}

/** A label wider than its window would stand in the next. */
function fits(text: string, share: number): boolean {
  return textWidth(text, LABEL_SIZE) + 6 <= share * PLOT_WIDTH
}
