/** A seeded source of numbers in [0, 1). Same seed, same numbers, on every platform. */
export type Random = () => number

/**
 * Small Fast Counter generator (sfc32, Chris Doty-Humphrey, PractRand): 128 bits of state, passes
 * PractRand; seeded through `splitmix32` so that near seeds give unrelated streams.
 *
 * @param seed any integer
 * @param stream names an independent stream of the same seed, e.g. `'arrivals'` or `'prompts'`
 */
export function seededRandom(seed: number, stream = ''): Random {
  const next = splitmix32(seed ^ hash32(stream))
  let a = next()
  let b = next()
  let c = next()
  let counter = 1
  const draw = (): number => {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return (t >>> 0) / 4_294_967_296
  }
  for (let i = 0; i < 12; i++) draw()
  return draw
}

/** An integer in [0, limit). */
export function randomInteger(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

/** Exponential with the given mean, by inversion; the gap between arrivals of a Poisson process. */
export function randomExponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean
}

/** Standard normal, by the Box-Muller transform. */
export function randomNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/**
 * Gamma with the given shape and mean 1, by Marsaglia and Tsang's method (ACM TOMS 26, 2000); below
 * shape 1 through shape + 1 and a power of a uniform draw, as they propose.
 */
export function randomGamma(random: Random, shape: number): number {
  if (shape < 1) {
    const boosted = randomGamma(random, shape + 1) * (shape + 1)
    return (boosted * (1 - random()) ** (1 / shape)) / shape
  }
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = randomNormal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v))
      return (d * v) / shape
  }
}

function splitmix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) | 0
  }
}

/** FNV-1a, 32 bits. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return hash | 0
}
