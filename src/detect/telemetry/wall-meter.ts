import { UserError } from '../../errors.ts'
import { MS_PER_S } from '../../units.ts'
import type { DeviceReading, TelemetryDevice } from './sample.ts'

/** What a log of an external power meter says. */
export interface WallMeterLog {
  readonly format: 'csv' | 'ptdaemon'
  /** In the order of time, by the meter's clock. */
  readonly readings: readonly WallMeterReading[]
  /** Middle of all times between two readings, ms. */
  readonly periodMs: number
  /** Stretches without a reading of more than three periods. */
  readonly gaps: readonly { readonly fromEpochMs: number; readonly toEpochMs: number }[]
  /** Lines that are no reading: a meter's own remarks, or a reading it says it could not take. */
  readonly skippedLines: number
}

interface WallMeterReading {
  /** Wall time by the meter's clock, ms since 1970. */
  readonly epochMs: number
  readonly powerW: number
}

const GAP_PERIODS = 3
/** What MLPerf Power allows between the clocks of meter and machine. */
const MAX_CLOCK_SKEW_MS = 200

/** Titles that mean time, and power; whatever stands in brackets after them is the unit. */
const TIME_TITLE = /^(time|timestamp|date ?time|epoch|unix ?time|ts|t)$/
const POWER_TITLE = /^(power|watts?|active power|p|power w|watts w)$/

/**
 * Reads the log of an external meter: CSV with a column of times and one of power, or the log of SPEC's
 * PTDaemon (`Time,..,Watts,..`). A time must say which zone it is of: seconds or milliseconds since
 * 1970, or ISO 8601 with `Z` or an offset. PTDaemon's times do not; for those the offset is given.
 *
 * @param options.utcOffsetMinutes of the meter's local times, e.g. 60 for UTC+1
 * @throws UserError where the log cannot be read without a guess
 */
export function readWallMeter(
  text: string,
  options: { readonly utcOffsetMinutes?: number } = {},
): WallMeterLog {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const isPtdaemon = lines.some((line) => PTDAEMON_LINE.test(line))
  const rows = isPtdaemon ? ptdaemonRows(lines, options.utcOffsetMinutes) : csvRows(lines)
  const readings = rows.readings
  if (readings.length < 2) refuse('There are fewer than two readings in it.')
  for (const [place, { epochMs, powerW }] of readings.entries()) {
    const before = readings[place - 1]
    if (before !== undefined && epochMs <= before.epochMs) {
      refuse(`Its times do not only rise: ${iso(epochMs)} comes after ${iso(before.epochMs)}.`)
    }
    if (powerW < 0) refuse(`It has a power of ${powerW} W at ${iso(epochMs)}.`)
  }
  const periodMs = medianStepMs(readings)
  return {
    format: isPtdaemon ? 'ptdaemon' : 'csv',
    readings,
    periodMs,
    gaps: gapsIn(readings, periodMs),
    skippedLines: rows.skippedLines,
  }
}

/**
 * A meter's readings on a run's clock.
 *
 * @param run.epoch wall time of the run's epoch, ISO 8601
 * @param run.offsetMs what is added to the meter's times to have the machine's: how far its clock is behind
 */
export function onRunClock(
  { readings, periodMs, gaps }: WallMeterLog,
  run: { readonly epoch: string; readonly offsetMs: number },
): { readonly device: TelemetryDevice; readonly readings: readonly DeviceReading[] } {
  const epochMs = Date.parse(run.epoch)
  if (Number.isNaN(epochMs)) throw new Error(`the run's epoch ${run.epoch} is no time`)
  const isFar = Math.abs(run.offsetMs) > MAX_CLOCK_SKEW_MS
  const strict = isFar ? ` (MLPerf Power allows ${MAX_CLOCK_SKEW_MS} ms)` : ''
  const told = gaps.map(({ fromEpochMs, toEpochMs }) => `${iso(fromEpochMs)} to ${iso(toEpochMs)}`)
  return {
    device: {
      id: 'wall-meter',
      scope: 'wall',
      source: 'wall meter log',
      name: 'External meter',
      periodMs,
      lacks: [
        'energy counter: none in the log',
        `proof of its clock: taken as ${run.offsetMs} ms behind the machine's, as stated${strict}`,
        ...(told.length > 0 ? [`readings from ${told.join(', and from ')}`] : []),
      ],
    },
    // How a meter averages is its own affair, so it is no power of the moment.
    readings: readings.map((reading) => ({
      atMs: reading.epochMs - epochMs + run.offsetMs,
      powerAverageW: reading.powerW,
    })),
  }
}

interface Rows {
  readonly readings: readonly WallMeterReading[]
  readonly skippedLines: number
}

function csvRows(lines: readonly string[]): Rows {
  const start = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'))
  const heading = lines[start] ?? ''
  const separator = [';', '\t', ','].find((mark) => heading.includes(mark))
  if (separator === undefined) refuse('Its first line has no column titles.')
  const titles = heading.split(separator).map(cleaned)
  const timeColumn = onlyColumn(titles, TIME_TITLE, 'time')
  const powerColumn = onlyColumn(titles, POWER_TITLE, 'power')
  const perWatt = unitOf(titles[powerColumn] ?? '')
  const rows = lines.slice(start + 1).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const readTime = timeReader(rows[0]?.split(separator)[timeColumn], titles[timeColumn] ?? '')
  const readings = rows.flatMap((row): readonly WallMeterReading[] => {
    const cells = row.split(separator).map(unquoted)
    if (cells.length !== titles.length) {
      refuse(`This row has ${cells.length} cells for ${titles.length} columns: ${row.slice(0, 80)}`)
    }
    const power = powerOf(cells[powerColumn] ?? '', row)
    return power === undefined
      ? []
      : [{ epochMs: readTime(cells[timeColumn] ?? ''), powerW: power * perWatt }]
  })
  return { readings, skippedLines: rows.length - readings.length }
}

const unquoted = (cell: string) =>
  cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
const cleaned = (cell: string) => unquoted(cell).toLowerCase().replaceAll('_', ' ')
const withoutUnit = (title: string) => title.replace(/[([].*[)\]]\s*$/, '').trim()
const unitNote = (title: string) => /[([](.*)[)\]]\s*$/.exec(title)?.[1]?.trim() ?? ''

function onlyColumn(titles: readonly string[], pattern: RegExp, what: string): number {
  const bare = titles.map((title) => withoutUnit(title).replace(/ (ms|s|w|watts)$/, ''))
  const matching = bare.flatMap((title, place) => (pattern.test(title) ? [place] : []))
  const [column] = matching
  if (column === undefined) refuse(`None of its columns is the ${what}: ${titles.join(', ')}.`)
  if (matching.length > 1)
    refuse(`More than one of its columns may be the ${what}: ${titles.join(', ')}.`)
  return column
}

/** Watts in one of what the column counts. */
function unitOf(title: string): number {
  const unit = unitNote(title)
  if (unit === '' || unit === 'w' || unit === 'watt' || unit === 'watts') return 1
  if (unit === 'kw') return 1000
  if (unit === 'mw')
    refuse('Its power is in "mW", which may be milliwatts or megawatts: name the column in W.')
  return refuse(`Its power is in "${unit}", which is not known: give it in W.`)
}

/** Nothing where the meter says that it has no reading. */
function powerOf(cell: string, row: string): number | undefined {
  if (/^(|-|n\/a|nan|null)$/i.test(cell)) return undefined
  if (/^\d{1,3},\d{3}$/.test(cell)) {
    refuse(`The comma in ${cell} may part decimals or thousands: write it with a point.`)
  }
  if (/^\d+,\d+$/.test(cell)) return Number(cell.replace(',', '.'))
  const power = Number(cell)
  if (!Number.isFinite(power)) refuse(`This is no power: ${row.slice(0, 80)}`)
  return power
}

/** Seconds since 1970 have this size from the year 2001 to 5138; milliseconds, a thousand times it. */
const S_FROM = 1e9
const S_TO = 1e11

function timeReader(first: string | undefined, title: string): (cell: string) => number {
  const sample = Number(unquoted(first ?? '').replace(',', '.'))
  if (Number.isNaN(sample) || unquoted(first ?? '') === '') return isoTime
  const within = (value: number) => value >= S_FROM && value < S_TO
  const isMs = within(sample / MS_PER_S)
  if (!isMs && !within(sample)) {
    refuse(`Its times begin at ${sample}, which is neither seconds nor milliseconds since 1970.`)
  }
  const stated = unitNote(title) || / (m?s)$/.exec(title)?.[1]
  if (stated && stated !== (isMs ? 'ms' : 's')) {
    refuse(`Its times are said to be in ${stated}, but begin at ${sample}.`)
  }
  return (cell) => {
    const value = Number(cell.replace(',', '.'))
    if (!Number.isFinite(value)) refuse(`This is no time as the others are: ${cell}`)
    return isMs ? value : value * MS_PER_S
  }
}

function isoTime(cell: string): number {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)([.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?$/.exec(cell)
  if (match === null) return refuse(`This is no time of ISO 8601: ${cell}`)
  const [, day, clock, fraction = '', zone] = match
  if (zone === undefined) return refuse(`Its times do not say which zone they are of: ${cell}`)
  const offset = zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
  const epochMs = Date.parse(`${day}T${clock}${fraction.replace(',', '.')}${offset}`)
  return Number.isNaN(epochMs) ? refuse(`There is no such time: ${cell}`) : epochMs
}

/** As MLCommons' power-dev (ptd_client_server/lib/server.py, RE_PTD_LOG) reads it. */
const PTDAEMON_LINE = /^Time,([^,]*),Watts,([^,]*),Volts,/

function ptdaemonRows(lines: readonly string[], utcOffsetMinutes: number | undefined): Rows {
  if (utcOffsetMinutes === undefined) {
    refuse(
      'PTDaemon writes local times and not of which zone.',
      'State the offset from UTC of the machine it ran on.',
    )
  }
  const readings = lines.flatMap((line): readonly WallMeterReading[] => {
    const [, time = '', watts = ''] = PTDAEMON_LINE.exec(line) ?? []
    const [, month, day, year, clock] =
      /^(\d\d)-(\d\d)-(\d{4}) (\d\d:\d\d:\d\d\.\d+)$/.exec(time) ?? []
    const power = powerOf(watts, line)
    const localMs = Date.parse(`${year}-${month}-${day}T${clock}Z`)
    if (power === undefined) return []
    if (Number.isNaN(localMs)) refuse(`This is no time of PTDaemon: ${line.slice(0, 80)}`)
    return [{ epochMs: localMs - utcOffsetMinutes * 60 * MS_PER_S, powerW: power }]
  })
  const filled = lines.filter((line) => line.trim() !== '').length
  return { readings, skippedLines: filled - readings.length }
}

function medianStepMs(readings: readonly WallMeterReading[]): number {
  const steps = readings
    .slice(1)
    .map(({ epochMs }, place) => epochMs - (readings[place]?.epochMs ?? epochMs))
    .sort((a, b) => a - b)
  return steps[Math.floor((steps.length - 1) / 2)] ?? 0
}

function gapsIn(readings: readonly WallMeterReading[], periodMs: number): WallMeterLog['gaps'] {
  return readings.slice(1).flatMap(({ epochMs }, place) => {
    const fromEpochMs = readings[place]?.epochMs ?? epochMs
    return epochMs - fromEpochMs > GAP_PERIODS * periodMs
      ? [{ fromEpochMs, toEpochMs: epochMs }]
      : []
  })
}

const iso = (epochMs: number) => new Date(epochMs).toISOString()

function refuse(
  problem: string,
  remedy = 'Give it columns `time` (ISO 8601 with its zone, or s or ms since 1970) and `watts`.',
): never {
  throw new UserError(`The meter's log cannot be used. ${problem}`, { remedy })
}
