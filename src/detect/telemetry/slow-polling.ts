import { messageOf } from '../../errors.ts'
import type { OpenSource, OwnReading, SamplerWorld } from './source.ts'

/** Silence after which what is asked is taken for gone, ms. */
const GONE_MS = 15_000
const CLOSE_MS = 1_000

/**
 * Asks beside the sampler's looks, which come faster than there is an answer: never twice at once, and
 * no oftener than every `periodMs`. The moment of a reading is halfway between question and answer.
 */
export function pollSlowly(
  world: SamplerWorld,
  periodMs: number,
  ask: () => Promise<Omit<OwnReading, 'device' | 'atMs'>>,
): Omit<OpenSource, 'devices'> {
  let told: OwnReading[] = []
  let askedMs = Number.NEGATIVE_INFINITY
  let heardMs = world.nowMs()
  let trouble = 'no answer'
  let asking: Promise<void> | undefined
  const askOnce = async () => {
    const fromMs = world.nowMs()
    askedMs = fromMs
    try {
      const reading = await ask()
      heardMs = world.nowMs()
      told.push({ device: 0, atMs: (fromMs + heardMs) / 2, ...reading })
    } catch (error) {
      trouble = messageOf(error)
    }
    asking = undefined
  }
  return {
    look: () => {
      const nowMs = world.nowMs()
      if (asking === undefined && nowMs - askedMs >= periodMs) asking = askOnce()
      if (nowMs - heardMs > GONE_MS) throw new Error(`no answer for ${GONE_MS} ms: ${trouble}`)
      const taken = told
      told = []
      return taken
    },
    close: async () => {
      await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
    },
  }
}
