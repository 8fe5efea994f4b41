/**
 * Arithmetic in which an unknown makes the answer unknown. `undefined` is never read as 0, and no
 * result is ever NaN or infinite.
 */
export type Maybe = number | undefined

export function sum(terms: readonly Maybe[]): Maybe {
  let total = 0
  for (const term of terms) {
    if (term === undefined) return undefined
    total += term
  }
  return total
}

export function product(factors: readonly Maybe[]): Maybe {
  let total = 1
  for (const factor of factors) {
    if (factor === undefined) return undefined
    total *= factor
  }
  return total
}

export function difference(minuend: Maybe, subtrahend: Maybe): Maybe {
  if (minuend === undefined || subtrahend === undefined) return undefined
  return minuend - subtrahend
}

/** Unknown when the divisor is 0: there is no such number. */
export function ratio(dividend: Maybe, divisor: Maybe): Maybe {
  if (dividend === undefined || divisor === undefined || divisor === 0) return undefined
  return dividend / divisor
}

/** Arithmetic mean; unknown for no values. */
export function mean(values: readonly number[]): Maybe {
  return ratio(sum(values), values.length)
}

/** The largest of what is known; unknown where nothing is. Of any number of values: a call takes only so many arguments. */
export function largest(values: readonly Maybe[]): Maybe {
  return values.reduce<Maybe>(
    (most, value) => (value === undefined ? most : Math.max(most ?? value, value)),
    undefined,
  )
}

/** The smallest of what is known; unknown where nothing is. */
export function smallest(values: readonly Maybe[]): Maybe {
  return values.reduce<Maybe>(
    (least, value) => (value === undefined ? least : Math.min(least ?? value, value)),
    undefined,
  )
}
