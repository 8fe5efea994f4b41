import { expect, test } from 'vitest'
import type { Clock } from '../../src/load/clock.ts'
import type { Engine, GenerateRequest } from '../../src/serve/engine.ts'
import { type SimulatedOptions, simulatedEngine } from '../../src/serve/simulated.ts'
import { everyoneHasActed, virtualClock } from './virtual-clock.ts'

/** A prompt token takes 1 ms; a step takes 10 ms and 1 ms for each answer in it. */
const law: Partial<SimulatedOptions> = {
  prefillTokensPerS: 1000,
  decodeBaseMs: 10,
  decodePerSequenceMs: 1,
  jitterRatio: 0,
  slots: 2,
}

function ask(promptWords: number, maxTokens: number, more: Partial<GenerateRequest> = {}) {
  return {
    prompt: 'word '.repeat(promptWords),
    maxTokens,
    minTokens: 0,
    seed: 1,
    signal: new AbortController().signal,
    ...more,
  }
}

/** When each piece of the answer arrived. */
async function arrivalsMs(engine: Engine, clock: Clock, request: GenerateRequest) {
  const at: number[] = []
  for await (const _piece of engine.generate(request)) at.push(clock.nowMs())
  return at
}

async function textOf(engine: Engine, request: GenerateRequest): Promise<string> {
  let text = ''
  for await (const piece of engine.generate(request)) text += piece.text
  return text
}

test('a lone request waits for its prefill and then one step per token', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, clock })
  const at = arrivalsMs(engine, clock, ask(5, 3))
  await run()
  // 5 prompt tokens at 1 ms each, then steps of 10 + 1 ms.
  expect(await at).toEqual([5, 16, 27])
})

test('prompts are read one after the other, and both answers then share each step', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, clock })
  const first = arrivalsMs(engine, clock, ask(5, 3))
  const second = arrivalsMs(engine, clock, ask(10, 3))
  await run()
  // Prefills end at 5 and 15; a step of two takes 10 + 2 x 1 ms.
  expect(await first).toEqual([5, 27, 39])
  expect(await second).toEqual([15, 27, 39])
})

test('a request that comes during a step is read when the step ends, before the next one', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, clock })
  const first = arrivalsMs(engine, clock, ask(5, 3))
  const second = clock.sleepUntil(8).then(() => arrivalsMs(engine, clock, ask(10, 2)))
  await run()
  // The step that began at 5 ends at 16; the prefill takes 10 more; then a step of two.
  expect(await first).toEqual([5, 16, 38])
  expect(await second).toEqual([26, 38])
})

test('beyond the slots requests wait, and the first to come is the first to go', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, slots: 1, clock })
  const answers = [4, 3, 2].map((words) => arrivalsMs(engine, clock, ask(words, 2)))
  await everyoneHasActed()
  expect(engine.occupancy()).toEqual({ running: 1, waiting: 2 })
  await run()
  // 4 + 11 = 15; then 3 + 11 more; then 2 + 11 more.
  expect(await Promise.all(answers)).toEqual([
    [4, 15],
    [18, 29],
    [31, 42],
  ])
  expect(engine.occupancy()).toEqual({ running: 0, waiting: 0 })
})

test('waking late does not accumulate: the timetable is absolute', async () => {
  let nowMs = 0
  const lateClock: Clock = {
    nowMs: () => nowMs,
    sleepUntil: async (dueMs) => {
      nowMs = Math.max(nowMs, dueMs) + 3
      await everyoneHasActed()
    },
  }
  const engine = simulatedEngine({ ...law, clock: lateClock })
  // Due at 5, 16 and 27, and each time 3 ms late.
  expect(await arrivalsMs(engine, lateClock, ask(5, 3))).toEqual([8, 19, 30])
})

test('after a rest the clock of a request starts when it comes', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, clock })
  const first = arrivalsMs(engine, clock, ask(5, 1))
  const second = clock.sleepUntil(100).then(() => arrivalsMs(engine, clock, ask(5, 1)))
  await run()
  expect(await first).toEqual([5])
  expect(await second).toEqual([105])
})

test('an aborted answer ends at once, and its slot is free at the next step', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, slots: 1, clock })
  const leaving = new AbortController()
  const first = arrivalsMs(engine, clock, ask(5, 100, { signal: leaving.signal }))
  const second = arrivalsMs(engine, clock, ask(5, 1))
  const left = clock.sleepUntil(20).then(() => {
    leaving.abort()
    return engine.occupancy()
  })
  await run()
  expect(await first).toEqual([5, 16])
  expect(await left).toEqual({ running: 0, waiting: 1 })
  // The step under way at 20 ends at 27.
  expect(await second).toEqual([32])
})

test('a request aborted in the queue takes no slot and no time', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, slots: 1, clock })
  const leaving = new AbortController()
  const first = arrivalsMs(engine, clock, ask(5, 2))
  const second = arrivalsMs(engine, clock, ask(50, 2, { signal: leaving.signal }))
  const third = arrivalsMs(engine, clock, ask(5, 1))
  leaving.abort()
  expect(engine.occupancy()).toEqual({ running: 1, waiting: 1 })
  await run()
  expect(await first).toEqual([5, 16])
  expect(await second).toEqual([])
  expect(await third).toEqual([21])
})

test('a reader that stops early frees its slot', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, clock })
  const readOne = async () => {
    for await (const _piece of engine.generate(ask(5, 100))) break
  }
  const read = readOne()
  await run()
  await read
  expect(engine.occupancy()).toEqual({ running: 0, waiting: 0 })
})

test('closing the engine ends every answer without waiting for its step', async () => {
  const { clock } = virtualClock()
  const engine = simulatedEngine({ ...law, slots: 1, clock })
  const answers = [1, 2].map(() => arrivalsMs(engine, clock, ask(5, 5)))
  await everyoneHasActed()
  await engine.close()
  expect(await Promise.all(answers)).toEqual([[], []])
})

test('tokens can be handed out several at a time, and none is lost at the end', async () => {
  const engine = simulatedEngine({ prefillTokensPerS: 1e9, decodeBaseMs: 0, tokensPerChunk: 4 })
  const tokens: number[] = []
  for await (const piece of engine.generate(ask(3, 10))) tokens.push(piece.tokens)
  expect(tokens).toEqual([4, 4, 2])
})

test('an answer ends by itself unless it must not', async () => {
  const engine = simulatedEngine({ decodeBaseMs: 0, naturalOutputTokens: 3 })
  const count = async (request: GenerateRequest) =>
    engine.countTokens(await textOf(engine, request))
  expect(await count(ask(1, 10))).toBe(3)
  expect(await count(ask(1, 10, { minTokens: 5 }))).toBe(5)
  expect(await count(ask(1, 2))).toBe(2)
})

test('the same seed says the same words, another seed others', async () => {
  const engine = simulatedEngine({ decodeBaseMs: 0 })
  const [one, same, other] = await Promise.all(
    [7, 7, 8].map((seed) => textOf(engine, ask(1, 20, { seed }))),
  )
  expect(one).toMatch(/^( [a-z]+){20}$/)
  expect(same).toBe(one)
  expect(other).not.toBe(one)
})

test('jitter stays within its ratio and repeats with its seed', async () => {
  const times = await Promise.all(
    [1, 1, 2].map(async (seed) => {
      const { clock, run } = virtualClock()
      const engine = simulatedEngine({ ...law, jitterRatio: 0.2, seed, clock })
      const at = arrivalsMs(engine, clock, ask(5, 50))
      await run()
      return at
    }),
  )
  const [one = [], same, other] = times
  const gaps = one.slice(1).map((ms, index) => ms - (one[index] ?? 0))
  // 11 ms, 20 % either way.
  expect(Math.min(...gaps)).toBeGreaterThan(8.8)
  expect(Math.max(...gaps)).toBeLessThan(13.2)
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(2)
  expect(same).toEqual(one)
  expect(other).not.toEqual(one)
})

test('a token is a word between white space', () => {
  expect(simulatedEngine().countTokens(' the quick\n\tfox, ')).toBe(3)
  expect(simulatedEngine().countTokens('  ')).toBe(0)
})
