import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPlan, type PlanBasis } from '../../../src/load/workloads/plan.ts'
import type { Message, WorkloadRequest } from '../../../src/load/workloads/planned.ts'
import {
  averageWordbook,
  createNonce,
  createWriter,
  joinWords,
} from '../../../src/load/workloads/wordbook.ts'
import type { Workload } from '../../../src/load/workloads/workload.ts'
import { seededRandom } from '../../../src/random.ts'

const basis: PlanBasis = {
  seed: 1,
  salt: 'monday',
  level: 0,
  wordbook: averageWordbook(1),
  overheadTokens: 0,
}

function take(workload: Workload, numbers: readonly number[], over: Partial<PlanBasis> = {}) {
  const plan = createPlan(workload, { ...basis, ...over })
  if (plan.kind !== 'requests') throw new Error(plan.kind)
  return numbers.map((number) => plan.requestAt(number))
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const wordsOf = ({ prompt }: WorkloadRequest): string[] => (prompt as string).split(' ')
const lengths = {
  kind: 'synthetic',
  inputTokens: { kind: 'uniform', min: 20, max: 60 },
  outputTokens: { kind: 'lognormal', mean: 100, sd: 80, min: 1, max: 500 },
} as const

describe('synthetic prompts', () => {
  test('a request is the same whoever makes it, and in whatever order', () => {
    const all = take(lengths, upTo(40))
    expect(take(lengths, [7, 31, 2])).toEqual([all[7], all[31], all[2]])
    // Three shards make what one makes.
    const shards = [0, 1, 2].map((index) =>
      take(
        lengths,
        upTo(13).map((k) => index + 3 * k),
      ),
    )
    expect(upTo(39).map((number) => shards[number % 3]?.[Math.floor(number / 3)])).toEqual(
      all.slice(0, 39),
    )
  })

  test('another run has the same lengths and other words; another seed has other lengths', () => {
    const sizes = (requests: readonly WorkloadRequest[]) =>
      requests.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])
    const monday = take(lengths, upTo(30))
    const tuesday = take(lengths, upTo(30), { salt: 'tuesday' })
    expect(sizes(tuesday)).toEqual(sizes(monday))
    const shared = monday.filter((request, i) => request.prompt === tuesday[i]?.prompt)
    expect(shared).toEqual([])
    expect(sizes(take(lengths, upTo(30), { seed: 2 }))).not.toEqual(sizes(monday))
  })

  test('with uniquePrefix false the prompts of two runs are the same', () => {
    const known = { ...lengths, uniquePrefix: false }
    expect(take(known, upTo(10), { salt: 'tuesday' })).toEqual(take(known, upTo(10)))
  })

  test('no two of 20,000 prompts begin with the same three words, and neighbours differ in the first', () => {
    const fixed = { kind: 'synthetic', inputTokens: 16, outputTokens: 1 } as const
    const all = take(fixed, upTo(20_000)).map(wordsOf)
    expect(new Set(all.map((words) => words.slice(0, 3).join(' '))).size).toBe(20_000)
    expect(all.every((words, i) => words[0] !== all[i + 1]?.[0])).toBe(true)
  })

  test('the template is part of the length', () => {
    const [request] = take({ kind: 'synthetic', inputTokens: 100, outputTokens: 5 }, [0], {
      overheadTokens: 12,
    })
    expect(request).toMatchObject({ inputTokens: 100, outputTokens: 5 })
    expect(wordsOf(request as WorkloadRequest)).toHaveLength(88)
  })

  test('words of 1.5 tokens on average: 100 tokens less 10 are 60 of them', () => {
    const [request] = take({ kind: 'synthetic', inputTokens: 100, outputTokens: 5 }, [3], {
      overheadTokens: 10,
      wordbook: averageWordbook(1.5),
    })
    expect(wordsOf(request as WorkloadRequest)).toHaveLength(60)
  })

  test('a prompt shorter than the template is one word', () => {
    const [request] = take({ kind: 'synthetic', inputTokens: 3, outputTokens: 1 }, [0], {
      overheadTokens: 12,
    })
    expect(wordsOf(request as WorkloadRequest)).toHaveLength(1)
  })
})

describe('shared prefixes', () => {
  const workload = {
    kind: 'shared-prefix',
    groups: 4,
    prefixTokens: 50,
    inputTokens: 80,
    outputTokens: 10,
  } as const

  test('prompts fall into as many groups as asked, and share exactly the prefix', () => {
    const all = take(workload, upTo(200)).map(wordsOf)
    expect(all.every((words) => words.length === 80)).toBe(true)
    expect(new Set(all.map((words) => words.slice(0, 50).join(' '))).size).toBe(4)
    expect(new Set(all.map((words) => words.slice(0, 53).join(' '))).size).toBe(200)
  })

  test('groups are drawn evenly', () => {
    const seen = new Map<string, number>()
    for (const words of take(workload, upTo(4_000)).map(wordsOf)) {
      const prefix = words.slice(0, 50).join(' ')
      seen.set(prefix, (seen.get(prefix) ?? 0) + 1)
    }
    // Four standard deviations of a share of 1/4: 4 x sqrt(4,000 x 0.1875) = 110.
    for (const count of seen.values()) expect(Math.abs(count - 1_000)).toBeLessThan(110)
  })
})

describe('conversations', () => {
  const workload = {
    kind: 'multi-turn',
    turns: 3,
    systemTokens: 20,
    turnInputTokens: 10,
    outputTokens: 30,
  } as const
  const sessionAt = (number: number, over: Partial<PlanBasis> = {}) => {
    const plan = createPlan(workload, { ...basis, ...over })
    if (plan.kind !== 'sessions') throw new Error(plan.kind)
    return plan.sessionAt(number)
  }
  const messagesOf = ({ prompt }: WorkloadRequest) => prompt as readonly Message[]

  test('each turn repeats what went before, word for word, and adds an answer and a question', () => {
    const session = sessionAt(5)
    const turns = [0, 1, 2].map((turn) => session.requestAt(turn))
    expect(turns.map((turn) => messagesOf(turn).map(({ role }) => role))).toEqual([
      ['system', 'user'],
      ['system', 'user', 'assistant', 'user'],
      ['system', 'user', 'assistant', 'user', 'assistant', 'user'],
    ])
    for (const [turn, request] of turns.entries()) {
      const before = turns[turn - 1]
      if (before)
        expect(messagesOf(request).slice(0, messagesOf(before).length)).toEqual(before.prompt)
      expect(request).toMatchObject({ session: 5, turn })
    }
    // 20 + 10, then 30 + 10 more a turn.
    expect(turns.map(({ inputTokens }) => inputTokens)).toEqual([30, 70, 110])
    expect(session.turns).toBe(3)
  })

  test('a turn is the same whether or not those before it were made', () => {
    const last = sessionAt(5).requestAt(2)
    const session = sessionAt(5)
    session.requestAt(0)
    session.requestAt(1)
    expect(session.requestAt(2)).toEqual(last)
  })

  test('sessions share the system prompt and nothing else', () => {
    const first = messagesOf(sessionAt(0).requestAt(0))
    const second = messagesOf(sessionAt(1).requestAt(0))
    expect(first[0]).toEqual(second[0])
    expect(first[1]?.content.split(' ')[0]).not.toBe(second[1]?.content.split(' ')[0])
  })
})

describe('requests to be given up on purpose', () => {
  const workload = { kind: 'synthetic', inputTokens: 8, outputTokens: 1 } as const

  test('are the stated share, the same ones in each run, and told when', () => {
    const cancel = { share: 0.2, afterChunks: 5 }
    const marks = (over: Partial<PlanBasis>) =>
      take(workload, upTo(5_000), { cancel, ...over }).map(({ cancelAfter }) => cancelAfter)
    const all = marks({})
    const marked = all.filter((after) => after !== undefined)
    // Four standard deviations: 4 x sqrt(5,000 x 0.16) = 113.
    expect(Math.abs(marked.length - 1_000)).toBeLessThan(113)
    expect(marked[0]).toEqual({ chunks: 5 })
    expect(marks({ salt: 'tuesday' })).toEqual(all)
    expect(marks({ seed: 2 })).not.toEqual(all)
  })

  test('are all of them, or turns of conversations, where that is asked for', () => {
    const [request] = take(workload, [0], { cancel: { share: 1, afterMs: 300 } })
    expect(request).toMatchObject({ cancelAfter: { ms: 300 } })
    const plan = createPlan(
      { kind: 'multi-turn', turns: 2, systemTokens: 0, turnInputTokens: 5, outputTokens: 5 },
      { ...basis, cancel: { share: 1, afterMs: 300 } },
    )
    if (plan.kind !== 'sessions') throw new Error(plan.kind)
    expect(plan.sessionAt(0).requestAt(1)).toMatchObject({ cancelAfter: { ms: 300 }, turn: 1 })
  })
})

describe('a writer', () => {
  const books = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 16, maxLength: 40 })
  const bookOf = (costs: readonly number[], leadTokens: number) => ({
    words: costs.map((cost, i) => `w${i}x${cost}`),
    costs,
    leadTokens,
  })

  test('makes exactly any length, where one word is one token', () => {
    fc.assert(
      fc.property(books, fc.integer({ min: 1, max: 400 }), fc.integer(), (costs, tokens, seed) => {
        const writer = createWriter(bookOf([1, ...costs], 1))
        const text = joinWords([writer.draw(seededRandom(seed), tokens + 1)], writer)
        const counted = text.text
          .split(' ')
          .reduce((sum, word) => sum + Number(word.split('x')[1]), -1)
        expect([counted, text.tokens]).toEqual([tokens, tokens])
      }),
    )
  })

  test('tells what it made, and comes as near as the words allow from below', () => {
    fc.assert(
      fc.property(books, fc.integer({ min: 0, max: 300 }), fc.integer(), (costs, wanted, seed) => {
        const book = bookOf(costs, 0)
        const { text, cost } = createWriter(book).draw(seededRandom(seed), wanted)
        const words = text.split(' ').filter((word) => word !== '')
        expect(words.reduce((sum, word) => sum + Number(word.split('x')[1]), 0)).toBe(cost)
        expect(cost).toBeLessThanOrEqual(wanted + Math.max(...costs) / 2)
      }),
    )
    // Of words of 4 and 6 tokens no text has 9 or 2.
    const writer = createWriter(bookOf([4, 6], 0))
    expect(writer.draw(seededRandom(1), 9).cost).toBe(8)
    expect(writer.draw(seededRandom(1), 2)).toEqual({ text: '', cost: 0 })
  })

  test('a nonce leaves a rest that can be made', () => {
    fc.assert(
      fc.property(
        books,
        fc.nat(1_000_000),
        fc.integer({ min: 0, max: 80 }),
        (costs, number, budget) => {
          const writer = createWriter(bookOf([2, 3, ...costs], 0))
          const front = createNonce(writer, 'salt')(number, budget)
          expect(front.cost).toBeLessThanOrEqual(budget)
          const rest = writer.draw(seededRandom(number), budget - front.cost)
          if (budget >= 2) expect(front.cost + rest.cost).toBe(budget)
        },
      ),
    )
  })
})
