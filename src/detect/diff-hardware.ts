import { MIB_PER_GIB } from '../units.ts'
import { type Gpu, gpuFields } from './gpu-fields.ts'
import type { Hardware, Topology } from './hardware.ts'
import { comparedGpuFields, comparedHostFields } from './hashes.ts'
import { hostFields } from './host-fields.ts'
import { hashOfUuid } from './identifiers.ts'
import { type FieldInfo, type Reading, readingValue } from './reading.ts'

/** One field that differs. */
export interface HardwareChange {
  /** `Host`, `Topology`, or a GPU by its PCI address. */
  readonly of: string
  readonly label: string
  /** For people, with its unit; unknown where it could not be read. */
  readonly before?: string
  readonly after?: string
  /** Why it could not be read, where it could not. */
  readonly why?: string
}

/**
 * What differs between two accounts of a machine, less what is only of the moment.
 *
 * `same`: a GPU's UUID shows that it is one machine. `alike`: nothing says otherwise, but machines of
 * one make cannot be told apart without UUIDs. `different`: another CPU, board or GPU.
 */
export interface HardwareDiff {
  readonly machine: 'same' | 'alike' | 'different'
  readonly identity: readonly HardwareChange[]
  readonly state: readonly HardwareChange[]
}

/** A card in another slot, or slots numbered anew, is the same card. */
const MOVED = gpuFields.pciAddress.label

export function diffHardware(before: Hardware, after: Hardware): HardwareDiff {
  const { pairs, gone, added } = matched(before.gpus, after.gpus)
  const changes = (role: 'identity' | 'state') => [
    ...comparedHostFields(role).flatMap((field) =>
      changeOf('Host', hostFields[field], before.host[field], after.host[field]),
    ),
    ...pairs.flatMap(({ a, b }) => gpuChanges(a, b, role)),
  ]
  const identity: HardwareChange[] = [
    ...changes('identity'),
    ...gone.map((gpu) => ({ of: nameOf(gpu), label: 'GPU', before: modelOf(gpu) })),
    ...added.map((gpu) => ({ of: nameOf(gpu), label: 'GPU', after: modelOf(gpu) })),
  ]
  const state = [...changes('state'), ...topologyChanges(before.topology, after.topology)]
  const proven = pairs.some(({ by }) => by === 'uuid')
  const contradicted = identity.some(({ label, why }) => why === undefined && label !== MOVED)
  const machine = contradicted ? 'different' : proven ? 'same' : 'alike'
  return { machine, identity, state }
}

/**
 * What of the set-up is another than it was: limits, clocks, driver, kernel ... and GPUs that came or
 * went. A sentence each; empty when nothing is.
 */
export function setUpChanges(before: Hardware, after: Hardware): string[] {
  const { identity, state } = diffHardware(before, after)
  return [...identity, ...state].map(changeSentence)
}

/** A change in a sentence for people. */
export function changeSentence({ of, label, before, after, why }: HardwareChange): string {
  const name = label === 'GPU' ? of : `${of}: ${label}`
  if (why !== undefined) {
    return before === undefined
      ? `${name} could not be read before (${why}) and is ${after}.`
      : `${name} was ${before} and can no longer be read (${why}).`
  }
  if (after === undefined) return `${name} (${before}) is gone.`
  if (before === undefined) return `${name} (${after}) is new.`
  return `${name} was ${before} and is ${after}.`
}

interface Pair {
  readonly a: Gpu
  readonly b: Gpu
  readonly by: 'uuid' | 'address'
}

/** By UUID, be it told or hashed; then, of those that no two UUIDs tell apart, by place. */
function matched(before: readonly Gpu[], after: readonly Gpu[]) {
  const left = new Set(after)
  const pairs: Pair[] = []
  const pair = (by: Pair['by'], same: (a: Gpu, b: Gpu) => boolean) => {
    for (const a of before) {
      if (pairs.some((pair) => pair.a === a)) continue
      const b = [...left].find((other) => a.vendor === other.vendor && same(a, other))
      if (b === undefined) continue
      left.delete(b)
      pairs.push({ a, b, by })
    }
  }
  pair('uuid', (a, b) => uuidOf(a) !== undefined && uuidOf(a) === uuidOf(b))
  pair('address', (a, b) => {
    const known = uuidOf(a) !== undefined && uuidOf(b) !== undefined
    return !known && readingValue(a.pciAddress) === readingValue(b.pciAddress)
  })
  const gone = before.filter((gpu) => !pairs.some(({ a }) => a === gpu))
  return { pairs, gone, added: [...left] }
}

function uuidOf(gpu: Gpu): string | undefined {
  const uuid = readingValue(gpu.uuid)
  return uuid === undefined ? undefined : hashOfUuid(uuid)
}

function gpuChanges(a: Gpu, b: Gpu, role: 'identity' | 'state'): HardwareChange[] {
  const [left, right] = [withUuidHash(a), withUuidHash(b)]
  const both = new Set(comparedGpuFields(right, role))
  return comparedGpuFields(left, role)
    .filter((field) => both.has(field) && (field !== 'serial' || comparable(a.serial, b.serial)))
    .flatMap((field) => changeOf(nameOf(a), gpuFields[field], left[field], right[field]))
}

/** One may be told, hashed or masked where the other is not, and the key is not at hand. */
function comparable(a: Reading<string>, b: Reading<string>): boolean {
  if (a.status === 'absent' || b.status === 'absent') return false
  return a.value.startsWith('hmac:') === b.value.startsWith('hmac:')
}

/** It may be told in one account and hashed in the other. */
function withUuidHash(gpu: Gpu): Gpu {
  if (gpu.uuid.status === 'absent') return gpu
  return { ...gpu, uuid: { ...gpu.uuid, value: hashOfUuid(gpu.uuid.value) } }
}

function changeOf(
  of: string,
  info: FieldInfo,
  before: Reading<unknown>,
  after: Reading<unknown>,
): HardwareChange[] {
  const [a, b] = [readingValue(before), readingValue(after)]
  if (JSON.stringify(a) === JSON.stringify(b)) return []
  const { label } = info
  const absent = [before, after].find((reading) => reading.status === 'absent')
  return [
    {
      of,
      label,
      ...(a === undefined ? {} : { before: fieldText(info, a) }),
      ...(b === undefined ? {} : { after: fieldText(info, b) }),
      ...(absent?.status === 'absent' ? { why: absent.reason } : {}),
    },
  ]
}

/** A value as people read it: with its unit, memory over a GiB in GiB, lists in a row. Untrusted text stays as it is. */
export function fieldText({ kind, unit }: FieldInfo, value: unknown): string {
  switch (kind) {
    case 'text':
      return String(value)
    case 'flag':
      return value === true ? 'on' : 'off'
    case 'number':
      return numberText(Number(value), unit)
    case 'texts':
      return (value as string[]).join(' ') || 'none'
    case 'processes':
      return String((value as unknown[]).length)
    case 'partitions':
      return partitionsText((value as { profile: string }[]).map(({ profile }) => profile))
  }
}

function numberText(value: number, unit: string | undefined): string {
  if (unit === 'MiB' && value >= MIB_PER_GIB) return `${(value / MIB_PER_GIB).toFixed(1)} GiB`
  return `${Number(value.toFixed(2))}${unit === undefined ? '' : ` ${unit}`}`
}

function partitionsText(profiles: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const profile of profiles) counts.set(profile, (counts.get(profile) ?? 0) + 1)
  return [...counts].map(([profile, count]) => `${count} x ${profile}`).join(', ') || 'none'
}

/** Between GPUs that both accounts know by the same name. */
function topologyChanges(before: Reading<Topology>, after: Reading<Topology>): HardwareChange[] {
  if (before.status === 'absent' || after.status === 'absent') return []
  const links = linksOf(after.value)
  return [...linksOf(before.value)].flatMap(([between, was]) => {
    const is = links.get(between)
    if (is === undefined || is === was) return []
    return [{ of: 'Topology', label: `link ${between}`, before: was, after: is }]
  })
}

function linksOf({ gpus, links }: Topology): Map<string, string> {
  const pairs = gpus.flatMap((from, row) =>
    gpus.slice(row + 1).map((to, i): [string, string] => {
      const link = links[row]?.[row + 1 + i] ?? ''
      return from < to ? [`${from} to ${to}`, link] : [`${to} to ${from}`, link]
    }),
  )
  return new Map(pairs)
}

function nameOf(gpu: Gpu): string {
  return `GPU ${readingValue(gpu.pciAddress) ?? gpu.index}`
}

function modelOf(gpu: Gpu): string {
  return readingValue(gpu.name) ?? `a GPU of ${gpu.vendor}`
}
