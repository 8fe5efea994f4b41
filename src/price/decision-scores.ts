import type { Maybe } from '../arithmetic.ts'
import { type CostFigure, type DecisionCriterion, decisionCriteria } from './cost-report.ts'
import { type serviceNames, servicePath } from './options/service.ts'
import { type Priced, rankedBills } from './requirement-price.ts'
import type { OptionOf, ScenarioOption } from './scenario.ts'

/**
 * Scores of the options that meet every requirement and have a bill, by the weights of the scenario; without weights none. A part that is
 * weighted and not known makes the score unknown.
 */
export function decisionScores(priced: Priced): {
  paths: ReadonlyMap<string, string>
  figures: CostFigure[]
} {
  const { weights } = priced.scenario
  const paths = new Map<string, string>()
  if (weights === undefined) return { paths, figures: [] }
  const weighted = decisionCriteria.filter((criterion) => (weights[criterion] ?? 0) > 0)
  const ids = rankedBills(priced).map(({ id }) => id)
  const figures: CostFigure[] = weighted.map((criterion) => ({
    path: weightPath(criterion),
    label: `Weight of ${criterion}`,
    unit: 'weight',
    value: weights[criterion],
    origin: 'choice',
    source: `scenario ${priced.scenario.name}`,
  }))
  const parts = ids.map((id) => ({
    id,
    figures: weighted.map((criterion) => partFigure[criterion](priced, ids, id)),
  }))
  for (const part of parts) {
    figures.push(...part.figures)
    const score = scoreFigure(part.id, weighted, part.figures, weights)
    figures.push(score)
    if (score.value !== undefined) paths.set(part.id, score.path)
  }
  return { paths, figures }
}

const weightPath = (criterion: DecisionCriterion) => `decision.weights.${criterion}`
const partPath = (id: string, criterion: DecisionCriterion) => `options.${id}.score.${criterion}`

function scoreFigure(
  id: string,
  weighted: readonly DecisionCriterion[],
  parts: readonly CostFigure[],
  weights: Readonly<Partial<Record<DecisionCriterion, number>>>,
): CostFigure {
  let sum: Maybe = 0
  let total = 0
  for (const [index, criterion] of weighted.entries()) {
    const part = parts[index]?.value
    const weight = weights[criterion] ?? 0
    sum = sum === undefined || part === undefined ? undefined : sum + weight * part
    total += weight
  }
  return {
    path: `options.${id}.score.weighted`,
    label: 'Weighted score',
    unit: 'ratio',
    value: sum === undefined ? undefined : sum / total,
    formula: 'sum of weight x score / sum of weights',
    from: weighted.flatMap((criterion) => [weightPath(criterion), partPath(id, criterion)]),
  }
}

type PartFigure = (priced: Priced, ids: readonly string[], id: string) => CostFigure

/** How each criterion becomes a number from 0 to 1, best 1. */
const partFigure: Readonly<Record<DecisionCriterion, PartFigure>> = {
  cost: ({ values }, ids, id) => {
    const from = ids.map((each) => `options.${each}.usdPerYear`)
    const bills = from.map((path) => values.get(path) ?? Number.NaN)
    const least = Math.min(...bills)
    const most = Math.max(...bills)
    const usd = values.get(`options.${id}.usdPerYear`) ?? Number.NaN
    return result(id, 'cost', {
      value: costScore(usd, least, most),
      formula: `1 - ln(usdPerYear of ${id} / least usdPerYear) / ln(most usdPerYear / least usdPerYear)`,
      from,
    })
  },
  performance: (priced, ids, id) => {
    const all = ids.map((each) => servicesOf(priced, each))
    const own = servicesOf(priced, id)
    const leastTtft = bestOf(
      all.map(({ ttftMs }) => ttftMs),
      Math.min,
    )
    const mostSpeed = bestOf(
      all.map(({ tokensPerS }) => tokensPerS),
      Math.max,
    )
    const known = [own.ttftMs, own.tokensPerS, leastTtft, mostSpeed]
    const [ttft = 0, speed = 0, least = 0, most = 0] = known
    return result(id, 'performance', {
      value: known.includes(undefined) ? undefined : (least / ttft + speed / most) / 2,
      formula:
        'mean of (least ttftP95Ms / ttftP95Ms) and (tokensPerSPerUser / most tokensPerSPerUser); of a mix, its slower part',
      from: [...new Set([...own.from, ...all.flatMap(({ from }) => from)])],
    })
  },
  security: (priced, _, id) =>
    statedShare(priced, id, 'security', {
      'says where data is processed': ({ control }) => control.dataLocation !== undefined,
      'is operated under the law of your own country': ({ control }) =>
        control.operatorJurisdiction === 'own',
      'has a certification': ({ control }) => (control.certifications?.length ?? 0) > 0,
      'says which data it may hold': ({ control }) => (control.dataClasses?.length ?? 0) > 0,
    }),
  control: (priced, _, id) =>
    statedShare(priced, id, 'control', {
      'is operated by you': ({ kind }) => kind !== 'api',
      'is cut off from networks': ({ control }) => control.airGapped === true,
      'is your property': ({ kind }) => kind === 'owned' || kind === 'colocated',
      'needs nothing bought': ({ kind }) => kind === 'api' || kind === 'rented',
    }),
}

/** Linear in the logarithm: twice as dear loses the same wherever it is. Of what costs nothing there is none. */
function costScore(usd: number, least: number, most: number): Maybe {
  if (!(least > 0)) return undefined
  return most > least ? 1 - Math.log(usd / least) / Math.log(most / least) : 1
}

function result(
  id: string,
  criterion: DecisionCriterion,
  parts: Pick<CostFigure, 'value' | 'formula' | 'from'>,
): CostFigure {
  return { path: partPath(id, criterion), label: `Score of ${criterion}`, unit: 'ratio', ...parts }
}

function partsOf({ scenario }: Priced, id: string): [string, ScenarioOption][] {
  const option = scenario.options[id] as ScenarioOption
  const ids = option.kind === 'hybrid' ? hybridParts(option) : [id]
  return ids.map((part) => [part, scenario.options[part] as ScenarioOption])
}

function hybridParts({ base, api }: OptionOf<'hybrid'>): string[] {
  return [base, api]
}

/** How fast an option answers; of a mix, as its slower part does. Unknown where any part is. */
function servicesOf(
  priced: Priced,
  id: string,
): { ttftMs: Maybe; tokensPerS: Maybe; from: string[] } {
  const of = (name: (typeof serviceNames)[number]) =>
    partsOf(priced, id).map(([part, option]) => servicePath(priced, part, option, name))
  const valuesAt = (paths: (string | undefined)[]) =>
    paths.map((path) => (path === undefined ? undefined : priced.values.get(path)))
  const ttft = of('ttftP95Ms')
  const speed = of('tokensPerSPerUser')
  return {
    ttftMs: bestOf(valuesAt(ttft), Math.max),
    tokensPerS: bestOf(valuesAt(speed), Math.min),
    from: [...ttft, ...speed].filter((path) => path !== undefined),
  }
}

function bestOf(values: readonly Maybe[], of: (...values: number[]) => number): Maybe {
  const known = values.filter((value) => value !== undefined)
  return known.length === values.length && known.length > 0 ? of(...known) : undefined
}

/** Share of facts that are stated and met, of all: what nobody states counts as not met. A mix meets what both its parts do. */
function statedShare(
  priced: Priced,
  id: string,
  criterion: DecisionCriterion,
  facts: Readonly<Record<string, (option: ScenarioOption) => boolean>>,
): CostFigure {
  const all = Object.entries(facts)
  const met = all.filter(([, holds]) => partsOf(priced, id).every(([, option]) => holds(option)))
  const names = (some: typeof all) => some.map(([name]) => name).join(', ') || 'nothing'
  const unmet = all.filter((fact) => !met.includes(fact))
  return {
    path: partPath(id, criterion),
    label: `Score of ${criterion}`,
    unit: 'ratio',
    value: met.length / all.length,
    origin: 'choice',
    source: `scenario ${priced.scenario.name}`,
    note: `${met.length} of ${all.length} stated facts: ${names(met)}. Not, or not stated: ${names(unmet)}`,
  }
}
