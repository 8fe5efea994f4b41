import { errorText, type Fields, parseObject } from './event-values.ts'
import { type ServerApi, textOf } from './server.ts'

type TritonEvent = Fields<{ error: string; text_output: string }>

/**
 * Triton's generate extension, as the vLLM and the TensorRT-LLM backend serve it. It counts no
 * tokens, and nothing but the end of the HTTP message tells the end.
 */
export const tritonGenerate: ServerApi = {
  name: 'triton-generate',
  path: '/v2/models/{model}/generate_stream',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'message',
  canForceLength: true,
  outputFields: ['text_output'],
  freeFields: [],
  // What is no input tensor of the model becomes a parameter: one place serves both backends.
  body: ({ prompt, outputTokens, forceLength }) =>
    JSON.stringify({
      text_input: textOf(prompt),
      stream: true,
      max_tokens: outputTokens,
      ...(forceLength ? { ignore_eos: true, min_tokens: outputTokens } : {}),
    }),
  readEvent: (data) => {
    const event = parseObject<TritonEvent>(data)
    if (event.error) return { error: errorText(event.error) }
    return event.text_output ? { output: 'content' } : {}
  },
}
