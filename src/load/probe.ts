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
 *
 * @throws UserError when the server does not answer as it should
 */
export async function probeTarget(
  send: Sender['send'],
  template: Omit<RequestTemplate, keyof Fields>,
  options: {
    readonly inputTokens: number
    readonly random: Random
    /** Words whose tokens are known, and whose; without it words are calibrated. */
    readonly counted?: CountedWords
  },
): Promise<ProbeResult> {
  const { counted } = options
  const ask = (wordCount: number, fields: Fields): Promise<RequestRecord> => {
    const prompt = counted
      ? textOf(wordCount, counted.wordbook, options.random)
      : makePrompt(options.random, wordCount)
    const bytes = requestBytes(
      { ...template, ...fields },
      { id: 'probe', prompt, outputTokens: PROBE_OUTPUT_TOKENS },
    )
    return new Promise((resolve) =>
      send({ ...probeRequest, bytes }, (ended) => resolve(toRecord(ended))),
    )
  }
  let fields: Fields = { forceLength: template.api.canForceLength }
  let short = await ask(SHORT_WORDS, fields)
  for (let less = fieldsAfter(fields, short); less; less = fieldsAfter(fields, short)) {
    fields = less
    short = await ask(SHORT_WORDS, fields)
  }
  const shortProbe = measured(short, SHORT_WORDS, template)
  const longWords = Math.max(2 * SHORT_WORDS, options.inputTokens)
  const longProbe = measured(await ask(longWords, fields), longWords, template)
  const prompts = counted
    ? calibrationOf(counted, fitOverhead(shortProbe, longProbe))
    : fitCalibration(shortProbe, longProbe)
  return { prompts, ...fields }
}

/** Words whose tokens a tokenizer counted. */
export interface CountedWords {
  readonly wordbook: Wordbook
  /** Of the tokenizer's file. */
  readonly sha256: string
}

function textOf(tokens: number, wordbook: Wordbook, random: Random): string {
  const writer = createWriter(wordbook)
  return joinWords([writer.draw(random, costOf(tokens, wordbook))], writer).text
}

function calibrationOf(
  { wordbook: { costs }, sha256 }: CountedWords,
  overheadTokens: number,
): PromptCalibration {
  const tokensPerWord = costs.reduce((sum, cost) => sum + cost, 0) / costs.length
  return { kind: 'tokenizer', sha256, words: costs.length, tokensPerWord, overheadTokens }
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
  { httpStatus, outcome }: RequestRecord,
): Fields | undefined {
  if (httpStatus !== 400 && httpStatus !== 422) return undefined
  const detail = outcome.kind === 'failed' ? outcome.detail : ''
  if (maxTokensField === undefined && /\bmax_tokens\b.*\bmax_completion_tokens\b/s.test(detail))
    return { forceLength, maxTokensField: 'max_completion_tokens' }
  return forceLength ? { forceLength: false, maxTokensField } : undefined
}

function measured(
  record: RequestRecord,
  words: number,
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
