import { changeSentence, diffHardware } from '../detect/diff-hardware.ts'
import { describeLevel, levelsOf } from '../load/benchmark.ts'
import type { RunLog } from '../load/run-log.ts'
import { findsLevels } from '../load/search-plan.ts'
import type { LaunchConfiguration } from '../load/server-identity.ts'
import type { ComparedRun } from './compare-metrics.ts'

/** A run with its name in a comparison: `A2` is the second run of the first side. */
export interface NamedRun extends ComparedRun {
  readonly name: string
}

/** In the order that they are told. */
export const differenceGroups = [
  'hardware',
  'set-up',
  'server',
  'model',
  'benchmark',
  'price',
  'tool',
] as const
export type DifferenceGroup = (typeof differenceGroups)[number]

/** Something that is not the same in all runs. */
export interface Difference {
  readonly group: DifferenceGroup
  readonly label: string
  /** False where figures of such runs measure different things. */
  readonly comparable: boolean
  /** Each value and the runs that have it; a value that is absent is not known, or not set. */
  readonly values: readonly { readonly runs: readonly string[]; readonly value?: string }[]
}

/** A change of the machine against that of the first run, in a sentence, and the runs that have it. */
export interface MachineChange {
  readonly group: 'hardware' | 'set-up'
  readonly runs: readonly string[]
  readonly text: string
}

interface Facet {
  readonly group: DifferenceGroup
  readonly label: string
  readonly value: string | undefined
  readonly comparable: boolean
}

/** What is not the same in all runs, by group. Empty for runs of one thing. */
export function differencesOf(runs: readonly NamedRun[]): Difference[] {
  const facets = runs.map(({ name, ...run }) => ({ name, facets: facetsOf(run) }))
  const rows = new Map(facets.flatMap((each) => each.facets.map((facet) => [keyOf(facet), facet])))
  const found = [...rows].flatMap(([key, { group, label, comparable }]) => {
    const values = byValue(
      facets.map((each) => ({
        name: each.name,
        value: each.facets.find((facet) => keyOf(facet) === key)?.value,
      })),
    )
    return values.length > 1 ? [{ group, label, comparable, values }] : []
  })
  const all = [...found, ...levelDifference(runs)]
  return differenceGroups.flatMap((group) => all.filter((each) => each.group === group))
}

function keyOf({ group, label }: Facet): string {
  return `${group}: ${label}`
}

function byValue(given: readonly { name: string; value: string | undefined }[]) {
  const groups = new Map<string | undefined, string[]>()
  for (const { name, value } of given) groups.set(value, [...(groups.get(value) ?? []), name])
  return [...groups].map(([value, runs]) => ({ runs, value }))
}

/** Everything that could explain a difference, and all that must be the same for there to be one. */
function facetsOf(run: ComparedRun): Facet[] {
  return [
    ...machineFacets(run.run),
    ...serverFacets(run.run),
    ...modelFacets(run),
    ...benchmarkFacets(run.run),
    ...Object.entries(run.price?.basis ?? {}).map(([label, value]) => told('price', label, value)),
    ...toolFacets(run.run),
  ]
}

function told(group: DifferenceGroup, label: string, value: unknown): Facet {
  return { group, label, value: textOf(value), comparable: true }
}

function required(group: DifferenceGroup, label: string, value: unknown): Facet {
  return { group, label, value: textOf(value), comparable: false }
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  return JSON.stringify(value)
}

function machineFacets({ hardware, target, client }: RunLog): Facet[] {
  return [
    told('hardware', 'Hardware hash', hardware.hwHash),
    told('set-up', 'Set-up hash', hardware.stateHash),
    told('set-up', "Client on the server's machine", target.loopback),
    told('set-up', "Client's CPU", client?.cpuModel),
    told('set-up', "Client's cores", client?.cores),
  ]
}

function serverFacets({ target, prompts }: RunLog): Facet[] {
  const { server } = target
  return [
    told('server', 'Kind', server?.kind),
    told('server', 'Version', server?.version?.value),
    told('server', 'Engine', server?.engine?.value ?? target.engine),
    told('server', 'Gateway', server?.gateway?.name),
    told('server', 'Context, tokens', server?.contextTokens?.value ?? target.contextTokens),
    told('server', 'Answer lengths forced', target.forcesOutputLength),
    told('server', 'Prompt tokens counted by', prompts.kind),
    required('server', 'Simulated', target.simulated),
    ...launchFacets(server?.launch ?? {}),
  ]
}

const launchLabels: Readonly<Record<keyof LaunchConfiguration, string>> = {
  quantisation: 'Quantisation',
  tensorParallel: 'Tensor parallel',
  pipelineParallel: 'Pipeline parallel',
  dataParallel: 'Data parallel',
  prefixCaching: 'Prefix caching',
  speculativeDecoding: 'Speculative decoding',
  kvCacheTokens: 'KV cache, tokens',
  kvCacheType: 'KV cache type',
  maxRunning: 'Requests at once',
}

function launchFacets(launch: LaunchConfiguration): Facet[] {
  return Object.entries(launchLabels).map(([key, label]) =>
    told('server', label, launch[key as keyof LaunchConfiguration]?.value),
  )
}

/** Tokens of another model, or chunks taken for tokens, are another unit. */
function modelFacets({ run, summary }: ComparedRun): Facet[] {
  const sources = [...new Set(summary.points.map(({ tokenSource }) => tokenSource))].sort()
  return [
    required('model', 'Model', run.target.model),
    told('model', 'Weights', run.config.declaredWeights ?? run.target.weights),
    required('model', 'Output tokens counted by', sources.join(', ')),
  ]
}

/** Parts of a benchmark that say what work is done. Its seed and how long it lasts draw more or less of the same. */
const workParts: readonly string[] = ['workload', 'load', 'cancel']

/** Load levels are told apart by `levelDifference`; a path is not what a file holds. */
const untold =
  /^(schemaVersion|description|load\.(concurrency|ratePerS|speed)|workload\.file)(\.|$)/

function benchmarkFacets({ config, dataset }: RunLog): Facet[] {
  const parts = leaves(config.benchmark).filter(([path]) => !untold.test(path))
  return [
    ...parts.map(([path, value]) => {
      const isWork = workParts.includes(path.split('.')[0] ?? '')
      return (isWork ? required : told)('benchmark', path, value)
    }),
    required('benchmark', 'SHA-256 of the data', dataset?.sha256),
    required('benchmark', 'Requests of the data in use', dataset?.requests),
  ]
}

/** Every value inside an object, by its path. Lists are one value each. */
function leaves(value: unknown, path: readonly string[] = []): [path: string, value: unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path.join('.'), value]]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

function toolFacets({ tool, config }: RunLog): Facet[] {
  return [
    told('tool', 'baremark', tool.version),
    told('tool', 'Node', tool.node),
    told('tool', 'Platform', tool.platform),
    told('tool', 'Measuring threads asked for', config.workers),
  ]
}

/** Levels that all runs have are compared, the others are told; without one in common there is nothing to compare. */
function levelDifference(runs: readonly NamedRun[]): Difference[] {
  const labels = runs.map(({ name, run }) => ({ name, levels: levelLabels(run) }))
  const values = byValue(labels.map(({ name, levels }) => ({ name, value: levels.join('; ') })))
  if (values.length < 2) return []
  const [first, ...others] = labels
  const comparable =
    first?.levels.some((label) => others.every(({ levels }) => levels.includes(label))) ?? false
  return [{ group: 'benchmark', label: 'Load levels', comparable, values }]
}

/** A run that found its levels by itself has those that it ran, each once. */
function levelLabels({ config, levels }: RunLog): string[] {
  const loads = findsLevels(config.search)
    ? levels.map(({ load }) => load)
    : levelsOf(config.benchmark.load)
  return [...new Set(loads.map(describeLevel))]
}

/** What of each run's machine is another than of the first run's. */
export function machineChanges(runs: readonly NamedRun[]): MachineChange[] {
  const [first, ...others] = runs
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
