import { grownTo } from '../typed-array.ts'

/**
 * Times of one request's chunks in whole microseconds since the run's epoch: the first as it is, each
 * later one as its gap to the one before, 4 bytes. Reused from request to request: copy to keep.
 */
export interface Stamps {
  count: number
  firstUs: number
  lastUs: number
  /** `gapsUs[i]` lies between chunk i and chunk i + 1; valid up to `count - 1`. */
  gapsUs: Uint32Array<ArrayBuffer>
}

const FEWEST = 8

/** @param expected how many chunks are likely; more are taken too */
export function createStamps(expected: number): Stamps {
  return { count: 0, firstUs: 0, lastUs: 0, gapsUs: new Uint32Array(Math.max(FEWEST, expected)) }
}

/** @param us whole microseconds, not before the stamp added last */
export function addStamp(stamps: Stamps, us: number): void {
  if (stamps.count === 0) stamps.firstUs = us
  else {
    const at = stamps.count - 1
    if (at === stamps.gapsUs.length)
      stamps.gapsUs = grownTo(stamps.gapsUs, at, (length) => new Uint32Array(length))
    stamps.gapsUs[at] = us - stamps.lastUs
  }
  stamps.lastUs = us
  stamps.count++
}

/** Forgets the times and keeps the room. */
export function clearStamps(stamps: Stamps): void {
  stamps.count = 0
}

/** All times, in ms; in an array of just that length, as arrays that grow take half as much again. */
export function stampsMs({ count, firstUs, gapsUs }: Stamps): number[] {
  const times = new Array<number>(count)
  let us = firstUs
  for (let i = 0; i < count; i++) {
    if (i > 0) us += gapsUs[i - 1] ?? 0
    times[i] = us / 1000
  }
  return times
}
