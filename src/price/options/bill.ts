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
  /**
   * USD a year of a fleet, ready for many of them.
   *
   * @param values those of `from`, beginning at `offset`
   */
  readonly at: (values: readonly number[], offset: number) => (fleet: Fleet) => Maybe
}

export function billModel(prefix: string, components: readonly CostComponent[]): BillModel {
  const names = [
    ...new Set(components.flatMap(({ from }) => from.filter((name) => !isFleetName(name)))),
  ]
  const parts = components.map((component) => billPart(component, names))
  return {
    from: names.map((name) => pathOf(prefix, name)),
    at: (values, offset) => {
      for (const part of parts) prepare(part, values, offset)
      return (fleet) => usdPerYearOf(parts, fleet)
    },
  }
}

/** One cost, with the values it is called with. */
interface BillPart {
  readonly usdPerYear: CostComponent['usdPerYear']
  readonly buffer: number[]
  /** For each place of the buffer, which of the names it is; -1 for a count. */
  readonly indexes: Int32Array
  /** The counts, and their places in the buffer. */
  readonly counts: readonly FleetName[]
  readonly countPlaces: Int32Array
  /** The count that the cost is proportional to: then it is worked once, for one. */
  readonly perOne: FleetName | undefined
  usdPerYearOfOne: Maybe
}

export function isFleetName(name: string): name is FleetName {
  return (fleetNames as readonly string[]).includes(name)
}

function billPart(component: CostComponent, names: readonly string[]): BillPart {
  const { from, usdPerYear, proportional } = component
  const [first] = from
  return {
    usdPerYear,
    buffer: from.map(() => 1),
    indexes: Int32Array.from(from, (name) => (isFleetName(name) ? -1 : names.indexOf(name))),
    counts: from.filter(isFleetName),
    countPlaces: Int32Array.from(from.flatMap((name, place) => (isFleetName(name) ? [place] : []))),
    perOne: proportional && first !== undefined && isFleetName(first) ? first : undefined,
    usdPerYearOfOne: undefined,
  }
}

function prepare(part: BillPart, values: readonly number[], offset: number): void {
  const { buffer, indexes } = part
  for (let place = 0; place < indexes.length; place++) {
    const index = indexes[place] as number
    if (index >= 0) buffer[place] = values[offset + index] as number
  }
  // Its only count was left at 1.
  if (part.perOne !== undefined) part.usdPerYearOfOne = part.usdPerYear(part.buffer)
}

function usdPerYearOf(parts: readonly BillPart[], fleet: Fleet): Maybe {
  let total = 0
  for (let i = 0; i < parts.length; i++) {
    const usd = partOf(parts[i] as BillPart, fleet)
    if (usd === undefined) return undefined
    total += usd
  }
  return total
}

function partOf(part: BillPart, fleet: Fleet): Maybe {
  const { perOne, usdPerYearOfOne, buffer } = part
  if (perOne !== undefined)
    return usdPerYearOfOne === undefined ? undefined : fleet[perOne] * usdPerYearOfOne
  const { counts, countPlaces } = part
  for (let i = 0; i < counts.length; i++)
    buffer[countPlaces[i] as number] = fleet[counts[i] as FleetName]
  return part.usdPerYear(buffer)
}
