import type { ServerResponse } from 'node:http'
import type { Ask } from './ask.ts'
import type { Engine, Piece } from './engine.ts'
import { errorBody, sendJson, sendRefusal } from './http-messages.ts'
import { monotonicMs } from './stamps.ts'

/** An answer under way and what it came to so far. */
export interface Exchange extends Ask {
  readonly engine: Engine
  readonly response: ServerResponse
  readonly pieces: AsyncIterable<Piece>
  readonly createdS: number
  /** When each chunk of output was sent, on the operating system's monotonic clock. */
  readonly chunkMonotonicMs: number[]
  /** When the first bytes of a stream were sent, before any output, and when the last, after all of it. */
  openedMonotonicMs?: number
  closedMonotonicMs?: number
  outputTokens: number
}

type FinishReason = 'length' | 'stop'

const END_MARK = 'data: [DONE]\n\n'

/** Sends the answer as it is made; what it ended with, or undefined when it did not end properly. */
export async function streamAnswer(exchange: Exchange): Promise<FinishReason | undefined> {
  const { api, response } = exchange
  exchange.openedMonotonicMs = monotonicMs()
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  response.flushHeaders()
  if (api.opening) sendNow(response, choiceEvent(exchange, api.opening, null))
  try {
    await sendPieces(exchange)
  } catch (error) {
    if (response.destroyed || response.writableEnded) return undefined
    response.end(eventText(errorBody({ status: 500, message: String(error) })) + END_MARK)
    return undefined
  }
  if (response.destroyed || response.writableEnded) return undefined
  const reason = finishReason(exchange)
  const last = choiceEvent(exchange, api.closing, reason) + usageEvent(exchange) + END_MARK
  exchange.closedMonotonicMs = monotonicMs()
  response.end(last)
  return reason
}

async function sendPieces(exchange: Exchange): Promise<void> {
  const { response, chunkMonotonicMs } = exchange
  const pieceEvent = pieceWriter(exchange)
  for await (const { text, tokens } of exchange.pieces) {
    exchange.outputTokens += tokens
    const event = pieceEvent(text)
    if (response.destroyed || response.writableEnded) continue
    // An event without text is no output to anybody.
    if (text !== '') chunkMonotonicMs.push(monotonicMs())
    sendNow(response, event)
  }
}

/**
 * Hands an event of a stream to the operating system before it returns. `ServerResponse` would hold
 * it back to the end of the tick, behind the events of all other streams, and cost more.
 */
function sendNow(response: ServerResponse, event: string): void {
  const { socket } = response
  if (response.destroyed || response.writableEnded) return
  if (!socket || !response.chunkedEncoding) response.write(event)
  else {
    const bytes = Buffer.byteLength(event)
    const encoding = bytes === event.length ? 'latin1' : 'utf8' // The same for ASCII, and faster.
    socket.write(`${bytes.toString(16)}\r\n${event}\r\n`, encoding)
  }
}

/** Sends the answer when it is complete. */
export async function sendWholeAnswer(exchange: Exchange): Promise<FinishReason | undefined> {
  const { api, response } = exchange
  const texts: string[] = []
  try {
    for await (const { text, tokens } of exchange.pieces) {
      exchange.outputTokens += tokens
      texts.push(text)
    }
  } catch (error) {
    sendRefusal(response, { status: 500, message: String(error) })
    return undefined
  }
  if (response.destroyed) return undefined
  const reason = finishReason(exchange)
  exchange.chunkMonotonicMs.push(monotonicMs())
  sendJson(response, {
    ...envelope(exchange, api.objectName.whole),
    choices: [choice(api.whole(texts.join('')), reason)],
    usage: usageOf(exchange),
  })
  return reason
}

/** Takes the place of the text while an event is made of which only the text changes. */
const TEXT_MARK = '(text)'

/** Makes the event of each piece. All but the text is put into JSON once, unless it must change too. */
function pieceWriter(exchange: Exchange): (text: string) => string {
  const { api, body } = exchange
  if (body.stream_options?.continuous_usage_stats) {
    return (text) => choiceEvent(exchange, api.piece(text), null)
  }
  const event = choiceEvent(exchange, api.piece(TEXT_MARK), null)
  const mark = JSON.stringify(TEXT_MARK)
  const start = event.lastIndexOf(mark)
  const before = event.slice(0, start)
  const after = event.slice(start + mark.length)
  return (text) => before + JSON.stringify(text) + after
}

function choiceEvent(exchange: Exchange, content: object, reason: FinishReason | null): string {
  const { api, body } = exchange
  return eventText({
    ...envelope(exchange, api.objectName.chunk),
    choices: [choice(content, reason)],
    ...(body.stream_options?.continuous_usage_stats ? { usage: usageOf(exchange) } : {}),
  })
}

/** Nothing where no usage was asked for. */
function usageEvent(exchange: Exchange): string {
  if (!exchange.body.stream_options?.include_usage) return ''
  const event = envelope(exchange, exchange.api.objectName.chunk)
  return eventText({ ...event, choices: [], usage: usageOf(exchange) })
}

function eventText(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`
}

function envelope({ api, number, createdS, engine }: Exchange, object: string): object {
  return { id: `${api.idPrefix}-${number}`, object, created: createdS, model: engine.model }
}

function choice(content: object, reason: FinishReason | null): object {
  return { index: 0, ...content, logprobs: null, finish_reason: reason }
}

function usageOf({ promptTokens, outputTokens }: Exchange): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
  }
}

function finishReason({ outputTokens, maxTokens }: Exchange): FinishReason {
  return outputTokens >= maxTokens ? 'length' : 'stop'
}
