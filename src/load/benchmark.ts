import { z } from 'zod'

const positiveInteger = z.int().positive()
const positive = z.number().positive()

const loadSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('closed'),
      concurrency: z
        .array(positiveInteger)
        .min(1)
        .describe(
          'Users that each wait for an answer before asking again; one load level per number',
        ),
    })
    .describe('Closed loop'),
  z
    .strictObject({
      kind: z.literal('constant'),
      ratePerS: z
        .array(positive)
        .min(1)
        .describe('Requests per second at equal gaps; one load level per number'),
    })
    .describe('Open loop, constant rate'),
  z
    .strictObject({
      kind: z.literal('poisson'),
      ratePerS: z
        .array(positive)
        .min(1)
        .describe('Mean requests per second of a Poisson process; one load level per number'),
    })
    .describe('Open loop, Poisson arrivals'),
])

const timeoutsSchema = z.strictObject({
  connectMs: positive.default(5_000),
  firstTokenMs: positive.default(120_000),
  idleMs: positive.default(60_000).describe('Longest silence between two chunks'),
  totalMs: positive.default(600_000),
})

const sloSchema = z
  .strictObject({
    ttftMs: positive.optional(),
    tpotMs: positive.optional(),
    latencyMs: positive.optional(),
  })
  .describe('Limits a request must meet to count as good')

/** A workload and the load to put on a server with it: what a file in `benchmarks/` may say. */
export const benchmarkSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected lower-case letters, digits, dots and dashes'),
    description: z.string().optional(),
    api: z.enum(['openai-chat', 'openai-completions']).default('openai-chat'),
    workload: z.strictObject({
      kind: z.literal('synthetic'),
      inputTokens: positiveInteger.describe('Prompt length in tokens, template included'),
      outputTokens: positiveInteger.describe(
        'Answer length in tokens; forced where the server allows it',
      ),
    }),
    load: loadSchema,
    warmupS: z
      .number()
      .nonnegative()
      .default(5)
      .describe('Load before the measured window of each level'),
    durationS: positive.optional().describe('Length of the measured window of each level'),
    requests: positiveInteger.optional().describe('Requests in the measured window of each level'),
    drainS: z
      .number()
      .nonnegative()
      .default(30)
      .describe('Longest wait for answers after the window'),
    timeouts: timeoutsSchema.prefault({}),
    slo: sloSchema.prefault({}),
    seed: z.int().default(1),
  })
  .refine(({ durationS, requests }) => durationS !== undefined || requests !== undefined, {
    path: ['durationS'],
    message: 'expected durationS, requests or both: something has to end the run',
  })

export type Benchmark = z.infer<typeof benchmarkSchema>
export type Load = Benchmark['load']
export type Slo = Benchmark['slo']
export type Timeouts = Benchmark['timeouts']
export type ApiName = Benchmark['api']

/** One point of a sweep. */
export type LoadLevel =
  | { readonly kind: 'closed'; readonly concurrency: number }
  | { readonly kind: 'constant'; readonly ratePerS: number }
  | { readonly kind: 'poisson'; readonly ratePerS: number }

/** The load levels of a benchmark, in the order they run. */
export function levelsOf(load: Load): LoadLevel[] {
  switch (load.kind) {
    case 'closed':
      return load.concurrency.map((concurrency) => ({ kind: load.kind, concurrency }))
    case 'constant':
      return load.ratePerS.map((ratePerS) => ({ kind: load.kind, ratePerS }))
    case 'poisson':
      return load.ratePerS.map((ratePerS) => ({ kind: load.kind, ratePerS }))
  }
}

/** Short words for a level: `8 users`, `2.5 req/s Poisson`. */
export function describeLevel(level: LoadLevel): string {
  switch (level.kind) {
    case 'closed':
      return level.concurrency === 1 ? '1 user' : `${level.concurrency} users`
    case 'constant':
      return `${level.ratePerS} req/s`
    case 'poisson':
      return `${level.ratePerS} req/s Poisson`
  }
}

/** The effective configuration of a run: the benchmark after the flags, and the target. Holds no secret. */
export interface RunConfig {
  readonly benchmark: Benchmark
  readonly url: string
  /** As asked for; the first model the server offers when absent. */
  readonly model?: string
  /** Where the API key came from; the key itself is nowhere. */
  readonly apiKeySource?: string
  readonly declaredWeights?: 'random' | 'trained'
  /** False when the server's certificate was not verified; absent without TLS. */
  readonly tlsVerified?: boolean
}
