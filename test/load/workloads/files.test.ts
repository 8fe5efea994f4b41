import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  createItemReader,
  type DatasetSource,
  loadDataset,
} from '../../../src/load/workloads/dataset.ts'
import { createPlan, type WorkloadData } from '../../../src/load/workloads/plan.ts'
import type { WorkloadRequest } from '../../../src/load/workloads/planned.ts'
import {
  MAX_PIECE_BYTES,
  type Piece,
  readArray,
  readLines,
} from '../../../src/load/workloads/read-file.ts'
import { loadTrace, type TraceSource } from '../../../src/load/workloads/trace.ts'
import { averageWordbook } from '../../../src/load/workloads/wordbook.ts'

const folder = mkdtempSync(join(tmpdir(), 'baremark-dataset-'))
let files = 0

function fileOf(content: string | Buffer): string {
  const file = join(folder, `file-${files++}`)
  writeFileSync(file, content)
  return file
}

async function linesOf(content: string | Buffer, read = readLines): Promise<string[]> {
  const file = fileOf(content)
  const bytes = readFileSync(file)
  const lines: string[] = []
  await read(file, (piece: Piece) => {
    // The place of each piece leads back to it.
    const again = bytes.subarray(piece.offset, piece.offset + piece.bytes.length)
    expect(again.equals(piece.bytes)).toBe(true)
    lines.push(`${piece.line}:${piece.bytes}`)
  })
  return lines
}

describe('lines', () => {
  test('end with LF, CRLF or the file; empty ones and a byte order mark are left out', async () => {
    expect(await linesOf('a\nb\n')).toEqual(['1:a', '2:b'])
    expect(await linesOf('\ufeffa\r\n\r\n  \r\nb')).toEqual(['1:a', '4:b'])
    expect(await linesOf('')).toEqual([])
  })

  test('may be longer than what is read at once', async () => {
    const long = 'x'.repeat(700_000)
    expect(await linesOf(`${long}\n${long}y\n`)).toEqual([`1:${long}`, `2:${long}y`])
  })

  test('of 100 MiB are refused, with their number, and not held in memory', async () => {
    const file = join(folder, 'huge')
    const descriptor = openSync(file, 'w')
    writeSync(descriptor, 'first\n')
    const block = Buffer.alloc(1024 * 1024, 'x')
    for (let i = 0; i < 100; i++) writeSync(descriptor, block)
    closeSync(descriptor)
    const before = process.memoryUsage().arrayBuffers
    await expect(readLines(file, () => {})).rejects.toThrow(
      `${file}:2: longer than ${MAX_PIECE_BYTES} bytes`,
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 1024 * 1024)
  })

  test('come with the SHA-256 of the whole file', async () => {
    const file = fileOf('a\r\nb')
    expect(await readLines(file, () => {})).toBe(
      createHash('sha256').update('a\r\nb').digest('hex'),
    )
  })
})

describe('elements of a JSON array', () => {
  const elements = (content: string): Promise<string[]> => linesOf(content, readArray)

  test('are cut out whole, whatever their strings hold', async () => {
    const tricky = String.raw`{"a":"}]\"\\","b":[{"c":{}}]}`
    expect(await elements(`\ufeff[\r\n {"x":1} ,\n${tricky},{}\n]\n`)).toEqual([
      '2:{"x":1}',
      `3:${tricky}`,
      '3:{}',
    ])
    expect(await elements('[]')).toEqual([])
  })

  test('may span what is read at once, also in the middle of an escape', async () => {
    const long = JSON.stringify({ text: '\\"'.repeat(200_000) })
    expect(await elements(`[${long},${long}]`)).toEqual([`1:${long}`, `1:${long}`])
  })

  test.each([
    ['{"a":1}', 'unexpected "{"'],
    ['[{"a":1}', 'ends in the middle'],
    ['[{"a":"x', 'ends in the middle'],
    ['[1]', 'unexpected "1"'],
    ['[{}]\n]', 'unexpected "]"'],
    ['', 'ends in the middle'],
  ])('%j is refused', async (content, message) => {
    await expect(elements(content)).rejects.toThrow(message)
  })
})

const count = (text: string): number => text.split(' ').length

function dataset(content: string, over: Partial<DatasetSource> = {}, options = {}) {
  const source: DatasetSource = { file: fileOf(content), format: 'jsonl', order: 'file', ...over }
  return loadDataset(source, { seed: 1, messages: true, ...options })
}

describe('a file of prompts', () => {
  const content = [
    '{"prompt":"one two three","output_tokens":5}',
    '{"text":"four","max_tokens":6}',
    '{"messages":[{"role":"system","content":"be kind"},{"role":"user","content":[{"type":"text","text":"five six"}]}],"max_completion_tokens":7}',
    '{"custom_id":"x","body":{"messages":[{"role":"user","content":"seven"}],"max_tokens":8}}',
  ].join('\r\n')

  test('holds texts, messages and lines of OpenAI batches, each with its answer length', async () => {
    const loaded = await dataset(content, {}, { countTokens: count })
    expect([...loaded.outputTokens]).toEqual([5, 6, 7, 8])
    expect([...(loaded.inputTokens ?? [])]).toEqual([3, 1, 4, 1])
    const itemAt = createItemReader(loaded)
    expect(itemAt(0).prompt).toBe('one two three')
    expect(itemAt(2).prompt).toEqual([
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'five six' },
    ])
    expect(itemAt(3).prompt).toEqual([{ role: 'user', content: 'seven' }])
  })

  test.each([
    ['{"prompt":"a"}\n{"prompt":', ':2: no JSON'],
    ['{"prompt":"a"}\n\n[1]', ':3: expected an object'],
    ['{"question":"a"}', ':1: expected "prompt", "text" or "messages"'],
    ['{"prompt":" "}', ':1: the prompt is empty'],
    ['{"prompt":"a","max_tokens":0}', ':1: expected a whole number of output tokens'],
    ['{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}', ':1: expected messages'],
    ['{"messages":[]}', ':1: expected messages'],
    ['{"prompt":"a","max_tokens":1}\n{"prompt":"b"}', ':2: nothing says how long the answer'],
    ['', ' holds no request'],
  ])('%j is refused with its line', async (broken, message) => {
    await expect(dataset(broken)).rejects.toThrow(message)
  })

  test('messages are refused where the API takes none', async () => {
    await expect(dataset(content, {}, { messages: false })).rejects.toThrow(
      ':3: messages need a chat API',
    )
  })

  test('a file that is not there is told as such', async () => {
    await expect(dataset('', { file: '/nowhere/prompts' })).rejects.toThrow(
      'No such file: /nowhere/prompts',
    )
  })
})

describe('a ShareGPT file', () => {
  const conversation = (...turns: [string, string][]): object => ({
    id: 'x',
    conversations: turns.map(([from, value]) => ({ from, value })),
  })
  const content = JSON.stringify([
    conversation(['human', 'what is it'], ['gpt', 'a thing of sorts'], ['human', 'and more']),
    conversation(['gpt', 'an answer to nothing']),
    conversation(['system', 'hello'], ['user', 'why'], ['chatgpt', 'because']),
    conversation(['human', 'nobody answers']),
    conversation(['human', ''], ['gpt', 'to nothing']),
  ])

  test('gives the first question of each conversation, and its answer for the length', async () => {
    const loaded = await dataset(content, { format: 'sharegpt' }, { countTokens: count })
    const itemAt = createItemReader(loaded)
    expect([itemAt(0).prompt, itemAt(1).prompt]).toEqual(['what is it', 'why'])
    expect([...loaded.outputTokens]).toEqual([4, 1])
    expect(loaded).toMatchObject({ items: 2, leftOut: 3 })
  })

  test('needs an answer length where nobody counts, and takes the one given', async () => {
    await expect(dataset(content, { format: 'sharegpt' })).rejects.toThrow('nothing says how long')
    const loaded = await dataset(content, { format: 'sharegpt', outputTokens: 64 })
    expect([...loaded.outputTokens]).toEqual([64, 64])
    expect(loaded.inputTokens).toBeUndefined()
  })

  test('of another shape is refused', async () => {
    await expect(dataset('[{"a":1}]', { format: 'sharegpt' })).rejects.toThrow(
      ':1: expected an object with "conversations"',
    )
  })
})

describe('a sample', () => {
  const numbered = Array.from({ length: 100 }, (_, i) => `{"prompt":"p${i}","max_tokens":1}`).join(
    '\n',
  )
  const names = async (over: Partial<DatasetSource>, seed = 1): Promise<unknown[]> => {
    const loaded = await dataset(numbered, over, { seed })
    const itemAt = createItemReader(loaded)
    return Array.from({ length: loaded.items }, (_, i) => itemAt(i).prompt)
  }

  test('is drawn without replacement, by the seed', async () => {
    const sample = await names({ order: 'shuffled', limit: 30 })
    expect(new Set(sample).size).toBe(30)
    expect(await names({ order: 'shuffled', limit: 30 })).toEqual(sample)
    expect(await names({ order: 'shuffled', limit: 30 }, 2)).not.toEqual(sample)
    expect(new Set(await names({ order: 'shuffled' })).size).toBe(100)
  })

  test('of a file in order is its beginning', async () => {
    expect(await names({ order: 'file', limit: 3 })).toEqual(['p0', 'p1', 'p2'])
  })

  test('every prompt has the same chance of being in it', async () => {
    const seen = new Map<unknown, number>()
    for (let seed = 0; seed < 200; seed++)
      for (const name of await names({ order: 'shuffled', limit: 10 }, seed))
        seen.set(name, (seen.get(name) ?? 0) + 1)
    // Each 20 times on average; 5 standard deviations of a binomial: 5 x sqrt(200 x 0.09) = 21.
    expect(Math.max(...seen.values())).toBeLessThan(42)
    expect(seen.size).toBe(100)
  })
})

function planned(
  data: WorkloadData,
  workload: object,
  numbers: readonly number[],
): WorkloadRequest[] {
  const plan = createPlan({ file: 'x', ...workload } as never, {
    seed: 1,
    salt: 'monday',
    level: 0,
    wordbook: averageWordbook(1),
    overheadTokens: 0,
    data,
  })
  if (plan.kind !== 'requests') throw new Error(plan.kind)
  return numbers.map((number) => plan.requestAt(number))
}

describe('requests of a dataset', () => {
  test('begin with a line of their own and end with the prompt, over and over', async () => {
    const loaded = await dataset(
      '{"prompt":"a b","max_tokens":3}\n{"messages":[{"role":"user","content":"c"}],"max_tokens":4}',
      {},
      { countTokens: count },
    )
    const [first, second, again] = planned(
      { kind: 'dataset', dataset: loaded },
      { kind: 'dataset' },
      [0, 1, 2],
    )
    expect(first?.prompt).toMatch(/^[a-z ]+\na b$/)
    expect(second?.prompt).toEqual([
      { role: 'user', content: expect.stringMatching(/^[a-z ]+\nc$/) },
    ])
    expect(again?.prompt).toMatch(/\na b$/)
    expect(again?.prompt).not.toBe(first?.prompt)
    expect(again).toMatchObject({ outputTokens: 3 })
  })

  test('are the prompts as they are with uniquePrefix false', async () => {
    const loaded = await dataset('{"prompt":"a b","max_tokens":3}', {}, { countTokens: count })
    expect(
      planned({ kind: 'dataset', dataset: loaded }, { kind: 'dataset', uniquePrefix: false }, [0]),
    ).toEqual([{ prompt: 'a b', inputTokens: 2, outputTokens: 3 }])
  })
})

function trace(format: TraceSource['format'], content: string, over: Partial<TraceSource> = {}) {
  return loadTrace({ file: fileOf(content), format, ...over })
}

describe('a trace', () => {
  const azure = [
    'TIMESTAMP,ContextTokens,GeneratedTokens',
    '2023-11-16 18:15:46.6805900,374,44',
    '2023-11-16 18:15:50.9951690,396,109',
    '2023-11-16 18:16:46.6805900,879,0',
    '2023-11-17 00:00:00.0000000,91,16',
  ].join('\r\n')

  test('of Azure: times to the microsecond, from the first request on; what got no answer is left out', async () => {
    const loaded = await trace('azure', azure)
    // 50.9951690 - 46.6805900 s; and to midnight 5 h 44 min 13.31941 s.
    expect(loaded.dueOffsetsMs[1]).toBeCloseTo(4_314.579, 3)
    expect(loaded.dueOffsetsMs[2]).toBeCloseTo(20_653_319.41, 3)
    expect([...loaded.inputTokens]).toEqual([374, 396, 91])
    expect([...loaded.outputTokens]).toEqual([44, 109, 16])
    expect(loaded).toMatchObject({ requests: 3, leftOut: 1 })
    const of2024 = await trace(
      'azure',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01+00:00,7,5\n',
    )
    expect(of2024.dueOffsetsMs[1]).toBeCloseTo(990.07, 3)
  })

  test('of BurstGPT: seconds, in six columns or eight', async () => {
    const six = await trace(
      'burstgpt',
      'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n45.5,GPT-4,1087,230,1317,API log\n118,GPT-4,300,0,300,API log\n',
    )
    expect([...six.dueOffsetsMs]).toEqual([0, 40_500])
    expect(six).toMatchObject({ requests: 2, leftOut: 1 })
    const eight = await trace(
      'burstgpt',
      '\ufeffTimestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n1,7,0.4,GPT-4,10,20,30,x\n',
    )
    expect([eight.inputTokens[0], eight.outputTokens[0]]).toEqual([10, 20])
  })

  const mooncake = [
    '{"timestamp": 0, "input_length": 1100, "output_length": 52, "hash_ids": [46, 47, 48]}',
    '{"timestamp": 3000, "input_length": 1030, "output_length": 26, "hash_ids": [46, 47, 2353]}',
    '{"timestamp": 3000, "input_length": 512, "output_length": 3, "hash_ids": [9]}',
    '{"timestamp": 6000, "input_length": 600, "output_length": 3}',
  ].join('\n')

  test('of Mooncake: prompts share as many words as they share blocks of 512 tokens', async () => {
    const data: WorkloadData = { kind: 'trace', trace: await trace('mooncake', mooncake) }
    const requests = planned(data, { kind: 'trace' }, [0, 1, 2, 3])
    const [first = [], second = [], third = [], last = []] = requests.map(({ prompt }) =>
      (prompt as string).split(' '),
    )
    expect([first, second, third, last].map(({ length }) => length)).toEqual([
      1_100, 1_030, 512, 600,
    ])
    expect(second.slice(0, 1_024)).toEqual(first.slice(0, 1_024))
    expect(second[1_024]).not.toBe(first[1_024])
    expect(third[0]).not.toBe(first[0])
    expect(requests.map(({ dueOffsetMs }) => dueOffsetMs)).toEqual([0, 3_000, 3_000, 6_000])
    expect(requests.map(({ outputTokens }) => outputTokens)).toEqual([52, 26, 3, 3])
  })

  test('may be cut to its beginning, and to requests that are not too long', async () => {
    expect(await trace('mooncake', mooncake, { limit: 2 })).toMatchObject({
      requests: 2,
      leftOut: 0,
    })
    const short = await trace('mooncake', mooncake, { maxInputTokens: 600, maxOutputTokens: 3 })
    expect([...short.inputTokens]).toEqual([512, 600])
    expect([...short.dueOffsetsMs]).toEqual([0, 3_000])
    expect(short.leftOut).toBe(2)
  })

  test('out of order is put in order', async () => {
    const loaded = await trace(
      'burstgpt',
      'Timestamp,Request tokens,Response tokens\n9,1,1\n4,2,2\n',
    )
    expect([...loaded.dueOffsetsMs, ...loaded.inputTokens]).toEqual([0, 5_000, 2, 1])
  })

  test.each([
    [
      'azure',
      'TIMESTAMP,ContextTokens\n',
      ':1: expected the columns TIMESTAMP, ContextTokens, GeneratedTokens',
    ],
    [
      'azure',
      'TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,1',
      ':2: "yesterday" is no time',
    ],
    [
      'azure',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1',
      ':2: "" is no number of tokens',
    ],
    [
      'burstgpt',
      'Timestamp,Request tokens,Response tokens\n1,-4,1',
      ':2: "-4" is no number of tokens',
    ],
    ['burstgpt', 'Timestamp,Request tokens,Response tokens\n1e3,4,1', ':2: "1e3" is no time'],
    ['mooncake', '{"timestamp":"0"}', ':1: expected "timestamp" in ms'],
    [
      'mooncake',
      '{"timestamp":0,"input_length":1.5,"output_length":1}',
      ':1: expected "input_length"',
    ],
    [
      'mooncake',
      '{"timestamp":0,"input_length":1,"output_length":1,"hash_ids":[-1]}',
      ':1: expected "hash_ids"',
    ],
    ['mooncake', '\n{"timestamp":0,', ':2: no JSON'],
    ['mooncake', '', ' holds no request'],
  ] as const)('%s %j is refused with its line', async (format, content, message) => {
    await expect(trace(format, content)).rejects.toThrow(message)
  })
})
