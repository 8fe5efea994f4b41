import { hoursOf, type LoadDuration } from './load-duration.ts'

/**
 * A load-duration curve in which only proportions count: loads against their mean, highest first, and the share of the time that each
 * lasts. Two columns of equal length.
 */
export interface LoadShape {
  readonly relative: Float64Array
  readonly share: Float64Array
}

/** Loads of a curve / their mean. Of a curve without demand, a flat one. */
export function shapeOf(curve: LoadDuration): LoadShape {
  const hours = hoursOf(curve)
  const total = curve.reduce((sum, step) => sum + step.tokensPerS * step.hours, 0)
  if (total === 0) return { relative: Float64Array.of(1), share: Float64Array.of(1) }
  const mean = total / hours
  return {
    relative: Float64Array.from(curve, ({ tokensPerS }) => tokensPerS / mean),
    share: Float64Array.from(curve, (step) => step.hours / hours),
  }
}

/** Highest load / mean load. */
export function peakToMean({ relative }: LoadShape): number {
  return relative[0] ?? 1
}

/** Mean of what a capacity serves of a demand: sum of min(load, capacity) x share of the time. */
export function meanServed(shape: LoadShape, mean: number, capacity: number): number {
  const { relative, share } = shape
  let served = 0
  for (let i = 0; i < relative.length; i++) {
    served += Math.min((relative[i] as number) * mean, capacity) * (share[i] as number)
  }
  return served
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
