import type { IncomingMessage, ServerResponse } from 'node:http'
import { BYTES_PER_MIB } from '../units.ts'

/** What is wrong with a request, in OpenAI's words. */
export interface Refusal {
  readonly status: number
  readonly message: string
  readonly code?: string
  /** When to come again, for the `retry-after` header. */
  readonly retryAfterS?: number
}

export const MAX_BODY_BYTES = 8 * BYTES_PER_MIB

/** The body as text; undefined when it is too large. It is read to its end all the same. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes <= MAX_BODY_BYTES) parts.push(part)
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(parts).toString() : undefined
}

export function sendText(response: ServerResponse, contentType: string, text: string): void {
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

export function sendJson(response: ServerResponse, value: unknown): void {
  sendText(response, 'application/json', JSON.stringify(value))
}

export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  const text = JSON.stringify(errorBody(refusal))
  if (refusal.retryAfterS !== undefined) response.setHeader('retry-after', refusal.retryAfterS)
  response.writeHead(refusal.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** An error as OpenAI words it, in a body or in a stream. */
export function errorBody({ status, message, code }: Refusal): object {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message, type, param: null, code: code ?? null } }
}
