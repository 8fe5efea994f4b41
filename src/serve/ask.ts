import type { Engine } from './engine.ts'
import { MAX_BODY_BYTES, type Refusal } from './http-messages.ts'
import type { GenerationBody, OpenAiApi } from './openai-api.ts'

/** A request that the engine can answer. */
export interface Ask {
  readonly api: OpenAiApi
  readonly body: GenerationBody
  /** Number of the request on this server, from 1. */
  readonly number: number
  readonly promptTokens: number
  readonly maxTokens: number
}

/** The request as the engine takes it, or why it cannot be answered. */
export function readAsk(
  engine: Engine,
  api: OpenAiApi,
  number: number,
  text: string | undefined,
): Ask | { readonly refusal: Refusal } {
  if (text === undefined) return refuse(413, `the body is larger than ${MAX_BODY_BYTES} bytes`)
  const parsed = api.schema.safeParse(parseJson(text))
  if (!parsed.success) return refuse(400, firstIssue(parsed.error.issues))
  const body = parsed.data
  if (body.model !== engine.model) {
    return refuse(404, `the model \`${body.model}\` does not exist`, 'model_not_found')
  }
  const promptTokens = engine.countTokens(body.prompt)
  const roomTokens = engine.contextTokens - promptTokens
  const maxTokens = body.max_tokens ?? roomTokens
  if (promptTokens === 0) return refuse(400, 'the prompt is empty')
  if (roomTokens < 1 || maxTokens > roomTokens) {
    const asked = `${promptTokens} of the prompt and ${Math.max(1, maxTokens)} of the answer`
    const message = `the context holds ${engine.contextTokens} tokens; asked were ${asked}`
    return refuse(400, message, 'context_length_exceeded')
  }
  return { api, body, number, promptTokens, maxTokens }
}

function refuse(status: number, message: string, code?: string): { refusal: Refusal } {
  return { refusal: { status, message, code } }
}

/** Undefined, which no schema takes, for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function firstIssue([issue]: readonly Issue[]): string {
  return issue?.path.length
    ? `${issue.path.join('.')}: ${issue.message}`
    : 'the body is not a JSON object'
}
