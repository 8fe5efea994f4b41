import { describe, expect, onTestFinished, test } from 'vitest'
import { arrivalsMs } from '../../src/load/arrivals.ts'
import type { Outcome } from '../../src/load/record.ts'
import { type LevelPlan, type LevelResult, runLevel } from '../../src/load/run-level.ts'
import { shareLevel } from '../../src/load/shared-level.ts'
import { seededRandom } from '../../src/random.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'
import { type VirtualServer, virtualServer } from './virtual-server.ts'

const forever = Number.POSITIVE_INFINITY
const refused: Outcome = { kind: 'failed', failure: 'connection-refused', detail: '' }

interface Story {
  readonly clock?: VirtualClock
  readonly treat?: Parameters<typeof virtualServer>[1]
  readonly interruptAtMs?: number
  readonly beforeJump?: (nowMs: number, server: VirtualServer) => void
}

type Told = Pick<VirtualServer, 'issued'> & { readonly result: LevelResult }

/** Runs a level against a server that answers after 100 ms, unless the story says otherwise. */
async function tell(
  plan: Partial<LevelPlan> & Pick<LevelPlan, 'load'>,
  { clock = virtualClock(), treat = () => ({ takesMs: 100 }), ...story }: Story = {},
): Promise<Told> {
  const server = virtualServer(clock, treat)
  const interrupt = new AbortController()
  const { interruptAtMs } = story
  if (interruptAtMs === 0) interrupt.abort('interrupted')
  else if (interruptAtMs !== undefined)
    void clock.sleepUntil(interruptAtMs).then(() => interrupt.abort('interrupted'))
  const level = runLevel(
    {
      warmupS: 0,
      drainS: 30,
      random: seededRandom(1, 'arrivals'),
      startMs: 0,
      shard: { index: 0, count: 1 },
      ...plan,
    },
    {
      clock,
      issue: server.issue,
      cancelAll: server.cancelAll,
      shared: shareLevel(1),
      signal: interrupt.signal,
    },
  )
  const result = await clock.run(level, (nowMs) => story.beforeJump?.(nowMs, server))
  expect(server.inFlight()).toBe(0)
  expect(result.issued).toBe(server.issued.length)
  return { result, issued: server.issued }
}

/** A clock that sleeps too long when it is first asked to sleep until that moment. */
function lateOnce(dueMs: number, wakesMs: number): VirtualClock {
  const honest = virtualClock()
  let late = false
  return {
    ...honest,
    sleepUntil: (untilMs, signal) => {
      const oversleeps: boolean = !late && untilMs === dueMs
      late ||= oversleeps
      return honest.sleepUntil(oversleeps ? wakesMs : untilMs, signal)
    },
  }
}

const closed = (concurrency: number) => ({ kind: 'closed', concurrency }) as const
const quick = (): { takesMs: number } => ({ takesMs: 10 })
const constant = (ratePerS: number) => ({ kind: 'constant', ratePerS }) as const
const starts = ({ issued }: Told): number[] => issued.map(({ startMs }) => startMs)
const outcomes = ({ issued }: Told): (string | undefined)[] =>
  issued.map(({ outcome }) => outcome?.kind)
const startsOf = (told: Told, phase: string): number[] =>
  starts({ ...told, issued: told.issued.filter((request) => request.phase === phase) })

describe('closed loop', () => {
  test('keeps exactly as many requests in flight as there are users', async () => {
    const inFlight = new Set<number>()
    const told = await tell(
      { load: closed(3), durationS: 1 },
      { beforeJump: (_, server) => inFlight.add(server.inFlight()) },
    )
    expect([...inFlight]).toEqual([3])
    // 3 users, 1,000 ms, 100 ms an answer.
    expect(told.issued).toHaveLength(30)
    expect(told.result).toEqual({
      startMs: 0,
      windowStartMs: 0,
      windowEndMs: 1_000,
      endMs: 1_000,
      issued: 30,
      ended: 'complete',
    })
  })

  test('a slow answer holds up nobody but its user', async () => {
    const told = await tell(
      { load: closed(2), durationS: 0.5 },
      { treat: (k) => ({ takesMs: k === 0 ? 450 : 100 }) },
    )
    expect(starts(told)).toEqual([0, 0, 100, 200, 300, 400, 450])
  })

  test('users arrive evenly over the first half of the warm-up', async () => {
    const told = await tell({ load: closed(4), warmupS: 8, durationS: 1 })
    // Half of 8 s for 4 users is one a second; each then asks every 100 ms.
    const inFlightAt = (ms: number): number =>
      told.issued.filter(({ startMs, endMs = 0 }) => startMs <= ms && endMs > ms).length
    expect([0, 950, 1_050, 1_950, 2_050, 2_950, 3_050, 8_500].map(inFlightAt)).toEqual([
      1, 1, 2, 2, 3, 3, 4, 4,
    ])
  })

  test('a request belongs to the phase in which it starts', async () => {
    const told = await tell(
      { load: closed(1), warmupS: 1, durationS: 1 },
      { treat: () => ({ takesMs: 250 }) },
    )
    expect(startsOf(told, 'warm-up')).toEqual([0, 250, 500, 750])
    expect(startsOf(told, 'measured')).toEqual([1_000, 1_250, 1_500, 1_750])
    expect(told.result).toMatchObject({ windowStartMs: 1_000, windowEndMs: 2_000 })
  })

  test('an answer that comes after the window is waited for, and nothing is issued after it', async () => {
    const told = await tell(
      { load: closed(2), warmupS: 1, durationS: 1 },
      { treat: () => ({ takesMs: 700 }) },
    )
    // User 0 asks at 0, 700, 1,400; user 1 at 250, 950, 1,650; the last answers at 2,100 and 2,350.
    expect(starts(told)).toEqual([0, 250, 700, 950, 1_400, 1_650])
    expect(told.result).toMatchObject({ windowEndMs: 2_000, endMs: 2_350, ended: 'complete' })
    expect(outcomes(told)).not.toContain('cancelled')
  })

  test.each([
    ['at the very end of the window', 250, 1_000],
    ['after it', 350, 1_050],
  ])(
    'a user who comes back %s asks no more, however late the alarm is',
    async (_, takesMs, endMs) => {
      const told = await tell(
        { load: closed(1), durationS: 1 },
        { clock: lateOnce(1_000, 1_100), treat: () => ({ takesMs }) },
      )
      expect(told.result).toMatchObject({ windowEndMs: 1_000, endMs, ended: 'complete' })
      expect(starts(told).at(-1)).toBe(endMs - takesMs)
    },
  )

  test('what has not come when the drain is over is cancelled', async () => {
    const told = await tell(
      { load: closed(2), durationS: 1, drainS: 2 },
      { treat: (k) => ({ takesMs: k === 0 ? 1_500 : forever }) },
    )
    expect(outcomes(told)).toEqual(['completed', 'cancelled'])
    expect(told.result).toMatchObject({ windowEndMs: 1_000, endMs: 3_000, ended: 'complete' })
  })

  test('no drain cancels with the end of the window', async () => {
    const told = await tell(
      { load: closed(2), durationS: 1, drainS: 0 },
      { treat: () => ({ takesMs: forever }) },
    )
    expect(outcomes(told)).toEqual(['cancelled', 'cancelled'])
    expect(told.result).toMatchObject({ windowEndMs: 1_000, endMs: 1_000 })
  })

  test('many users are no reason for a warning of the runtime', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error): number => warnings.push(warning)
    process.on('warning', listen)
    onTestFinished(() => {
      process.off('warning', listen)
    })
    await tell({ load: closed(64), warmupS: 1, durationS: 1 })
    expect(warnings).toEqual([])
  })
})

describe('a level bounded by a count', () => {
  test('issues exactly that many, and its window ends when a user first finds none left', async () => {
    const told = await tell({ load: closed(2), requests: 5 })
    // Two at 0, two at 100, one at 200; the user who comes back second at 200 finds none left.
    expect(starts(told)).toEqual([0, 0, 100, 100, 200])
    expect(told.result).toMatchObject({ windowStartMs: 0, windowEndMs: 200, endMs: 300, issued: 5 })
  })

  test('warm-up does not count', async () => {
    const told = await tell({ load: closed(1), warmupS: 0.5, requests: 3 })
    expect(startsOf(told, 'warm-up')).toEqual([0, 100, 200, 300, 400])
    expect(startsOf(told, 'measured')).toEqual([500, 600, 700])
    expect(told.result).toMatchObject({ windowStartMs: 500, windowEndMs: 800, endMs: 800 })
  })

  test('more users than requests: those left over never ask', async () => {
    const told = await tell({ load: closed(8), requests: 3 })
    expect(starts(told)).toEqual([0, 0, 0])
    expect(told.result).toMatchObject({ issued: 3, ended: 'complete', endMs: 100 })
  })

  test.each([
    ['the count', 3, 1, 300],
    ['the time', 300, 1, 1_000],
  ])('ends with whichever comes first: %s', async (_, requests, durationS, windowEndMs) => {
    const told = await tell({ load: closed(1), requests, durationS })
    expect(told.result).toMatchObject({ windowEndMs, ended: 'complete' })
    expect(told.issued).toHaveLength(windowEndMs / 100)
  })

  test('an answer that never comes is cancelled after the drain', async () => {
    const told = await tell(
      { load: closed(2), requests: 4, drainS: 5 },
      { treat: (k) => ({ takesMs: k === 1 ? forever : 100 }) },
    )
    // User 0 asks at 0, 100 and 200 and finds none left at 300; 5 s later user 1 is told to stop.
    expect(told.result).toMatchObject({ windowEndMs: 300, endMs: 5_300, ended: 'complete' })
    expect(outcomes(told)).toEqual(['completed', 'cancelled', 'completed', 'completed'])
  })
})

describe('a server that fails', () => {
  test('a user waits 250 ms after a failure', async () => {
    const told = await tell(
      { load: closed(1), durationS: 1 },
      { treat: (k) => ({ takesMs: 100, outcome: k === 1 ? refused : undefined }) },
    )
    // 0, 100 (fails at 200), 450, 550 ...
    expect(starts(told)).toEqual([0, 100, 450, 550, 650, 750, 850, 950])
  })

  test('twenty failures without a success end the level', async () => {
    const told = await tell(
      { load: closed(1), durationS: 60 },
      { treat: () => ({ takesMs: 0, outcome: refused }) },
    )
    // One each 250 ms: the twentieth at 19 x 250.
    expect(told.result).toMatchObject({
      issued: 20,
      ended: 'too-many-failures',
      windowEndMs: 4_750,
      endMs: 4_750,
    })
  })

  test('users share the count, and those who wait for an answer are told to stop', async () => {
    const told = await tell(
      { load: closed(5), durationS: 60 },
      { treat: (k) => ({ takesMs: k === 0 ? forever : 0, outcome: refused }) },
    )
    // Four users fail at 0, 250, 500, 750 and 1,000.
    expect(told.result).toMatchObject({ issued: 21, ended: 'too-many-failures', endMs: 1_000 })
    expect(outcomes(told)[0]).toBe('cancelled')
  })

  test('in warm-up too, and the window is then empty', async () => {
    const told = await tell(
      { load: closed(1), warmupS: 30, durationS: 60 },
      { treat: () => ({ takesMs: 0, outcome: refused }) },
    )
    const { windowStartMs, windowEndMs, ended } = told.result
    expect(ended).toBe('too-many-failures')
    expect(windowEndMs - windowStartMs).toBe(0)
  })

  test('a single success is enough to go on', async () => {
    const told = await tell(
      { load: closed(1), durationS: 10 },
      { treat: (k) => ({ takesMs: 0, outcome: k === 18 ? { kind: 'completed' } : refused }) },
    )
    expect(told.result).toMatchObject({ ended: 'complete', windowEndMs: 10_000 })
    // A failure each 250 ms is 40 in 10 s, and the success costs no pause.
    expect(told.issued).toHaveLength(41)
  })

  test('a success long ago is not: 10 s of nothing but failures end the level', async () => {
    const told = await tell(
      { load: closed(1), durationS: 60 },
      { treat: (k) => ({ takesMs: 0, outcome: k === 4 ? { kind: 'completed' } : refused }) },
    )
    // Failures at 0, 250, 500 and 750, the success at 1,000; from then on failures until 11,000.
    expect(told.result).toMatchObject({ ended: 'too-many-failures', windowEndMs: 11_000 })
  })

  test('a request given up on purpose is none: its user asks again at once, and the count begins anew', async () => {
    const told = await tell(
      { load: closed(1), durationS: 10 },
      { treat: (k) => ({ takesMs: 0, outcome: k === 18 ? { kind: 'abandoned' } : refused }) },
    )
    expect(told.result).toMatchObject({ ended: 'complete', windowEndMs: 10_000 })
    // As after a success: 40 failures in 10 s, and one request without a pause.
    expect(told.issued).toHaveLength(41)
  })

  test('an open loop ends after twenty failures as well', async () => {
    const told = await tell(
      { load: constant(100), durationS: 60 },
      { treat: () => ({ takesMs: 0, outcome: refused }) },
    )
    expect(told.result).toMatchObject({ issued: 20, ended: 'too-many-failures', endMs: 190 })
  })
})

describe('an interrupt', () => {
  test('inside the window cancels at once and cuts the window', async () => {
    const told = await tell(
      { load: closed(2), warmupS: 1, durationS: 10 },
      { interruptAtMs: 1_550, treat: () => ({ takesMs: 400 }) },
    )
    expect(told.result).toMatchObject({
      windowStartMs: 1_000,
      windowEndMs: 1_550,
      endMs: 1_550,
      ended: 'interrupted',
    })
    expect(outcomes(told).slice(-2)).toEqual(['cancelled', 'cancelled'])
  })

  test('in warm-up leaves an empty window', async () => {
    const told = await tell({ load: closed(4), warmupS: 4, durationS: 10 }, { interruptAtMs: 620 })
    const { windowStartMs, windowEndMs, endMs, ended } = told.result
    expect({ endMs, ended, length: windowEndMs - windowStartMs }).toEqual({
      endMs: 620,
      ended: 'interrupted',
      length: 0,
    })
    // Of the four users, those due at 0 and 500 ms had come.
    expect(told.issued).toHaveLength(7 + 2)
  })

  test('before the start issues nothing', async () => {
    const told = await tell({ load: closed(4), durationS: 10 }, { interruptAtMs: 0 })
    expect(told.result).toMatchObject({ issued: 0, ended: 'interrupted', endMs: 0, windowEndMs: 0 })
  })

  test('while draining cancels what is left, and the window stays whole', async () => {
    const told = await tell(
      { load: closed(1), durationS: 1 },
      { interruptAtMs: 1_200, treat: () => ({ takesMs: forever }) },
    )
    expect(told.result).toMatchObject({ windowEndMs: 1_000, endMs: 1_200, ended: 'complete' })
    expect(outcomes(told)).toEqual(['cancelled'])
  })

  test.each([
    ['a closed loop that only a count bounds', { load: closed(2), requests: 1_000 }],
    ['an open loop between two requests', { load: constant(1), durationS: 60 }],
    ['an open loop that only a count bounds', { load: constant(1), requests: 60 }],
  ])('ends %s', async (_, plan) => {
    const told = await tell(plan, { interruptAtMs: 2_345 })
    expect(told.result).toMatchObject({ ended: 'interrupted', windowEndMs: 2_345, endMs: 2_345 })
  })
})

describe('open loop', () => {
  test('at a constant rate, requests are due at k / rate and sent when due', async () => {
    const told = await tell({ load: constant(8), durationS: 1 })
    const expected = [0, 125, 250, 375, 500, 625, 750, 875]
    expect(told.issued.map(({ dueMs }) => dueMs)).toEqual(expected)
    expect(starts(told)).toEqual(expected)
    expect(told.result).toMatchObject({ windowEndMs: 1_000, endMs: 1_000, ended: 'complete' })
  })

  test('a slow server does not shift the timetable: sending waits for no answer', async () => {
    const told = await tell(
      { load: constant(10), durationS: 1, drainS: 3 },
      { treat: (k) => ({ takesMs: k % 2 === 0 ? forever : 2_500 }) },
    )
    expect(starts(told)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900])
    expect(told.result).toMatchObject({ windowEndMs: 1_000, endMs: 4_000 })
    expect(outcomes(told).filter((kind) => kind === 'cancelled')).toHaveLength(5)
  })

  test('a late send does not shift the ones after it, and keeps the moment it was due', async () => {
    const told = await tell(
      { load: constant(10), durationS: 0.8 },
      { clock: lateOnce(300, 550), treat: quick },
    )
    expect(told.issued.map(({ dueMs }) => dueMs)).toEqual([0, 100, 200, 300, 400, 500, 600, 700])
    expect(starts(told)).toEqual([0, 100, 200, 550, 550, 550, 600, 700])
  })

  test('a request belongs to the phase in which it is due, however late it is sent', async () => {
    const told = await tell(
      { load: constant(10), warmupS: 0.5, durationS: 0.5 },
      { clock: lateOnce(200, 650), treat: quick },
    )
    expect(told.issued.map(({ dueMs, phase }) => [dueMs, phase])).toEqual([
      ...[0, 100, 200, 300, 400].map((dueMs) => [dueMs, 'warm-up']),
      ...[500, 600, 700, 800, 900].map((dueMs) => [dueMs, 'measured']),
    ])
    expect(starts(told)).toEqual([0, 100, 650, 650, 650, 650, 650, 700, 800, 900])
    expect(told.result).toMatchObject({ windowStartMs: 500, windowEndMs: 1_000 })
  })

  test('Poisson arrivals keep to the timetable of their seed', async () => {
    const load = { kind: 'poisson', ratePerS: 20 } as const
    const told = await tell({ load, durationS: 2, random: seededRandom(9) })
    const expected: number[] = []
    for (const dueMs of arrivalsMs(load, seededRandom(9))) {
      if (dueMs >= 2_000) break
      expected.push(dueMs)
    }
    expect(starts(told)).toEqual(expected)
  })

  test('bounded by a count: that many in the window, which ends when the next would have been due', async () => {
    const told = await tell({ load: constant(10), warmupS: 0.25, requests: 3 }, { treat: quick })
    expect(startsOf(told, 'warm-up')).toEqual([0, 100, 200])
    expect(startsOf(told, 'measured')).toEqual([300, 400, 500])
    expect(told.result).toMatchObject({ windowStartMs: 250, windowEndMs: 600 })
  })

  test('a level is not over before its window is', async () => {
    const told = await tell({ load: constant(1), requests: 3 }, { treat: quick })
    // Due at 0, 1 and 2 s, so the window of three requests at 1 per second is 3 s long.
    expect(told.result).toMatchObject({ windowEndMs: 3_000, endMs: 3_000, ended: 'complete' })
  })

  test('a count reached just before the end of the time leaves the window its length', async () => {
    // The fourth would have been due at 3 s.
    const told = await tell({ load: constant(1), requests: 3, durationS: 2.5 })
    expect(starts(told)).toEqual([0, 1_000, 2_000])
    expect(told.result).toMatchObject({ windowEndMs: 2_500, endMs: 2_500 })
  })

  test('a count beyond the end of the window is not waited for', async () => {
    const told = await tell({ load: constant(10), requests: 1_000, durationS: 0.45 })
    expect(starts(told)).toEqual([0, 100, 200, 300, 400])
    expect(told.result).toMatchObject({ windowEndMs: 450, endMs: 500, ended: 'complete' })
  })

  test('a rate so low that nothing is due still lasts as long as its window', async () => {
    const told = await tell({ load: constant(0.001), warmupS: 1, durationS: 5 })
    expect(starts(told)).toEqual([0])
    expect(told.result).toMatchObject({ windowStartMs: 1_000, windowEndMs: 6_000, endMs: 6_000 })
  })
})

describe('a limit on requests under way', () => {
  test('holds back what is due while so many are, and counts it', async () => {
    // Due every 100 ms, answered after 250: with two at once, the third waits from 200 to 250.
    const told = await tell(
      { load: { kind: 'constant', ratePerS: 10, maxInFlight: 2 }, requests: 4 },
      { treat: () => ({ takesMs: 250 }) },
    )
    expect(told.issued.map(({ dueMs }) => dueMs)).toEqual([0, 100, 200, 300])
    expect(told.issued.map(({ startMs }) => startMs)).toEqual([0, 100, 250, 350])
    expect(told.result).toMatchObject({ issued: 4, heldBack: 2 })
  })

  test('that is never reached changes nothing and is not told', async () => {
    const told = await tell({
      load: { kind: 'constant', ratePerS: 10, maxInFlight: 2 },
      requests: 4,
    })
    expect(told.issued.map(({ startMs }) => startMs)).toEqual([0, 100, 200, 300])
    expect(told.result.heldBack).toBeUndefined()
  })

  test('leaves what it never got to, counted', async () => {
    // Due each 100 ms for a second; with one at once and answers after 250 ms, four are sent in time.
    const told = await tell(
      { load: { kind: 'constant', ratePerS: 10, maxInFlight: 1 }, durationS: 1 },
      { treat: () => ({ takesMs: 250 }) },
    )
    expect(told.issued.map(({ startMs }) => startMs)).toEqual([0, 250, 500, 750])
    expect(told.result).toMatchObject({ issued: 4, neverSent: 6, windowEndMs: 1_000 })
  })

  test('does not keep a level alive past its window', async () => {
    const told = await tell(
      { load: { kind: 'constant', ratePerS: 10, maxInFlight: 1 }, durationS: 0.5, drainS: 1 },
      { treat: () => ({ takesMs: forever }) },
    )
    expect(told.result).toMatchObject({ issued: 1, windowEndMs: 500, endMs: 1_500 })
  })
})

describe('a user who thinks', () => {
  test('pauses between answer and question, and not before the first', async () => {
    const told = await tell({
      load: { kind: 'closed', concurrency: 1, thinkS: 0.4 },
      durationS: 1.2,
    })
    expect(told.issued.map(({ startMs }) => startMs)).toEqual([0, 500, 1_000])
  })
})

describe('several shards of one level', () => {
  /** Runs a level in so many shards, as the threads of a run do, on one clock. */
  async function tellShards(
    count: number,
    plan: Partial<LevelPlan> & Pick<LevelPlan, 'load'>,
    treat: Parameters<typeof virtualServer>[1],
  ): Promise<{ told: Told[]; inFlight: Set<number> }> {
    const clock = virtualClock()
    const shared = shareLevel(count)
    const servers = Array.from({ length: count }, () => virtualServer(clock, treat))
    const inFlight = new Set<number>()
    const levels = servers.map((server, index) =>
      runLevel(
        {
          warmupS: 0,
          drainS: 30,
          random: seededRandom(1, 'arrivals'),
          startMs: 0,
          shard: { index, count },
          ...plan,
        },
        {
          clock,
          issue: server.issue,
          cancelAll: server.cancelAll,
          shared: shareLevel(count, shared.memory),
          signal: new AbortController().signal,
        },
      ),
    )
    const results = await clock.run(Promise.all(levels), () =>
      inFlight.add(servers.reduce((sum, server) => sum + server.inFlight(), 0)),
    )
    return {
      told: results.map((result, shard) => ({ result, issued: servers[shard]?.issued ?? [] })),
      inFlight,
    }
  }

  test('share the users of a closed loop: together as many as one shard would have', async () => {
    const { told, inFlight } = await tellShards(
      3,
      { load: closed(7), warmupS: 2, durationS: 1 },
      () => ({ takesMs: 100 }),
    )
    expect(Math.max(...inFlight)).toBe(7)
    // Users 0, 3 and 6 are the first shard's; user k of 7 arrives at k/7 s.
    expect(told.map((each) => starts(each).slice(0, 1))).toEqual([[0], [1_000 / 7], [2_000 / 7]])
  })

  test('take from one count, not from one each', async () => {
    const { told } = await tellShards(2, { load: closed(4), requests: 10 }, () => ({
      takesMs: 100,
    }))
    expect(told.reduce((sum, { issued }) => sum + issued.length, 0)).toBe(10)
  })

  test('send each request of a timetable once, when it is due', async () => {
    const load = { kind: 'poisson', ratePerS: 50 } as const
    const { told } = await tellShards(3, { load, durationS: 2 }, quick)
    const expected: number[] = []
    for (const dueMs of arrivalsMs(load, seededRandom(1, 'arrivals'))) {
      if (dueMs >= 2_000) break
      expected.push(dueMs)
    }
    expect(told.flatMap(starts).sort((a, b) => a - b)).toEqual(expected)
    for (const [shard, each] of told.entries())
      expect(starts(each)).toEqual(expected.filter((_, k) => k % 3 === shard))
  })

  test('agree on where the count of a timetable ends', async () => {
    const { told } = await tellShards(2, { load: constant(10), warmupS: 0.25, requests: 5 }, quick)
    // Due at 300, 400 ... 700; the next would be at 800.
    expect(told.flatMap((each) => startsOf(each, 'measured')).sort((a, b) => a - b)).toEqual([
      300, 400, 500, 600, 700,
    ])
    expect(told.map(({ result }) => result.windowEndMs)).toEqual([800, 800])
  })

  test('a limit on requests under way is one for all of them', async () => {
    const load = { ...constant(100), maxInFlight: 3 }
    const { told, inFlight } = await tellShards(2, { load, durationS: 1 }, () => ({
      takesMs: 50,
    }))
    expect(Math.max(...inFlight)).toBe(3)
    // Three places of 50 ms each serve 60 a second of the 100 that are due.
    const sent = told.reduce((sum, { issued }) => sum + issued.length, 0)
    expect(sent).toBeGreaterThan(55)
    expect(sent).toBeLessThan(65)
    expect(told.every(({ result }) => (result.heldBack ?? 0) > 0)).toBe(true)
  })
})

describe('a trace', () => {
  const load = { kind: 'trace', speed: 1 } as const
  const traceMs = Float64Array.from([0, 400, 400, 900])

  test('is sent at its own times, and its last request ends the window', async () => {
    const { result, issued } = await tell({ load, traceMs })
    expect(issued.map(({ dueMs }) => dueMs)).toEqual([0, 400, 400, 900])
    expect(result).toMatchObject({ ended: 'complete', windowEndMs: 900, endMs: 1_000 })
  })

  test('begins with the warm-up, and is cut off by the end of the window', async () => {
    const { result, issued } = await tell({ load, traceMs, warmupS: 0.4, durationS: 0.3 })
    expect(issued.map(({ phase }) => phase)).toEqual(['warm-up', 'measured', 'measured'])
    expect(result).toMatchObject({ windowStartMs: 400, windowEndMs: 700 })
  })

  test('ends at the same moment in a shard whose own last request was earlier', async () => {
    const { result, issued } = await tell({ load, traceMs, shard: { index: 0, count: 2 } })
    expect(issued.map(({ dueMs }) => dueMs)).toEqual([0, 400])
    expect(result.windowEndMs).toBe(900)
  })
})

test('each request of a closed loop is issued for its user', async () => {
  const clock = virtualClock()
  const server = virtualServer(clock, () => ({ takesMs: 100 }))
  const users: (number | undefined)[] = []
  const level = runLevel(
    {
      load: { kind: 'closed', concurrency: 4 },
      warmupS: 0,
      requests: 4,
      drainS: 1,
      random: seededRandom(1),
      startMs: 0,
      shard: { index: 1, count: 2 },
    },
    {
      clock,
      issue: (phase, dueMs, onEnd, user) => {
        users.push(user)
        server.issue(phase, dueMs, onEnd)
      },
      cancelAll: server.cancelAll,
      shared: shareLevel(2),
      signal: new AbortController().signal,
    },
  )
  await clock.run(level, () => {})
  expect(users).toEqual([1, 3, 1, 3])
})
