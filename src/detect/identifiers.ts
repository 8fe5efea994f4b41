import { createHash, createHmac } from 'node:crypto'
import { within } from './deadline.ts'
import { type Gpu, gpuFields } from './gpu-fields.ts'
import { firstKnown, firstLine, part, textOf } from './host/host-reading.ts'
import { type Host, hostFields } from './host-fields.ts'
import type { Machine } from './machine.ts'
import { absent, type FieldInfo, type Reading, readingValue } from './reading.ts'

const HASH_CHARACTERS = 16
const KEY_DEADLINE_MS = 2_000
/**
 * Ends a UUID that stands for another in a capture: the digits before it are those of the other's
 * hash, so that both have the same hash. No UUID ends so by chance.
 */
const STAND_IN_END = 'ba5eba5eba5eba5e'
const MASKED = 'masked in the capture'
const HEX_UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/i

interface Identified {
  readonly host: Host
  readonly gpus: readonly Gpu[]
}

/**
 * The same machine, with hashes in place of what names it or its owner. They tell that two accounts
 * are of one GPU or host, and do not tell which:
 *
 * - A UUID is hashed as it is. It is random, or made of a number burnt into the chip, so nobody can
 *   try them all; whoever has the UUID from elsewhere can recognise it. (Some tools make UUIDs of PCI
 *   address and model: those name nobody.)
 * - Serial numbers and host names are short and guessable, so that a plain hash of them could be
 *   undone by trying. Their hash is keyed with a secret that is not told: the GPU's UUID for its
 *   serial number, else `/etc/machine-id`. Whoever has that secret can try; without it there is
 *   nothing to try with. A host name's hash thus changes when the system is installed anew.
 * - Without a key there is no hash, and the field is absent.
 *
 * @param key content of `/etc/machine-id`, or why there is none
 * @param masked the machine is a capture whose identifiers are stand-ins: only those of UUIDs have a
 *   hash that means something
 */
export function withHashedIdentifiers(
  { host, gpus }: Identified,
  key: Reading<string>,
  masked = false,
): Identified {
  const hashed = (from: Reading<string>, by: Reading<string>) =>
    masked && from.status === 'ok' ? absent(MASKED, from.source) : keyedHash(from, by)
  return {
    host: replaced(hostFields, host, (_, from) => hashed(from, key)),
    gpus: gpus.map((gpu) =>
      replaced(gpuFields, gpu, (field, from) => {
        if (field === 'uuid') return hashedUuid(from, masked)
        return hashed(from, gpu.uuid.status === 'ok' ? gpu.uuid : key)
      }),
    ),
  }
}

/**
 * What a tool said, less the identifiers that stand in it: UUIDs as their hashes, and words for
 * serial numbers, the host's name and people's folders.
 */
export function withoutIdentifiers(text: string, { host, gpus }: Identified): string {
  const names: [value: string | undefined, word: string][] = [
    [readingValue(host.hostname), 'this host'],
    ...gpus.map((gpu): [string | undefined, string] => [
      readingValue(gpu.serial),
      '(serial number)',
    ]),
  ]
  const anonymous = text
    .replace(new RegExp(`(?:[A-Z]+-)?(${HEX_UUID.source})`, 'gi'), (_, uuid) => hashOfUuid(uuid))
    .replace(/([\\/](?:home|users)[\\/]+)[^\\/\s"'<>:,;]+/gi, '$1...')
  return names.reduce(
    (said, [name, word]) => (name === undefined ? said : replacedWord(said, name, word)),
    anonymous,
  )
}

function replacedWord(text: string, word: string, by: string): string {
  const literal = word.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  return text.replace(new RegExp(`(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])`, 'g'), by)
}

/** The secret that this machine's guessable identifiers are hashed with. */
export async function identifierKey(machine: Machine): Promise<Reading<string>> {
  const read = async (path: string) => part(await textOf(machine, path), firstLine)
  const key = firstKnown(
    () => read('/etc/machine-id'),
    () => read('/var/lib/dbus/machine-id'),
  )
  const answer = await within(KEY_DEADLINE_MS, key)
  return answer.kind === 'done'
    ? answer.value
    : absent(`no answer in ${KEY_DEADLINE_MS} ms`, '/etc/machine-id')
}

/**
 * `sha256:` and 64 bits of the hash of the UUID's digits, without `GPU-` or the like before them: not
 * all tools print that. Of what is such a hash already, itself.
 */
export function hashOfUuid(uuid: string): string {
  if (uuid.startsWith('sha256:')) return uuid
  const stood = standInHash(uuid)
  return `sha256:${stood ?? sha256(HEX_UUID.exec(uuid)?.[0] ?? uuid)}`
}

/** A UUID to put in the place of this one: of the same shape, with the same hash. */
export function standInForUuid(uuid: string): string {
  const digits = `${hashOfUuid(uuid).slice('sha256:'.length)}${STAND_IN_END}`
  const dashed = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return /[A-F]/.test(uuid) && !/[a-f]/.test(uuid) ? dashed.toUpperCase() : dashed
}

function standInHash(uuid: string): string | undefined {
  const digits = HEX_UUID.exec(uuid)?.[0].toLowerCase().replaceAll('-', '')
  return digits?.endsWith(STAND_IN_END) ? digits.slice(0, HASH_CHARACTERS) : undefined
}

function hashedUuid(from: Reading<string>, masked: boolean): Reading<string> {
  if (from.status === 'absent') return from
  // What has not the shape of a UUID was masked as a number is, and has lost its hash.
  if (masked && standInHash(from.value) === undefined) return absent(MASKED, from.source)
  return { ...from, value: hashOfUuid(from.value) }
}

function keyedHash(from: Reading<string>, key: Reading<string>): Reading<string> {
  if (from.status === 'absent') return from
  if (key.status === 'absent') {
    return absent('told as a keyed hash only, and there is no /etc/machine-id', from.source)
  }
  const digest = createHmac('sha256', key.value.toLowerCase()).update(from.value).digest('hex')
  return { ...from, value: `hmac:${digest.slice(0, HASH_CHARACTERS)}` }
}

function sha256(text: string): string {
  return createHash('sha256').update(text.toLowerCase()).digest('hex').slice(0, HASH_CHARACTERS)
}

/** The readings, of which those that a table marks as identifiers are others. */
function replaced<R extends Host | Gpu>(
  fields: Readonly<Record<string, FieldInfo>>,
  readings: R,
  by: (field: string, from: Reading<string>) => Reading<string>,
): R {
  const marked = Object.entries(readings).filter(([field]) => fields[field]?.identifier)
  const others = marked.map(([field, from]) => [field, by(field, from)])
  return { ...readings, ...Object.fromEntries(others) }
}
