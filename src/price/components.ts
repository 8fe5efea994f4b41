import { type Maybe, product, ratio } from '../arithmetic.ts'
import { HOURS_PER_YEAR, W_PER_KW } from '../units.ts'
import type { CostLine } from './cost-report.ts'
import { annualCapitalCost } from './finance/annuity.ts'
import { type InputName, type Inputs, inputValue } from './inputs.ts'

/** One cost of owning, in USD per hour when `use` (0..1) of the capacity is used. */
interface CostComponent {
  readonly label: string
  readonly formula: string
  readonly usdPerHour: (value: (name: InputName) => Maybe, use: number) => Maybe
}

/** To add a cost, add it here: the total, the cost per token and every report format pick it up. */
const costComponents = {
  capital: {
    label: 'Hardware, with cost of capital',
    formula:
      '(price - price x residualRatio / (1 + r)^n) x r / (1 - (1 + r)^-n) / 8,760 h; price = units x unitPriceUsd, r = costOfCapitalRatioPerYear, n = lifeYears',
    usdPerHour: (value) => {
      const price = capexUsd(value)
      const residual = product([price, value('residualRatio')])
      const rate = value('costOfCapitalRatioPerYear')
      const years = value('lifeYears')
      if (
        price === undefined ||
        residual === undefined ||
        rate === undefined ||
        years === undefined
      )
        return undefined
      return annualCapitalCost(price, residual, rate, years) / HOURS_PER_YEAR
    },
  },
  electricity: {
    label: 'Electricity',
    formula:
      'units x (idlePowerW + use x (loadPowerW - idlePowerW)) / 1,000 x pueRatio x electricityUsdPerKwh',
    usdPerHour: (value, use) => {
      const load = value('loadPowerW')
      const idle = value('idlePowerW')
      const meanPowerW =
        load === undefined || idle === undefined ? undefined : idle + use * (load - idle)
      return product([
        value('units'),
        ratio(meanPowerW, W_PER_KW),
        value('pueRatio'),
        value('electricityUsdPerKwh'),
      ])
    },
  },
  support: {
    label: 'Support and maintenance',
    formula: 'units x unitPriceUsd x supportRatioPerYear / 8,760 h',
    usdPerHour: (value) =>
      ratio(product([capexUsd(value), value('supportRatioPerYear')]), HOURS_PER_YEAR),
  },
} as const satisfies Record<string, CostComponent>

/** The hourly bill of owning at that use, a line a component. */
export function ownedCostLines(inputs: Inputs, use: number): CostLine[] {
  return Object.entries(costComponents).map(([component, { label, formula, usdPerHour }]) => ({
    component,
    label,
    formula,
    usdPerHour: usdPerHour((name) => inputValue(inputs, name), use),
  }))
}

/** What the hardware costs to buy. */
export function capexUsd(value: (name: InputName) => Maybe): Maybe {
  return product([value('units'), value('unitPriceUsd')])
}
