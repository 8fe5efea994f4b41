import type { Random } from '../random.ts'
import { makePrompt } from './prompts.ts'
import type { ServerApi } from './servers/server.ts'

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

/** Requests made before they are due, so that making them delays nobody. */
const PREPARED = 32

/** What the requests of one load level have in common. */
export interface RequestShape {
  readonly wordCount: number
  readonly outputTokens: number
  readonly random: Random
  /** Id of the first request; the ones after it count up. */
  readonly firstId: number
  readonly idStep: number
}

/** The bytes of requests with fresh prompts, in an order that the seed fixes. */
export function createRequestSource(
  template: RequestTemplate,
  shape: RequestShape,
): () => { id: number; bytes: Buffer } {
  const prepared: { id: number; bytes: Buffer }[] = []
  let id = shape.firstId
  const make = (): { id: number; bytes: Buffer } => {
    const prompt = makePrompt(shape.random, shape.wordCount)
    const own = id
    id += shape.idStep
    const bytes = requestBytes(template, {
      id: String(own),
      prompt,
      outputTokens: shape.outputTokens,
    })
    return { id: own, bytes }
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

/**
 * One HTTP/1.1 request, head and body. The id goes along as `x-request-id`, which several servers
 * write into their logs, so that a record can be found there.
 */
export function requestBytes(
  template: RequestTemplate,
  request: { readonly id: string; readonly prompt: string; readonly outputTokens: number },
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
