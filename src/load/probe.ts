import { exitCodes, UserError } from '../errors.ts'
import type { Random } from '../random.ts'
import { type PlannedRequest, toRecord } from './ended-request.ts'
import { describeOrigin } from './http/socket-url.ts'
import { fitCalibration, fitOverhead, makePrompt, type PromptProbe } from './prompts.ts'
import type { Outcome, RequestRecord } from './record.ts'
import { type RequestTemplate, requestBytes } from './request-source.ts'
import type { PromptCalibration } from './run-log.ts'
import type { Sender } from './send.ts'
import { type Ask, pathOf } from './servers/server.ts'
import { costOf, createWriter, joinWords, type Wordbook } from './workloads/wordbook.ts'

/** What a few requests before the run taught about the server. */
export interface ProbeResult {
  readonly prompts: PromptCalibration
  /** Words to make prompts of, where their tokens were counted and the server agrees. */
  readonly wordbook?: Wordbook
  /** Whether the server takes the fields that force an answer's length. */
  readonly forceLength: boolean
  /** Where it takes that field instead of `max_tokens`. */
  readonly maxTokensField?: Ask['maxTokensField']
}

const SHORT_WORDS = 32
const PROBE_OUTPUT_TOKENS = 2

/**
 * Asks a short and a long question, not measured: does the server answer at all, does it take the
 * fields that force the answer's length and the one that caps it, and how many tokens is a word to it?
 * Where its tokenizer endpoint and its usage differ, usage is believed, and it is asked again.
 *
 * @throws UserError when the server does not answer as it should, or the tokenizer is another's
 */
export async function probeTarget(
  send: Sender['send'],
  template: Omit<RequestTemplate, keyof Fields>,
  options: {
    readonly inputTokens: number
    readonly random: Random
    /** Words whose tokens are known, and by what; without it words are calibrated. */
    readonly counted?: CountedWords
    /** Why the server's tokenizer did not count them, where it was asked to. */
    readonly notCounted?: string
  },
): Promise<ProbeResult> {
  const { counted, notCounted } = options
  const ask = (wordCount: number, fields: Fields): Promise<Asked> => {
    const { text, tokens: words } = counted
      ? drawText(wordCount, counted.wordbook, options.random)
      : { text: makePrompt(options.random, wordCount), tokens: wordCount }
    const bytes = requestBytes(
      { ...template, ...fields },
      { id: 'probe', prompt: text, outputTokens: PROBE_OUTPUT_TOKENS },
    )
    return new Promise((resolve) =>
      send({ ...probeRequest, bytes }, (ended) => resolve({ words, record: toRecord(ended) })),
    )
  }
  let fields: Fields = { forceLength: template.api.canForceLength }
  let short = await ask(SHORT_WORDS, fields)
  for (let less = fieldsAfter(fields, short); less; less = fieldsAfter(fields, short)) {
    fields = less
    short = await ask(SHORT_WORDS, fields)
  }
  const shortProbe = measured(short, template)
  const longWords = Math.max(2 * SHORT_WORDS, options.inputTokens)
  const longProbe = measured(await ask(longWords, fields), template)
  if (!counted)
    return { prompts: { ...fitCalibration(shortProbe, longProbe), notCounted }, ...fields }
  const overheadTokens = fitOverhead(shortProbe, longProbe)
  if (overheadTokens !== undefined)
    return {
      prompts: calibrationOf(counted, overheadTokens),
      wordbook: counted.wordbook,
      ...fields,
    }
  const { by } = counted
  const differ = `prompts of ${shortProbe.words} and ${longProbe.words} tokens by it are ${shortProbe.inputTokens} and ${longProbe.inputTokens} to the server`
  switch (by.kind) {
    case 'tokenizer':
      throw new UserError(`The tokenizer is not the server's: ${differ}.`, {
        remedy: 'Give the tokenizer.json of the model served, or leave --tokenizer out.',
      })
    case 'server-tokenizer':
      return probeTarget(send, template, {
        ...options,
        counted: undefined,
        notCounted: `POST ${by.path}: ${differ}`,
      })
  }
}

/** Words whose tokens were counted. */
export interface CountedWords {
  readonly wordbook: Wordbook
  readonly by: WordCounter
}

/** What counted them: the user's tokenizer file, or the server's endpoint. */
type WordCounter =
  | { readonly kind: 'tokenizer'; readonly sha256: string }
  | { readonly kind: 'server-tokenizer'; readonly path: string }

function drawText(tokens: number, wordbook: Wordbook, random: Random) {
  const writer = createWriter(wordbook)
  return joinWords([writer.draw(random, costOf(tokens, wordbook))], writer)
}

function calibrationOf(
  { wordbook: { costs }, by }: CountedWords,
  overheadTokens: number,
): PromptCalibration {
  const tokensPerWord = costs.reduce((sum, cost) => sum + cost, 0) / costs.length
  return { ...by, words: costs.length, tokensPerWord, overheadTokens }
}

/** A request that ended, and how long its prompt was by our count. */
interface Asked {
  readonly words: number
  readonly record: RequestRecord
}

const probeRequest: Omit<PlannedRequest, 'bytes'> = {
  id: -1,
  level: -1,
  phase: 'warm-up',
  requestedInputTokens: SHORT_WORDS,
  requestedOutputTokens: PROBE_OUTPUT_TOKENS,
}

/** What is found out by how the server refuses. */
type Fields = Pick<ProbeResult, 'forceLength' | 'maxTokensField'>

/**
 * The fields to try after the server refused these; nothing when there is no more to change. A server
 * that does not know a field says so with 400 or 422, and OpenAI's names the one to use.
 */
function fieldsAfter(
  { forceLength, maxTokensField }: Fields,
  { record: { httpStatus, outcome } }: Asked,
): Fields | undefined {
  if (httpStatus !== 400 && httpStatus !== 422) return undefined
  const detail = outcome.kind === 'failed' ? outcome.detail : ''
  if (maxTokensField === undefined && /\bmax_tokens\b.*\bmax_completion_tokens\b/s.test(detail))
    return { forceLength, maxTokensField: 'max_completion_tokens' }
  return forceLength ? { forceLength: false, maxTokensField } : undefined
}

function measured(
  { record, words }: Asked,
  { url, api, model }: Pick<RequestTemplate, 'url' | 'api' | 'model'>,
): PromptProbe {
  if (record.outcome.kind !== 'completed') {
    throw new UserError(
      `${describeOrigin(new URL(url))}${pathOf(api, model)} did not answer a test request: ${describeOutcome(record.outcome)}.`,
      {
        remedy: 'Check that the server serves this API and model, or name another with --api.',
        exitCode: exitCodes.setup,
      },
    )
  }
  return { words, inputTokens: record.usage?.inputTokens }
}

/** An outcome in words. */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'completed':
      return 'completed'
    case 'failed':
      return `${outcome.failure} (${outcome.detail})`
    case 'timed-out':
      return `timed out waiting for ${outcome.timer === 'first-token' ? 'the first token' : `the ${outcome.timer} timer`}`
    case 'cancelled':
      return 'cancelled'
    case 'abandoned':
      return 'given up on purpose'
  }
}
