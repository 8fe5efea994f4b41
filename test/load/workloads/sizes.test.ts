import { describe, expect, test } from 'vitest'
import { exitCodes } from '../../../src/errors.ts'
import { sharedCounts, sharedFloats } from '../../../src/load/workloads/dataset.ts'
import type { WorkloadData } from '../../../src/load/workloads/plan.ts'
import {
  askedTokens,
  checkContext,
  describeWorkload,
  longestAnswer,
  longestPrompt,
  mostTokens,
} from '../../../src/load/workloads/sizes.ts'
import { type Workload, workloadSchema } from '../../../src/load/workloads/workload.ts'

const of = (workload: object): Workload => workloadSchema.parse(workload)

const synthetic = of({
  kind: 'synthetic',
  inputTokens: { kind: 'normal', mean: 500, sd: 100, max: 900 },
  outputTokens: { kind: 'uniform', min: 10, max: 100 },
})
const chat = of({
  kind: 'multi-turn',
  turns: 4,
  systemTokens: 100,
  turnInputTokens: 50,
  outputTokens: 200,
})
const trace = of({ kind: 'trace', file: 'a.csv', format: 'azure' })
const traceData: WorkloadData = {
  kind: 'trace',
  trace: {
    file: '/a.csv',
    format: 'azure',
    sha256: '',
    requests: 2,
    leftOut: 0,
    dueOffsetsMs: sharedFloats([0, 1]),
    inputTokens: sharedCounts([900, 300]),
    outputTokens: sharedCounts([50, 700]),
    blockTokens: 512,
  },
}

describe('the most a request may come to', () => {
  test('is the longest prompt with the longest answer, whatever the mean', () => {
    expect(mostTokens(synthetic)).toBe(1_000)
  })

  test('of a conversation is its last turn, with all answers before it', () => {
    // 100 + 4 x (50 + 200).
    expect(mostTokens(chat)).toBe(1_100)
    expect(longestPrompt(chat)).toBe(900)
  })

  test('of a trace is that of one of its requests, not of two', () => {
    expect(mostTokens(trace, traceData)).toBe(1_000)
    expect(longestPrompt(trace, traceData)).toBe(900)
    expect(longestAnswer(trace, traceData)).toBe(700)
  })

  test('of a dataset nobody counted is not known', () => {
    expect(mostTokens(of({ kind: 'dataset', file: 'a', format: 'jsonl' }))).toBeUndefined()
  })
})

describe('a context', () => {
  test('that holds the most tokens by one is enough, and one less is refused before any load', () => {
    for (const workload of [synthetic, trace]) {
      expect(() => checkContext(workload, 1_000, traceData)).not.toThrow()
      expect(() => checkContext(workload, 999, traceData)).toThrow(
        'A request of 1000 tokens does not fit',
      )
    }
    expect(() => checkContext(chat, 1_099)).toThrow(
      expect.objectContaining({
        exitCode: exitCodes.setup,
        remedy: expect.stringContaining('turns'),
      }),
    )
  })

  test('that nobody knows is not refused', () => {
    expect(() => checkContext(synthetic, undefined)).not.toThrow()
  })
})

test('what is asked on average is the mean of the draws, and unknown where a file says it', () => {
  expect(askedTokens(synthetic)).toMatchObject({ outputTokens: 55 })
  expect(askedTokens(trace)).toEqual({})
})

test('a workload is described in a few words', () => {
  expect(describeWorkload(synthetic)).toBe(
    'about 500 (1 to 900) input and 10 to 100 output tokens a request',
  )
  expect(describeWorkload(chat)).toBe(
    'conversations of 4 turns, each 50 new input and 200 output tokens, after 100 shared tokens',
  )
})

describe('a workload in a file', () => {
  const refusal = (workload: object): string =>
    workloadSchema.safeParse(workload).error?.issues[0]?.message ?? 'accepted'

  test('may be as short as before', () => {
    expect(refusal({ kind: 'synthetic', inputTokens: 8, outputTokens: 8 })).toBe('accepted')
  })

  test('must say the longest that may be drawn', () => {
    const inputTokens = { kind: 'lognormal', mean: 10, sd: 5 }
    expect(refusal({ kind: 'synthetic', inputTokens, outputTokens: 8 })).not.toBe('accepted')
  })

  test('must not have its bounds the wrong way round', () => {
    const inputTokens = { kind: 'uniform', min: 9, max: 8 }
    expect(refusal({ kind: 'synthetic', inputTokens, outputTokens: 8 })).toContain('min')
  })

  test('must leave room behind a shared prefix, in its shortest prompt too', () => {
    const prefix = { kind: 'shared-prefix', groups: 2, prefixTokens: 100, outputTokens: 8 }
    expect(refusal({ ...prefix, inputTokens: 101 })).toBe('accepted')
    expect(refusal({ ...prefix, inputTokens: 100 })).toContain('prefix')
    expect(refusal({ ...prefix, inputTokens: { kind: 'uniform', min: 99, max: 500 } })).toContain(
      'prefix',
    )
  })
})
