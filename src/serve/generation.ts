import type { ServerResponse } from 'node:http'
import type { Ask } from './ask.ts'
import type { Engine, Piece } from './engine.ts'
import { errorBody, sendJson, sendRefusal } from './http-messages.ts'

/** An answer under way and what it came to so far. */
export interface Exchange extends Ask {
  readonly engine: Engine
  readonly response: ServerResponse
  readonly pieces: AsyncIterable<Piece>
  readonly createdS: number
  outputTokens: number
}

type FinishReason = 'length' | 'stop'

/** Sends the answer as it is made; what it ended with, or undefined when it did not end properly. */
export async function streamAnswer(exchange: Exchange): Promise<FinishReason | undefined> {
  const { api, body, response } = exchange
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  if (api.opening) sendChoice(exchange, api.opening, null)
  try {
    for await (const { text, tokens } of exchange.pieces) {
      exchange.outputTokens += tokens
      sendChoice(exchange, api.piece(text), null)
    }
  } catch (error) {
    sendEvent(response, errorBody({ status: 500, message: String(error) }))
    response.end('data: [DONE]\n\n')
    return undefined
  }
  if (response.destroyed || response.writableEnded) return undefined
  const reason = finishReason(exchange)
  sendChoice(exchange, api.closing, reason)
  if (body.stream_options?.include_usage) sendUsage(exchange)
  response.end('data: [DONE]\n\n')
  return reason
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
  sendJson(response, {
    ...envelope(exchange, api.objectName.whole),
    choices: [choice(api.whole(texts.join('')), reason)],
    usage: usageOf(exchange),
  })
  return reason
}

function sendChoice(exchange: Exchange, content: object, reason: FinishReason | null): void {
  const { api, body, response } = exchange
  sendEvent(response, {
    ...envelope(exchange, api.objectName.chunk),
    choices: [choice(content, reason)],
    ...(body.stream_options?.continuous_usage_stats ? { usage: usageOf(exchange) } : {}),
  })
}

function sendUsage(exchange: Exchange): void {
  const event = envelope(exchange, exchange.api.objectName.chunk)
  sendEvent(exchange.response, { ...event, choices: [], usage: usageOf(exchange) })
}

function sendEvent(response: ServerResponse, event: object): void {
  if (!response.destroyed && !response.writableEnded) {
    response.write(`data: ${JSON.stringify(event)}\n\n`)
  }
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
