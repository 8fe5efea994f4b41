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

test('the first seconds of work are slower by the factor, and what begins in them is slow to its end', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, slowStartS: 0.02, slowStartFactor: 3, clock })
  const first = clock.sleepUntil(100).then(() => arrivalsMs(engine, clock, ask(5, 4)))
  const second = clock.sleepUntil(500).then(() => arrivalsMs(engine, clock, ask(5, 1)))
  await run()
  // Slow from 100 to 120: a prefill of 3 x 5, a step of 3 x 11 that begins at 115; then steps of 11.
  expect(await first).toEqual([115, 148, 159, 170])
  // A rest does not make it cold again.
  expect(await second).toEqual([505])
})

test('from a moment on everything takes longer, by as much more each second', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, driftAfterS: 0.02, driftPerS: 10, clock })
  const at = clock.sleepUntil(100).then(() => arrivalsMs(engine, clock, ask(5, 4)))
  await run()
  // First work at 100. Steps of 11 ms from 105 and 116; from 127, 7 ms after 120, 11 x 1.07.
  const arrivals = await at
  expect(arrivals.slice(0, 3)).toEqual([105, 116, 127])
  expect(arrivals[3]).toBeCloseTo(127 + 11 * 1.07, 9)
})

test('a slow start and a drift multiply', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({
    ...law,
    slowStartS: 1,
    slowStartFactor: 3,
    driftPerS: 10,
    clock,
  })
  const at = arrivalsMs(engine, clock, ask(5, 2))
  await run()
  // A prefill of 3 x 5; a step of 11 from 15 on, 3 x 1.15 times as long.
  expect((await at)[1]).toBeCloseTo(15 + 11 * 3 * 1.15, 9)
})

test('a request waits until its prompt and its answer fit, and nobody overtakes it', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, slots: 4, kvTokens: 20, clock })
  // 8, 13 and 2 tokens: the third would fit beside the first, the second does not.
  const [first, second, third] = [ask(5, 3), ask(10, 3), ask(1, 1)].map((request) =>
    arrivalsMs(engine, clock, request),
  )
  await everyoneHasActed()
  expect(engine.occupancy()).toEqual({ running: 1, waiting: 2 })
  await run()
  expect(await first).toEqual([5, 16, 27])
  // Prefills from 27 to 37 and to 38, then steps of one.
  expect(await second).toEqual([37, 49, 60])
  expect(await third).toEqual([38])
})

test('without a limit all of them run at once', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, slots: 4, clock })
  const answers = [ask(5, 3), ask(10, 3), ask(1, 1)].map((r) => arrivalsMs(engine, clock, r))
  await run()
  expect((await Promise.all(answers)).map((at) => at[0])).toEqual([5, 15, 16])
})

test('room is given back by a request that leaves, too', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, kvTokens: 100, clock })
  const leaving = new AbortController()
  const first = arrivalsMs(engine, clock, ask(5, 90, { signal: leaving.signal }))
  const second = arrivalsMs(engine, clock, ask(5, 90))
  void clock.sleepUntil(20).then(() => leaving.abort())
  await run()
  expect(await first).toEqual([5, 16])
  // The step under way at 20 ends at 27.
  expect((await second).slice(0, 2)).toEqual([32, 43])
})

test('what can never fit is beyond the context, and so is refused', () => {
  expect(simulatedEngine({ kvTokens: 100 }).contextTokens).toBe(100)
  expect(simulatedEngine({ kvTokens: 100, contextTokens: 50 }).contextTokens).toBe(50)
})

/** When each prompt of `prompts`, one asked every second, got its first token. */
async function prefillsMs(options: Partial<SimulatedOptions>, prompts: readonly string[]) {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, ...options, clock })
  const answers = prompts.map(async (prompt, second) => {
    await clock.sleepUntil(second * 1000)
    const [at = Number.NaN] = await arrivalsMs(engine, clock, ask(1, 1, { prompt }))
    return at - second * 1000
  })
  await run()
  return Promise.all(answers)
}

test('with a prefix cache only what follows the known beginning is read, in blocks of 16 tokens', async () => {
  const words = (count: number, word: string) => `${word} `.repeat(count)
  const prompts = [
    words(40, 'a'),
    words(40, 'a'), // The same again.
    words(32, 'a') + words(8, 'b'), // Two blocks are known.
    words(8, 'b') + words(32, 'a'), // It begins otherwise.
    words(20, 'a'), // One block; the end of the prompt falls into another.
  ]
  expect(await prefillsMs({ prefixCache: true }, prompts)).toEqual([40, 0, 8, 40, 4])
  expect(await prefillsMs({}, prompts)).toEqual([40, 40, 40, 40, 20])
})

test('the tokens of a step can leave one by one, evenly over it', async () => {
  const { clock, run } = virtualClock()
  const engine = simulatedEngine({ ...law, spread: true, clock })
  const first = arrivalsMs(engine, clock, ask(5, 3))
  const second = arrivalsMs(engine, clock, ask(10, 3))
  await run()
  // Prefills end at 5 and 15; then steps of 12 ms, with a token each half of them.
  expect(await first).toEqual([5, 21, 33])
  expect(await second).toEqual([15, 27, 39])
})

test('a token is a word between white space', () => {
  expect(simulatedEngine().countTokens(' the quick\n\tfox, ')).toBe(3)
  expect(simulatedEngine().countTokens('  ')).toBe(0)
})
