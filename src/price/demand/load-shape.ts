import { hoursOf, type LoadDuration } from './load-duration.ts'

/**
 * A load-duration curve in which only proportions count: loads against their mean, highest first, and the share of the time that each
 * lasts. Two columns of equal length, and two of one more with what they add up to, so that many capacities can be tried quickly.
 */
export interface LoadShape {
  readonly relative: Float64Array
  readonly share: Float64Array
  /** Share of the time that the first 0, 1, 2 ... loads last together. */
  readonly shareOfFirst: Float64Array
  /** Mean over the time of all loads but the first 0, 1, 2 ... */
  readonly meanOfRest: Float64Array
}

/** Loads of a curve / their mean. Of a curve without demand, a flat one. */
export function shapeOf(curve: LoadDuration): LoadShape {
  const hours = hoursOf(curve)
  const total = curve.reduce((sum, step) => sum + step.tokensPerS * step.hours, 0)
  if (total === 0) return summedUp(Float64Array.of(1), Float64Array.of(1))
  const mean = total / hours
  return summedUp(
    Float64Array.from(curve, ({ tokensPerS }) => tokensPerS / mean),
    Float64Array.from(curve, (step) => step.hours / hours),
  )
}

function summedUp(relative: Float64Array, share: Float64Array): LoadShape {
  const shareOfFirst = new Float64Array(relative.length + 1)
  const meanOfRest = new Float64Array(relative.length + 1)
  for (let i = 0; i < relative.length; i++)
    shareOfFirst[i + 1] = (shareOfFirst[i] as number) + (share[i] as number)
  for (let i = relative.length - 1; i >= 0; i--)
    meanOfRest[i] = (meanOfRest[i + 1] as number) + (relative[i] as number) * (share[i] as number)
  return { relative, share, shareOfFirst, meanOfRest }
}

/** Highest load / mean load. */
export function peakToMean({ relative }: LoadShape): number {
  return relative[0] ?? 1
}

/**
 * Mean of what a capacity serves of a demand, sum of min(load, capacity) x share of the time: all of it while loads are above it, and
 * the loads themselves at other times.
 */
export function meanServed(shape: LoadShape, mean: number, capacity: number): number {
  const above = loadsAbove(shape, mean, capacity)
  return (
    capacity * (shape.shareOfFirst[above] as number) + mean * (shape.meanOfRest[above] as number)
  )
}

/** How many of the loads are above a capacity, by halving. */
function loadsAbove({ relative }: LoadShape, mean: number, capacity: number): number {
  let low = 0
  let high = relative.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((relative[middle] as number) * mean > capacity) low = middle + 1
    else high = middle
  }
  return low
}

/** Mean over the time of what `of` makes of each load. */
export function meanOver(shape: LoadShape, mean: number, of: (load: number) => number): number {
  const { relative, share } = shape
  let total = 0
  for (let i = 0; i < relative.length; i++) {
    total += of((relative[i] as number) * mean) * (share[i] as number)
  }
  return total
}
