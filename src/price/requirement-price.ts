import { buildLedger, optionsInOrder } from './build-ledger.ts'
import type { Catalogue } from './catalogue.ts'
import { componentsOf, withoutNeedless } from './components.ts'
import { exclusionsOf, requirementNames } from './control.ts'
import type { CostFigure, RequirementPrice } from './cost-report.ts'
import { type Ledger, rowsBehind, type Values, workOut } from './ledger.ts'
import type { Requirement, Scenario } from './scenario.ts'
import type { PricedPoint, Subject } from './subject.ts'

/** A scenario that has been priced. */
export interface Priced {
  readonly scenario: Scenario
  readonly ledger: Ledger
  readonly values: Values
}

/**
 * What each requirement removes and costs: the same scenario is priced again without it, and the cheapest options of both are set side by
 * side. No multiplier is in it.
 */
export function requirementPrices(
  subject: Subject,
  point: PricedPoint | undefined,
  priced: Priced,
  catalogue: Catalogue,
): { prices: RequirementPrice[]; togetherUsdPerYear?: string; figures: CostFigure[] } {
  const { scenario, values } = priced
  const made = requirementNames.filter((name) => scenario.requirements[name] !== undefined)
  const again = (requirements: readonly Requirement[]): Priced => {
    const unmade = without(scenario, requirements)
    const ledger = buildLedger(subject, point, unmade, catalogue)
    return { scenario: unmade, ledger, values: workOut(ledger) }
  }
  const all = made.map((requirement) => priceOf(requirement, priced, again([requirement])))
  const together = made.length > 1 ? differenceFigures('together', priced, again(made)) : []
  const cheapest = cheapestOf({ scenario, values })
  return {
    prices: all.map(({ price }) => ({ ...price, cheapest: cheapest?.id })),
    togetherUsdPerYear:
      together.at(-1)?.path ?? (made.length === 1 ? all[0]?.price.usdPerYear : undefined),
    figures: [...all.flatMap(({ figures }) => figures), ...together],
  }
}

function without(scenario: Scenario, left: readonly Requirement[]): Scenario {
  const kept = Object.entries(scenario.requirements).filter(
    ([name]) => !left.includes(name as Requirement),
  )
  return { ...scenario, requirements: Object.fromEntries(kept) }
}

function priceOf(
  requirement: Requirement,
  made: Priced,
  unmade: Priced,
): { price: RequirementPrice; figures: CostFigure[] } {
  const figures = differenceFigures(requirement, made, unmade)
  return {
    price: {
      requirement,
      removes: optionsInOrder(made.scenario)
        .filter(([, option]) =>
          exclusionsOf(option, made.scenario).some((each) => each.requirement === requirement),
        )
        .map(([id]) => id),
      cheapestWithout: cheapestOf(unmade)?.id,
      usdPerYear: figures.at(-1)?.path,
      lines: linesBecauseOf(requirement, made.scenario),
    },
    figures,
  }
}

interface Bill {
  readonly id: string
  readonly path: string
  readonly usdPerYear: number
}

/** The cheapest option that meets every requirement and has a known bill; of equal ones the first. */
function cheapestOf(priced: Omit<Priced, 'ledger'>): Bill | undefined {
  return rankedBills(priced).reduce<Bill | undefined>(
    (best, bill) => (best === undefined || bill.usdPerYear < best.usdPerYear ? bill : best),
    undefined,
  )
}

/** Bills of the options that meet every requirement, where they are known. */
export function rankedBills({ scenario, values }: Omit<Priced, 'ledger'>): Bill[] {
  return optionsInOrder(scenario).flatMap(([id, option]) => {
    const path = `options.${id}.usdPerYear`
    const usdPerYear = values.get(path)
    const isRanked = usdPerYear !== undefined && exclusionsOf(option, scenario).length === 0
    return isRanked ? [{ id, path, usdPerYear }] : []
  })
}

/** The cheapest options of a scenario with and without something required; nothing where either has none. */
function differenceFigures(
  required: Requirement | 'together',
  made: Priced,
  unmade: Priced,
): CostFigure[] {
  const cheapest = cheapestOf(made)
  const cheapestWithout = cheapestOf(unmade)
  if (cheapest === undefined || cheapestWithout === undefined) return []
  const at = (name: string) => `requirements.${required}.${name}`
  const what = required === 'together' ? 'any requirement' : required
  const known = new Set(made.ledger.rows.map(({ path }) => path))
  const inputs = rowsBehind(unmade.ledger, [cheapestWithout.path]).filter(
    ({ kind, path }) => kind === 'input' && known.has(path),
  )
  return [
    {
      path: at('cheapestUsdPerYear'),
      label: `Cheapest option that meets everything: ${cheapest.id}`,
      unit: 'USD/year',
      value: cheapest.usdPerYear,
      formula: 'least usdPerYear of the options that meet every requirement and have a bill',
      from: rankedBills(made).map(({ path }) => path),
      note: unknownNote(made),
    },
    {
      path: at('cheapestWithoutUsdPerYear'),
      label: `Cheapest option without ${what}: ${cheapestWithout.id}`,
      unit: 'USD/year',
      value: cheapestWithout.usdPerYear,
      formula: `the same, when the scenario is priced again without ${what} and what is bought because of it: usdPerYear of ${cheapestWithout.id}`,
      from: inputs.map(({ path }) => path),
      note: unknownNote(unmade),
    },
    {
      path: at('usdPerYear'),
      label: required === 'together' ? 'What all requirements cost' : 'What the requirement costs',
      unit: 'USD/year',
      value: cheapest.usdPerYear - cheapestWithout.usdPerYear,
      formula: 'cheapestUsdPerYear - cheapestWithoutUsdPerYear',
      from: [at('cheapestUsdPerYear'), at('cheapestWithoutUsdPerYear')],
    },
  ]
}

/** An option without a bill could be the cheapest. */
function unknownNote({ scenario, values }: Priced): string | undefined {
  const unknown = optionsInOrder(scenario).flatMap(([id, option]) =>
    exclusionsOf(option, scenario).length === 0 &&
    values.get(`options.${id}.usdPerYear`) === undefined
      ? [id]
      : [],
  )
  return unknown.length === 0 ? undefined : `without ${unknown.join(', ')}, whose bill is not known`
}

/** Lines that would not be in a bill without the requirement; those of a mix have its parts' names in front. */
function linesBecauseOf(requirement: Requirement, stated: Scenario): string[] {
  const scenario = withoutNeedless(stated)
  const of = (id: string | undefined) => {
    const option = id === undefined ? undefined : scenario.options[id]
    if (option === undefined) return []
    return componentsOf(option, scenario.capitalMethod)
      .filter(({ because }) => because === requirement)
      .map((component) => component.id)
  }
  return optionsInOrder(scenario).flatMap(([id, option]) => {
    const parts =
      option.kind === 'hybrid'
        ? [
            ...of(option.base).map((line) => `base-${line}`),
            ...of(option.api).map((line) => `api-${line}`),
          ]
        : []
    return [...parts, ...of(id)].map((line) => `options.${id}.lines.${line}.usdPerYear`)
  })
}
