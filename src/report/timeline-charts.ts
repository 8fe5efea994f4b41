import type { ServerMoment } from '../measure/summary.ts'
import { MS_PER_S } from '../units.ts'
import {
  type Chart,
  type Encoding,
  frame,
  LABEL_SIZE,
  type Layer,
  PLOT_WIDTH,
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
  const spec = frame(
    report,
    'Requests on the server over time',
    'Requests running and waiting by the server’s own count; measured windows are shaded',
    timelineLayers(report, values, { y: valueChannel('value', top), color }, top > 0 ? top : 1),
  )
  const description = 'Requests running and waiting on the server against the time of the run.'
  return { kind: 'drawn', id: 'server-requests', description, spec, notes: notesOf(report) }
}

function cacheChart(report: Report): Chart | undefined {
  const values = valuesOf(report, ({ kvCacheUsedRatio }) => kvCacheUsedRatio)
  if (values.length === 0) return undefined
  const y: Encoding['y'] = { ...valueChannel('value', 1), axis: { format: '.0%', tickCount: 5 } }
  const spec = frame(
    report,
    'KV cache in use over time',
    'Share of the KV cache in use by the server’s own account; measured windows are shaded',
    timelineLayers(report, values, { y, color: { value: palette.blue.light } }, 1),
  )
  const description = 'Share of the KV cache in use against the time of the run.'
  return { kind: 'drawn', id: 'server-kv-cache', description, spec, notes: notesOf(report) }
}

function notesOf({ summary: { server, serverTimeline = [] } }: Report): string[] {
  return (server?.samples ?? 0) > serverTimeline.length
    ? ['Each point is the largest of several looks.']
    : []
}

interface TimeRow {
  readonly s: number
  readonly value: number
}

function valuesOf(
  { summary }: Report,
  of: (moment: ServerMoment) => number | undefined,
): TimeRow[] {
  return (summary.serverTimeline ?? []).flatMap((moment) => {
    const value = of(moment)
    return value === undefined ? [] : [{ s: moment.atMs / MS_PER_S, value }]
  })
}

function timelineLayers(
  report: Report,
  values: readonly TimeRow[],
  encoding: Encoding,
  top: number,
): Layer[] {
  const times = values.map(({ s }) => s)
  const windows = report.run.levels.map(({ level, windowStartMs, windowEndMs }) => ({
    start: windowStartMs / MS_PER_S,
    end: windowEndMs / MS_PER_S,
    text: shorten(report.summary.points.find((point) => point.level === level)?.label ?? '', 28),
  }))
  const first = Math.min(...times, ...windows.map(({ start }) => start))
  const last = Math.max(...times, ...windows.map(({ end }) => end))
  const x = {
    field: 's',
    type: 'quantitative' as const,
    title: 'Seconds since the start',
    scale: { domain: [first, last > first ? last : first + 1], nice: false, zero: false },
    axis: { tickCount: 6 },
  }
  const labels = windows
    .filter(({ start, end, text }) => fits(text, (end - start) / (last - first)))
    .map(({ start, end, text }) => ({ s: (start + end) / 2, value: top * 1.06, text }))
  return [
    {
      data: { values: windows },
      mark: { type: 'rect', color: palette.grid.light, opacity: 0.6 },
      encoding: { x: { ...x, field: 'start' }, x2: { field: 'end' } },
    },
    { data: { values: [...values] }, mark: { type: 'line' }, encoding: { ...encoding, x } },
    {
      data: { values: labels },
      mark: { type: 'text', color: palette.ink.light },
      encoding: { x, y: encoding.y, text: { field: 'text' } },
    },
  ]
}

/** A label wider than its window would stand in the next. */
function fits(text: string, share: number): boolean {
  return textWidth(text, LABEL_SIZE) + 6 <= share * PLOT_WIDTH
}
