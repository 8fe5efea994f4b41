import { hostOf } from '../../src/detect/host-fields.ts'
import type { Benchmark } from '../../src/load/benchmark.ts'
import { benchmarkSchema } from '../../src/load/benchmark.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { LevelLog, RunLog } from '../../src/load/run-log.ts'
import type { ServerSample } from '../../src/load/server-metrics.ts'
import type { ServerReadings } from '../../src/load/server-readings.ts'
import type { JudgedCertificate } from '../../src/measure/instrument-certificate.ts'
import { startOperatingPoint } from '../../src/measure/operating-point.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'

/** A completed request: sent at 0, four chunks, eight tokens; any part may be overridden. */
export function record(parts: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: 0,
    level: 0,
    phase: 'measured',
    sentMs: 0,
    firstByteMs: 90,
    chunkMs: [100, 150, 200, 240],
    endMs: 250,
    closedMs: 250,
    outcome: { kind: 'completed' },
    httpStatus: 200,
    finishReason: 'length',
    requestedInputTokens: 16,
    requestedOutputTokens: 8,
    usage: { inputTokens: 16, outputTokens: 8 },
    ...parts,
  }
}

/** The same request again, `shiftMs` later. */
export function shifted(
  base: RequestRecord,
  shiftMs: number,
  parts: Partial<RequestRecord> = {},
): RequestRecord {
  const move = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : ms + shiftMs
  return {
    ...base,
    dueMs: move(base.dueMs),
    sentMs: move(base.sentMs),
    firstByteMs: move(base.firstByteMs),
    chunkMs: base.chunkMs.map((ms) => ms + shiftMs),
    endMs: move(base.endMs),
    closedMs: base.closedMs + shiftMs,
    ...parts,
  }
}

export function benchmark(parts: object = {}): Benchmark {
  return benchmarkSchema.parse({
    schemaVersion: 1,
    name: 'test',
    workload: { kind: 'synthetic', inputTokens: 16, outputTokens: 8 },
    load: { kind: 'closed', concurrency: [1] },
    durationS: 1,
    ...parts,
  })
}

export function levelLog(parts: Partial<LevelLog> = {}): LevelLog {
  return {
    level: 0,
    load: { kind: 'closed', concurrency: 1 },
    startMs: 0,
    windowStartMs: 0,
    windowEndMs: 1000,
    endMs: 1000,
    issued: 1,
    ended: 'complete',
    health: {
      loopDelayP50Ms: 0.1,
      loopDelayP99Ms: 1,
      loopDelayMaxMs: 2,
      cpuCores: 0.1,
      connectionsOpened: 1,
      workers: [],
    },
    ...parts,
  }
}

/** What records of one level, warm-up included, come to. */
export function operatingPoint(
  log: LevelLog,
  records: readonly RequestRecord[],
  benchmark: Benchmark,
  judged?: JudgedCertificate,
): OperatingPoint {
  const { add, finish } = startOperatingPoint(log, benchmark, judged)
  for (const each of records) add(each)
  return finish()
}

/** A look at the server that took a millisecond. */
export function look(atMs: number, readings: ServerReadings): ServerSample {
  return { atMs, tookMs: 1, readings }
}

const absent = { status: 'absent', reason: 'not asked', source: 'test' } as const

export function runLog(parts: Partial<RunLog> = {}): RunLog {
  return {
    schemaVersion: 1,
    runId: 'test-run',
    tool: { name: 'baremark', version: '0.0.0', node: 'v20.20.2', platform: 'linux-x64' },
    epoch: '2026-11-23T12:00:00.000Z',
    state: 'complete',
    config: { benchmark: benchmark(), url: 'http://127.0.0.1:8000' },
    target: {
      url: 'http://127.0.0.1:8000',
      model: 'm',
      models: ['m'],
      simulated: false,
      loopback: true,
    },
    hardware: {
      detectedAt: '2026-11-23T12:00:00.000Z',
      host: hostOf({}, { reason: 'not asked', source: 'test' }),
      gpus: [],
      topology: absent,
      tools: [],
      hwHash: 'same machine',
      stateHash: 'same state',
    },
    prompts: { kind: 'usage', overheadTokens: 4, tokensPerWord: 1 },
    levels: [levelLog()],
    ...parts,
  }
}
