import { readFileSync } from 'node:fs'
import { appendFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RunLog } from '../../src/load/run-log.ts'
import { checksumsOf } from '../../src/verify/checksums.ts'
import { readRun } from '../../src/verify/read-run.ts'
import { baremark } from '../cli/program.ts'

const example = fileURLToPath(new URL('../../results/example-quickstart', import.meta.url))
/** Every line of the example is a record of its own. */
const RECORDS = readFileSync(join(example, 'requests.jsonl'), 'utf8').trimEnd().split('\n').length

async function copyOfExample(): Promise<{ directory: string; journal: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'baremark-stored-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await cp(example, directory, { recursive: true })
  return { directory, journal: join(directory, 'requests.jsonl') }
}

const sealAgain = async (directory: string): Promise<void> =>
  writeFile(join(directory, 'SHA256SUMS'), await checksumsOf(directory))

describe('the records of a stored run', () => {
  test('are read when they are asked for, and as often', async () => {
    const { eachRecord } = await readRun(example)
    for (let pass = 0; pass < 2; pass++) {
      const ids: number[] = []
      const counts = await eachRecord(({ id }) => ids.push(id))
      expect(counts).toEqual({ records: RECORDS, unreadableLines: 0, repeatedIds: 0 })
      expect(new Set(ids).size).toBe(RECORDS)
    }
  })
})

describe('a journal that holds a request twice', () => {
  test('gives the figures of the first record, and the reader of the report is told', async () => {
    const { directory, journal } = await copyOfExample()
    const [first = '', second = ''] = (await readFile(journal, 'utf8')).split('\n')
    await appendFile(journal, `${first.replace('"measured"', '"warm-up"')}\n${second}\n`)
    const ran = await baremark(['report', directory, '--format', 'json'])
    expect(ran).toMatchObject({
      exitCode: 0,
      stderr: '2 records of the journal were left out, as an earlier one has the same id.\n',
    })
    expect(ran.stdout).toBe(await readFile(join(example, 'summary.json'), 'utf8'))
  })

  test('is not verified, even where checksums and figures agree', async () => {
    const { directory, journal } = await copyOfExample()
    const [first = ''] = (await readFile(journal, 'utf8')).split('\n')
    await appendFile(journal, `${first}\n`)
    await sealAgain(directory)
    const { exitCode, stdout } = await baremark(['verify', directory])
    expect(stdout).toContain(`${RECORDS} records, state complete`)
    expect(stdout).toContain('1 record of the journal was left out')
    expect(stdout).toContain('Checksums: all the same')
    expect(stdout).toContain('Figures from the raw records: same')
    expect(exitCode).toBe(1)
  })
})

test('a journal cut in its last line is reported without that line, and the reader is told', async () => {
  const { directory, journal } = await copyOfExample()
  await truncate(journal, (await readFile(journal)).length - 10)
  const ran = await baremark(['report', directory])
  expect(ran).toMatchObject({
    exitCode: 0,
    stderr: '1 unreadable line of the journal was left out.\n',
  })
})

test('a directory without its journal is the user’s to fix', async () => {
  const { directory, journal } = await copyOfExample()
  await rm(journal)
  for (const command of ['report', 'verify', 'price']) {
    const ran = await baremark([command, directory])
    expect(ran).toMatchObject({ exitCode: 2 })
    expect(ran.stderr).toContain(`Cannot read ${journal}`)
  }
})

describe('a run killed in its first level', () => {
  const killed = async (lines: number): Promise<{ directory: string; journal: string }> => {
    const { directory, journal } = await copyOfExample()
    const run = JSON.parse(await readFile(join(directory, 'run.json'), 'utf8')) as RunLog
    const atStart: RunLog = { ...run, state: 'running', levels: [] }
    await writeFile(join(directory, 'run.json'), JSON.stringify(atStart))
    const text = (await readFile(journal, 'utf8')).split('\n').slice(0, lines)
    await writeFile(journal, text.map((line) => `${line}\n`).join(''))
    for (const name of ['pricing.json', 'summary.json', 'SHA256SUMS'])
      await rm(join(directory, name))
    return { directory, journal }
  }

  test('has no report, and the error says what there is and what to do', async () => {
    const { directory, journal } = await killed(7)
    const { exitCode, stdout, stderr } = await baremark(['report', directory])
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain('stopped before its first load level ended')
    expect(stderr).toContain('left 7 records')
    expect(stderr).toContain('Run it again')
    expect(stderr).toContain(journal)
  })

  test('may have left nothing at all', async () => {
    const { directory } = await killed(0)
    const { stderr } = await baremark(['report', directory])
    expect(stderr).toContain('left 0 records')
    expect(stderr).not.toContain('requests.jsonl')
  })
})
