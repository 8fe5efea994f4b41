/** P(Z <= z) of the standard normal law. */
export function normalCdf(z: number): number {
  return normalUpperTail(-z)
}

/**
 * P(Z > z) of the standard normal law, small tails without loss of digits: the series of DLMF 7.6.2
 * near the middle, the continued fraction of Abramowitz and Stegun 26.2.14 from 3 on.
 */
export function normalUpperTail(z: number): number {
  if (z < 0) return 1 - normalUpperTail(-z)
  if (z === Infinity) return 0
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  return z < 3 ? 0.5 - density * middleSeries(z) : density / tailFraction(z)
}

/**
 * z with P(Z <= z) = p, by M. J. Wichura's PPND16 (Algorithm AS 241, Applied Statistics 37, 1988); relative error
 * about 1e-16. Infinite at 0 and 1.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) return q * rational(CENTRE, 0.180625 - q * q)
  const tail = Math.min(p, 1 - p)
  if (tail <= 0) return q < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  const r = Math.sqrt(-Math.log(tail))
  const z = r <= 5 ? rational(TAIL, r - 1.6) : rational(FAR_TAIL, r - 5)
  return q < 0 ? -z : z
}

/** Coefficients of numerator and denominator, highest power first. */
type Rational = readonly [readonly number[], readonly number[]]

function rational([above, below]: Rational, x: number): number {
  return polynomial(above, x) / polynomial(below, x)
}

function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0
  for (const coefficient of coefficients) value = value * x + coefficient
  return value
}

const CENTRE: Rational = [
  [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
    1971.5909503065513, 133.14166789178438, 3.3871328727963665,
  ],
  [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
    687.1870074920579, 42.31333070160091, 1,
  ],
]

const TAIL: Rational = [
  [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684,
    3.6478483247632045, 5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008,
    0.6897673349851, 1.6763848301838038, 2.053191626637759, 1,
  ],
]

const FAR_TAIL: Rational = [
  [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
    0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
    0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
  ],
]

/** Sum of z^(2k+1) / (1 * 3 * 5 ... (2k+1)). */
function middleSeries(z: number): number {
  let term = z
  let total = z
  for (let odd = 3; term > total * 1e-17; odd += 2) {
    term *= (z * z) / odd
    total += term
  }
  return total
}

const FRACTION_TERMS = 100

/** z + 1/(z + 2/(z + 3/(z + ...))), from its far end. */
function tailFraction(z: number): number {
  let value = z
  for (let k = FRACTION_TERMS; k >= 1; k--) value = z + k / value
  return value
}
