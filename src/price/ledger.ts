import type { Maybe } from '../arithmetic.ts'
import type { FigureKind } from '../figure.ts'
import type { Uncertain } from './uncertainty/uncertain.ts'

/** Where an input comes from: how far somebody's word may be trusted, or that it was seen here. */
export type Origin = FigureKind | 'measured' | 'detected'

/** A number the model starts from. Unknown where its value is absent. */
export interface LedgerInput {
  readonly kind: 'input'
  /** Unique, with dots, e.g. `options.own.pueRatio`. */
  readonly path: string
  readonly label: string
  /** e.g. `USD/kWh`, `W/server`, `ratio`. */
  readonly unit: string
  readonly value: Maybe
  readonly origin: Origin
  readonly source: string
  /** Of the source; absent when it gives none. */
  readonly date?: string
  readonly note?: string
  /** What is known of it besides its value; absent for a plain value. */
  readonly uncertain?: Uncertain
}

/** Kinds of cost, for pictures of bills. */
export type BillPart = 'machines' | 'energy' | 'site' | 'services' | 'people' | 'rent' | 'tokens'

/** A number worked out from rows above it. */
export interface LedgerResult {
  readonly kind: 'result'
  readonly path: string
  readonly label: string
  readonly unit: string
  /** By the last parts of the paths it is worked from. */
  readonly formula: string
  readonly from: readonly string[]
  /** Of a line of a bill: what kind of cost it is. */
  readonly part?: BillPart
  /** Called only when every row of `from` is known, with their values in that order; the array is used again by the next call. */
  readonly work: (values: readonly number[]) => Maybe
}

export type LedgerRow = LedgerInput | LedgerResult

/**
 * Every number of a price, inputs and results alike, in an order in which each follows from rows before it. The whole model is
 * such a list: reports, explanations, simulations and solvers all read it.
 */
export interface Ledger {
  readonly rows: readonly LedgerRow[]
}

/** Takes rows one by one and gives back their paths. */
export interface LedgerBuilder {
  readonly input: (row: Omit<LedgerInput, 'kind'>) => string
  readonly result: (row: Omit<LedgerResult, 'kind'>) => string
  readonly has: (path: string) => boolean
  readonly ledger: () => Ledger
}

/** An empty ledger to write into. A path that is taken, or worked from a row that is not there yet, is a bug of ours. */
export function startLedger(): LedgerBuilder {
  const rows: LedgerRow[] = []
  const paths = new Set<string>()
  const add = (row: LedgerRow): string => {
    if (paths.has(row.path)) throw new Error(`two rows of the ledger are called ${row.path}`)
    if (row.kind === 'result') {
      const missing = row.from.find((path) => !paths.has(path))
      if (missing !== undefined) throw new Error(`${row.path} is worked from ${missing}, no row`)
    }
    paths.add(row.path)
    rows.push(row)
    return row.path
  }
  return {
    input: (row) => add({ kind: 'input', ...row }),
    result: (row) => add({ kind: 'result', ...row }),
    has: (path) => paths.has(path),
    ledger: () => ({ rows }),
  }
}

/** The values of a worked ledger, by path; a path that is unknown or no row has none. */
export type Values = ReadonlyMap<string, Maybe>

/**
 * Works every row in order. A row worked from an unknown is unknown, and so is one that comes out as no finite number.
 *
 * @param replaced inputs, or results, to take as these instead
 */
export function workOut({ rows }: Ledger, replaced: Values = new Map()): Values {
  const values = new Map<string, Maybe>()
  for (const row of rows) {
    const value = replaced.has(row.path) ? replaced.get(row.path) : rowValue(row, values)
    values.set(row.path, value)
  }
  return values
}

function rowValue(row: LedgerRow, values: Values): Maybe {
  if (row.kind === 'input') return row.value
  const known: number[] = []
  for (const path of row.from) {
    const value = values.get(path)
    if (value === undefined) return undefined
    known.push(value)
  }
  return finite(row.work(known))
}

function finite(value: Maybe): Maybe {
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

/** The rows that wanted ones are worked from, wanted ones included, in the ledger's order. */
export function rowsBehind({ rows }: Ledger, wanted: readonly string[]): LedgerRow[] {
  const needed = new Set(wanted)
  for (const row of rows.toReversed()) {
    if (row.kind === 'result' && needed.has(row.path)) for (const path of row.from) needed.add(path)
  }
  return rows.filter(({ path }) => needed.has(path))
}

/**
 * A ledger made ready for being worked many times with only some inputs changing: gives wanted values for values of those, both in
 * the order of their lists. NaN is an unknown. The array it gives is used again by the next call.
 */
export function compileLedger(
  ledger: Ledger,
  changing: readonly string[],
  wanted: readonly string[],
): (values: ArrayLike<number>) => Float64Array {
  const rows = rowsBehind(ledger, wanted)
  const base = workOut({ rows })
  const moving = new Set(changing)
  const steps: Step[] = []
  const slots = new Map(rows.map(({ path }, index) => [path, index]))
  const memory = Float64Array.from(rows, ({ path }) => base.get(path) ?? Number.NaN)
  for (const row of rows) {
    if (row.kind === 'input' || moving.has(row.path) || !row.from.some((path) => moving.has(path)))
      continue
    moving.add(row.path)
    steps.push({
      slot: slots.get(row.path) as number,
      from: row.from.map((path) => slots.get(path) as number),
      values: row.from.map(() => 0),
      work: row.work,
    })
  }
  const inSlots = changing.map((path) => slots.get(path))
  const outSlots = wanted.map((path) => slots.get(path) ?? -1)
  const out = new Float64Array(wanted.length)
  return (values) => {
    for (let i = 0; i < inSlots.length; i++) {
      const slot = inSlots[i]
      if (slot !== undefined) memory[slot] = values[i] as number
    }
    for (const step of steps) memory[step.slot] = workStep(step, memory)
    for (let i = 0; i < outSlots.length; i++) out[i] = memory[outSlots[i] as number] ?? Number.NaN
    return out
  }
}

interface Step {
  readonly slot: number
  readonly from: readonly number[]
  readonly values: number[]
  readonly work: LedgerResult['work']
}

function workStep({ from, values, work }: Step, memory: Float64Array): number {
  for (let i = 0; i < from.length; i++) {
    const value = memory[from[i] as number] as number
    if (Number.isNaN(value)) return Number.NaN
    values[i] = value
  }
  const value = work(values)
  return value !== undefined && Number.isFinite(value) ? value : Number.NaN
}
