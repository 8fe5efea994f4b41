import { z } from 'zod'
import { apiNames } from './api-names.ts'

const positiveInteger = z.int().positive()
const positive = z.number().positive()
/** Far beyond what one client can send. */
const MAX_RATE_PER_S = 100_000

const once = (values: readonly number[]): boolean => new Set(values).size === values.length

const maxInFlight = positiveInteger
  .optional()
  .describe('Most requests at once; a request that is due while so many are under way is held back')

const ratePerS = (what: string) =>
  z
    .array(positive.max(MAX_RATE_PER_S))
    .min(1)
    .refine(once, 'expected each rate once')
    .describe(`Requests per second${what}; one load level per number`)

const loadSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('closed'),
      concurrency: z
        .array(positiveInteger)
        .min(1)
        .refine(once, 'expected each number once')
        .describe(
          'Users that each wait for an answer before asking again; one load level per number',
        ),
      thinkS: z
        .number()
        .nonnegative()
        .optional()
        .describe('Pause of a user between answer and question'),
    })
    .describe('Closed loop'),
  z
    .strictObject({
      kind: z.literal('constant'),
      ratePerS: ratePerS(' at equal gaps'),
      maxInFlight,
    })
    .describe('Open loop, constant rate'),
  z
    .strictObject({ kind: z.literal('poisson'), ratePerS: ratePerS(' on average'), maxInFlight })
    .describe('Open loop, Poisson arrivals'),
  z
    .strictObject({
      kind: z.literal('gamma'),
      ratePerS: ratePerS(' on average'),
      shape: positive.describe('Of the gaps: 1 is Poisson, less is burstier, more is smoother'),
      maxInFlight,
    })
    .describe('Open loop, gamma-distributed gaps'),
])

/** Chunk times are kept as gaps of 32 bits in microseconds, 71 minutes. */
const timeoutMs = positive.max(3_600_000)

const timeoutsSchema = z.strictObject({
  connectMs: positive.default(5_000),
  firstTokenMs: positive.default(120_000),
  idleMs: timeoutMs.default(60_000).describe('Longest silence between two chunks'),
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
      .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected lower-case letters, digits, dots and dashes')
      .max(100),
    description: z.string().optional(),
    api: z.enum(apiNames).default('openai-chat'),
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
  .refine(
    ({ load, requests }) =>
      load.kind !== 'closed' || requests === undefined || requests >= Math.max(...load.concurrency),
    {
      path: ['requests'],
      message: 'expected at least as many requests as users: the others would have nothing to do',
    },
  )

export type Benchmark = z.infer<typeof benchmarkSchema>
export type Load = Benchmark['load']
export type Slo = Benchmark['slo']
export type Timeouts = Benchmark['timeouts']

/** One point of a sweep. */
export type LoadLevel =
  | { readonly kind: 'closed'; readonly concurrency: number; readonly thinkS?: number }
  | { readonly kind: 'constant'; readonly ratePerS: number; readonly maxInFlight?: number }
  | { readonly kind: 'poisson'; readonly ratePerS: number; readonly maxInFlight?: number }
  | {
      readonly kind: 'gamma'
      readonly ratePerS: number
      readonly shape: number
      readonly maxInFlight?: number
    }

/** The load levels of a benchmark, in the order they run. */
export function levelsOf(load: Load): LoadLevel[] {
  switch (load.kind) {
    case 'closed': {
      const { concurrency, ...rest } = load
      return concurrency.map((users) => ({ ...rest, concurrency: users }))
    }
    case 'constant':
    case 'poisson':
    case 'gamma': {
      const { ratePerS, ...rest } = load
      return ratePerS.map((rate) => ({ ...rest, ratePerS: rate }))
    }
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
    case 'gamma':
      return `${level.ratePerS} req/s gamma ${level.shape}`
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
  /** Measuring threads asked for; by need when absent. */
  readonly workers?: number
  /** False when the server's certificate was not verified; absent without TLS. */
  readonly tlsVerified?: boolean
}
