import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { eachRecord } from '../../src/load/read-journal.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import { readAll, whole } from './read-all.ts'

async function journalOf(text: string | Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-journal-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'requests.jsonl')
  await writeFile(file, text)
  return file
}

const head = '"level":0,"phase":"measured","sentMs":0,"closedMs":31'
/** As a run writes it: chunks at 20 and 30.5 ms. */
const lineOf = (id: number, detail?: string): string =>
  detail === undefined
    ? `{"id":${id},${head},"outcome":{"kind":"completed"},"chunkGapsUs":[20000,10500]}`
    : `{"id":${id},${head},"outcome":{"kind":"failed","failure":"http-status","detail":${JSON.stringify(detail)}},"chunkGapsUs":[]}`
const recordOf = (id: number): RequestRecord => ({
  id,
  level: 0,
  phase: 'measured',
  sentMs: 0,
  closedMs: 31,
  outcome: { kind: 'completed' },
  chunkMs: [20, 30.5],
})

describe('a journal', () => {
  test('gives its records in their order, with chunk times in ms since the epoch', async () => {
    const file = await journalOf(`${lineOf(1)}\n${lineOf(0)}\n`)
    expect(await readAll(file)).toEqual({ records: [recordOf(1), recordOf(0)], ...whole })
  })

  test('that is empty holds nothing', async () => {
    expect(await readAll(await journalOf(''))).toEqual({ records: [], ...whole })
  })

  test('written with the line ends of another system is the same', async () => {
    const file = await journalOf(`${lineOf(0)}\r\n\r\n${lineOf(1)}\r\n`)
    expect(await readAll(file)).toEqual({ records: [recordOf(0), recordOf(1)], ...whole })
  })

  test('with a line of 5 MB, and lines across every block it is read in, is read whole', async () => {
    const details = [
      'ö'.repeat(2_500_000),
      ...Array.from({ length: 40 }, (_, i) => 'ü'.repeat(i * 997)),
      'x',
    ]
    const file = await journalOf(`${details.map((detail, id) => lineOf(id, detail)).join('\n')}\n`)
    const { records, ...counts } = await readAll(file)
    expect(counts).toEqual(whole)
    const read = records.map(({ outcome }) => (outcome.kind === 'failed' ? outcome.detail : ''))
    expect(read.map(({ length }) => length)).toEqual(details.map(({ length }) => length))
    expect(read).toEqual(details)
  })

  test('with a line too long for any record loses that line alone, and fills no memory', async () => {
    const junk = Buffer.alloc(150 * 1024 * 1024, 'x')
    const text = [`${lineOf(0)}\n`, junk, `\n${lineOf(1)}\n`].map((part) => Buffer.from(part))
    const file = await journalOf(Buffer.concat(text))
    expect(await readAll(file)).toEqual({
      records: [recordOf(0), recordOf(1)],
      unreadableLines: 1,
      repeatedIds: 0,
    })
    const cut = await journalOf(Buffer.concat(text.slice(0, 2)))
    expect(await readAll(cut)).toMatchObject({ records: [recordOf(0)], unreadableLines: 1 })
  })

  test('that cannot be read is something the user can fix', async () => {
    const file = join(await journalOf(''), '..', 'missing.jsonl')
    const reading = readAll(file)
    await expect(reading).rejects.toBeInstanceOf(UserError)
    await expect(reading).rejects.toMatchObject({
      message: expect.stringContaining(`Cannot read ${file}: ENOENT`),
      remedy: 'Is it a results directory?',
    })
    await expect(readAll(tmpdir())).rejects.toMatchObject({
      message: expect.stringContaining('EISDIR'),
    })
  })

  test('whose reader fails is not blamed for it', async () => {
    const file = await journalOf(`${lineOf(0)}\n`)
    const bug = new Error('a bug')
    const reading = eachRecord(file, () => {
      throw bug
    })
    await expect(reading).rejects.toBe(bug)
  })
})

describe('what a crash leaves behind', () => {
  const text = [0, 1, 2].map((id) => `${lineOf(id)}\n`).join('')

  test('a cut last line is counted, and the rest survives', async () => {
    for (const lost of [2, 20, 100]) {
      expect(await readAll(await journalOf(text.slice(0, -lost)))).toEqual({
        records: [recordOf(0), recordOf(1)],
        unreadableLines: 1,
        repeatedIds: 0,
      })
    }
  })

  test('a last line that only lost its line end is whole', async () => {
    const { records } = await readAll(await journalOf(text.slice(0, -1)))
    expect(records).toHaveLength(3)
  })

  test('lines that are no records are counted, empty ones are not', async () => {
    const old = '{"id":3,"level":0,"outcome":{"kind":"completed"},"chunkMs":[]}'
    const file = await journalOf(`${text}{}\n\nnull\n5\n${old}\n  \n`)
    const { records, ...counts } = await readAll(file)
    expect(records).toHaveLength(3)
    expect(counts).toEqual({ unreadableLines: 4, repeatedIds: 0 })
  })
})

describe('one request ends in one record', () => {
  test('so the second of an id is left out and counted, wherever it stands', async () => {
    const again = lineOf(0).replace('20000', '1')
    const file = await journalOf([lineOf(0), lineOf(7), again, again, lineOf(3)].join('\n'))
    expect(await readAll(file)).toEqual({
      records: [recordOf(0), recordOf(7), recordOf(3)],
      unreadableLines: 0,
      repeatedIds: 2,
    })
  })

  test('whatever the ids are: with holes, far apart, or not even whole', async () => {
    const id = fc.oneof(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 2 ** 27 - 2, max: 2 ** 27 + 2 }),
      fc.constantFrom(-1, 0.5, 8191, 8192, 2 ** 40, Number.MAX_SAFE_INTEGER),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(id, { maxLength: 60 }), async (ids) => {
        const { records, repeatedIds } = await readAll(
          await journalOf(ids.map((each) => lineOf(each)).join('\n')),
        )
        const unique = [...new Set(ids)]
        expect(records.map((record) => record.id)).toEqual(unique)
        expect(repeatedIds).toBe(ids.length - unique.length)
      }),
      { numRuns: 30 },
    )
  })
})
