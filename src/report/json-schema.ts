import { z } from 'zod'
import { benchmarkSchema, purposes } from '../load/benchmark.ts'
import { failureSides } from '../load/record.ts'
import { searchPlanSchema } from '../load/search-plan.ts'
import { serverKindNames } from '../load/server-identity.ts'
import { costSchema } from './cost-schema.ts'
import type { ReportDocument } from './json.ts'
import {
  findingSchema,
  hardwareSchema,
  machineFiguresSchema,
  machineSummarySchema,
  telemetryLogSchema,
} from './machine-schema.ts'
import { rooflineBasisSchema, rooflineFactsSchema, rooflineSchema } from './roofline-schema.ts'
import { searchSummarySchema } from './search-schema.ts'

export const count = z.int().nonnegative()
const notCounted = z
  .string()
  .optional()
  .describe("Why the server's tokenizer did not count the words")
const ratio = z.number().describe('Ratio, 0 to 1')
export const ms = (what: string) => z.number().describe(`${what}, ms`)
export const perS = (what: string) => z.number().describe(`${what} per second`)

const intervalSchema = z
  .strictObject({ low: z.number(), high: z.number() })
  .meta({ id: 'interval', description: 'Where the true figure lies with 95 % confidence' })

const percentileSchema = z
  .strictObject({
    p: z.number().describe('Per cent, e.g. 95'),
    n: count.describe('Samples it was taken from'),
    value: z.number().optional().describe('Nearest rank; absent when withheld'),
    low: z.number().optional().describe('Lower end of the exact 95 % interval'),
    high: z
      .number()
      .optional()
      .describe('Upper end of the exact 95 % interval; absent when it is not finite'),
    earlyStopping: z
      .number()
      .optional()
      .describe("MLPerf's estimate: not exceeded by the true percentile, with 99 % confidence"),
    withheldUntilN: count.optional().describe('Samples needed; present only when withheld'),
  })
  .meta({ id: 'percentile', description: 'One percentile, or why there is none' })

const distributionSchema = z
  .strictObject({
    n: count,
    mean: z.number().optional(),
    meanInterval: intervalSchema.optional().describe('By batch means, within this run only'),
    min: z.number().optional(),
    max: z.number().optional(),
    p50: percentileSchema,
    p90: percentileSchema,
    p95: percentileSchema,
    p99: percentileSchema,
  })
  .meta({ id: 'distribution' })

export const distribution = (what: string) => distributionSchema.describe(what)

const maxInFlight = z.number().describe('Most requests at once')

export const loadLevelSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('closed'),
      concurrency: z.number().describe('Users that each wait for an answer before asking again'),
      thinkS: z.number().optional().describe('Pause of a user between answer and question, s'),
    }),
    z.strictObject({
      kind: z.literal('constant'),
      ratePerS: perS('Requests, at equal gaps,'),
      maxInFlight: maxInFlight.optional(),
    }),
    z.strictObject({
      kind: z.literal('poisson'),
      ratePerS: perS('Requests, on average,'),
      maxInFlight: maxInFlight.optional(),
    }),
    z.strictObject({
      kind: z.literal('gamma'),
      ratePerS: perS('Requests, on average,'),
      shape: z.number().describe('Of the gaps: 1 is Poisson, less is burstier'),
      maxInFlight: maxInFlight.optional(),
    }),
    z.strictObject({
      kind: z.literal('ramp'),
      arrivals: z.enum(['poisson', 'constant']),
      stages: z.array(
        z.strictObject({
          forS: z.number(),
          ratePerS: z.number(),
          toRatePerS: z.number().optional(),
        }),
      ),
      maxInFlight: maxInFlight.optional(),
    }),
    z.strictObject({
      kind: z.literal('trace'),
      speed: z.number().describe("Times as fast as the trace's own clock"),
      maxInFlight: maxInFlight.optional(),
    }),
  ])
  .meta({ id: 'loadLevel', description: 'One point of a sweep' })

const workerHealthSchema = z
  .strictObject({
    loopDelayP50Ms: ms('Median delay of the event loop').optional(),
    loopDelayP99Ms: ms('99th percentile of the delay of the event loop').optional(),
    loopDelayMaxMs: ms('Longest delay of the event loop').optional(),
    cpuCores: z.number().optional().describe('CPU time of the thread / wall time; 1 is one core'),
    gcPauseTotalMs: ms('Pauses of the garbage collector, together').optional(),
    gcPauseMaxMs: ms('Longest pause of the garbage collector').optional(),
    reads: count.describe('Socket reads'),
    chunks: count,
    connectionsOpened: count,
    clockErrorMs: ms("By how much the thread's clock may differ from the run's"),
  })
  .meta({ id: 'workerHealth', description: 'State of one measuring thread' })

const lostWorkerSchema = z.strictObject({
  worker: count,
  reason: z.string(),
  lostRequests: count.describe('Issued, and there is no record of them'),
})

const headroomSchema = z
  .strictObject({
    openFilesMost: count.optional(),
    openFilesAllowed: count.optional(),
    socketsMost: count.optional().describe('TCP sockets of the machine, those at rest too'),
    portsAllowed: count.optional().describe('Ports that the system gives to connections'),
  })
  .describe('How near the client came to what the system allows it')

const healthSchema = z
  .strictObject({
    loopDelayP50Ms: ms('Median delay of the event loop').optional(),
    loopDelayP99Ms: ms('99th percentile of the delay of the event loop').optional(),
    loopDelayMaxMs: ms('Longest delay of the event loop').optional(),
    cpuCores: z.number().optional().describe('CPU time of the process / wall time; 1 is one core'),
    busiestWorkerCores: z
      .number()
      .optional()
      .describe('CPU time of the busiest measuring thread / wall time'),
    machineCpuRatio: z.number().optional().describe('Busy share of the whole machine, 0 to 1'),
    gcPauseTotalMs: ms('Pauses of the garbage collector, together').optional(),
    gcPauseMaxMs: ms('Longest pause of the garbage collector').optional(),
    readsPerChunk: z.number().optional().describe('Socket reads / chunks'),
    connectionsOpened: count,
    headroom: headroomSchema.optional(),
    workers: z.array(workerHealthSchema).describe('The measuring threads, one each'),
  })
  .meta({ id: 'clientHealth', description: 'State of the measuring client' })

export const endedSchema = z.enum([
  'complete',
  'interrupted',
  'too-many-failures',
  'worker-died',
  'no-progress',
])
const weightsSchema = z.enum(['random', 'trained'])
const purposeSchema = z.enum(purposes)

const told = <T extends z.ZodType>(value: T) =>
  z.strictObject({ value, source: z.string().describe('Endpoint and field') }).optional()

const serverSchema = z
  .strictObject({
    kind: z.enum(serverKindNames),
    proof: z.string().describe('Endpoint and field by which it was recognised'),
    version: told(z.string()),
    engine: told(z.string()),
    contextTokens: told(count),
    launch: z
      .strictObject({
        quantisation: told(z.string()),
        tensorParallel: told(count),
        pipelineParallel: told(count),
        dataParallel: told(count),
        prefixCaching: told(z.boolean()),
        speculativeDecoding: told(z.string().describe('The method, or "none"')),
        kvCacheTokens: told(count),
        kvCacheType: told(z.string()),
        maxRunning: told(count.describe('Requests worked on at once')),
      })
      .describe('How the server was started, as far as it tells'),
    gateway: z.strictObject({ name: z.string(), proof: z.string() }).optional(),
  })
  .meta({ id: 'server', description: 'What kind of server answered, and why that is believed' })

const gateSchema = z.strictObject({
  gate: z.string(),
  status: z.enum(['pass', 'fail', 'not-measured', 'does-not-apply']),
  severity: z
    .enum(['invalid', 'degraded', 'note'])
    .describe('What a failure means for the run; a note is only told'),
  value: z.string(),
  limit: z.string(),
  reason: z.string().optional().describe('Why it was not measured, or does not apply'),
  remedy: z.string(),
})

const errorSchema = z.strictObject({
  kind: z.string(),
  side: z.enum(sidesOf(failureSides)),
  count,
  example: z.string().describe('What the first of them said'),
})

const requestsSchema = z
  .strictObject({
    issued: count,
    completed: count,
    failed: count,
    timedOut: count,
    cancelled: count.describe('Cut off by the end of the level or an interrupt'),
    abandoned: count.describe('Given up on purpose, as the benchmark says'),
    lost: count.describe('Issued, but without a record: a crash of the client'),
    warmUp: count,
  })
  .describe('Measured phase: issued = completed + failed + timedOut + cancelled + abandoned + lost')

const goodputSchema = z
  .strictObject({
    slo: benchmarkSchema.shape.slo,
    requestsPerS: perS('Good requests').optional(),
    outputTokensPerS: perS('Output tokens of good requests').optional(),
    goodRatio: ratio.optional(),
  })
  .describe('Requests that met every limit of the service level')

export const clientLoad = {
  streams: z.number().optional().describe('Mean answers under way in the window'),
  eventsPerS: perS('Output chunks received in the window').optional(),
}

export const arrivalSchema = z
  .enum(['spread', 'bursts'])
  .describe('Chunks of all streams spread over time, or at one moment')

const instrumentSchema = z
  .strictObject({
    ...clientLoad,
    error: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('certified'),
        calibratedAt: z.string().describe('Level of the certificate'),
        calibratedStreams: z.number(),
        calibratedEventsPerS: perS('Output chunks'),
        delayMs: distribution("From the server's write to the client's stamp, ms"),
        ttftErrorMs: distribution("The client's TTFT less the server's, ms"),
        gapErrorMs: distribution("Client's gap against server's gap, without sign, ms"),
        latenessMs: distribution('How late requests left, ms').optional(),
      }),
      z.strictObject({ kind: z.literal('unknown'), reason: z.string() }),
    ]),
  })
  .describe('Load on the client, and its certified error at that load or a higher one')

const certificateUseSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('applies'),
      date: z.string().describe('Of the certificate, ISO 8601 UTC'),
      node: z.string(),
      version: z.string(),
      cpuModel: z.string(),
      cores: count,
      arrival: arrivalSchema,
    }),
    z.strictObject({ kind: z.literal('none'), reason: z.string() }),
  ])
  .describe('Which certificate of the instrument the run was judged with, or why with none')

const percentileBoundsSchema = z
  .strictObject({
    p: z.number().describe('Per cent, e.g. 95'),
    aboveMs: ms('It is above this').optional(),
    upToMs: ms('It is at most this; absent beyond the last bound').optional(),
    withheldUntilN: count.optional().describe('Samples needed; present only when withheld'),
  })
  .meta({
    id: 'percentileBounds',
    description: 'A percentile that is only known to lie between two bounds of a histogram',
  })

const serverTimeSchema = z
  .strictObject({
    n: z.number().describe('Requests or tokens it was measured of'),
    meanMs: ms('Mean').optional(),
    p50: percentileBoundsSchema.optional(),
    p95: percentileBoundsSchema.optional(),
  })
  .meta({ id: 'serverTime', description: "A time by the server's own clock" })

const serverFiguresSchema = z
  .strictObject({
    fromMs: ms('First look that counts, since the epoch'),
    toMs: ms('Last look that counts, since the epoch'),
    samples: count,
    gaps: count.describe('Looks in between that failed'),
    resets: count.describe('Times that a counter went back'),
    inputTokens: z.number().optional(),
    outputTokens: z.number().optional(),
    requestsEnded: z.number().optional(),
    preemptions: z.number().optional(),
    prefixCacheHitRatio: ratio.optional(),
    specAcceptedRatio: ratio.optional(),
    runningMean: z.number().optional(),
    runningMax: z.number().optional(),
    waitingMean: z.number().optional(),
    waitingMax: z.number().optional(),
    kvCacheUsedRatioMax: ratio.optional(),
    ttftMs: serverTimeSchema.optional(),
    queueMs: serverTimeSchema.optional(),
    latencyMs: serverTimeSchema.optional(),
    itlMs: serverTimeSchema.optional(),
    tpotMs: serverTimeSchema.optional(),
  })
  .meta({
    id: 'serverFigures',
    description: 'What the server said of itself between two looks, of all who asked it',
  })

const serverMomentSchema = z.strictObject({
  atMs: ms('Since the epoch'),
  running: z.number().optional(),
  waiting: z.number().optional(),
  kvCacheUsedRatio: ratio.optional(),
})

const directionSchema = z.enum(['input', 'output'])
const sourceSchema = z.enum(['usage', 'tokenizer', 'server-timings', 'chunks', 'server-counters'])

const tokenCountsSchema = z
  .strictObject({
    completedRequests: count,
    counts: z.array(
      z.strictObject({
        direction: directionSchema,
        source: sourceSchema,
        tokens: z.number(),
        requests: count.optional().describe('Completed requests that told it'),
      }),
    ),
    agreement: z.array(
      z.strictObject({
        direction: directionSchema,
        sources: z.tuple([sourceSchema, sourceSchema]),
        tokens: z.tuple([z.number(), z.number()]),
        ratio: z.number().optional().describe('The second / the first'),
        outcome: z.enum(['agree', 'within-bounds', 'differ', 'not-comparable']),
        why: z.string().optional(),
      }),
    ),
    reasoningTokens: z.number().optional().describe('Part of the output tokens, by usage'),
    cachedInputTokens: z.number().optional().describe('Part of the input tokens, by the answers'),
    mostCausedOutputTokens: z
      .number()
      .optional()
      .describe("The most that this client's requests can have moved the server's counter"),
    mostCausedInputTokens: z.number().optional(),
    countersUnusable: z.string().optional(),
  })
  .describe('The tokens of the whole run by everybody who counted them')

const steadyStateSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('steady'),
      startMs: ms('Since the epoch'),
      endMs: ms('Since the epoch'),
      outputTokensPerS: perS('Output tokens in between'),
      interval: intervalSchema.optional(),
    }),
    z.strictObject({
      kind: z.literal('overloaded'),
      inFlightRatio: z.number().describe('Growth over the second half of the window / its median'),
      ttftRatio: z.number().describe('The same of TTFT'),
    }),
    z.strictObject({
      kind: z.literal('drifts'),
      changeRatio: z.number().describe('Change from start to end / the median'),
      lowRatio: z.number().describe('Lower end of its 99 % interval'),
      highRatio: z.number().describe('Upper end of its 99 % interval'),
    }),
    z.strictObject({ kind: z.literal('never-settles') }),
    z.strictObject({ kind: z.literal('not-judged'), reason: z.string() }),
  ])
  .describe('The part of the window in which nothing changed but by chance, or why none is known')

const littlesLawSchema = z
  .strictObject({
    meanInFlight: z.number(),
    endedPerS: perS('Requests that ended, however they did,'),
    meanLatencyMs: ms('Of these'),
    residualRatio: z.number().describe('(in flight - ended per s x latency) / in flight'),
    limitRatio: z.number().describe('The most that may be, either way'),
  })
  .describe("Little's law over the steady part of the window")

const pointSchema = z
  .strictObject({
    level: count,
    load: loadLevelSchema,
    label: z.string(),
    windowS: z.number().describe('Length of the measured window, s'),
    requests: requestsSchema,
    errors: z.array(errorSchema),
    ttftMs: distribution('Time to first token from the start of the clock, ms'),
    ttftFromSentMs: distribution('Time to first token from the send, ms'),
    ttfvMs: distribution('Time to first visible token, ms').optional(),
    tpotMs: distribution('Time per output token after the first, ms'),
    interChunkMs: distribution('Gap between chunks of output, pooled, ms'),
    itlMs: distribution('Gap / tokens of the chunk after it, pooled, ms').optional(),
    latencyMs: distribution('From the start of the clock to the end of the stream, ms'),
    latenessMs: distribution('How late requests left, open loop only, ms').optional(),
    inputTokens: distribution('Input tokens a request'),
    outputTokens: distribution('Output tokens a request'),
    finishReasons: z
      .array(z.strictObject({ reason: z.string().optional(), requests: count }))
      .optional()
      .describe('Why answers ended, in the words of the server'),
    tokenSource: z.enum(['usage', 'chunks']).describe('Where token counts came from'),
    cachedInputRatio: ratio.optional(),
    reasoningRatio: ratio.optional(),
    tokensPerChunk: z.number().optional(),
    outputTokensPerS: perS('Output tokens in the window').optional(),
    outputTokensPerSInterval: intervalSchema
      .optional()
      .describe('Of outputTokensPerS, by batch means; within this run only'),
    steadyState: steadyStateSchema.optional(),
    littlesLaw: littlesLawSchema.optional(),
    inputTokensPerS: perS('Input tokens in the window').optional(),
    wholeRunOutputTokensPerS: perS('Output tokens, ramp and drain included,').optional(),
    requestsPerS: perS('Requests completed').optional(),
    tokensPerSPerUser: perS('Output tokens that one user sees').optional(),
    goodput: goodputSchema.optional(),
    heldBack: count.optional().describe('Requests held back by the limit on requests under way'),
    neverSent: count.optional().describe('Requests due inside the window that were never sent'),
    rate: z
      .strictObject({
        askedPerS: perS('Requests asked for'),
        duePerS: perS('Requests due in the window by the timetable').optional(),
        sentPerS: perS('Requests sent').optional(),
      })
      .optional()
      .describe('Open loop only'),
    server: serverFiguresSchema.optional(),
    machine: machineFiguresSchema.optional(),
    roofline: rooflineSchema.optional(),
    health: healthSchema,
    instrument: instrumentSchema,
    ended: endedSchema,
    gates: z.array(gateSchema),
  })
  .describe('What one load level came to')

const measureWarningSchema = z.strictObject({
  kind: z.enum([
    'simulated',
    'random-weights',
    'partial-run',
    'shared-machine',
    'few-samples',
    'failed-requests',
    'short-output',
    'long-output',
    'input-length',
    'schedule-missed',
    'client-busy',
    'no-usage',
    'token-mismatch',
    'prompt-lengths-assumed',
    'tls-not-verified',
    'gpus-assumed',
    'gpu-shared',
    'idle-drift',
    'energy-withheld',
    'energy-gap',
    'power-over-limit',
    'window-not-steady',
    'over-roofline',
  ]),
  text: z.string(),
  level: count.optional().describe('Load level it is about; absent when it is about the run'),
})

const cornerOfFrontier = {
  level: count,
  outputTokensPerS: perS('Output tokens'),
  outputTokensPerSPerGpu: perS('Output tokens of one GPU').optional(),
}

const latencyFrontierSchema = z
  .strictObject({
    metric: z.enum(['ttftMs', 'tpotMs']),
    percentile: z.enum(['p50', 'p90', 'p95', 'p99']),
    points: z.array(z.strictObject({ ...cornerOfFrontier, latencyMs: ms('The percentile') })),
  })
  .describe('Points that no other point beats on both throughput and this percentile')

const summarySchema = z.strictObject({
  points: z.array(pointSchema),
  frontier: z
    .array(
      z.strictObject({
        ...cornerOfFrontier,
        tokensPerSPerUser: perS('Output tokens that one user sees'),
      }),
    )
    .describe('Points that no other point beats on both throughput and interactivity'),
  latencyFrontiers: z.array(latencyFrontierSchema),
  gates: z.array(gateSchema).describe('Of the run as a whole'),
  tokens: tokenCountsSchema,
  server: serverFiguresSchema.optional(),
  serverTimeline: z.array(serverMomentSchema).optional(),
  machine: machineSummarySchema.optional(),
  roofline: rooflineBasisSchema.optional(),
  search: searchSummarySchema.optional(),
  verdict: z.enum(['VALID', 'DEGRADED', 'INVALID']),
  purpose: purposeSchema.describe('What the limits of the gates were chosen for'),
  fitToPublish: z.boolean().describe('Run for publishing, and VALID by that'),
  reasons: z.array(z.string()).describe('Why the verdict is not VALID'),
  warnings: z.array(measureWarningSchema),
  instrument: certificateUseSchema,
})

const node = z.string().describe('Version of Node')

export const toolSchema = z.strictObject({
  name: z.literal('baremark'),
  version: z.string(),
  node,
  platform: z.string(),
})

export const machineSchema = z
  .strictObject({ cpuModel: z.string().optional(), cores: count })
  .describe('The machine that measured; cores are those the process may use')

const auditTimesSchema = z.strictObject({
  ttftMs: ms('To the first token, from the send'),
  latencyMs: ms('To the end, from the send'),
})

const runSchema = z.strictObject({
  schemaVersion: z.literal(1),
  runId: z.string(),
  tool: toolSchema,
  client: machineSchema.optional(),
  epoch: z.string().describe('Wall time of the zero of all times in ms, ISO 8601 UTC'),
  epochMonotonicMs: z
    .number()
    .optional()
    .describe('The same moment on the monotonic clock of the operating system, ms'),
  state: z.enum(['running', 'complete', 'partial']),
  config: z.strictObject({
    benchmark: benchmarkSchema,
    url: z.string(),
    model: z.string().optional(),
    apiKeySource: z.string().optional(),
    declaredWeights: weightsSchema.optional(),
    workers: count.optional().describe('Measuring threads asked for; by need when absent'),
    gpus: count.optional().describe('GPUs that serve the model, as stated'),
    tlsVerified: z.boolean().optional(),
    search: searchPlanSchema.optional(),
    purpose: purposeSchema.optional().describe('explore when absent'),
  }),
  target: z.strictObject({
    url: z.string(),
    model: z.string(),
    models: z.array(z.string()),
    serverHeader: z.string().optional(),
    engine: z.string().optional(),
    simulated: z.boolean().describe('True when no model ran'),
    weights: weightsSchema.optional(),
    contextTokens: count.optional(),
    server: serverSchema.optional(),
    forcesOutputLength: z.boolean().optional(),
    loopback: z.boolean().describe('Whether the server is on the measuring machine'),
  }),
  hardware: hardwareSchema,
  prompts: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('tokenizer'),
      sha256: z.string(),
      words: count,
      tokensPerWord: z.number(),
      overheadTokens: z.number(),
    }),
    z.strictObject({
      kind: z.literal('server-tokenizer'),
      path: z.string().describe("The server's endpoint that counted the words"),
      words: count,
      tokensPerWord: z.number(),
      overheadTokens: z.number(),
    }),
    z.strictObject({
      kind: z.literal('usage'),
      overheadTokens: z.number(),
      tokensPerWord: z.number(),
      notCounted,
    }),
    z.strictObject({
      kind: z.literal('assumed'),
      overheadTokens: z.literal(0),
      tokensPerWord: z.number(),
      reason: z.string(),
      notCounted,
    }),
  ]),
  preflight: z.array(findingSchema).optional(),
  telemetry: telemetryLogSchema.optional(),
  stateChanges: z.array(z.string()).optional(),
  serverAfter: z
    .union([
      z.strictObject({ changes: z.array(z.string()) }),
      z.strictObject({ unknown: z.string().describe('Why it is not known') }),
    ])
    .optional()
    .describe('What of the server was another after the run than before'),
  cachingAudit: z
    .strictObject({
      inputTokens: z.number(),
      outputTokens: z.number(),
      pairs: z.array(z.strictObject({ unique: auditTimesSchema, identical: auditTimesSchema })),
      failed: count,
      cutShort: z.string().optional().describe('Why it ended before its number of pairs'),
    })
    .optional()
    .describe('Requests with a new prompt each, against requests with the same prompt'),
  serverMetrics: z
    .union([
      z.strictObject({ address: z.string() }),
      z.strictObject({ none: z.string().describe('Why there are none') }),
    ])
    .optional()
    .describe("Where the server's own metrics were read"),
  roofline: rooflineFactsSchema.optional(),
  dataset: z
    .strictObject({
      format: z.string(),
      sha256: z.string(),
      requests: count.describe('Requests in use'),
      leftOut: count.describe('Of the file, not fit for use or not wanted'),
    })
    .optional(),
  levels: z.array(
    z.strictObject({
      level: count,
      load: loadLevelSchema,
      startMs: ms('Start of the level'),
      windowStartMs: ms('Start of the measured window'),
      windowEndMs: ms('End of the measured window'),
      endMs: ms('End of the level'),
      issued: count,
      heldBack: count.optional(),
      neverSent: count.optional(),
      ended: endedSchema,
      lostWorkers: z.array(lostWorkerSchema).optional(),
      health: healthSchema,
      wallEpochMs: z
        .strictObject({ start: z.number(), end: z.number() })
        .optional()
        .describe('Wall time of the epoch, ms since 1970, as the wall clock had it at either end'),
    }),
  ),
})

/** What `summary.json` may hold: exactly a `ReportDocument`, and not one key more. */
export const reportSchema = z.strictObject({
  notice: z.array(z.string()).min(1).describe('What must be read before any figure'),
  schemaVersion: z.literal(1),
  run: runSchema.describe('How it was measured, and on what'),
  summary: summarySchema.describe('What was measured'),
  cost: costSchema.describe('What it costs'),
})

/** The same as a JSON Schema, for programs that are not written in TypeScript. */
export function reportJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(reportSchema)
  return {
    $schema,
    $id: 'urn:baremark:schema:report:1',
    title: 'baremark report',
    description:
      'Measured speed and cost of an LLM inference server. An absent key is an unknown value, never zero.',
    ...schema,
  }
}

function sidesOf<T extends string>(sides: Record<string, T>): T[] {
  return [...new Set(Object.values(sides))]
}

/** Strips `readonly`, which a schema does not know of, so that two types can be compared. */
export type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T

/** Whether two types are the same, optional keys included. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does not compile when the schema and the type differ, be it in one optional key. */
true satisfies Same<Plain<z.output<typeof reportSchema>>, Plain<ReportDocument>>
