import { lookup } from 'node:dns/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../clock.ts'
import {
  createResponseReader,
  HttpProtocolError,
  type ResponseHandler,
  type ResponseReader,
} from './response-reader.ts'

/** Where requests go, with the name already resolved so that no look-up is ever inside a measurement. */
export interface Endpoint {
  readonly host: string
  readonly address: string
  readonly port: number
  readonly tls: boolean
  /** Do not verify the server's certificate. Recorded in the result. */
  readonly insecure: boolean
  /** Certificate authorities in PEM, instead of the system's. */
  readonly ca?: string
}

/** Who hears of one exchange on a connection. */
interface Exchange extends ResponseHandler {
  /** The connection broke or was closed before the response ended. */
  readonly onLost: (error: Error | undefined) => void
}

/** One keep-alive connection; at most one request at a time. */
export interface Connection {
  /** Writes the request; the exchange hears of everything that comes back. */
  readonly exchange: (request: Buffer, exchange: Exchange) => void
  readonly destroy: () => void
  readonly usable: () => boolean
  /** Resolves when the socket is gone, whoever closed it. */
  readonly closed: Promise<void>
}

/** Called with the moment of the read, once per socket read and before anything is parsed. */
export type OnRead = (nowMs: number) => void

/**
 * One for all connections: a read is worked on before the next one comes, and what is kept of it is
 * copied. A buffer each would cost 64 KiB a stream.
 */
const readBuffer = Buffer.allocUnsafeSlow(65_536)
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
  const tls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (tls ? 443 : 80)
  const addresses = (await lookup(host, { all: true })).map(({ address }) => address)
  return { host, address: await firstThatAnswers(addresses, port), port, tls, ...options }
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
 * Opens a connection. Reads land in one buffer that all connections share; whoever needs bytes
 * later copies them.
 *
 * @throws the socket's error, or the signal's reason
 */
export function openConnection(
  endpoint: Endpoint,
  clock: Clock,
  onRead: OnRead,
  signal: AbortSignal,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let reader: ResponseReader | undefined
    let exchange: Exchange | undefined
    let alive = true

    const lose = (error?: Error): void => {
      alive = false
      const lost = exchange
      exchange = undefined
      socket.destroy()
      lost?.onLost(error)
    }

    const receive = (bytes: Buffer): void => {
      onRead(clock.nowMs())
      try {
        reader?.push(bytes)
      } catch (error) {
        // What is not the peer's fault is ours, and must not pass for a failed request.
        if (!(error instanceof HttpProtocolError)) throw error
        lose(error)
      }
    }

    const socket = openSocket(endpoint, receive)
    socket.setNoDelay(true)
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const onAbort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })

    reader = createResponseReader(() => {
      const current = exchange
      if (!current) return undefined
      return {
        onHead: current.onHead,
        onBody: current.onBody,
        onEnd: () => {
          exchange = undefined
          current.onEnd()
        },
      }
    })

    socket.once(endpoint.tls ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', onAbort)
      resolve({
        exchange: (request, next) => {
          exchange = next
          socket.write(request)
        },
        destroy: () => lose(),
        usable: () => alive && !socket.destroyed && socket.writable && !exchange,
        closed,
      })
    })
    socket.on('error', (error) => {
      signal.removeEventListener('abort', onAbort)
      reject(error)
      lose(error)
    })
    socket.on('end', () => {
      reader?.close()
      lose()
    })
    socket.on('close', () => lose())
  })
}

function openSocket(endpoint: Endpoint, receive: (bytes: Buffer) => void): Socket {
  const onread = {
    buffer: readBuffer,
    callback: (length: number, buffer: Uint8Array) => {
      receive(buffer.subarray(0, length) as Buffer)
      return true
    },
  }
  const where = { host: endpoint.address, port: endpoint.port, onread }
  if (!endpoint.tls) return connectTcp(where)
  return connectTls({
    ...where,
    servername: /^[\d.]+$|:/.test(endpoint.host) ? '' : endpoint.host,
    rejectUnauthorized: !endpoint.insecure,
    ca: endpoint.ca,
    ALPNProtocols: ['http/1.1'],
  })
}
