import type { RequestOptions } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
import { MS_PER_S } from '../units.ts'
import { describeOrigin, hostHeaderOf, parseSocketUrl, socketPathOf } from './http/socket-url.ts'
import type { TargetIdentity } from './run-log.ts'

/** What is needed to reach a server. The key is never stored nor printed. */
export interface Access {
  readonly apiKey?: string
  readonly insecure: boolean
  readonly ca?: string
}

const PROBE_TIMEOUT_MS = 5 * MS_PER_S
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/**
 * The base address of a server: without `/v1`, query and trailing slash. A Unix socket is
 * `unix:/path/to.sock`, as for Docker and nginx, or `http+unix://%2Fpath%2Fto.sock`, where a path on
 * the server may follow; the URL is of the latter form.
 *
 * @throws UserError when it is neither an http(s) address nor a socket's, or holds a password
 */
export function parseTargetUrl(text: string): URL {
  const url = parseSocketUrl(text) ?? parseHttpUrl(text)
  if (url === undefined) {
    throw new UserError(`Not an address: ${text.replace(/\/\/[^/]*@/, '//***@')}`, {
      remedy: 'Give one such as http://127.0.0.1:8000 or unix:/run/server.sock.',
    })
  }
  if (url.username || url.password) {
    throw new UserError('The address holds a user name or password.', {
      remedy: 'Remove it; put the key in BAREMARK_API_KEY.',
    })
  }
  url.pathname = url.pathname
    .replace(/\/+$/, '')
    .replace(/\/v1(\/((chat\/)?completions|models))?$/, '')
  url.search = ''
  url.hash = ''
  return url
}

function parseHttpUrl(text: string): URL | undefined {
  const withScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`
  if (/^unix:/i.test(text) || !/^https?:/i.test(withScheme)) return undefined
  return URL.canParse(withScheme) ? new URL(withScheme) : undefined
}

/**
 * Asks the server what it is.
 *
 * @throws UserError when nobody listens, the key is refused, or it has no such model
 */
export async function identifyTarget(
  url: URL,
  model: string | undefined,
  access: Access,
  signal?: AbortSignal,
): Promise<TargetIdentity> {
  const answer = await getModels(url, access, signal)
  const offered = answer.models.map((offer) => offer.id)
  const chosen = model ?? offered[0]
  if (chosen === undefined) {
    throw new UserError(`${describeOrigin(url)} does not say which models it has.`, {
      remedy: 'Name one with --model.',
      exitCode: exitCodes.setup,
    })
  }
  if (offered.length > 0 && !offered.includes(chosen)) {
    throw new UserError(`${describeOrigin(url)} has no model "${chosen}".`, {
      remedy: `Use one of: ${offered.slice(0, 8).join(', ')}${offered.length > 8 ? ', ...' : ''}.`,
      exitCode: exitCodes.setup,
    })
  }
  const offer = answer.models.find(({ id }) => id === chosen)
  return {
    url: url.href.replace(/\/$/, ''),
    model: chosen,
    models: offered,
    serverHeader: answer.serverHeader,
    engine: offer?.baremark?.engine,
    simulated: offer?.baremark?.simulated === true,
    // A simulation has no weights, whatever it is called.
    weights: offer?.baremark?.simulated === true ? undefined : offer?.baremark?.weights,
    contextTokens: offer?.max_model_len,
    loopback: socketPathOf(url) !== undefined || isLoopback(url.hostname),
  }
}

/** Whether a host name is this machine's own; connecting to an unspecified address ends there too. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return /^(127(\.\d+){3}|0\.0\.0\.0|::1?|(.+\.)?localhost)$/.test(host)
}

interface ModelOffer {
  readonly id: string
  readonly max_model_len?: number
  /** What baremark's own server adds. */
  readonly baremark?: {
    readonly engine?: string
    readonly simulated?: boolean
    readonly weights?: 'random' | 'trained'
  }
}

interface ModelsAnswer {
  readonly models: readonly ModelOffer[]
  readonly serverHeader?: string
}

async function getModels(url: URL, access: Access, signal?: AbortSignal): Promise<ModelsAnswer> {
  const { status, body, serverHeader } = await get(
    new URL(`${url.href.replace(/\/$/, '')}/v1/models`),
    access,
    signal,
  )
  if (status === 401 || status === 403) {
    throw new UserError(`${describeOrigin(url)} refuses the key (HTTP ${status}).`, {
      remedy: 'Put a valid key in BAREMARK_API_KEY, or give --api-key-file.',
      exitCode: exitCodes.setup,
    })
  }
  if (status >= 300 && status < 400) {
    throw new UserError(`${describeOrigin(url)} redirects (HTTP ${status}).`, {
      remedy: 'Give the final address: redirects are not followed, they would be measured.',
      exitCode: exitCodes.setup,
    })
  }
  return { models: status === 200 ? readModels(body) : [], serverHeader }
}

function readModels(body: string): ModelOffer[] {
  try {
    const { data } = JSON.parse(body) as { data?: unknown }
    return Array.isArray(data) ? data.filter((offer) => typeof offer?.id === 'string') : []
  } catch {
    return []
  }
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly serverHeader?: string
}

async function get(url: URL, access: Access, signal?: AbortSignal): Promise<Answer> {
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
  const headers = access.apiKey === undefined ? {} : { authorization: `Bearer ${access.apiKey}` }
  // Of the whole answer: a server that trickles is never silent.
  const deadline = AbortSignal.timeout(PROBE_TIMEOUT_MS)
  const options = {
    headers,
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    rejectUnauthorized: !access.insecure,
    ca: access.ca,
  }
  return new Promise((resolve, reject) => {
    const late = new Error(`no answer within ${PROBE_TIMEOUT_MS / MS_PER_S} s`)
    const asked = request({ ...whereOf(url), ...options }, (response) => {
      const parts: Buffer[] = []
      let length = 0
      response.on('data', (part: Buffer) => {
        length += part.length
        if (length <= MAX_ANSWER_BYTES) parts.push(part)
        else asked.destroy(new Error('the answer is over 4 MiB'))
      })
      response.on('end', () => {
        const body = Buffer.concat(parts).toString('utf8')
        resolve({
          status: response.statusCode ?? 0,
          body,
          serverHeader: response.headers.server?.toString(),
        })
      })
      response.on('error', (cause) => reject(unreachable(url, deadline.aborted ? late : cause)))
    })
    asked.on('error', (cause) => reject(unreachable(url, deadline.aborted ? late : cause)))
    asked.end()
  })
}

/** Node's own translation of a URL, and where it has none, ours. */
function whereOf(url: URL): RequestOptions {
  const socketPath = socketPathOf(url)
  return socketPath === undefined
    ? urlToHttpOptions(url)
    : { socketPath, path: url.pathname, host: hostHeaderOf(url) }
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
