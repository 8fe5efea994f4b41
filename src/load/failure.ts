import { messageOf, systemErrorCode } from '../errors.ts'
import { HttpProtocolError } from './http/response-reader.ts'
import type { FailureKind } from './record.ts'

const kindsByCode: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: 'connection-refused',
  // Of a Unix socket.
  ENOENT: 'no-such-socket',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  ENOTFOUND: 'name-not-found',
  EAI_AGAIN: 'name-not-found',
  EHOSTUNREACH: 'network-unreachable',
  ENETUNREACH: 'network-unreachable',
  ETIMEDOUT: 'network-unreachable',
  EMFILE: 'too-many-open-files',
  ENFILE: 'too-many-open-files',
  EADDRNOTAVAIL: 'no-free-port',
}

/** What kind of failure an error of the socket or of the response reader is. */
export function failureOf(error: unknown): { failure: FailureKind; detail: string } {
  return { failure: kindOf(error), detail: messageOf(error) }
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof HttpProtocolError) return 'malformed-http'
  const code = systemErrorCode(error)
  if (code === undefined) return 'client-other'
  if (/^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/.test(code))
    return 'tls-error'
  // What Node refuses to try is none of the network's doing.
  if (code.startsWith('ERR_')) return 'client-other'
  return kindsByCode[code] ?? 'network-other'
}
