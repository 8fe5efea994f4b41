import { fixedFleet, hasFixedFleet } from './break-even-volume.ts'
import { optionsInOrder } from './build-ledger.ts'
import type { CostCurve } from './cost-report.ts'
import { compileLedger, type Ledger, type Values } from './ledger.ts'
import type { Scenario } from './scenario.ts'
import { VOLUME, volumePlaces, volumeRange } from './volume-range.ts'

/** Below the demand, and above it. */
const VOLUME_STEPS = 30
/** A fortieth: 2.5 %. */
const USE_STEPS = 40
const FIRST_USE_STEP = 2

/**
 * Cost per million output tokens of every option against the volume, and against the utilisation of today's machines of the first
 * option that has some. The whole model is worked at each place. None without a demand.
 */
export function costCurves(ledger: Ledger, values: Values, scenario: Scenario): CostCurve[] {
  return [...volumeCurve(ledger, scenario), ...utilisationCurve(ledger, values, scenario)]
}

function volumeCurve(ledger: Ledger, scenario: Scenario): CostCurve[] {
  const range = volumeRange(ledger, scenario)
  if (range === undefined) return []
  return [
    {
      axis: 'volume',
      unit: 'output tokens/day',
      valueUnit: PRICE_UNIT,
      formula:
        'usdPerMillionOutputTokens at that outputTokensPerDay, in whole servers, all else as it is',
      ...worked(ledger, scenario, [VOLUME], volumePlaces(range, VOLUME_STEPS), (x) => [x]),
    },
  ]
}

function utilisationCurve(ledger: Ledger, values: Values, scenario: Scenario): CostCurve[] {
  const [id] = Object.entries(scenario.options).find(([, option]) => hasFixedFleet(option)) ?? []
  const fleet = id === undefined ? undefined : fixedFleet(ledger, values, id)
  if (id === undefined || fleet === undefined) return []
  const x = Array.from(
    { length: USE_STEPS - FIRST_USE_STEP + 1 },
    (_, i) => (i + FIRST_USE_STEP) / USE_STEPS,
  )
  return [
    {
      axis: 'utilisation',
      unit: 'ratio',
      valueUnit: PRICE_UNIT,
      formula: `usdPerMillionOutputTokens at the outputTokensPerDay that fills the servers of options.${id} so far, as many as today; unknown for it where the highest hour of the demand does not fit them; all others buy for that volume`,
      ...worked(
        ledger,
        scenario,
        fleet.changing,
        x,
        fleet.valuesAt,
        (option, place) => option !== id || place <= fleet.fullestRatio,
      ),
    },
  ]
}

const PRICE_UNIT = 'USD/M output tokens'

/** Every option at every place; those are left out at which its cost is unknown, or `holds` says that it does not stand for it. */
function worked(
  ledger: Ledger,
  scenario: Scenario,
  changing: readonly string[],
  x: readonly number[],
  valuesAt: (x: number) => readonly number[],
  holds: (option: string, x: number) => boolean = () => true,
): Pick<CostCurve, 'x' | 'series'> {
  const ids = optionsInOrder(scenario).map(([id]) => id)
  const model = compileLedger(
    ledger,
    changing,
    ids.map((id) => `options.${id}.usdPerMillionOutputTokens`),
  )
  const rows = x.map((place) => [...model(valuesAt(place))])
  return {
    x,
    series: ids.map((option, i) => {
      const known = x.flatMap((place, at) => {
        const value = rows[at]?.[i] ?? Number.NaN
        return Number.isNaN(value) || !holds(option, place) ? [] : [{ place, value }]
      })
      return {
        option,
        x: known.map(({ place }) => place),
        values: known.map(({ value }) => value),
      }
    }),
  }
}
