import { expect, test, vi } from 'vitest'
import { type OpenedSources, openSources } from '../../../src/detect/telemetry/open-sources.ts'
import {
  type RecordingWorld,
  recordTelemetry,
} from '../../../src/detect/telemetry/record-telemetry.ts'
import type { TelemetryDevice, TelemetryLine } from '../../../src/detect/telemetry/sample.ts'
import type { OpenSource, TelemetrySource } from '../../../src/detect/telemetry/source.ts'
import { worldWith } from './stubs.ts'

const device: TelemetryDevice = { id: 'd', scope: 'gpu', source: 'fake', name: 'A device' }
const world = worldWith('/nowhere', {})

function fake(parts: Partial<OpenSource> = {}): OpenSource {
  return { devices: [device], look: () => [], close: async () => {}, ...parts }
}

function source(name: string, open: TelemetrySource['open']): TelemetrySource {
  return { name, open }
}

/** A recording on a clock of its own that moves with the timers. */
function recording(sources: readonly OpenSource[], parts: Partial<RecordingWorld> = {}) {
  vi.useFakeTimers()
  const lines: TelemetryLine[] = []
  const devices = sources.flatMap((each) => each.devices)
  let firstDevice = 0
  const used = sources.map((each) => {
    const one = { name: 'fake', source: each, firstDevice }
    firstDevice += each.devices.length
    return one
  })
  const opened: OpenedSources = { used, devices, notUsed: [] }
  /** What the clock went on by while no timer ran. */
  const clock = { skewMs: 0 }
  const startMs = Date.now()
  const nowMs = (): number => Date.now() - startMs + clock.skewMs
  const running = recordTelemetry(opened, {
    nowMs,
    periodMs: 100,
    cpuMs: () => 0,
    write: (line) => void lines.push(line),
    onFailure: () => {},
    ...parts,
  })
  return {
    lines,
    clock,
    nowMs,
    end: async () => {
      const ending = running.end()
      await vi.advanceTimersByTimeAsync(5_000)
      await ending
      vi.useRealTimers()
    },
  }
}

function lostOf(lines: readonly TelemetryLine[]) {
  return lines.flatMap((line) => (line.kind === 'lost' ? [[line.device, line.reason]] : []))
}

test('looks keep to their timetable, and those that were missed are not made up for', async () => {
  const looksMs: number[] = []
  const nowMs = { of: () => 0 }
  const watched = fake({
    look: () => {
      looksMs.push(nowMs.of())
      return []
    },
  })
  const run = recording([watched])
  nowMs.of = run.nowMs
  await vi.advanceTimersByTimeAsync(230)
  // The process stands still for 0.33 s: the looks of 300 to 600 ms have become one, at 630.
  run.clock.skewMs = 330
  await vi.advanceTimersByTimeAsync(250)
  await run.end()
  expect(looksMs.slice(0, 6)).toEqual([0, 100, 200, 630, 700, 800])
  const end = run.lines.at(-1)
  expect(end?.kind === 'end' && end.cost).toMatchObject({ looks: 6, longestGapMs: 430 })
})

test('a source that fails is lost with its reason, and the others go on', async () => {
  let asked = 0
  const failing = fake({
    look: () => {
      if (++asked > 2) throw new Error('the tool has gone')
      return []
    },
  })
  const fine = fake({ look: () => [{ device: 0, atMs: 1, powerW: 5 }] })
  const run = recording([failing, fine])
  await vi.advanceTimersByTimeAsync(950)
  await run.end()
  expect(lostOf(run.lines)).toEqual([[0, 'the tool has gone']])
  // At 0, 100 ... 900 ms, and the last one; each of the second device.
  const looks = run.lines.filter(({ kind }) => kind === 'look')
  expect(looks).toHaveLength(11)
  expect(looks[0]).toEqual({ kind: 'look', readings: [{ device: 1, atMs: 1, powerW: 5 }] })
  expect(asked).toBe(3)
})

test('a source that hangs is lost after two seconds, and asked no more', async () => {
  let asked = 0
  const hanging = fake({
    look: () => {
      asked++
      return new Promise<never>(() => {})
    },
  })
  const run = recording([hanging])
  await vi.advanceTimersByTimeAsync(1_950)
  expect(lostOf(run.lines)).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(lostOf(run.lines)).toEqual([[0, 'no answer in 2000 ms']])
  await run.end()
  expect(asked).toBe(1)
  expect(run.lines.at(-1)?.kind).toBe('end')
})

test('of a source with two devices one can go alone, and tells nothing more', async () => {
  const gone = [{ device: 1, reason: 'fell off the bus' }]
  const run = recording([
    fake({
      devices: [device, device],
      look: () => [
        { device: 0, atMs: 1 },
        { device: 1, atMs: 1 },
      ],
      lost: () => gone.splice(0),
    }),
  ])
  await vi.advanceTimersByTimeAsync(150)
  await run.end()
  expect(lostOf(run.lines)).toEqual([[1, 'fell off the bus']])
  const devices = run.lines.map((line) =>
    line.kind === 'look' ? line.readings.map((reading) => reading.device) : [],
  )
  expect(devices.filter(({ length }) => length > 0)).toEqual([[0, 1], [0], [0]])
})

test('a moved counter is asked for between looks, but not while a look is under way', async () => {
  let ticks = 0
  const busy = fake({
    look: () => new Promise((resolve) => setTimeout(resolve, 60, [])),
    tick: () => {
      ticks++
      return []
    },
  })
  const run = recording([busy])
  // From 60 to 100 ms: at 70, 80 and 90, and at 60 where the answer came first.
  await vi.advanceTimersByTimeAsync(99)
  expect(ticks).toBeGreaterThanOrEqual(3)
  expect(ticks).toBeLessThanOrEqual(4)
  await run.end()
})

test('lines that cannot be written end the recording, and its sources', async () => {
  const failures: unknown[] = []
  let closed = 0
  const full = new Error('ENOSPC')
  const run = recording(
    [
      fake({
        look: () => [{ device: 0, atMs: 1 }],
        close: async () => {
          closed++
        },
      }),
    ],
    {
      write: ({ kind }) => {
        if (kind === 'look') throw full
      },
      onFailure: (error) => failures.push(error),
    },
  )
  await vi.advanceTimersByTimeAsync(1_000)
  expect(failures).toEqual([full])
  expect(closed).toBe(1)
  await run.end()
})

test('of a group of alternatives the first that opens is used, and the others say why not', async () => {
  const asked: string[] = []
  const opening = (name: string, result: OpenSource | { none: string }) =>
    source(name, async () => {
      asked.push(name)
      return result
    })
  const opened = await openSources(
    [
      [opening('a', { none: 'no library' }), opening('b', fake()), opening('c', fake())],
      [
        source('d', () => {
          throw new Error('a bug')
        }),
        opening('e', fake({ devices: [device, device] })),
        opening('f', fake()),
      ],
    ],
    world,
  )
  expect(asked.sort()).toEqual(['a', 'b', 'e'])
  expect(opened.used.map(({ name, firstDevice }) => [name, firstDevice])).toEqual([
    ['b', 0],
    ['e', 1],
  ])
  expect(opened.devices).toHaveLength(3)
  expect(opened.notUsed).toEqual([
    { source: 'a', reason: 'no library' },
    { source: 'd', reason: 'a bug' },
  ])
})

test('a source that does not open in time is passed over, and closed when it opens after all', async () => {
  vi.useFakeTimers()
  let closed = false
  const late = fake({
    close: async () => {
      closed = true
    },
  })
  const slow = source('slow', () => new Promise((resolve) => setTimeout(resolve, 6_000, late)))
  const opening = openSources([[slow, source('next', async () => fake())]], world)
  await vi.advanceTimersByTimeAsync(5_100)
  const { used, notUsed } = await opening
  expect(used.map(({ name }) => name)).toEqual(['next'])
  expect(notUsed).toEqual([{ source: 'slow', reason: 'no answer in 5000 ms' }])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(closed).toBe(true)
  vi.useRealTimers()
})
