import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
import type { ServerStamp } from '../measure/instrument.ts'
import { MS_PER_S } from '../units.ts'
import { type Ask, readAsk } from './ask.ts'
import type { Engine, Piece } from './engine.ts'
import { answerFalsely, type Fault, faultOf, spoil } from './faults.ts'
import { type Exchange, sendWholeAnswer, streamAnswer } from './generation.ts'
import { type Refusal, readBody, sendJson, sendRefusal, sendText } from './http-messages.ts'
import { metricsText } from './metrics-text.ts'
import { type OpenAiApi, openAiApis } from './openai-api.ts'
import type { ServerStats } from './server-stats.ts'
import { monotonicMs } from './stamps.ts'

export interface ServerOptions {
  readonly engine: Engine
  /** 0 takes any free port. */
  readonly port: number
  /** What the server does wrong on purpose. */
  readonly faults?: readonly Fault[]
  /** How many may be in the engine's slots and queue, and what happens to one more. No limit when absent. */
  readonly overload?: Overload
  /** Hears of every request for generation, once, as its answer ends. */
  readonly onStamp?: (stamp: ServerStamp) => void
}

/** A request that comes while every slot is taken and this many wait is refused at once. */
export interface Overload {
  readonly maxWaiting: number
  readonly status: 429 | 503
}

export interface RunningServer {
  readonly url: string
  readonly port: number
  readonly stats: () => ServerStats
  /** Drops every connection and ends every answer. The engine stays open: it is its maker's. */
  readonly close: () => Promise<void>
}

/** Only this machine may connect. */
const HOST = '127.0.0.1'
/** Longer than any pause of a load generator, so that it never meets a connection just closed. */
const KEEP_ALIVE_MS = 600 * MS_PER_S

interface Site {
  readonly engine: Engine
  readonly faults: readonly Fault[]
  readonly overload: Overload | undefined
  readonly onStamp: ((stamp: ServerStamp) => void) | undefined
  readonly startedS: number
  /** Never reject. */
  readonly underWay: Set<Promise<void>>
  readonly counts: {
    -readonly [K in keyof Omit<ServerStats, 'running' | 'waiting'>]: ServerStats[K]
  }
}

/**
 * Serves the engine over OpenAI's HTTP API on the loopback address.
 *
 * @throws UserError when the port cannot be had
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const site = openSite(options)
  const server = createServer((request, response) => {
    const served = serve(site, request, response)
    site.underWay.add(served)
    void served.finally(() => site.underWay.delete(served))
  })
  setTimeouts(server)
  await listen(server, options.port)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${HOST}:${port}`,
    port,
    stats: () => statsOf(site),
    close: async () => {
      await closeServer(server)
      await Promise.all(site.underWay)
    },
  }
}

function openSite({ engine, faults = [], overload, onStamp }: ServerOptions): Site {
  const counts = {
    requests: 0,
    refused: 0,
    finishedByLength: 0,
    finishedByStop: 0,
    aborted: 0,
    promptTokens: 0,
    generationTokens: 0,
  }
  return { engine, faults, overload, onStamp, startedS: nowS(), underWay: new Set(), counts }
}

/** An answer may take as long as it takes: only idle connections are ever closed. */
function setTimeouts(server: Server): void {
  server.requestTimeout = 0
  server.headersTimeout = 0
  server.timeout = 0
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.on('connection', (socket) => socket.setNoDelay(true))
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const taken = systemErrorCode(cause) === 'EADDRINUSE'
      reject(
        new UserError(`Cannot listen on ${HOST}:${port}: ${messageOf(cause)}`, {
          remedy: taken ? 'Choose another port, or 0 for any free one.' : 'Choose another port.',
          exitCode: exitCodes.setup,
          cause,
        }),
      )
    })
    server.listen(port, HOST, resolve)
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function statsOf({ engine, counts }: Site): ServerStats {
  return { ...counts, ...engine.occupancy() }
}

async function serve(site: Site, request: IncomingMessage, response: ServerResponse) {
  response.on('error', () => {}) // The client left; the stream's own end tells what is needed.
  try {
    await route(site, request, response)
  } catch (error) {
    if (response.headersSent || response.destroyed) response.destroy()
    else sendRefusal(response, { status: 500, message: messageOf(error) })
  }
}

async function route(site: Site, request: IncomingMessage, response: ServerResponse) {
  const path = (request.url ?? '/').split('?')[0] ?? '/'
  const api = openAiApis.find((candidate) => candidate.path === path)
  const page = pages[path]
  const allowed = api ? 'POST' : 'GET'
  if (!isLocal(request.headers.host)) {
    sendRefusal(response, { status: 403, message: 'this server answers only to its own machine' })
  } else if (!api && !page) {
    sendRefusal(response, { status: 404, message: `there is nothing at ${path}` })
  } else if (request.method !== allowed) {
    response.setHeader('allow', allowed)
    sendRefusal(response, { status: 405, message: `${path} takes ${allowed} only` })
  } else if (api) {
    await generate(site, api, request, response)
  } else page?.(site, response)
}

/** A page in a browser must not reach this server under a name of its own. */
function isLocal(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost)(:\d+)?$/i.test(host)
}

const pages: Readonly<Record<string, (site: Site, response: ServerResponse) => void>> = {
  '/health': (_site, response) => sendJson(response, { status: 'ok' }),
  '/v1/models': (site, response) => sendJson(response, { object: 'list', data: [modelOf(site)] }),
  '/metrics': (site, response) =>
    sendText(response, 'text/plain; version=0.0.4', metricsText(site.engine.model, statsOf(site))),
}

function modelOf({ engine, startedS }: Site): object {
  return {
    id: engine.model,
    object: 'model',
    created: startedS,
    owned_by: 'baremark',
    max_model_len: engine.contextTokens,
    baremark: { engine: engine.name, simulated: engine.simulated, weights: engine.weights },
  }
}

async function generate(
  site: Site,
  api: OpenAiApi,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const arrival = arrivalOf(request)
  const number = ++site.counts.requests
  const text = await readBody(request)
  const fault = faultOf(site.faults, number)
  if (fault && answerFalsely(fault, response)) {
    response.once('close', () => site.onStamp?.({ ...arrival, ended: 'aborted' }))
    return
  }
  const ask = readAsk(site.engine, api, number, text)
  const taken = 'refusal' in ask ? ask : (overloaded(site) ?? ask)
  if ('refusal' in taken) {
    site.counts.refused += 1
    sendRefusal(response, taken.refusal)
    site.onStamp?.({ ...arrival, ended: 'refused' })
  } else await answer(site, { ...arrival, ...taken }, response, fault)
}

const RETRY_AFTER_S = 1

/** Nothing while there is room for one more. */
function overloaded({ engine, overload }: Site): { readonly refusal: Refusal } | undefined {
  const { running, waiting } = engine.occupancy()
  if (!overload || running + waiting < engine.slots + overload.maxWaiting) return undefined
  const message = `the server is overloaded: ${running} requests run and ${waiting} wait`
  const { status } = overload
  return { refusal: { status, message, code: 'overloaded', retryAfterS: RETRY_AFTER_S } }
}

/** What a request's stamp begins with. */
interface Arrival {
  readonly requestId: string | undefined
  readonly receivedMonotonicMs: number
  readonly chunkMonotonicMs: number[]
}

function arrivalOf({ headers }: IncomingMessage): Arrival {
  const requestId = headers['x-request-id']?.toString()
  return { requestId, receivedMonotonicMs: monotonicMs(), chunkMonotonicMs: [] }
}

async function answer(
  site: Site,
  ask: Ask & Arrival,
  response: ServerResponse,
  fault: Fault | undefined,
) {
  const exchange = beginExchange(site, ask, response, fault)
  const reason = await (ask.body.stream ? streamAnswer(exchange) : sendWholeAnswer(exchange))
  if (reason === 'length') site.counts.finishedByLength += 1
  else if (reason === 'stop') site.counts.finishedByStop += 1
  else site.counts.aborted += 1
  const ended = reason ?? 'aborted'
  site.onStamp?.({
    requestId: exchange.requestId,
    receivedMonotonicMs: exchange.receivedMonotonicMs,
    openedMonotonicMs: exchange.openedMonotonicMs,
    chunkMonotonicMs: exchange.chunkMonotonicMs,
    closedMonotonicMs: exchange.closedMonotonicMs,
    ended,
  })
}

function beginExchange(
  site: Site,
  ask: Ask & Arrival,
  response: ServerResponse,
  fault: Fault | undefined,
): Exchange & Arrival {
  const { body, maxTokens, number } = ask
  const gone = new AbortController()
  if (response.destroyed) gone.abort()
  response.once('close', () => gone.abort())
  const made = site.engine.generate({
    prompt: body.prompt,
    maxTokens,
    minTokens: body.ignore_eos ? maxTokens : (body.min_tokens ?? 0),
    seed: body.seed ?? number,
    signal: gone.signal,
  })
  const counted = countPieces(site, ask, made)
  const spoiled = fault && (body.stream || fault.kind === 'empty-output')
  const pieces = spoiled ? spoil(fault, counted, response) : counted
  return { ...ask, engine: site.engine, response, pieces, createdS: nowS(), outputTokens: 0 }
}

async function* countPieces(
  { counts }: Site,
  { promptTokens }: Ask,
  pieces: AsyncIterable<Piece>,
): AsyncGenerator<Piece, void> {
  let begun = false
  for await (const piece of pieces) {
    if (!begun) counts.promptTokens += promptTokens
    begun = true
    counts.generationTokens += piece.tokens
    yield piece
  }
}

function nowS(): number {
  return Math.floor(Date.now() / MS_PER_S)
}
