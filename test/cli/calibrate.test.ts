import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type Calibration,
  type CalibrationPlan,
  certify,
  measureInstrument,
  type StartServer,
} from '../../src/cli/calibrate.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { LevelLog } from '../../src/load/run-log.ts'
import type { ServerStamp } from '../../src/measure/instrument.ts'
import type { Certificate } from '../../src/measure/instrument-certificate.ts'
import { certificateJsonSchema, certificateSchema } from '../../src/report/certificate-schema.ts'
import { decodeLine } from '../load/decode-line.ts'
import { baremark } from './program.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-calibrate-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The reference server in this process: source cannot be started by every Node that runs the tests. */
const startHere: StartServer = async (flags) => {
  const ending = new AbortController()
  let ended: Promise<unknown> = Promise.resolve()
  const line = await new Promise<string>((resolve) => {
    ended = baremark(['serve', '--engine', 'simulated', '--port', '0', ...flags], {
      stdout: resolve,
      signal: ending.signal,
    })
  })
  const { url, model } = JSON.parse(line) as { url: string; model: string }
  const stop = async (): Promise<void> => {
    ending.abort()
    await ended
  }
  return { url, model, stop }
}

const io = {
  stdout: () => {},
  readStdin: async () => '',
  stderr: () => {},
  signal: new AbortController().signal,
  env: {},
  live: false,
}

const plan: CalibrationPlan = {
  concurrency: [1, 4],
  requestRate: [20],
  chunksPerS: 500,
  durationS: 0.5,
  bursts: false,
}

/** What the client wrote down about one kind of load. */
interface Run {
  readonly idPrefix: string
  readonly epochMonotonicMs: number
  readonly logs: readonly LevelLog[]
}

async function readLines<T>(file: string, parse: (line: string) => T): Promise<T[]> {
  const text = await readFile(join(folder, file), 'utf8')
  return text.trimEnd().split('\n').map(parse)
}

/** Nearest rank: the sample that at least `percent` of all do not exceed. */
function nearestRank(values: readonly number[], percent: number): number | undefined {
  const ascending = values.toSorted((a, b) => a - b)
  return ascending[Math.ceil((percent * values.length) / 100) - 1]
}

describe('a calibration, computed again from its stamps and journals with nothing but arithmetic', () => {
  let calibration: Calibration
  let levels: { records: RequestRecord[]; run: Run; log: LevelLog }[]
  let stamps: Map<string | undefined, ServerStamp>
  let stampCount: number

  beforeAll(async () => {
    calibration = await measureInstrument(plan, folder, io, startHere)
    const lines = await readLines('stamps.jsonl', (line) => JSON.parse(line) as ServerStamp)
    stampCount = lines.length
    stamps = new Map(lines.map((stamp) => [stamp.requestId, stamp]))
    levels = []
    for (const index of [0, 1]) {
      const run = JSON.parse(await readFile(join(folder, `run-${index}.json`), 'utf8')) as Run
      const all = await readLines(`requests-${index}.jsonl`, decodeLine)
      for (const log of run.logs) {
        levels.push({ run, log, records: all.filter(({ level }) => level === log.level) })
      }
    }
  })

  /** A record of the measured phase beside its stamp, as far as each level has them. */
  const pairsOf = (level: number) => {
    const { records = [], run } = levels[level] ?? {}
    return records
      .filter(({ phase }) => phase === 'measured')
      .map((record) => {
        const stamp = stamps.get(`${run?.idPrefix}-${record.id}`)
        if (!stamp || !run) throw new Error(`no stamp of request ${record.id}`)
        return { record, stamp, epochMs: run.epochMonotonicMs }
      })
  }

  test('every request is known to both sides, and completed', () => {
    expect(levels.length).toBe(3)
    expect(calibration.stampsWithoutRecord).toBe(0)
    expect(levels.flatMap(({ records }) => records).length).toBe(stampCount)
    expect(stamps.size).toBe(stampCount)
    for (const [i, { agreement, ended }] of calibration.levels.entries()) {
      expect(ended).toBe('complete')
      expect(agreement.requests).toEqual({
        compared: levels[i]?.records.length,
        incomplete: 0,
        miscounted: 0,
        recordsWithoutStamp: 0,
        stampsWithoutRecord: 0,
        unsent: 0,
      })
    }
  })

  test('both sides count the same chunks', () => {
    for (const [i, { agreement, error }] of calibration.levels.entries()) {
      const chunks = levels[i]?.records.reduce((sum, { chunkMs }) => sum + chunkMs.length, 0)
      expect(agreement.chunks).toMatchObject({ compared: chunks, lost: 0, invented: 0 })
      for (const { record, stamp } of pairsOf(i)) {
        expect(record.chunkMs.length).toBe(125) // 500 a second, for half of 0.5 s.
        expect(stamp.chunkMonotonicMs.length).toBe(125)
      }
      expect(error.chunks.compared).toBe(pairsOf(i).length * 125)
    }
  })

  test('no chunk came before it was sent', () => {
    for (const { agreement, error } of calibration.levels) {
      expect(error.delayMs.min).toBeGreaterThanOrEqual(-0.05)
      expect(agreement.negativeDelays).toBe(0)
    }
  })

  test('the delays, TTFT errors, gap errors and lateness are those of the files', () => {
    for (const [i, { error }] of calibration.levels.entries()) {
      const pairs = pairsOf(i)
      const delays = pairs.flatMap(({ record, stamp, epochMs }) =>
        record.chunkMs.map((ms, k) => epochMs + ms - (stamp.chunkMonotonicMs[k] ?? Number.NaN)),
      )
      expect(error.delayMs.n).toBe(delays.length)
      expect(error.delayMs.max).toBe(Math.max(...delays))
      expect(error.delayMs.p50.value).toBe(nearestRank(delays, 50))
      if (delays.length < 662) expect(error.delayMs.p99.value).toBeUndefined()
      else expect(error.delayMs.p99.value).toBe(nearestRank(delays, 99))
      const ttftErrors = pairs.map(
        ({ record: { chunkMs, sentMs = Number.NaN }, stamp }) =>
          (chunkMs[0] ?? Number.NaN) -
          sentMs -
          ((stamp.chunkMonotonicMs[0] ?? Number.NaN) - stamp.receivedMonotonicMs),
      )
      expect(error.ttftErrorMs.n).toBe(pairs.length)
      expect(error.ttftErrorMs.max).toBeCloseTo(Math.max(...ttftErrors), 6)
      const gapsOf = (times: readonly number[]) =>
        times.slice(1).map((ms, k) => ms - (times[k] ?? Number.NaN))
      const gapErrors = pairs.flatMap(({ record, stamp }) => {
        const truth = gapsOf(stamp.chunkMonotonicMs)
        return gapsOf(record.chunkMs).map((gap, k) => Math.abs(gap - (truth[k] ?? Number.NaN)))
      })
      expect(error.gapErrorMs.max).toBeCloseTo(Math.max(...gapErrors), 6)
      expect(error.gapErrorMs.p50.value).toBeCloseTo(nearestRank(gapErrors, 50) ?? Number.NaN, 6)
      const late = pairs.map(
        ({ record: { sentMs = Number.NaN, connectMs = 0, dueMs = Number.NaN } }) =>
          sentMs - connectMs - dueMs,
      )
      if (i < 2) expect(error.latenessMs).toBeUndefined()
      else expect(error.latenessMs?.max).toBeCloseTo(Math.max(...late), 6)
    }
  })

  test('of both sides together there are enough chunks for a p99, and of one user too few', () => {
    const p99s = calibration.levels.map(({ error }) => error.delayMs.p99.value)
    expect(p99s[0]).toBeUndefined()
    expect(p99s[1]).toBeGreaterThan(0)
  })

  test('the event rate is that of the window', () => {
    for (const [i, { eventsPerS }] of calibration.levels.entries()) {
      const { records = [], log } = levels[i] ?? {}
      const [startMs, endMs] = [log?.windowStartMs ?? 0, log?.windowEndMs ?? 0]
      const events = records
        .flatMap(({ chunkMs }) => chunkMs)
        .filter((ms) => ms >= startMs && ms < endMs)
      expect(eventsPerS).toBeCloseTo(events.length / ((endMs - startMs) / 1000), 6)
    }
  })

  test('the delays are those that docs/calibrate.md has a reader compute', async () => {
    const docs = await readFile(new URL('../../docs/calibrate.md', import.meta.url), 'utf8')
    const [, script = ''] = /node -e '([^']+)'/.exec(docs) ?? []
    const directory = join(folder, 'docs')
    await mkdir(directory)
    for (const [from, to] of [
      ['run-0.json', 'run.json'],
      ['requests-0.jsonl', 'requests.jsonl'],
    ] as const) {
      await copyFile(join(folder, from), join(directory, to))
    }
    const closed = [...stamps.values()].filter(({ requestId }) =>
      requestId?.startsWith('calibrate-0-'),
    )
    const stampFile = join(directory, 'stamps.jsonl')
    await writeFile(stampFile, closed.map((stamp) => `${JSON.stringify(stamp)}\n`).join(''))
    const { stdout } = await promisify(execFile)(process.execPath, [
      '-e',
      script,
      directory,
      stampFile,
    ])
    const [n, least, , most] = stdout.split(' ').map(Number)
    const [one, four] = calibration.levels
    expect(n).toBe((one?.agreement.chunks.compared ?? 0) + (four?.agreement.chunks.compared ?? 0))
    expect(least).toBeGreaterThanOrEqual(-0.05)
    expect(most).toBeGreaterThanOrEqual(
      Math.max(one?.error.delayMs.max ?? Number.NaN, four?.error.delayMs.max ?? Number.NaN) - 1e-6,
    )
  })

  test('its certificate knows no problem, and says what it was made with', () => {
    const certificate = certify(plan, calibration, '2026-11-23T12:00:00.000Z')
    expect(certificate).toMatchObject({
      schemaVersion: 1,
      kind: 'baremark-certificate',
      load: { chunksPerSPerStream: 500, arrival: 'spread', outputChunks: 125 },
      problems: [],
    })
    expect(certificate.machine.cores).toBeGreaterThan(0)
    const onDisk = JSON.parse(JSON.stringify(certificate)) as object
    expect(certificateSchema.safeParse(onDisk).error).toBeUndefined()
    expect(
      z.fromJSONSchema(JSON.parse(JSON.stringify(certificateJsonSchema()))).safeParse(onDisk).error,
    ).toBeUndefined()
  })

  test('a certificate names what does not agree', () => {
    const [first] = calibration.levels
    if (!first) throw new Error('no level')
    const agreement = {
      requests: { ...first.agreement.requests, recordsWithoutStamp: 2 },
      chunks: { ...first.agreement.chunks, lost: 3 },
      negativeDelays: 1,
    }
    const broken = { levels: [{ ...first, agreement }], stampsWithoutRecord: 4 }
    expect(certify(plan, broken, '2026-11-23T12:00:00.000Z').problems).toEqual([
      '1 user: 2 requests are unknown to the server',
      '1 user: 3 chunks were lost',
      '1 user: 1 chunks came before they were sent: clocks or matching are wrong',
      '4 answers of the server are unknown to the client',
    ])
  })
})

describe('the command, in processes of its own', () => {
  const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
  const flags = ['calibrate', '--concurrency', '1,4', '--duration', '300ms']
  let temporary: string
  beforeAll(async () => {
    temporary = join(folder, 'tmp')
    await mkdir(temporary)
  })
  const state = () => join(folder, 'state', 'certificates')
  const options = () => ({
    env: { ...process.env, TMPDIR: temporary, BAREMARK_STATE_DIR: join(folder, 'state') },
    cwd: folder,
  })

  test('prints the certificate, writes it, and leaves nothing else behind', async () => {
    const out = join(folder, 'new', 'certificate.json')
    const argv = [bin, ...flags, '--json', '--out', out]
    const { stdout } = await promisify(execFile)(process.execPath, argv, options())
    const certificate = JSON.parse(await readFile(out, 'utf8')) as Certificate
    expect(JSON.parse(stdout)).toEqual(certificate)
    expect(certificate.problems).toEqual([])
    expect(certificate.levels.map(({ load }) => load)).toEqual([
      { kind: 'closed', concurrency: 1 },
      { kind: 'closed', concurrency: 4 },
    ])
    for (const { error, agreement } of certificate.levels) {
      expect(agreement).toMatchObject({ chunks: { lost: 0, invented: 0 }, negativeDelays: 0 })
      expect(error.delayMs.min).toBeGreaterThanOrEqual(-0.05)
      expect(error.delayMs.n).toBeGreaterThan(0)
    }
    expect(await readdir(temporary)).toEqual([])
    expect(await readdir(join(folder, 'new'))).toEqual(['certificate.json'])
    const [kept = ''] = await readdir(state())
    expect(await readFile(join(state(), kept), 'utf8')).toBe(await readFile(out, 'utf8'))
    await rm(join(state(), kept))
  })

  test('tells it to a person, and where it is kept for runs', async () => {
    const argv = [bin, ...flags, '--bursts']
    const { stdout } = await promisify(execFile)(process.execPath, argv, options())
    expect(stdout).toContain('Both sides count the same')
    expect(stdout).toMatch(/Detection delay p50, ms +\d+\.\d{3} +\d+\.\d{3}\n/)
    expect(stdout).toContain('under 1 ms: n/a (no level had the 662 chunks that a p99 needs)')
    const [name = '', ...others] = await readdir(state())
    expect(others).toEqual([])
    expect(stdout).toContain(`Kept for runs: ${join(state(), name)}\n`)
    expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.json$/)
    await rm(join(state(), name))
  })

  test('ends on Ctrl-C without a certificate', async () => {
    const out = join(folder, 'interrupted', 'certificate.json')
    const argv = [bin, 'calibrate', '--concurrency', '1', '--duration', '1h', '--out', out]
    const child = spawn(process.execPath, argv, options())
    let heard = ''
    child.stderr.on('data', (part: Buffer) => {
      // A second one would end it at once.
      if (heard === '') child.kill('SIGINT')
      heard += part.toString()
    })
    const exitCode = await new Promise((resolve) => child.once('close', resolve))
    expect(exitCode).toBe(130)
    expect(heard).toContain('Interrupted: there is no certificate.')
    expect(await readdir(join(folder, 'interrupted'))).toEqual([])
    expect(await readdir(state())).toEqual([])
    expect(await readdir(temporary)).toEqual([])
  })
})
