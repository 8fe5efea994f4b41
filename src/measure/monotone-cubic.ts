import type { Maybe } from '../arithmetic.ts'

/** x and y. */
export type CurvePoint = readonly [number, number]

/**
 * Value at `x` of a smooth curve through points that never overshoots them: cubic Hermite with M. Steffen's slopes
 * (Astronomy & Astrophysics 239, 443-450, 1990), ends as d3-shape's `curveMonotoneX` has them: (3 s - m) / 2. Through two points
 * it is the straight line between them; that end rule would bend it by 18.75 %. Unknown outside the points.
 *
 * @param points ascending in x, each x once
 */
export function monotoneCubic(points: readonly CurvePoint[], x: number): Maybe {
  const right = points.findIndex(([px]) => px >= x)
  const [px, py] = points[right] ?? [Number.NaN, Number.NaN]
  if (px === x) return py
  if (right <= 0) return undefined
  return hermite(points, right - 1, x)
}

function hermite(points: readonly CurvePoint[], index: number, x: number): number {
  const [x0, y0] = points[index] as CurvePoint
  const h = width(points, index)
  const s = secant(points, index)
  const t = (x - x0) / h
  const m0 = slopeAt(points, index)
  const m1 = slopeAt(points, index + 1)
  // y0 + t h (m0 + t (3 s - 2 m0 - m1 + t (m0 + m1 - 2 s))): the Hermite cubic, by Horner.
  return y0 + t * h * (m0 + t * (3 * s - 2 * m0 - m1 + t * (m0 + m1 - 2 * s)))
}

function slopeAt(points: readonly CurvePoint[], index: number): number {
  const last = points.length - 1
  if (last === 1) return secant(points, 0)
  if (index === 0) return (3 * secant(points, 0) - slopeAt(points, 1)) / 2
  if (index === last) return (3 * secant(points, last - 1) - slopeAt(points, last - 1)) / 2
  return innerSlope(points, index)
}

/** (sign(a) + sign(b)) x min(|a|, |b|, |p| / 2), p the slope of the parabola through the three points (Steffen 1990). */
function innerSlope(points: readonly CurvePoint[], index: number): number {
  const a = secant(points, index - 1)
  const b = secant(points, index)
  const ha = width(points, index - 1)
  const hb = width(points, index)
  const p = (a * hb + b * ha) / (ha + hb)
  return (Math.sign(a) + Math.sign(b)) * Math.min(Math.abs(a), Math.abs(b), Math.abs(p) / 2)
}

function width(points: readonly CurvePoint[], index: number): number {
  return (points[index + 1] as CurvePoint)[0] - (points[index] as CurvePoint)[0]
}

function secant(points: readonly CurvePoint[], index: number): number {
  const rise = (points[index + 1] as CurvePoint)[1] - (points[index] as CurvePoint)[1]
  return rise / width(points, index)
}
