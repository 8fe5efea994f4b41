import { difference, type Maybe, sum } from '../../arithmetic.ts'
import type { RequestRecord } from '../../load/record.ts'

/** The server's own count of the answer; a server that counts 0 and sends output has not counted. */
export function usageTokens({ usage }: RequestRecord): Maybe {
  return usage?.outputTokens || undefined
}

/** Chunks from the first visible one on, and what is known of their tokens. */
export interface VisibleOutput {
  readonly chunkMs: readonly number[]
  /** By the server; unknown where it tells neither each chunk nor its reasoning. */
  readonly tokens: Maybe
  /** Of each chunk. A chunk of text is a token at least, so as many tokens as chunks is one each. */
  readonly chunkTokens?: readonly number[]
}

/**
 * What a client sees that does not look at reasoning. Reasoning that comes after the first visible
 * chunk cannot be told from text. An answer with reasoning and nothing visible cannot be told from
 * one without, unless usage says that all of it was reasoning.
 */
export function visibleOutput(record: RequestRecord): VisibleOutput {
  const { chunkMs, chunkTokens, firstVisibleMs, usage } = record
  if (usage?.outputTokens !== undefined && usage.reasoningTokens === usage.outputTokens)
    return { chunkMs: [], tokens: 0 }
  const first = firstVisibleMs === undefined ? 0 : chunkMs.indexOf(firstVisibleMs)
  const visible = chunkMs.slice(first)
  // Where one read brought the last reasoning and the first text, nobody knows which chunk is which.
  const isClear = firstVisibleMs === undefined || chunkMs.lastIndexOf(firstVisibleMs) === first
  const told = isClear ? chunkTokens?.slice(first) : undefined
  const reasoning =
    firstVisibleMs === undefined ? (usage?.reasoningTokens ?? 0) : usage?.reasoningTokens
  const tokens = told ? sum(told) : difference(usageTokens(record), reasoning)
  const each = told ?? (isClear && tokens === visible.length ? visible.map(() => 1) : undefined)
  return { chunkMs: visible, tokens, chunkTokens: each }
}
