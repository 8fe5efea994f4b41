import { computeGpus } from '../detect/compute-gpus.ts'
import { readingValue } from '../detect/reading.ts'
import type { RunLog } from '../load/run-log.ts'
import { type LaunchConfiguration, launchNames } from '../load/server-identity.ts'
import { hasImport, tellsArrivals } from './compare-levels.ts'
import type { Compared, ComparedRun } from './compare-metrics.ts'
import type { Imported, ImportedLoad, ImportedPoint } from './imports/imported.ts'

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

/** One thing that is known of a run, or that it does not tell. */
export interface Facet {
  readonly group: DifferenceGroup
  readonly label: string
  readonly value: string | undefined
  /** False where figures of runs that differ in it measure different things. */
  readonly comparable: boolean
}

/**
 * Everything that could explain a difference, and all that must be the same for there to be one, of each of them. Beside
 * other tools' results that is also what those call by other names.
 */
export function facetsOfAll(runs: readonly Compared[]): Facet[][] {
  const others = hasImport(runs)
  const arrivals = tellsArrivals(runs)
  return runs.map((run) => {
    if (run.imported !== undefined) return importFacets(run.imported, arrivals)
    return [...runFacets(run), ...(others ? facetsBesideOthers(run.run, arrivals) : [])]
  })
}

function runFacets(run: ComparedRun): Facet[] {
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

function launchFacets(launch: LaunchConfiguration): Facet[] {
  return Object.entries(launchNames).map(([key, label]) =>
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

/** What other tools' results may tell, of a run of ours. What was detected is the client's machine, and no server's elsewhere. */
function facetsBesideOthers(
  { hardware, target, config, tool }: RunLog,
  arrivals: boolean,
): Facet[] {
  const gpus = target.loopback ? computeGpus(hardware) : []
  const { load } = config.benchmark
  const { kind } = load
  const isOpen = kind === 'constant' || kind === 'poisson' || kind === 'gamma'
  return [
    told('hardware', 'GPU', listed(gpus.map(({ name }) => readingValue(name)))),
    told('hardware', 'GPUs', gpus.length === 0 ? undefined : gpus.length),
    arrivalsFacet(isOpen ? kind : undefined, arrivals),
    told('benchmark', MOST_AT_ONCE, 'maxInFlight' in load ? load.maxInFlight : undefined),
    told('tool', 'Tool', `baremark ${tool.version}`),
    told('tool', 'Clock starts', kind === 'closed' ? clocks.sent : 'when a request is due'),
  ]
}

/** Tools name a limit that they never came near, so that another refuses nothing. */
const MOST_AT_ONCE = 'Most requests at once'

const clocks: Readonly<Record<Imported['clockStart'], string | undefined>> = {
  sent: 'when a request is sent',
  engine: 'inside the engine',
  unknown: undefined,
}

/** What a file may tell of each of its results, in the order that it is told. */
const importFields: readonly {
  readonly group: DifferenceGroup
  readonly label: string
  readonly of: (point: ImportedPoint) => string | number | undefined
}[] = [
  { group: 'hardware', label: 'GPU', of: ({ gpu }) => gpu?.name },
  { group: 'hardware', label: 'GPUs', of: ({ gpu }) => gpu?.count },
  { group: 'hardware', label: 'Processor, by its tool', of: ({ processor }) => processor },
  { group: 'server', label: 'Server or API, by its tool', of: ({ backend }) => backend },
  { group: 'server', label: 'Version', of: ({ backendVersion }) => backendVersion },
  { group: 'server', label: 'Quantisation', of: ({ quantization }) => quantization },
  { group: 'model', label: 'Tokenizer', of: ({ tokenizer }) => tokenizer },
  {
    group: 'benchmark',
    label: 'Name of the load, by its tool',
    of: ({ label }) => label || undefined,
  },
]

/** What a file does not tell has no value, and is unknown. */
function importFacets({ tool, clockStart, points }: Imported, arrivals: boolean): Facet[] {
  return [
    required('model', 'Model', listed(points.map(({ model }) => model))),
    ...importFields.map(({ group, label, of }) => told(group, label, listed(points.map(of)))),
    arrivalsFacet(listed(points.map(({ load }) => arrivalsOf(load))), arrivals),
    told('benchmark', MOST_AT_ONCE, listed(points.map(({ load }) => mostAtOnce(load)))),
    told('tool', 'Tool', [tool.name, tool.version].filter(Boolean).join(' ')),
    told('tool', 'Clock starts', clocks[clockStart]),
  ]
}

/** @param named whether the names of the levels tell arrivals, too, so that no others are held against each other */
function arrivalsFacet(value: string | undefined, named: boolean): Facet {
  return (named ? told : required)('benchmark', 'Arrivals', value)
}

function arrivalsOf(load: ImportedLoad | undefined): string | undefined {
  return load?.kind === 'open' ? load.arrivals : undefined
}

function mostAtOnce(load: ImportedLoad | undefined): number | undefined {
  return load?.kind === 'open' || load?.kind === 'trace' ? load.maxInFlight : undefined
}

/** Each once; unknown where none is known. */
function listed(values: readonly (string | number | undefined)[]): string | undefined {
  const known = [...new Set(values.filter((value) => value !== undefined))]
  return known.length === 0 ? undefined : known.join(', ')
}
