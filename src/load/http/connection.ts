import { lookup } from 'node:dns/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../clock.ts'
import {
  createResponseReader,
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

const READ_BUFFER_BYTES = 65_536

/** Resolves the name of a URL once. @throws the system's error when the name is unknown */
export async function resolveEndpoint(
  url: URL,
  options: { insecure: boolean; ca?: string },
): Promise<Endpoint> {
  const tls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const { address } = await lookup(host)
  return { host, address, port: Number(url.port) || (tls ? 443 : 80), tls, ...options }
}

/**
 * Opens a connection. Reads land in one buffer per connection that is reused; whoever needs bytes
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
        lose(error as Error)
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
    buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
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
