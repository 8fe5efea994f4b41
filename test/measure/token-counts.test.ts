import { describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../src/load/record.ts'
import type { RunLog } from '../../src/load/run-log.ts'
import type { ServerSample } from '../../src/load/server-metrics.ts'
import { summarize } from '../../src/measure/summarize.ts'
import type { Gate, TokenCounts } from '../../src/measure/summary.ts'
import { levelLog, look, record, runLog, shifted } from './records.ts'

/** Ten requests of 100 input and 50 output tokens, a token a chunk: 1,000 and 500 together. */
const ten = Array.from({ length: 10 }, (_, id) =>
  shifted(
    record({
      requestedInputTokens: 100,
      requestedOutputTokens: 50,
      usage: { inputTokens: 100, outputTokens: 50 },
      chunkMs: Array.from({ length: 50 }, (_, i) => 100 + i),
    }),
    10 + id * 10,
    { id },
  ),
)
const cancelled: RequestRecord = shifted(
  record({
    id: 10,
    requestedInputTokens: 100,
    requestedOutputTokens: 50,
    outcome: { kind: 'cancelled' },
    endMs: undefined,
    usage: undefined,
  }),
  10,
)
const neverSent: RequestRecord = { ...cancelled, id: 11, sentMs: undefined, chunkMs: [] }

/** Counters that move by so much from before the first request until after the last. */
const counters = (output: number, input = 1_000): ServerSample[] => [
  look(0, { outputTokensTotal: 7, inputTokensTotal: 9 }),
  look(900, { outputTokensTotal: 7 + output, inputTokensTotal: 9 + input }),
]

function sumUp(
  records: readonly RequestRecord[],
  samples: readonly ServerSample[] = [],
  run: Partial<RunLog> = {},
) {
  const levels = [levelLog({ issued: records.length })]
  const prompts = { kind: 'usage', overheadTokens: 0, tokensPerWord: 1 } as const
  return summarize(runLog({ levels, prompts, ...run }), records, undefined, samples)
}

const between = ({ agreement }: TokenCounts, direction: string, a: string, b: string) =>
  agreement.find(
    ({ direction: of, sources }) => of === direction && sources[0] === a && sources[1] === b,
  )

const alone = ({ gates }: { readonly gates: readonly Gate[] }) =>
  gates.find(({ gate }) => gate === 'alone-on-server')

describe('tokens by source', () => {
  test('are sums over the whole run, warm-up included', () => {
    const [first, ...others] = ten
    const records = [{ ...(first as RequestRecord), phase: 'warm-up' as const }, ...others]
    expect(sumUp(records, counters(500)).tokens).toMatchObject({
      completedRequests: 10,
      counts: [
        { direction: 'input', source: 'usage', tokens: 1_000, requests: 10 },
        { direction: 'input', source: 'server-counters', tokens: 1_000 },
        { direction: 'output', source: 'usage', tokens: 500, requests: 10 },
        { direction: 'output', source: 'chunks', tokens: 500, requests: 10 },
        { direction: 'output', source: 'server-counters', tokens: 500 },
      ],
    })
  })

  test('have those for reasoning and those from the cache apart, once a request tells', () => {
    const [first, ...others] = ten
    const usage = { inputTokens: 100, outputTokens: 50, reasoningTokens: 20, cachedInputTokens: 32 }
    const { tokens, points } = sumUp([{ ...(first as RequestRecord), usage }, ...others])
    expect(tokens).toMatchObject({ reasoningTokens: 20, cachedInputTokens: 32 })
    // 20 of 500, 32 of 1,000.
    expect(points[0]).toMatchObject({ reasoningRatio: 0.04, cachedInputRatio: 0.032 })
    const silent = sumUp(ten)
    expect(silent.tokens.reasoningTokens).toBeUndefined()
    expect(silent.points[0]?.cachedInputRatio).toBeUndefined()
  })

  test('of nobody are no counts, not zeros', () => {
    expect(sumUp([cancelled]).tokens).toMatchObject({
      completedRequests: 0,
      counts: [],
      agreement: [],
    })
  })
})

describe('usage and the server’s counters', () => {
  test.each([
    [495, 'agree'],
    [505, 'agree'],
    [494, 'differ'],
    [506, 'differ'],
  ])('500 and %i: %s', (counted, outcome) => {
    const { tokens } = sumUp(ten, counters(counted))
    expect(between(tokens, 'output', 'usage', 'server-counters')).toMatchObject({
      tokens: [500, counted],
      ratio: counted / 500,
      outcome,
    })
  })

  test('may differ by what unfinished requests asked for, which is a bound and no mismatch', () => {
    // 500 and at most 50 more: 555.5 is 1 % over that.
    const outcomes = [550, 555, 556].map(
      (counted) =>
        between(
          sumUp([...ten, cancelled], counters(counted)).tokens,
          'output',
          'usage',
          'server-counters',
        )?.outcome,
    )
    expect(outcomes).toEqual(['within-bounds', 'within-bounds', 'differ'])
  })

  test('and by as much where it was given up on purpose', () => {
    const abandoned: RequestRecord = { ...cancelled, outcome: { kind: 'abandoned' } }
    const { tokens } = sumUp([...ten, abandoned], counters(550))
    expect(tokens).toMatchObject({ completedRequests: 10, mostCausedOutputTokens: 550 })
    expect(between(tokens, 'output', 'usage', 'server-counters')?.outcome).toBe('within-bounds')
  })

  test('a request that never left caused nothing', () => {
    const { tokens } = sumUp([...ten, neverSent], counters(506))
    expect(tokens.mostCausedOutputTokens).toBe(500)
    expect(between(tokens, 'output', 'usage', 'server-counters')?.outcome).toBe('differ')
  })

  test('a lost request may have caused as much as any', () => {
    const levels = [levelLog({ issued: 12 })]
    expect(sumUp(ten, counters(600), { levels }).tokens).toMatchObject({
      mostCausedOutputTokens: 600,
      mostCausedInputTokens: 1_200,
    })
  })

  test('counters may leave out cached input tokens, and the template where nobody tells', () => {
    const prompts = { kind: 'usage', overheadTokens: 20, tokensPerWord: 1 } as const
    const outcome = (input: number, records: readonly RequestRecord[]) =>
      between(
        sumUp(records, counters(500, input), { prompts }).tokens,
        'input',
        'usage',
        'server-counters',
      )?.outcome
    // Ten templates of 20 tokens are 200: 792 is 1 % under what is left.
    expect([outcome(800, ten), outcome(792, ten), outcome(791, ten)]).toEqual([
      'within-bounds',
      'within-bounds',
      'differ',
    ])
    const told = ten.map((each) => ({ ...each, usage: { ...each.usage, cachedInputTokens: 1 } }))
    expect(outcome(800, told)).toBe('differ')
  })

  test('are not compared when requests tell no usage, the server restarted, or was not read to the end', () => {
    const outcome = (
      records: readonly RequestRecord[],
      samples: readonly ServerSample[],
      run = {},
    ) => between(sumUp(records, samples, run).tokens, 'output', 'usage', 'server-counters')
    const [first, ...others] = ten
    const silent = [{ ...(first as RequestRecord), usage: undefined }, ...others]
    expect(outcome(silent, counters(450))).toMatchObject({
      outcome: 'not-comparable',
      why: '1 of 10 completed requests tell no count',
    })
    const restarted = [...counters(300), look(950, { outputTokensTotal: 1, inputTokensTotal: 0 })]
    expect(outcome(ten, restarted)?.why).toBe('the counters went back: the server started anew')
    const cut: ServerSample[] = [
      look(0, { outputTokensTotal: 0 }),
      look(300, { outputTokensTotal: 5 }),
    ]
    expect(outcome(ten, cut)?.why).toMatch(/was not read from before/)
    expect(outcome(ten, counters(500), { state: 'running' })?.why).toMatch(
      /was not read from before/,
    )
  })
})

describe('the tokenizer that the prompts were made with', () => {
  const counted = (usageInput: number, run: Partial<RunLog> = {}) =>
    sumUp(
      ten.map((each) => ({ ...each, usage: { inputTokens: usageInput, outputTokens: 50 } })),
      [],
      {
        prompts: {
          kind: 'tokenizer',
          sha256: '0'.repeat(64),
          words: 96,
          overheadTokens: 0,
          tokensPerWord: 1,
        },
        ...run,
      },
    )

  test('is a source of input tokens beside usage', () => {
    const { tokens, warnings } = counted(100)
    expect(between(tokens, 'input', 'usage', 'tokenizer')).toMatchObject({
      tokens: [1_000, 1_000],
      outcome: 'agree',
    })
    expect(warnings.map(({ kind }) => kind)).not.toContain('token-mismatch')
  })

  test('that counts 2 % more than the server is told, with both numbers', () => {
    const { warnings } = counted(98)
    expect(warnings.find(({ kind }) => kind === 'token-mismatch')?.text).toContain(
      'the usage of the answers 980, the tokenizer that the prompts were made with 1000',
    )
  })

  test('says nothing where it was not asked', () => {
    const prompts = { kind: 'usage', overheadTokens: 0, tokensPerWord: 1 } as const
    const { tokens } = counted(98, { prompts })
    expect(tokens.counts.map(({ source }) => source)).not.toContain('tokenizer')
  })
})

describe('the server’s timings of an answer', () => {
  const timed = (outputTokens: number, inputTokens: number, cachedInputTokens?: number) =>
    ten.map((each) => ({
      ...each,
      serverTimings: { outputTokens, inputTokens, cachedInputTokens },
    }))

  test('are a source beside usage', () => {
    const { tokens, warnings } = sumUp(timed(50, 100), counters(500))
    expect(tokens.counts).toContainEqual({
      direction: 'output',
      source: 'server-timings',
      tokens: 500,
      requests: 10,
    })
    expect(tokens.agreement.map(({ outcome }) => outcome)).toEqual(
      tokens.agreement.map(() => 'agree'),
    )
    expect(tokens.agreement).toHaveLength(3 + 6)
    expect(warnings.map(({ kind }) => kind)).not.toContain('token-mismatch')
  })

  test('that count an answer otherwise are told', () => {
    const { tokens, warnings } = sumUp(timed(49, 100))
    expect(between(tokens, 'output', 'usage', 'server-timings')).toMatchObject({
      tokens: [500, 490],
      ratio: 0.98,
      outcome: 'differ',
    })
    expect(warnings.find(({ kind }) => kind === 'token-mismatch')?.text).toContain(
      "the usage of the answers 500, the server's own timings of the answers 490 (ratio 0.980)",
    )
  })

  test('may leave out of the prompt what they say was cached, and no more', () => {
    const outcome = (input: number, cached: number) =>
      between(sumUp(timed(50, input, cached)).tokens, 'input', 'usage', 'server-timings')?.outcome
    // 100 of usage less 30 cached is 70, and 1 % less is 69.3.
    expect([outcome(70, 30), outcome(69, 30), outcome(70, 0)]).toEqual([
      'within-bounds',
      'differ',
      'differ',
    ])
    expect(sumUp(timed(50, 70, 30)).points[0]?.cachedInputRatio).toBe(0.3)
  })

  test('are summed over the requests that have them only', () => {
    const [first, ...others] = timed(50, 100)
    const { tokens } = sumUp([{ ...(first as RequestRecord), serverTimings: undefined }, ...others])
    // 9 requests of 50.
    expect(between(tokens, 'output', 'usage', 'server-timings')).toMatchObject({
      tokens: [450, 450],
      outcome: 'agree',
    })
  })
})

describe('chunks', () => {
  test('are held against tokens only where each brings one', () => {
    const { tokens } = sumUp(ten, counters(500))
    expect(between(tokens, 'output', 'usage', 'chunks')?.outcome).toBe('agree')
    expect(between(tokens, 'output', 'chunks', 'server-counters')?.outcome).toBe('agree')
    const lumps = ten.map((each) => ({ ...each, chunkMs: each.chunkMs.slice(0, 25) }))
    const lumped = sumUp(lumps, counters(500))
    expect(between(lumped.tokens, 'output', 'usage', 'chunks')).toMatchObject({
      ratio: 0.5,
      outcome: 'not-comparable',
      why: 'a chunk holds 2.00 tokens on average',
    })
    expect(lumped.warnings.map(({ kind }) => kind)).not.toContain('token-mismatch')
  })

  test('alone tell nothing of tokens', () => {
    const silent = ten.map((each) => ({ ...each, usage: undefined }))
    const { tokens } = sumUp(silent, counters(900))
    expect(between(tokens, 'output', 'chunks', 'server-counters')).toMatchObject({
      outcome: 'not-comparable',
      why: 'how many tokens a chunk holds is not known',
    })
  })
})

describe('a mismatch', () => {
  test('is a warning that names both sources and both numbers', () => {
    const texts = sumUp(ten, counters(450)).warnings.filter(({ kind }) => kind === 'token-mismatch')
    expect(texts[0]?.text).toBe(
      "Two counts of the run's output tokens do not agree: the usage of the answers 500, the server's own counters 450 (ratio 0.900). The counters may be of one of several servers behind the address, or late: look at each server by itself.",
    )
  })

  test('by less than 1 % is none', () => {
    expect(sumUp(ten, counters(503)).warnings.map(({ kind }) => kind)).not.toContain(
      'token-mismatch',
    )
  })
})

describe('a server that somebody else used', () => {
  test('makes the run INVALID, and the gate names both numbers', () => {
    const summary = sumUp([...ten, cancelled], counters(556))
    expect(alone(summary)).toMatchObject({
      status: 'fail',
      severity: 'invalid',
      value: 'the server counted 556 output tokens of 550 and 1000 input tokens of 1100 possible',
    })
    expect(summary.verdict).toBe('INVALID')
    expect(summary.reasons.join()).toContain('whole run: alone-on-server is the server counted 556')
  })

  test('shows in the input tokens alone, too', () => {
    expect(alone(sumUp(ten, counters(500, 1_011)))?.status).toBe('fail')
    expect(alone(sumUp(ten, counters(500, 1_010)))?.status).toBe('pass')
  })

  test('does not when nobody did', () => {
    expect(alone(sumUp(ten, counters(500)))?.status).toBe('pass')
  })

  test('is not looked for without counters, or after a restart', () => {
    expect(alone(sumUp(ten))?.status).toBe('not-measured')
    expect(alone(sumUp(ten, [look(0, { running: 1 }), look(900, { running: 0 })]))?.status).toBe(
      'not-measured',
    )
    const restarted = [...counters(9_000), look(950, { outputTokensTotal: 1, inputTokensTotal: 0 })]
    expect(alone(sumUp(ten, restarted))?.status).toBe('not-measured')
  })

  test('cannot be told where requests without a count may have cost anything', () => {
    const silent = ten.map((each) => ({
      ...each,
      usage: undefined,
      requestedInputTokens: undefined,
      requestedOutputTokens: undefined,
    }))
    expect(alone(sumUp(silent, counters(9_000)))?.status).toBe('not-measured')
  })
})
