import type { TopLevelSpec } from 'vega-lite'
import type { Maybe } from '../arithmetic.ts'
import { systemLine, workloadLine } from './facts.ts'
import { fontFamily, textWidth } from './font-widths.ts'
import { stampOf } from './front-matter.ts'
import { palette } from './palette.ts'
import { shorten } from './plain-text.ts'
import type { Report } from './report.ts'

type Layered = Extract<TopLevelSpec, { layer: unknown }>
export type Layer = Layered['layer'][number]
export type Encoding = NonNullable<Extract<Layer, { mark: unknown }>['encoding']>
export type Position = NonNullable<Encoding['y']>

/** A chart as a Vega-Lite spec, or why there is none. */
export type Chart =
  | {
      readonly kind: 'drawn'
      readonly id: string
      /** One sentence for who cannot see it. */
      readonly description: string
      readonly spec: TopLevelSpec
      /** What the chart leaves out, and why. */
      readonly notes: readonly string[]
    }
  | {
      readonly kind: 'left-out'
      readonly id: string
      readonly description: string
      readonly why: string
    }

/** About the size of the plot inside the frame, to keep labels apart and inside it. */
export const PLOT_WIDTH = 320
export const PLOT_HEIGHT = 160

const WIDTH = 380
const HEIGHT = 250
const PADDING = 6
export const TEXT_WIDTH = WIDTH - 2 * PADDING
export const LABEL_SIZE = 12
const TITLE_SIZE = 15
const SUBTITLE_SIZE = 11

/** What a picture says of where it comes from, as it may be cut out of its page. */
export interface ChartOrigin {
  /** Words that must stay with it, before its title; empty where there are none. */
  readonly stamp: string
  /** What was measured, a sentence or two. */
  readonly context: string
}

/** Where every chart of a run comes from. */
export function originOf(report: Report): ChartOrigin {
  const { run } = report
  const context = `${shorten(systemLine(run), 120)}. ${workloadLine(run)}.`
  return { stamp: stampOf(report), context }
}

/** Narrow, with large type, so that it can be read on a phone and does not shout on a desk. */
export function frame(
  { stamp, context }: ChartOrigin,
  title: string,
  axes: string,
  layer: Layer[],
  height = HEIGHT,
): TopLevelSpec {
  const stampLines = stamp === '' ? [] : linesOf(stamp, TITLE_SIZE, true)
  const subtitle = [axes, context].flatMap((text) => linesOf(text, SUBTITLE_SIZE))
  return {
    width: WIDTH,
    height: height + 15 * subtitle.length + 18 * stampLines.length,
    autosize: { type: 'fit', contains: 'padding' },
    padding: PADDING,
    background: palette.card.light,
    title: { text: [...stampLines, title], subtitle },
    layer,
    config: look,
  }
}

/** Breaks text into lines that fit: one that does not would squeeze the plot, even cut by Vega. */
function linesOf(text: string, fontSize: number, bold = false): string[] {
  const fits = (line: string): boolean => textWidth(line, fontSize, bold) <= TEXT_WIDTH
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`
    if (lines.length > 0 && fits(longer)) lines.splice(-1, 1, longer)
    else lines.push(cutUntil(word, fits))
  }
  return lines
}

function cutUntil(word: string, fits: (line: string) => boolean): string {
  if (fits(word)) return word
  let cut = word
  while (!fits(`${cut}…`)) cut = cut.slice(0, -1)
  return `${cut}…`
}

/** Text with a rim in the colour of the card, so that a line behind it does not cross it out. */
export function haloText(
  mark: { color?: string; align?: 'left'; dx?: number; dy?: number; x?: number },
  encoding: Encoding,
): Layer[] {
  const rim = palette.card.light
  return [
    { mark: { ...mark, type: 'text', color: rim, stroke: rim, strokeWidth: 4 }, encoding },
    { mark: { color: palette.ink.light, ...mark, type: 'text' }, encoding },
  ]
}

export const dot = { type: 'point', filled: true, opacity: 1, size: 56 } as const

export const topLegend = {
  orient: 'top',
  title: null,
  direction: 'horizontal',
  symbolOpacity: 1,
} as const

const label = {
  labelColor: palette.muted.light,
  labelFontSize: LABEL_SIZE,
  titleFontWeight: 'normal',
} as const

const look: NonNullable<Layered['config']> = {
  aria: false,
  font: fontFamily,
  view: { stroke: null },
  axis: {
    ...label,
    titleColor: palette.muted.light,
    titleFontSize: LABEL_SIZE,
    gridColor: palette.grid.light,
    domain: false,
    ticks: false,
    labelPadding: 6,
  },
  axisX: { grid: false, titlePadding: 6 },
  axisY: { tickCount: 5 },
  legend: {
    ...label,
    labelColor: palette.ink.light,
    symbolSize: 70,
    symbolStrokeWidth: 0,
    padding: 0,
  },
  line: { interpolate: 'linear', strokeWidth: 2.25 },
  text: { fontSize: LABEL_SIZE },
  title: {
    anchor: 'start',
    frame: 'bounds',
    color: palette.ink.light,
    fontSize: TITLE_SIZE,
    fontWeight: 'bold',
    subtitleColor: palette.muted.light,
    subtitleFontSize: SUBTITLE_SIZE,
    subtitleLineHeight: 15,
    subtitlePadding: 5,
    offset: 14,
  },
}

/** From zero, with headroom for what stands above the highest value. */
export function valueChannel(field: string, top: number): Position {
  return {
    field,
    type: 'quantitative',
    title: null,
    scale: { domain: [0, top > 0 ? top * 1.12 : 1], nice: false },
  }
}

/** A limit far above the measurements would press them flat, so it is told and not drawn. */
export function nearLimit(limit: Maybe, most: number): Maybe {
  return limit !== undefined && limit <= 2 * most ? limit : undefined
}

/** A line across the plot, with what it stands for where that is not told elsewhere. */
export function limitLayers(limit: number, top: number, text?: string): Layer[] {
  const y = valueChannel('limit', top)
  const color = palette.red.light
  const rule: Layer = { mark: { type: 'rule', color, strokeDash: [5, 4] }, encoding: { y } }
  const name = haloText({ color, align: 'left', dy: -8, x: 4 }, { y, text: { field: 'text' } })
  return [
    { data: { values: [{ limit, text }] }, layer: [rule, ...(text === undefined ? [] : name)] },
  ]
}

/** Levels from few to very many would crowd the low ones together, so they are on a log scale. */
export function loadChannel(report: Report, rows: readonly { readonly load: number }[]): Position {
  const loads = [...new Set(rows.map(({ load }) => load))].sort((a, b) => a - b)
  const first = loads[0] ?? 0
  const last = loads.at(-1) ?? 0
  const log = first > 0 && last / first > 32
  const title = `${loadWords(report)}${log ? ' (log scale)' : ''}`
  return {
    field: 'load',
    type: 'quantitative',
    title: title.charAt(0).toUpperCase() + title.slice(1),
    axis: { values: loads, format: '~g', labelOverlap: 'greedy' },
    scale: log
      ? { type: 'log', base: 2, domain: [first, last], nice: false, padding: 18 }
      : { domain: [0, last * 1.08], nice: false },
  }
}

/** What the loads of a run are numbers of. */
export function loadWords({ run }: Report): string {
  return run.config.benchmark.load.kind === 'closed'
    ? 'concurrent users'
    : 'requests per second asked for'
}
