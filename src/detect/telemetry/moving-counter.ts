/**
 * An energy counter that never moves counts nothing, and says so only by standing still: there are
 * cards that tell 0 J for ever (intel/drivers.gpu.control-library#138) and virtual machines that hand
 * out a dead register. So a counter is believed from the first time it moves: what this returns is
 * unknown until then.
 */
export function believeWhenMoving(): (value: number | undefined) => number | undefined {
  let first: number | undefined
  let moved = false
  return (value) => {
    if (value === undefined) return undefined
    first ??= value
    moved ||= value !== first
    return moved ? value : undefined
  }
}

/** Long enough for every counter of energy that works to move: the slowest known take 100 ms. */
const MOVE_MS = 150

/** Of counters read twice, a moment apart: which stood still. */
export async function standingStill(
  counters: readonly (() => number | undefined)[],
): Promise<readonly boolean[]> {
  const before = counters.map((read) => read())
  await new Promise((resolve) => setTimeout(resolve, MOVE_MS))
  return counters.map((read, place) => read() === before[place])
}
