import type { Maybe } from '../arithmetic.ts'
import type { BreakEven, CostFigure } from './cost-report.ts'
import { type Crossing, type Crossings, costDifference, findCrossings } from './crossings.ts'
import { compileLedger, type Ledger, type Values, workOut } from './ledger.ts'
import { evenGrid } from './roots.ts'
import type { Scenario, ScenarioOption } from './scenario.ts'
import { lastWith, VOLUME, volumeGrid, volumeRange } from './volume-range.ts'

/** Break-evens with the figures that say where. */
export interface BreakEvens {
  readonly breakEvens: readonly BreakEven[]
  readonly figures: readonly CostFigure[]
}

/**
 * Where along the volume, and along the utilisation of today's machines, each option with standing costs begins to cost less than each
 * other, at today's prices: the whole model worked again at each place, in whole servers. Of two options with standing costs, the
 * scenario's first one against the other.
 */
export function volumeBreakEvens(ledger: Ledger, scenario: Scenario): BreakEvens {
  const pairs = pairsOf(scenario)
  const byVolume = alongVolume(ledger, scenario, pairs)
  const byUse = Object.entries(scenario.options)
    .filter(([, option]) => hasFixedFleet(option))
    .flatMap(([id]) =>
      alongUtilisation(
        ledger,
        id,
        pairs.filter(([, b]) => scenario.options[b]?.kind !== 'hybrid'),
      ),
    )
  const all = [...byVolume, ...byUse]
  return {
    breakEvens: all.map(({ breakEven }) => breakEven),
    figures: all.flatMap(({ figures }) => figures),
  }
}

interface Found {
  readonly breakEven: BreakEven
  readonly figures: readonly CostFigure[]
}

/**
 * Ids: of an option with standing costs, and of another. An API alone has none; a mix comes after machines, and not against its own, than
 * which it is never dearer.
 */
type Pair = readonly [option: string, against: string]

function pairsOf({ options }: Scenario): Pair[] {
  const rank = { owned: 0, colocated: 0, rented: 0, hybrid: 1, api: 2 } as const
  const ordered = Object.entries(options).toSorted(([, a], [, b]) => rank[a.kind] - rank[b.kind])
  return ordered.flatMap(([a, { kind }], index): Pair[] =>
    kind === 'api'
      ? []
      : ordered
          .slice(index + 1)
          .filter(([, other]) => other.kind !== 'hybrid' || other.base !== a)
          .map(([b]) => [a, b]),
  )
}

/** Whether so many machines stand, used or not, that they can be filled. */
export function hasFixedFleet(option: ScenarioOption): boolean {
  switch (option.kind) {
    case 'owned':
    case 'colocated':
      return true
    case 'rented':
      return option.scaling === 'always-on'
    case 'api':
    case 'hybrid':
      return false
  }
}

const bill = (id: string) => `options.${id}.usdPerYear`

/** By equal factors below the demand, and above it, besides the steps of fleets. */
const GRID_STEPS = 60

function alongVolume(ledger: Ledger, scenario: Scenario, pairs: readonly Pair[]): Found[] {
  const range = volumeRange(ledger, scenario)
  const grid = range === undefined ? [] : volumeGrid(range, GRID_STEPS)
  const along: Axis = { changing: [VOLUME], grid, valuesAt: (volume) => [volume] }
  const find = pairFinder(ledger, along, Object.keys(scenario.options))
  return pairs.map(([a, b]) => {
    const found = find(a, b)
    const at = (i: number) => `breakEvens.${a}.${b}.volume.${i}`
    const places = outermost(found)
    const use = compileLedger(ledger, [VOLUME], [`options.${a}.utilisationRatio`])
    return {
      breakEven: {
        option: a,
        against: b,
        axis: 'volume',
        market: 'flat',
        outcome: outcomeOf(found),
        at: places.map((_, i) => at(i)),
        explanation: inWords(a, b, found, volumeWords),
      },
      figures: places.flatMap(({ value }, i): CostFigure[] => [
        {
          path: at(i),
          label: `Volume at which ${a} and ${b} change places`,
          unit: 'output tokens/day',
          value,
          formula: `outputTokensPerDay at which ${bill(a)} passes ${bill(b)}, in whole servers, all else as it is`,
          from: [VOLUME, bill(a), bill(b)],
        },
        {
          path: `${at(i)}.utilisationRatio`,
          label: `Utilisation of the machines of ${a} there`,
          unit: 'ratio',
          value: known(use([value])[0]),
          formula: `options.${a}.utilisationRatio at that volume`,
          from: [at(i), `options.${a}.utilisationRatio`],
        },
      ]),
    }
  })
}

/** Places by equal steps of utilisation. */
const USE_PLACES = 200

/** The machines of `a` stay those of today; the demand fills them, as far as its highest hour allows. All others buy for that demand. */
function alongUtilisation(ledger: Ledger, a: string, pairs: readonly Pair[]): Found[] {
  const against = pairs.filter(([first]) => first === a).map(([, b]) => b)
  const fleet = fixedFleet(ledger, workOut(ledger), a)
  const fullest = fleet?.fullestRatio ?? 1
  const along: Axis = {
    changing: fleet?.changing ?? [],
    grid: fleet === undefined ? [] : evenGrid(fullest / USE_PLACES, fullest, USE_PLACES - 1),
    valuesAt: (use) => fleet?.valuesAt(use) ?? [],
  }
  const find = pairFinder(ledger, along, [a, ...against])
  return against.map((b) => {
    const found = find(a, b)
    const at = (i: number) => `breakEvens.${a}.${b}.utilisation.${i}`
    const places = outermost(found)
    return {
      breakEven: {
        option: a,
        against: b,
        axis: 'utilisation',
        market: 'flat',
        outcome: outcomeOf(found),
        at: places.map((_, i) => at(i)),
        explanation: inWords(a, b, found, useWords),
      },
      figures: places.map(({ value }, i) => ({
        path: at(i),
        label: `Utilisation of today's machines of ${a} at which ${a} and ${b} change places`,
        unit: 'ratio',
        value,
        formula: `busyServers / servers at the outputTokensPerDay at which ${bill(a)}, with the servers of today, passes ${bill(b)}`,
        from: [VOLUME, `options.${a}.servers`, bill(a), bill(b)],
      })),
    }
  })
}

function known(value: number | undefined): Maybe {
  return value === undefined || Number.isNaN(value) ? undefined : value
}

/** Today's machines of an option, to be filled by any volume. */
export interface FixedFleet {
  /** How full the demand can make them: its highest hour has to fit those that serve, and spares are idle. */
  readonly fullestRatio: number
  /** What is replaced in the ledger, and by what at a utilisation. */
  readonly changing: readonly string[]
  readonly valuesAt: (utilisationRatio: number) => readonly number[]
}

/** Nothing where the fleet is unknown, or there is none. */
export function fixedFleet(ledger: Ledger, values: Values, id: string): FixedFleet | undefined {
  const of = (name: string) => values.get(`options.${id}.${name}`)
  const [volume, use, servers, serving] = [
    values.get(VOLUME),
    of('utilisationRatio'),
    of('servers'),
    of('servingServers'),
  ]
  if (!volume || !use || !servers || !serving) return undefined
  const needed = compileLedger(ledger, [VOLUME], [`options.${id}.servingServers`])
  const fits = (each: number) => (needed([each])[0] ?? Number.NaN) <= serving
  const fullest = lastWith(fits, volume, (volume / use) * MORE_THAN_FULL)
  return {
    fullestRatio: Math.min(1, (fullest / volume) * use),
    changing: [VOLUME, `options.${id}.servingServers`, `options.${id}.servers`],
    valuesAt: (utilisationRatio) => [(utilisationRatio / use) * volume, serving, servers],
  }
}

/** No demand fits into the machines so often over. */
const MORE_THAN_FULL = 2

/** What is moved, and where it is looked at. */
interface Axis {
  readonly changing: readonly string[]
  readonly grid: readonly number[]
  readonly valuesAt: (x: number) => readonly number[]
}

/** Finds where two of the options change places: all their bills are worked once at each place of the grid. */
function pairFinder(
  ledger: Ledger,
  { changing, grid, valuesAt }: Axis,
  ids: readonly string[],
): (a: string, b: string) => Crossings {
  const model = compileLedger(ledger, changing, ids.map(bill))
  const seen = new Map(grid.map((x) => [x, model(valuesAt(x)).slice()]))
  return (a, b) => {
    if (grid.length === 0) return { kind: 'unknown' }
    const [inA, inB] = [ids.indexOf(a), ids.indexOf(b)]
    const near = compileLedger(ledger, changing, [bill(a), bill(b)])
    return findCrossings((x) => {
      const row = seen.get(x)
      const [costA = Number.NaN, costB = Number.NaN] = row
        ? [row[inA], row[inB]]
        : near(valuesAt(x))
      return costDifference(costA, costB)
    }, grid)
  }
}

/** Where `a` begins or ceases to cost less. */
function turns(found: Crossings): Crossing[] {
  return found.kind === 'unknown'
    ? []
    : found.places.filter(({ before, after }) => before < 0 !== after < 0)
}

/** The first and the last of them: between two, whole servers make the one or the other cheaper. */
function outermost(found: Crossings): Crossing[] {
  const all = turns(found)
  return all.length > 2 ? [all[0] as Crossing, all.at(-1) as Crossing] : all
}

function outcomeOf(found: Crossings): BreakEven['outcome'] {
  if (found.kind === 'unknown') return 'unknown'
  const count = turns(found).length
  if (count > 0) return count === 1 ? 'at' : 'band'
  return found.first < 0 ? 'always' : 'never'
}

/** How an axis is spoken of: what more of it is, and the whole of it, after "costs less than b". */
interface AxisWords {
  readonly more: string
  readonly always: string
  readonly never: string
}

const range = 'from a thousandth of the demand to a thousand times it, or some hundred servers'
const volumeWords: AxisWords = {
  more: 'more volume',
  always: `at every volume ${range}`,
  never: `at no volume ${range}`,
}
const full = 'full the demand makes the machines of today'
const useWords: AxisWords = {
  more: 'more use of the machines',
  always: `however ${full}`,
  never: `at no utilisation, however ${full}`,
}

/** What a break-even means, without its numbers. */
function inWords(
  a: string,
  b: string,
  found: Crossings,
  { more, always, never }: AxisWords,
): string {
  if (found.kind === 'unknown') return `The bill of ${a} or of ${b} is not known.`
  const all = turns(found)
  const below = found.first
  const above = found.places.at(-1)?.after ?? found.first
  switch (all.length) {
    case 0:
      return `${a} costs less than ${b} ${below < 0 ? always : never}.`
    case 1:
      return `Below it ${a} costs ${costs[below]} ${b}, above it ${short[above]}: ${reason(all[0] as Crossing, more)}.`
    default:
      if (below < 0 !== above < 0)
        return `Below the first ${a} costs ${costs[below]} ${b}, above the second ${short[above]}; between them it depends on how full the last server is.`
      return below < 0
        ? `Between them ${a} costs more than ${b}${stretches(all)}, as servers just bought are not yet full; below and above, less.`
        : `Between them ${a} costs less than ${b}${stretches(all)}; below the first ${short[below]}, above the second ${short[above]}.`
  }
}

const costs = { [-1]: 'less than', 0: 'as much as', 1: 'more than' } as const
const short = { [-1]: 'less', 0: 'as much', 1: 'more' } as const

function reason({ jumps, after }: Crossing, more: string): string {
  if (jumps) return 'a whole server more is needed there, and a bill steps up'
  return after < 0 ? `${more} carries its standing costs` : `${more} costs it more than the other`
}

function stretches(all: readonly Crossing[]): string {
  return all.length > 2 ? ' in several stretches' : ''
}
