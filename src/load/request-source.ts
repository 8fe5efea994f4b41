import { type Random, randomInteger } from '../random.ts'
import { hostHeaderOf } from './http/socket-url.ts'
import { type Ask, headersOf, pathOf, type ServerApi } from './servers/server.ts'
import { words } from './words.ts'

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

/** What the requests of one load level have in common. */
export interface RequestShape {
  readonly wordCount: number
  readonly outputTokens: number
  readonly random: Random
  /** Id of the first request. */
  readonly firstId: number
  /** From one id to the next: the number of sources that share a level, so that no id is given twice. */
  readonly idStep: number
}

/** A request's number in the run, and all its bytes. */
export interface PreparedRequest {
  readonly id: number
  readonly bytes: Buffer
}

/** Requests made before they are due, so that making them delays nobody. */
const PREPARED = 32

/** Requests with fresh prompts (see `makePrompt`), in an order that the seed fixes. */
export function createRequestSource(
  template: RequestTemplate,
  { wordCount, outputTokens, random, firstId, idStep }: RequestShape,
): () => PreparedRequest {
  const parts = constantParts(template, outputTokens)
  const drawn = new Uint16Array(wordCount)
  const prepared: PreparedRequest[] = []
  let nextId = firstId
  let refilling = false
  const make = (): PreparedRequest => {
    const id = nextId
    nextId += idStep
    drawWords(drawn, random)
    return { id, bytes: assemble(parts, String(id), drawn) }
  }
  /** One a turn: sockets are served in between. */
  const refill = (): void => {
    refilling = prepared.length < PREPARED
    if (!refilling) return
    prepared.push(make())
    setImmediate(refill)
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

/** The bytes of requests that differ in their id and prompt only, cut around those. */
interface ConstantParts {
  /** Up to the id. */
  readonly start: Buffer
  /** From the id to the length of the body. */
  readonly headers: Buffer
  /** From there to the prompt. */
  readonly beforePrompt: Buffer
  readonly afterPrompt: Buffer
  /** Bytes of the body but for the prompt. */
  readonly bodyBytes: number
}

/** No word of a prompt, and escaped in JSON, so it is found there and nowhere else. */
const MARK = '\0'

function constantParts(template: RequestTemplate, outputTokens: number): ConstantParts {
  const { api, url, model, apiKey, userAgent, forceLength, idPrefix, maxTokensField } = template
  const { pathname, host } = addressOf(url)
  const start = [
    `POST ${pathname}${pathOf(api, model)} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `accept: ${api.contentType}`,
    `user-agent: ${userAgent}`,
    `x-request-id: ${idPrefix}-`,
  ]
  const headers = ['', ...headersOf(api, apiKey), 'content-length: ']
  const quoted = JSON.stringify(MARK)
  const body = api.body({ model, prompt: MARK, outputTokens, forceLength, maxTokensField })
  const at = body.indexOf(quoted)
  const before = Buffer.from(`${body.slice(0, at)}"`)
  const after = Buffer.from(`"${body.slice(at + quoted.length)}`)
  return {
    start: Buffer.from(start.join('\r\n'), 'latin1'),
    headers: Buffer.from(headers.join('\r\n'), 'latin1'),
    beforePrompt: Buffer.concat([Buffer.from('\r\n\r\n'), before]),
    afterPrompt: after,
    bodyBytes: before.length + after.length,
  }
}

function addressOf(text: string): { pathname: string; host: string } {
  const url = new URL(text)
  return { pathname: url.pathname.replace(/\/$/, ''), host: hostHeaderOf(url) }
}

const wordBytes: readonly Buffer[] = words.map((word) => Buffer.from(word, 'latin1'))
const SPACE = 32

/** The same draws as `makePrompt` makes. */
function drawWords(drawn: Uint16Array, random: Random): void {
  for (let i = 0; i < drawn.length; i++) drawn[i] = randomInteger(random, words.length)
}

/** Words are plain letters: as long in bytes as in characters, and the same in JSON. */
function assemble(parts: ConstantParts, id: string, drawn: Uint16Array): Buffer {
  let promptBytes = Math.max(0, drawn.length - 1)
  for (const word of drawn) promptBytes += wordBytes[word]?.length ?? 0
  const bodyLength = String(parts.bodyBytes + promptBytes)
  const { start, headers, beforePrompt, afterPrompt } = parts
  const constantBytes = start.length + headers.length + beforePrompt.length + afterPrompt.length
  const bytes = Buffer.allocUnsafe(constantBytes + id.length + bodyLength.length + promptBytes)
  let at = start.copy(bytes)
  at += bytes.write(id, at, 'latin1')
  at += headers.copy(bytes, at)
  at += bytes.write(bodyLength, at, 'latin1')
  at += beforePrompt.copy(bytes, at)
  at = writePrompt(bytes, at, drawn)
  afterPrompt.copy(bytes, at)
  return bytes
}

function writePrompt(bytes: Buffer, from: number, drawn: Uint16Array): number {
  let at = from
  for (let i = 0; i < drawn.length; i++) {
    if (i > 0) bytes[at++] = SPACE
    const word = wordBytes[drawn[i] ?? 0]
    for (let letter = 0; letter < (word?.length ?? 0); letter++) bytes[at++] = word?.[letter] ?? 0
  }
  return at
}

/**
 * One HTTP/1.1 request, head and body. The id goes along as `x-request-id`, which several servers
 * write into their logs, so that a record can be found there.
 */
export function requestBytes(
  template: RequestTemplate,
  request: { readonly id: string; readonly prompt: string; readonly outputTokens: number },
): Buffer {
  const { start, headers, beforePrompt, afterPrompt, bodyBytes } = constantParts(
    template,
    request.outputTokens,
  )
  const prompt = Buffer.from(JSON.stringify(request.prompt).slice(1, -1))
  const length = Buffer.from(`${bodyBytes + prompt.length}`)
  return Buffer.concat([
    start,
    Buffer.from(request.id, 'latin1'),
    headers,
    length,
    beforePrompt,
    prompt,
    afterPrompt,
  ])
}
