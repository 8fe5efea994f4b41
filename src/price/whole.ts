/**
 * The next whole number up. A quotient that is whole but for rounding stays it: a load of 0.3 needs 3 machines of 0.1,
 * though 0.3 / 0.1 is 2.9999999999999996, and 0.7 / 0.1 is 6.999999999999999.
 */
export function wholeUp(value: number): number {
  return isWhole(value) ? Math.round(value) : Math.ceil(value)
}

/** The next whole number down, by the same rule. */
export function wholeDown(value: number): number {
  return isWhole(value) ? Math.round(value) : Math.floor(value)
}

const ROUNDING = 1e-9

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) <= ROUNDING * Math.abs(value)
}
