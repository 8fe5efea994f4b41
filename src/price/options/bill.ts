import type { Maybe } from '../../arithmetic.ts'
import { HOURS_PER_YEAR } from '../../units.ts'
import type { CostComponent } from '../components.ts'
import { type Fleet, type FleetName, fleetNames } from '../fleet.ts'
import type { LedgerBuilder } from '../ledger.ts'

/** Where a name of a component is in the ledger. What every option shares is under `finance`. */
export function pathOf(prefix: string, name: string): string {
  return name === 'costOfCapitalRatioPerYear' ? `finance.${name}` : `${prefix}.${name}`
}

/** The lines of an option's bill and their sums, from rows that are there already. */
export function billRows(
  ledger: LedgerBuilder,
  prefix: string,
  components: readonly CostComponent[],
  /** Lines that do not come from components, such as tokens bought. */
  others: readonly string[] = [],
): void {
  const lines = components.map(({ id, label, part, formula, from, usdPerYear }) =>
    ledger.result({
      part,
      path: `${prefix}.lines.${id}.usdPerYear`,
      label,
      unit: 'USD/year',
      formula,
      from: from.map((name) => pathOf(prefix, name)),
      work: usdPerYear,
    }),
  )
  ledger.result({
    path: `${prefix}.usdPerYear`,
    label: 'Whole bill',
    unit: 'USD/year',
    formula: 'sum of the lines, in their order',
    from: [...others, ...lines],
    work: sumInOrder,
  })
  ledger.result({
    path: `${prefix}.usdPerHour`,
    label: 'Whole bill',
    unit: 'USD/h',
    formula: 'usdPerYear / 8,760',
    from: [`${prefix}.usdPerYear`],
    work: ([usd = 0]) => usd / HOURS_PER_YEAR,
  })
}

/** In the order of the values, so that the same bill always has the same last digit. */
export function sumInOrder(values: readonly number[]): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] as number
  return total
}

/** The bill of any fleet, for those who try many. */
export interface BillModel {
  /** Paths of what it is worked from besides the fleet. */
  readonly from: readonly string[]
  /** USD a year. @param values those of `from`, beginning at `offset` */
  readonly usdPerYear: (values: readonly number[], offset: number, fleet: Fleet) => Maybe
}

export function billModel(prefix: string, components: readonly CostComponent[]): BillModel {
  const isFleet = (name: string): name is FleetName =>
    (fleetNames as readonly string[]).includes(name)
  const names = [
    ...new Set(components.flatMap(({ from }) => from.filter((name) => !isFleet(name)))),
  ]
  const parts = components.map(({ from, usdPerYear }) => ({
    usdPerYear,
    buffer: from.map(() => 0),
    places: from.map((name) => (isFleet(name) ? name : names.indexOf(name))),
  }))
  return {
    from: names.map((name) => pathOf(prefix, name)),
    usdPerYear: (values, offset, fleet) => {
      let total = 0
      for (const { usdPerYear, buffer, places } of parts) {
        for (let i = 0; i < places.length; i++) {
          const place = places[i] as FleetName | number
          buffer[i] = typeof place === 'number' ? (values[offset + place] as number) : fleet[place]
        }
        const usd = usdPerYear(buffer)
        if (usd === undefined) return undefined
        total += usd
      }
      return total
    },
  }
}
