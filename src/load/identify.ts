import { exitCodes, UserError } from '../errors.ts'
import type { Access } from './get.ts'
import { describeOrigin, parseSocketUrl, socketPathOf } from './http/socket-url.ts'
import { type Inspection, inspectServer } from './inspect-server.ts'
import type { TargetIdentity } from './run-log.ts'
import type { ServerIdentity } from './server-identity.ts'
import { modelsPath } from './servers/answers.ts'
import { serverKindOf } from './servers/kinds.ts'

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
 * Asks the server what it is, and settles which of its models is measured.
 *
 * @throws UserError when nobody listens, the key is refused, or it has no such model
 */
export async function identifyTarget(
  url: URL,
  model: string | undefined,
  access: Access,
  signal?: AbortSignal,
): Promise<TargetIdentity> {
  const inspection = await inspectServer(url, model, access, signal)
  const { server, models, simulated, weights, answers } = inspection
  return {
    url: url.href.replace(/\/$/, ''),
    model: chooseModel(url, inspection),
    models,
    serverHeader: answers.get(modelsPath)?.headers.server?.toString(),
    engine: engineName(server),
    simulated,
    weights,
    contextTokens: server.contextTokens?.value,
    server,
    loopback: socketPathOf(url) !== undefined || isLoopback(url.hostname),
  }
}

/** @throws UserError when the server has no such model, or does not say which it has */
function chooseModel(url: URL, { model, models }: Inspection): string {
  if (model === undefined) {
    throw new UserError(`${describeOrigin(url)} does not say which models it has.`, {
      remedy: 'Name one with --model.',
      exitCode: exitCodes.setup,
    })
  }
  if (models.length > 0 && !models.includes(model)) {
    throw new UserError(`${describeOrigin(url)} has no model "${model}".`, {
      remedy: `Use one of: ${models.slice(0, 8).join(', ')}${models.length > 8 ? ', ...' : ''}.`,
      exitCode: exitCodes.setup,
    })
  }
  return model
}

/** Name and version, where it is known which server it is. */
function engineName({ kind, engine, version }: ServerIdentity): string | undefined {
  if (kind === 'openai') return undefined
  if (kind === 'baremark') return engine?.value
  const { label } = serverKindOf(kind)
  return version === undefined ? label : `${label} ${version.value}`
}

/** Whether a host name is this machine's own; connecting to an unspecified address ends there too. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return /^(127(\.\d+){3}|0\.0\.0\.0|::1?|(.+\.)?localhost)$/.test(host)
}
