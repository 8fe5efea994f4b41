import type { ApiName } from '../../../src/load/api-names.ts'
import type { RequestRecord } from '../../../src/load/record.ts'

/**
 * One answer as a server sends it, and what it comes to. Bodies are ours, in the format of each
 * server's documentation and source: the order of fields, what is null and what is left out.
 */
export interface ApiStream {
  readonly api: ApiName
  /** Which server, or what is special. */
  readonly what: string
  /** The body, with LF. */
  readonly text: string
  readonly contentType: string
  readonly told: Told
}

export interface Told
  extends Pick<RequestRecord, 'usage' | 'serverTimings' | 'finishReason' | 'chunkTokens'> {
  readonly chunks: number
  /** Whether reasoning came before the first visible text. */
  readonly reasoningFirst?: true
}

const sse = 'text/event-stream'
const data = (...events: readonly (object | string)[]): string =>
  events.map((event) => `data: ${text(event)}\n\n`).join('')
const named = (...events: readonly { readonly type: string }[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${text(event)}\n\n`).join('')
const lines = (...events: readonly object[]): string =>
  events.map((event) => `${text(event)}\n`).join('')
const text = (event: object | string): string =>
  typeof event === 'string' ? event : JSON.stringify(event)

const chat = (delta: object, reason: string | null = null, more: object = {}): object => ({
  id: 'chatcmpl-9',
  object: 'chat.completion.chunk',
  created: 1_750_000_000,
  model: 'm',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
  ...more,
})

const vllmChat: ApiStream = {
  api: 'openai-chat',
  what: 'vLLM with a reasoning parser',
  contentType: `${sse}; charset=utf-8`,
  text: data(
    chat({ role: 'assistant', content: '', reasoning_content: null }),
    chat({ reasoning_content: 'Hm: "ü"' }),
    chat({ content: 'Sky ' }),
    chat({ content: '漢😀' }),
    chat({ content: '.' }, 'stop', { stop_reason: null }),
    {
      ...chat({}),
      choices: [],
      usage: {
        prompt_tokens: 12,
        total_tokens: 17,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 4 },
      },
    },
    '[DONE]',
  ),
  told: {
    chunks: 4,
    reasoningFirst: true,
    finishReason: 'stop',
    usage: { inputTokens: 12, outputTokens: 5, cachedInputTokens: 4 },
  },
}

const llamaCppTimings = {
  cache_n: 3,
  prompt_n: 9,
  prompt_ms: 41.812,
  prompt_per_token_ms: 4.645777777777778,
  prompt_per_second: 215.24921075289393,
  predicted_n: 3,
  predicted_ms: 60.005,
  predicted_per_token_ms: 20.001666666666665,
  predicted_per_second: 49.99583368052662,
}
const llamaCppTold = {
  promptMs: 41.812,
  decodeMs: 60.005,
  inputTokens: 9,
  outputTokens: 3,
  cachedInputTokens: 3,
}

const llamaCppChat: ApiStream = {
  api: 'openai-chat',
  what: 'llama.cpp, timings beside the usage',
  contentType: sse,
  text: data(
    chat({ role: 'assistant', content: null }),
    chat({ content: 'a' }),
    chat({ content: ' b' }),
    chat({ content: ' c' }),
    chat({}, 'length'),
    {
      ...chat({}),
      choices: [],
      usage: { completion_tokens: 3, prompt_tokens: 12, total_tokens: 15 },
      timings: llamaCppTimings,
    },
    '[DONE]',
  ),
  told: {
    chunks: 3,
    finishReason: 'length',
    usage: { inputTokens: 12, outputTokens: 3 },
    serverTimings: llamaCppTold,
  },
}

const counting = (completionTokens: number): object => ({
  usage: {
    prompt_tokens: 7,
    total_tokens: 7 + completionTokens,
    completion_tokens: completionTokens,
  },
})

const continuousUsage: ApiStream = {
  api: 'openai-chat',
  what: 'usage in every event, several tokens in one',
  contentType: sse,
  text: data(
    chat({ role: 'assistant', content: '' }, null, counting(0)),
    chat({ content: 'one' }, null, counting(1)),
    chat({ content: ' two three four' }, null, counting(4)),
    chat({ content: ' five' }, null, counting(5)),
    chat({}, 'length', counting(5)),
    '[DONE]',
  ),
  told: {
    chunks: 3,
    chunkTokens: [1, 3, 1],
    finishReason: 'length',
    usage: { inputTokens: 7, outputTokens: 5 },
  },
}

const piece = (content: string, reason: string | null = null): object => ({
  id: 'cmpl-1',
  object: 'text_completion',
  created: 1_750_000_000,
  model: 'm',
  choices: [{ index: 0, text: content, logprobs: null, finish_reason: reason, stop_reason: null }],
})

const completions: ApiStream = {
  api: 'openai-completions',
  what: 'vLLM',
  contentType: sse,
  text: data(
    piece(' a'),
    piece('\n'),
    piece(' ü', 'length'),
    {
      ...piece(''),
      choices: [],
      usage: { prompt_tokens: 5, total_tokens: 8, completion_tokens: 3 },
    },
    '[DONE]',
  ),
  told: { chunks: 3, finishReason: 'length', usage: { inputTokens: 5, outputTokens: 3 } },
}

const response = (status: string, more: object = {}): object => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_750_000_000,
  status,
  error: null,
  incomplete_details: null,
  model: 'm',
  output: [],
  usage: null,
  ...more,
})
const responsesDelta = (kind: string, number: number, delta: string) => ({
  type: `response.${kind}.delta`,
  sequence_number: number,
  item_id: 'msg_1',
  output_index: 1,
  content_index: 0,
  delta,
  logprobs: [],
  obfuscation: 'k3J9'.slice(0, 1 + (number % 4)),
})

const responses: ApiStream = {
  api: 'openai-responses',
  what: 'OpenAI, reasoning first, cut at its cap',
  contentType: `${sse}; charset=utf-8`,
  text: named(
    { type: 'response.created', sequence_number: 0, response: response('in_progress') } as never,
    {
      type: 'response.in_progress',
      sequence_number: 1,
      response: response('in_progress'),
    } as never,
    {
      type: 'response.output_item.added',
      sequence_number: 2,
      item: { id: 'rs_1', type: 'reasoning', summary: [] },
    } as never,
    responsesDelta('reasoning_summary_text', 3, '**Think**'),
    {
      type: 'response.output_item.added',
      sequence_number: 4,
      item: { id: 'msg_1', type: 'message', content: [] },
    } as never,
    responsesDelta('output_text', 5, 'Hi'),
    responsesDelta('output_text', 6, ' you ü'),
    { type: 'response.output_text.done', sequence_number: 7, text: 'Hi you ü' } as never,
    {
      type: 'response.incomplete',
      sequence_number: 8,
      response: response('incomplete', {
        incomplete_details: { reason: 'max_output_tokens' },
        usage: {
          input_tokens: 36,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: 16,
          output_tokens_details: { reasoning_tokens: 12 },
          total_tokens: 52,
        },
      }),
    } as never,
  ),
  told: {
    chunks: 3,
    reasoningFirst: true,
    finishReason: 'max_output_tokens',
    usage: { inputTokens: 36, outputTokens: 16, cachedInputTokens: 0, reasoningTokens: 12 },
  },
}

const block = (index: number, delta: object) => ({ type: 'content_block_delta', index, delta })

const anthropic: ApiStream = {
  api: 'anthropic-messages',
  what: 'thinking, a signature and pings',
  contentType: `${sse}; charset=utf-8`,
  text: named(
    {
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: 25,
          cache_creation_input_tokens: 5,
          cache_read_input_tokens: 10,
          output_tokens: 1,
        },
      },
    } as never,
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    } as never,
    { type: 'ping' },
    block(0, { type: 'thinking_delta', thinking: 'Let me see' }),
    block(0, { type: 'signature_delta', signature: 'EqQBCg==' }),
    { type: 'content_block_stop', index: 0 } as never,
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } } as never,
    block(1, { type: 'text_delta', text: 'Hello' }),
    block(1, { type: 'text_delta', text: ' "wörld"' }),
    { type: 'content_block_stop', index: 1 } as never,
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: 15 },
    } as never,
    { type: 'message_stop' },
  ),
  told: {
    chunks: 3,
    reasoningFirst: true,
    finishReason: 'end_turn',
    // 25 + 5 written to the cache + 10 read from it.
    usage: { inputTokens: 40, outputTokens: 15, cachedInputTokens: 10 },
  },
}

const ollamaLine = (more: object, microsecond: number): object => ({
  model: 'llama3.2',
  created_at: `2026-08-04T08:52:19.${385_406 + microsecond}455Z`,
  ...more,
})
const ollamaEnd = {
  done: true,
  done_reason: 'length',
  total_duration: 10_706_818_083,
  load_duration: 6_338_219_291,
  prompt_eval_count: 26,
  prompt_eval_duration: 130_079_000,
  eval_count: 4,
  eval_duration: 4_232_710_456,
}
const ollamaTold = {
  finishReason: 'length',
  usage: { inputTokens: 26, outputTokens: 4 },
  serverTimings: {
    totalMs: 10_706.818,
    promptMs: 130.079,
    decodeMs: 4_232.71,
    inputTokens: 26,
    outputTokens: 4,
  },
}

const ollamaMessage = (content: string, more: object = {}): object => ({
  message: { role: 'assistant', content, ...more },
  done: false,
})

const ollamaChat: ApiStream = {
  api: 'ollama-chat',
  what: 'thinking first',
  contentType: 'application/x-ndjson',
  text: lines(
    ollamaLine(ollamaMessage('', { thinking: 'Okay' }), 0),
    ollamaLine(ollamaMessage('', { thinking: ', so' }), 21),
    ollamaLine(ollamaMessage('The'), 42),
    ollamaLine(ollamaMessage(' sky {"ü"}'), 64),
    ollamaLine({ message: { role: 'assistant', content: '' }, ...ollamaEnd }, 70),
  ),
  told: { chunks: 4, reasoningFirst: true, ...ollamaTold },
}

const ollamaGenerate: ApiStream = {
  api: 'ollama-generate',
  what: 'raw',
  contentType: 'application/x-ndjson',
  text: lines(
    ollamaLine({ response: 'The', done: false }, 0),
    ollamaLine({ response: ' \n', done: false }, 21),
    ollamaLine({ response: ' 漢', done: false }, 42),
    ollamaLine({ response: '!', done: false }, 63),
    ollamaLine({ response: '', ...ollamaEnd }, 70),
  ),
  told: { chunks: 4, ...ollamaTold },
}

const llamaCppPiece = (content: string, predicted: number): object => ({
  index: 0,
  content,
  tokens: [400 + predicted],
  stop: false,
  id_slot: -1,
  tokens_predicted: predicted,
  tokens_evaluated: 12,
})

const llamaCppCompletion: ApiStream = {
  api: 'llama-cpp-completion',
  what: 'a token whose bytes are no letter yet comes with the next',
  contentType: sse,
  text: `${data(llamaCppPiece(' a', 1), llamaCppPiece(' 漢', 4))}: ping\n\n${data(
    llamaCppPiece('.', 5),
    {
      index: 0,
      content: '',
      tokens: [],
      id_slot: 0,
      stop: true,
      model: 'm.gguf',
      tokens_predicted: 5,
      tokens_evaluated: 12,
      generation_settings: { seed: 4_294_967_295, temperature: 0.8, stop: [] },
      prompt: 'what was "asked"',
      has_new_line: false,
      truncated: false,
      stop_type: 'limit',
      stopping_word: '',
      tokens_cached: 16,
      timings: { ...llamaCppTimings, predicted_n: 5 },
    },
  )}`,
  told: {
    chunks: 3,
    chunkTokens: [1, 3, 1],
    finishReason: 'limit',
    usage: { inputTokens: 12, outputTokens: 5, cachedInputTokens: 3 },
    serverTimings: { ...llamaCppTold, outputTokens: 5 },
  },
}

const tgiToken = (index: number, content: string, more: object = {}): object => ({
  index,
  token: { id: 28_000 + index, text: content, logprob: -0.6196289, special: false },
  generated_text: null,
  details: null,
  ...more,
})

const tgi: ApiStream = {
  api: 'tgi-generate',
  what: 'the last token is the end of text',
  contentType: sse,
  text: `:\n\n${data(
    tgiToken(1, ' a'),
    // Half a letter has no text yet.
    tgiToken(2, ''),
    tgiToken(3, 'ü'),
    tgiToken(4, '</s>', {
      token: { id: 2, text: '</s>', logprob: -0.1, special: true },
      generated_text: ' aü',
      details: { finish_reason: 'eos_token', generated_tokens: 4, seed: null, input_length: 6 },
    }),
  )}`,
  told: {
    chunks: 2,
    chunkTokens: [1, 1],
    finishReason: 'eos_token',
    usage: { inputTokens: 6, outputTokens: 4 },
  },
}

const sglangEvent = (content: string, completionTokens: number, more: object = {}): object => ({
  text: content,
  output_ids: Array.from({ length: completionTokens }, (_, i) => 100 + i),
  meta_info: {
    id: '4f1c',
    finish_reason: null,
    prompt_tokens: 8,
    weight_version: 'default',
    total_retractions: 0,
    completion_tokens: completionTokens,
    cached_tokens: 2,
    ...more,
  },
})
const sglangEnd = { finish_reason: { type: 'length', length: 6 }, e2e_latency: 0.1234567 }
const sglangTold = {
  finishReason: 'length',
  usage: { inputTokens: 8, outputTokens: 6, cachedInputTokens: 2 },
}

const sglang: ApiStream = {
  api: 'sglang-generate',
  what: 'text that grows, several tokens at once, and the end says it all again',
  contentType: `${sse}; charset=utf-8`,
  text: data(
    sglangEvent(' a', 1),
    sglangEvent(' a b c', 3),
    // A token that is no letter yet: the text stays.
    sglangEvent(' a b c', 4),
    sglangEvent(' a b c 漢', 6),
    sglangEvent(' a b c 漢', 6, { ...sglangEnd, queue_time: 0.0005 }),
    '[DONE]',
  ),
  told: {
    chunks: 4,
    chunkTokens: [1, 2, 1, 2],
    ...sglangTold,
    serverTimings: {
      totalMs: 123.457,
      queueMs: 0.5,
      inputTokens: 8,
      outputTokens: 6,
      cachedInputTokens: 2,
    },
  },
}

const sglangIncremental: ApiStream = {
  api: 'sglang-generate',
  what: 'text in pieces, as a server started to stream so sends it',
  contentType: sse,
  text: data(
    sglangEvent(' long first', 2),
    sglangEvent(' b', 3),
    sglangEvent(' c', 6),
    sglangEvent('', 6, sglangEnd),
    '[DONE]',
  ),
  told: {
    chunks: 3,
    chunkTokens: [2, 1, 3],
    ...sglangTold,
    serverTimings: { totalMs: 123.457, inputTokens: 8, outputTokens: 6, cachedInputTokens: 2 },
  },
}

const tritonEvent = (textOutput: string): object => ({
  model_name: 'm',
  model_version: '1',
  sequence_end: false,
  sequence_id: 0,
  sequence_index: 0,
  text_output: textOutput,
})

const triton: ApiStream = {
  api: 'triton-generate',
  what: 'no count and no end mark',
  contentType: `${sse}; charset=utf-8`,
  text: data(tritonEvent(' a'), tritonEvent(' ü'), tritonEvent(' c'), tritonEvent('')),
  told: { chunks: 3 },
}

export const apiStreams: readonly ApiStream[] = [
  ...[vllmChat, llamaCppChat, continuousUsage, completions, responses, anthropic],
  ...[ollamaChat, ollamaGenerate, llamaCppCompletion, tgi, sglang, sglangIncremental, triton],
]

/** The same with CRLF, as some gateways send it. */
export function withCrlf(stream: ApiStream): ApiStream {
  return { ...stream, text: stream.text.replaceAll('\n', '\r\n') }
}
