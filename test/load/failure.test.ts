import { expect, test } from 'vitest'
import { failureOf } from '../../src/load/failure.ts'
import { HttpProtocolError } from '../../src/load/http/response-reader.ts'

const systemError = (code: string): Error => Object.assign(new Error(`it was ${code}`), { code })

test.each([
  ['ECONNREFUSED', 'connection-refused'],
  ['ENOENT', 'no-such-socket'],
  ['EACCES', 'permission-denied'],
  ['EPERM', 'permission-denied'],
  ['ECONNRESET', 'connection-reset'],
  ['EPIPE', 'connection-reset'],
  ['ENOTFOUND', 'name-not-found'],
  ['EAI_AGAIN', 'name-not-found'],
  ['EHOSTUNREACH', 'network-unreachable'],
  ['ENETUNREACH', 'network-unreachable'],
  ['ETIMEDOUT', 'network-unreachable'],
  ['EMFILE', 'too-many-open-files'],
  ['ENFILE', 'too-many-open-files'],
  ['EADDRNOTAVAIL', 'no-free-port'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls-error'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls-error'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls-error'],
  ['CERT_HAS_EXPIRED', 'tls-error'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls-error'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls-error'],
  ['EPROTO', 'tls-error'],
  ['ERR_OSSL_PEM_NO_START_LINE', 'tls-error'],
  ['ERR_SOCKET_BAD_PORT', 'client-other'],
  ['ENOBUFS', 'network-other'],
])('%s is %s', (code, failure) => {
  expect(failureOf(systemError(code))).toEqual({ failure, detail: `it was ${code}` })
})

test('bytes that are not HTTP are the server breaking the protocol', () => {
  expect(failureOf(new HttpProtocolError('bad chunk size "x"'))).toEqual({
    failure: 'malformed-http',
    detail: 'bad chunk size "x"',
  })
})

test('an error without a code is our own', () => {
  expect(failureOf(new TypeError('no such thing')).failure).toBe('client-other')
  expect(failureOf('a word')).toEqual({ failure: 'client-other', detail: 'a word' })
})
