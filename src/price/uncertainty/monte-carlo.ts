import type { Maybe } from '../../arithmetic.ts'
import type { Random } from '../../random.ts'
import { requireBetween, requireWhole } from '../requirements.ts'
import { quantileFunction, type Uncertain } from './uncertain.ts'

/**
 * A model of the costs of options: values of the inputs in, in the order of their names, and a cost for each output out, in the
 * order of theirs; NaN for unknown. Called once a draw; pure. It may give the same array each time.
 */
export type CostModel = (inputs: Float64Array) => ArrayLike<number>

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
  model: CostModel,
  draws: number,
  randomOf: (name: string) => Random,
): Simulation<I, O> {
  requireBetween('draws', draws, 1, MOST_DRAWS)
  requireWhole('draws', draws)
  const names = Object.keys(uncertain) as I[]
  const inputs = columns(names, (name) => drawn(uncertain[name], draws, randomOf(name)))
  const outputs = columns(outputNames, () => new Float64Array(draws))
  const drawnTable = names.map((name) => inputs[name])
  const outputTable = outputNames.map((name) => outputs[name])
  const values = new Float64Array(names.length)
  for (let draw = 0; draw < draws; draw++) {
    for (let i = 0; i < drawnTable.length; i++)
      values[i] = (drawnTable[i] as Float64Array)[draw] as number
    const costs = model(values)
    for (let i = 0; i < outputTable.length; i++)
      (outputTable[i] as Float64Array)[draw] = costs[i] ?? Number.NaN
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
 * Share of the draws in which each option is the cheapest; a tie, to within rounding, is shared. They add up to 1. Unknown, all of them,
 * where an option's cost is unknown in any draw: leave such an option out to compare the others.
 *
 * @param mixes those that win only where they beat all others: a mix that comes out as one of its parts alone is that part
 */
export function cheapestShares<O extends string>(
  outputs: Readonly<Record<O, Float64Array>>,
  mixes: readonly O[] = [],
): Readonly<Record<O, Maybe>> {
  const names = Object.keys(outputs) as O[]
  const wins = new Float64Array(names.length)
  const table = names.map((name) => outputs[name])
  const isMix = names.map((name) => mixes.includes(name))
  const draws = table[0]?.length ?? 0
  for (let draw = 0; draw < draws; draw++) {
    if (!countWinners(table, isMix, draw, wins)) return columns(names, () => undefined)
  }
  return columns(names, (name) => (wins[names.indexOf(name)] as number) / draws)
}

/** Costs nearer than this to each other, of their size, are the same but for rounding. */
const TIE_RATIO = 1e-9

/** Adds the draw's win to the cheapest; false where a cost is unknown. */
function countWinners(
  table: readonly Float64Array[],
  isMix: readonly boolean[],
  draw: number,
  wins: Float64Array,
): boolean {
  let least = Number.POSITIVE_INFINITY
  for (const column of table) {
    const cost = column[draw] as number
    if (Number.isNaN(cost)) return false
    if (cost < least) least = cost
  }
  const limit = least + Math.abs(least) * TIE_RATIO
  const winners = countTies(table, isMix, draw, limit, false)
  const mixWins = winners === 0
  const share = 1 / (mixWins ? countTies(table, isMix, draw, limit, true) : winners)
  for (let i = 0; i < table.length; i++) {
    if (isMix[i] === mixWins && ((table[i] as Float64Array)[draw] as number) <= limit)
      wins[i] = (wins[i] as number) + share
  }
  return true
}

function countTies(
  table: readonly Float64Array[],
  isMix: readonly boolean[],
  draw: number,
  limit: number,
  mixes: boolean,
): number {
  let count = 0
  for (let i = 0; i < table.length; i++)
    if (isMix[i] === mixes && ((table[i] as Float64Array)[draw] as number) <= limit) count++
  return count
}
