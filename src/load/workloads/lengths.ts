import { type Random, randomInteger, randomNormal } from '../../random.ts'

/**
 * A length in tokens: fixed, or drawn for each request. A drawn length is rounded to an integer and
 * clipped: what falls outside `min` to `max` becomes the bound itself.
 *
 * `mean` and `sd` are those of the lengths before clipping, of a log-normal one too.
 */
export type TokenLength =
  | number
  | { readonly kind: 'uniform'; readonly min: number; readonly max: number }
  | {
      readonly kind: 'normal' | 'lognormal'
      readonly mean: number
      readonly sd: number
      readonly min: number
      readonly max: number
    }

/** One length. A fixed one draws nothing. */
export function drawTokens(length: TokenLength, random: Random): number {
  if (typeof length === 'number') return length
  switch (length.kind) {
    case 'uniform':
      return length.min + randomInteger(random, length.max - length.min + 1)
    case 'normal':
      return clip(length.mean + length.sd * randomNormal(random), length)
    case 'lognormal': {
      const { mu, sigma } = logOf(length)
      return clip(Math.exp(mu + sigma * randomNormal(random)), length)
    }
  }
}

/** The shortest and the longest that can be drawn. */
export function boundsOf(length: TokenLength): { readonly min: number; readonly max: number } {
  return typeof length === 'number' ? { min: length, max: length } : length
}

/** The mean of what is drawn, clipping included; rounding moves it by less than its own step. */
export function meanTokens(length: TokenLength): number {
  if (typeof length === 'number') return length
  const { min, max } = length
  switch (length.kind) {
    case 'uniform':
      return (min + max) / 2
    case 'normal': {
      const { mean, sd } = length
      if (sd === 0) return clip(mean, length)
      const low = (min - mean) / sd
      const high = (max - mean) / sd
      return (
        min * phi(low) +
        max * (1 - phi(high)) +
        mean * (phi(high) - phi(low)) -
        sd * (density(high) - density(low))
      )
    }
    case 'lognormal': {
      const { mu, sigma } = logOf(length)
      if (sigma === 0) return clip(length.mean, length)
      const low = (Math.log(min) - mu) / sigma
      const high = (Math.log(max) - mu) / sigma
      return (
        min * phi(low) +
        max * (1 - phi(high)) +
        length.mean * (phi(high - sigma) - phi(low - sigma))
      )
    }
  }
}

/** Short words for a length: `1024`, `16 to 64`, `about 512 (16 to 2048)`. */
export function describeTokens(length: TokenLength, format: (tokens: number) => string): string {
  if (typeof length === 'number') return format(length)
  const range = `${format(length.min)} to ${format(length.max)}`
  return length.kind === 'uniform' ? range : `about ${format(length.mean)} (${range})`
}

/** Of the normal distribution whose exponential has that mean and standard deviation. */
function logOf({ mean, sd }: { readonly mean: number; readonly sd: number }): {
  mu: number
  sigma: number
} {
  const variance = Math.log1p((sd / mean) ** 2)
  return { mu: Math.log(mean) - variance / 2, sigma: Math.sqrt(variance) }
}

function clip(value: number, { min, max }: { readonly min: number; readonly max: number }): number {
  return Math.min(max, Math.max(min, Math.round(value)))
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
}

/**
 * The standard normal distribution function, to 7.5e-8 (Abramowitz and Stegun, Handbook of
 * Mathematical Functions, 26.2.17).
 */
function phi(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z))
  const series =
    t *
    (0.319_381_53 +
      t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))))
  const tail = density(z) * series
  return z > 0 ? 1 - tail : tail
}
