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
}

/** Requests made before they are due, so that making them delays nobody. */
const PREPARED = 32

/** The bytes of requests with fresh prompts, in an order that the seed fixes. */
export function createRequestSource(
  template: RequestTemplate,
  shape: { readonly wordCount: number; readonly outputTokens: number; readonly random: Random },
): () => Buffer {
  const prepared: Buffer[] = []
  const make = (): Buffer =>
    requestBytes(template, makePrompt(shape.random, shape.wordCount), shape.outputTokens)
  while (prepared.length < PREPARED) prepared.push(make())
  const refill = (): void => {
    if (prepared.length < PREPARED) prepared.push(make())
  }
  return () => {
    setImmediate(refill)
    return prepared.shift() ?? make()
  }
}

/** One HTTP/1.1 request, head and body. */
export function requestBytes(
  template: RequestTemplate,
  prompt: string,
  outputTokens: number,
): Buffer {
  const { api, url, model, apiKey, userAgent, forceLength } = template
  const body = Buffer.from(api.body({ model, prompt, outputTokens, forceLength }))
  const head = [
    `POST ${url.pathname.replace(/\/$/, '')}${api.path} HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    `accept: ${api.contentType}`,
    `user-agent: ${userAgent}`,
    ...(apiKey === undefined ? [] : [`authorization: Bearer ${apiKey}`]),
    `content-length: ${body.length}`,
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), body])
}
