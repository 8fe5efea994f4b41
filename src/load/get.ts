import type { Agent, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
import { BYTES_PER_MIB, MS_PER_S } from '../units.ts'
import { describeOrigin, hostHeaderOf, socketPathOf } from './http/socket-url.ts'

/** What is needed to reach a server. The key is never stored nor printed. */
export interface Access {
  readonly apiKey?: string
  readonly insecure: boolean
  readonly ca?: string
}

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Empty when it came in an encoding nobody asked for. */
  readonly body: string
}

/** How long and how much to listen. */
export interface Patience {
  /** For the whole answer: a server that trickles is never silent. */
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly signal?: AbortSignal
}

/**
 * How baremark asks a server something that is no prompt: a GET on a connection of its own, without
 * a body. Redirects are answers like others, and not followed.
 *
 * @throws UserError when there is no whole answer
 */
export function get(url: URL, access: Access, patience: Patience): Promise<Answer> {
  return ask(url, access, patience)
}

/** Asks many small questions over a few connections. */
export interface Poster {
  /**
   * A POST of JSON to a path of the server.
   *
   * @throws UserError when there is no whole answer
   */
  readonly post: (path: string, body: object) => Promise<Answer>
  /** Closes the connections. */
  readonly close: () => void
}

/** POSTs with what `get` sends too; those beyond `connections` at once wait. */
export async function openPoster(
  url: URL,
  access: Access,
  { connections, ...patience }: Patience & { readonly connections: number },
): Promise<Poster> {
  const { Agent } = await clientFor(url)
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const base = url.href.replace(/\/$/, '')
  return {
    post: (path, body) =>
      ask(new URL(base + path), access, patience, { body: JSON.stringify(body), agent }),
    close: () => agent.destroy(),
  }
}

function clientFor(url: URL) {
  return url.protocol === 'https:' ? import('node:https') : import('node:http')
}

/** What makes it a POST. */
interface Posted {
  readonly body: string
  readonly agent: Agent
}

async function ask(url: URL, access: Access, patience: Patience, posted?: Posted): Promise<Answer> {
  const { request } = await clientFor(url)
  const { timeoutMs, signal } = patience
  const deadline = AbortSignal.timeout(timeoutMs)
  const options = {
    method: posted ? 'POST' : 'GET',
    agent: posted?.agent,
    headers: {
      'accept-encoding': 'identity',
      ...(access.apiKey === undefined ? {} : { authorization: `Bearer ${access.apiKey}` }),
      ...(posted && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(posted.body),
      }),
    },
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    rejectUnauthorized: !access.insecure,
    ca: access.ca,
  }
  return new Promise((resolve, reject) => {
    const late = new Error(`no answer within ${timeoutMs / MS_PER_S} s`)
    const fail = (cause: unknown): void => reject(unreachable(url, deadline.aborted ? late : cause))
    const asked = request({ ...whereOf(url), ...options }, (response) =>
      collect(response, patience.maxBytes, resolve, (cause) => {
        asked.destroy()
        fail(cause)
      }),
    )
    asked.on('error', fail)
    asked.end(posted?.body)
  })
}

function collect(
  response: IncomingMessage,
  maxBytes: number,
  resolve: (answer: Answer) => void,
  fail: (cause: unknown) => void,
): void {
  const parts: Buffer[] = []
  let length = 0
  response.on('data', (part: Buffer) => {
    length += part.length
    if (length <= maxBytes) parts.push(part)
    else fail(new Error(`the answer is over ${maxBytes / BYTES_PER_MIB} MiB`))
  })
  response.on('end', () => {
    const { statusCode: status = 0, headers } = response
    const readable = (headers['content-encoding'] ?? 'identity') === 'identity'
    resolve({ status, headers, body: readable ? Buffer.concat(parts).toString('utf8') : '' })
  })
  response.on('error', fail)
}

/** Node's own translation of a URL, and where it has none, ours. */
function whereOf(url: URL): RequestOptions {
  const socketPath = socketPathOf(url)
  return socketPath === undefined
    ? urlToHttpOptions(url)
    : { socketPath, path: url.pathname + url.search, host: hostHeaderOf(url) }
}

function unreachable(url: URL, cause: unknown): UserError {
  const [what, remedy] = describeObstacle(describeOrigin(url), cause)
  return new UserError(what, { remedy, exitCode: exitCodes.setup, cause })
}

/** What is in the way, and what to do about it. */
function describeObstacle(where: string, cause: unknown): [what: string, remedy: string] {
  switch (systemErrorCode(cause)) {
    case 'ECONNREFUSED':
      return [`Nobody listens at ${where}.`, 'Start the server, or check the address and port.']
    case 'ENOENT':
      return [
        `There is no socket at ${where}.`,
        'Start the server, or check the path of its socket.',
      ]
    case 'EACCES':
    case 'EPERM':
      return [
        `No permission to connect to ${where}.`,
        'Run as a user who may write to the socket, or change its permissions.',
      ]
    default:
      return [
        `Cannot reach ${where}: ${messageOf(cause)}.`,
        'Check the address, the network and the certificate.',
      ]
  }
}
