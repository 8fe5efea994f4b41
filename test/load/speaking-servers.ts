import type { ApiName } from '../../src/load/api-names.ts'
import type { ServerKindName } from '../../src/load/server-identity.ts'
import type { Json, Replay, Reply } from './replay-server.ts'
import {
  llamaReplay,
  lmStudioReplay,
  nimReplay,
  ollamaReplay,
  sglangReplay,
  tgiReplay,
  tritonReplay,
  trtllmReplay,
  vllmReplay,
} from './replays.ts'

/** Tokens that the chat template puts around a prompt. */
export const TEMPLATE_TOKENS = 9
/** The mark that a text begins with, which a template holds already. */
export const BEGIN_TOKENS = 1

/**
 * A tokenizer that merges across spaces: a word that ends in d takes the space behind it and the word
 * after that. "cold day" is one token, "day cold" two.
 */
export function mergingTokens(text: string): number {
  return text === '' ? 0 : text.replaceAll(/d (\w)/g, 'd$1').split(' ').length
}

const wordTokens = (text: string): number => text.split(' ').length

/** An API as a server speaks it: where, and what it makes of a request. */
interface Speech {
  readonly path: string
  readonly ask: (body: Json) => { readonly prompt: string; readonly outputTokens: number }
  /** Around the prompt. */
  readonly extraTokens: number
  readonly contentType: string
  /** What it sends for a prompt and an answer of so many tokens. */
  readonly events: (input: number, output: number) => string[]
}

const data = (event: object | string): string =>
  `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`
const line = (event: object): string => `${JSON.stringify(event)}\n`
const each = <T>(count: number, make: (number: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i + 1))
const object = (value: unknown): Json => value as Json
const text = (value: unknown): string => value as string
const number = (value: unknown): number => value as number
const question = (body: Json): string =>
  text((body.messages as readonly { readonly content: string }[])[0]?.content)

const chunkOf = (delta: object, reason: string | null = null): string =>
  data({ object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] })

const openAiChat: Speech = {
  path: '/v1/chat/completions',
  ask: (body) => ({ prompt: question(body), outputTokens: number(body.max_tokens) }),
  extraTokens: TEMPLATE_TOKENS,
  contentType: 'text/event-stream; charset=utf-8',
  events: (input, output) => [
    chunkOf({ role: 'assistant', content: '' }),
    ...each(output, () => chunkOf({ content: ' w' })),
    chunkOf({}, 'length'),
    data({
      choices: [],
      usage: {
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input + output,
      },
    }),
    data('[DONE]'),
  ],
}

const ollamaChat: Speech = {
  path: '/api/chat',
  ask: (body) => ({
    prompt: question(body),
    outputTokens: number(object(body.options).num_predict),
  }),
  extraTokens: TEMPLATE_TOKENS,
  contentType: 'application/x-ndjson',
  events: (input, output) => [
    ...each(output, () => line({ message: { role: 'assistant', content: ' w' }, done: false })),
    line({
      message: { role: 'assistant', content: '' },
      done: true,
      done_reason: 'length',
      prompt_eval_count: input,
      eval_count: output,
    }),
  ],
}

const llamaCppCompletion: Speech = {
  path: '/completion',
  ask: ({ prompt, n_predict }) => ({ prompt: text(prompt), outputTokens: number(n_predict) }),
  extraTokens: BEGIN_TOKENS,
  contentType: 'text/event-stream',
  events: (input, output) => [
    ...each(output, (predicted) =>
      data({
        content: ' w',
        stop: false,
        tokens_predicted: predicted,
        tokens_evaluated: input,
      }),
    ),
    data({
      content: '',
      stop: true,
      stop_type: 'limit',
      tokens_predicted: output,
      tokens_evaluated: input,
    }),
  ],
}

const sglangGenerate: Speech = {
  path: '/generate',
  ask: (body) => ({
    prompt: text(body.text),
    outputTokens: number(object(body.sampling_params).max_new_tokens),
  }),
  extraTokens: BEGIN_TOKENS,
  contentType: 'text/event-stream; charset=utf-8',
  events: (input, output) => [
    ...each(output, (completed) =>
      data({
        text: ' w'.repeat(completed),
        meta_info: {
          prompt_tokens: input,
          completion_tokens: completed,
          cached_tokens: 0,
          finish_reason: completed < output ? null : { type: 'length', length: output },
        },
      }),
    ),
    data('[DONE]'),
  ],
}

const tgiGenerate: Speech = {
  path: '/generate_stream',
  ask: (body) => ({
    prompt: text(body.inputs),
    outputTokens: number(object(body.parameters).max_new_tokens),
  }),
  extraTokens: BEGIN_TOKENS,
  contentType: 'text/event-stream',
  events: (input, output) =>
    each(output, (index) =>
      data({
        index,
        token: { id: index, text: ' w', special: false },
        generated_text: index < output ? null : ' w'.repeat(output),
        details:
          index < output
            ? null
            : { finish_reason: 'length', generated_tokens: output, input_length: input },
      }),
    ),
}

const tritonGenerate: Speech = {
  path: '/v2/models/ensemble/generate_stream',
  ask: ({ text_input, max_tokens }) => ({
    prompt: text(text_input),
    outputTokens: number(max_tokens),
  }),
  extraTokens: 0,
  contentType: 'text/event-stream; charset=utf-8',
  events: (_, output) => each(output, () => data({ model_name: 'm', text_output: ' w' })),
}

/** A server that can be identified and driven. */
export interface SpeakingServer {
  readonly kind: ServerKindName
  /** Its pages, its tokenizer and its APIs. */
  readonly replay: Replay
  /** Where its list of models is missing. */
  readonly model?: string
  readonly apis: readonly ApiName[]
  /** What its tokenizer is asked at, where it has one. */
  readonly tokenizePath?: string
}

type Tokenize = readonly [path: string, reply: (body: Json) => unknown]

/** Ids of that many tokens, the begin mark with them. */
const ids = (prompt: unknown): number[] =>
  each(BEGIN_TOKENS + mergingTokens(text(prompt)), (id) => id)

const tokenizePrompt: Tokenize = [
  '/tokenize',
  ({ prompt }) => ({ count: ids(prompt).length, max_model_len: 9, tokens: ids(prompt) }),
]

function speaking(
  kind: ServerKindName,
  replay: Replay,
  native: { readonly [api in ApiName]?: Speech },
  tokenize?: Tokenize,
  model?: string,
): SpeakingServer {
  const speeches = { 'openai-chat': openAiChat, ...native }
  const tokens = tokenize ? mergingTokens : wordTokens
  const replies: Record<string, (body: Json) => Reply> = {}
  for (const { path, ask, extraTokens, contentType, events } of Object.values(speeches)) {
    replies[path] = (body) => {
      const { prompt, outputTokens } = ask(body)
      return { contentType, events: events(tokens(prompt) + extraTokens, outputTokens) }
    }
  }
  if (tokenize) {
    const [path, reply] = tokenize
    replies[path] = (body) => ({ body: reply(body) })
  }
  return {
    kind,
    replay: { ...replay, replies },
    model,
    apis: Object.keys(speeches) as ApiName[],
    tokenizePath: tokenize?.[0],
  }
}

/** One of each kind. Those that have no endpoint to count tokens have one token a word. */
export const speakingServers: readonly SpeakingServer[] = [
  speaking('vllm', vllmReplay, {}, tokenizePrompt),
  speaking('sglang', sglangReplay, { 'sglang-generate': sglangGenerate }, tokenizePrompt),
  speaking('llama.cpp', llamaReplay, { 'llama-cpp-completion': llamaCppCompletion }, [
    '/tokenize',
    ({ content }) => ({ tokens: ids(content) }),
  ]),
  speaking('tgi', tgiReplay, { 'tgi-generate': tgiGenerate }, [
    '/tokenize',
    ({ inputs }) => ids(inputs).map((id) => ({ id, text: 'w', start: 0, stop: 1 })),
  ]),
  speaking('tensorrt-llm', trtllmReplay, {}, [
    '/_internal/tokenize',
    ({ prompt }) => ({ tokens: ids(prompt) }),
  ]),
  speaking('triton', tritonReplay, { 'triton-generate': tritonGenerate }, undefined, 'ensemble'),
  speaking('nim', nimReplay, {}, tokenizePrompt),
  speaking('lm-studio', lmStudioReplay, {}),
  speaking('ollama', ollamaReplay, { 'ollama-chat': ollamaChat }),
]
