import { systemErrorCode } from '../../../errors.ts'
import type { Machine } from '../../machine.ts'
import { absent, ok, type Reading } from '../../reading.ts'

/** A file of the kernel without the white space around it. Absent, with the reason, when it cannot be read or says nothing. */
export async function readFileReading(
  machine: Pick<Machine, 'readText'>,
  path: string,
): Promise<Reading<string>> {
  try {
    const text = (await machine.readText(path)).trim()
    return text === '' ? absent('the kernel says nothing', path) : ok(text, path)
  } catch (error) {
    return absent(whyUnreadable(error), path)
  }
}

/** What a file holds, converted; absent with its words when they are not understood. */
export function converted<A, B>(
  reading: Reading<A>,
  convert: (value: A) => B | undefined,
): Reading<B> {
  if (reading.status === 'absent') return reading
  const value = convert(reading.value)
  if (value !== undefined) return ok(value, reading.source)
  return absent(`says ${String(reading.value).slice(0, 60)}`, reading.source)
}

/** Names in a folder; none when there is no such folder. */
export async function listOrNone(
  machine: Pick<Machine, 'listFolder'>,
  path: string,
): Promise<readonly string[]> {
  try {
    return await machine.listFolder(path)
  } catch {
    return []
  }
}

/** A whole number that is not negative. The kernel writes -1 for what it does not know. */
export function count(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** The first reading that is known, else the first of all. */
export function firstKnown<T>(first: Reading<T>, ...others: readonly Reading<T>[]): Reading<T> {
  return [first, ...others].find(({ status }) => status === 'ok') ?? first
}

function whyUnreadable(error: unknown): string {
  const code = systemErrorCode(error)
  switch (code) {
    case undefined:
      return 'it cannot be read'
    case 'ENOENT':
    case 'ENOTDIR':
      return 'the kernel does not tell it'
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read it'
    default:
      return `it cannot be read (${code})`
  }
}
