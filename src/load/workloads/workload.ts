import { z } from 'zod'

const positiveInteger = z.int().positive()
/** Beyond any context there is; also what keeps a mistyped length from filling the memory. */
const MAX_TOKENS = 10_000_000
const tokens = positiveInteger.max(MAX_TOKENS)

const bounds = {
  min: tokens.default(1).describe('Shorter draws become this'),
  max: tokens.describe('Longer draws become this'),
}

/** A length: a number, or how it is drawn for each request. */
const lengthSchema = (what: string) =>
  z
    .union([
      tokens,
      z.strictObject({ kind: z.literal('uniform'), min: tokens, max: tokens }),
      z.strictObject({
        kind: z.enum(['normal', 'lognormal']),
        mean: z.number().positive().max(MAX_TOKENS).describe('Of the lengths, before bounds apply'),
        sd: z.number().nonnegative().max(MAX_TOKENS).describe('Standard deviation of the lengths'),
        ...bounds,
      }),
    ])
    .refine((length) => typeof length === 'number' || length.min <= length.max, {
      message: 'expected min to be at most max',
    })
    .describe(what)

const inputTokens = lengthSchema('Prompt length in tokens, template included')
const outputTokens = lengthSchema('Answer length in tokens; forced where the server allows it')

const uniquePrefix = z
  .boolean()
  .optional()
  .describe(
    'Begin each prompt as none has begun before, so that no prefix cache can answer (true when absent); false sends the same prompts in every run',
  )

const file = z.string().min(1).describe('Path of the file, from the folder of this one')
const limit = positiveInteger.optional()

/** What is asked of the server: kinds of prompts, and how long they and their answers are. */
export const workloadSchema = z
  .discriminatedUnion('kind', [
    z
      .strictObject({ kind: z.literal('synthetic'), inputTokens, outputTokens, uniquePrefix })
      .describe('Drawn words; each request by itself'),
    z
      .strictObject({
        kind: z.literal('shared-prefix'),
        groups: positiveInteger.max(100_000).describe('How many different prefixes there are'),
        prefixTokens: tokens.describe('Tokens at the start that a group shares'),
        inputTokens: lengthSchema('Prompt length in tokens, prefix and template included'),
        outputTokens,
      })
      .describe('Prompts that begin like others, as with a long instruction or a document'),
    z
      .strictObject({
        kind: z.literal('multi-turn'),
        turns: lengthSchema('Questions of a conversation'),
        systemTokens: z
          .int()
          .nonnegative()
          .max(MAX_TOKENS)
          .default(0)
          .describe('Tokens of a system prompt that all conversations share'),
        turnInputTokens: lengthSchema('Tokens of each new question'),
        outputTokens,
      })
      .describe('Conversations whose history grows; needs a closed loop and a chat API'),
    z
      .strictObject({
        kind: z.literal('dataset'),
        file,
        format: z
          .enum(['jsonl', 'sharegpt'])
          .describe('One prompt or list of messages a line, or the JSON array of ShareGPT'),
        order: z.enum(['shuffled', 'file']).default('shuffled'),
        limit: limit.describe('Use so many prompts; of a shuffled dataset, a random sample'),
        outputTokens: tokens
          .optional()
          .describe('Answer length in tokens, in place of what the dataset says'),
        uniquePrefix,
      })
      .describe('Prompts from a file'),
    z
      .strictObject({
        kind: z.literal('trace'),
        file,
        format: z.enum(['mooncake', 'burstgpt', 'azure']),
        limit: limit.describe('Use the first so many requests'),
        maxInputTokens: tokens.optional().describe('Leave longer prompts out'),
        maxOutputTokens: tokens.optional().describe('Leave longer answers out'),
      })
      .describe('Lengths, and times where the load is the trace, as somebody recorded them'),
  ])
  .refine(
    (workload) =>
      workload.kind !== 'shared-prefix' || workload.prefixTokens < shortest(workload.inputTokens),
    { path: ['prefixTokens'], message: 'expected a prefix shorter than the shortest prompt' },
  )

function shortest(length: z.infer<typeof inputTokens>): number {
  return typeof length === 'number' ? length : length.min
}

export type Workload = z.infer<typeof workloadSchema>
