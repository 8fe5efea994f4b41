import type { Maybe } from '../arithmetic.ts'
import type { Percentile } from '../measure/summary.ts'
import { MS_PER_S } from '../units.ts'

/** How every format says that a figure is unknown. */
export const notAvailable = 'n/a'

export type Formatter = (value: Maybe) => string

/**
 * Rounds to `digits` significant digits, but never away from whole units: 0.01234 is `0.0123`,
 * 1234.5 is `1,235`. What is not a finite number is unknown.
 */
export function formatNumber(value: Maybe, digits = 3): string {
  if (!isKnown(value)) return notAvailable
  if (value === 0) return '0'
  if (outOfRange(value)) return value.toExponential(digits - 1)
  return separateThousands(value.toFixed(decimalsFor(value, digits)))
}

/** Whole things: requests, tokens, users. */
export function formatCount(value: Maybe): string {
  return isKnown(value) ? separateThousands(value.toFixed(0)) : notAvailable
}

/** A figure somebody stated, as they stated it: six significant digits, no trailing zeros. */
export function formatStated(value: Maybe): string {
  if (!isKnown(value)) return notAvailable
  if (value === 0) return '0'
  if (outOfRange(value)) return value.toExponential()
  return separateThousands(dropTrailingZeros(value.toFixed(decimalsFor(value, 6))))
}

/** Milliseconds with their unit; seconds from ten seconds on. */
export function formatMs(value: Maybe): string {
  if (!isKnown(value)) return notAvailable
  const inSeconds = Math.abs(value) >= 10 * MS_PER_S
  return inSeconds ? `${formatNumber(value / MS_PER_S)} s` : `${formatNumber(value)} ms`
}

/** A time somebody set, as they set it: `500 ms`, `2.5 s`. */
export function formatStatedMs(value: Maybe): string {
  if (!isKnown(value)) return notAvailable
  return value >= MS_PER_S ? `${formatStated(value / MS_PER_S)} s` : `${formatStated(value)} ms`
}

/** A figure and the half-width of its uncertainty, both to the second digit of that: `0.412 ± 0.022`. */
export function formatWithin(value: Maybe, uncertainty: Maybe): string {
  if (!isKnown(value)) return notAvailable
  if (!isKnown(uncertainty)) return `${formatNumber(value)} ± ${notAvailable}`
  if (uncertainty === 0 || outOfRange(uncertainty)) {
    return `${formatNumber(value)} ± ${formatNumber(uncertainty, 2)}`
  }
  const decimals = decimalsFor(uncertainty, 2)
  return [value, uncertainty].map((each) => separateThousands(each.toFixed(decimals))).join(' ± ')
}

/** Cents from a dollar on, none from a thousand on, three significant digits below a dollar. */
export function formatUsd(value: Maybe): string {
  if (!isKnown(value)) return notAvailable
  const size = Math.abs(value)
  const sign = value < 0 ? '-' : ''
  if (size < 1) return `${sign}$${formatNumber(size)}`
  return `${sign}$${separateThousands(size.toFixed(size < 1000 ? 2 : 0))}`
}

/** A ratio 0..1 as per cent. What is short of everything never reads `100 %`. */
export function formatPercent(ratio: Maybe): string {
  if (!isKnown(ratio)) return notAvailable
  const text = dropTrailingZeros(formatNumber(ratio * 100))
  return text === '100' && ratio < 1 ? '>99.9 %' : `${text} %`
}

/** Large token counts in words: `12.3 million`. */
export function formatTokens(value: Maybe): string {
  if (!isKnown(value)) return notAvailable
  const scale = tokenScales.find(({ size }) => value >= size)
  return scale ? `${formatNumber(value / scale.size)} ${scale.word}` : formatCount(value)
}

/** The value of a percentile, or `n/a` and why there is none. */
export function formatPercentile(percentile: Percentile, format: Formatter = formatNumber): string {
  const why = whyWithheld(percentile)
  return why === undefined ? format(percentile.value) : `${notAvailable} (${why})`
}

/** Why a percentile has no value; absent when it has one. */
export function whyWithheld({ value, n, withheldUntilN }: Percentile): string | undefined {
  if (n === 0) return 'no samples'
  if (withheldUntilN !== undefined) {
    return `needs ${formatCount(withheldUntilN)}, has ${formatCount(n)}`
  }
  return isKnown(value) ? undefined : 'not measured'
}

/** The value of a percentile, unless it is withheld. */
export function shownValue(percentile: Percentile): Maybe {
  return whyWithheld(percentile) === undefined ? percentile.value : undefined
}

/** The 95 % interval of a percentile. Without a finite upper end it says so. */
export function formatInterval(percentile: Percentile, format: Formatter = formatNumber): string {
  const { low, high } = percentile
  if (whyWithheld(percentile) !== undefined) return notAvailable
  if (isKnown(low) && isKnown(high)) return `${format(low)} to ${format(high)}`
  if (isKnown(low)) return `${format(low)} or more`
  return isKnown(high) ? `up to ${format(high)}` : notAvailable
}

/** `2026-03-04 10:15 UTC` of an ISO 8601 time in UTC; a bare date stays one. */
export function formatDate(iso: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(iso)
  return parts ? `${parts[1]} ${parts[2]} UTC` : iso
}

const tokenScales = [
  { size: 1e12, word: 'trillion' },
  { size: 1e9, word: 'billion' },
  { size: 1e6, word: 'million' },
]

function isKnown(value: Maybe): value is number {
  return value !== undefined && Number.isFinite(value)
}

/** Where plain digits would be a row of zeros. */
function outOfRange(value: number): boolean {
  const size = Math.abs(value)
  return size < 1e-6 || size >= 1e15
}

/** Decimals that `digits` significant digits need, counted after rounding: 9.996 is 10.0. */
function decimalsFor(value: number, digits: number): number {
  const rounded = Math.abs(Number(value.toPrecision(digits)))
  return Math.max(0, digits - 1 - Math.floor(Math.log10(rounded)))
}

function separateThousands(text: string): string {
  const [whole = '', decimals] = text.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return decimals === undefined ? grouped : `${grouped}.${decimals}`
}

function dropTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
