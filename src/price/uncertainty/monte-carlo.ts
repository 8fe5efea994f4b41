import type { Maybe } from '../../arithmetic.ts'
import type { Random } from '../../random.ts'
import { requireBetween, requireWhole } from '../requirements.ts'
import { quantileFunction, type Uncertain } from './uncertain.ts'

/** A model of the costs of options: inputs by name in, a cost for each option out. Called once a draw; pure. */
export type CostModel<I extends string, O extends string> = (
  inputs: Readonly<Record<I, number>>,
) => Readonly<Record<O, Maybe>>

/** One column a name, one row a draw. What the model could not tell is NaN: read columns by the functions below. */
export interface Simulation<I extends string, O extends string> {
  readonly draws: number
  readonly inputs: Readonly<Record<I, Float64Array>>
  readonly outputs: Readonly<Record<O, Float64Array>>
}

const MOST_DRAWS = 10_000_000

/**
 * Draws the inputs, independent of each other, and works the model for each draw. Every input has its own stream of numbers
 * and takes one from it each draw: adding an input, or changing one's distribution, leaves the draws of all others as they were.
 *
 * @param randomOf a seeded stream for the input of that name, `(name) => seededRandom(seed, name)`
 * @throws UserError for an input that is no distribution, or draws that are no whole number from 1 to 10 million
 */
export function simulate<I extends string, O extends string>(
  uncertain: Readonly<Record<I, Uncertain>>,
  outputNames: readonly O[],
  model: CostModel<I, O>,
  draws: number,
  randomOf: (name: string) => Random,
): Simulation<I, O> {
  requireBetween('draws', draws, 1, MOST_DRAWS)
  requireWhole('draws', draws)
  const names = Object.keys(uncertain) as I[]
  const inputs = columns(names, (name) => drawn(uncertain[name], draws, randomOf(name)))
  const outputs = columns(outputNames, () => new Float64Array(draws))
  const values = columns(names, () => 0)
  for (let draw = 0; draw < draws; draw++) {
    for (const name of names) values[name] = inputs[name][draw] as number
    const costs = model(values)
    for (const name of outputNames) outputs[name][draw] = costs[name] ?? Number.NaN
  }
  return { draws, inputs, outputs }
}

function columns<N extends string, T>(names: readonly N[], make: (name: N) => T): Record<N, T> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<N, T>
}

/** Half a step of the generator: its 0 would be the minus infinity of a normal. */
const HALF_STEP = 2 ** -33

function drawn(input: Uncertain, draws: number, random: Random): Float64Array {
  const valueAt = quantileFunction(input)
  const column = new Float64Array(draws)
  for (let draw = 0; draw < draws; draw++) column[draw] = valueAt(random() + HALF_STEP)
  return column
}

/**
 * Quantile of a column by nearest rank: the smallest draw that a share `p` of the draws does not exceed. Unknown where
 * any draw is.
 *
 * @throws UserError when `p` is outside 0..1
 */
export function quantilesOf(column: Float64Array, ps: readonly number[]): Maybe[] {
  for (const p of ps) requireBetween('p', p, 0, 1)
  const sorted = column.toSorted()
  // Sorted typed arrays have NaN last.
  if (Number.isNaN(sorted.at(-1) ?? Number.NaN)) return ps.map(() => undefined)
  return ps.map((p) => sorted[Math.max(1, Math.ceil(p * sorted.length - 1e-9)) - 1])
}

/**
 * Share of the draws in which each option is the cheapest; a tie is shared. They add up to 1. Unknown, all of them, where
 * an option's cost is unknown in any draw: leave such an option out to compare the others.
 */
export function cheapestShares<O extends string>(
  outputs: Readonly<Record<O, Float64Array>>,
): Readonly<Record<O, Maybe>> {
  const names = Object.keys(outputs) as O[]
  const wins = new Float64Array(names.length)
  const table = names.map((name) => outputs[name])
  const draws = table[0]?.length ?? 0
  for (let draw = 0; draw < draws; draw++) {
    if (!countWinners(table, draw, wins)) return columns(names, () => undefined)
  }
  return columns(names, (name) => (wins[names.indexOf(name)] as number) / draws)
}

/** Adds the draw's win to the cheapest; false where a cost is unknown. */
function countWinners(table: readonly Float64Array[], draw: number, wins: Float64Array): boolean {
  let least = Number.POSITIVE_INFINITY
  let winners = 0
  for (const column of table) {
    const cost = column[draw] as number
    if (Number.isNaN(cost)) return false
    if (cost < least) {
      least = cost
      winners = 1
    } else if (cost === least) winners++
  }
  for (const [index, column] of table.entries()) {
    if (column[draw] === least) wins[index] = (wins[index] as number) + 1 / winners
  }
  return true
}
