import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ScopeEnergy } from '../../src/measure/machine-figures.ts'
import type { Report } from '../../src/report/report.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { h100 } from '../detect/fake-nvidia-smi.ts'
import {
  buildNvmlStub,
  hasCompiler,
  monotonicMs,
  nvidiaSmiScript,
  sleep,
  writeCurve,
} from '../detect/telemetry/stubs.ts'
import { baremark } from './program.ts'

/** A counter tells nothing of less than 10 s. */
const WINDOW_S = 10.5
const SERVING_W = 300
const STRANGER_W = 500

const benchmarkText = `schemaVersion: 1
name: watched
workload: { kind: synthetic, inputTokens: 16, outputTokens: 4 }
load: { kind: closed, concurrency: [1] }
warmupS: 0.2
durationS: ${WINDOW_S}
drainS: 2
`

/** Two H100; this process computes on the first, somebody else on the second. */
const rows = [h100, { ...h100, index: '1' }].map((gpu, place) => ({
  ...gpu,
  uuid: `GPU-0000000${place}-0000-0000-0000-000000000000`,
  'pci.bus_id': `00000000:1${'BC'[place]}:00.0`,
}))
const script = `
const rows = ${JSON.stringify(rows)}
const [asked = ''] = process.argv.slice(2)
const fields = asked.split('=')[1]?.split(',') ?? []
if (asked === '--help-query-gpu') for (const field of Object.keys(rows[0])) console.log('"' + field + '"\\n')
else if (asked.startsWith('--query-gpu=')) for (const row of rows) console.log(fields.map((field) => row[field]).join(', '))
else if (asked.startsWith('--query-compute-apps='))
  for (const [place, pid] of [${process.pid}, 1].entries()) {
    const app = { pid, process_name: '/opt/server', used_memory: 1000, gpu_uuid: rows[place].uuid, gpu_bus_id: rows[place]['pci.bus_id'] }
    console.log(fields.map((field) => app[field] ?? '[N/A]').join(', '))
  }
else process.exit(1)
`

let folder = ''
let library = ''
let server: Awaited<ReturnType<typeof startServer>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'baremark-watched-'))
  writeFileSync(join(folder, 'watched.yaml'), benchmarkText)
  if (hasCompiler) library = buildNvmlStub()
  server = await startServer({ engine: simulatedEngine({}), port: 0 })
})

afterAll(() => server.close())

beforeEach(() => {
  const { env } = nvidiaSmiScript(script)
  vi.stubEnv('PATH', env.PATH)
  vi.stubEnv('BAREMARK_NVML', library)
  const curves = [SERVING_W, STRANGER_W].map((watts) => writeCurve([[0, watts]]))
  vi.stubEnv('NVML_STUB_CURVES', curves.join(':'))
  vi.stubEnv('NVML_STUB_ZERO_MS', String(monotonicMs()))
})

afterEach(() => {
  vi.unstubAllEnvs()
})

async function runWatched(out: string, flags: readonly string[] = []) {
  const args = ['run', join(folder, 'watched.yaml'), '--url', server.url, '--rest', '0']
  const ran = await baremark([...args, '--out', join(folder, out), ...flags])
  const [name = ''] = readdirSync(join(folder, out))
  const directory = join(folder, out, name)
  const report = JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8')) as Report
  return { ...ran, directory, report, point: report.summary.points[0] }
}

function gpuEnergy(point: Report['summary']['points'][number] | undefined): ScopeEnergy {
  const energy = point?.machine?.scopes.find(({ scope }) => scope === 'gpu')
  if (energy === undefined) throw new Error('nothing of GPUs')
  return energy
}

describe.skipIf(!hasCompiler)('a run on two GPUs of which one serves the model', () => {
  test('has the energy of that one, by counter and by power, in joules a token', {
    timeout: 60_000,
    retry: 1,
  }, async () => {
    const { report, point, directory } = await runWatched('whole')
    const { run } = report
    expect(run.telemetry).toMatchObject({
      kind: 'recorded',
      serving: { kind: 'known', pciAddresses: ['0000:1b:00.0'] },
    })
    const energy = gpuEnergy(point)
    expect(energy.status).toBe('ok')
    const tokens = (point?.outputTokensPerS ?? 0) * (point?.windowS ?? 0)
    const expectedJ = SERVING_W * (point?.windowS ?? 0)
    expect((energy.joules ?? 0) / expectedJ).toBeCloseTo(1, 1.5)
    expect(energy.grossJPerOutputToken).toBeCloseTo((energy.joules ?? 0) / tokens, 6)
    const verified = await baremark(['verify', directory])
    expect(verified.stdout).toContain('Figures from the raw records: same')
    expect(verified.exitCode).toBe(0)
  })

  test('whose sampler is killed half-way says so, and has no joules a token', {
    timeout: 60_000,
  }, async () => {
    const running = runWatched('killed')
    await sleep(1_000)
    const pid = await samplerOf(library)
    await sleep((WINDOW_S / 2) * 1_000)
    process.kill(pid, 'SIGKILL')
    const { report, point } = await running
    expect(report.run.telemetry).toMatchObject({ died: expect.stringContaining('SIGKILL') })
    const energy = gpuEnergy(point)
    expect(energy.status).toBe('partial')
    expect(energy.grossJPerOutputToken).toBeUndefined()
    const coverage = point?.machine?.devices[0]?.energy.coverageRatio ?? 0
    // Half, but for what starting a run takes.
    expect(coverage).toBeGreaterThan(0.3)
    expect(coverage).toBeLessThan(0.7)
    expect(report.summary.verdict).not.toBe('VALID')
  })

  test('is not watched with --no-telemetry', { timeout: 60_000 }, async () => {
    const { report, point } = await runWatched('unwatched', [
      '--no-telemetry',
      '--duration',
      '0.5s',
    ])
    expect(report.run.telemetry).toEqual({ kind: 'none', reason: 'not wanted (--no-telemetry)' })
    expect(point?.machine).toBeUndefined()
  })
})

/** The sampler that was started with this library. */
async function samplerOf(library: string): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const found = readdirSync('/proc').find((entry) => {
      try {
        const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8')
        const environment = readFileSync(`/proc/${entry}/environ`, 'utf8')
        return command.includes('sampler.js') && environment.includes(library)
      } catch {
        return false
      }
    })
    if (found !== undefined) return Number(found)
    await sleep(50)
  }
  throw new Error('no sampler was started')
}
