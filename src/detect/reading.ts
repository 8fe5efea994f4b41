/**
 * One value read from the machine, with the tool and field it came from. What a tool could not say
 * is absent with a reason; it is never 0.
 */
export type Reading<T> =
  | { readonly status: 'ok'; readonly value: T; readonly source: string }
  | { readonly status: 'absent'; readonly reason: string; readonly source: string }

/** The value of a reading, or unknown. */
export function readingValue<T>(reading: Reading<T> | undefined): T | undefined {
  return reading?.status === 'ok' ? reading.value : undefined
}

/** A value that was read. */
export function ok<T>(value: T, source: string): Reading<T> {
  return { status: 'ok', value, source }
}

/** A value that could not be read, and why. */
export function absent(reason: string, source: string): Reading<never> {
  return { status: 'absent', reason, source }
}

/** What may be read: a line of text, a number, yes or no, a list of lines, or processes and parts of a GPU. */
interface ReadingKinds {
  readonly text: string
  readonly number: number
  readonly flag: boolean
  readonly texts: readonly string[]
  readonly processes: readonly GpuProcess[]
  readonly partitions: readonly GpuPartition[]
}

export type ReadingKind = keyof ReadingKinds
export type ReadingOf<K extends ReadingKind> = ReadingKinds[K]

/** A process that computes on a GPU. `name` is the program's, without its folder: folders name people. */
export interface GpuProcess {
  /** In a container, the host's number for it. Absent where the tool hides it. */
  readonly pid?: number
  readonly name?: string
  readonly usedMib?: number
}

/** A part of a GPU that is offered as a GPU of its own (MIG, AMD partitions). */
export interface GpuPartition {
  /** As the vendor calls it, e.g. `1g.10gb`. */
  readonly profile: string
  readonly memoryTotalMib?: number
  readonly memoryUsedMib?: number
}

/**
 * What a field is good for: `identity` tells one machine from another; `state` is how it is set up,
 * which can change results; `moment` is how it is just now.
 */
export type FieldRole = 'identity' | 'state' | 'moment'

/** A row of a table of fields. */
export interface FieldInfo {
  readonly kind: ReadingKind
  readonly label: string
  readonly role: FieldRole
  readonly unit?: string
  /** Names this very thing or its owner: told as a hash only, unless asked for. */
  readonly identifier?: true
}

/** The readings that a table of fields asks for. */
export type ReadingsOf<Fields extends Readonly<Record<string, FieldInfo>>> = {
  readonly [F in keyof Fields]: Reading<ReadingOf<Fields[F]['kind']>>
}
