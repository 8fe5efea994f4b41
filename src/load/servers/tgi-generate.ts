import { errorText, type Fields, parseObject, reasonOf, usageOf } from './event-values.ts'
import { type EventMeaning, type ServerApi, textOf } from './server.ts'

type TgiEvent = Fields<{ error: string; generated_text: string }> & {
  readonly token?: Fields<{ text: string; special: boolean }> | null
  readonly details?: Fields<{
    finish_reason: string
    generated_tokens: number
    input_length: number
  }> | null
}

/**
 * Text Generation Inference's own stream: an event a token. The last one has the whole text once
 * more. Its public API has no field to ignore the end of text.
 */
export const tgiGenerate: ServerApi = {
  name: 'tgi-generate',
  path: '/generate_stream',
  contentType: 'text/event-stream',
  framing: 'sse',
  endsWith: 'event',
  canForceLength: false,
  outputFields: ['text'],
  freeFields: [],
  // Without details the last event has no counts.
  body: ({ prompt, outputTokens }) =>
    JSON.stringify({
      inputs: textOf(prompt),
      parameters: { max_new_tokens: outputTokens, details: true },
    }),
  readEvent: (data) => {
    const event = parseObject<TgiEvent>(data)
    if (event.error) return { error: errorText(event.error) }
    return {
      ...(isOutput(event) ? { output: 'content', tokens: { kind: 'chunk', tokens: 1 } } : {}),
      ...(typeof event.generated_text === 'string' ? endOf(event) : {}),
    }
  },
}

/** The end of text is a token with a name, which is no output, as in other servers. */
function isOutput({ token }: TgiEvent): boolean {
  return Boolean(token?.text) && token?.special !== true
}

function endOf({ details }: TgiEvent): EventMeaning {
  return {
    done: true,
    finishReason: reasonOf(details?.finish_reason),
    usage: usageOf({
      inputTokens: details?.input_length,
      outputTokens: details?.generated_tokens,
    }),
  }
}
