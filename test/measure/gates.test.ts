import { describe, expect, test } from 'vitest'
import type { DeviceReading } from '../../src/detect/telemetry/sample.ts'
import { arrivalsMs, arrivalsRandom } from '../../src/load/arrivals.ts'
import type { LoadLevel, Purpose } from '../../src/load/benchmark.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { CachingAudit, Headroom, LevelLog, RunLog } from '../../src/load/run-log.ts'
import { gatesInGroup } from '../../src/measure/gates.ts'
import type { InstrumentLevel } from '../../src/measure/instrument.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { Gate } from '../../src/measure/summary.ts'
import { judgeRun } from '../../src/measure/verdict.ts'
import { calibratedUsers, certificate, errors } from './certificates.ts'
import { closedLoop } from './queueing.ts'
import { gpu, looks, recording } from './recordings.ts'
import { benchmark, levelLog, look, operatingPoint, record, runLog, shifted } from './records.ts'

const good = Array.from({ length: 10 }, (_, id) => shifted(record(), id * 50, { id }))
const failed = record({
  outcome: { kind: 'failed', failure: 'http-status', detail: '500' },
  endMs: undefined,
})

function gate(
  name: string,
  records: readonly RequestRecord[],
  log: Partial<LevelLog> = {},
): Gate['status'] | undefined {
  const point = operatingPoint(levelLog({ issued: records.length, ...log }), records, benchmark())
  return point.gates.find((judged) => judged.gate === name)?.status
}

/** So many requests one after the other, each like those of `good`. */
const many = (count: number): RequestRecord[] =>
  Array.from({ length: count }, (_, id) => shifted(record(), id * 50, { id }))

/** As part of a run, of some purpose and with some parts of its log. */
function runGate(
  name: string,
  parts: Partial<RunLog>,
  records: readonly RequestRecord[] = good,
  purpose: Purpose = 'explore',
): Gate | undefined {
  const levels = [levelLog({ issued: records.length })]
  const run = runLog({ levels, ...parts })
  const summary = summarize({ ...run, config: { ...run.config, purpose } }, records)
  return [...summary.gates, ...(summary.points[0]?.gates ?? [])].find(({ gate }) => gate === name)
}
const statusOf = (...given: Parameters<typeof runGate>) => runGate(...given)?.status

/** The median TTFT of `good` is 100 ms, its median TPOT 20. */
function instrumentGate(error: Partial<InstrumentLevel['error']>) {
  const base = calibratedUsers(1, 1000)
  const levels = [{ ...base, error: { ...base.error, ...error } }]
  const judged = { kind: 'applies', certificate: certificate({ levels }) } as const
  const log = levelLog({ issued: good.length })
  const { gates } = operatingPoint(log, good, benchmark(), judged)
  return gates.find(({ gate: name }) => name === 'instrument-error')
}

/** The window is the second from 0 on, and looks at its GPU are a tenth of a second apart. */
function machineGate(name: string, readings: readonly DeviceReading[]) {
  const run = runLog({ levels: [levelLog({ issued: good.length })] })
  const telemetry = recording([[gpu(), readings]])
  const [point] = summarize(run, good, undefined, [], telemetry).points
  return point?.gates.find(({ gate: named }) => named === name)?.status
}
/** Clocks held back by heat for so long, all of it before 500 ms. */
const heldBackMs = (thermalHardwareMs: number) =>
  looks(0, 1000, (ms) => ({ throttle: { thermalHardwareMs: ms < 500 ? 0 : thermalHardwareMs } }))
const lookedUntilMs = (lastMs: number) => looks(0, lastMs, () => ({ powerW: 300 }))

const givenUp = record({ outcome: { kind: 'cancelled' }, endMs: undefined })
const healthy = levelLog().health
const withUsage = (inputTokens: number, outputTokens: number): RequestRecord[] =>
  good.map((each) => ({ ...each, usage: { inputTokens, outputTokens } }))
/** So many of the 160 input tokens of `good` from the cache; the others say nothing of it. */
const withCached = (cachedInputTokens: number): RequestRecord[] =>
  good.map((each, i) =>
    i === 0 ? { ...each, usage: { inputTokens: 16, outputTokens: 8, cachedInputTokens } } : each,
  )
const lateBy = (ms: number): RequestRecord[] =>
  good.map((each) => ({ ...each, dueMs: (each.sentMs ?? 0) - ms }))

const minute = { windowEndMs: 60_000 }
/** That ask one after the other and get 40 tokens at 20 ms each, or more slowly. */
const users = (count: number, slowness: (ms: number) => number): RequestRecord[] =>
  closedLoop(
    { slots: count, tokens: 40, prefillMs: () => 100, gapMs: (ms) => 20 * slowness(ms) },
    Array.from({ length: count }, (_, i) => (880 * i) / count),
    62_000,
  )

/** Due as the seed of the benchmark has it, and sent as much later as is said. */
function drawn(load: LoadLevel, count: number, lateMs: (i: number) => number): RequestRecord[] {
  if (load.kind === 'closed') return []
  const timetable = arrivalsMs(load, arrivalsRandom(1, 0))
  return Array.from({ length: count }, (_, id) => {
    const dueMs = timetable.next().value ?? 0
    return shifted(record(), dueMs + lateMs(id), { id, dueMs })
  })
}
const poisson = { kind: 'poisson', ratePerS: 50 } as const
const onDue = drawn(poisson, 400, () => 0)
/** Each waits for the last of its clump of five. */
const clumps = onDue.map((each, i) => ({
  ...each,
  sentMs: onDue[i - (i % 5) + 4]?.sentMs ?? each.sentMs,
}))
const withHeadroom = (headroom: Headroom) => ({
  levels: [levelLog({ issued: good.length, health: { ...healthy, headroom } })],
})
const emfile = record({
  phase: 'warm-up',
  outcome: { kind: 'failed', failure: 'too-many-open-files', detail: 'EMFILE' },
  endMs: undefined,
})
const ending = (finishReason: string, others: number): RequestRecord[] =>
  many(200).map((each, i) => (i < others ? { ...each, finishReason } : each))
const forced = { target: { ...runLog().target, forcesOutputLength: true } }
const wallClock = (start: number, end: number): Partial<RunLog> => ({
  epoch: '1970-01-01T00:00:10.000Z',
  levels: [levelLog({ issued: good.length, wallEpochMs: { start, end } })],
})
/** Latencies of new prompts around 110 ms, and of the same one around 110 ms / `times`. */
const audit = (times: number, pairs = 30, spread = 1): { cachingAudit: CachingAudit } => ({
  cachingAudit: {
    inputTokens: 64,
    outputTokens: 32,
    failed: 0,
    pairs: Array.from({ length: pairs }, (_, i) => {
      const latencyMs = 110 + spread * ((i % 3) - 1)
      return {
        unique: { ttftMs: 20, latencyMs },
        identical: { ttftMs: 20, latencyMs: (110 + spread * (((i + 1) % 3) - 1)) / times },
      }
    }),
  },
})

const tenAS = { kind: 'constant', ratePerS: 10 } as const
const onTime = lateBy(0)
const tooLate = record({ dueMs: 999, sentMs: 1001 })

/** Per gate: what fails it, what passes it. */
const cases: Record<string, { fail: () => unknown; pass: () => unknown }> = {
  'completed-requests': {
    fail: () => gate('completed-requests', [failed]),
    pass: () => gate('completed-requests', good),
  },
  'error-budget': {
    fail: () => gate('error-budget', [...good, failed]),
    pass: () => gate('error-budget', good),
  },
  duration: {
    fail: () => gate('duration', good, { windowEndMs: 59_999 }),
    pass: () => gate('duration', good, { windowEndMs: 60_000 }),
  },
  'sample-floors': {
    fail: () => gate('sample-floors', many(129)),
    pass: () => gate('sample-floors', many(130)),
  },
  'schedule-kept': {
    fail: () => gate('schedule-kept', lateBy(1.2), { load: { kind: 'constant', ratePerS: 10 } }),
    pass: () => gate('schedule-kept', lateBy(0.9), { load: { kind: 'constant', ratePerS: 10 } }),
  },
  'arrival-process': {
    // 1.628 / sqrt(399) is 0.0815. In clumps of five, four of five gaps are none.
    fail: () => gate('arrival-process', clumps, { load: poisson }),
    pass: () =>
      gate(
        'arrival-process',
        drawn(poisson, 400, (i) => i % 2),
        { load: poisson },
      ),
  },
  'all-sent': {
    fail: () => gate('all-sent', good, { load: { kind: 'constant', ratePerS: 10 }, neverSent: 1 }),
    pass: () => gate('all-sent', good, { load: { kind: 'constant', ratePerS: 10 } }),
  },
  'rate-achieved': {
    // Twelve were due inside the window, and two of them left after it.
    fail: () => gate('rate-achieved', [...onTime, tooLate, tooLate], { load: tenAS }),
    pass: () => gate('rate-achieved', [...onTime, tooLate], { load: tenAS }),
  },
  'in-flight-limit': {
    fail: () =>
      gate('in-flight-limit', good, {
        load: { kind: 'poisson', ratePerS: 10, maxInFlight: 4 },
        heldBack: 1,
      }),
    pass: () =>
      gate('in-flight-limit', good, { load: { kind: 'poisson', ratePerS: 10, maxInFlight: 4 } }),
  },
  'output-length': {
    fail: () => gate('output-length', withUsage(16, 7)),
    pass: () => gate('output-length', withUsage(16, 8)),
  },
  'finish-reasons': {
    fail: () => statusOf('finish-reasons', forced, ending('stop', 3)),
    pass: () => statusOf('finish-reasons', forced, ending('stop', 2)),
  },
  'input-length': {
    fail: () => gate('input-length', withUsage(18, 8)),
    pass: () => gate('input-length', withUsage(17, 8)),
  },
  'token-source': {
    fail: () =>
      gate(
        'token-source',
        good.map((each) => ({ ...each, usage: undefined })),
      ),
    pass: () => gate('token-source', good),
  },
  'prefix-cache': {
    // 5 % of 160 input tokens are 8.
    fail: () => gate('prefix-cache', withCached(9)),
    pass: () => gate('prefix-cache', withCached(8)),
  },
  streamed: {
    fail: () =>
      gate(
        'streamed',
        good.map((each) => ({
          ...each,
          chunkMs: [100],
          usage: { inputTokens: 16, outputTokens: 11 },
        })),
      ),
    pass: () =>
      gate(
        'streamed',
        good.map((each) => ({
          ...each,
          chunkMs: [100],
          usage: { inputTokens: 16, outputTokens: 10 },
        })),
      ),
  },
  'window-covers-requests': {
    fail: () => gate('window-covers-requests', good, { windowEndMs: 249 }),
    pass: () => gate('window-covers-requests', good, { windowEndMs: 250 }),
  },
  'window-length': {
    fail: () => gate('window-length', good, { windowEndMs: 749 }),
    pass: () => gate('window-length', good, { windowEndMs: 750 }),
  },
  'steady-state': {
    fail: () =>
      gate(
        'steady-state',
        users(16, (ms) => 1 + ms / 60_000),
        minute,
      ),
    pass: () =>
      gate(
        'steady-state',
        users(16, () => 1),
        minute,
      ),
  },
  'littles-law': {
    // Of 16 requests in flight that take 880 ms each; records that close 100 ms late make it 17.8.
    fail: () =>
      gate(
        'littles-law',
        users(16, () => 1).map((each) => ({ ...each, closedMs: each.closedMs + 100 })),
        minute,
      ),
    pass: () =>
      gate(
        'littles-law',
        users(16, () => 1).map((each) => ({ ...each, closedMs: each.closedMs + 40 })),
        minute,
      ),
  },
  'client-limits': {
    fail: () => gate('client-limits', [...good, emfile]),
    pass: () => gate('client-limits', good),
  },
  'open-files': {
    fail: () =>
      statusOf('open-files', withHeadroom({ openFilesMost: 876, openFilesAllowed: 1000 })),
    pass: () =>
      statusOf('open-files', withHeadroom({ openFilesMost: 875, openFilesAllowed: 1000 })),
  },
  ports: {
    fail: () => statusOf('ports', withHeadroom({ socketsMost: 71, portsAllowed: 80 })),
    pass: () => statusOf('ports', withHeadroom({ socketsMost: 70, portsAllowed: 80 })),
  },
  'client-event-loop': {
    fail: () => gate('client-event-loop', good, { health: { ...healthy, loopDelayP99Ms: 10.1 } }),
    pass: () => gate('client-event-loop', good, { health: { ...healthy, loopDelayP99Ms: 9.9 } }),
  },
  'client-cpu': {
    fail: () => gate('client-cpu', good, { health: { ...healthy, busiestWorkerCores: 0.71 } }),
    pass: () => gate('client-cpu', good, { health: { ...healthy, busiestWorkerCores: 0.69 } }),
  },
  'instrument-error': {
    fail: () => instrumentGate({ ttftErrorMs: errors(1000, 10.1, 12) })?.status,
    pass: () =>
      instrumentGate({ ttftErrorMs: errors(1000, 10, 50), gapErrorMs: errors(900, 2, 9) })?.status,
  },
  'thermal-throttling': {
    fail: () => machineGate('thermal-throttling', heldBackMs(1.1)),
    pass: () => machineGate('thermal-throttling', heldBackMs(1)),
  },
  'energy-coverage': {
    fail: () => machineGate('energy-coverage', lookedUntilMs(900)),
    pass: () => machineGate('energy-coverage', lookedUntilMs(1000)),
  },
  drained: {
    fail: () =>
      gate('drained', [...good, record({ outcome: { kind: 'cancelled' }, endMs: undefined })]),
    pass: () => gate('drained', good),
  },
  'given-up': {
    fail: () => gate('given-up', [...good, givenUp]),
    pass: () => gate('given-up', [...good, ...good, givenUp]),
  },
  'level-complete': {
    fail: () => gate('level-complete', good, { ended: 'interrupted' }),
    pass: () => gate('level-complete', good),
  },
}

/** A run whose server counted so many output tokens; this client can have caused 80. */
const counted = (outputTokens: number) => {
  const run = runLog({ levels: [levelLog({ issued: good.length })] })
  const samples = [
    look(0, { outputTokensTotal: 0 }),
    look(1000, { outputTokensTotal: outputTokens }),
  ]
  const { gates } = summarize(run, good, undefined, samples)
  return (name: string) => gates.find(({ gate: named }) => named === name)?.status
}
const onOneGpu = (lost: boolean) => {
  const run = runLog({ levels: [levelLog({ issued: good.length })] })
  const telemetry = recording([[gpu(), lookedUntilMs(1000)]])
  const told = lost ? [{ device: 0, atMs: 500, reason: 'no answer' }] : []
  const { gates } = summarize(run, good, undefined, [], { ...telemetry, lost: told })
  return gates.find(({ gate: named }) => named === 'gpu-lost')?.status
}
const { config, target: server } = runLog()
const inGroup = (runs: number) => {
  const { gates } = summarize(runLog(), good)
  return gatesInGroup(gates, 'publish', runs).find(({ gate: name }) => name === 'runs')?.status
}

/** The same of the gates of the whole run. */
const runCases: typeof cases = {
  'alone-on-server': {
    fail: () => counted(81)('alone-on-server'),
    pass: () => counted(80)('alone-on-server'),
  },
  'tokens-agree': {
    fail: () => counted(79)('tokens-agree'),
    pass: () => counted(80)('tokens-agree'),
  },
  'caching-audit': {
    fail: () => statusOf('caching-audit', audit(1.11)),
    pass: () => statusOf('caching-audit', audit(1.09)),
  },
  'server-unchanged': {
    fail: () => statusOf('server-unchanged', { serverAfter: { changes: ['Version was 1.'] } }),
    pass: () => statusOf('server-unchanged', { serverAfter: { changes: [] } }),
  },
  'machine-unchanged': {
    fail: () => statusOf('machine-unchanged', { stateChanges: ['Kernel was 6.1 and is 6.2.'] }),
    pass: () => statusOf('machine-unchanged', { stateChanges: [] }),
  },
  'gpu-lost': { fail: () => onOneGpu(true), pass: () => onOneGpu(false) },
  'clock-steps': {
    fail: () => statusOf('clock-steps', wallClock(10_000, 9_949)),
    pass: () => statusOf('clock-steps', wallClock(10_000, 9_950)),
  },
  'tls-verified': {
    fail: () => statusOf('tls-verified', { config: { ...config, tlsVerified: false } }),
    pass: () => statusOf('tls-verified', { config: { ...config, tlsVerified: true } }),
  },
  'real-model': {
    fail: () => statusOf('real-model', { target: { ...server, weights: 'random' } }),
    pass: () => statusOf('real-model', { target: { ...server, weights: 'trained' } }),
  },
  // Of a run by itself nobody can tell; of a group the number of those that went to their end.
  runs: {
    fail: () => inGroup(2),
    pass: () => inGroup(3),
  },
}

describe('every gate can fail and can pass', () => {
  test('and none is without a case here', () => {
    const { gates, points } = summarize(runLog(), good)
    expect(points[0]?.gates.map(({ gate: name }) => name)).toEqual(Object.keys(cases))
    expect(gates.map(({ gate: name }) => name)).toEqual(Object.keys(runCases))
  })

  test.each(Object.entries({ ...cases, ...runCases }))('%s', (_, { fail, pass }) => {
    expect(fail()).toBe('fail')
    expect(pass()).toBe('pass')
  })
})

describe('arrivals', () => {
  const judge = (records: readonly RequestRecord[], load: LoadLevel, log: Partial<LevelLog> = {}) =>
    operatingPoint(
      levelLog({ issued: records.length, load, ...log }),
      records,
      benchmark(),
    ).gates.find(({ gate: name }) => name === 'arrival-process')

  test('that another seed draws are not those of the run', () => {
    const point = operatingPoint(
      levelLog({ issued: onDue.length, load: poisson }),
      onDue,
      benchmark({ seed: 2 }),
    )
    const found = point.gates.find(({ gate: name }) => name === 'arrival-process')
    expect(found).toMatchObject({
      status: 'fail',
      value: 'distance 0.0000 over 399 gaps, 400 of 400 not due by the seed',
    })
  })

  test('at equal gaps may be as late as the timetable allows, and no gap counts as another', () => {
    const load = { kind: 'constant', ratePerS: 50 } as const
    expect(
      judge(
        drawn(load, 400, (i) => ((i * 7919) % 10) / 10),
        load,
      ),
    ).toMatchObject({
      status: 'pass',
      value: 'distance 0.0000 over 399 gaps, 0 of 400 not due by the seed',
    })
  })

  test('in clumps of five are told from a Poisson process', () => {
    expect(judge(clumps, poisson)?.status).toBe('fail')
  })

  test('of a trace are held against its own due times, as its file is not at hand', () => {
    expect(judge(onDue, { kind: 'trace', speed: 1 })).toMatchObject({
      status: 'pass',
      value: 'distance 0.0000 over 399 gaps, the timetable is in the trace',
    })
  })

  test('that the load itself held back are not measured, and users have none', () => {
    expect(judge(onDue, { ...poisson, maxInFlight: 1 }, { heldBack: 1 })?.status).toBe(
      'not-measured',
    )
    expect(judge(good, { kind: 'closed', concurrency: 1 })?.status).toBe('does-not-apply')
  })
})

describe('answers that end', () => {
  test('are told by reason, and a filter is no end of the model', () => {
    expect(runGate('finish-reasons', {}, ending('stop', 50))).toMatchObject({
      status: 'pass',
      value: 'length 75 %, stop 25 %',
    })
    expect(statusOf('finish-reasons', {}, ending('content_filter', 3))).toBe('fail')
  })

  test('without a word why are not measured', () => {
    const silent = good.map((each) => ({ ...each, finishReason: undefined }))
    expect(runGate('finish-reasons', {}, silent)).toMatchObject({
      status: 'not-measured',
      reason: 'no answer told why it ended',
    })
  })
})

describe('the caching audit', () => {
  test('tells the ratio with its interval', () => {
    // Times of 109, 110 and 111 ms, ten each: a standard error of 0.19 % and t of 2.00 with 58 degrees.
    expect(runGate('caching-audit', audit(1))?.value).toBe(
      'identical prompts 1.00 (1.00 to 1.00) times as fast, to the first token 1.00 (1.00 to 1.00) times, 30 pairs',
    )
    expect(runGate('caching-audit', audit(10))).toMatchObject({
      status: 'fail',
      value: expect.stringContaining('identical prompts 10.00 (9.'),
    })
  })

  test('that cannot tell is not measured, and neither is one of four pairs', () => {
    // Intervals that 1.10 lies in, be it above or below what was seen.
    expect(runGate('caching-audit', audit(1.15, 12, 20))?.status).toBe('not-measured')
    expect(runGate('caching-audit', audit(1.05, 12, 20))).toMatchObject({
      status: 'not-measured',
      reason: expect.stringMatching(
        /^times differ too much to tell: .* 1\.0\d \(0\.\d+ to 1\.[12]\d\)/,
      ),
    })
    expect(runGate('caching-audit', audit(1, 4))).toMatchObject({
      status: 'not-measured',
      reason: 'only 4 pairs were measured: 0 requests failed',
    })
    expect(runGate('caching-audit', {})).toMatchObject({
      status: 'not-measured',
      reason: 'the server was not asked (--audit-caching)',
    })
  })
})

describe('the clock', () => {
  test('that was set between two levels is found, too', () => {
    const levels = [
      levelLog({ wallEpochMs: { start: 10_000, end: 10_001 } }),
      levelLog({ level: 1, wallEpochMs: { start: 3_610_001, end: 3_610_001 } }),
    ]
    expect(runGate('clock-steps', { epoch: '1970-01-01T00:00:10.000Z', levels })).toMatchObject({
      status: 'fail',
      value: 'largest step 3600000.0 ms over 5 looks',
    })
  })

  test('that nobody looked at is not measured', () => {
    expect(statusOf('clock-steps', {})).toBe('not-measured')
  })
})

describe('the server after the run', () => {
  test('whose counters went back is not known to be the same', () => {
    const run = runLog({ levels: [levelLog({ issued: 10 })], serverAfter: { changes: [] } })
    const samples = [look(0, { outputTokensTotal: 9 }), look(900, { outputTokensTotal: 2 })]
    const { gates } = summarize(run, good, undefined, samples)
    expect(gates.find(({ gate: name }) => name === 'server-unchanged')).toMatchObject({
      status: 'not-measured',
      reason: 'its counters went back: it started anew, or several servers answer',
    })
  })

  test('that did not answer is not measured', () => {
    expect(
      runGate('server-unchanged', { serverAfter: { unknown: 'Nobody listens.' } }),
    ).toMatchObject({ status: 'not-measured', reason: 'Nobody listens' })
  })
})

describe('what does not apply is told from what is not measured', () => {
  const onASocket = { config: { ...config, url: 'http+unix://%2Frun%2Fs.sock' } }
  const elsewhere = {
    target: { ...server, loopback: false },
    telemetry: { kind: 'none', reason: 'the server is on another machine' },
  } as const

  test.each([
    ['schedule-kept', {}, 'does-not-apply'],
    ['rate-achieved', {}, 'does-not-apply'],
    ['ports', onASocket, 'does-not-apply'],
    ['ports', {}, 'not-measured'],
    ['tls-verified', {}, 'does-not-apply'],
    // Without a GPU there is none to throttle; one that cannot be seen may.
    ['thermal-throttling', {}, 'does-not-apply'],
    ['thermal-throttling', elsewhere, 'not-measured'],
    ['gpu-lost', elsewhere, 'not-measured'],
    ['energy-coverage', elsewhere, 'does-not-apply'],
    ['runs', {}, 'does-not-apply'],
    ['real-model', {}, 'not-measured'],
  ] as const)('%s', (name, parts, status) => {
    expect(statusOf(name, parts)).toBe(status)
  })

  test('energy of some parts, with a GPU that has no sensor', () => {
    const run = runLog({ levels: [levelLog({ issued: good.length })] })
    const telemetry = recording([
      [gpu(), looks(0, 1000, () => ({ temperatureC: 50 }))],
      [gpu({ id: 'package-0', scope: 'cpu-package', pciAddress: undefined }), lookedUntilMs(1000)],
    ])
    const [point] = summarize(run, good, undefined, [], telemetry).points
    expect(point?.gates.find(({ gate: name }) => name === 'energy-coverage')).toMatchObject({
      status: 'not-measured',
    })
  })
})

describe('the error of the instrument', () => {
  test('fails by the gaps alone, too', () => {
    // 2.1 ms of 20 ms.
    expect(instrumentGate({ gapErrorMs: errors(900, 2.1, 9) })).toMatchObject({
      status: 'fail',
      value: 'TTFT error p50 0.4 %, gap error p50 11 %',
    })
  })

  test('is not measured without a certificate', () => {
    expect(gate('instrument-error', good)).toBe('not-measured')
  })
})

describe('the prefix cache', () => {
  const judge = (parts: object, records: readonly RequestRecord[] = good) => {
    const log = levelLog({ issued: records.length })
    const run = runLog({ levels: [log], ...parts })
    const [point] = summarize(run, records, undefined, [
      look(0, { prefixCacheHitTokensTotal: 500, prefixCacheQueryTokensTotal: 900 }),
      look(900, { prefixCacheHitTokensTotal: 530, prefixCacheQueryTokensTotal: 1_000 }),
    ]).points
    return point?.gates.find(({ gate: name }) => name === 'prefix-cache')
  }
  const prompts = (overheadTokens: number) =>
    ({ prompts: { kind: 'usage', overheadTokens, tokensPerWord: 1 } }) as const

  test('is judged by the server’s counters where no answer tells', () => {
    // 30 of 100 were found.
    expect(judge(prompts(0))).toMatchObject({
      status: 'fail',
      value: "30 % of input tokens cached, by the server's counters",
    })
  })

  test('may know the template, which is the same each time', () => {
    // 4 of 16 tokens are the template: 25 %, and 30 % were found.
    expect(judge(prompts(4))).toMatchObject({
      status: 'pass',
      limit: "at most 5.0 % more than the template's 25 %",
    })
  })

  test('is judged by the answers where one of them tells', () => {
    expect(judge(prompts(0), withCached(0))).toMatchObject({
      status: 'pass',
      value: '0 % of input tokens cached, by the answers',
    })
  })

  test('that nobody tells of is not measured', () => {
    expect(gate('prefix-cache', good)).toBe('not-measured')
  })
})

describe('what cannot be judged is not measured, and not a pass', () => {
  test('a closed loop has no schedule to keep', () => {
    expect(gate('schedule-kept', good)).toBe('does-not-apply')
  })

  test('a load that held requests back says nothing of this machine’s lateness', () => {
    const load = { kind: 'constant', ratePerS: 10, maxInFlight: 1 } as const
    expect(gate('schedule-kept', lateBy(50), { load, heldBack: 3 })).toBe('not-measured')
  })

  test('a load without a limit on requests under way holds none back', () => {
    expect(gate('in-flight-limit', good)).toBe('does-not-apply')
  })

  test('without answers there is no length', () => {
    expect(gate('output-length', [failed])).toBe('not-measured')
  })

  test('the error budget leaves out what the client cancelled', () => {
    const cancelled = record({ outcome: { kind: 'cancelled' }, endMs: undefined })
    expect(gate('error-budget', [cancelled])).toBe('not-measured')
  })

  test('what is given up on purpose is no failure, and hides none', () => {
    const abandoned = record({ outcome: { kind: 'abandoned' }, endMs: undefined })
    const many = Array.from({ length: 190 }, () => abandoned)
    const gates = ['error-budget', 'drained', 'given-up'] as const
    expect(gates.map((name) => gate(name, [...good, ...many]))).toEqual(['pass', 'pass', 'pass'])
    // One failed of eleven that were to end, not of 201.
    expect(gate('error-budget', [...good, ...many, failed])).toBe('fail')
    expect(gate('given-up', [...good, ...many, givenUp])).toBe('fail')
    expect(gates.map((name) => gate(name, many))).toEqual(['not-measured', 'pass', 'not-measured'])
  })
})

describe('the verdict', () => {
  const verdict = (records: readonly RequestRecord[], log: Partial<LevelLog> = {}) =>
    summarize(runLog({ levels: [levelLog({ issued: records.length, ...log })] }), records)

  test('is VALID when no gate fails', () => {
    expect(verdict(good)).toMatchObject({ verdict: 'VALID', reasons: [] })
  })

  test('is DEGRADED when a number is right about something else', () => {
    expect(verdict(withUsage(16, 7))).toMatchObject({
      verdict: 'DEGRADED',
      reasons: ['1 user: output-length is mean 7.0, limit within 10 % of 8'],
    })
  })

  test('is INVALID when a number is wrong, whatever else passes', () => {
    expect(verdict([...good, failed]).verdict).toBe('INVALID')
  })

  test('a request without a record is an error', () => {
    expect(verdict(good, { issued: 11 }).verdict).toBe('INVALID')
  })

  test('is at best DEGRADED when the run stopped before its end', () => {
    const run = runLog({ state: 'partial', levels: [levelLog({ issued: 10 })] })
    expect(summarize(run, good)).toMatchObject({
      verdict: 'DEGRADED',
      reasons: ['the run stopped before its end'],
    })
  })

  test('what an interrupt cut off makes no level invalid', () => {
    expect(gate('given-up', [givenUp, ...good], { ended: 'interrupted' })).toBe('not-measured')
  })

  test('is INVALID when nothing was run', () => {
    expect(summarize(runLog({ levels: [] }), []).verdict).toBe('INVALID')
  })
})

describe('limits are stricter to publish', () => {
  const publishing = (name: string, log: Partial<LevelLog>, records: readonly RequestRecord[]) =>
    runGate(name, { levels: [levelLog({ issued: records.length, ...log })] }, records, 'publish')
  const tooShort = { windowEndMs: 599_999 }

  test.each([
    ['duration', 'at least 60 s', 'at least 600 s'],
    [
      'sample-floors',
      'p95 of TTFT, TPOT and latency not withheld',
      'p99 of TTFT, TPOT and latency not withheld',
    ],
    ['error-budget', 'at most 1.0 %', 'at most 0.1 %, and with 95 % confidence at most 1.0 %'],
  ])('%s', (name, explore, publish) => {
    expect(runGate(name, {})?.limit).toBe(explore)
    expect(publishing(name, {}, good)?.limit).toBe(publish)
  })

  test('a window of ten minutes, and what is a note to explore is a doubt', () => {
    expect(publishing('duration', tooShort, good)).toMatchObject({
      status: 'fail',
      severity: 'degraded',
      value: '600.0 s',
    })
    expect(runGate('duration', {})).toMatchObject({ status: 'fail', severity: 'note' })
    expect(publishing('duration', { windowEndMs: 600_000 }, good)?.status).toBe('pass')
  })

  test('a p99 of 662 requests', () => {
    expect(publishing('sample-floors', {}, many(661))).toMatchObject({
      status: 'fail',
      value: 'withheld: TTFT p99 (661 of 662), TPOT p99 (661 of 662), latency p99 (661 of 662)',
    })
    expect(publishing('sample-floors', {}, many(662))).toMatchObject({
      status: 'pass',
      value: 'none withheld',
    })
  })

  test('no error among 298 may still be one in a hundred, and among 299 it may not', () => {
    // 0.05^(1 / 298) is 0.98999, 0.05^(1 / 299) 0.99003.
    expect(publishing('error-budget', {}, many(298))).toMatchObject({
      status: 'fail',
      severity: 'degraded',
      value: '0 % (0 of 298), with 95 % confidence at most 1 %',
    })
    expect(publishing('error-budget', {}, many(299))?.status).toBe('pass')
    expect(statusOf('error-budget', {}, many(298))).toBe('pass')
  })

  test('an error in a thousand is a doubt; more than one in a hundred makes figures wrong as ever', () => {
    const errors = (count: number, of: number) => [
      ...many(of - count),
      ...Array.from({ length: count }, (_, i) => ({ ...failed, id: of + i })),
    ]
    expect(publishing('error-budget', {}, errors(1, 1000))?.status).toBe('pass')
    expect(publishing('error-budget', {}, errors(2, 1000))).toMatchObject({
      status: 'fail',
      severity: 'degraded',
    })
    expect(publishing('error-budget', {}, errors(11, 1000))).toMatchObject({
      status: 'fail',
      severity: 'invalid',
    })
  })
})

describe('fit to publish', () => {
  const gateOf = (parts: Partial<Gate>): Gate => ({
    gate: 'some',
    status: 'pass',
    severity: 'degraded',
    value: '1',
    limit: 'at least 1',
    remedy: '',
    ...parts,
  })
  const judge = (purpose: Purpose, ...gates: Partial<Gate>[]) =>
    judgeRun([{ label: '1 user', gates: gates.map(gateOf) }], [gateOf({})], 'complete', purpose)
  const unmeasured = {
    status: 'not-measured',
    value: 'not measured',
    reason: 'nobody told',
  } as const

  test('is a run to publish of which all that applies was measured and passed', () => {
    expect(judge('publish', {}, { status: 'does-not-apply' })).toEqual({
      verdict: 'VALID',
      reasons: [],
      purpose: 'publish',
      fitToPublish: true,
    })
  })

  test('is not one of which something was not measured, and the reason says what', () => {
    expect(judge('publish', unmeasured)).toMatchObject({
      verdict: 'DEGRADED',
      reasons: ['1 user: some is not measured, as nobody told'],
      fitToPublish: false,
    })
    expect(judge('explore', unmeasured)).toMatchObject({ verdict: 'VALID', fitToPublish: false })
  })

  test('is not one of which anything failed, a note included', () => {
    expect(judge('publish', { status: 'fail', severity: 'note' }).verdict).toBe('DEGRADED')
    expect(judge('explore', { status: 'fail', severity: 'note' })).toMatchObject({
      verdict: 'VALID',
      reasons: [],
    })
    expect(judge('publish', { status: 'fail', severity: 'invalid' }).verdict).toBe('INVALID')
  })

  test('says a reason that all levels share once', () => {
    const level = (label: string) => ({ label, gates: [gateOf(unmeasured)] })
    expect(
      judgeRun([level('1 user'), level('2 users')], [], 'complete', 'publish').reasons,
    ).toEqual(['every level: some is not measured, as nobody told'])
    const half = [level('1 user'), level('2 users'), { label: '4 users', gates: [] }]
    expect(judgeRun(half, [], 'complete', 'publish').reasons).toEqual([
      '1 user, 2 users: some is not measured, as nobody told',
    ])
  })

  test('is no single run, however good', () => {
    const { verdict, reasons } = summarize(
      runLog({ config: { ...config, purpose: 'publish' }, levels: [levelLog({ issued: 10 })] }),
      good,
    )
    expect(verdict).toBe('DEGRADED')
    expect(reasons).toContain('whole run: runs is not measured, as this is a single run')
  })
})

describe('doubts travel with the numbers', () => {
  const kinds = (
    run: Parameters<typeof runLog>[0],
    records: readonly RequestRecord[] = good,
  ): string[] =>
    summarize(
      runLog({ levels: [levelLog({ issued: records.length })], ...run }),
      records,
    ).warnings.map(({ kind }) => kind)
  const target = runLog().target

  test('a simulation and random weights come first', () => {
    expect(
      kinds({ target: { ...target, simulated: true, weights: 'random' } }).slice(0, 2),
    ).toEqual(['simulated', 'random-weights'])
  })

  test('a run cut short says so', () => {
    expect(kinds({ state: 'partial' })).toContain('partial-run')
  })

  test('a server elsewhere shares no machine', () => {
    expect(kinds({ target: { ...target, loopback: false } })).not.toContain('shared-machine')
  })

  test('few samples are told with the number needed', () => {
    const warning = summarize(runLog({ levels: [levelLog({ issued: 10 })] }), good).warnings.find(
      ({ kind }) => kind === 'few-samples',
    )
    expect(warning?.text).toBe(
      '1 user: too few requests for TTFT p95 (has 10, needs 130) and TPOT p95 (has 10, needs 130). Measure for longer.',
    )
  })

  test('short and long answers are told apart', () => {
    expect(kinds({}, withUsage(16, 4))).toContain('short-output')
    expect(kinds({}, withUsage(16, 16))).toContain('long-output')
  })

  test('a certificate that was not verified is told', () => {
    expect(kinds({ config: { ...runLog().config, tlsVerified: false } })).toContain(
      'tls-not-verified',
    )
  })
})
