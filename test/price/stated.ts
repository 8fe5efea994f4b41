import { buildLedger } from '../../src/price/build-ledger.ts'
import type { CostReport } from '../../src/price/cost-report.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import { type Ledger, type Values, workOut } from '../../src/price/ledger.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import type { Scenario } from '../../src/price/scenario.ts'
import { type Subject, statedSubject } from '../../src/price/subject.ts'
import { catalogue } from './fixtures.ts'

/** A thousand output tokens a second for two thousand of input, on the day that the test's prices are fresh. */
export const subject: Subject = statedSubject(1000, 2000, '2026-11-30')

/** Prices it, and finds a value by its path. A path that is no figure fails the test. */
export function priced(
  of: Scenario,
  who: Subject = subject,
  prices = catalogue,
): { report: CostReport; at: (path: string) => number | undefined } {
  const report = priceSubject(who, of, prices)
  const find = figureFinder(report)
  return {
    report,
    at: (path) => {
      const figure = find(path)
      if (figure === undefined) throw new Error(`there is no figure ${path}`)
      return figure.value
    },
  }
}

/** The ledger alone, worked: what random scenarios are many of. */
export function worked(
  of: Scenario,
  who: Subject = subject,
): { ledger: Ledger; values: Values; at: (path: string) => number | undefined } {
  const ledger = buildLedger(who, who.points[0], of, catalogue)
  const values = workOut(ledger)
  return {
    ledger,
    values,
    at: (path) => {
      if (!values.has(path)) throw new Error(`there is no row ${path}`)
      return values.get(path)
    },
  }
}
