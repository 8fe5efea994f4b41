import { UserError } from '../errors.ts'
import { describeLevel, levelsOf } from '../load/benchmark.ts'
import { findsLevels } from '../load/search-plan.ts'
import type { Compared, ComparedImport, ComparedRun } from './compare-metrics.ts'
import type { ImportedLoad, ImportedPoint } from './imports/imported.ts'
import { describeLoad } from './imports/to-summary.ts'

/** Of a point whose file does not tell its load, which is nobody's load but its own. */
const UNTOLD_LOAD = 'load not told'

/** Whether a level's name says what load it is. */
export function isToldLoad(label: string): boolean {
  return !label.endsWith(UNTOLD_LOAD)
}

/** Whether any of them is another tool's result. */
export function hasImport(runs: readonly Compared[]): boolean {
  return runs.some(({ imported }) => imported !== undefined)
}

/**
 * Beside other tools' results levels are named by their load alone, so that the same load has one name: users, or
 * requests per second and their arrivals. Where a file does not tell arrivals, rates are named without; where one has
 * several points of one load, such as llama-bench's tests, the tool's own names stay.
 *
 * @throws UserError for a result with several points of one name, as one result is one run
 */
export function withSharedLevels(
  sides: readonly (readonly Compared[])[],
): readonly (readonly Compared[])[] {
  const all = sides.flat()
  if (!hasImport(all)) return sides
  const naming = { arrivals: tellsArrivals(all), labels: all.some(repeatsLoad) }
  return sides.map((side) =>
    side.map((run) =>
      run.imported === undefined ? renamedRun(run, naming) : renamed(run, naming),
    ),
  )
}

interface Naming {
  readonly arrivals: boolean
  readonly labels: boolean
}

/** Whether every file under a rate tells how requests arrive. */
export function tellsArrivals(runs: readonly Compared[]): boolean {
  return runs
    .flatMap(({ imported }) => imported?.points ?? [])
    .every(({ load }) => load?.kind !== 'open' || load.arrivals !== undefined)
}

function repeatsLoad({ imported }: Compared): boolean {
  const names = (imported?.points ?? []).map(({ load }) => loadName(load, true))
  return new Set(names).size < names.length
}

function renamed(run: ComparedImport, naming: Naming): ComparedImport {
  const names = run.imported.points.map((point) => pointName(point, naming))
  const repeated = names.find((name, i) => names.indexOf(name) < i)
  if (repeated !== undefined)
    throw new UserError(
      `${run.path} holds several results under one load (${repeated}), and one result is one run.`,
      { remedy: 'Name files of one result each, with commas between them.' },
    )
  const points = run.summary.points.map((point, i) => ({ ...point, label: names[i] ?? '' }))
  return { ...run, summary: { ...run.summary, points } }
}

function pointName({ label, load }: ImportedPoint, { arrivals, labels }: Naming): string {
  const name = loadName(load, arrivals)
  return labels && label !== '' ? `${label}, ${name}` : name
}

function loadName(load: ImportedLoad | undefined, arrivals: boolean): string {
  if (load === undefined) return UNTOLD_LOAD
  return load.kind === 'open' && !arrivals ? rateName(load.ratePerS) : describeLoad(load)
}

const rateName = (ratePerS: number): string => `${ratePerS} req/s`

function renamedRun(run: ComparedRun, { arrivals }: Naming): ComparedRun {
  if (arrivals) return run
  const points = run.summary.points.map((point) =>
    'ratePerS' in point.load ? { ...point, label: rateName(point.load.ratePerS) } : point,
  )
  return { ...run, summary: { ...run.summary, points } }
}

/** Names of a run's levels: of those asked for, or where it found them by itself of those that it ran; each once. */
export function levelNames(run: Compared, besideOthers: boolean): string[] {
  if (besideOthers || run.imported !== undefined)
    return [...new Set(run.summary.points.map(({ label }) => label))]
  const { config, levels } = run.run
  const loads = findsLevels(config.search)
    ? levels.map(({ load }) => load)
    : levelsOf(config.benchmark.load)
  return [...new Set(loads.map(describeLevel))]
}
