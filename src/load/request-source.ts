import { hostHeaderOf } from './http/socket-url.ts'
import { type Ask, headersOf, pathOf, type ServerApi } from './servers/server.ts'
import type {
  CancelAfter,
  PlannedSession,
  RequestPlan,
  WorkloadRequest,
} from './workloads/planned.ts'

/** What every request of a run has in common; plain data but for the API. */
export interface RequestTemplate {
  readonly api: ServerApi
  /** The server's base address. */
  readonly url: string
  readonly model: string
  readonly apiKey?: string
  readonly userAgent: string
  readonly forceLength: boolean
  readonly maxTokensField?: Ask['maxTokensField']
  /** Tells this run's requests from others in a server's log. */
  readonly idPrefix: string
}

/** A request of a plan, ready to go. */
interface PreparedRequest {
  readonly id: number
  readonly bytes: Buffer
  readonly requestedInputTokens?: number
  readonly requestedOutputTokens: number
  readonly cancelAfter?: CancelAfter
}

/** Which requests of a level are one thread's: as `LevelPlan.shard`. */
interface Share {
  readonly index: number
  readonly count: number
  /** Id of the level's first request. */
  readonly firstId: number
}

/** Gives the next request; in a plan of sessions, of that user. */
export type RequestSource = (user?: number) => PreparedRequest

/** Requests made before they are due, so that making them delays nobody. */
const PREPARED = 32

/** The bytes of one thread's requests of a plan. */
export function createRequestSource(
  template: RequestTemplate,
  plan: RequestPlan,
  share: Share,
): RequestSource {
  const head = headOf(template)
  let id = share.firstId + share.index
  const prepare = (request: WorkloadRequest): PreparedRequest => {
    const own = id
    id += share.count
    return {
      id: own,
      bytes: assemble(template, head, String(own), request),
      requestedInputTokens: request.inputTokens,
      requestedOutputTokens: request.outputTokens,
      cancelAfter: request.cancelAfter,
    }
  }
  switch (plan.kind) {
    case 'requests':
      return oneByOne(plan.requestAt, share, prepare)
    case 'sessions':
      return turnByTurn(plan.sessionAt, share, prepare)
  }
}

function oneByOne(
  requestAt: (number: number) => WorkloadRequest,
  { index, count }: Share,
  prepare: (request: WorkloadRequest) => PreparedRequest,
): RequestSource {
  const prepared: PreparedRequest[] = []
  let number = index
  const make = (): PreparedRequest => {
    const request = requestAt(number)
    number += count
    return prepare(request)
  }
  let refilling = false
  /** One a turn: sockets are served in between. */
  const refill = (): void => {
    prepared.push(make())
    refilling = prepared.length < PREPARED
    if (refilling) setImmediate(refill)
  }
  while (prepared.length < PREPARED) prepared.push(make())
  return () => {
    if (!refilling) {
      refilling = true
      setImmediate(refill)
    }
    return prepared.shift() ?? make()
  }
}

/** Each user goes through one session after the other; its next turn is made while it waits for an answer. */
function turnByTurn(
  sessionAt: (number: number) => PlannedSession,
  { index, count }: Share,
  prepare: (request: WorkloadRequest) => PreparedRequest,
): RequestSource {
  let nextSession = index
  const users = new Map<number, { session: PlannedSession; turn: number; next?: WorkloadRequest }>()
  return (user = 0) => {
    let place = users.get(user)
    if (!place || place.turn >= place.session.turns) {
      place = { session: sessionAt(nextSession), turn: 0 }
      nextSession += count
      users.set(user, place)
    }
    const own = place
    const request = own.next ?? own.session.requestAt(own.turn)
    own.turn++
    own.next = undefined
    if (own.turn < own.session.turns)
      setImmediate(() => {
        own.next ??= own.session.requestAt(own.turn)
      })
    return prepare(request)
  }
}

/** The bytes of a head that are the same in every request, cut around the id and the body's length. */
interface Head {
  readonly beforeId: Buffer
  readonly beforeLength: Buffer
}

function headOf({ api, url, model, apiKey, userAgent, idPrefix }: RequestTemplate): Head {
  const { pathname, host } = addressOf(url)
  const beforeId = [
    `POST ${pathname}${pathOf(api, model)} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `accept: ${api.contentType}`,
    `user-agent: ${userAgent}`,
    `x-request-id: ${idPrefix}-`,
  ]
  const beforeLength = ['', ...headersOf(api, apiKey), 'content-length: ']
  return {
    beforeId: Buffer.from(beforeId.join('\r\n'), 'latin1'),
    beforeLength: Buffer.from(beforeLength.join('\r\n'), 'latin1'),
  }
}

function addressOf(text: string): { pathname: string; host: string } {
  const url = new URL(text)
  return { pathname: url.pathname.replace(/\/$/, ''), host: hostHeaderOf(url) }
}

/** What a server is to be asked. */
type Question = Pick<WorkloadRequest, 'prompt' | 'outputTokens'>

function assemble(
  { api, model, forceLength, maxTokensField }: RequestTemplate,
  { beforeId, beforeLength }: Head,
  id: string,
  { prompt, outputTokens }: Question,
): Buffer {
  const body = api.body({ model, prompt, outputTokens, forceLength, maxTokensField })
  const bodyBytes = Buffer.byteLength(body)
  const length = `${bodyBytes}\r\n\r\n`
  const bytes = Buffer.allocUnsafe(
    beforeId.length + id.length + beforeLength.length + length.length + bodyBytes,
  )
  let at = beforeId.copy(bytes)
  at += bytes.write(id, at, 'latin1')
  at += beforeLength.copy(bytes, at)
  at += bytes.write(length, at, 'latin1')
  bytes.write(body, at)
  return bytes
}

/**
 * One HTTP/1.1 request, head and body. The id goes along as `x-request-id`, which several servers
 * write into their logs, so that a record can be found there.
 */
export function requestBytes(
  template: RequestTemplate,
  request: Question & { readonly id: string },
): Buffer {
  return assemble(template, headOf(template), request.id, request)
}
