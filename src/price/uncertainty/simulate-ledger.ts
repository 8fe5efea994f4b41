import type { Random } from '../../random.ts'
import { compileLedger, type Ledger, type LedgerInput, rowsBehind } from '../ledger.ts'
import { type Simulation, simulate } from './monte-carlo.ts'
import type { Uncertain } from './uncertain.ts'

/** An input of which more is known than a value. */
export type UncertainInput = LedgerInput & { readonly value: number; readonly uncertain: Uncertain }

/** The uncertain inputs behind any of these rows, in the ledger's order. One without a value is unknown, whatever its range. */
export function uncertainInputs(ledger: Ledger, wanted: readonly string[]): UncertainInput[] {
  return rowsBehind(ledger, wanted).filter(
    (row): row is UncertainInput =>
      row.kind === 'input' && row.uncertain !== undefined && row.value !== undefined,
  )
}

/**
 * Draws the uncertain inputs behind some rows of a ledger, independent of each other, and works those rows for each draw.
 *
 * @param wanted paths of the rows
 * @param randomOf a seeded stream for the input of that path
 * @throws UserError for an input that is no distribution, or draws that are no whole number from 1 to 10 million
 */
export function simulateLedger(
  ledger: Ledger,
  wanted: readonly string[],
  draws: number,
  randomOf: (path: string) => Random,
): Simulation<string, string> {
  const uncertain = Object.fromEntries(
    uncertainInputs(ledger, wanted).map(({ path, uncertain }) => [path, uncertain]),
  )
  return simulate(
    uncertain,
    wanted,
    compileLedger(ledger, Object.keys(uncertain), wanted),
    draws,
    randomOf,
  )
}
