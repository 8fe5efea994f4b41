import { z } from 'zod'
import { searchPlanSchema } from '../load/search-plan.ts'

const count = z.int().nonnegative()
const size = z.number().describe('Users, or requests per second')
const axis = z.enum(['users', 'rate'])
const outputTokensPerS = z.number().optional().describe('Output tokens in the window per second')

const service = z
  .enum(['served', 'beyond', 'unusable'])
  .describe('Whether the server served this load, gave way, or nobody can tell')

const sloPlan = searchPlanSchema.options[1]

const looksSchema = z.strictObject({ size, held: count, looks: count })

const checkSchema = z.strictObject({
  limit: sloPlan.shape.limits.element,
  value: z.number().optional().describe('ms of the percentile, or share of good requests'),
  n: count.describe('Samples it was taken from'),
  neededN: count.describe('Samples it takes'),
  earlyStoppingMs: z.number().optional().describe("MLPerf's estimate, where the limit asks for it"),
  outcome: z.enum(['held', 'missed', 'not-proven', 'too-few-samples', 'not-told']),
})

const sloTrialSchema = z.strictObject({
  level: count,
  size,
  standing: z.enum(['held', 'missed', 'not-proven', 'too-few-samples', 'unusable']),
  service,
  why: z.string(),
  checks: z.array(checkSchema),
  outputTokensPerS,
  endsSearch: z.boolean(),
})

const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('found'),
    at: looksSchema.describe('The highest load found at which all looks held'),
    above: looksSchema.describe('The next load above it that was tried'),
    level: count.describe('The level whose figures stand for it: the median of its looks'),
    outputTokensPerS: z
      .strictObject({ low: z.number(), high: z.number() })
      .optional()
      .describe('Over its looks'),
  }),
  z.strictObject({ kind: z.literal('unreachable'), at: looksSchema }),
  z.strictObject({
    kind: z.literal('not-bracketed'),
    why: z.enum([
      'highest-load-holds',
      'too-few-samples',
      'unusable-level',
      'not-confirmed',
      'levels-used-up',
      'stopped-early',
    ]),
    heldAt: looksSchema.optional(),
    level: count.optional(),
    notHeldAt: looksSchema.optional(),
  }),
])

const sweepTrialSchema = z.strictObject({
  level: count,
  axis,
  size,
  standing: service,
  why: z.string(),
  outputTokensPerS,
  requestsPerS: z.number().optional().describe('Completed in the window per second'),
  latencyMeanMs: z.number().optional(),
  power: z.number().optional().describe('Output tokens per second / mean latency in s'),
  endsSearch: z.boolean(),
})

const saturationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('no-gain'),
    from: size,
    to: size,
    gainRatio: z.number().describe('By how much output tokens per second grew'),
  }),
  z.strictObject({ kind: z.literal('gave-way'), at: size, why: z.string() }),
  z.strictObject({ kind: z.literal('unusable-level'), at: size, why: z.string() }),
  z.strictObject({ kind: z.literal('not-reached'), highest: size }),
])

const kneeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('found'),
    level: count,
    size,
    below: size.optional(),
    above: size,
  }),
  z.strictObject({
    kind: z.literal('not-found'),
    why: z.enum(['too-few-levels', 'at-lowest-load', 'at-highest-load']),
  }),
])

/** What a search came to, in `summary.json`. */
export const searchSummarySchema = z
  .discriminatedUnion('question', [
    z.strictObject({
      question: z.literal('sweep'),
      axis,
      trials: z.array(sweepTrialSchema),
      saturation: saturationSchema.optional(),
      knee: kneeSchema,
    }),
    z.strictObject({
      question: z.literal('slo'),
      axis,
      trials: z.array(sloTrialSchema),
      outcome: outcomeSchema,
    }),
  ])
  .describe('What the run was to find out by its levels, and what it found')
