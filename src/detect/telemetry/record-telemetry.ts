import { messageOf } from '../../errors.ts'
import { within } from '../deadline.ts'
import type { OpenedSources, UsedSource } from './open-sources.ts'
import type { SamplerCost, TelemetryLine } from './sample.ts'
import type { OwnReading } from './source.ts'

/** What a recording needs besides its sources. */
export interface RecordingWorld {
  /** Monotonic, ms since the run's epoch. */
  readonly nowMs: () => number
  readonly periodMs: number
  /** CPU time used until now, tools included, ms. */
  readonly cpuMs: () => number
  /** Takes a line at once. What it throws ends the recording. */
  readonly write: (line: TelemetryLine) => void
  /** Lines cannot be written any more; the recording has ended. */
  readonly onFailure: (error: unknown) => void
}

export interface Recording {
  /** Takes a last look, closes the sources and writes `end`. */
  readonly end: () => Promise<void>
}

/** Between looks, where a source can tell cheaply that its counter has moved. */
const TICK_MS = 10
/** A source that takes longer for one look is given up: what hangs in a driver does not come back. */
const LOOK_LIMIT_MS = 2_000
const LAST_LOOK_LIMIT_MS = 1_000
const CLOSE_LIMIT_MS = 1_000

/** A source, and how it fares. */
interface Watched extends UsedSource {
  /** Its devices that tell nothing more. */
  readonly gone: Set<number>
  /** When the look under way began. */
  askedMs: number | undefined
  isLost: boolean
}

interface State {
  readonly world: RecordingWorld
  readonly watched: readonly Watched[]
  readonly hasTicks: boolean
  readonly startMs: number
  readonly startCpuMs: number
  timer: NodeJS.Timeout | undefined
  ended: boolean
  /** Of the next look. */
  dueMs: number
  lookedMs: number | undefined
  looks: number
  longestGapMs: number
  answers: number
  answersTotalMs: number
  answerLongestMs: number
}

/**
 * Looks at all sources at once every `periodMs`, on an absolute timetable: a look that comes late does
 * not put off those after it, and what was missed is left out. Between looks it asks for moved
 * counters. A source that fails or hangs is lost; the others go on.
 */
export function recordTelemetry(opened: OpenedSources, world: RecordingWorld): Recording {
  const { devices, notUsed } = opened
  const state = startState(opened, world)
  write(state, { kind: 'start', schemaVersion: 1, periodMs: world.periodMs, devices, notUsed })
  wake(state)
  return { end: () => end(state) }
}

function startState({ used }: OpenedSources, world: RecordingWorld): State {
  const startMs = world.nowMs()
  return {
    world,
    watched: used.map((one) => ({ ...one, gone: new Set(), askedMs: undefined, isLost: false })),
    hasTicks: used.some(({ source }) => source.tick !== undefined),
    startMs,
    startCpuMs: world.cpuMs(),
    timer: undefined,
    ended: false,
    dueMs: startMs,
    lookedMs: undefined,
    looks: 0,
    longestGapMs: 0,
    answers: 0,
    answersTotalMs: 0,
    answerLongestMs: 0,
  }
}

function wake(state: State): void {
  const { nowMs, periodMs } = state.world
  const now = nowMs()
  if (now < state.dueMs) tickAll(state)
  else {
    lookAtAll(state, now)
    state.dueMs += periodMs * (Math.floor((now - state.dueMs) / periodMs) + 1)
  }
  if (state.ended) return
  const waitMs = Math.max(0, Math.ceil(state.dueMs - nowMs()))
  state.timer = setTimeout(wake, state.hasTicks ? Math.min(waitMs, TICK_MS) : waitMs, state)
}

function lookAtAll(state: State, now: number): void {
  state.looks++
  if (state.lookedMs !== undefined) {
    state.longestGapMs = Math.max(state.longestGapMs, now - state.lookedMs)
  }
  state.lookedMs = now
  for (const at of state.watched) {
    if (at.isLost) continue
    if (at.askedMs === undefined) void look(state, at)
    else if (now - at.askedMs > LOOK_LIMIT_MS) lose(state, at, `no answer in ${LOOK_LIMIT_MS} ms`)
  }
}

async function look(state: State, at: Watched): Promise<void> {
  const askedMs = state.world.nowMs()
  at.askedMs = askedMs
  try {
    const readings = await at.source.look()
    if (at.isLost) return
    countAnswer(state, state.world.nowMs() - askedMs)
    tell(state, at, readings)
    for (const { device, reason } of at.source.lost?.() ?? []) loseDevice(state, at, device, reason)
  } catch (error) {
    lose(state, at, messageOf(error))
  } finally {
    at.askedMs = undefined
  }
}

function countAnswer(state: State, tookMs: number): void {
  state.answers++
  state.answersTotalMs += tookMs
  state.answerLongestMs = Math.max(state.answerLongestMs, tookMs)
}

/** A source whose look is under way is not asked: should it hang, this would hang with it. */
function tickAll(state: State): void {
  for (const at of state.watched) {
    if (at.isLost || at.askedMs !== undefined || at.source.tick === undefined) continue
    try {
      tell(state, at, at.source.tick())
    } catch (error) {
      lose(state, at, messageOf(error))
    }
  }
}

function tell(state: State, { firstDevice, gone }: Watched, own: readonly OwnReading[]): void {
  const readings = own
    .filter(({ device }) => !gone.has(device))
    .map((reading) => ({ ...reading, device: firstDevice + reading.device }))
  if (readings.length > 0) write(state, { kind: 'look', readings })
}

function lose(state: State, at: Watched, reason: string): void {
  if (at.isLost) return
  at.isLost = true
  for (const device of at.source.devices.keys()) loseDevice(state, at, device, reason)
  at.source.close().catch(() => {})
}

function loseDevice(state: State, at: Watched, device: number, reason: string): void {
  if (at.gone.has(device)) return
  at.gone.add(device)
  const atMs = state.world.nowMs()
  write(state, { kind: 'lost', atMs, device: at.firstDevice + device, reason })
}

function write(state: State, line: TelemetryLine): void {
  if (state.ended) return
  try {
    state.world.write(line)
  } catch (error) {
    state.ended = true
    clearTimeout(state.timer)
    void closeAll(state).then(() => state.world.onFailure(error))
  }
}

async function closeAll(state: State): Promise<void> {
  const open = state.watched.filter(({ isLost }) => !isLost)
  for (const at of open) at.isLost = true
  await within(CLOSE_LIMIT_MS, Promise.allSettled(open.map(({ source }) => source.close())))
}

async function end(state: State): Promise<void> {
  clearTimeout(state.timer)
  const atRest = state.watched.filter(({ isLost, askedMs }) => !isLost && askedMs === undefined)
  await within(LAST_LOOK_LIMIT_MS, Promise.all(atRest.map((at) => look(state, at))))
  await closeAll(state)
  write(state, { kind: 'end', atMs: state.world.nowMs(), cost: costOf(state) })
  state.ended = true
}

function costOf(state: State): SamplerCost {
  const { world, startMs, startCpuMs, looks, longestGapMs, answers } = state
  const tookMs = world.nowMs() - startMs
  return {
    cpuCores: tookMs > 0 ? (world.cpuMs() - startCpuMs) / tookMs : 0,
    looks,
    longestGapMs,
    ...(answers > 0 && {
      lookMeanMs: state.answersTotalMs / answers,
      lookLongestMs: state.answerLongestMs,
    }),
  }
}
