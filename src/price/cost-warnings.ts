import { matchProfile } from '../detect/hardware-profile.ts'
import { type Catalogue, findEntry, measuredProfile, priceToDefend } from './catalogue.ts'
import type { CostWarning } from './cost-report.ts'
import type { Ledger, LedgerInput } from './ledger.ts'
import { choosePoint } from './operating-point.ts'
import { BOARDS_ONLY } from './options/machine.ts'
import { ageDays } from './price-sheet.ts'
import type { Scenario, ScenarioOption } from './scenario.ts'
import { settingsOf } from './setting.ts'
import { type PricedPoint, type Subject, seenGpus } from './subject.ts'

/** A price older than this at the run's date is flagged. */
const STALE_AFTER_DAYS = 90

/** A mix of input and output that differs by more than this from the measured one makes another throughput. */
const MIX_TOLERANCE_RATIO = 0.1

/** Every doubt about the money, each with what to do. */
export function costWarnings(
  subject: Subject,
  scenario: Scenario,
  catalogue: Catalogue,
  ledger: Ledger,
  point: PricedPoint | undefined,
): CostWarning[] {
  const inputs = ledger.rows.filter((row): row is LedgerInput => row.kind === 'input')
  const options = Object.values(scenario.options)
  return [
    ...judgement(subject),
    ...setByHand(scenario),
    ...placeholders(inputs),
    ...hardware(subject, scenario, catalogue, inputs),
    ...power(inputs, point),
    ...slo(subject, point),
    ...mix(scenario, point),
    {
      kind: 'not-comparable',
      text: 'Prices compare tokens, not answers: an API runs another model.',
    },
    ...misapplied(subject, options, catalogue),
    ...stale(inputs, subject.date),
  ]
}

function judgement({ verdict, kind, what, unreal }: Subject): CostWarning[] {
  const isJudged = kind === 'run' || kind === 'group'
  return [
    ...(verdict === 'INVALID'
      ? [
          {
            kind: 'invalid-run',
            text: `The ${kind === 'group' ? 'group' : 'run'} is INVALID: prices made from it are not to be used.`,
          } as const,
        ]
      : []),
    ...(isJudged
      ? []
      : [
          {
            kind: 'not-judged',
            text:
              kind === 'stated'
                ? 'The throughput is stated, not measured here: the price is no better than that word.'
                : `The ${what} was not judged: none of the validity gates is known of it.`,
          } as const,
        ]),
    ...(unreal === undefined
      ? []
      : [
          {
            kind: 'unreal',
            text: `The throughput is not that of a trained model: ${unreal}.`,
          } as const,
        ]),
  ]
}

function setByHand(scenario: Scenario): CostWarning[] {
  const settings = settingsOf(scenario)
  if (settings.length === 0) return []
  return [{ kind: 'set-by-hand', text: `Not as in the scenario's file: ${settings.join('; ')}.` }]
}

function placeholders(inputs: readonly LedgerInput[]): CostWarning[] {
  const names = inputs.filter(({ origin }) => origin === 'placeholder').map(({ path }) => path)
  if (names.length === 0) return []
  const text = `Placeholders, nobody's quote: ${names.join(', ')}. Put your own figures into the scenario or the hardware profile.`
  return [{ kind: 'placeholder-price', text }]
}

function hardware(
  subject: Subject,
  scenario: Scenario,
  catalogue: Catalogue,
  inputs: readonly LedgerInput[],
): CostWarning[] {
  const options = Object.values(scenario.options)
  const profile = measuredProfile(subject, scenario, catalogue)
  if (profile === undefined) return [{ kind: 'no-hardware-profile', text: noProfile(subject) }]
  const ofProfile = options.filter(
    (option) =>
      (option.kind === 'owned' || option.kind === 'colocated') &&
      option.hardwareProfile === undefined,
  )
  const boardPower =
    inputs.some(({ path, origin }) => path.endsWith('.loadPowerW') && origin !== 'measured') &&
    profile.unit === 'gpu' &&
    profile.tdpW !== undefined &&
    profile.powerW?.load === undefined &&
    ofProfile.some((option) => 'serverPowerW' in option && option.serverPowerW.load === undefined)
  const boardsMeasured = inputs.some(
    ({ path, note }) => path.endsWith('.loadPowerW') && note?.startsWith(BOARDS_ONLY),
  )
  const boardPrice =
    profile.unit === 'gpu' &&
    priceToDefend(profile)?.per === 'unit' &&
    ofProfile.some((option) => 'serverPriceUsd' in option && option.serverPriceUsd === undefined)
  const declared = declaredHardware(subject, scenario, catalogue)
  return [
    ...(declared === undefined ? [] : [{ kind: 'hardware-declared', text: declared } as const]),
    ...(boardPower
      ? [
          {
            kind: 'board-power-only',
            text: 'The stated power is the limit of the boards alone, without the server around them: electricity is higher, and not to be compared with hardware whose whole power is known.',
          } as const,
        ]
      : []),
    ...(boardsMeasured
      ? [
          {
            kind: 'board-power-only',
            text: 'The power in the bill is what the boards were measured to draw, without the server around them: electricity is higher. State serverPowerW in the scenario, or measure at the plug.',
          } as const,
        ]
      : []),
    ...(boardPrice
      ? [
          {
            kind: 'board-price-only',
            text: 'The hardware price is for boards alone, without server, network and racks: the real capital cost is higher.',
          } as const,
        ]
      : []),
  ]
}

function noProfile({ machine, kind }: Subject): string {
  if (kind === 'imported' || kind === 'stated')
    return 'The hardware is unknown, so it has no price: name it with --hardware and --gpus.'
  if (machine === undefined)
    return 'The server is another machine, so its hardware is unknown here: name it with --hardware and --gpus.'
  return machine.gpus.length === 0
    ? 'No GPU was found, so the hardware has no price: name a profile with --hardware.'
    : 'The GPUs found match no hardware profile: name one with --hardware, or write one.'
}

/** The profile was named, and it is not what was seen where the load ran; or an option stands on other hardware than was measured. */
function declaredHardware(
  subject: Subject,
  scenario: Scenario,
  catalogue: Catalogue,
): string | undefined {
  const profile = measuredProfile(subject, scenario, catalogue)
  const other = Object.entries(scenario.options).find(
    ([, option]) =>
      'hardwareProfile' in option &&
      option.hardwareProfile !== undefined &&
      option.hardwareProfile !== profile?.id,
  )
  if (other !== undefined)
    return `Option ${other[0]} stands on other hardware than was measured: its price is of a throughput that this hardware has not shown.`
  if (profile === undefined || scenario.hardwareProfile === undefined) return undefined
  if (subject.machine === undefined)
    return `The hardware is taken to be ${profile.name}, as stated; it was not observed.`
  const names = seenGpus(subject)
  if (profile.unit === 'host' && names.length === 0) return undefined
  if (names.length > 0 && names.every((name) => matchProfile(name, [profile]))) return undefined
  const seen = names.length > 0 ? [...new Set(names)].join(', ') : 'a machine without a GPU'
  return `The throughput was measured on ${seen}, but priced as ${profile.name}: the price is of a throughput that this hardware has not shown.`
}

function power(inputs: readonly LedgerInput[], point: PricedPoint | undefined): CostWarning[] {
  const loads = inputs.filter(({ path }) => path.endsWith('.loadPowerW'))
  const stated = loads.filter(({ origin, value }) => value !== undefined && origin !== 'measured')
  if (stated.length === 0) return []
  const measured = (point?.power.length ?? 0) > 0
  return [
    {
      kind: 'stated-power',
      text: measured
        ? `The power of ${stated.map(({ path }) => path).join(', ')} is stated; what was measured while the load ran is told beside it and is not part of it.`
        : 'Power is stated, not measured.',
    },
  ]
}

function slo(subject: Subject, point: PricedPoint | undefined): CostWarning[] {
  const { hasSlo, kind } = subject
  if (kind === 'stated') return []
  if (!hasSlo)
    return [
      {
        kind: 'no-slo',
        text:
          kind !== 'imported'
            ? 'No SLO was set, so the price is at peak throughput, whatever its latency. Set one with --goodput, e.g. ttft:500 tpot:50.'
            : 'No SLO can be judged, so the price is at peak throughput, whatever its latency.',
      },
    ]
  if (point !== undefined) return []
  return [
    {
      kind: 'slo-unreachable',
      text: `No demand can be served, so there is no price: ${choosePoint(subject).reason}. Measure lower loads, or relax the SLO.`,
    },
  ]
}

function mix({ demand }: Scenario, point: PricedPoint | undefined): CostWarning[] {
  const wanted = demand.inputPerOutputToken?.value
  const { inputTokensPerS, outputTokensPerS } = point ?? {}
  if (wanted === undefined || !inputTokensPerS || !outputTokensPerS) return []
  const measured = inputTokensPerS / outputTokensPerS
  if (Math.abs(wanted - measured) <= MIX_TOLERANCE_RATIO * measured) return []
  return [
    {
      kind: 'mix-not-measured',
      text: `The demand has ${wanted} input tokens for an output token, and the load that was measured ${measured.toPrecision(3)}: machines make another throughput of another mix. Measure the mix that is wanted.`,
    },
  ]
}

/** An API's price outside its dates, or for longer prompts than it holds for. */
function misapplied(
  { date, promptTokens }: Subject,
  options: readonly ScenarioOption[],
  catalogue: Catalogue,
): CostWarning[] {
  return options.flatMap((option): CostWarning[] => {
    if (option.kind !== 'api') return []
    const { entry: api } = findEntry(catalogue, 'api', option.api, 'api')
    const limit = api.longContext === undefined ? api.contextLimitTokens : undefined
    const reasons = [
      ...(date !== undefined && api.from !== undefined && api.from > date
        ? [`it holds from ${api.from}`]
        : []),
      ...(date !== undefined && api.to !== undefined && api.to < date
        ? [`it ended on ${api.to}`]
        : []),
      ...(limit !== undefined && promptTokens !== undefined && promptTokens > limit
        ? [`it holds for prompts of up to ${limit} tokens`]
        : []),
    ]
    if (reasons.length === 0) return []
    const text = `The price of ${api.provider} ${api.model} does not apply: ${reasons.join(', ')}. Name another in the scenario.`
    return [{ kind: 'price-does-not-apply', text }]
  })
}

/** What goes out of date: prices, not ratios or lives. */
function isPrice({ unit }: LedgerInput): boolean {
  return unit.startsWith('USD')
}

function stale(inputs: readonly LedgerInput[], now: string | undefined): CostWarning[] {
  if (now === undefined) return []
  const old = inputs.flatMap((input) => {
    const days = ageDays(input.date, now)
    const isOld =
      isPrice(input) &&
      input.origin !== 'placeholder' &&
      days !== undefined &&
      days > STALE_AFTER_DAYS
    return isOld ? [`${input.path} (${input.date}, ${Math.round(days)} days)`] : []
  })
  if (old.length === 0) return []
  return [
    {
      kind: 'stale-price',
      text: `Prices older than ${STALE_AFTER_DAYS} days: ${old.join(', ')}. Check them before you rely on the comparison.`,
    },
  ]
}
