/**
 * The point of [low, high] where `isBelow` turns from true to false, to the last bit, by halving.
 *
 * @param isBelow true left of the point sought, false right of it
 */
export function bisect(isBelow: (x: number) => boolean, low: number, high: number): number {
  let [below, above] = [low, high]
  for (;;) {
    const middle = below + (above - below) / 2
    if (middle <= below || middle >= above) return middle
    if (isBelow(middle)) below = middle
    else above = middle
  }
}

/** Smallest integer of [low, high] for which `holds`; `high + 1` where there is none. Once it holds it must go on. */
export function firstInteger(holds: (k: number) => boolean, low: number, high: number): number {
  let [from, to] = [low, high + 1]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    if (holds(middle)) to = middle
    else from = middle + 1
  }
  return from
}
