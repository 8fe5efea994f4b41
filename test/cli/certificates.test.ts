import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  certificateFolder,
  keepCertificate,
  thisClient,
  thisTool,
} from '../../src/cli/certificate-store.ts'
import type { Certificate } from '../../src/measure/instrument-certificate.ts'
import type { Report } from '../../src/report/report.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { calibratedUsers, certificate } from '../measure/certificates.ts'
import { baremark } from './program.ts'

describe('certificates are kept in the folder that the system has for state', () => {
  const home = join('/home', 'me')
  test.each<[NodeJS.Platform, Record<string, string>, string]>([
    ['linux', {}, join(home, '.local/state/baremark/certificates')],
    ['linux', { XDG_STATE_HOME: '/state' }, '/state/baremark/certificates'],
    ['linux', { XDG_STATE_HOME: 'relative' }, join(home, '.local/state/baremark/certificates')],
    [
      'darwin',
      { XDG_STATE_HOME: '/state' },
      join(home, 'Library/Application Support/baremark/certificates'),
    ],
    ['win32', {}, join(home, 'AppData/Local/baremark/certificates')],
    ['win32', { LOCALAPPDATA: '/local' }, '/local/baremark/certificates'],
    ['linux', { XDG_STATE_HOME: '/state', BAREMARK_STATE_DIR: '/mine' }, '/mine/certificates'],
  ])('%s with %j: %s', (platform, env, expected) => {
    expect(certificateFolder(env, platform, home)).toBe(expected)
  })
})

/** Of this machine and now, for up to 8 users. */
function fitting(parts: Partial<Certificate> = {}): Certificate {
  return certificate({
    date: new Date(Date.now() - 60_000).toISOString(),
    tool: thisTool(),
    machine: thisClient(),
    levels: [calibratedUsers(8, 100_000)],
    ...parts,
  })
}

describe('a run', () => {
  let folder = ''
  let server: Awaited<ReturnType<typeof startServer>>
  let env: { BAREMARK_STATE_DIR: string }
  let runs = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'baremark-certificates-'))
    server = await startServer({ engine: simulatedEngine({}), port: 0 })
    await writeFile(
      join(folder, 'tiny.yaml'),
      `schemaVersion: 1
name: tiny
workload: { kind: synthetic, inputTokens: 16, outputTokens: 4 }
load: { kind: closed, concurrency: [2] }
warmupS: 0
durationS: 0.3
`,
    )
  })
  afterAll(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    runs += 1
    env = { BAREMARK_STATE_DIR: join(folder, `state-${runs}`) }
  })

  async function run(...flags: string[]) {
    const out = join(folder, `out-${runs}`)
    const argv = ['run', join(folder, 'tiny.yaml'), '--url', server.url, '--out', out, ...flags]
    const ran = await baremark(argv, { env })
    const directory = join(out, (await readdir(out).catch(() => []))[0] ?? '')
    const report = async () =>
      JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as Report
    return { ...ran, directory, report }
  }

  test('finds the certificate that was kept, says which, copies it, and states its error', async () => {
    const kept = await keepCertificate(fitting(), env)
    const ran = await run()
    expect(ran.stderr).toContain(`Instrument error: by the certificate ${kept}.\n`)
    const copy = await readFile(join(ran.directory, 'certificate.json'), 'utf8')
    expect(copy).toBe(await readFile(kept, 'utf8'))
    const { run: log, summary } = await ran.report()
    expect(log.client).toEqual(thisClient())
    expect(summary.instrument).toMatchObject({ kind: 'applies', date: JSON.parse(copy).date })
    expect(summary.points[0]?.instrument).toMatchObject({
      streams: expect.closeTo(2, 0),
      error: { kind: 'certified', calibratedAt: '8 users', ttftErrorMs: { p50: { value: 0.4 } } },
    })
    expect(ran.stdout).toContain('Instrument error: TTFT +0.400 ms p50, 2.000 ms p99;')
  })

  test('is the same run when it is verified offline, and another without its certificate', async () => {
    await keepCertificate(fitting(), env)
    const { directory } = await run()
    // Nothing is kept where these look.
    expect(await baremark(['verify', directory])).toMatchObject({ exitCode: 0 })
    const again = await baremark(['report', directory])
    expect(again.stdout).toContain('Instrument error: TTFT +0.400 ms p50')
    await rm(join(directory, 'certificate.json'))
    const verified = await baremark(['verify', directory])
    expect(verified).toMatchObject({ exitCode: 1 })
    expect(verified.stdout).toContain('certificate.json: missing')
    expect(verified.stdout).toContain('Figures from the raw records: different')
  })

  test('a damaged certificate in a results directory is the user’s to fix', async () => {
    await keepCertificate(fitting(), env)
    const { directory } = await run()
    await writeFile(join(directory, 'certificate.json'), '{"schemaVersion":1}')
    const ran = await baremark(['report', directory])
    expect(ran).toMatchObject({ exitCode: 2 })
    expect(ran.stderr).toContain(
      'certificate.json is no certificate that this version can read: kind',
    )
  })

  test('uses no certificate of another machine, and names it as the reason', async () => {
    await keepCertificate(fitting({ machine: { cpuModel: 'Abacus', cores: 1 } }), env)
    const { stderr, stdout, report } = await run()
    const why = 'not known, the certificate of'
    const because = 'is stale: it is of Abacus with 1 core, this is '
    for (const text of [stderr, stdout.replaceAll(/\s+/g, ' ')]) {
      expect(text).toContain(why)
      expect(text).toContain(because)
    }
    const { summary } = await report()
    expect(summary.points[0]?.instrument.error.kind).toBe('unknown')
    const gate = summary.points[0]?.gates.find(({ gate }) => gate === 'instrument-error')
    expect(gate?.status).toBe('not-measured')
  })

  test('without any says what to do', async () => {
    const { stdout, directory } = await run()
    expect(stdout).toContain(
      'Instrument error: not known, no certificate: run `baremark calibrate`.',
    )
    expect(await readdir(directory)).not.toContain('certificate.json')
  })

  test('--certificate names another than the one kept, and none none', async () => {
    await keepCertificate(fitting(), env)
    const file = join(folder, 'named.json')
    const date = '2026-01-02T03:04:05.000Z'
    await writeFile(file, JSON.stringify(fitting({ date })))
    const named = await (await run('--certificate', file)).report()
    expect(named.summary.instrument).toMatchObject({
      kind: 'none',
      reason: expect.stringMatching(/^the certificate of 2026-01-02 is stale: it is \d+ days old/),
    })
    runs += 1
    const none = await run('--certificate', 'none')
    expect(await readdir(none.directory)).not.toContain('certificate.json')
  })

  test('a file that is no certificate ends the run before it begins', async () => {
    const ran = await run('--certificate', join(folder, 'tiny.yaml'))
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ran.stderr).toContain(
      'tiny.yaml is no certificate that this version can read: it is not JSON.',
    )
  })

  test('leaves out, and tells, what lies among the certificates and is none', async () => {
    const kept = await keepCertificate(fitting(), env)
    await writeFile(join(env.BAREMARK_STATE_DIR, 'certificates', 'zzz.json'), '{}')
    const { stderr } = await run()
    expect(stderr).toMatch(/zzz\.json is no certificate .* It is left out\.\n/)
    expect(stderr).toContain(`by the certificate ${kept}.`)
  })

  test('a folder for certificates that cannot be made is the user’s to fix', async () => {
    await mkdir(env.BAREMARK_STATE_DIR)
    await writeFile(join(env.BAREMARK_STATE_DIR, 'certificates'), '')
    await expect(keepCertificate(fitting(), env)).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 6,
      remedy: expect.stringContaining('BAREMARK_STATE_DIR'),
    })
  })
})
