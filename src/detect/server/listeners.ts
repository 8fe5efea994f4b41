import { endianness } from 'node:os'
import type { Machine } from '../machine.ts'
import { type LocalPlace, plainAddress } from './server-address.ts'

/** A socket that takes connections. */
interface Listener {
  readonly address: string
  readonly port: number
  readonly inode: string
}

const LISTEN = '0A'
/** In the flags of a Unix socket: it takes connections (`__SO_ACCEPTCON`). */
const ACCEPTS = 0x10000

/**
 * Inodes of the sockets that a connection to the place may end at: several where a server shares its
 * port among processes (SO_REUSEPORT). Of those bound to the very address and those bound to all, the
 * kernel prefers the former.
 *
 * @param folder a network namespace's tables: `/proc/net`, or `/proc/PID/net` for another process's
 */
export async function listeningInodes(
  machine: Pick<Machine, 'readText'>,
  place: LocalPlace,
  folder = '/proc/net',
): Promise<string[]> {
  const table = (name: string) => machine.readText(`${folder}/${name}`).catch(() => '')
  if (place.kind === 'socket') return unixListeners(await table('unix'), place.path)
  const listeners = [...readTcp(await table('tcp')), ...readTcp(await table('tcp6'))].filter(
    ({ port }) => port === place.port,
  )
  for (const address of place.addresses) {
    const inodes = bestFor(address, listeners)
    if (inodes.length > 0) return inodes
  }
  return []
}

function bestFor(address: string, listeners: readonly Listener[]): string[] {
  const everywhere = address.includes(':') ? ['::'] : ['0.0.0.0', '::']
  for (const bound of [address, ...everywhere]) {
    const fitting = listeners.filter((listener) => listener.address === bound)
    if (fitting.length > 0) return fitting.map(({ inode }) => inode)
  }
  return []
}

/** The listening ones of `/proc/net/tcp` or `tcp6` (Linux, Documentation/networking/proc_net_tcp.rst). */
function readTcp(table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const cells = line.trim().split(/\s+/)
    const [host = '', port = ''] = cells[1]?.split(':') ?? []
    const inode = cells[9]
    if (cells[3] !== LISTEN || inode === undefined) return []
    return [{ address: addressOf(host), port: Number.parseInt(port, 16), inode }]
  })
}

/** An address as the kernel prints it: words of 32 bits in the processor's own order of bytes. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => {
    const pairs = word.match(/../g) ?? []
    return endianness() === 'LE' ? pairs.reverse() : pairs
  })
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  return plainAddress((bytes.join('').match(/.{4}/g) ?? []).join(':'))
}

function unixListeners(table: string, path: string): string[] {
  return table.split('\n').flatMap((line) => {
    const [, flags = '', inode = '', bound] =
      /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.+)$/.exec(line.trim()) ?? []
    return bound === path && (Number.parseInt(flags, 16) & ACCEPTS) !== 0 ? [inode] : []
  })
}
