import { allocationRows } from './allocation/allocation-rows.ts'
import { type Catalogue, measuredProfile, measuredUnits } from './catalogue.ts'
import { withoutNeedless } from './components.ts'
import { demandRows, demandShape, measuredRows } from './demand/demand-rows.ts'
import { allComparisonRows } from './horizon/comparisons.ts'
import { demandYearRows } from './horizon/demand-years.ts'
import { horizonRows } from './horizon/horizon-rows.ts'
import { marketRows } from './horizon/market-rows.ts'
import { yearRows } from './horizon/year-rows.ts'
import { type Ledger, startLedger } from './ledger.ts'
import { apiRows } from './options/api.ts'
import type { ModelContext } from './options/context.ts'
import { figureRow } from './options/context.ts'
import { hybridRows } from './options/hybrid.ts'
import { machineRows } from './options/machine.ts'
import { rentedRows } from './options/rented.ts'
import { resultRows } from './options/results.ts'
import { revenueInputRows, revenueRows } from './options/revenue.ts'
import { serviceRows } from './options/service.ts'
import { withOverrides } from './overrides.ts'
import { requirePue } from './requirements.ts'
import type { Scenario, ScenarioOption } from './scenario.ts'
import type { PricedPoint, Subject } from './subject.ts'

/**
 * The whole cost model of one measured load under one scenario, as a ledger. Options come in the order of the scenario, mixes last, as
 * they rest on others.
 *
 * @throws UserError for names that no catalogue has, and inputs that cannot be
 */
export function buildLedger(
  subject: Subject,
  point: PricedPoint | undefined,
  stated: Scenario,
  catalogue: Catalogue,
): Ledger {
  const scenario = withoutNeedless(stated)
  const profile = measuredProfile(subject, scenario, catalogue)
  const units = measuredUnits(subject, scenario, profile)
  const context: ModelContext = {
    ledger: startLedger(),
    subject,
    scenario,
    catalogue,
    point,
    profile,
    units: units?.value,
    shape: demandShape(scenario),
  }
  measuredRows(context, units?.source ?? 'not known', units?.note)
  figureRow(
    context,
    { path: 'finance.costOfCapitalRatioPerYear', label: 'Cost of capital', unit: 'ratio/year' },
    scenario.costOfCapitalRatioPerYear,
    scenario.sources,
  )
  demandRows(context)
  const options = optionsInOrder(scenario)
  for (const [id, option] of options) {
    optionRows(context, id, option)
    serviceRows(context, id, option)
    resultRows(context.ledger, `options.${id}`)
  }
  revenueInputRows(context)
  for (const [id] of options) revenueRows(context, id)
  allocationRows(context)
  horizon(context, options)
  return withOverrides(context.ledger.ledger(), scenario)
}

/** What options pay over the years, and what investments in machines are worth. */
function horizon(
  context: ModelContext,
  options: readonly (readonly [string, ScenarioOption])[],
): void {
  const demand = demandYearRows(context)
  const market = marketRows(context)
  for (const [id, option] of options) {
    yearRows(context, id, option, demand)
    horizonRows(context, id, market)
  }
  allComparisonRows(context.ledger, context.scenario)
}

/** Mixes last. */
export function optionsInOrder({ options }: Scenario): [string, ScenarioOption][] {
  const all = Object.entries(options)
  return [
    ...all.filter(([, { kind }]) => kind !== 'hybrid'),
    ...all.filter(([, { kind }]) => kind === 'hybrid'),
  ]
}

function optionRows(context: ModelContext, id: string, option: ScenarioOption): void {
  switch (option.kind) {
    case 'owned':
    case 'colocated':
      requirePue(option.pueRatio?.value)
      machineRows(context, id, option)
      return
    case 'rented':
      rentedRows(context, id, option)
      return
    case 'api':
      apiRows(context, id, option)
      return
    case 'hybrid':
      hybridRows(context, id, option)
      return
  }
}
