import type { Maybe } from '../../arithmetic.ts'
import { type Random, randomInteger } from '../../random.ts'
import { laggedProduct } from './autocorrelation.ts'
import { percentileDefinitions } from './percentile-definitions.ts'

/** How a series is drawn again. Blocks keep what neighbours have in common. */
export type Blocks =
  | { readonly kind: 'independent' }
  /** Runs of a fixed length from anywhere (Künsch, Annals of Statistics 17, 1989). */
  | { readonly kind: 'moving'; readonly length: number }
  /** Runs of geometric length, the end joined to the start (Politis and Romano, JASA 89, 1994). */
  | { readonly kind: 'stationary'; readonly meanLength: number }

export interface BootstrapOptions {
  readonly n: number
  /** The figure of one resample, given as indices into the n values, one of them possibly several times. */
  readonly statistic: (indices: Uint32Array) => number
  readonly blocks: Blocks
  readonly resamples: number
  readonly confidence?: number
  readonly random: Random
}

export interface BootstrapInterval {
  readonly low: Maybe
  readonly high: Maybe
  /** Standard deviation of the figure over the resamples. */
  readonly standardError: number
}

/**
 * Percentile bootstrap (Efron): the middle part of the figure's law over resamples. Too narrow for
 * tails, p99 of 100 independent samples is covered by 66 % instead of 95: use order statistics where
 * n (1 - p) is under 10, and Student's t for ratios of fewer than 10 runs.
 *
 * The array handed to `statistic` is used again for the next resample.
 */
export function bootstrapInterval(options: BootstrapOptions): BootstrapInterval {
  const { n, statistic, blocks, resamples, confidence = 0.95, random } = options
  const indices = new Uint32Array(n)
  const figures = new Float64Array(resamples)
  for (let i = 0; i < resamples; i++) {
    drawIndices(indices, blocks, random)
    figures[i] = statistic(indices)
  }
  const standardError = deviation(figures)
  figures.sort()
  const tail = ((1 - confidence) / 2) * 100
  const { of } = percentileDefinitions.linear
  return { low: of(figures, tail), high: of(figures, 100 - tail), standardError }
}

function drawIndices(indices: Uint32Array, blocks: Blocks, random: Random): void {
  switch (blocks.kind) {
    case 'independent':
      drawMoving(indices, 1, random)
      break
    case 'moving':
      drawMoving(indices, Math.min(blocks.length, indices.length), random)
      break
    case 'stationary':
      drawStationary(indices, blocks.meanLength, random)
      break
  }
}

function drawMoving(indices: Uint32Array, length: number, random: Random): void {
  const starts = indices.length - length + 1
  for (let at = 0, from = 0; at < indices.length; at++) {
    if (at % length === 0) from = randomInteger(random, starts) - at
    indices[at] = from + at
  }
}

function drawStationary(indices: Uint32Array, meanLength: number, random: Random): void {
  const n = indices.length
  let index = 0
  for (let at = 0; at < n; at++) {
    index = at === 0 || random() * meanLength < 1 ? randomInteger(random, n) : (index + 1) % n
    indices[at] = index
  }
}

function deviation(values: Float64Array): number {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
  return Math.sqrt(squares / Math.max(1, values.length - 1))
}

/**
 * Mean block length that makes the stationary bootstrap of a mean most accurate (Politis and White,
 * Econometric Reviews 23, 2004, as corrected by Patton, Politis and White 28, 2009): (G² / g²)^(1/3)
 * n^(1/3), G = sum |k| R(k) and g = sum R(k) under a flat-top window over the lags that matter. At
 * least 1; at most min(3 sqrt(n), n/3), as they advise.
 *
 * @returns unknown for a constant series
 */
export function blockLength(values: readonly number[]): Maybe {
  const n = values.length
  const centre = values.reduce((sum, value) => sum + value, 0) / n
  const centred = Float64Array.from(values, (value) => value - centre)
  const square = laggedProduct(centred, 0)
  if (!(square > 0)) return undefined
  const correlation = (lag: number): number => laggedProduct(centred, lag) / square
  const lags = 2 * lastLagThatMatters(n, correlation)
  let [weighted, total] = [0, 1]
  for (let lag = 1; lag <= lags; lag++) {
    const share = 2 * Math.min(1, 2 * (1 - lag / lags)) * correlation(lag)
    weighted += lag * share
    total += share
  }
  const length = Math.cbrt((weighted / total) ** 2 * n)
  return Math.max(1, Math.min(length, 3 * Math.sqrt(n), n / 3))
}

/** The lag after which five and more in a row (log10 n) are no larger than chance makes them: 2 sqrt(log10(n) / n). */
function lastLagThatMatters(n: number, correlation: (lag: number) => number): number {
  const quiet = Math.max(5, Math.ceil(Math.sqrt(Math.log10(n))))
  const chance = 2 * Math.sqrt(Math.log10(n) / n)
  const limit = Math.ceil(Math.sqrt(n)) + quiet
  let last = 0
  for (let lag = 1; lag <= limit && lag - last <= quiet; lag++)
    if (Math.abs(correlation(lag)) > chance) last = lag
  return Math.max(1, last)
}
