/**
 * The address of a server on a Unix socket, as Docker's clients and many others write it:
 * `http+unix://%2Frun%2Fllm.sock/base`, the socket's path in place of the host, escaped. Unlike
 * `unix:/run/llm.sock` it has room for a path on the server, so this is the form used inside.
 */
const SOCKET_PROTOCOL = 'http+unix:'

/**
 * The URL of a Unix socket that someone wrote as `unix:/path`, `unix:///path` or
 * `http+unix://%2Fpath/base`; nothing when it is none.
 */
export function parseSocketUrl(text: string): URL | undefined {
  const path = /^unix:(?:\/\/)?(\/(?!\/).*)$/i.exec(text)?.[1]
  if (path !== undefined) return new URL(`${SOCKET_PROTOCOL}//${encodeURIComponent(path)}`)
  if (!/^http\+unix:\/\/%2f/i.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return socketPathOf(url) === undefined ? undefined : url
}

/** Path of the socket, where the address is that of one. */
export function socketPathOf(url: URL): string | undefined {
  if (url.protocol !== SOCKET_PROTOCOL) return undefined
  try {
    return decodeURIComponent(url.host)
  } catch {
    return undefined
  }
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
