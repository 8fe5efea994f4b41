import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { parseTargetUrl } from '../../src/load/identify.ts'

export interface Page {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is, anything else as JSON. */
  readonly body: unknown
}

/** What a POST gets: a page, or events one after the other. */
export type Reply = Page | { readonly contentType: string; readonly events: readonly string[] }

/** How one server answers. */
export interface Replay {
  /** By path; a query is looked at only where a page names one. */
  readonly pages: Readonly<Record<string, Page>>
  /** Paths that take POST only, and what a GET of them gets. */
  readonly posts?: readonly string[]
  /** What POSTs get, by path, from the JSON they bring. */
  readonly replies?: Readonly<Record<string, (body: Json) => Reply | Promise<Reply>>>
  readonly wrongMethod?: Page
  readonly notFound: Page
  /** On every answer. */
  readonly headers?: Readonly<Record<string, string>>
}

export type Json = Readonly<Record<string, unknown>>

const EVENT_MS = 4

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
    const reply = request.method === 'POST' ? replay.replies?.[path] : undefined
    if (reply) {
      readJson(request)
        .then(async (body) => send(response, await reply(body), replay.headers))
        .catch(() => response.destroy()) // The client may leave at any moment.
      return
    }
    const page = replay.pages[target] ?? replay.pages[path]
    const wrong = replay.posts?.includes(path) && request.method === 'GET'
    const answer = wrong ? (replay.wrongMethod ?? replay.notFound) : (page ?? replay.notFound)
    send(response, answer, replay.headers)
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

async function readJson(request: IncomingMessage): Promise<Json> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return JSON.parse(text) as Json
}

function send(response: ServerResponse, reply: Reply, always: Replay['headers']): void {
  if ('events' in reply) {
    response.writeHead(200, { 'content-type': reply.contentType, ...always })
    void stream(response, reply.events)
    return
  }
  const { status = 200, headers, body } = reply
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
  response.writeHead(status, { 'content-type': type, ...always, ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function stream(response: ServerResponse, events: readonly string[]): Promise<void> {
  for (const event of events) {
    response.write(event)
    await setTimeout(EVENT_MS)
  }
  response.end()
}
