import type { Maybe } from '../../arithmetic.ts'
import { UserError } from '../../errors.ts'
import { type Crossing, costDifference, findCrossings } from '../crossings.ts'
import { compileLedger, type Ledger, type LedgerInput, workOut } from '../ledger.ts'
import { requireBetween } from '../requirements.ts'
import { evenGrid, geometricGrid } from '../roots.ts'

/** A value of the input at which another option becomes the cheaper one. */
interface IndifferentPlace {
  readonly value: number
  /** Whether one option's cost steps over the other's there, as where a whole server is bought, instead of meeting it. */
  readonly jumps: boolean
  /** Id of the option that costs less just below it, and just above; absent where they cost the same. */
  readonly cheaperBelow?: string
  readonly cheaperAbove?: string
}

/** What one input would have to be for two options to cost the same. */
export interface Indifference {
  /** Its path, with its label, unit and value in the ledger. */
  readonly input: string
  readonly label: string
  readonly unit: string
  readonly value: Maybe
  /** Ids. */
  readonly optionA: string
  readonly optionB: string
  /** Where it was sought: the part of the asked range in which both bills are known. */
  readonly low: Maybe
  readonly high: Maybe
  /** `same`: whatever the input. `never`: one stays dearer throughout. `unknown`: a bill is, or is in the middle of the range. */
  readonly outcome: 'at' | 'never' | 'same' | 'unknown'
  /** Ascending; there are some for `at` alone. */
  readonly places: readonly IndifferentPlace[]
  /** Id of the option that stays dearer; only for `never`. */
  readonly dearer?: string
  /** In words, without the numbers. */
  readonly explanation: string
}

const STEPS = 400
/** A range that spans more than this is searched by equal factors, else by equal steps. */
const WIDE_RATIO = 20

/**
 * What would have to be true: the values of one input at which two options cost the same a year, all else as it is. Sign changes of the
 * difference between two ends, looked for on 400 places; two within the same step are not seen.
 *
 * @param range without it: a share from 0 to 1; else from a thousandth to a thousand times its value, or, without one, from 0.001 to a
 * thousand million
 * @throws UserError for a path that is no input, or an option that is not there
 */
export function solveFor(
  ledger: Ledger,
  inputPath: string,
  optionA: string,
  optionB: string,
  range?: { readonly low: number; readonly high: number },
): Indifference {
  const input = findInput(ledger, inputPath)
  const wanted = [optionA, optionB].map((id) => billPath(ledger, id))
  const { low, high } = range ?? usualRange(input)
  requireBetween('low end of the range', low, -Number.MAX_VALUE, high)
  const model = compileLedger(ledger, [inputPath], wanted)
  const difference = (value: number): Maybe => {
    const [a = Number.NaN, b = Number.NaN] = model([value])
    return costDifference(a, b)
  }
  const wide = low > 0 && high / low > WIDE_RATIO
  const grid = knownPart(
    difference,
    wide ? geometricGrid(low, high, STEPS) : evenGrid(low, high, STEPS),
  )
  const { path, label, unit } = input
  const value = workOut(ledger).get(inputPath)
  const about = {
    input: path,
    label,
    unit,
    value,
    optionA,
    optionB,
    low: grid[0],
    high: grid.at(-1),
  }
  return { ...about, ...judged(difference, grid, optionA, optionB) }
}

type Judged = Pick<Indifference, 'outcome' | 'places' | 'dearer' | 'explanation'>

function judged(
  difference: (value: number) => Maybe,
  grid: readonly number[],
  optionA: string,
  optionB: string,
): Judged {
  const found = findCrossings(difference, grid)
  if (found.kind === 'unknown')
    return { outcome: 'unknown', places: [], explanation: 'A bill is unknown in this range.' }
  const { first, places } = found
  if (places.length === 0 && first === 0)
    return {
      outcome: 'same',
      places: [],
      explanation: `${optionA} and ${optionB} cost the same throughout this range.`,
    }
  if (places.length === 0) {
    const [dearer, cheaper] = first > 0 ? [optionA, optionB] : [optionB, optionA]
    const explanation = `${dearer} stays dearer than ${cheaper} throughout this range.`
    return { outcome: 'never', places: [], dearer, explanation }
  }
  const cheaperAt = (sign: Crossing['before']) => [optionA, undefined, optionB][sign + 1]
  return {
    outcome: 'at',
    places: places.map(({ value, jumps, before, after }) => ({
      value,
      jumps,
      cheaperBelow: cheaperAt(before),
      cheaperAbove: cheaperAt(after),
    })),
    explanation: inWords(places, optionA, optionB),
  }
}

const costs = { [-1]: 'less than', 0: 'as much as', 1: 'more than' } as const
const short = { [-1]: 'less', 0: 'as much', 1: 'more' } as const

function inWords(places: readonly Crossing[], optionA: string, optionB: string): string {
  const [first] = places
  if (first === undefined) return ''
  const step = places.some(({ jumps }) => jumps)
    ? ' Where whole servers are bought the bills pass each other in a step, and are never the same.'
    : ''
  return places.length === 1
    ? `Below it ${optionA} costs ${costs[first.before]} ${optionB}, above it ${short[first.after]}.${step}`
    : `${optionA} and ${optionB} change places several times.${step}`
}

/** Without the ends at which a bill is unknown, as with no throughput at all. */
function knownPart(difference: (value: number) => Maybe, grid: readonly number[]): number[] {
  const isKnown = (value: number) => difference(value) !== undefined
  const first = grid.findIndex(isKnown)
  return first < 0 ? [] : grid.slice(first, grid.findLastIndex(isKnown) + 1)
}

function usualRange({ value, unit }: LedgerInput): { low: number; high: number } {
  if (unit.startsWith('ratio')) {
    if (value === undefined || value <= 1) return { low: 0, high: 1 }
    return { low: 1, high: value * AROUND }
  }
  return value ? { low: value / AROUND, high: value * AROUND } : ANYTHING
}

const AROUND = 1000
const ANYTHING = { low: 1e-3, high: 1e9 }

/** Inputs that only say again what the hours of the demand are: moving them alone would contradict those. */
const followsFromHours = /eakToMeanRatio$/

function findInput({ rows }: Ledger, path: string): LedgerInput {
  const row = rows.find((each) => each.path === path)
  if (row?.kind === 'input' && !followsFromHours.test(path)) return row
  const name = path.slice(path.lastIndexOf('.') + 1)
  const alike = rows.filter((each) => each.kind === 'input' && each.path.endsWith(`.${name}`))
  throw new UserError(
    row === undefined
      ? `There is no figure ${path}.`
      : `${path} is no input that can be moved: it follows from others.`,
    {
      remedy:
        alike.length > 0 && row === undefined
          ? `Use one of: ${alike.map((each) => each.path).join(', ')}.`
          : 'Name an input of the cost report, e.g. demand.outputTokensPerDay.',
    },
  )
}

function billPath({ rows }: Ledger, id: string): string {
  const path = `options.${id}.usdPerYear`
  if (rows.some((row) => row.path === path)) return path
  const known = rows.flatMap((row) => /^options\.([^.]+)\.usdPerYear$/.exec(row.path)?.[1] ?? [])
  throw new UserError(`There is no option "${id}".`, { remedy: `Use one of: ${known.join(', ')}.` })
}
