import type { ServerApi } from './servers/server.ts'
import type { PlannedSession, RequestPlan, WorkloadRequest } from './workloads/planned.ts'

/** What every request of a run has in common. */
export interface RequestTemplate {
  readonly api: ServerApi
  /** The server's base address. */
  readonly url: URL
  readonly model: string
  readonly apiKey?: string
  readonly userAgent: string
  readonly forceLength: boolean
  /** Tells this run's requests from others in a server's log. */
  readonly idPrefix: string
}

/** A request of a plan, ready to go. */
export interface PreparedRequest {
  readonly id: number
  readonly bytes: Buffer
  readonly requestedInputTokens?: number
  readonly requestedOutputTokens: number
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
  let id = share.firstId + share.index
  const prepare = (request: WorkloadRequest): PreparedRequest => {
    const own = id
    id += share.count
    return {
      id: own,
      bytes: requestBytes(template, { ...request, id: String(own) }),
      requestedInputTokens: request.inputTokens,
      requestedOutputTokens: request.outputTokens,
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
  while (prepared.length < PREPARED) prepared.push(make())
  const refill = (): void => {
    if (prepared.length < PREPARED) prepared.push(make())
  }
  return () => {
    setImmediate(refill)
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

/**
 * One HTTP/1.1 request, head and body. The id goes along as `x-request-id`, which several servers
 * write into their logs, so that a record can be found there.
 */
export function requestBytes(
  template: RequestTemplate,
  request: Pick<WorkloadRequest, 'prompt' | 'outputTokens'> & { readonly id: string },
): Buffer {
  const { id, prompt, outputTokens } = request
  const { api, url, model, apiKey, userAgent, forceLength } = template
  const body = Buffer.from(api.body({ model, prompt, outputTokens, forceLength }))
  const head = [
    `POST ${url.pathname.replace(/\/$/, '')}${api.path} HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    `accept: ${api.contentType}`,
    `user-agent: ${userAgent}`,
    `x-request-id: ${template.idPrefix}-${id}`,
    ...(apiKey === undefined ? [] : [`authorization: Bearer ${apiKey}`]),
    `content-length: ${body.length}`,
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), body])
}
