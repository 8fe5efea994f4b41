import { type ChildProcess, spawn } from 'node:child_process'
import { messageOf } from '../../../errors.ts'
import { within } from '../../deadline.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import { askOnce, readingsOf, type SmiQuery, TOOL } from './nvidia-smi-rows.ts'

const PERIOD_MS = 100
const NAME = `${TOOL} -lms ${PERIOD_MS}`

/** One `nvidia-smi` that goes on printing: no energy counter, but power and throttle times at 10 Hz where NVML cannot be called. */
export const nvidiaSmiStream: TelemetrySource = { name: NAME, open: openStream }

/** The first row comes when the driver is ready. */
const FIRST_ROW_MS = 3_000
/** Longer silence is a tool that hangs. */
const SILENCE_MS = 3_000
const MAX_RESTARTS = 3
const FIRST_BACKOFF_MS = 250
const CLOSE_MS = 500
const MAX_COMPLAINT_CHARACTERS = 200

interface Stream {
  readonly world: SamplerWorld
  readonly query: SmiQuery
  /** Rows that have come since the last look. */
  arrived: OwnReading[]
  onRow: () => void
  child: ChildProcess | undefined
  heardMs: number
  restarts: number
  /** What the tool said last that is no row. */
  complaint: string | undefined
  /** Why it is not started any more. */
  failure: string | undefined
  closed: boolean
}

async function openStream(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const query = await askOnce(world, NAME)
  if ('none' in query) return query
  const stream: Stream = {
    world,
    query,
    arrived: [],
    onRow: () => {},
    child: undefined,
    heardMs: world.nowMs(),
    restarts: 0,
    complaint: undefined,
    failure: undefined,
    closed: false,
  }
  const firstRow = new Promise<void>((resolve) => {
    stream.onRow = resolve
  })
  start(stream)
  const came = await within(FIRST_ROW_MS, firstRow)
  if (came.kind === 'late') {
    await close(stream)
    return { none: stream.complaint ?? `no row in ${FIRST_ROW_MS} ms` }
  }
  return {
    devices: query.devices.map((device) => ({ ...device, periodMs: PERIOD_MS })),
    look: () => look(stream),
    close: () => close(stream),
  }
}

function look(stream: Stream): readonly OwnReading[] {
  if (stream.failure !== undefined) throw new Error(stream.failure)
  const silentMs = stream.world.nowMs() - stream.heardMs
  if (stream.child !== undefined && silentMs > SILENCE_MS) {
    restart(stream, stream.child, `silent for ${SILENCE_MS} ms`)
  }
  return stream.arrived.splice(0)
}

function start(stream: Stream): void {
  if (stream.closed) return
  const { world, query } = stream
  const child = spawn(TOOL, [...query.args, '-lms', String(PERIOD_MS)], {
    env: { ...world.env, LC_ALL: 'C', LANG: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Out of the terminal's group: Ctrl-C is for the run to deal with. Alone, it ends at its next row.
    detached: world.platform !== 'win32',
    windowsHide: true,
  })
  stream.child = child
  stream.heardMs = world.nowMs()
  let rest = ''
  child.stdout.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString('utf8')).split('\n')
    // What is not ended by a line break is part of a row.
    rest = lines.pop() ?? ''
    hear(stream, lines)
  })
  child.stderr.on('data', (bytes: Buffer) => complain(stream, bytes.toString('utf8')))
  child.once('error', (error) => restart(stream, child, messageOf(error)))
  child.once('close', (code, signal) => {
    restart(stream, child, signal === null ? `exit code ${code}` : `ended by ${signal}`)
  })
}

/** Rows that waited in the pipe have no time of their own: of each device the last one counts. */
function hear(stream: Stream, lines: readonly string[]): void {
  const { world, query } = stream
  const atMs = world.nowMs()
  const newest = new Map<number, OwnReading>()
  for (const line of lines) {
    const readings = readingsOf(query, line, atMs)
    if (readings.length === 0) complain(stream, line)
    for (const reading of readings) newest.set(reading.device, reading)
  }
  if (newest.size === 0) return
  stream.heardMs = atMs
  stream.arrived.push(...newest.values())
  stream.onRow()
}

function complain(stream: Stream, text: string): void {
  const line = text.trim().slice(0, MAX_COMPLAINT_CHARACTERS)
  if (line !== '') stream.complaint = line
}

/** Starts it again a little later, each time after twice as long, until that has been tried often enough. */
function restart(stream: Stream, child: ChildProcess, reason: string): void {
  if (stream.child !== child) return
  abandon(child)
  stream.child = undefined
  if (stream.closed) return
  if (stream.restarts === MAX_RESTARTS) {
    const said = stream.complaint === undefined ? '' : `: ${stream.complaint}`
    stream.failure = `started ${MAX_RESTARTS + 1} times; at last ${reason}${said}`
    return
  }
  setTimeout(start, FIRST_BACKOFF_MS * 2 ** stream.restarts++, stream)
}

/** It may hang where no signal reaches it. */
function abandon(child: ChildProcess): void {
  child.kill('SIGKILL')
  child.stdout?.destroy()
  child.stderr?.destroy()
  child.unref()
}

async function close(stream: Stream): Promise<void> {
  stream.closed = true
  const { child } = stream
  if (child === undefined) return
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.kill('SIGTERM')
  await within(CLOSE_MS, gone)
  abandon(child)
}
