import { modelFacts } from '../../src/detect/fit/model-facts.ts'
import { type Gpu, gpuOf } from '../../src/detect/gpu-fields.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import { hostOf } from '../../src/detect/host-fields.ts'
import type { Reading } from '../../src/detect/reading.ts'
import { type Benchmark, benchmarkSchema, type LoadLevel } from '../../src/load/benchmark.ts'
import type { LevelLog, RooflineFacts, RunLog } from '../../src/load/run-log.ts'
import { frontierOf, latencyFrontiersOf } from '../../src/measure/frontier.ts'
import { errorAt } from '../../src/measure/instrument-certificate.ts'
import type { ModelWork } from '../../src/measure/model-work.ts'
import { rooflineInputs, rooflineOf } from '../../src/measure/roofline.ts'
import { servingGpus } from '../../src/measure/serving-gpus.ts'
import type {
  AppliedError,
  Distribution,
  Gate,
  LittlesLaw,
  OperatingPoint,
  Percentile,
  ServerFigures,
  SteadyState,
  Summary,
  TokenCounts,
} from '../../src/measure/summary.ts'
import type { CostReport } from '../../src/price/cost-report.ts'
import type { Report } from '../../src/report/report.ts'
import { llama31x8b } from '../detect/model-configs.ts'
import { calibratedUsers, certificate, errors } from '../measure/certificates.ts'
import { sampleCost } from './sample-cost.ts'
import {
  FIRST_LEVEL_MS,
  h100Address,
  h100Changes,
  h100Figures,
  h100Gpus,
  h100Summary,
  h100Telemetry,
  h200Figures,
  h200Findings,
  h200Summary,
  h200Telemetry,
  LEVEL_MS,
} from './sample-machine.ts'

/** Four closed-loop levels on a detected H200 that was watched, priced three ways. Too few samples at 1 user. */
export function sampleReport(): Report {
  const { run, summary } = sampleParts()
  return priced(run, summary)
}

/** What the others are made of: each is priced once, as it is. */
interface Parts {
  readonly run: RunLog
  readonly summary: FrontlessSummary
}

function sampleParts(): Parts {
  return { run: sampleRun(), summary: sampleSummary() }
}

/** As a version wrote it that did not watch the machine. */
function unwatched({ run, summary }: Parts): Parts {
  const { preflight: _, telemetry: __, stateChanges: ___, ...oldRun } = run
  const { machine: ____, ...oldSummary } = summary
  const points = summary.points.map(({ machine: _____, ...point }) => point)
  return { run: oldRun, summary: { ...oldSummary, points } }
}

/**
 * Two levels on eight H100s of which nobody knows which serve: one is hot, the sampler was killed half
 * way through the second level, and somebody changed settings.
 */
export function throttledReport(): Report {
  const { run, summary } = sampleParts()
  const points = summary.points.slice(0, 2).map(
    (point): OperatingPoint => ({
      ...point,
      ...(point.level === 1 ? throttledDrift : {}),
      machine: h100Figures(point.level, point.outputTokensPerS ?? 0, point.requests.completed),
    }),
  )
  const links = Array.from({ length: 8 }, (_, row) =>
    Array.from({ length: 8 }, (_, column) => (row === column ? 'X' : 'NV18')),
  )
  const report = priced(
    {
      ...run,
      hardware: {
        ...run.hardware,
        gpus: h100Gpus(),
        topology: ok(
          { gpus: Array.from({ length: 8 }, (_, place) => h100Address(place)), links },
          'nvidia-smi topo -m',
        ),
      },
      preflight: [
        ...h200Findings,
        {
          check: 'open-files',
          severity: 'blocker',
          text: 'Only 256 files may be open at once, and 512 connections are planned',
          remedy: 'Allow more: sudo prlimit --pid $PPID --nofile=65536.',
        },
      ],
      telemetry: h100Telemetry,
      stateChanges: h100Changes,
      levels: run.levels.slice(0, 2),
    },
    {
      ...summary,
      points,
      machine: h100Summary(),
      verdict: 'INVALID',
      reasons: ['1 user: thermal-throttling is heat 12.7 %, power brake 0 %, power limit 31 %.'],
    },
  )
  const pricedLevelReason = 'the only level that was looked at throughout'
  return { ...report, cost: { ...report.cost, pricedLevel: 0, pricedLevelReason } }
}

const throttledDrift = {
  steadyState: { kind: 'drifts', changeRatio: -0.0612, lowRatio: -0.0848, highRatio: -0.0371 },
  outputTokensPerSInterval: undefined,
  littlesLaw: undefined,
} as const

/** As `sampleReport`, from a simulator, on a machine without a GPU. */
export function simulatedReport(): Report {
  const { run, summary } = unwatched(sampleParts())
  return priced(
    {
      ...run,
      target: { ...run.target, simulated: true, engine: 'baremark simulator' },
      hardware: { ...run.hardware, gpus: [] },
      preflight: [],
      telemetry: { kind: 'none', reason: 'not wanted (--no-telemetry)' },
    },
    {
      ...summary,
      verdict: 'DEGRADED',
      reasons: ['The client shared its machine with the server.'],
      warnings: [{ kind: 'simulated', text: 'A simulator answered.' }, ...summary.warnings],
    },
  )
}

/** Stopped by the user in its second level. */
export function partialReport(): Report {
  const { run, summary } = sampleParts()
  const points = summary.points.slice(0, 2).map(
    (point): OperatingPoint =>
      point.level === 1
        ? {
            ...point,
            ended: 'interrupted',
            requests: { ...point.requests, cancelled: 2, issued: 150 },
          }
        : point,
  )
  return priced(
    {
      ...run,
      state: 'partial',
      levels: run.levels
        .slice(0, 2)
        .map((level): LevelLog => (level.level === 1 ? { ...level, ended: 'interrupted' } : level)),
    },
    {
      ...summary,
      points,
      machine: h200Summary(2),
      verdict: 'INVALID',
      reasons: ['The run was interrupted at 2 users.'],
    },
  )
}

/** Poisson arrivals at two rates, with a service level and lateness; the server is elsewhere. */
export function openLoopReport(): Report {
  const { run, summary } = unwatched(sampleParts())
  const rates = [2, 4]
  const slo = { ttftMs: 120, tpotMs: 25 }
  const points = rates.map((ratePerS, level): OperatingPoint => {
    const base = summary.points[level + 1]
    if (!base) throw new Error('the sample has four levels')
    return {
      ...base,
      level,
      load: { kind: 'poisson', ratePerS },
      label: `${ratePerS} req/s Poisson`,
      instrument: {
        streams: ratePerS * 1.9,
        eventsPerS: ratePerS * 256,
        error: {
          kind: 'certified',
          calibratedAt: '10 req/s Poisson',
          calibratedStreams: 10.2,
          calibratedEventsPerS: 2500,
          delayMs: errors(12_000, 0.09, 0.8),
          ttftErrorMs: errors(52, 0.31, 1.4),
          gapErrorMs: errors(11_900, 0.02, 0.6),
          latenessMs: errors(52, 0.04, 0.2),
        },
      },
      rate: { askedPerS: ratePerS, duePerS: ratePerS, sentPerS: ratePerS * 0.998 },
      latenessMs: distribution(base.requests.completed, [0.21, 0.62, 0.94, 2.8]),
      goodput: {
        slo,
        requestsPerS: ratePerS * 0.97,
        outputTokensPerS: ratePerS * 0.97 * 256,
        goodRatio: level === 0 ? 0.9997 : 0.97,
      },
    }
  })
  return priced(
    {
      ...run,
      config: {
        ...run.config,
        benchmark: benchmark({ load: { kind: 'poisson', ratePerS: rates }, slo }),
      },
      target: {
        ...run.target,
        url: 'https://user:secret@inference.example.net:8443/v1?key=secret',
        loopback: false,
      },
      preflight: [],
      telemetry: {
        kind: 'none',
        reason: 'the server is on another machine, which cannot be watched from here',
      },
      levels: run.levels.slice(0, 2),
    },
    {
      ...summary,
      points,
      warnings: [],
    },
  )
}

/** Nothing completed: everything that could be measured is unknown. */
export function emptyReport(): Report {
  const { run, summary } = unwatched(sampleParts())
  const point: OperatingPoint = {
    level: 0,
    load: { kind: 'closed', concurrency: 1 },
    label: '1 user',
    windowS: 120,
    requests: {
      issued: 40,
      completed: 0,
      failed: 38,
      timedOut: 2,
      cancelled: 0,
      abandoned: 0,
      lost: 0,
      warmUp: 3,
    },
    errors: [
      { kind: 'connection-refused', side: 'network', count: 38, example: 'connect ECONNREFUSED' },
      { kind: 'timed-out: first-token', side: 'server', count: 2, example: 'no token in 120 s' },
    ],
    ttftMs: nothing(),
    ttftFromSentMs: nothing(),
    tpotMs: nothing(),
    interChunkMs: nothing(),
    latencyMs: nothing(),
    inputTokens: nothing(),
    outputTokens: nothing(),
    tokenSource: 'usage',
    steadyState: { kind: 'not-judged', reason: 'no request completed' },
    health: { connectionsOpened: 40, workers: [] },
    instrument: { error: { kind: 'unknown', reason: 'no certificate: run `baremark calibrate`' } },
    ended: 'too-many-failures',
    gates: gates(1, 'fail'),
  }
  return priced(
    {
      ...run,
      config: {
        ...run.config,
        benchmark: benchmark({ load: { kind: 'closed', concurrency: [1] } }),
      },
      hardware: { ...run.hardware, gpus: [], host: absentHost() },
      levels: run.levels.slice(0, 1).map((level) => ({ ...level, ended: 'too-many-failures' })),
    },
    {
      ...summary,
      points: [point],
      verdict: 'INVALID',
      reasons: ['No request completed at 1 user.'],
      warnings: [],
      tokens: { completedRequests: 0, counts: [], agreement: [] },
      instrument: { kind: 'none', reason: 'no certificate: run `baremark calibrate`' },
    },
  )
}

/** Random weights, a price that is missing and an hourly bill that therefore has no total. */
export function unknownPriceReport(): Report {
  const { run, summary } = sampleParts()
  const random: RunLog = { ...run, target: { ...run.target, weights: 'random' } }
  return reportOf(random, summary, sampleCost(random, summary, { quoted: false }))
}

const sampleRoofline: RooflineFacts = {
  model: modelFacts(llama31x8b, 'c0ffee'),
  accelerator: {
    profile: 'h200-sxm',
    name: 'NVIDIA H200 SXM 141 GB',
    unit: 'gpu',
    how: 'detected',
    bandwidthGbPerS: { value: 4800, source: 'a data sheet', date: '2026-04-03' },
    bf16DenseTflops: { value: 989, source: 'a data sheet', date: '2026-04-03' },
  },
}

/** 1,024 tokens in and 256 out: 255 steps of decoding at a context of 1,152 tokens on average. */
function sampleWork({ level, outputTokensPerS = 0 }: OperatingPoint): ModelWork {
  const answers = (outputTokensPerS * WINDOW_S) / 256
  const [batch, layers, numbers] = [concurrencies[level] ?? 1, 32, 2048]
  return {
    decodeTokens: 255 * answers,
    steps: (255 * answers) / batch,
    firstTokens: answers,
    promptTokens: 1024 * answers,
    decodePairs: 255 * 1152 * layers * answers,
    promptPairs: ((1024 * 1025) / 2) * layers * answers,
    kvNumbersRead: 255 * 1152 * layers * numbers * answers,
  }
}

/** As `sampleReport`, with the model described. */
function rooflineReport(): Report {
  const { run: unaware, summary, cost } = sampleReport()
  const run = { ...unaware, roofline: sampleRoofline }
  const inputs = rooflineInputs(run)
  if (inputs === undefined) throw new Error('the model is described')
  const points = summary.points.map((point) => ({
    ...point,
    roofline: rooflineOf(sampleWork(point), WINDOW_S, inputs),
  }))
  return reportOf(run, { ...summary, points, roofline: inputs.basis }, cost)
}

/** Two levels on a server that tells much of itself, and that somebody else used too. */
export function toldReport(): Report {
  const { run, summary } = unwatched(sampleParts())
  const server = (level: number): ServerFigures => ({
    fromMs: 1_000 + level * 130_000,
    toMs: 119_000 + level * 130_000,
    samples: 119,
    gaps: level,
    resets: 0,
    inputTokens: 80_000 * (level + 1),
    outputTokens: 20_000 * (level + 1),
    preemptions: level,
    prefixCacheHitRatio: 0.031,
    specAcceptedRatio: 0.62,
    runningMean: level + 0.97,
    runningMax: level + 2,
    waitingMean: level * 0.25,
    waitingMax: level,
    kvCacheUsedRatioMax: 0.04 * (level + 1),
    ttftMs: {
      n: 77 * (level + 1),
      meanMs: 39.5,
      p50: { p: 50, aboveMs: 20, upToMs: 40 },
      p95: level === 0 ? { p: 95, withheldUntilN: 130 } : { p: 95, aboveMs: 60, upToMs: 80 },
    },
    queueMs: { n: 77, meanMs: 0.4, p50: { p: 50, aboveMs: 0, upToMs: 300 } },
    latencyMs: {
      n: 77 * (level + 1),
      meanMs: 1_560,
      p50: { p: 50, aboveMs: 1_500, upToMs: 2_000 },
      p95: level === 0 ? { p: 95, withheldUntilN: 130 } : { p: 95, aboveMs: 2_000 },
    },
    itlMs: { n: 19_600, meanMs: 5.9 },
  })
  const points = summary.points.slice(0, 2).map((point) => ({
    ...point,
    cachedInputRatio: 0.03,
    itlMs: distribution(point.interChunkMs.n, measured[point.level]?.tpot ?? []),
    server: server(point.level),
  }))
  const [own, counted] = [230 * 256, 70_000]
  const input = 230 * 1024
  return priced(
    {
      ...run,
      state: 'complete',
      serverMetrics: { address: 'http://user:secret@127.0.0.1:8000/metrics?key=secret' },
      levels: run.levels.slice(0, 2).map((level) => ({
        ...level,
        windowStartMs: 10_000 + level.level * 130_000,
        windowEndMs: 130_000 + level.level * 130_000,
      })),
    },
    {
      ...summary,
      points,
      server: { ...server(1), fromMs: 0, toMs: 262_000, samples: 262, gaps: 1 },
      serverTimeline: Array.from({ length: 27 }, (_, i) => ({
        atMs: i * 10_000,
        running: i === 0 || i === 26 ? 0 : 1 + Math.floor(i / 13),
        waiting: i === 20 ? 1 : 0,
        kvCacheUsedRatio: i === 26 ? 0 : 0.04 * (1 + Math.floor(i / 13)),
      })),
      gates: [
        {
          gate: 'alone-on-server',
          status: 'fail',
          severity: 'invalid',
          value: 'the server counted 70000 output tokens of 59136 possible',
          limit: "at most 1 % more than this client's requests can have caused",
          remedy: 'Someone else used the server at the same time: repeat alone.',
        },
        {
          gate: 'runs',
          status: 'not-measured',
          severity: 'degraded',
          value: 'not measured',
          limit: 'at least 3 of the same benchmark',
          reason: 'this is a single run',
          remedy: 'Repeat the run, the server started anew in between.',
        },
      ],
      purpose: 'publish',
      tokens: {
        completedRequests: 230,
        counts: [
          { direction: 'input', source: 'usage', tokens: input, requests: 230 },
          { direction: 'input', source: 'server-counters', tokens: input - 6_900 },
          { direction: 'output', source: 'usage', tokens: own, requests: 230 },
          { direction: 'output', source: 'server-timings', tokens: own, requests: 230 },
          { direction: 'output', source: 'chunks', tokens: 20_000, requests: 230 },
          { direction: 'output', source: 'server-counters', tokens: counted },
        ],
        agreement: [
          {
            direction: 'input',
            sources: ['usage', 'server-counters'],
            tokens: [input, input - 6_900],
            ratio: (input - 6_900) / input,
            outcome: 'within-bounds',
            why: 'servers may leave out what came from the prefix cache',
          },
          {
            direction: 'output',
            sources: ['usage', 'chunks'],
            tokens: [own, 20_000],
            ratio: 20_000 / own,
            outcome: 'not-comparable',
            why: 'a chunk holds 2.94 tokens on average',
          },
          {
            direction: 'output',
            sources: ['usage', 'server-counters'],
            tokens: [own, counted],
            ratio: counted / own,
            outcome: 'differ',
          },
        ],
        reasoningTokens: 12_000,
        cachedInputTokens: 7_065,
        mostCausedOutputTokens: 59_136,
        mostCausedInputTokens: input + 1_024,
      },
      verdict: 'INVALID',
      reasons: [
        'whole run: alone-on-server is 70000 output tokens of 59136 possible.',
        'whole run: runs is not measured, as this is a single run',
      ],
    },
  )
}

/** Every text that comes from outside tries to be something else. */
export function hostileReport(hostile: string): Report {
  const { run, summary, cost } = sampleReport()
  const gpu = run.hardware.gpus[0]
  const point = summary.points[0]
  if (!gpu || !point) throw new Error('the sample has a GPU and a level')
  return reportOf(
    {
      ...run,
      runId: hostile,
      config: { ...run.config, model: hostile, apiKeySource: hostile },
      target: {
        ...run.target,
        model: hostile,
        engine: hostile,
        serverHeader: hostile,
        models: [hostile],
      },
      hardware: {
        ...run.hardware,
        host: { ...run.hardware.host, cpuModel: ok(hostile, hostile), os: absent(hostile) },
        gpus: [
          { ...gpu, name: ok(hostile, hostile), driverVersion: absent(hostile) },
          {
            ...gpu,
            index: 1,
            name: ok(`other ${hostile}`, hostile),
            processes: ok([{ name: hostile }], hostile),
            partitions: ok([{ profile: hostile }], hostile),
          },
        ],
        topology: ok(
          {
            gpus: [hostile, hostile],
            links: [
              [hostile, hostile],
              [hostile, hostile],
            ],
          },
          hostile,
        ),
        hwHash: hostile,
        tools: [{ tool: hostile, outcome: 'failed', detail: hostile, tookMs: 4 }],
      },
      prompts: { kind: 'assumed', overheadTokens: 0, tokensPerWord: 1.3, reason: hostile },
      serverMetrics: { none: hostile },
      preflight: [{ check: hostile, severity: 'blocker', text: hostile, remedy: hostile }],
      telemetry: {
        kind: 'recorded',
        serving: { kind: 'unknown', reason: hostile },
        idle: [],
        died: hostile,
      },
      stateChanges: [hostile],
    },
    {
      ...summary,
      points: [
        {
          ...point,
          label: hostile,
          server: toldReport().summary.points[0]?.server,
          machine: hostileMachine(hostile),
          instrument: { error: { kind: 'unknown', reason: hostile } },
          errors: [{ kind: hostile, side: 'server', count: 1, example: hostile }],
          gates: [
            {
              gate: hostile,
              status: 'fail',
              severity: 'degraded',
              value: hostile,
              limit: hostile,
              remedy: hostile,
            },
          ],
        },
      ],
      tokens: toldReport().summary.tokens,
      machine: {
        idle: [{ scope: 'gpu', reason: hostile }],
        timelines: ['a', 'b'].map((id) => ({
          id: `${id}${hostile}`,
          name: hostile,
          scope: 'gpu',
          moments: [
            { atMs: 0, powerW: 5, temperatureC: 5 },
            { atMs: 1, powerW: 5 },
          ],
        })),
        attribution: hostile,
      },
      verdict: 'DEGRADED',
      reasons: [hostile],
      instrument: {
        kind: 'applies',
        date: hostile,
        node: hostile,
        version: hostile,
        cpuModel: hostile,
        cores: 1,
        arrival: 'bursts',
      },
      warnings: [{ kind: 'few-samples', text: hostile, level: 0 }],
    },
    {
      ...cost,
      pricedLevel: 0,
      pricedLevelReason: hostile,
      options: cost.options.map((option) => ({
        ...option,
        name: hostile,
        missing: [hostile],
        excluded: [{ requirement: 'dataResidency', why: hostile }],
      })),
      breakEvens: cost.breakEvens.map((each) => ({ ...each, explanation: hostile })),
      figures: cost.figures.map((each) => ({
        ...each,
        label: hostile,
        unit: hostile,
        ...(each.formula === undefined ? {} : { formula: hostile }),
        ...(each.source === undefined ? {} : { source: hostile, date: hostile, note: hostile }),
      })),
      warnings: [{ kind: 'placeholder-price', text: hostile }],
    },
  )
}

function hostileMachine(hostile: string): OperatingPoint['machine'] {
  const figures = ['a', 'b'].map((id, device) => ({
    device,
    id: `${id}${hostile}`,
    name: hostile,
    scope: 'gpu' as const,
    serving: true,
    looks: 2,
    energy: {
      device,
      id: hostile,
      name: hostile,
      scope: 'gpu' as const,
      status: 'reset' as const,
      reason: hostile,
      coverageRatio: 1,
    },
  }))
  return {
    devices: figures,
    scopes: [{ scope: 'gpu', devices: 2, status: 'reset', reason: hostile }],
  }
}

/** By name, for tests that hold for any report. */
export const variants: Record<string, () => Report> = {
  sample: sampleReport,
  simulated: simulatedReport,
  partial: partialReport,
  'open-loop': openLoopReport,
  empty: emptyReport,
  'unknown-price': unknownPriceReport,
  told: toldReport,
  throttled: throttledReport,
  roofline: rooflineReport,
}

type FrontlessSummary = Omit<Summary, 'frontier' | 'latencyFrontiers'>

function reportOf(run: RunLog, summary: FrontlessSummary, cost: CostReport): Report {
  const gpus = servingGpus(run)?.count
  const fronts = {
    frontier: frontierOf(summary.points, gpus),
    latencyFrontiers: latencyFrontiersOf(summary.points, gpus),
  }
  return { schemaVersion: 1, run, summary: { ...summary, ...fronts }, cost }
}

function priced(run: RunLog, summary: FrontlessSummary): Report {
  return reportOf(run, summary, sampleCost(run, summary))
}

const concurrencies = [1, 2, 4, 8]
const WINDOW_S = 120

/** Per level: requests completed, output tokens/s, median TPOT, and four percentiles each. */
const measured = [
  {
    completed: 77,
    outputTokensPerS: 164.3,
    ttft: [41.2, 44.9, 47.3, 52.8],
    tpot: [5.86, 5.93, 5.98, 6.1],
    failed: 0,
  },
  {
    completed: 148,
    outputTokensPerS: 315.7,
    ttft: [46.8, 58.1, 63.4, 81.9],
    tpot: [6.08, 6.24, 6.31, 6.57],
    failed: 0,
  },
  {
    completed: 281,
    outputTokensPerS: 599.5,
    ttft: [55.3, 79.6, 96.2, 133],
    tpot: [6.41, 6.73, 6.88, 7.32],
    failed: 1,
  },
  {
    completed: 702,
    outputTokensPerS: 1497.6,
    ttft: [71.9, 138.4, 187.5, 264],
    tpot: [7.05, 7.71, 8.12, 9.4],
    failed: 3,
  },
] as const

function sampleSummary(): FrontlessSummary {
  const points = concurrencies.map(pointAt)
  return {
    points,
    gates: [],
    machine: h200Summary(),
    tokens: sampleTokens(),
    verdict: 'VALID',
    purpose: 'explore',
    fitToPublish: false,
    reasons: [],
    instrument: {
      kind: 'applies',
      date: '2026-03-03T09:30:12.000Z',
      node: 'v24.21.0',
      version: '0.1.0',
      cpuModel: 'AMD EPYC 9555 64-Core Processor',
      cores: 128,
      arrival: 'spread',
    },
    warnings: [
      {
        kind: 'few-samples',
        level: 0,
        text: '1 user: TTFT p95, TPOT p95 withheld, 77 requests are too few (130 needed). Measure for longer.',
      },
      {
        kind: 'shared-machine',
        text: 'Client and server share this machine. Run the client elsewhere to be sure that it takes nothing from the server.',
      },
    ],
  }
}

/** 1,208 completed requests and 45 of the warm-up, 256 tokens each and a token a chunk. */
function sampleTokens(): TokenCounts {
  const output = 1253 * 256
  return {
    completedRequests: 1253,
    counts: [
      { direction: 'input', source: 'usage', tokens: 1253 * 1024, requests: 1253 },
      { direction: 'output', source: 'usage', tokens: output, requests: 1253 },
      { direction: 'output', source: 'chunks', tokens: output, requests: 1253 },
    ],
    agreement: [
      {
        direction: 'output',
        sources: ['usage', 'chunks'],
        tokens: [output, output],
        ratio: 1,
        outcome: 'agree',
      },
    ],
    mostCausedOutputTokens: output + 4 * 256,
    mostCausedInputTokens: 1253 * 1024 + 4 * 1024,
  }
}

function pointAt(concurrency: number, level: number): OperatingPoint {
  const figures = measured[level]
  if (!figures) throw new Error(`no figures for level ${level}`)
  const { completed, failed, ttft, tpot, outputTokensPerS } = figures
  return {
    level,
    load: { kind: 'closed', concurrency },
    label: concurrency === 1 ? '1 user' : `${concurrency} users`,
    windowS: WINDOW_S,
    requests: {
      issued: completed + failed,
      completed,
      failed,
      timedOut: 0,
      cancelled: 0,
      abandoned: 0,
      lost: 0,
      warmUp: concurrency * 3,
    },
    errors:
      failed === 0
        ? []
        : [{ kind: 'http-status', side: 'server', count: failed, example: '503: queue is full' }],
    ttftMs: distribution(completed, ttft),
    ttftFromSentMs: distribution(completed, ttft),
    tpotMs: distribution(completed, tpot),
    interChunkMs: distribution(completed * 255, tpot),
    latencyMs: distribution(
      completed,
      ttft.map((ms, i) => ms + 255 * (tpot[i] ?? 0)),
    ),
    inputTokens: distribution(completed, [1024, 1025, 1026, 1026]),
    outputTokens: distribution(completed, [256, 256, 256, 256]),
    tokenSource: 'usage',
    tokensPerChunk: 1,
    outputTokensPerS,
    outputTokensPerSInterval: { low: outputTokensPerS * 0.98, high: outputTokensPerS * 1.02 },
    steadyState: steadyStateAt(level, outputTokensPerS),
    littlesLaw: littlesLaw(concurrency, completed, outputTokensPerS),
    inputTokensPerS: outputTokensPerS * 4,
    wholeRunOutputTokensPerS: outputTokensPerS * 0.981,
    requestsPerS: completed / WINDOW_S,
    tokensPerSPerUser: 1000 / tpot[0],
    health: {
      loopDelayP50Ms: 0.1,
      loopDelayP99Ms: 1.4,
      loopDelayMaxMs: 6.2,
      cpuCores: 0.08 * concurrency,
      busiestWorkerCores: 0.07 * concurrency,
      connectionsOpened: concurrency,
      workers: [
        {
          loopDelayP50Ms: 0.1,
          loopDelayP99Ms: 1.4,
          loopDelayMaxMs: 6.2,
          cpuCores: 0.07 * concurrency,
          reads: 4000 * concurrency,
          chunks: 4100 * concurrency,
          connectionsOpened: concurrency,
          clockErrorMs: 0.0002,
        },
      ],
    },
    instrument: {
      streams: concurrency * 0.997,
      eventsPerS: outputTokensPerS,
      error: errorAtLevel({ kind: 'closed', concurrency }, outputTokensPerS),
    },
    ended: 'complete',
    gates: gates(concurrency, 'pass'),
    machine: h200Figures(level, outputTokensPerS, completed),
  }
}

/** All but the first ten and the last six seconds of the window. */
function steadyStateAt(level: number, outputTokensPerS: number): SteadyState {
  const startMs = FIRST_LEVEL_MS + level * LEVEL_MS + 10_000
  return {
    kind: 'steady',
    startMs: startMs + 10_000,
    endMs: startMs + 114_000,
    outputTokensPerS: outputTokensPerS * 1.012,
    // The batches at 4 users hang together too much for an interval.
    interval:
      level === 2 ? undefined : { low: outputTokensPerS * 0.996, high: outputTokensPerS * 1.028 },
  }
}

function littlesLaw(concurrency: number, completed: number, outputTokensPerS: number): LittlesLaw {
  const endedPerS = (outputTokensPerS * 1.012) / 256
  return {
    meanInFlight: concurrency,
    endedPerS,
    meanLatencyMs: (1000 * concurrency * 0.994) / endedPerS,
    residualRatio: 0.006,
    limitRatio: 0.05 + (2 * concurrency) / completed,
  }
}

/** Calibrated for 1 and 4 users, so that nothing is known of 8. */
function errorAtLevel(load: LoadLevel, eventsPerS: number): AppliedError {
  const levels = [calibratedUsers(1, 500), calibratedUsers(4, 2000)]
  const level = { load, streams: 1, eventsPerS }
  return errorAt(level, { kind: 'applies', certificate: certificate({ levels }) })
}

function gates(concurrency: number, completed: Gate['status']): Gate[] {
  const gate = (
    name: string,
    status: Gate['status'],
    severity: Gate['severity'],
    value: string,
    limit: string,
    remedy: string,
  ): Gate => ({ gate: name, status, severity, value, limit, remedy })
  const passed = completed === 'pass'
  return [
    gate(
      'completed-requests',
      completed,
      'invalid',
      passed ? `${77 * concurrency}` : '0',
      'at least 1',
      'Look at the errors, or measure for longer.',
    ),
    gate(
      'error-budget',
      completed,
      'invalid',
      passed ? '0.4 %' : '100 % (40 of 40)',
      'at most 1.0 %',
      'Look at the errors; lower the load or mend the server.',
    ),
    gate(
      'client-event-loop',
      'pass',
      'degraded',
      '1.4 ms',
      'delay p99 at most 10 ms',
      'The client itself was slow to notice answers: lower the load, or run it from another host.',
    ),
    {
      ...gate(
        'schedule-kept',
        'does-not-apply',
        'invalid',
        'does not apply',
        'lateness p99 at most 1.0 ms',
        'This machine could not keep the timetable: lower the rate, or run the load from another host.',
      ),
      reason: 'users wait for answers, so there is no timetable',
    },
    {
      ...gate(
        'prefix-cache',
        'not-measured',
        'degraded',
        'not measured',
        "at most 5.0 % more than the template's 0 %",
        'Empty the cache, or start the server anew.',
      ),
      reason: "neither the answers nor the server's metrics tell of a cache",
    },
    gate(
      'duration',
      'pass',
      'note',
      `${WINDOW_S.toFixed(1)} s`,
      'at least 60 s',
      'A short window shows little of what changes with time: measure for longer.',
    ),
  ]
}

const sampleFloors = { p50: 0, p90: 64, p95: 130, p99: 662 } as const

/** Values of p50, p90, p95 and p99; each is withheld under its floor, as the measure room does. */
function distribution(n: number, values: readonly number[]): Distribution {
  const [p50 = 0, p90 = 0, p95 = 0, p99 = 0] = values
  return {
    n,
    mean: p50 * 1.02,
    meanInterval: n < 100 ? undefined : { low: p50 * 0.99, high: p50 * 1.05 },
    min: p50 * 0.9,
    max: p99 * 1.3,
    p50: percentile(50, n, sampleFloors.p50, p50, p50 * 0.985, p50 * 1.015),
    p90: percentile(90, n, sampleFloors.p90, p90, p90 * 0.97, p90 * 1.05),
    p95: percentile(95, n, sampleFloors.p95, p95, p95 * 0.95, p95 * 1.09),
    p99: percentile(99, n, sampleFloors.p99, p99, p99 * 0.93, undefined),
  }
}

function percentile(
  p: number,
  n: number,
  floor: number,
  value: number,
  low: number,
  high: number | undefined,
): Percentile {
  return n < floor
    ? { p, n, withheldUntilN: floor }
    : { p, n, value, low, high, earlyStopping: (high ?? value) * 1.02 }
}

function nothing(): Distribution {
  const of = (p: number, withheldUntilN?: number): Percentile => ({ p, n: 0, withheldUntilN })
  return { n: 0, p50: of(50), p90: of(90, 64), p95: of(95, 130), p99: of(99, 662) }
}

function benchmark(changes: Partial<Benchmark> = {}): Benchmark {
  return benchmarkSchema.parse({
    schemaVersion: 1,
    name: 'chat-1k-256',
    workload: { kind: 'synthetic', inputTokens: 1024, outputTokens: 256 },
    load: { kind: 'closed', concurrency: concurrencies },
    warmupS: 10,
    durationS: WINDOW_S,
    ...changes,
  })
}

function sampleRun(): RunLog {
  return {
    schemaVersion: 1,
    runId: '2026-03-04T101500Z-chat-1k-256',
    tool: { name: 'baremark', version: '0.1.0', node: '22.21.0', platform: 'linux-x64' },
    epoch: '2026-03-04T10:15:00.000Z',
    state: 'complete',
    config: { benchmark: benchmark(), url: 'http://127.0.0.1:8000', apiKeySource: 'environment' },
    target: {
      url: 'http://127.0.0.1:8000',
      model: 'meta-llama/Llama-3.1-8B-Instruct',
      models: ['meta-llama/Llama-3.1-8B-Instruct'],
      serverHeader: 'uvicorn',
      engine: 'vLLM 0.11.0',
      simulated: false,
      weights: 'trained',
      contextTokens: 131_072,
      forcesOutputLength: true,
      loopback: true,
    },
    hardware: sampleHardware(),
    prompts: { kind: 'usage', overheadTokens: 36, tokensPerWord: 1.31 },
    preflight: h200Findings,
    telemetry: h200Telemetry,
    stateChanges: [],
    levels: concurrencies.map((concurrency, level) =>
      levelLog({ kind: 'closed', concurrency }, level),
    ),
  }
}

function levelLog(load: LoadLevel, level: number): LevelLog {
  const startMs = FIRST_LEVEL_MS + level * LEVEL_MS
  return {
    level,
    load,
    startMs,
    windowStartMs: startMs + 10_000,
    windowEndMs: startMs + 130_000,
    endMs: startMs + 132_000,
    issued: 80 * (level + 1),
    ended: 'complete',
    health: { connectionsOpened: level + 1, workers: [] },
  }
}

function sampleHardware(): Hardware {
  return {
    detectedAt: '2026-03-04T10:14:58.000Z',
    host: hostOf(
      {
        cpuModel: ok('AMD EPYC 9555 64-Core Processor', '/proc/cpuinfo: model name'),
        cpuCoresPhysical: ok(64, '/proc/cpuinfo: cpu cores'),
        cpuCoresLogical: ok(128, '/proc/cpuinfo: processor'),
        memoryTotalMib: ok(773_520, '/proc/meminfo: MemTotal'),
        memoryAvailableMib: ok(741_023, '/proc/meminfo: MemAvailable'),
        board: absent('only root may read it', '/sys/class/dmi/id/board_name'),
        os: ok('Ubuntu 24.04.2 LTS', '/etc/os-release: PRETTY_NAME'),
        kernel: ok('6.8.0-52-generic', 'uname'),
        virtualization: ok('none', 'systemd-detect-virt'),
      },
      { reason: 'not read', source: 'none' },
    ),
    gpus: [sampleGpu()],
    tools: [
      { tool: 'nvidia-smi', outcome: 'ok', tookMs: 312 },
      { tool: 'rocm-smi', outcome: 'not-found', tookMs: 2 },
    ],
    topology: absent('one GPU only', 'nvidia-smi topo -m'),
    hwHash: '0123456789abcdef',
    stateHash: 'a1b2c3d4e5f60718',
  }
}

function sampleGpu(): Gpu {
  const smi = (field: string) => `nvidia-smi: ${field}`
  const readings = {
    name: ok('NVIDIA H200', smi('name')),
    pciAddress: ok('0000:17:00.0', smi('pci.bus_id')),
    vramTotalMib: ok(143_771, smi('memory.total')),
    vramReservedMib: ok(615, smi('memory.reserved')),
    vramUsedMib: ok(129_004, smi('memory.used')),
    vramFreeMib: ok(14_152, smi('memory.free')),
    driverVersion: ok('570.124.06', smi('driver_version')),
    computeCapability: ok('9.0', smi('compute_cap')),
    powerLimitEnforcedW: ok(700, smi('enforced.power.limit')),
    powerLimitDefaultW: ok(700, smi('power.default_limit')),
    powerW: ok(118.4, smi('power.draw.average')),
    temperatureC: ok(34, smi('temperature.gpu')),
    clockSmMhz: ok(1980, smi('clocks.sm')),
    clockSmMaxMhz: ok(1980, smi('clocks.max.sm')),
    eccEnabled: ok(true, smi('ecc.mode.current')),
    migEnabled: ok(false, smi('mig.mode.current')),
    pcieGeneration: ok(5, smi('pcie.link.gen.gpucurrent')),
    pcieWidth: absent('the tool answered "[N/A]"', smi('pcie.link.width.current')),
  }
  return gpuOf('nvidia', 0, readings, { reason: 'not asked for', source: 'nvidia-smi' })
}

function absentHost(): Hardware['host'] {
  return hostOf({}, { reason: 'not a Linux machine', source: 'none' })
}

function ok<T>(value: T, source: string): Reading<T> {
  return { status: 'ok', value, source }
}

function absent(reason: string, source = 'none'): Reading<never> {
  return { status: 'absent', reason, source }
}
