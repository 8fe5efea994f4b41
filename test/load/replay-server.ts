import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { parseTargetUrl } from '../../src/load/identify.ts'

export interface Page {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is, anything else as JSON. */
  readonly body: unknown
}

/** How one server answers. */
export interface Replay {
  /** By path; a query is looked at only where a page names one. */
  readonly pages: Readonly<Record<string, Page>>
  /** Paths that take POST only, and what a GET of them gets. */
  readonly posts?: readonly string[]
  readonly wrongMethod?: Page
  readonly notFound: Page
  /** On every answer. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface ReplayServer {
  readonly url: URL
  /** Method and path of each request, in order. */
  readonly asked: readonly string[]
}

/** A server that answers exactly so, on a port or a Unix socket. Ends with the test. */
export async function startReplay(replay: Replay, socketPath?: string): Promise<ReplayServer> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const target = request.url ?? '/'
    asked.push(`${request.method} ${target}`)
    const path = target.split('?')[0] ?? target
    const page = replay.pages[target] ?? replay.pages[path]
    const wrong = replay.posts?.includes(path) && request.method === 'GET'
    const {
      status = 200,
      headers,
      body,
    } = wrong ? (replay.wrongMethod ?? replay.notFound) : (page ?? replay.notFound)
    const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
    response.writeHead(status, { 'content-type': type, ...replay.headers, ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  if (socketPath === undefined) server.listen(0, '127.0.0.1')
  else server.listen(socketPath)
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address() as AddressInfo | string
  const url = typeof address === 'string' ? `unix:${address}` : `127.0.0.1:${address.port}`
  return { url: parseTargetUrl(url), asked }
}
