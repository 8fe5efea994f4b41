import { startBatchLoop } from '../../src/serve/batch-loop.ts'
import type { Engine } from '../../src/serve/engine.ts'

/** An engine that always says these texts, a token each, and never more; a token is a word. */
export function scriptedEngine(texts: readonly string[], slots = 4): Engine {
  const loop = startBatchLoop<{ said: number }>({
    slots,
    begin: () => ({ said: 0 }),
    step: async (jobs) => {
      await new Promise((resolve) => setImmediate(resolve))
      for (const { request, state, emit, finish } of jobs) {
        const text = texts[state.said]
        if (text === 'fail') throw new Error('the engine broke')
        if (text !== undefined) emit({ text, tokens: 1 })
        state.said += 1
        if (state.said >= Math.min(texts.length, request.maxTokens)) finish()
      }
    },
  })
  return {
    name: 'scripted',
    model: 'script',
    simulated: true,
    weights: 'random',
    contextTokens: 100,
    slots,
    countTokens: (text) => text.match(/\S+/g)?.length ?? 0,
    generate: loop.generate,
    occupancy: loop.occupancy,
    close: loop.close,
  }
}
