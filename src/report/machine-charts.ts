import { largest, type Maybe, mean, smallest } from '../arithmetic.ts'
import { readingValue } from '../detect/reading.ts'
import type { TelemetryScope } from '../detect/telemetry/sample.ts'
import type { DeviceFigures, DeviceTimeline } from '../measure/machine-figures.ts'
import { MS_PER_S } from '../units.ts'
import {
  type Chart,
  type Encoding,
  frame,
  type Layer,
  limitLayers,
  nearLimit,
  originOf,
  topLegend,
  valueChannel,
} from './chart-look.ts'
import { formatCount, formatStated } from './format.ts'
import { deviceLabel, mainScope, scopeName, servingOf } from './machine-facts.ts'
import { type Colour, palette } from './palette.ts'
import { shorten } from './plain-text.ts'
import type { Report } from './report.ts'
import { line, type TimeRow, timeChannel, timelineLayers } from './timeline-charts.ts'

/** Power, heat and clocks of what serves the model over the run; none of what was not told. */
export function machineCharts(report: Report): Chart[] {
  const scope = mainScope(report)
  if (scope === undefined) return []
  const devices = servingTimelines(report, scope)
  return [powerChart(report, scope, devices), heatChart(report, devices)].flatMap(
    (chart) => chart ?? [],
  )
}

type Moment = DeviceTimeline['moments'][number]
type Quantity = Exclude<keyof Moment, 'atMs'>

/** A device that serves the model, over the run. */
interface Watched {
  readonly label: string
  readonly pciAddress?: string
  readonly looks: number
  readonly moments: readonly Moment[]
}

function servingTimelines(report: Report, scope: TelemetryScope): Watched[] {
  const { points, machine } = report.summary
  const figures = points.flatMap(servingOf).filter((device) => device.scope === scope)
  const timelines = machine?.timelines.filter((each) => each.scope === scope) ?? []
  return timelines.flatMap(({ id, moments }) => {
    const inWindows = figures.filter((device) => device.id === id)
    const [device] = inWindows
    return device === undefined ? [] : [watched(report, device, inWindows, moments)]
  })
}

function watched(
  report: Report,
  device: DeviceFigures,
  inWindows: readonly DeviceFigures[],
  moments: readonly Moment[],
): Watched {
  return {
    label: shorten(deviceLabel(report, device), 24),
    pciAddress: device.pciAddress,
    looks: inWindows.reduce((total, { looks }) => total + looks, 0),
    moments,
  }
}

/** More lines than this are a tangle, and there are no more colours to tell them apart. */
const MOST_LINES = 8

const lineColours: readonly Colour[] = [
  'blue',
  'amber',
  'teal',
  'violet',
  'rose',
  'olive',
  'navy',
  'brown',
]

function powerChart(
  report: Report,
  scope: TelemetryScope,
  devices: readonly Watched[],
): Chart | undefined {
  const told = devices.filter(({ moments }) => moments.some(({ powerW }) => powerW !== undefined))
  const most = largest(told.flatMap(({ moments }) => moments.map(({ powerW }) => powerW)))
  if (most === undefined) return undefined
  const limitW = sharedLimitW(report, scope, told)
  const drawnLimitW = nearLimit(limitW, most)
  const top = Math.max(most, drawnLimitW ?? 0)
  const isBand = told.length > MOST_LINES
  const name = scopeName(scope)
  const spec = frame(
    originOf(report),
    `${name} power over time`,
    powerAxes(told, drawnLimitW),
    [
      ...(isBand ? bandLayers(report, told, top) : lineLayers(report, told, top)),
      ...(drawnLimitW === undefined ? [] : limitLayers(drawnLimitW, top)),
    ],
    POWER_HEIGHT + legendHeight(isBand ? 1 : told.length),
  )
  const description = `Power of what serves the model (${name}) in W against the time of the run.`
  const far =
    limitW === undefined || drawnLimitW !== undefined
      ? []
      : [`The power limit of ${formatStated(limitW)} W is far above the chart.`]
  const notes = [...lookNotes(told, 'Each point is the mean of several looks.'), ...far]
  return { kind: 'drawn', id: 'machine-power', description, spec, notes }
}

function powerAxes(devices: readonly Watched[], limitW: Maybe): string {
  const limit =
    limitW === undefined ? '' : `the power limit of ${formatStated(limitW)} W is dashed; `
  return `${powerOf(devices)}; ${limit}measured windows are shaded, their steady parts darker`
}

function powerOf(devices: readonly Watched[]): string {
  const [first, ...others] = devices
  if (devices.length > MOST_LINES) {
    return `Mean of ${formatCount(devices.length)} devices in W, and from the least to the most`
  }
  return others.length > 0
    ? 'W of each device that counts as serving the model'
    : `W of ${first?.label ?? 'the device'}`
}

const POWER_HEIGHT = 250
const LEGEND_COLUMNS = 4

/** Room for a legend's second line, which the plot would otherwise give. */
function legendHeight(series: number): number {
  return series > LEGEND_COLUMNS ? 18 : 0
}

/** The power limit in force, where all of them have the same. */
function sharedLimitW({ run }: Report, scope: TelemetryScope, devices: readonly Watched[]): Maybe {
  const limits = devices.map(({ pciAddress }) => {
    const gpu = run.hardware.gpus.find(
      (each) =>
        pciAddress !== undefined && readingValue(each.pciAddress) === pciAddress.toLowerCase(),
    )
    return readingValue(scope === 'module' ? gpu?.powerLimitModuleW : gpu?.powerLimitEnforcedW)
  })
  return new Set(limits).size === 1 ? limits[0] : undefined
}

function lineLayers(report: Report, devices: readonly Watched[], top: number): Layer[] {
  const rows = devices.flatMap(({ label: series, moments }) =>
    brokenAtGaps(momentRows(moments, 'powerW')).map((row) => ({ ...row, series })),
  )
  const y = valueChannel('value', top)
  const color: Encoding['color'] =
    devices.length === 1
      ? { value: palette.blue.light }
      : {
          field: 'series',
          type: 'nominal',
          scale: {
            domain: devices.map(({ label }) => label),
            range: devices.map((_, i) => palette[lineColours[i] ?? 'blue'].light),
          },
          legend: { ...topLegend, columns: LEGEND_COLUMNS },
        }
  return timelineLayers(report, rows, y, top, (x) => [line(rows, { x, y, color })])
}

function bandLayers(report: Report, devices: readonly Watched[], top: number): Layer[] {
  const rows = together(devices, 'powerW').map(({ s, values }) => ({
    s,
    value: mean(values) ?? null,
    least: Math.min(...values),
    most: Math.max(...values),
  }))
  const y = valueChannel('value', top)
  return timelineLayers(report, rows, y, top, (x) => [
    {
      data: { values: rows },
      mark: { type: 'area', color: palette.blue.light, opacity: 0.25 },
      encoding: { x, y: valueChannel('least', top), y2: { field: 'most' } },
    },
    line(brokenAtGaps(rows), { x, y, color: { value: palette.blue.light } }),
  ])
}

/** A quantity of all devices together, with a scale of its own. */
interface Series {
  readonly name: string
  readonly colour: string
  readonly rows: readonly TimeRow[]
}

/** Two scales, each in the colour of its line. */
function heatChart(report: Report, devices: readonly Watched[]): Chart | undefined {
  const isOne = devices.length === 1
  const all: readonly Series[] = [
    {
      name: isOne ? 'Temperature, °C' : 'Hottest, °C',
      colour: palette.amber.light,
      rows: extremes(devices, 'temperatureC', largest),
    },
    {
      name: isOne ? 'SM clock, MHz' : 'Lowest SM clock, MHz',
      colour: palette.blue.light,
      rows: extremes(devices, 'clockSmMhz', smallest),
    },
  ]
  const drawn = all.filter(({ rows }) => rows.length > 0)
  if (drawn.length === 0) return undefined
  const names = drawn.map(({ name }) => name)
  const who = isOne ? (devices[0]?.label ?? '') : `${formatCount(devices.length)} devices`
  const spec = frame(
    originOf(report),
    'Temperature and clock over time',
    `${names.join(' (left) and ')}${drawn.length > 1 ? ' (right)' : ''} of ${who}; measured windows are shaded, their steady parts darker`,
    heatLayers(report, drawn),
  )
  return {
    kind: 'drawn',
    id: 'machine-heat',
    description: `${names.join(' and ')} of what serves the model against the time of the run.`,
    spec: { ...spec, resolve: { scale: { y: 'independent' } } },
    notes: lookNotes(devices, 'Each point is the hottest and slowest of several looks.'),
  }
}

function heatLayers(report: Report, series: readonly Series[]): Layer[] {
  const rows = series.flatMap((each) => each.rows)
  const { x } = timeChannel(report, rows)
  const color: Encoding['color'] = {
    field: 'series',
    type: 'nominal',
    scale: { domain: series.map(({ name }) => name), range: series.map(({ colour }) => colour) },
    legend: topLegend,
  }
  const layerOf = (each: Series, orient: 'left' | 'right'): Layer =>
    line(
      each.rows.map((row) => ({ ...row, series: each.name })),
      { x, y: axisOf(each, orient), color },
    )
  const [left, right] = series
  if (left === undefined) return []
  const windows = timelineLayers(report, rows, axisOf(left, 'left'), topOf(left), () => [
    layerOf(left, 'left'),
  ])
  return [{ layer: windows }, ...(right === undefined ? [] : [layerOf(right, 'right')])]
}

function topOf({ rows }: Series): number {
  return Math.max(1, ...rows.map(({ value }) => value ?? 0))
}

function axisOf(series: Series, orient: 'left' | 'right'): NonNullable<Encoding['y']> {
  const axis = { orient, labelColor: series.colour, grid: orient === 'left' }
  return { ...valueChannel('value', topOf(series)), axis }
}

function extremes(
  devices: readonly Watched[],
  quantity: Quantity,
  pick: (values: readonly number[]) => Maybe,
): TimeRow[] {
  return brokenAtGaps(
    together(devices, quantity).map(({ s, values }) => ({ s, value: pick(values) ?? null })),
  )
}

function momentRows(moments: readonly Moment[], quantity: Quantity): TimeRow[] {
  return moments.flatMap(({ atMs, [quantity]: value }) =>
    value === undefined ? [] : [{ s: atMs / MS_PER_S, value: rounded(value) }],
  )
}

/** A picture shows no more digits, and a page need not hold them. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

/** All devices by moments of the first: the others are looked at within the same step. */
function together(
  devices: readonly Watched[],
  quantity: Quantity,
): { readonly s: number; readonly values: readonly number[] }[] {
  const rows = devices.map(({ moments }) => momentRows(moments, quantity))
  const all = rows.flat().sort((a, b) => a.s - b.s)
  const stepS = Math.max(0, ...rows.map(medianStepS))
  const steps: { s: number; values: number[] }[] = []
  for (const { s, value } of all) {
    const last = steps.at(-1)
    if (value === null) continue
    if (last !== undefined && s - last.s < stepS / 2) last.values.push(value)
    else steps.push({ s, values: [value] })
  }
  return steps
}

function medianStepS(rows: readonly TimeRow[]): number {
  const steps = rows.slice(1).map(({ s }, i) => s - (rows[i]?.s ?? s))
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0
}

/** So many usual steps without a look are a hole, across which nothing is known. */
const STEPS_OF_A_HOLE = 5

function brokenAtGaps(rows: readonly TimeRow[]): TimeRow[] {
  const holeS = STEPS_OF_A_HOLE * medianStepS(rows)
  return rows.flatMap((row, i) => {
    const before = rows[i - 1]
    const isAfterHole = before !== undefined && holeS > 0 && row.s - before.s > holeS
    return isAfterHole ? [{ s: (before.s + row.s) / 2, value: null }, row] : [row]
  })
}

function lookNotes(devices: readonly Watched[], several: string): string[] {
  return devices.some(({ looks, moments }) => looks > moments.length) ? [several] : []
}
