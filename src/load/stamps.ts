/** Times of one request's chunks, 8 bytes each: a growing array of doubles. */
export interface Stamps {
  times: Float64Array
  count: number
}

/** @param expected how many are likely; more are taken too */
export function createStamps(expected: number): Stamps {
  return { times: new Float64Array(Math.max(8, expected)), count: 0 }
}

export function addStamp(stamps: Stamps, ms: number): void {
  if (stamps.count === stamps.times.length) {
    const longer = new Float64Array(2 * stamps.count)
    longer.set(stamps.times)
    stamps.times = longer
  }
  stamps.times[stamps.count++] = ms
}

export function stampAt({ times, count }: Stamps, index: number): number | undefined {
  return index < count ? times[index] : undefined
}

export function lastStamp({ times, count }: Stamps): number | undefined {
  return times[count - 1]
}
