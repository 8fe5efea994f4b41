import { z } from 'zod'
import { apiNames, takesMessages } from './api-names.ts'
import type { SearchPlan } from './search-plan.ts'
import { workloadSchema } from './workloads/workload.ts'

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
  z
    .strictObject({
      kind: z.literal('ramp'),
      arrivals: z.enum(['poisson', 'constant']).default('poisson'),
      stages: z
        .array(
          z.strictObject({
            forS: positive.describe('Length of the stage'),
            ratePerS: z
              .number()
              .nonnegative()
              .max(MAX_RATE_PER_S)
              .describe('Requests per second at its start'),
            toRatePerS: z
              .number()
              .nonnegative()
              .max(MAX_RATE_PER_S)
              .optional()
              .describe('Requests per second at its end, reached in a straight line'),
          }),
        )
        .min(1)
        .refine(
          (stages) => stages.some(({ ratePerS, toRatePerS = 0 }) => ratePerS + toRatePerS > 0),
          {
            message: 'expected a rate over 0',
          },
        ),
      maxInFlight,
    })
    .describe('Open loop whose rate changes with time, in one load level; the last rate stays'),
  z
    .strictObject({
      kind: z.literal('trace'),
      speed: z
        .array(positive.max(1_000))
        .min(1)
        .refine(once, 'expected each speed once')
        .default([1])
        .describe("Times as fast as the trace's own clock; one load level per number"),
      maxInFlight,
    })
    .describe("Open loop at the times of the workload's trace"),
])

const cancelSchema = z
  .strictObject({
    share: z.number().gt(0).max(1).describe('Of the requests, drawn by the seed'),
    afterChunks: positiveInteger.optional().describe('Chunks of output that come before it'),
    afterMs: positive.optional().describe('Time from sending to it'),
  })
  .refine(({ afterChunks, afterMs }) => (afterChunks === undefined) !== (afterMs === undefined), {
    message: 'expected afterChunks or afterMs',
  })
  .describe('Requests given up in the middle of the answer on purpose, as users do')

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
    workload: workloadSchema,
    load: loadSchema,
    cancel: cancelSchema.optional(),
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
  .refine(
    ({ durationS, requests, load }) =>
      durationS !== undefined || requests !== undefined || load.kind === 'trace',
    {
      path: ['durationS'],
      message: 'expected durationS, requests or both: something has to end the run',
    },
  )
  .refine(({ load, workload }) => load.kind !== 'trace' || workload.kind === 'trace', {
    path: ['load', 'kind'],
    message: 'expected a workload of kind trace: its times are what this load is',
  })
  .refine(({ load, workload }) => workload.kind !== 'multi-turn' || load.kind === 'closed', {
    path: ['load', 'kind'],
    message: 'expected a closed load: a turn follows the answer to the one before',
  })
  .refine(({ api, workload }) => workload.kind !== 'multi-turn' || takesMessages(api), {
    path: ['api'],
    message: 'expected a chat API: conversations need its template',
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
type RampStage = Extract<Load, { kind: 'ramp' }>['stages'][number]

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
  | {
      readonly kind: 'ramp'
      readonly arrivals: 'poisson' | 'constant'
      readonly stages: readonly RampStage[]
      readonly maxInFlight?: number
    }
  | { readonly kind: 'trace'; readonly speed: number; readonly maxInFlight?: number }

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
    case 'ramp':
      return [load]
    case 'trace': {
      const { speed, ...rest } = load
      return speed.map((times) => ({ ...rest, speed: times }))
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
    case 'ramp':
      return `${level.stages.map(describeStage).join(', ')} req/s${level.arrivals === 'poisson' ? ' Poisson' : ''}`
    case 'trace':
      return level.speed === 1 ? 'trace' : `trace at ${level.speed}x`
  }
}

/** Users, or the most requests per second; of a trace only its requests say. */
export function sizeOf(level: LoadLevel): number | undefined {
  switch (level.kind) {
    case 'closed':
      return level.concurrency
    case 'constant':
    case 'poisson':
    case 'gamma':
      return level.ratePerS
    case 'ramp':
      return Math.max(
        ...level.stages.flatMap(({ ratePerS, toRatePerS = 0 }) => [ratePerS, toRatePerS]),
      )
    case 'trace':
      return undefined
  }
}

function describeStage({ ratePerS, toRatePerS }: RampStage): string {
  return toRatePerS === undefined ? `${ratePerS}` : `${ratePerS} to ${toRatePerS}`
}

/** What a run is made for: to find out, or to be quoted. The limits of validity gates depend on it. */
export const purposes = ['explore', 'publish'] as const

export type Purpose = (typeof purposes)[number]

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
  /** GPUs that serve the model, as stated. */
  readonly gpus?: number
  /** False when the server's certificate was not verified; absent without TLS. */
  readonly tlsVerified?: boolean
  /** What the run is to find out by its levels. Where it finds them by itself the load of the benchmark says how far it may go. */
  readonly search?: SearchPlan
  /** Absent in older runs, which were all to explore. */
  readonly purpose?: Purpose
}
