import { describe, expect, test } from 'vitest'
import { type BenchmarkFlags, withFlags } from '../../src/cli/overrides.ts'
import { benchmarkSchema } from '../../src/load/benchmark.ts'

const workloads = {
  synthetic: {
    kind: 'synthetic',
    inputTokens: { kind: 'uniform', min: 1, max: 9 },
    outputTokens: 8,
  },
  chat: { kind: 'multi-turn', turns: 3, turnInputTokens: 10, outputTokens: 20 },
  dataset: { kind: 'dataset', file: 'p.jsonl', format: 'jsonl' },
  trace: { kind: 'trace', file: 't.csv', format: 'azure' },
} as const
const loads = {
  closed: { kind: 'closed', concurrency: [1] },
  ramp: { kind: 'ramp', stages: [{ forS: 10, ratePerS: 1, toRatePerS: 5 }] },
  trace: { kind: 'trace' },
} as const

function changed(
  workload: keyof typeof workloads,
  load: keyof typeof loads,
  flags: BenchmarkFlags,
) {
  const file = {
    schemaVersion: 1,
    name: 'b',
    workload: workloads[workload],
    load: loads[load],
    durationS: 5,
  }
  return withFlags(benchmarkSchema.parse(file), flags)
}

describe('flags and workloads', () => {
  test('--isl and --osl take the place of any length, drawn or not', () => {
    expect(changed('synthetic', 'closed', { isl: 64, osl: 32 }).workload).toMatchObject({
      inputTokens: 64,
      outputTokens: 32,
    })
    expect(changed('chat', 'closed', { osl: 7 }).workload).toMatchObject({ outputTokens: 7 })
  })

  test('--limit is for datasets and traces', () => {
    expect(changed('dataset', 'closed', { limit: 9, osl: 4 }).workload).toMatchObject({
      limit: 9,
      outputTokens: 4,
    })
    expect(changed('trace', 'trace', { limit: 9 }).workload).toMatchObject({ limit: 9 })
    expect(() => changed('synthetic', 'closed', { limit: 9 })).toThrow('--limit does not apply')
  })

  test.each([
    ['chat', { isl: 5 }, '--isl'],
    ['dataset', { isl: 5 }, '--isl'],
    ['trace', { osl: 5 }, '--osl'],
  ] as const)('on a %s workload, %j is refused instead of ignored', (workload, flags, flag) => {
    expect(() => changed(workload, 'closed', flags)).toThrow(`${flag} does not apply`)
  })
})

describe('flags and loads', () => {
  test('a ramp and a trace stay unless a flag gives another load', () => {
    expect(changed('synthetic', 'ramp', { maxInFlight: 4 }).load).toMatchObject({
      kind: 'ramp',
      maxInFlight: 4,
    })
    expect(changed('trace', 'trace', {}).load).toEqual({ kind: 'trace', speed: [1] })
    expect(changed('trace', 'trace', { requestRate: [3] }).load).toMatchObject({
      kind: 'poisson',
      ratePerS: [3],
    })
    expect(changed('trace', 'trace', { concurrency: [3] }).load).toMatchObject({ kind: 'closed' })
  })

  test('a ramp has no other arrivals by flag without a rate', () => {
    expect(() => changed('synthetic', 'ramp', { arrivals: 'constant' })).toThrow(
      '--arrivals needs a rate',
    )
    expect(() => changed('synthetic', 'ramp', { burstiness: 2 })).toThrow(
      '--burstiness needs a rate',
    )
  })
})

describe('what a benchmark may not be', () => {
  const refusal = (over: object): string => {
    const file = {
      schemaVersion: 1,
      name: 'b',
      workload: workloads.synthetic,
      load: loads.closed,
      durationS: 5,
    }
    return benchmarkSchema.safeParse({ ...file, ...over }).error?.issues[0]?.message ?? 'accepted'
  }

  test('a load of a trace without a trace', () => {
    expect(refusal({ load: loads.trace })).toContain('workload of kind trace')
    expect(refusal({ load: loads.trace, workload: workloads.trace, durationS: undefined })).toBe(
      'accepted',
    )
  })

  test('conversations that nobody waits for, or that no template holds together', () => {
    expect(refusal({ workload: workloads.chat })).toBe('accepted')
    expect(refusal({ workload: workloads.chat, load: loads.ramp })).toContain('closed load')
    expect(refusal({ workload: workloads.chat, api: 'openai-completions' })).toContain('chat API')
  })

  test('a cancellation at no moment or at two', () => {
    expect(refusal({ cancel: { share: 0.1, afterMs: 5 } })).toBe('accepted')
    expect(refusal({ cancel: { share: 0.1 } })).toContain('afterChunks or afterMs')
    expect(refusal({ cancel: { share: 0.1, afterMs: 5, afterChunks: 5 } })).toContain(
      'afterChunks or afterMs',
    )
  })

  test('a ramp without any rate', () => {
    expect(refusal({ load: { kind: 'ramp', stages: [{ forS: 1, ratePerS: 0 }] } })).toContain(
      'rate over 0',
    )
  })
})
