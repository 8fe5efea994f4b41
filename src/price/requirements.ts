import type { Maybe } from '../arithmetic.ts'
import { UserError } from '../errors.ts'

/**
 * An unknown passes: it makes the answer unknown, which is no mistake.
 *
 * @throws UserError unless `least <= value <= most`
 */
export function requireBetween(name: string, value: Maybe, least: number, most: number): void {
  if (value === undefined || (value >= least && value <= most)) return
  throw new UserError(`${name} is ${value}.`, {
    remedy: `Give a number from ${least} to ${most}.`,
  })
}

/**
 * Shares are ratios, never per cent: a utilisation of 70 is a mistake, and so is one of 1.2.
 *
 * @throws UserError outside 0..1
 */
export function requireRatio(name: string, value: Maybe): void {
  requireBetween(name, value, 0, 1)
}

/** @throws UserError under 0, and for what is no finite number */
export function requireNotNegative(name: string, value: Maybe): void {
  requireBetween(name, value, 0, Number.MAX_VALUE)
}

/** @throws UserError for a count that is a fraction: nobody sells a third of a server */
export function requireWhole(name: string, value: number): void {
  if (Number.isInteger(value)) return
  throw new UserError(`${name} is ${value}.`, { remedy: 'Give a whole number.' })
}

/**
 * What must be more than nothing, such as a capacity: no count of machines without any carries a load.
 *
 * @throws UserError at 0 and under it
 */
export function requirePositive(name: string, value: Maybe): void {
  if (value === undefined || (value > 0 && Number.isFinite(value))) return
  throw new UserError(`${name} is ${value}.`, { remedy: 'Give a number above 0.' })
}

/**
 * A building draws at least what its machines draw. Above 4 it is a typing mistake.
 *
 * @throws UserError outside 1..4
 */
export function requirePue(pueRatio: Maybe): void {
  requireBetween('pueRatio', pueRatio, 1, 4)
}
