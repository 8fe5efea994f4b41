import { UserError } from '../errors.ts'
import { allocationResults } from './allocation/allocation-rows.ts'
import { breakEvenMonths } from './break-even-months.ts'
import { volumeBreakEvens } from './break-even-volume.ts'
import { buildLedger, optionsInOrder } from './build-ledger.ts'
import type { Catalogue } from './catalogue.ts'
import { withoutNeedless } from './components.ts'
import { exclusionsOf } from './control.ts'
import type { CostFigure, CostOption, CostReport, LevelCost } from './cost-report.ts'
import { costWarnings } from './cost-warnings.ts'
import { costCurves } from './curves.ts'
import { decide } from './decision.ts'
import { investmentComparisons } from './horizon/comparisons.ts'
import { type Ledger, type LedgerRow, rowsBehind, type Values, workOut } from './ledger.ts'
import { choosePoint } from './operating-point.ts'
import type { Scenario, ScenarioOption } from './scenario.ts'
import type { PricedPoint, Subject } from './subject.ts'
import { costUncertainty } from './uncertainty/cost-uncertainty.ts'

/**
 * The cost of what was measured under a scenario, by every option in it.
 *
 * @throws UserError when the scenario names what no catalogue has, or holds what cannot be
 */
export function priceSubject(subject: Subject, stated: Scenario, catalogue: Catalogue): CostReport {
  const scenario = withoutNeedless(stated)
  const { point, reason } = choosePoint(subject)
  const ledger = buildLedger(subject, point, scenario, catalogue)
  const values = workOut(ledger)
  const options = optionsInOrder(scenario).map(([id, option]) =>
    costOption(id, option, scenario, ledger, values),
  )
  const volume = volumeBreakEvens(ledger, scenario)
  const levels = subject.points.map((each) => levelCost(each, subject, scenario, catalogue))
  const uncertain = costUncertainty(ledger, values, options, scenario.uncertainty)
  const { decision, figures } = decide({
    subject,
    point,
    priced: { scenario, ledger, values },
    catalogue,
    options,
    uncertainty: uncertain?.uncertainty,
  })
  const months = breakEvenMonths(subject, scenario, ledger, values)
  const invested = investmentComparisons(scenario, values)
  const allocation = allocationResults(scenario, ledger, values)
  return {
    scenario: scenario.name,
    pricedLevel: point?.level,
    pricedLevelReason: reason,
    options,
    levels,
    breakEvens: [...volume.breakEvens, ...months.breakEvens],
    comparisons: invested.comparisons,
    curves: costCurves(ledger, values, scenario),
    allocationRefused: allocation.refused,
    uncertainty: uncertain?.uncertainty,
    decision,
    figures: [
      ...ledger.rows.map((row) => costFigure(row, values)),
      ...levels.flatMap((level) => levelFigures(level, scenario)),
      ...volume.figures,
      ...(uncertain?.figures ?? []),
      ...figures,
      ...months.figures,
      ...invested.figures,
      ...allocation.figures,
    ],
    warnings: costWarnings(subject, scenario, catalogue, ledger, point),
  }
}

/**
 * Every number of a price at one measured level, whether or not it is the one that options are priced at.
 *
 * @throws UserError for a level that was not measured
 */
export function figuresAtLevel(
  subject: Subject,
  level: number,
  scenario: Scenario,
  catalogue: Catalogue,
): CostFigure[] {
  const point = subject.points.find((each) => each.level === level)
  if (point === undefined) {
    const levels = subject.points.map((each) => `${each.level} (${each.label})`).join(', ')
    throw new UserError(`There is no level ${level}.`, { remedy: `Measured were: ${levels}.` })
  }
  return figuresOf(buildLedger(subject, point, scenario, catalogue))
}

/** Every row of a ledger, worked out. */
export function figuresOf(ledger: Ledger): CostFigure[] {
  const values = workOut(ledger)
  return ledger.rows.map((row) => costFigure(row, values))
}

function costFigure(row: LedgerRow, values: Values): CostFigure {
  const value = values.get(row.path)
  const { path, label, unit } = row
  switch (row.kind) {
    case 'input': {
      const { origin, source, date, note, uncertain } = row
      return { path, label, unit, value, origin, source, date, note, uncertain }
    }
    case 'result':
      return { path, label, unit, value, formula: row.formula, from: row.from, part: row.part }
  }
}

function costOption(
  id: string,
  option: ScenarioOption,
  scenario: Scenario,
  ledger: Ledger,
  values: Values,
): CostOption {
  const prefix = `options.${id}.lines.`
  return {
    id,
    kind: option.kind,
    name: nameOf(id, option, ledger),
    lines: ledger.rows
      .filter(({ path }) => path.startsWith(prefix))
      .map(({ path }) => path.slice(prefix.length, -'.usdPerYear'.length)),
    missing: missing(id, ledger, values),
    excluded: exclusionsOf(option, scenario),
  }
}

/** As the scenario has it; else what it is of. */
function nameOf(id: string, option: ScenarioOption, { rows }: Ledger): string {
  if (option.name !== undefined) return option.name
  const note = (name: string) => {
    const row = rows.find(({ path }) => path === `options.${id}.${name}`)
    return row?.kind === 'input' ? row.note : undefined
  }
  switch (option.kind) {
    case 'owned':
      return `${note('gpusPerServer') ?? 'hardware without a profile'}, owned`
    case 'colocated':
      return `${note('gpusPerServer') ?? 'hardware without a profile'}, in colocation`
    case 'rented':
      return note('rentUsdPerHour') ?? 'no offer known'
    case 'api':
      return note('tariff.usdPerMillionOutputTokens') ?? option.api
    case 'hybrid':
      return `mix of ${option.base} and ${option.api}`
  }
}

/** The unknown inputs behind an option's bill, in words. */
function missing(id: string, ledger: Ledger, values: Values): string[] {
  const wanted = `options.${id}.usdPerMillionOutputTokens`
  if (values.get(wanted) !== undefined) return []
  const unknown = rowsBehind(ledger, [wanted]).filter(
    (row) => row.kind === 'input' && row.value === undefined,
  )
  const reasons = unknown.map(
    ({ label, path }) => missingReasons[path] ?? `${label.toLowerCase()} (${path}) is not known`,
  )
  return reasons.length > 0 ? reasons : ['there is no demand to price']
}

const missingReasons: Readonly<Record<string, string>> = {
  'measured.outputTokensPerS': 'no load level could be priced',
  'measured.inputPerOutputToken':
    'no input throughput was measured at a level that could be priced',
  'measured.units':
    'how many units serve the model is unknown: give --gpus, or units in the scenario',
}

/** The first machines of one's own, were they priced at this level. */
function levelCost(
  point: PricedPoint,
  subject: Subject,
  scenario: Scenario,
  catalogue: Catalogue,
): LevelCost {
  const owned = firstMachines(scenario)
  if (owned === undefined || !(point.outputTokensPerS ?? 0))
    return { level: point.level, meetsSlo: point.meetsSlo }
  const path = (name: string) => `options.${owned}.${name}`
  const ledger = buildLedger(subject, point, scenario, catalogue)
  const wanted = [path('usdPerMillionOutputTokens'), path('usdPerMillionTotalTokens')]
  const values = workOut({ rows: rowsBehind(ledger, wanted) })
  const at = (name: string) => values.get(path(name))
  return {
    level: point.level,
    usdPerMillionOutputTokens: at('usdPerMillionOutputTokens'),
    usdPerMillionTotalTokens: at('usdPerMillionTotalTokens'),
    meetsSlo: point.meetsSlo,
  }
}

function firstMachines({ options }: Scenario): string | undefined {
  return Object.entries(options).find(
    ([, { kind }]) => kind === 'owned' || kind === 'colocated',
  )?.[0]
}

/** What a level costs, as figures: each is worked from what that level measured, by the formulas of the level that is priced. */
function levelFigures({ level, ...cost }: LevelCost, scenario: Scenario): CostFigure[] {
  const owned = firstMachines(scenario)
  if (owned === undefined) return []
  return (['usdPerMillionOutputTokens', 'usdPerMillionTotalTokens'] as const).map((name) => ({
    path: `levels.${level}.${name}`,
    label: `${name === 'usdPerMillionOutputTokens' ? 'Whole bill on the output tokens' : 'Whole bill on all tokens, blended'}, at level ${level}`,
    unit: name === 'usdPerMillionOutputTokens' ? 'USD/M output tokens' : 'USD/M tokens',
    value: cost[name],
    formula: `options.${owned}.${name}, with what level ${level} measured in place of measured.*`,
    from: [`options.${owned}.${name}`],
  }))
}
