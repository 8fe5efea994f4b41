import { z } from 'zod'

/** Fields that both text APIs share. Others, such as `temperature`, are accepted and not used. */
const sharedFields = {
  model: z.string(),
  max_tokens: z.int().positive().nullish(),
  min_tokens: z.int().nonnegative().nullish(),
  ignore_eos: z.boolean().nullish(),
  seed: z.int().nullish(),
  n: z.literal(1, 'only one choice is offered').nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .object({
      include_usage: z.boolean().nullish(),
      continuous_usage_stats: z.boolean().nullish(),
    })
    .nullish(),
}

const messageSchema = z.object({
  role: z.string(),
  content: z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))]),
})

const chatSchema = z
  .object({
    ...sharedFields,
    max_completion_tokens: z.int().positive().nullish(),
    messages: z.array(messageSchema).min(1),
  })
  .transform(({ messages, max_completion_tokens, ...shared }) => ({
    ...shared,
    max_tokens: max_completion_tokens ?? shared.max_tokens,
    prompt: renderChat(messages),
  }))

const completionSchema = z
  .object({ ...sharedFields, prompt: z.union([z.string(), z.tuple([z.string()])]) })
  .transform(({ prompt, ...shared }) => ({
    ...shared,
    max_tokens: shared.max_tokens ?? DEFAULT_COMPLETION_TOKENS,
    prompt: typeof prompt === 'string' ? prompt : prompt[0],
  }))

/** What OpenAI's text completions give when no limit is asked for. */
const DEFAULT_COMPLETION_TOKENS = 16

/** A request body after its API's own wording is resolved. */
export type GenerationBody = z.infer<typeof chatSchema>

/** The part of a choice that differs between the APIs. */
type Choice = Readonly<Record<string, unknown>>

/** How one of OpenAI's text APIs words requests and answers. */
export interface OpenAiApi {
  readonly path: string
  readonly schema: z.ZodType<GenerationBody>
  readonly idPrefix: string
  readonly objectName: { readonly whole: string; readonly chunk: string }
  /** Sent before any output, where the API has such a thing. */
  readonly opening?: Choice
  readonly piece: (text: string) => Choice
  readonly closing: Choice
  readonly whole: (text: string) => Choice
}

const chat: OpenAiApi = {
  path: '/v1/chat/completions',
  schema: chatSchema,
  idPrefix: 'chatcmpl',
  objectName: { whole: 'chat.completion', chunk: 'chat.completion.chunk' },
  opening: { delta: { role: 'assistant', content: '' } },
  piece: (content) => ({ delta: { content } }),
  closing: { delta: {} },
  whole: (content) => ({ message: { role: 'assistant', content } }),
}

const completions: OpenAiApi = {
  path: '/v1/completions',
  schema: completionSchema,
  idPrefix: 'cmpl',
  objectName: { whole: 'text_completion', chunk: 'text_completion' },
  piece: (text) => ({ text }),
  closing: { text: '' },
  whole: (text) => ({ text }),
}

export const openAiApis: readonly OpenAiApi[] = [chat, completions]

/** The chat template: every message on its own line, after a space so that its first word is one token. */
function renderChat(messages: readonly z.infer<typeof messageSchema>[]): string {
  return messages.map(({ content }) => ` ${textOf(content)}\n`).join('')
}

function textOf(content: z.infer<typeof messageSchema>['content']): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}
