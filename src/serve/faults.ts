import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Piece } from './engine.ts'
import { errorBody, sendRefusal, sendText } from './http-messages.ts'

/** Something the server does wrong on purpose. */
export type Fault = {
  /**
   * Numbers of the requests for generation it happens to, the first being 1, in the order they
   * came; all of them when absent. A request suffers the first fault that names it.
   */
  readonly requests?: readonly number[]
} & (
  | { readonly kind: 'http-status'; readonly status: number; readonly retryAfterS?: number }
  | { readonly kind: 'wrong-content-type' }
  | { readonly kind: 'malformed-http' }
  | { readonly kind: 'never-answer' }
  | { readonly kind: 'empty-output' }
  | StreamFault
)

/**
 * Faults in the middle of a stream, after that many pieces of output or at the end of a shorter
 * answer. Answers that are not streamed do not have them.
 * - `cut`: the connection is closed, `reset`: it is reset; either way the answer is left unfinished
 * - `no-end-mark`: the answer ends properly by HTTP, but without finish reason and `[DONE]`
 * - `stall`: silence until the client leaves
 * - `error-event`: the server reports an error in the stream, and ends it
 * - `malformed-event`: one event is not JSON; the stream goes on
 */
interface StreamFault {
  readonly kind: 'cut' | 'reset' | 'no-end-mark' | 'stall' | 'error-event' | 'malformed-event'
  readonly afterChunks: number
}

const requests = z.array(z.int().positive()).optional()
const kind = <K extends string>(name: K) => ({ kind: z.literal(name), requests })
const inStream = <K extends StreamFault['kind']>(name: K) =>
  z.strictObject({ ...kind(name), afterChunks: z.int().nonnegative() })

/** A script of faults, as a file holds it. */
export const faultsSchema = z.array(
  z.discriminatedUnion('kind', [
    z.strictObject({
      ...kind('http-status'),
      status: z.int().min(400).max(599),
      retryAfterS: z.int().nonnegative().optional(),
    }),
    z.strictObject(kind('wrong-content-type')),
    z.strictObject(kind('malformed-http')),
    z.strictObject(kind('never-answer')),
    z.strictObject(kind('empty-output')),
    inStream('cut'),
    inStream('reset'),
    inStream('no-end-mark'),
    inStream('stall'),
    inStream('error-event'),
    inStream('malformed-event'),
  ]),
) satisfies z.ZodType<readonly Fault[]>

/** The fault scripted for that request. */
export function faultOf(faults: readonly Fault[], requestNumber: number): Fault | undefined {
  return faults.find(({ requests }) => !requests || requests.includes(requestNumber))
}

/** Answers in place of the engine where the fault is of that kind; whether it did. */
export function answerFalsely(fault: Fault, response: ServerResponse): boolean {
  switch (fault.kind) {
    case 'http-status': {
      const { status, retryAfterS } = fault
      sendRefusal(response, { status, message: 'scripted fault', retryAfterS })
      return true
    }
    case 'wrong-content-type':
      sendText(response, 'text/html', '<!doctype html><title>Not an answer</title>')
      return true
    case 'malformed-http':
      response.socket?.end('HTTP/1.1 two hundred\r\n\r\n')
      return true
    case 'never-answer':
      return true
    default:
      return false
  }
}

/** The pieces of an answer, spoiled as the fault has it. `response` is the stream they go to. */
export async function* spoil(
  fault: Fault,
  pieces: AsyncIterable<Piece>,
  response: ServerResponse,
): AsyncGenerator<Piece, void> {
  if (fault.kind === 'empty-output') return
  if (!('afterChunks' in fault)) return yield* pieces
  let chunks = 0
  for await (const piece of pieces) {
    if (chunks === fault.afterChunks && (await strike(fault, response))) return
    chunks += 1
    yield piece
  }
  if (chunks <= fault.afterChunks) await strike(fault, response)
}

/** Whether the stream is over. */
async function strike(fault: StreamFault, response: ServerResponse): Promise<boolean> {
  // What was written in this turn of the event loop leaves before the connection does.
  await new Promise(setImmediate)
  if (response.destroyed) return true
  switch (fault.kind) {
    case 'cut':
      response.destroy()
      return true
    case 'reset':
      response.socket?.resetAndDestroy()
      response.destroy()
      return true
    case 'no-end-mark':
      response.end()
      return true
    case 'stall':
      await new Promise((resolve) => response.once('close', resolve))
      return true
    case 'error-event': {
      const body = errorBody({ status: 500, message: 'scripted fault' })
      response.end(`data: ${JSON.stringify(body)}\n\ndata: [DONE]\n\n`)
      return true
    }
    case 'malformed-event':
      response.write('data: {"choices":[{"index":0,\n\n')
      return false
  }
}
