import { createHash, createHmac, randomBytes } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { kernelArguments } from '../host/kernel-arguments.ts'
import { standInForUuid } from '../identifiers.ts'
import type { CommandResult } from '../run-command.ts'
import type { Recording } from './recording-machine.ts'

/** What names a machine, its parts, its place in a network or its users. */
export type SecretKind =
  | 'UUID'
  | 'long hexadecimal id'
  | 'serial number or board id'
  | 'MAC address'
  | 'IP address'
  | 'host name'
  | 'user name'

/** A recording without identifiers, and how many different ones of each kind were replaced. */
export interface Masked {
  readonly recording: Recording
  readonly counts: ReadonlyMap<SecretKind, number>
}

/**
 * The recording with a stand-in for each identifier: the same for the same one, of the same shape, so
 * that tools' outputs are read as before. First all texts are searched for what looks like an
 * identifier or is labelled as one; then each is replaced wherever it stands, labelled or not.
 *
 * Stand-ins are made with a keyed hash. The key is the machine's own `/etc/machine-id`, so that two
 * captures of one machine agree, or else random; it is not in the result. A UUID's stand-in has the
 * UUID's own hash (see `identifiers.ts`). What stays are words that nobody could know as identifiers:
 * hence a capture is to be looked over before it is published.
 */
export function masked(recording: Recording): Masked {
  const reduced = withoutArguments(recording)
  const secrets = new Map<string, SecretKind>()
  for (const { text, path } of textsOf(reduced)) collect(text, path, secrets)
  for (const call of reduced.calls) collectColumns(call, secrets)
  const mask = masker(secrets, keyOf(recording))
  return { recording: mapTexts(reduced, mask), counts: countsOf(secrets) }
}

/** Arguments of processes, as `nvidia-smi` prints them after a program's path: they may hold keys. */
const processArguments = /(<process_name>[^<\n]*?)\s+--?[a-z][^<\n]*/gi
const processColumn = /\s--?[a-z][^,\n]*/gi

/** Command lines, of the kernel and of processes, have disks, hosts and keys that nothing here reads. */
function withoutArguments(recording: Recording): Recording {
  const calls = recording.calls.map((call) => {
    if (call.result.kind !== 'exited') return call
    const listsProcesses = call.args.some((arg) => /^--query-.*process_name/.test(arg))
    const stdout = call.result.stdout.replace(processArguments, '$1')
    const reduced = listsProcesses ? stdout.replace(processColumn, '') : stdout
    return { ...call, result: { ...call.result, stdout: reduced } }
  })
  const files = recording.files.map((file) =>
    file.path === '/proc/cmdline' && 'text' in file
      ? { ...file, text: `${kernelArguments(file.text).join(' ')}\n` }
      : file,
  )
  return { ...recording, calls, files }
}

interface Text {
  readonly text: string
  readonly path?: string
}

function textsOf({ calls, files, folders, links }: Recording): Text[] {
  return [
    ...calls.flatMap(({ args, result }) => {
      const said = result.kind === 'exited' ? [result.stdout, result.stderr] : []
      const detail = result.kind === 'failed' ? [result.detail] : []
      return [...args, ...said, ...detail].map((text) => ({ text }))
    }),
    ...files.flatMap((file) => ('text' in file ? [file] : [])),
    ...folders.flatMap((folder) =>
      'names' in folder ? folder.names.map((text) => ({ text })) : [],
    ),
    ...links.flatMap((link) => ('target' in link ? [{ text: link.target }] : [])),
    ...[...files, ...folders, ...links].map(({ path }) => ({ text: path })),
  ]
}

/** Codes of errors and kinds of endings are this program's own words, and stay. */
function mapTexts(recording: Recording, mask: Mask): Recording {
  const { text, whole } = mask
  return {
    platform: recording.platform,
    calls: recording.calls.map(({ file, args, result }) => ({
      file: text(file),
      args: args.map(text),
      result: maskedResult(result, text),
    })),
    files: recording.files.map((file) => {
      const path = text(file.path)
      if ('error' in file) return { ...file, path }
      const one = idFile.test(file.path) || hostFile.test(file.path)
      return { path, text: one ? whole(file.text) : text(file.text) }
    }),
    folders: recording.folders.map((folder) => {
      const path = text(folder.path)
      return 'error' in folder ? { ...folder, path } : { path, names: folder.names.map(text) }
    }),
    links: recording.links.map((link) => {
      const path = text(link.path)
      return 'error' in link ? { ...link, path } : { path, target: text(link.target) }
    }),
  }
}

function maskedResult(result: CommandResult, text: Mask['text']): CommandResult {
  switch (result.kind) {
    case 'exited':
      return { ...result, stdout: text(result.stdout), stderr: text(result.stderr) }
    case 'failed':
      return { ...result, detail: text(result.detail) }
    case 'not-found':
    case 'timed-out':
      return result
  }
}

const uuid = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/gi
/** Machine ids, container ids, and UUIDs as control groups write them. */
const longHex = /(?<![\da-z])[\da-f]{32,}(?![\da-z])|[\da-f]{8}(?:_[\da-f]{4}){3}_[\da-f]{12}/gi
/** Six pairs are Ethernet's, eight and twenty InfiniBand's. */
const mac = /(?<![\da-f:-])(?:[\da-f]{2}[:-]){5,19}[\da-f]{2}(?![\da-f:-])/gi
const ipv4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g
const ipv6 = /(?<![\w:.])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?![\w:.])/gi
/** Versions of four numbers look like addresses. */
const versionBefore = /(?:version|bios|firmware|driver|inforom|release|\bv)["']?\s*[:=>]?\s*["']?$/i
/** Of this machine alone, or of no machine; `0::` begins each line of `/proc/self/cgroup`. */
const commonAddress = /^(?:0\.|127\.|255\.|[\da-f]*::$|::1$)/
/** A label, but of a closing tag, and the value after it in XML, JSON, `key: value` and columns of spaces. */
const labelled =
  /(?<!<\/[\w-]*)(?:serial|unique[ _-]?id|board[ _-]?id|fru[ _-]?id|guid|udid|asset[ _-]?tag|reference id)(?:[ _-]?(?:number|no|id))?["']?(?:\s*[:=>]\s*|[ \t]+)["']?(?:0x)?([\da-z][\w.-]*)/gi
const hostLabelled = /host[ _-]?name["']?\s*[:=>]\s*["']?([\da-z][\w.-]*)/gi
const referenceName = /reference id\s*:\s*\w+\s*\(([^)\s]+)\)/gi
const userPath =
  /(?:[\\/]|^)(?:home|users)[\\/]+([^\s\\/"'<>:,;|]+(?: [^\s\\/"'<>:,;|]+)*(?=[\\/])|[^\s\\/"'<>:,;|]+)/gi

/** Files that hold one identifier and nothing else. */
const idFile = /(?:machine-id|serial|serial_number|serial-number|unique_id|product_uuid)$/
const hostFile = /\/(?:hostname|nodename)$/

/** Names that many machines and users have, and tools use as words of their own. */
const commonNames = new Set(
  `localhost localdomain local root admin administrator user users public shared default ubuntu
  debian fedora centos rocky linux nvidia amd intel apple gpu gpus cpu host node server worker
  docker podman container kvm qemu xen lxc wsl none name`.split(/\s+/),
)

function collect(text: string, path: string | undefined, secrets: Map<string, SecretKind>): void {
  const add = (kind: SecretKind, found: string) => {
    if (!secrets.has(found)) secrets.set(found, kind)
  }
  const all = (pattern: RegExp) => [...text.matchAll(pattern)]
  if (path !== undefined && idFile.test(path)) addId(text.trim(), add)
  if (path !== undefined && hostFile.test(path)) addName('host name', text.trim(), add)
  for (const [found] of all(uuid)) add('UUID', found.toLowerCase())
  for (const [found] of all(longHex)) add('long hexadecimal id', found.toLowerCase())
  for (const [found] of all(mac)) add('MAC address', found.toLowerCase())
  for (const { 0: found, index } of all(ipv4)) {
    const version = versionBefore.test(text.slice(Math.max(0, index - 60), index))
    const versionFile = path !== undefined && /version|release/.test(path)
    if (isIPv4(found) && !version && !versionFile) addAddress(found, add)
  }
  for (const [found] of all(ipv6)) if (isIPv6(found)) addAddress(found.toLowerCase(), add)
  for (const [, found = ''] of all(labelled)) addId(found, add)
  for (const [, found = ''] of all(hostLabelled)) addName('host name', found, add)
  for (const [, found = ''] of all(referenceName)) addName('host name', found, add)
  for (const [, found = ''] of all(userPath)) addName('user name', found, add)
}

type Add = (kind: SecretKind, found: string) => void

function addAddress(address: string, add: Add): void {
  if (!commonAddress.test(address)) add('IP address', address)
}

/** A number that somebody gave: `N/A`, `[Unknown]` and all zeros are none. */
function addId(value: string, add: Add): void {
  const bare = value.replace(/^0x/i, '').replace(/[.-]+$/, '')
  if (!/^[\w.-]{2,}$/.test(bare) || !/\d/.test(bare) || /^[0.-]+$/.test(bare)) return
  // Those that have a shape of their own are known by it.
  if (bare.search(uuid) >= 0 || bare.search(longHex) >= 0) return
  add('serial number or board id', bare.toLowerCase())
}

/** A host's whole name, its first label and the domain that it is in. */
function addName(kind: 'host name' | 'user name', name: string, add: Add): void {
  const [label = '', ...domain] = kind === 'host name' ? name.split('.') : [name]
  if (isIPv4(name) || isIPv6(name)) return
  for (const part of [name, label, domain.length > 1 ? domain.join('.') : '']) {
    if (part.length > 0 && !commonNames.has(part.toLowerCase())) add(kind, part)
  }
}

/** Identifiers in columns of CSV, whose labels are in the arguments or in the first line. */
function collectColumns(
  { args, result }: Recording['calls'][number],
  secrets: Map<string, SecretKind>,
): void {
  if (result.kind !== 'exited') return
  const [first = '', ...others] = result.stdout.split(/\r?\n/)
  const queries = args.flatMap((arg) => /^--query-[\w-]+=(.*)$/.exec(arg)?.[1] ?? [])
  for (const header of [...queries, first]) {
    const names = header.split(/,\s*/)
    for (const line of header === first ? others : [first, ...others]) {
      const cells = line.split(/,\s*/)
      if (cells.length !== names.length || names.length < 2) continue
      for (const [column, name] of names.entries()) {
        if (!/serial|unique.?id/i.test(name)) continue
        addId((cells[column] ?? '').trim(), (kind, found) => secrets.set(found, kind))
      }
    }
  }
}

/** Shorter ones are words of other meanings too, and are replaced where they are labelled only. */
const SHORTEST_EVERYWHERE: Readonly<Record<SecretKind, number>> = {
  UUID: 0,
  'long hexadecimal id': 0,
  'serial number or board id': 8,
  'MAC address': 0,
  'IP address': 0,
  'host name': 3,
  'user name': 3,
}

interface Mask {
  readonly text: (text: string) => string
  /** Of a text that is one identifier. */
  readonly whole: (text: string) => string
}

function masker(secrets: ReadonlyMap<string, SecretKind>, key: string): Mask {
  const kindOf = (found: string): SecretKind | undefined => {
    const exact = secrets.get(found)
    if (exact !== undefined) return exact
    const kind = secrets.get(found.replace(/^0x/i, '').toLowerCase())
    // Names count letter for letter: `h100` may be a host, and `H100` is not.
    return kind === 'host name' || kind === 'user name' ? undefined : kind
  }
  const replace = (found: string) => {
    const kind = kindOf(found)
    return kind === undefined ? found : standIn(found, kind, key)
  }
  const inPlace = (match: string, value: string) => {
    const kind = kindOf(value)
    const short = kind !== undefined && value.length < SHORTEST_EVERYWHERE[kind]
    return short ? match.slice(0, -value.length) + replace(value) : match
  }
  const everywhere = patternOfAll(secrets)
  const text = (given: string) =>
    [labelled, hostLabelled, userPath].reduce(
      (masked, pattern) => masked.replace(pattern, inPlace),
      everywhere === undefined ? given : given.replace(everywhere, replace),
    )
  return { text, whole: (given) => given.replace(given.trim(), replace) }
}

/** The longest first, lest a part of one be taken for another. */
function patternOfAll(secrets: ReadonlyMap<string, SecretKind>): RegExp | undefined {
  const patterns = [...secrets]
    .filter(([found, kind]) => found.length >= SHORTEST_EVERYWHERE[kind])
    .sort(([a], [b]) => b.length - a.length)
    .map(([found, kind]) => patternOf(found, kind))
  return patterns.length === 0 ? undefined : new RegExp(patterns.join('|'), 'gi')
}

function patternOf(found: string, kind: SecretKind): string {
  const literal = found.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  // These may stand amid other letters: `pod` and its UUID.
  if (kind === 'UUID' || kind === 'long hexadecimal id') return literal
  const prefix =
    kind === 'serial number or board id' ? '(?<![A-Za-z0-9])(?:0x)?' : '(?<![A-Za-z0-9])'
  return `${prefix}${literal}(?![A-Za-z0-9])`
}

function standIn(found: string, kind: SecretKind, key: string): string {
  const bytes = keyedBytes(found.toLowerCase(), kind, key)
  const hex = bytes.toString('hex')
  switch (kind) {
    case 'UUID':
      return standInForUuid(found)
    case 'long hexadecimal id':
    case 'serial number or board id':
      return sameShape(found, bytes)
    case 'MAC address':
      // The second bit of the first byte says that nobody was given this address.
      return `02${sameShape(found, bytes).slice(2)}`
    case 'IP address':
      if (isIPv4(found)) return `10.${bytes[0]}.${bytes[1]}.${bytes[2]}`
      return `2001:db8::${hex.slice(0, 4)}:${hex.slice(4, 8)}:${hex.slice(8, 12)}`
    case 'host name':
      return `host-${hex.slice(0, 8)}`
    case 'user name':
      return `user-${hex.slice(0, 8)}`
  }
}

const HEX_DIGITS = '0123456789abcdef'

/** A digit for a digit and a letter for a letter; where the whole is hexadecimal, one such digit for another. */
function sameShape(found: string, bytes: Buffer): string {
  const [, prefix = '', digits = ''] = /^(0x)?(.*)$/is.exec(found) ?? []
  const isHex = /^[\da-f:_-]*$/i.test(digits) && /[a-f]/i.test(digits)
  const alphabetOf = (character: string) => {
    if (isHex) return HEX_DIGITS
    return /\d/.test(character) ? HEX_DIGITS.slice(0, 10) : 'abcdefghijklmnopqrstuvwxyz'
  }
  const made = [...digits].map((character, i) => {
    if (!/[\da-z]/i.test(character)) return character
    const alphabet = alphabetOf(character)
    return alphabet[(bytes[i % bytes.length] ?? 0) % alphabet.length] ?? character
  })
  const upper = /[A-Z]/.test(digits) && !/[a-z]/.test(digits)
  return prefix + (upper ? made.join('').toUpperCase() : made.join(''))
}

/** 64 bytes that follow from the identifier and the key only. */
function keyedBytes(found: string, kind: SecretKind, key: string): Buffer {
  return createHmac('sha512', key)
    .update(`${kind}\0${found.replace(/^0x/, '')}`)
    .digest()
}

function keyOf({ files }: Recording): string {
  const file = files.find(({ path }) => path === '/etc/machine-id')
  const id = file !== undefined && 'text' in file ? file.text.trim() : ''
  if (id === '') return randomBytes(32).toString('hex')
  return createHash('sha256').update(`baremark capture ${id}`).digest('hex')
}

function countsOf(secrets: ReadonlyMap<string, SecretKind>): Map<SecretKind, number> {
  const counts = new Map<SecretKind, number>()
  for (const kind of secrets.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}
