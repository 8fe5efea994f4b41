import type { Maybe } from '../arithmetic.ts'
import type { AppliedError, Distribution, OperatingPoint } from '../measure/summary.ts'
import { formatCount, formatDate, formatNumber, notAvailable, whyWithheld } from './format.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'

type CertifiedError = Extract<AppliedError, { readonly kind: 'certified' }>

/** What the instrument itself adds, at worst over the levels, and where that is not known and why. */
export function instrumentLine({ summary }: Report): string {
  const { points, instrument: use } = summary
  const certified = points.flatMap(({ instrument: { error } }) =>
    error.kind === 'certified' ? [error] : [],
  )
  if (use.kind === 'none' || points.length === 0) {
    return `Instrument error: not known${use.kind === 'none' ? `, ${plainText(use.reason)}` : ''}.`
  }
  const figures = certified.length === 0 ? 'not known at these loads' : errorText(certified)
  const made = `certificate of ${formatDate(use.date)}, Node ${plainText(use.node)}, ${arrivalText(use.arrival)}`
  return [`Instrument error: ${figures} (${made}).`, ...unknownTexts(points)].join(' ')
}

function errorText(errors: readonly CertifiedError[]): string {
  const late = errors.flatMap(({ latenessMs }) => latenessMs ?? [])
  return [
    figures(
      'TTFT',
      errors.map(({ ttftErrorMs }) => ttftErrorMs),
      formatAddedMs,
    ),
    figures(
      'gaps',
      errors.map(({ gapErrorMs }) => gapErrorMs),
    ),
    ...(late.length > 0 ? [figures('lateness', late)] : []),
  ].join('; ')
}

/** The largest p50 and p99 over the levels; where a p99 is withheld the largest error there was. */
function figures(name: string, of: readonly Distribution[], formatP50 = formatErrorMs): string {
  const withheld = of.some(({ p99 }) => whyWithheld(p99) !== undefined)
  const tail = withheld
    ? `largest ${formatErrorMs(greatest(of.map(({ max }) => max)))} ms`
    : `${formatErrorMs(greatest(of.map(({ p99 }) => p99.value)))} ms p99`
  return `${name} ${formatP50(greatest(of.map(({ p50 }) => p50.value)))} ms p50, ${tail}`
}

function greatest(values: readonly Maybe[]): Maybe {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** An error that is added to what it is of, so that its sign tells. */
function formatAddedMs(ms: Maybe): string {
  return `${(ms ?? 0) > 0 ? '+' : ''}${formatErrorMs(ms)}`
}

/** Levels for which the reason is the same stand together. */
function unknownTexts(points: readonly OperatingPoint[]): string[] {
  const labels = new Map<string, string[]>()
  for (const { label, instrument } of points) {
    if (instrument.error.kind === 'certified') continue
    const { reason } = instrument.error
    labels.set(reason, [...(labels.get(reason) ?? []), plainText(label)])
  }
  return [...labels].map(
    ([reason, where]) => `Not known at ${where.join(', ')}: ${plainText(reason)}.`,
  )
}

function arrivalText(arrival: 'spread' | 'bursts'): string {
  return arrival === 'bursts' ? 'chunks of all streams at one moment' : 'chunks spread over time'
}

/** Clocks are read to the microsecond: digits below it would be invented. */
export function formatErrorMs(ms: Maybe): string {
  return ms === undefined ? notAvailable : ms.toFixed(3)
}

/** The table of errors by level that Markdown and HTML share. */
export const instrumentHeadings = [
  'Load',
  'Streams',
  'Events/s',
  'Calibrated at',
  'Delay p50',
  'p99',
  'max',
  'TTFT p50',
  'p99',
  'max',
  'Gap p50',
  'p99',
  'Lateness p99',
  'max',
] as const

/** A row a level under `instrumentHeadings`, errors in ms. Why there are none is said beside the verdict. */
export function instrumentRows({ summary }: Report): string[][] {
  return summary.points.map(({ label, instrument: { streams, eventsPerS, error } }) => [
    label,
    formatNumber(streams),
    formatCount(eventsPerS),
    ...(error.kind === 'certified' ? errorCells(error) : Array(11).fill(notAvailable)),
  ])
}

function errorCells(error: CertifiedError): string[] {
  const { delayMs, ttftErrorMs, gapErrorMs, latenessMs } = error
  const cells = (of: Distribution | undefined, ...figures: ('p50' | 'p99' | 'max')[]) =>
    figures.map((figure) => formatErrorMs(figure === 'max' ? of?.max : of?.[figure].value))
  return [
    `${error.calibratedAt}, ${formatCount(error.calibratedEventsPerS)}/s`,
    ...cells(delayMs, 'p50', 'p99', 'max'),
    ...cells(ttftErrorMs, 'p50', 'p99', 'max'),
    ...cells(gapErrorMs, 'p50', 'p99'),
    ...cells(latenessMs, 'p99', 'max'),
  ]
}

/** What the columns mean. */
export const instrumentNote =
  'Errors in ms, of the calibrated level with the least load that is not less than this one. Delay: from a server’s write to the client’s stamp. TTFT: the client’s less the server’s. Gap: without its sign. p99 needs 662 samples.'
