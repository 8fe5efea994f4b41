/**
 * The next whole number up. A quotient that is whole but for rounding stays it: a load of 3 x 0.1 needs 3 machines of 0.1,
 * though their quotient comes out as 3.0000000000000004.
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
