import { US_PER_MS } from '../../units.ts'
import type { ServerTimings, Usage } from '../record.ts'

/** Anything a JSON object may hold: servers send what they like, so every field is looked at before it is believed. */
export type Fields<T> = { readonly [K in keyof T]?: unknown }

/**
 * The object that an event is.
 *
 * @throws SyntaxError when it is not JSON, or no object
 */
export function parseObject<T extends object>(data: string): T {
  const event: unknown = JSON.parse(data)
  if (typeof event !== 'object' || event === null)
    throw new SyntaxError('the event is not an object')
  return event as T
}

/** What is no count, such as text or a negative number, is not taken for one. */
export function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined
}

/** Usage from what a server sent. A part that is more than its whole contradicts it, and is left out. */
export function usageOf(sent: Fields<Usage>): Usage {
  const inputTokens = countOf(sent.inputTokens)
  const outputTokens = countOf(sent.outputTokens)
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: partOf(countOf(sent.cachedInputTokens), inputTokens),
    reasoningTokens: partOf(countOf(sent.reasoningTokens), outputTokens),
  }
}

function partOf(part: number | undefined, whole: number | undefined): number | undefined {
  return part !== undefined && part > (whole ?? part) ? undefined : part
}

/** Usage after an event told more of it: what it does not tell stays. */
export function addUsage(before: Usage | undefined, told: Usage): Usage {
  if (before === undefined) return told
  return {
    inputTokens: told.inputTokens ?? before.inputTokens,
    outputTokens: told.outputTokens ?? before.outputTokens,
    cachedInputTokens: told.cachedInputTokens ?? before.cachedInputTokens,
    reasoningTokens: told.reasoningTokens ?? before.reasoningTokens,
  }
}

/** Longer than any request may take, by far. */
const MAX_MS = 1e9

/** A server's duration in ms, to the microsecond as everything in a record is; nothing for what is none. */
export function durationMs(value: unknown, unitsPerMs: number): number | undefined {
  if (typeof value !== 'number' || !(value >= 0)) return undefined
  const ms = Math.round((value / unitsPerMs) * US_PER_MS) / US_PER_MS
  return ms <= MAX_MS ? ms : undefined
}

/** Timings if the server told any. */
export function someTimings(timings: ServerTimings): ServerTimings | undefined {
  return Object.values(timings).some((value) => value !== undefined) ? timings : undefined
}

/** An error as servers send it: a text, or an object with a message. */
export function errorText(error: unknown): string {
  if (typeof error === 'string') return error
  const message = (error as { message?: unknown }).message
  return typeof message === 'string' ? message : JSON.stringify(error)
}

/** A finish reason is a text in a record, whatever it is on the wire; nothing stays nothing. */
export function reasonOf(reason: unknown): string | undefined {
  return reason ? String(reason) : undefined
}
