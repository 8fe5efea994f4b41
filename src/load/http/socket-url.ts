/**
 * The address of a server on a Unix socket, as Docker's clients and many others write it:
 * `http+unix://%2Frun%2Fllm.sock/base`, the socket's path in place of the host, escaped.
 */
export const SOCKET_PROTOCOL = 'http+unix:'

export function socketUrl(socketPath: string): URL {
  return new URL(`${SOCKET_PROTOCOL}//${encodeURIComponent(socketPath)}`)
}

/** Path of the socket, where the address is that of one. */
export function socketPathOf(url: URL): string | undefined {
  return url.protocol === SOCKET_PROTOCOL ? decodeURIComponent(url.host) : undefined
}

/** What a request's `host` header says: a socket has no name of its own. */
export function hostHeaderOf(url: URL): string {
  return url.protocol === SOCKET_PROTOCOL ? 'localhost' : url.host
}

/** A server in words, without path and query. */
export function describeOrigin(url: URL): string {
  const path = socketPathOf(url)
  return path === undefined ? url.origin : `unix:${path}`
}
