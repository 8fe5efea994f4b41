import { UserError } from '../errors.ts'
import { type Ledger, type LedgerInput, type LedgerRow, rowsBehind } from './ledger.ts'
import { didYouMean, nearPaths } from './near-paths.ts'
import { uncertainOf } from './options/context.ts'
import { requireBetween, requireNotNegative, requireRatio } from './requirements.ts'
import type { Scenario } from './scenario.ts'

/**
 * The ledger with the scenario's own figures in place of some inputs, such as prices of the catalogue. Each says what it replaced.
 *
 * @throws UserError for a path that is no input, or a value that cannot be
 */
export function withOverrides({ rows }: Ledger, { overrides, sources }: Scenario): Ledger {
  if (overrides === undefined) return { rows }
  for (const path of Object.keys(overrides)) requireInput(path, { rows })
  return {
    rows: rows.map((row) => {
      const figure = overrides[row.path]
      if (figure === undefined || row.kind === 'result') return row
      requirePossible(row.path, figure.value)
      const source = sources[figure.source]
      return {
        ...row,
        value: figure.value,
        origin: figure.kind,
        source: `${source?.title ?? figure.source}, ${replaced(row)}`,
        date: source?.date,
        note: [row.note, figure.note].filter(Boolean).join('; ') || undefined,
        uncertain: uncertainOf(figure, row.unit),
      }
    }),
  }
}

function replaced({ value, unit, source }: LedgerInput): string {
  return value === undefined ? 'unknown before' : `in place of ${value} ${unit} of ${source}`
}

/** What was measured stands: another throughput is another measurement. */
const MEASURED = 'measured.'

/** Inputs that say what an option or a load is, and on which more rests than the ledger tells. */
const fixed = [
  'gpusPerServer',
  'servers',
  'gpus',
  'racks',
  'sites',
  'peakToMeanRatio',
  'gridPeakToMeanRatio',
]

function requireInput(path: string, { rows }: Ledger): void {
  const row = rows.find((each) => each.path === path)
  if (path.startsWith(MEASURED) && row !== undefined)
    throw new UserError(`${path} was measured, and is not set by hand.`, {
      remedy: 'Measure again, or price a throughput that is stated as such.',
    })
  if (row !== undefined && fixed.includes(lastOf(path)))
    throw new UserError(`${path} follows from the scenario, and is not set by itself.`, {
      remedy: 'Change the option, or the weights of hours and weekdays, in the scenario.',
    })
  if (row?.kind === 'input') return
  if (row?.kind === 'result') {
    const behind = inputsOf(rowsBehind({ rows }, [path]))
    const near = nearPaths(path, behind)
    throw new UserError(`${path} is worked out, as ${row.formula}.`, {
      remedy: `Set what it is worked from: ${(near.length > 0 ? near : behind).join(', ')}.`,
    })
  }
  throw new UserError(`${path} is neither a value of the scenario nor a number of the report.`, {
    remedy: `${didYouMean(path, inputsOf(rows))}The report lists every number with its path.`,
  })
}

/** Paths of inputs that may be set. */
function inputsOf(rows: readonly LedgerRow[]): string[] {
  return rows
    .filter(({ kind, path }) => kind === 'input' && !path.startsWith(MEASURED))
    .map(({ path }) => path)
    .filter((path) => !fixed.includes(lastOf(path)))
}

/** A share over 1 is per cent taken for a ratio; a PUE under 1 is none. */
function requirePossible(path: string, value: number): void {
  const name = lastOf(path)
  if (name === 'pueRatio') requireBetween(path, value, 1, 4)
  else if (name === 'withinHourFactor') requireBetween(path, value, 1, Number.MAX_VALUE)
  else if (name === 'growthRatioPerYear') requireBetween(path, value, -0.9, 10)
  else if (name !== 'denseSurchargeRatio' && /Ratio(PerYear)?$/.test(name))
    requireRatio(path, value)
  else requireNotNegative(path, value)
}

function lastOf(path: string): string {
  return path.split('.').at(-1) ?? path
}
