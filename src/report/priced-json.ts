import type { CostReport } from '../price/cost-report.ts'
import { refuseNonNumbers } from './json.ts'

/** A whole price for programs. */
export interface PricedJson extends CostReport {
  readonly schemaVersion: 1
  readonly kind: 'baremark-price'
  /** What must be read before any figure. */
  readonly notice: readonly string[]
}

/** @throws Error for a figure that is no number: a fault of ours */
export function pricedJson(cost: CostReport, notice: readonly string[]): string {
  const document: PricedJson = { notice, schemaVersion: 1, kind: 'baremark-price', ...cost }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
