import type { Maybe } from '../arithmetic.ts'
import { UserError } from '../errors.ts'
import type { RunLog } from '../load/run-log.ts'
import { type Difference, differencesOf } from '../measure/compare-set-up.ts'
import type { Summary } from '../measure/summary.ts'
import { W_PER_KW } from '../units.ts'
import { componentsOf } from './components.ts'
import {
  type CostReport,
  type CostWarning,
  type FigureFinder,
  figureFinder,
} from './cost-report.ts'
import type { MachineOption, Scenario } from './scenario.ts'
import type { Subject } from './subject.ts'

/** A machine that may be bought: what was measured on it, and its price under the scenario. */
export interface Candidate {
  /** In this document: A, B ... */
  readonly name: string
  /** As the user named it. */
  readonly path: string
  readonly subject: Subject
  readonly cost: CostReport
  /** Of a run of ours; of a group one that stands for all. */
  readonly run?: { readonly run: RunLog; readonly summary: Summary }
  /** Of another tool's result, where its file tells. */
  readonly model?: string
}

/**
 * `undominated`: no other is at least as good in all and better in one. `dominated`: another is. `apart`: INVALID, or it does not meet its
 * SLO; neither ranked nor ranked against. `unknown`: a figure is missing.
 */
type Standing = 'undominated' | 'dominated' | 'apart' | 'unknown'

export interface JudgedCandidate {
  readonly name: string
  readonly path: string
  readonly what: string
  /** The machine, as its hardware profile calls it. */
  readonly machine: string
  readonly verdict: Subject['verdict']
  /** Label of the load level that it is priced at. */
  readonly pricedAt?: string
  /** Absent where no SLO was set or can be judged. */
  readonly meetsSlo?: boolean
  readonly outputTokensPerSPerServer?: number
  readonly servers?: number
  readonly gpus?: number
  readonly racks?: number
  /** Height of all servers, in rack units of 44.45 mm. */
  readonly rackUnits?: number
  readonly utilisationRatio?: number
  /** Everything bought once, before any residual value. */
  readonly capexUsd?: number
  readonly usdPerYear?: number
  readonly usdPerMillionOutputTokens?: number
  /** All servers under full load, without cooling: what has to be supplied. */
  readonly fullLoadPowerKw?: number
  /** Price or power are of the boards alone, without the machine around them: the real ones are higher. */
  readonly boardsOnly: boolean
  readonly standing: Standing
  /** Names of those that dominate it. */
  readonly dominatedBy: readonly string[]
  /** Why it is apart, or what is missing. */
  readonly why: readonly string[]
}

/** Machines held against one demand. */
export interface Procurement {
  readonly schemaVersion: 1
  readonly kind: 'baremark-procurement'
  readonly scenario: string
  /** Id of the option that says how a machine would be bought and run. */
  readonly option: string
  readonly outputTokensPerDay: number
  /** Held against each other although they measure different things. */
  readonly forced: boolean
  /** What is not the same in the measurements, and makes them measurements of different things. */
  readonly differences: readonly Difference[]
  readonly candidates: readonly JudgedCandidate[]
}

/**
 * What each machine takes to carry the same demand, and which of them another one beats in everything.
 *
 * @param forced says so in the result, whatever the differences are
 * @throws UserError where the scenario states no demand or no way of buying, or one machine for all
 */
export function procure(
  candidates: readonly Candidate[],
  scenario: Scenario,
  wanted: string | undefined,
): Procurement {
  const [option, how] = optionToBuy(scenario, wanted)
  const outputTokensPerDay = requireDemand(scenario)
  const differences = workDifferences(candidates)
  const judged = candidates.map((candidate) => judge(candidate, option, how, scenario))
  return {
    schemaVersion: 1,
    kind: 'baremark-procurement',
    scenario: scenario.name,
    option,
    outputTokensPerDay,
    forced: differences.length > 0,
    differences,
    candidates: judged.map((candidate) => ranked(candidate, judged)),
  }
}

/** How a machine would be bought: the option named, else the first with machines of one's own. */
export function optionToBuy(
  { options }: Scenario,
  wanted: string | undefined,
): [string, MachineOption] {
  const bought = Object.entries(options).flatMap(([id, option]): [string, MachineOption][] =>
    option.kind === 'owned' || option.kind === 'colocated' ? [[id, option]] : [],
  )
  const found = wanted === undefined ? bought[0] : bought.find(([id]) => id === wanted)
  if (found === undefined)
    throw new UserError(
      wanted === undefined
        ? 'The scenario has no option of kind owned or colocated.'
        : `The scenario has no option ${wanted} of kind owned or colocated.`,
      {
        remedy:
          bought.length === 0
            ? 'Add one: it says how a machine is bought and run.'
            : `It has ${bought.map(([id]) => id).join(', ')}.`,
      },
    )
  const [id, { hardwareProfile }] = found
  if (hardwareProfile !== undefined)
    throw new UserError(`options.${id}.hardwareProfile is ${hardwareProfile} for all candidates.`, {
      remedy: 'Leave it out: each candidate is priced as the machine that it was measured on.',
    })
  return found
}

function requireDemand({ demand, name }: Scenario): number {
  const { amount } = demand
  if (amount.kind === 'output-tokens-per-day') return amount.outputTokensPerDay.value
  throw new UserError(
    `The demand of scenario ${name} is a share of what a server makes, which is another demand for every candidate.`,
    {
      remedy: 'State tokens a day: demand.amount with kind output-tokens-per-day in the scenario.',
    },
  )
}

function judge(
  { name, path, subject, cost }: Candidate,
  id: string,
  option: MachineOption,
  scenario: Scenario,
): Omit<JudgedCandidate, 'standing' | 'dominatedBy'> {
  const find = figureFinder(cost)
  const at = (key: string): Maybe => find(`options.${id}.${key}`)?.value
  const priced = subject.points.find(({ level }) => level === cost.pricedLevel)
  const known = cost.options.find((each) => each.id === id)
  const meetsSlo = subject.hasSlo ? priced !== undefined : undefined
  const [servers, loadPowerW] = [at('servers'), at('loadPowerW')]
  return {
    name,
    path,
    what: subject.what,
    machine: noteOf(find, id) ?? known?.name ?? id,
    verdict: subject.verdict,
    pricedAt: priced?.label,
    meetsSlo,
    outputTokensPerSPerServer: at('outputTokensPerSPerServer'),
    servers,
    gpus: at('gpus'),
    racks: at('racks'),
    rackUnits: at('rackUnits'),
    utilisationRatio: at('utilisationRatio'),
    capexUsd: capexUsd(find, id, option, scenario),
    usdPerYear: at('usdPerYear'),
    usdPerMillionOutputTokens: at('usdPerMillionOutputTokens'),
    fullLoadPowerKw:
      servers === undefined || loadPowerW === undefined
        ? undefined
        : (servers * loadPowerW) / W_PER_KW,
    boardsOnly: cost.warnings.some(({ kind }) => boardWarnings.includes(kind)),
    why: [
      ...(subject.verdict === 'INVALID'
        ? [`The ${subject.kind === 'group' ? 'group' : 'run'} is INVALID`]
        : []),
      ...(meetsSlo === false ? ['No measured level met the SLO'] : []),
      ...(meetsSlo === false ? [] : (known?.missing ?? [])),
    ],
  }
}

const boardWarnings: readonly CostWarning['kind'][] = ['board-power-only', 'board-price-only']

function noteOf(find: FigureFinder, id: string): string | undefined {
  return find(`options.${id}.gpusPerServer`)?.note
}

/** Everything that binds money, in the order of the bill. */
function capexUsd(
  find: FigureFinder,
  id: string,
  option: MachineOption,
  { capitalMethod }: Scenario,
): Maybe {
  let usd = 0
  for (const { capital } of componentsOf(option, capitalMethod)) {
    if (capital === undefined) continue
    const count = find(`options.${id}.${capital.count}`)?.value
    const price = find(`options.${id}.${capital.priceUsd}`)?.value
    if (count === undefined || price === undefined) return undefined
    usd += count * price
  }
  return usd
}

type Unranked = Omit<JudgedCandidate, 'standing' | 'dominatedBy'>

function ranked(candidate: Unranked, all: readonly Unranked[]): JudgedCandidate {
  if (isApart(candidate)) return { ...candidate, standing: 'apart', dominatedBy: [] }
  if (!isKnown(candidate)) return { ...candidate, standing: 'unknown', dominatedBy: [] }
  const dominatedBy = all.filter((other) => dominates(other, candidate)).map(({ name }) => name)
  const standing = dominatedBy.length === 0 ? 'undominated' : 'dominated'
  return { ...candidate, standing, dominatedBy }
}

function isApart({ verdict, meetsSlo }: Unranked): boolean {
  return verdict === 'INVALID' || meetsSlo === false
}

/** What a machine is judged by: the bill, what has to be supplied, and the room that it takes. All the better for being less. */
const criteria = ['usdPerYear', 'fullLoadPowerKw', 'racks'] as const

/** The same, of two machines of which both are known to have it: what few data sheets were looked up for bars nobody from being ranked. */
const criteriaWhereKnown = ['rackUnits'] as const

function isKnown(candidate: Unranked): boolean {
  return criteria.every((key) => candidate[key] !== undefined)
}

/**
 * At least as good in all and better in one. What met no SLO is no better than what met one, however fast it was; and what is known of
 * boards alone is not the cheaper machine for it.
 */
function dominates(other: Unranked, candidate: Unranked): boolean {
  if (other.name === candidate.name || isApart(other) || !isKnown(other)) return false
  if (candidate.meetsSlo === true && other.meetsSlo !== true) return false
  if (other.boardsOnly && !candidate.boardsOnly) return false
  const pairs = [...criteria, ...criteriaWhereKnown].flatMap((key) => {
    const [a, b] = [other[key], candidate[key]]
    return a === undefined || b === undefined ? [] : [[a, b] as const]
  })
  return pairs.every(([a, b]) => a <= b) && pairs.some(([a, b]) => a < b)
}

/** A mix or a length of answers that differs by more is other work. */
const SHAPE_TOLERANCE_RATIO = 0.1

/** In what the measurements are measurements of different things. Load levels are not: each machine has its own. */
function workDifferences(candidates: readonly Candidate[]): Difference[] {
  const runs = candidates.flatMap(({ name, path, run }) => (run ? [{ name, path, ...run }] : []))
  const ofRuns = differencesOf(runs)
    .filter(({ comparable, label }) => isOtherWork(comparable, label))
    .map((each) => ({ ...each, comparable: false }))
  const imported = candidates.some(({ run }) => run === undefined)
  if (!imported) return ofRuns
  return [
    ...ofRuns.filter(({ label }) => label !== MODEL),
    ...byText(MODEL, candidates, (candidate) => candidate.run?.run.target.model ?? candidate.model),
    ...byShape(
      'Input tokens for an output token',
      candidates,
      ({ inputTokensPerS, outputTokensPerS }) => quotient(inputTokensPerS, outputTokensPerS),
    ),
    ...byShape('Output tokens of a request', candidates, ({ outputTokensPerS, requestsPerS }) =>
      quotient(outputTokensPerS, requestsPerS),
    ),
  ]
}

const MODEL = 'Model'

/** Prices are read at the SLO: under another one they are prices of another thing. */
function isOtherWork(comparable: boolean, label: string): boolean {
  return label.startsWith('slo.') || (!comparable && label !== 'Load levels')
}

function quotient(dividend: Maybe, divisor: Maybe): Maybe {
  return dividend === undefined || !divisor ? undefined : dividend / divisor
}

function byText(
  label: string,
  candidates: readonly Candidate[],
  textOf: (candidate: Candidate) => string | undefined,
): Difference[] {
  const known = candidates.flatMap((candidate) => {
    const value = textOf(candidate)
    return value === undefined ? [] : [{ runs: [candidate.name], value }]
  })
  if (new Set(known.map(({ value }) => value)).size < 2) return []
  return [{ group: 'model', label, comparable: false, values: known }]
}

/** Of the load that each is priced at. What no file tells is not held against it. */
function byShape(
  label: string,
  candidates: readonly Candidate[],
  shapeOf: (point: Subject['points'][number]) => Maybe,
): Difference[] {
  const known = candidates.flatMap(({ name, subject, cost }) => {
    const point = subject.points.find(({ level }) => level === cost.pricedLevel)
    const value = point && shapeOf(point)
    return value === undefined ? [] : [{ name, value }]
  })
  const values = known.map(({ value }) => value)
  if (known.length < 2) return []
  if (Math.max(...values) <= Math.min(...values) * (1 + SHAPE_TOLERANCE_RATIO)) return []
  return [
    {
      group: 'benchmark',
      label,
      comparable: false,
      values: known.map(({ name, value }) => ({ runs: [name], value: value.toPrecision(3) })),
    },
  ]
}
