import { absent, ok, type Reading } from '../../reading.ts'

export const TOOL = 'nvidia-smi'

/** A value out of the tool's words; undefined where they hold none. */
export type Convert<T> = (said: string) => T | undefined

/** One account of one GPU: words by the name of a field. */
export interface Account {
  readonly said: (name: string) => string | undefined
  readonly source: (name: string) => string
  /** Why words may be missing altogether. */
  readonly missing: string
}

/** The first of several fields that holds a value; where none does, why the first that is there does not. */
export function readFirst<T>(
  { said, source, missing }: Account,
  names: readonly string[],
  convert: Convert<T>,
): Reading<T> {
  const readings = names.flatMap((name) => {
    const words = said(name)
    return words === undefined ? [] : [readWords(words, convert, source(name))]
  })
  const known = readings.find(({ status }) => status === 'ok')
  return known ?? readings[0] ?? absent(missing, source(names[0] ?? ''))
}

/** What the tool said, as a value or as the reason for none. */
export function readWords<T>(words: string, convert: Convert<T>, source: string): Reading<T> {
  const value = convert(words)
  return value === undefined ? noValue(words, source) : ok(value, source)
}

/** Words that hold no value, as the reason for none. */
export function noValue(words: string, source: string): Reading<never> {
  return absent(`${TOOL} says ${words === '' ? 'nothing' : shortened(words)}`, source)
}

/** What is not to be had comes in square brackets in rows, mostly: `[N/A]`, `[Unknown Error]`; in XML without. */
export function text(said: string): string | undefined {
  const none = said === '' || said.startsWith('[') || isNotApplicable(said)
  return none || COMPLAINTS.test(said) ? undefined : said
}

const COMPLAINTS =
  /^(ERR!|Unknown Error|Requested functionality|Insufficient Permissions|(Function )?Not Found|GPU (is lost|requires reset))/

/** Whether the tool says that the GPU has no such thing, rather than that asking it failed. */
export function isNotApplicable(said: string): boolean {
  return /^\[?(N\/A|Not Supported)\]?$/.test(said)
}

/** A number in this unit, or in none. A decimal comma is refused: `1,024` has one too. */
export function quantity(unit: string): Convert<number> {
  const pattern = new RegExp(`^(-?\\d+(?:\\.\\d+)?)(?: ?${unit})?$`)
  return (said) => {
    const number = pattern.exec(said)?.[1]
    return number === undefined ? undefined : Number(number)
  }
}

export function flag(said: string): boolean | undefined {
  if (said === 'Enabled' || said === 'Yes') return true
  return said === 'Disabled' || said === 'No' ? false : undefined
}

/**
 * A program's own name. The tool prints paths and, at times, whole command lines: folders name people,
 * and arguments hold secrets.
 */
export function programName(said: string): string | undefined {
  const words = text(said)
  if (words === undefined) return undefined
  // Paths of Windows have blanks in them, those of Linux hardly ever.
  const path = words.includes('\\')
    ? (/^.*?\.exe/i.exec(words)?.[0] ?? words)
    : (words.split(' ')[0] ?? words)
  return path.split(/[\\/]/).at(-1) || undefined
}

/** Lines with something on them, without terminal codes, carriage returns and a byte order mark. */
export function linesOf(output: string): string[] {
  return output
    .split('\n')
    .map((line) =>
      withoutCodes(line)
        .replace(/\p{Cc}/gu, '')
        .trim(),
    )
    .filter((line) => line !== '')
}

/** Without terminal codes, carriage returns and a byte order mark: the tool prints codes into pipes too. */
export function withoutCodes(output: string): string {
  return output.replace(/\p{Cc}\[[\d;]*m|\r|\uFEFF/gu, '')
}

const DETAIL_CHARACTERS = 200

export function shortened(line: string): string {
  return line.length > DETAIL_CHARACTERS ? `${line.slice(0, DETAIL_CHARACTERS)}...` : line
}
