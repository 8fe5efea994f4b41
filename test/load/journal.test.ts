import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exitCodes, UserError } from '../../src/errors.ts'
import { openJournal } from '../../src/load/journal.ts'
import { eachRecord } from '../../src/load/read-journal.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import { lineOf } from './line-of.ts'
import { readAll, whole } from './read-all.ts'
import { sampleRecord } from './sample-record.ts'

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-journal-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function write(file: string, records: readonly RequestRecord[]): Promise<void> {
  const journal = await openJournal(file)
  for (const record of records) journal.append(lineOf(record))
  await journal.close()
}

const everyKind: readonly RequestRecord[] = [
  sampleRecord({
    id: 0,
    phase: 'warm-up',
    connectMs: 0.125,
    firstEventMs: 12.5,
    firstVisibleMs: 25.5,
    finishMs: 30.5,
    finishReason: 'stop',
    requestedInputTokens: 64,
    requestedOutputTokens: 32,
    usage: { inputTokens: 64, outputTokens: 2, cachedInputTokens: 0, reasoningTokens: 1 },
  }),
  sampleRecord({ id: 1, dueMs: 1_000.001, sentMs: 1_000.25 }),
  sampleRecord({ id: 2, outcome: { kind: 'timed-out', timer: 'first-token' }, chunkMs: [] }),
  sampleRecord({ id: 3, outcome: { kind: 'cancelled' }, chunkMs: [] }),
  sampleRecord({
    id: 4,
    outcome: { kind: 'failed', failure: 'http-status', detail: '500 "oops"\n\tand\r\nmore' },
  }),
]

describe('a journal on a good disk', () => {
  test('tells how far it is, and can be read from there on', async () => {
    const file = join(await emptyFolder(), 'requests.jsonl')
    const journal = await openJournal(file)
    const first = lineOf(sampleRecord({ id: 0 }))
    journal.append(first)
    const from = await journal.written()
    expect(from).toBe(first.byteLength)
    journal.append(lineOf(sampleRecord({ id: 1 })))
    expect(await journal.written()).toBeGreaterThan(from)
    const ids: number[] = []
    expect(await eachRecord(file, ({ id }) => ids.push(id), from)).toMatchObject({ records: 1 })
    expect(ids).toEqual([1])
    await journal.close()
  })

  test('gives back the records that were put in, in their order', async () => {
    const file = join(await emptyFolder(), 'requests.jsonl')
    await write(file, everyKind)
    expect(await readAll(file)).toEqual({ records: everyKind, ...whole })
  })

  test('gives back whatever text a server put into an error', async () => {
    const file = join(await emptyFolder(), 'requests.jsonl')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (detail) => {
        const record = sampleRecord({
          outcome: {
            kind: 'failed',
            failure: 'error-event',
            detail: `${detail}\u2028\u2029\u0085`,
          },
        })
        await rm(file, { force: true })
        await write(file, [record])
        expect(await readAll(file)).toEqual({ records: [record], ...whole })
      }),
      { numRuns: 15 },
    )
  })

  test('a record reaches the disk while the run goes on', async () => {
    const file = join(await emptyFolder(), 'requests.jsonl')
    const journal = await openJournal(file)
    onTestFinished(journal.close)
    journal.append(lineOf(sampleRecord()))
    await expect
      .poll(async () => (await readAll(file)).records, { timeout: 20_000 })
      .toHaveLength(1)
  })

  test('an empty journal holds nothing', async () => {
    const file = join(await emptyFolder(), 'requests.jsonl')
    await write(file, [])
    expect(await readAll(file)).toEqual({ records: [], ...whole })
  })
})

const setupError = { name: 'UserError', exitCode: exitCodes.setup }

describe('a disk that refuses', () => {
  test.runIf(process.platform === 'linux')('stops the run, and closing tells why', async () => {
    const journal = await openJournal('/dev/full')
    journal.append(lineOf(sampleRecord()))
    await once(journal.failed, 'abort')
    expect(journal.failed.reason).toBeInstanceOf(UserError)
    expect(journal.failed.reason).toMatchObject({
      ...setupError,
      message: expect.stringContaining('Cannot write /dev/full: ENOSPC'),
      remedy: expect.stringContaining('The disk is full'),
    })
    journal.append(lineOf(sampleRecord({ id: 1 })))
    await expect(journal.close()).rejects.toBe(journal.failed.reason)
  })

  test.runIf(process.platform === 'linux')('is told by closing alone', async () => {
    const journal = await openJournal('/dev/full')
    journal.append(lineOf(sampleRecord()))
    await expect(journal.close()).rejects.toMatchObject(setupError)
  })

  test('a disk that falls behind ends the run before memory does', async () => {
    const file = join(await emptyFolder(), 'requests.jsonl')
    const journal = await openJournal(file)
    const block = Buffer.alloc(64 * 1024 * 1024)
    for (let i = 0; i < 4; i++) journal.append(block)
    expect(journal.failed.aborted).toBe(false)
    journal.append(block)
    expect(journal.failed.reason).toMatchObject({
      ...setupError,
      message: expect.stringContaining('does not keep up'),
    })
    await expect(journal.close()).rejects.toBe(journal.failed.reason)
  })

  test('a journal that cannot be made is told at once', async () => {
    const file = join(await emptyFolder(), 'missing', 'requests.jsonl')
    await expect(openJournal(file)).rejects.toMatchObject({
      ...setupError,
      message: expect.stringContaining(`Cannot write ${file}: ENOENT`),
    })
  })
})
