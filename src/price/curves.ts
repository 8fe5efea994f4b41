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
  return [...volumeCurve(ledger, scenario), ...utilisationCurve(ledger, values, scenario)].map(
    (curve) => ({ ...curve, series: curve.series.map((series) => knownOf(curve.x, series)) }),
  )
}

/** A curve in which a place without a value has null. */
type WholeCurve = Omit<CostCurve, 'series'> & { readonly series: readonly WholeSeries[] }

interface WholeSeries {
  readonly option: string
  readonly values: readonly (number | null)[]
}

function knownOf(places: readonly number[], { option, values }: WholeSeries) {
  const known = places.flatMap((place, i) => {
    const value = values[i] ?? null
    return value === null ? [] : [{ place, value }]
  })
  return {
    option,
    x: known.map(({ place }) => place),
    values: known.map(({ value }) => value),
  }
}

function volumeCurve(ledger: Ledger, scenario: Scenario): WholeCurve[] {
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

function utilisationCurve(ledger: Ledger, values: Values, scenario: Scenario): WholeCurve[] {
  const [id] = Object.entries(scenario.options).find(([, option]) => hasFixedFleet(option)) ?? []
  const fleet = id === undefined ? undefined : fixedFleet(ledger, values, id)
  if (id === undefined || fleet === undefined) return []
  const x = Array.from(
    { length: USE_STEPS - FIRST_USE_STEP + 1 },
    (_, i) => (i + FIRST_USE_STEP) / USE_STEPS,
  )
  const { series } = worked(ledger, scenario, fleet.changing, x, fleet.valuesAt)
  return [
    {
      axis: 'utilisation',
      unit: 'ratio',
      valueUnit: PRICE_UNIT,
      formula: `usdPerMillionOutputTokens at the outputTokensPerDay that fills the servers of options.${id} so far, as many as today; unknown for it where the highest hour of the demand does not fit them; all others buy for that volume`,
      x,
      series: series.map(({ option, values: all }) => ({
        option,
        values:
          option === id
            ? all.map((value, i) => ((x[i] as number) <= fleet.fullestRatio ? value : null))
            : all,
      })),
    },
  ]
}

const PRICE_UNIT = 'USD/M output tokens'

function worked(
  ledger: Ledger,
  scenario: Scenario,
  changing: readonly string[],
  x: readonly number[],
  valuesAt: (x: number) => readonly number[],
): Pick<WholeCurve, 'x' | 'series'> {
  const ids = optionsInOrder(scenario).map(([id]) => id)
  const model = compileLedger(
    ledger,
    changing,
    ids.map((id) => `options.${id}.usdPerMillionOutputTokens`),
  )
  const rows = x.map((place) => [...model(valuesAt(place))])
  return {
    x,
    series: ids.map((option, i) => ({
      option,
      values: rows.map((row) => (Number.isNaN(row[i]) ? null : (row[i] as number))),
    })),
  }
}
