import type { RunLog } from '../load/run-log.ts'
import { hasSlo } from '../measure/goodput.ts'
import type { Summary } from '../measure/summary.ts'
import type { Assumption, CostWarning } from './cost-report.ts'
import type { Chosen } from './inputs.ts'
import { ageDays } from './price-sheet.ts'

/** A price older than this at the run's date is flagged. */
const STALE_AFTER_DAYS = 90

const PRICE_INPUTS = [
  'unitPriceUsd',
  'electricityUsdPerKwh',
  'rentUsdPerHour',
  'apiUsdPerMillionInputTokens',
  'apiUsdPerMillionOutputTokens',
]

/** Every doubt about the money, each with what to do. */
export function costWarnings(
  run: RunLog,
  summary: Summary,
  chosen: Chosen,
  pricedLevel: number | undefined,
): CostWarning[] {
  const assumptions = Object.values(chosen.inputs)
  const warnings: CostWarning[] = []
  if (summary.verdict === 'INVALID') {
    warnings.push({
      kind: 'invalid-run',
      text: 'The run is INVALID: prices made from it are not to be used.',
    })
  }
  const placeholders = assumptions.filter(({ kind }) => kind === 'placeholder')
  if (placeholders.length > 0) {
    const names = placeholders.map(({ name }) => name).join(', ')
    warnings.push({
      kind: 'placeholder-price',
      text: `Placeholders, nobody's quote: ${names}. Put your own figures into the scenario or the hardware profile.`,
    })
  }
  if (!chosen.profile) {
    warnings.push({ kind: 'no-hardware-profile', text: noProfile(run) })
  }
  if (chosen.profile?.unit === 'gpu' && chosen.unitPrice?.per === 'unit') {
    warnings.push({
      kind: 'board-price-only',
      text: 'The hardware price is for the board alone, without server, network and racks: the real capital cost is higher.',
    })
  }
  if (chosen.inputs.loadPowerW && chosen.inputs.loadPowerW.kind !== 'measured') {
    warnings.push({ kind: 'stated-power', text: 'Power is stated, not measured.' })
  }
  const slo = run.config.benchmark.slo
  if (!hasSlo(slo)) {
    warnings.push({
      kind: 'no-slo',
      text: 'No SLO was set, so the price is at peak throughput, whatever its latency. Set one with --goodput, e.g. ttft:500 tpot:50.',
    })
  } else if (pricedLevel === undefined) {
    warnings.push({
      kind: 'slo-unreachable',
      text: 'No measured level met the SLO, so there is no price. Measure lower loads, or relax the SLO.',
    })
  }
  warnings.push({
    kind: 'not-comparable',
    text: 'Prices compare tokens, not answers: the API runs another model.',
  })
  return [...warnings, ...staleWarnings(assumptions, run.epoch)]
}

function noProfile({ target, hardware }: RunLog): string {
  if (!target.loopback)
    return 'The server is another machine, so its hardware is unknown here: name it with --hardware and --gpus.'
  if (hardware.gpus.length === 0)
    return 'No GPU was found, so the hardware has no price: name a profile with --hardware.'
  return 'The GPUs found match no hardware profile: name one with --hardware, or write one.'
}

function staleWarnings(assumptions: readonly Assumption[], now: string): CostWarning[] {
  const stale = assumptions.flatMap(({ name, date, kind }) => {
    const days = ageDays(date, now)
    const old =
      PRICE_INPUTS.includes(name) &&
      kind !== 'placeholder' &&
      days !== undefined &&
      days > STALE_AFTER_DAYS
    return old ? [`${name} (${date}, ${Math.round(days)} days)`] : []
  })
  if (stale.length === 0) return []
  return [
    {
      kind: 'stale-price',
      text: `Prices older than ${STALE_AFTER_DAYS} days: ${stale.join(', ')}. Check them before you rely on the comparison.`,
    },
  ]
}
