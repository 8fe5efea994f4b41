import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { onTestFinished } from 'vitest'

/** What the server does with one request: write to the socket, wait, end it, reset it. */
export type Answer = (socket: Socket, request: string) => unknown

export interface ScriptedServer {
  /** 0 on a Unix socket. */
  readonly port: number
  /** Each request as it came, head and body, one character a byte. */
  readonly requests: readonly string[]
  readonly sockets: readonly Socket[]
}

/**
 * A server, on a port or a Unix socket, that answers the first request with the first answer, and so on, whatever connection it
 * comes on; the last answer is for all that follow. Ends with the test.
 */
export async function startScriptedServer(
  answers: readonly Answer[],
  tls?: { key: string; cert: string },
  socketPath?: string,
): Promise<ScriptedServer> {
  const requests: string[] = []
  const sockets: Socket[] = []

  const onConnection = (socket: Socket): void => {
    sockets.push(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {}) // The client may leave at any moment.
    let received = ''
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1')
      for (let length = requestLength(received); length > 0; length = requestLength(received)) {
        const request = received.slice(0, length)
        received = received.slice(length)
        const answer = answers[Math.min(requests.push(request), answers.length) - 1]
        answer?.(socket, request)
      }
    })
  }
  const server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection)
  if (tls) server.on('tlsClientError', () => {})
  if (socketPath === undefined) server.listen(0, '127.0.0.1')
  else server.listen(socketPath)
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return { port, requests, sockets }
}

/** Length of the first request in the text; 0 while it is not whole. */
function requestLength(text: string): number {
  const head = text.indexOf('\r\n\r\n') + 4
  if (head < 4) return 0
  const length = head + Number(/^content-length: (\d+)/im.exec(text.slice(0, head))?.[1] ?? 0)
  return text.length >= length ? length : 0
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Events of a stream, each with its empty line. */
export function events(data: readonly string[], newline = '\n'): string {
  return data.map((line) => `data: ${line}${newline}${newline}`).join('')
}

export const streamHead =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n'
export const lastChunk = '0\r\n\r\n'

export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}

/** A whole response: every part is a chunk of its own. */
export function stream(...parts: readonly string[]): string {
  return `${streamHead}${parts.map(chunk).join('')}${lastChunk}`
}

export function plain(status: string, body: string, headers: readonly string[] = []): string {
  const length = `content-length: ${Buffer.byteLength(body)}`
  return [`HTTP/1.1 ${status}`, 'content-type: text/plain', length, ...headers, '', body].join(
    '\r\n',
  )
}

/** Answers with exactly these bytes at once. */
export function write(text: string): Answer {
  return (socket) => socket.write(text)
}
