import { type Maybe, product, ratio, sum } from '../arithmetic.ts'
import type { RunLog } from '../load/run-log.ts'
import type { OperatingPoint, Summary } from '../measure/summary.ts'
import { apiUsdPerHourFull, breakEvenMonths, breakEvenUtilisation } from './break-even.ts'
import { capexUsd, ownedCostLines } from './components.ts'
import type { BreakEven, CostLine, CostOption, CostReport, LevelCost } from './cost-report.ts'
import { costWarnings } from './cost-warnings.ts'
import {
  type Catalogue,
  type Chosen,
  chooseInputs,
  type InputName,
  type Inputs,
  inputValue,
  measured,
} from './inputs.ts'
import { choosePoint, meetsSloLevel } from './operating-point.ts'
import type { Scenario } from './scenario.ts'
import { pricesFromBill, pricesFromTariff, type TokenRates } from './token-prices.ts'

/**
 * The cost of a run's measured throughput under a scenario, owned, rented and from an API.
 *
 * @throws UserError when the scenario names an unknown profile or price
 */
export function priceRun(
  run: RunLog,
  summary: Summary,
  scenario: Scenario,
  catalogue: Catalogue,
): CostReport {
  const { point, reason } = choosePoint(summary.points, run.config.benchmark.slo, summary.search)
  const chosen = withThroughput(chooseInputs(run, scenario, catalogue), run, point)
  const use = scenario.utilisationRatio.value
  const rates = ratesOf(point)
  const owned = ownedOption(chosen, rates, use)
  const rented = rentedOption(chosen, rates, use)
  const api = apiOption(chosen, rates)
  return {
    pricedLevel: point?.level,
    pricedLevelReason: reason,
    utilisation: use,
    options: [owned, rented, api],
    breakEvens: breakEvens(chosen, owned, rented, api, rates),
    levels: summary.points.map((level) => levelCost(level, chosen, owned.usdPerHour, use)),
    assumptions: Object.values(chosen.inputs),
    warnings: costWarnings(run, summary, chosen, point?.level),
  }
}

function withThroughput(chosen: Chosen, run: RunLog, point: OperatingPoint | undefined): Chosen {
  if (!point) return chosen
  const outputTokensPerS = measured('outputTokensPerS', point.outputTokensPerS, run, point.label)
  const inputTokensPerS = measured('inputTokensPerS', point.inputTokensPerS, run, point.label)
  const inputs: Inputs = {
    ...chosen.inputs,
    ...(outputTokensPerS ? { outputTokensPerS } : {}),
    ...(inputTokensPerS ? { inputTokensPerS } : {}),
  }
  return { ...chosen, inputs }
}

function ratesOf(point: OperatingPoint | undefined): TokenRates {
  return { inputTokensPerS: point?.inputTokensPerS, outputTokensPerS: point?.outputTokensPerS }
}

function ownedOption(chosen: Chosen, rates: TokenRates, use: number): CostOption {
  const lines = ownedCostLines(chosen.inputs, use)
  const usdPerHour = totalOf(lines)
  const fullUsdPerHour = totalOf(ownedCostLines(chosen.inputs, 1))
  const priceRatio = apiPriceRatio(chosen)
  return {
    kind: 'owned',
    name: chosen.profile?.name ?? 'hardware not known',
    usdPerHour,
    lines,
    prices: pricesFromBill(usdPerHour, rates, use, priceRatio),
    pricesAtFullUse: pricesFromBill(fullUsdPerHour, rates, 1, priceRatio),
    missing: missing(chosen.inputs, ['units', 'unitPriceUsd', 'loadPowerW', 'outputTokensPerS']),
  }
}

/** Rent is paid around the clock: what stands idle is billed too. */
function rentedOption(chosen: Chosen, rates: TokenRates, use: number): CostOption {
  const usdPerHour = product([
    inputValue(chosen.inputs, 'units'),
    inputValue(chosen.inputs, 'rentUsdPerHour'),
  ])
  const priceRatio = apiPriceRatio(chosen)
  const { rental } = chosen
  return {
    kind: 'rented',
    name: rental ? `${rental.provider} ${rental.sku}, ${rental.commitment}` : 'no offer known',
    usdPerHour,
    lines: [{ component: 'rent', label: 'Rent', usdPerHour, formula: 'units x rentUsdPerHour' }],
    prices: pricesFromBill(usdPerHour, rates, use, priceRatio),
    pricesAtFullUse: pricesFromBill(usdPerHour, rates, 1, priceRatio),
    missing: missing(chosen.inputs, ['units', 'rentUsdPerHour', 'outputTokensPerS']),
  }
}

function apiOption({ inputs, api }: Chosen, rates: TokenRates): CostOption {
  const prices = pricesFromTariff(
    inputValue(inputs, 'apiUsdPerMillionInputTokens'),
    inputValue(inputs, 'apiUsdPerMillionOutputTokens'),
    rates,
  )
  return {
    kind: 'api',
    name: `${api.provider} ${api.model}`,
    lines: [],
    prices,
    pricesAtFullUse: prices,
    missing: missing(inputs, ['outputTokensPerS', 'inputTokensPerS']),
  }
}

/** How many input tokens an output token is worth: taken from the API that the options are compared with. */
function apiPriceRatio({ inputs }: Chosen): Maybe {
  return ratio(
    inputValue(inputs, 'apiUsdPerMillionOutputTokens'),
    inputValue(inputs, 'apiUsdPerMillionInputTokens'),
  )
}

function breakEvens(
  chosen: Chosen,
  owned: CostOption,
  rented: CostOption,
  api: CostOption,
  rates: TokenRates,
): BreakEven[] {
  const line = {
    usdPerHourIdle: totalOf(ownedCostLines(chosen.inputs, 0)),
    usdPerHourFull: totalOf(ownedCostLines(chosen.inputs, 1)),
  }
  const apiFull = apiUsdPerHourFull(api.prices.usdPerMillionOutputTokens, rates.outputTokensPerS)
  const value = (name: InputName): Maybe => inputValue(chosen.inputs, name)
  const running = sum(
    owned.lines
      .filter(({ component }) => component !== 'capital')
      .map(({ usdPerHour }) => usdPerHour),
  )
  return [
    breakEvenUtilisation(`the API (${api.name})`, line, apiFull, rates.outputTokensPerS),
    breakEvenUtilisation(
      `renting for the hours used only (${rented.name})`,
      line,
      rented.usdPerHour,
      rates.outputTokensPerS,
    ),
    breakEvenMonths(
      `renting around the clock (${rented.name})`,
      capexUsd(value),
      rented.usdPerHour,
      running,
      value('lifeYears'),
    ),
  ]
}

function levelCost(
  point: OperatingPoint,
  chosen: Chosen,
  usdPerHour: Maybe,
  use: number,
): LevelCost {
  const prices = pricesFromBill(usdPerHour, ratesOf(point), use, apiPriceRatio(chosen))
  return {
    level: point.level,
    usdPerMillionOutputTokens: prices.usdPerMillionOutputTokens,
    usdPerMillionTotalTokens: prices.usdPerMillionTotalTokens,
    meetsSlo: meetsSloLevel(point),
  }
}

/** In the order of the lines, so that the same bill always has the same last digit. */
function totalOf(lines: readonly CostLine[]): Maybe {
  return sum(lines.map(({ usdPerHour }) => usdPerHour))
}

const missingReasons: Readonly<Partial<Record<InputName, string>>> = {
  units: 'how many units serve the model is unknown',
  unitPriceUsd: 'the hardware has no price in its profile',
  loadPowerW: 'the power under load is unknown',
  rentUsdPerHour: 'no rental price for this hardware is in the price sheets',
  outputTokensPerS: 'no load level could be priced',
  inputTokensPerS: 'no input throughput was measured at a level that could be priced',
}

function missing(inputs: Inputs, needed: readonly InputName[]): string[] {
  // Without a priced level neither throughput is known: one reason is enough.
  const all = inputs.outputTokensPerS ? needed : needed.filter((name) => name !== 'inputTokensPerS')
  return all
    .filter((name) => inputs[name] === undefined)
    .map((name) => missingReasons[name] ?? `${name} is unknown`)
}
