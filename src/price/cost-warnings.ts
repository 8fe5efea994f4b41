import { computeGpus } from '../detect/compute-gpus.ts'
import { matchProfile } from '../detect/hardware-profile.ts'
import { readingValue } from '../detect/reading.ts'
import type { RunLog } from '../load/run-log.ts'
import { askedTokens } from '../load/workloads/sizes.ts'
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
  const declared = declaredHardware(run, chosen)
  if (declared) warnings.push({ kind: 'hardware-declared', text: declared })
  if (chosen.profile?.unit === 'gpu' && chosen.profile.tdpW && !chosen.profile.powerW?.load) {
    warnings.push({
      kind: 'board-power-only',
      text: 'The power in the bill is the limit of the board alone, without the server around it: electricity is higher, and not to be compared with hardware whose whole power is known.',
    })
  }
  if (chosen.profile?.unit === 'gpu' && chosen.unitPrice?.per === 'unit') {
    warnings.push({
      kind: 'board-price-only',
      text: 'The hardware price is for the board alone, without server, network and racks: the real capital cost is higher.',
    })
  }
  if (chosen.inputs.loadPowerW && chosen.inputs.loadPowerW.kind !== 'measured') {
    warnings.push({ kind: 'stated-power', text: statedPower(summary) })
  }
  const slo = run.config.benchmark.slo
  const isSearched = summary.search?.question === 'slo'
  if (!hasSlo(slo) && !isSearched) {
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
  return [...warnings, ...misappliedPrice(run, chosen), ...staleWarnings(assumptions, run.epoch)]
}

/** The bill does not use what was measured, which is of a part of the machine. */
function statedPower({ points }: Summary): string {
  const scopes = points.flatMap(({ machine }) => machine?.scopes ?? [])
  return scopes.some(({ status }) => status === 'ok')
    ? 'The power in the bill is stated; what was measured while the load ran is told beside it and is not part of it.'
    : 'Power is stated, not measured.'
}

/** The profile was named, and it is not what was seen where the load ran. */
function declaredHardware({ target, hardware }: RunLog, { profile }: Chosen): string | undefined {
  if (!profile) return undefined
  if (!target.loopback)
    return `The hardware is taken to be ${profile.name}, as stated; it was not observed.`
  if (profile.unit === 'host' && hardware.gpus.length === 0) return undefined
  const names = computeGpus(hardware).map(({ name }) => readingValue(name) ?? '')
  if (names.length > 0 && names.every((name) => matchProfile(name, [profile]))) return undefined
  const seen = names.length > 0 ? [...new Set(names)].join(', ') : 'a machine without a GPU'
  return `The throughput was measured on ${seen}, but priced as ${profile.name}: the price is of a throughput that this hardware has not shown.`
}

/** An API's price outside its dates, or for longer prompts than it holds for. */
function misappliedPrice(run: RunLog, { api }: Chosen): CostWarning[] {
  const day = run.epoch.slice(0, 10)
  const { inputTokens } = askedTokens(run.config.benchmark.workload)
  const reasons = [
    ...(api.from !== undefined && api.from > day ? [`it holds from ${api.from}`] : []),
    ...(api.to !== undefined && api.to < day ? [`it ended on ${api.to}`] : []),
    ...(api.contextLimitTokens !== undefined &&
    inputTokens !== undefined &&
    inputTokens > api.contextLimitTokens
      ? [`it holds for prompts of up to ${api.contextLimitTokens} tokens`]
      : []),
  ]
  if (reasons.length === 0) return []
  const text = `The price of ${api.provider} ${api.model} does not apply: ${reasons.join(', ')}. Name another with the scenario.`
  return [{ kind: 'price-does-not-apply', text }]
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
