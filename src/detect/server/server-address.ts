import { lookup } from 'node:dns/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { messageOf } from '../../errors.ts'

/** What is asked of the network: names are looked up, nothing is sent to anyone. */
export interface Network {
  /** Addresses of a host name, in the order in which they are tried. Rejects when there are none. */
  readonly addressesOf: (host: string) => Promise<readonly string[]>
  /** Addresses of this machine's own interfaces. */
  readonly ownAddresses: () => readonly string[]
}

export const thisNetwork: Network = {
  addressesOf: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  ownAddresses: () =>
    Object.values(networkInterfaces()).flatMap((each) =>
      (each ?? []).map(({ address }) => address),
    ),
}

/** Where a server listens: at a port or socket of this machine, `elsewhere`, or `nowhere` that is known. */
type ServerPlace =
  | LocalPlace
  | { readonly kind: 'elsewhere'; readonly reason: string }
  | { readonly kind: 'nowhere'; readonly reason: string }

/** Where a server of this machine listens. */
export type LocalPlace =
  | { readonly kind: 'port'; readonly port: number; readonly addresses: readonly string[] }
  | { readonly kind: 'socket'; readonly path: string }

/** The place that a base address names; `http+unix:` is how `load` writes that of a Unix socket. */
export async function placeOf(url: URL, network: Network): Promise<ServerPlace> {
  if (url.protocol === 'http+unix:') return { kind: 'socket', path: decodeURIComponent(url.host) }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  let addresses: readonly string[]
  try {
    addresses = await network.addressesOf(host)
  } catch (error) {
    return { kind: 'nowhere', reason: `${host} has no address (${messageOf(error)})` }
  }
  const own = new Set(network.ownAddresses().map(plainAddress))
  const local = addresses.map(reached).filter((address) => isLoopback(address) || own.has(address))
  if (local.length > 0) return { kind: 'port', port, addresses: local }
  return { kind: 'elsewhere', reason: `${host} is not an address of this machine` }
}

/** Who connects to no particular address ends at the loopback one. */
function reached(address: string): string {
  const plain = plainAddress(address)
  if (plain === '0.0.0.0') return '127.0.0.1'
  return plain === '::' ? '::1' : plain
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127\./.test(address)
}

/** One spelling for each address: shortest IPv6, without zone; IPv4 where it is only wrapped in IPv6. */
export function plainAddress(address: string): string {
  const withoutZone = address.replace(/%.*$/, '')
  if (isIPv4(withoutZone) || !isIPv6(withoutZone)) return withoutZone
  const short = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(short) ?? []
  if (high === undefined || low === undefined) return short
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return bits.flatMap((word) => [word >> 8, word & 255]).join('.')
}
