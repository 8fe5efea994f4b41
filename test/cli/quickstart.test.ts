import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Certificate } from '../../src/measure/instrument-certificate.ts'
import type { Report } from '../../src/report/report.ts'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-quickstart-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the quickstart calibrates its instrument first, and is judged by that', async () => {
  const out = join(folder, 'results')
  const state = join(folder, 'state')
  const flags = ['quickstart', '--engine', 'simulated', '--duration', '300ms', '--out', out]
  const env = { ...process.env, BAREMARK_STATE_DIR: state }
  // Exit code 4 is an answer, too: a window of 300 ms may be too short for the law of the engine.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [bin, ...flags], {
    env,
  }).catch((error: { stdout: string; stderr: string }) => error)
  expect(stderr.split('\n')[0]).toMatch(
    /^Calibrating the instrument at 8 users, about \d s \.\.\.$/,
  )
  expect(stdout).toContain('Instrument error: TTFT +')
  const directory = join(out, (await readdir(out))[0] ?? '')
  const read = async (name: string) => JSON.parse(await readFile(join(directory, name), 'utf8'))
  const { run, summary } = (await read('summary.json')) as Report
  const certificate = (await read('certificate.json')) as Certificate
  expect(certificate).toMatchObject({
    problems: [],
    load: { arrival: 'bursts', inputTokens: 64, outputChunks: 32 },
    levels: [{ label: '8 users', error: { ttftErrorMs: { n: expect.any(Number) } } }],
  })
  expect(Date.parse(run.epoch) - Date.parse(certificate.date)).toBeLessThan(30_000)
  expect(summary.instrument).toMatchObject({ kind: 'applies', arrival: 'bursts' })
  expect(summary.points.map(({ instrument }) => instrument.error)).toMatchObject(
    Array(4).fill({ kind: 'certified', calibratedAt: '8 users' }),
  )
  // It is of a few seconds: for this run only.
  expect(await readdir(folder)).not.toContain('state')
}, 90_000)
