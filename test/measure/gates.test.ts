import { describe, expect, test } from 'vitest'
import type { DeviceReading } from '../../src/detect/telemetry/sample.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { LevelLog } from '../../src/load/run-log.ts'
import type { InstrumentLevel } from '../../src/measure/instrument.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { Gate } from '../../src/measure/summary.ts'
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
  'schedule-kept': {
    fail: () => gate('schedule-kept', lateBy(1.2), { load: { kind: 'constant', ratePerS: 10 } }),
    pass: () => gate('schedule-kept', lateBy(0.9), { load: { kind: 'constant', ratePerS: 10 } }),
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

describe('every gate can fail and can pass', () => {
  test('and none is without a case here', () => {
    const point = operatingPoint(levelLog(), good, benchmark())
    expect(point.gates.map(({ gate: name }) => name)).toEqual(Object.keys(cases))
  })

  test.each(Object.entries(cases))('%s', (_, { fail, pass }) => {
    expect(fail()).toBe('fail')
    expect(pass()).toBe('pass')
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
    expect(gate('schedule-kept', good)).toBe('not-measured')
  })

  test('a load that held requests back says nothing of this machine’s lateness', () => {
    const load = { kind: 'constant', ratePerS: 10, maxInFlight: 1 } as const
    expect(gate('schedule-kept', lateBy(50), { load, heldBack: 3 })).toBe('not-measured')
  })

  test('a load without a limit on requests under way holds none back', () => {
    expect(gate('in-flight-limit', good)).toBe('not-measured')
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
