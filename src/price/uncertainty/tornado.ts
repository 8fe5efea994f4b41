import type { Maybe } from '../../arithmetic.ts'
import { compileLedger, type Ledger, workOut } from '../ledger.ts'
import { requireBetween } from '../requirements.ts'
import { type UncertainInput, uncertainInputs } from './simulate-ledger.ts'
import { quantileFunction } from './uncertain.ts'

/** One bar of a tornado: a row with one input at its low and high end, all others as they are. */
interface TornadoSwing {
  /** Its path. */
  readonly input: string
  readonly lowInput: number
  readonly highInput: number
  readonly atLow: Maybe
  readonly atHigh: Maybe
  /** |at high - at low|. */
  readonly swing: Maybe
}

export interface Tornado {
  /** The row as it is. */
  readonly base: Maybe
  /** Widest first; unknown ones last; equal ones in the order of the ledger. */
  readonly bars: readonly TornadoSwing[]
}

/**
 * Which input matters to a row: each uncertain one moved alone from its low to its high quantile. Says nothing of inputs that move
 * together; the simulation does.
 *
 * @param tailRatio share beyond either end: 0.05 goes from the 5 % to the 95 % quantile
 * @throws UserError for an input that is no distribution
 */
export function tornado(ledger: Ledger, wanted: string, tailRatio: number): Tornado {
  requireBetween('tailRatio', tailRatio, 1e-6, 0.5)
  const bars = uncertainInputs(ledger, [wanted]).map((input) =>
    tornadoBar(ledger, wanted, input, tailRatio),
  )
  return {
    base: workOut(ledger).get(wanted),
    bars: bars.sort((a, b) => (b.swing ?? -1) - (a.swing ?? -1)),
  }
}

function tornadoBar(
  ledger: Ledger,
  wanted: string,
  { path, uncertain }: UncertainInput,
  tailRatio: number,
): TornadoSwing {
  const quantile = quantileFunction(uncertain)
  const lowInput = quantile(tailRatio)
  const highInput = quantile(1 - tailRatio)
  const model = compileLedger(ledger, [path], [wanted])
  const at = (value: number): Maybe => {
    const [worked = Number.NaN] = model([value])
    return Number.isNaN(worked) ? undefined : worked
  }
  const atLow = at(lowInput)
  const atHigh = at(highInput)
  return {
    input: path,
    lowInput,
    highInput,
    atLow,
    atHigh,
    swing: atLow === undefined || atHigh === undefined ? undefined : Math.abs(atHigh - atLow),
  }
}
