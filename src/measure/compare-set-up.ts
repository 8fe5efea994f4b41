import { largest, smallest } from '../arithmetic.ts'
import { changeSentence, diffHardware } from '../detect/diff-hardware.ts'
import {
  type DifferenceGroup,
  differenceGroups,
  type Facet,
  facetsOfAll,
} from './compare-facets.ts'
import { hasImport, isToldLoad, levelNames } from './compare-levels.ts'
import type { ComparedRun, Named } from './compare-metrics.ts'

/** A run of ours with its name in a comparison. */
export type NamedRun = Named<ComparedRun>

/** Something that is not the same in all runs, or that another tool's file does not tell. */
export interface Difference {
  readonly group: DifferenceGroup
  readonly label: string
  /** False where figures of such runs measure different things. */
  readonly comparable: boolean
  /**
   * Each value and the runs that have it; a value that is absent is not known, or not set. `unknown` are those whose
   * file does not tell it: that is neither the same as another's nor another.
   */
  readonly values: readonly {
    readonly runs: readonly string[]
    readonly value?: string
    readonly unknown?: boolean
  }[]
}

/** A change of the machine against that of the first run, in a sentence, and the runs that have it. */
export interface MachineChange {
  readonly group: 'hardware' | 'set-up'
  readonly runs: readonly string[]
  readonly text: string
}

/** What is not the same in all runs, by group. Empty for runs of one thing. */
export function differencesOf(runs: readonly Named[]): Difference[] {
  const found = facetRows(runs)
    .filter(isDifference)
    .map(({ facet, values }) => {
      const { group, label, comparable } = facet
      return { group, label, comparable: comparable || knownIn(values).length < 2, values }
    })
  const all = [...found, ...levelDifference(runs), ...sizeDifferences(runs)]
  return differenceGroups.flatMap((group) => all.filter((each) => each.group === group))
}

/** One facet over all runs. */
interface FacetRow {
  readonly facet: Facet
  readonly values: Difference['values']
  /** Whether another tool's file tells it. */
  readonly isToldByImport: boolean
}

function facetRows(runs: readonly Named[]): FacetRow[] {
  const facets = facetsOfAll(runs)
  const rows = new Map(facets.flat().map((facet) => [keyOf(facet), facet]))
  return [...rows].map(([key, facet]) => {
    const told = runs.map(({ name, imported }, i) => {
      const value = facets[i]?.find((each) => keyOf(each) === key)?.value
      const isImport = imported !== undefined
      return { name, value, isImport, unknown: isImport && value === undefined }
    })
    const isToldByImport = told.some(({ isImport, unknown }) => isImport && !unknown)
    return { facet, values: byValue(told), isToldByImport }
  })
}

/** What only runs of ours tell, and all the same, is no difference that is known: see `untoldFacets`. */
function isDifference({ facet, values, isToldByImport }: FacetRow): boolean {
  const known = knownIn(values)
  const isAsked =
    isToldByImport ||
    (alwaysAsked.includes(facet.label) && known.some(({ value }) => value !== undefined))
  return values.length > 1 && (isAsked || known.length > 1)
}

/** Told as unknown even where no file of another tool tells it, and a run of ours does. */
const alwaysAsked: readonly string[] = ['Kind', 'Version', 'GPU', 'Model', 'Arrivals']

function knownIn(values: Difference['values']): Difference['values'] {
  return values.filter(({ unknown }) => unknown !== true)
}

/** Said by the names of the levels, or of nothing that another tool could have done otherwise. */
const needsNoTelling: readonly string[] = ['load.kind']

/** What must be the same and is not told by some files of other tools, and those: nothing says that it is the same. */
export function untoldFacets(runs: readonly Named[]): { runs: string[]; labels: string[] } {
  const rows = facetRows(runs).filter((row) => {
    const { facet, values } = row
    const isAsked = !facet.comparable && !needsNoTelling.includes(facet.label)
    return isAsked && !isDifference(row) && isPartlyTold(values)
  })
  const names = rows.flatMap(({ values }) => values.find(({ unknown }) => unknown)?.runs ?? [])
  return { runs: [...new Set(names)], labels: rows.map(({ facet }) => facet.label) }
}

function isPartlyTold(values: Difference['values']): boolean {
  return values.some(({ unknown }) => unknown) && values.some(({ value }) => value !== undefined)
}

function keyOf({ group, label }: Facet): string {
  return `${group}: ${label}`
}

interface NamedValue {
  readonly name: string
  readonly value: string | undefined
  readonly unknown?: boolean
}

function byValue(given: readonly NamedValue[]): Difference['values'] {
  const groups = new Map<string, { runs: string[]; value?: string; unknown?: boolean }>()
  for (const { name, value, unknown } of given) {
    const key = JSON.stringify([value, unknown])
    const runs = [...(groups.get(key)?.runs ?? []), name]
    groups.set(key, { runs, value, ...(unknown ? { unknown } : {}) })
  }
  return [...groups.values()]
}

/** Levels that all runs have are compared, the others are told; without one in common there is nothing to compare. */
function levelDifference(runs: readonly Named[]): Difference[] {
  const besideOthers = hasImport(runs)
  const labels = runs.map((run) => ({ name: run.name, levels: levelNames(run, besideOthers) }))
  const values = byValue(labels.map(({ name, levels }) => ({ name, value: levels.join('; ') })))
  const [first, ...others] = labels
  const comparable =
    first?.levels.some(
      (label) => isToldLoad(label) && others.every(({ levels }) => levels.includes(label)),
    ) ?? false
  if (values.length < 2 && comparable) return []
  if (values.length < 2 && !besideOthers) return []
  return [{ group: 'benchmark', label: 'Load levels', comparable, values }]
}

/** Mean tokens of a request that differ by more are other work; within it they are what chance draws, or another tokenizer. */
const SAME_SIZE_RATIO = 1.1

const sizes = {
  inputTokens: 'Input tokens of a request, mean',
  outputTokens: 'Output tokens of a request, mean',
} as const

/** Other tools' files tell no workload: how long prompts and answers were is what is left of it. */
function sizeDifferences(runs: readonly Named[]): Difference[] {
  if (!hasImport(runs)) return []
  return (['inputTokens', 'outputTokens'] as const).flatMap((size) => {
    const values = byValue(
      runs.map((run) => {
        const value = sizeText(run, size)
        return { name: run.name, value, unknown: value === undefined }
      }),
    )
    if (values.length < 2) return []
    const comparable = sharedLevels(runs).every((level) => isOneSize(runs, level, size))
    return [{ group: 'benchmark' as const, label: sizes[size], comparable, values }]
  })
}

function sharedLevels(runs: readonly Named[]): string[] {
  const [first = [], ...others] = runs.map((run) => levelNames(run, true))
  return first.filter((label) => others.every((levels) => levels.includes(label)))
}

function isOneSize(runs: readonly Named[], level: string, size: keyof typeof sizes): boolean {
  const means = runs.flatMap(({ summary }) =>
    summary.points.flatMap((point) => (point.label === level ? (point[size]?.mean ?? []) : [])),
  )
  const [least, most] = [smallest(means), largest(means)]
  return least === undefined || most === undefined || most <= least * SAME_SIZE_RATIO
}

/** Over its levels, to the token: from the fewest to the most. */
function sizeText({ summary }: Named, size: keyof typeof sizes): string | undefined {
  const means = summary.points.flatMap((point) => point[size]?.mean ?? []).map(Math.round)
  const [least, most] = [smallest(means), largest(means)]
  if (least === undefined || most === undefined) return undefined
  return least === most ? `${least}` : `${least} to ${most}`
}

/** What of each run's machine is another than of the first run's. */
export function machineChanges(runs: readonly Named[]): MachineChange[] {
  const [first, ...others] = runs.filter((run) => run.imported === undefined)
  if (first === undefined) return []
  const found = new Map<string, MachineChange>()
  for (const { name, run } of others) {
    const { identity, state } = diffHardware(first.run.hardware, run.hardware)
    for (const [group, changes] of [['hardware', identity] as const, ['set-up', state] as const]) {
      for (const text of changes.map(changeSentence)) {
        const before = found.get(text)?.runs ?? []
        found.set(text, { group, text, runs: [...before, name] })
      }
    }
  }
  return [...found.values()]
}
