import { type Random, randomExponential, randomGamma } from '../random.ts'
import { MS_PER_S } from '../units.ts'
import type { LoadLevel } from './benchmark.ts'

/** An open-loop load level. */
export type OpenLevel = Exclude<LoadLevel, { kind: 'closed' }>

/**
 * When each request of an open-loop level is due, in ms after the level's start: an absolute
 * timetable, so that a late send never shifts the ones after it. Endless; the caller stops.
 *
 * Constant: request k at k / rate. Poisson: exponential gaps of mean 1 / rate, the first one too.
 * Gamma: gaps of mean 1 / rate and the given shape.
 */
export function* arrivalsMs(level: OpenLevel, random: Random): Generator<number, never> {
  const gapMs = MS_PER_S / level.ratePerS
  let dueMs = 0
  for (let k = 0; ; k++) {
    switch (level.kind) {
      case 'constant':
        dueMs = k * gapMs
        break
      case 'poisson':
        dueMs += randomExponential(random, gapMs)
        break
      case 'gamma':
        dueMs += randomGamma(random, level.shape) * gapMs
        break
    }
    yield dueMs
  }
}
