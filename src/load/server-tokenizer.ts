import { messageOf, UserError } from '../errors.ts'
import { BYTES_PER_MIB, MS_PER_S } from '../units.ts'
import { type Access, openPoster, type Patience, type Poster } from './get.ts'
import type { CountedWords } from './probe.ts'
import type { TargetIdentity } from './run-log.ts'
import { serverKindOf } from './servers/kinds.ts'
import type { Tokenizer } from './servers/server-kind.ts'
import { words } from './words.ts'
import { type CountTokens, type VetLimits, vetWords } from './workloads/vet-words.ts'

/** For all counts together; then the run begins without them. */
const PATIENCE_MS = 20 * MS_PER_S
/** For one count. Some servers answer with an object a token. */
const PATIENCE: Patience = { timeoutMs: 5 * MS_PER_S, maxBytes: 4 * BYTES_PER_MIB }
/** It may be one process that tokenizes, and others may use the server. */
const CONNECTIONS = 4
/** Each pair of words is a request: some 4,400 in all. */
const limits: VetLimits = { candidates: 112, words: 64 }

/**
 * Has the server itself count words, where its kind is known to have an endpoint for it: a few
 * thousand small POSTs, none of which reaches the model. Where that fails, the run can do without.
 *
 * @param lengths in tokens, of texts that are counted whole
 * @returns the words, or the reason why there are none; neither where no such endpoint is known
 * @throws what `signal` was aborted for
 */
export async function countByServer(
  url: URL,
  { model, server }: Pick<TargetIdentity, 'model' | 'server'>,
  access: Access,
  lengths: readonly number[],
  signal: AbortSignal,
): Promise<{ readonly counted: CountedWords } | { readonly notCounted?: string }> {
  const tokenizer = server && serverKindOf(server.kind).tokenize
  if (!tokenizer) return {}
  const { path } = tokenizer
  const deadline = AbortSignal.timeout(PATIENCE_MS)
  const failed = new AbortController()
  const poster = await openPoster(url, access, {
    ...PATIENCE,
    signal: AbortSignal.any([signal, deadline, failed.signal]),
    connections: CONNECTIONS,
  })
  try {
    const count = await wordsAlone((text) => countTokens(poster, tokenizer, { model, text }))
    const wordbook = await vetWords(words, count, lengths, limits)
    if ('reason' in wordbook) return { notCounted: `POST ${path}: ${wordbook.reason}` }
    return { counted: { wordbook, by: { kind: 'server-tokenizer', path } } }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof UserError || error instanceof NoCount)) throw error
    const why = deadline.aborted
      ? `over ${PATIENCE_MS / MS_PER_S} s for all words`
      : messageOf(error.cause ?? error)
    return { notCounted: `POST ${path}: ${why}` }
  } finally {
    // What still waits for its turn is not sent any more.
    failed.abort()
    poster.close()
  }
}

/** An answer that tells no count. */
class NoCount extends Error {}

async function countTokens(
  { post }: Poster,
  { path, body, count }: Tokenizer,
  ask: Parameters<Tokenizer['body']>[0],
): Promise<number> {
  const answer = await post(path, body(ask))
  if (answer.status !== 200) throw new NoCount(`HTTP ${answer.status}`)
  const tokens = count(parsed(answer.body))
  if (tokens === undefined) throw new NoCount('an answer without a count')
  return tokens
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Counts without the special tokens that a server puts around each text, which belong to the
 * template: those of the empty text. A server that refuses that is taken to have none; then every
 * text counts with them, and lengths are as exact.
 */
async function wordsAlone(count: (text: string) => Promise<number>): Promise<CountTokens> {
  // An endpoint that is missing fails here.
  await count('a word')
  const special = await count('').catch((error: unknown) => {
    if (error instanceof NoCount) return 0
    throw error
  })
  return async (text) => (await count(text)) - special
}
