import { lookup } from 'node:dns/promises'
import { connect as connectTcp, type Socket, type TcpSocketConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { socketPathOf } from './socket-url.ts'

/**
 * Where requests go, with the name already resolved so that no look-up is ever inside a measurement.
 * Plain data: it is handed from thread to thread.
 */
export interface Endpoint {
  readonly host: string
  readonly address: string
  readonly port: number
  readonly tls: boolean
  /** Do not verify the server's certificate. Recorded in the result. */
  readonly insecure: boolean
  /** Certificate authorities in PEM, instead of the system's. */
  readonly ca?: string
  /** A Unix socket, instead of address and port. */
  readonly socketPath?: string
}

/** Who hears of a connection; each call says whose it is. */
export interface ConnectionHandler<Owner> {
  readonly onOpen: (owner: Owner) => void
  /**
   * A read: the bytes from 0 to `end` of a buffer that all connections share, so copy to keep. An LF
   * and a CR lie behind them, to stop searches.
   */
  readonly onRead: (owner: Owner, bytes: Buffer, end: number) => void
  /** The peer closed its side. */
  readonly onPeerEnd: (owner: Owner) => void
  /** Broken, refused, or gone, whoever closed it; may be called more than once. */
  readonly onLost: (owner: Owner, error: Error | undefined) => void
}

const READ_BYTES = 65_536
const LF = 10
const CR = 13
/**
 * One for all connections: a read is worked on before the next one comes, and what is kept of it is
 * copied. A buffer each would cost 64 KiB a stream.
 */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES + 2)
const readRoom = readBuffer.subarray(0, READ_BYTES)
const CONNECT_TRIAL_MS = 2_000

/**
 * Resolves the name of a URL once, to the first of its addresses that takes a connection:
 * `localhost` may be `::1` before it is `127.0.0.1`, with a server on one of them only.
 *
 * @throws the system's error when the name is unknown
 */
export async function resolveEndpoint(
  url: URL,
  options: { insecure: boolean; ca?: string },
): Promise<Endpoint> {
  const { insecure, ca } = options
  const socketPath = socketPathOf(url)
  if (socketPath !== undefined)
    return { host: 'localhost', address: '', port: 0, tls: false, insecure, socketPath }
  const tls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (tls ? 443 : 80)
  const addresses = (await lookup(host, { all: true })).map(({ address }) => address)
  return { host, address: await firstThatAnswers(addresses, port), port, tls, insecure, ca }
}

/** The first address that takes a connection; when none does, the first, so that the load shows why. */
async function firstThatAnswers(addresses: readonly string[], port: number): Promise<string> {
  const [first = ''] = addresses
  if (addresses.length < 2) return first
  for (const address of addresses) {
    if (await takesConnection(address, port)) return address
  }
  return first
}

function takesConnection(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: address, port, timeout: CONNECT_TRIAL_MS })
    const settle = (taken: boolean): void => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
  })
}

/**
 * Opens a connection of which the handler hears, never before this returns.
 *
 * @throws what Node says of options that no socket takes
 */
export function openConnection<Owner>(
  endpoint: Endpoint,
  handler: ConnectionHandler<Owner>,
  owner: Owner,
): Socket {
  const socket = openSocket(endpoint, (length) => {
    readBuffer[length] = LF
    readBuffer[length + 1] = CR
    handler.onRead(owner, readBuffer, length)
    return true
  })
  socket.setNoDelay(true)
  socket.once(endpoint.tls ? 'secureConnect' : 'connect', () => handler.onOpen(owner))
  socket.on('error', (error) => handler.onLost(owner, error))
  socket.on('end', () => handler.onPeerEnd(owner))
  socket.on('close', () => handler.onLost(owner, undefined))
  return socket
}

function openSocket(endpoint: Endpoint, callback: (length: number) => boolean): Socket {
  const onread = { buffer: readRoom, callback }
  if (endpoint.socketPath !== undefined) return connectTcp({ path: endpoint.socketPath, onread })
  const where: TcpSocketConnectOpts = { host: endpoint.address, port: endpoint.port, onread }
  if (!endpoint.tls) return connectTcp(where)
  return connectTls({
    ...where,
    servername: /^[\d.]+$|:/.test(endpoint.host) ? '' : endpoint.host,
    rejectUnauthorized: !endpoint.insecure,
    ca: endpoint.ca,
    ALPNProtocols: ['http/1.1'],
  })
}
