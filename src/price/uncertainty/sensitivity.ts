import { difference, type Maybe } from '../../arithmetic.ts'
import { requireBetween } from '../requirements.ts'
import { evenGrid, findRoots, type Roots } from '../roots.ts'
import { quantileFunction, type Uncertain } from './uncertain.ts'

/** One bar of a tornado: the output with one input at its low and high end, all others in the middle. */
interface TornadoBar<I extends string> {
  readonly input: I
  readonly lowInput: number
  readonly highInput: number
  readonly outputAtLow: Maybe
  readonly outputAtHigh: Maybe
  /** |at high - at low|. */
  readonly swing: Maybe
}

export interface Tornado<I extends string> {
  /** The output with every input at its median. */
  readonly base: Maybe
  /** Widest first; unknown ones last; equal ones in the order of the inputs. */
  readonly bars: readonly TornadoBar<I>[]
}

/**
 * Which input matters: each moved alone from its low to its high quantile. Says nothing of inputs that move together; the
 * simulation does. Inputs that are a plain value have no bar.
 *
 * @param tailRatio share beyond either end: 0.1 goes from the 10 % to the 90 % quantile
 * @throws UserError for an input that is no distribution
 */
export function tornado<I extends string>(
  uncertain: Readonly<Record<I, Uncertain>>,
  model: (inputs: Readonly<Record<I, number>>) => Maybe,
  tailRatio: number,
): Tornado<I> {
  requireBetween('tailRatio', tailRatio, 1e-6, 0.5)
  const names = Object.keys(uncertain) as I[]
  const medians = Object.fromEntries(
    names.map((name) => [name, quantileFunction(uncertain[name])(0.5)]),
  ) as Record<I, number>
  const bars = names
    .filter((name) => uncertain[name].kind !== 'value')
    .map((input) => tornadoBar(input, uncertain[input], medians, model, tailRatio))
  return { base: model(medians), bars: bars.sort((a, b) => (b.swing ?? -1) - (a.swing ?? -1)) }
}

function tornadoBar<I extends string>(
  input: I,
  uncertain: Uncertain,
  medians: Readonly<Record<I, number>>,
  model: (inputs: Readonly<Record<I, number>>) => Maybe,
  tailRatio: number,
): TornadoBar<I> {
  const valueAt = quantileFunction(uncertain)
  const lowInput = valueAt(tailRatio)
  const highInput = valueAt(1 - tailRatio)
  const outputAtLow = model({ ...medians, [input]: lowInput })
  const outputAtHigh = model({ ...medians, [input]: highInput })
  const swing = difference(outputAtHigh, outputAtLow)
  return {
    input,
    lowInput,
    highInput,
    outputAtLow,
    outputAtHigh,
    swing: swing === undefined ? undefined : Math.abs(swing),
  }
}

const INDIFFERENCE_STEPS = 400

/**
 * What one input would have to be for two options to cost the same: sign changes of their difference between two ends, looked
 * for on 400 even steps. `none` says which stays dearer throughout (1: the first); a jump is where whole servers step over
 * the other's cost.
 *
 * @param costsAt both costs, the input being that value and all others as they are
 * @throws UserError when the ends are not in order
 */
export function solveIndifference(
  costsAt: (value: number) => readonly [Maybe, Maybe],
  low: number,
  high: number,
): Roots {
  requireBetween('low', low, -Number.MAX_VALUE, high)
  return findRoots(
    (value) => difference(...costsAt(value)),
    evenGrid(low, high, INDIFFERENCE_STEPS),
  )
}
