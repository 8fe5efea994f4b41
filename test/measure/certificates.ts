import type { LoadLevel } from '../../src/load/benchmark.ts'
import { describeLevel } from '../../src/load/benchmark.ts'
import type { InstrumentLevel } from '../../src/measure/instrument.ts'
import type { Certificate, Measurer } from '../../src/measure/instrument-certificate.ts'
import type { Distribution } from '../../src/measure/summary.ts'

/** Who measured at noon of 23 November with the Node and on the machine of `certificate()`. */
export function measurer(parts: Partial<Measurer> = {}): Measurer {
  return {
    tool: { name: 'baremark', version: '0.1.0', node: 'v24.21.0', platform: 'linux-x64' },
    client: { cpuModel: 'Test CPU', cores: 8 },
    epoch: '2026-11-23T12:00:00.000Z',
    ...parts,
  }
}

/** Made at 8:00 of the same day: 1, 16 and 64 users of 50 chunks/s. */
export function certificate(parts: Partial<Certificate> = {}): Certificate {
  return {
    schemaVersion: 1,
    kind: 'baremark-certificate',
    date: '2026-11-23T08:00:00.000Z',
    tool: { name: 'baremark', version: '0.1.0', node: 'v24.21.3', platform: 'linux-x64' },
    machine: { cpuModel: 'Test CPU', cores: 8 },
    load: {
      api: 'openai-chat',
      chunksPerSPerStream: 50,
      arrival: 'spread',
      inputTokens: 16,
      outputChunks: 50,
      warmupS: 1,
      windowS: 5,
    },
    levels: [calibratedUsers(1, 50), calibratedUsers(16, 800), calibratedUsers(64, 3200)],
    stampsWithoutRecord: 0,
    highestEventsPerS: {
      p99Under1Ms: { kind: 'reached', eventsPerS: 800 },
      p99Under5Ms: { kind: 'all-under', eventsPerS: 3200 },
    },
    problems: [],
    ...parts,
  }
}

export function calibratedUsers(concurrency: number, eventsPerS: number): InstrumentLevel {
  return calibratedLevel({ kind: 'closed', concurrency }, { streams: concurrency, eventsPerS })
}

/** Delay 0.1 ms, TTFT error 0.4 and gap error 0.02 ms in the median; 1, 2 and 0.5 ms at p99. */
export function calibratedLevel(
  load: LoadLevel,
  parts: Partial<InstrumentLevel> = {},
): InstrumentLevel {
  const requests = {
    compared: 1000,
    incomplete: 0,
    miscounted: 0,
    recordsWithoutStamp: 0,
    stampsWithoutRecord: 0,
    unsent: 0,
  }
  const chunks = { compared: 50_000, lost: 0, invented: 0, coalesced: 0 }
  const agreement = { requests, chunks, negativeDelays: 0 }
  const open = load.kind !== 'closed'
  return {
    load,
    label: describeLevel(load),
    error: {
      ...agreement,
      delayMs: errors(50_000, 0.1, 1),
      ttftErrorMs: errors(1000, 0.4, 2),
      gapErrorMs: errors(49_000, 0.02, 0.5),
      ...(open ? { latenessMs: errors(1000, 0.05, 0.3) } : {}),
    },
    agreement,
    cpuUsPerEvent: 25,
    cpuCores: 0.1,
    machineCpuRatio: 0.2,
    loopDelayP99Ms: 1,
    ended: 'complete',
    ...parts,
  }
}

/** A p99 is withheld under 662 samples, as the measure room does. */
export function errors(n: number, p50: number, p99: number): Distribution {
  const at = (p: number, value: number) => ({ p, n, value, low: value, high: value })
  return {
    n,
    mean: p50,
    min: p50 / 2,
    max: p99 * 3,
    p50: at(50, p50),
    p90: at(90, p99 / 2),
    p95: at(95, p99 / 2),
    p99: n < 662 ? { p: 99, n, withheldUntilN: 662 } : at(99, p99),
  }
}
