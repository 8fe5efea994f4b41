import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { DeviceReading, Telemetry } from '../../../src/detect/telemetry/sample.ts'
import { startSampler } from '../../../src/detect/telemetry/start-sampler.ts'
import { packageRoot } from '../../../src/package-files.ts'
import {
  buildNvmlStub,
  hasCompiler,
  joulesOf,
  monotonicMs,
  type PowerCurve,
  sleep,
  telemetryOf,
  temporaryFolder,
  writeCurve,
} from './stubs.ts'

// The built sampler, as a process of its own, against a library that stands in for NVML and replays power curves.

const samplerFile = join(packageRoot, 'dist', 'detect', 'telemetry', 'sampler.js')
const stub = hasCompiler ? buildNvmlStub() : ''
/** Before the curves begin, so that the sampler is up by then, on a busy machine too. */
const LEAD_MS = 2_500
/** A machine whose other work holds a sampler of low priority back for long enough spoils its edges. */
const exact = { retry: 2 }

const steps: PowerCurve = [
  [0, 80],
  [500, 400],
  [1_200, 150],
  [1_900, 690],
  [2_600, 300],
  [4_000, 80],
]
const flat: PowerCurve = [[0, 300]]

const started: ChildProcess[] = []
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
})

function stubEnv(curves: readonly PowerCurve[], zeroMs: number, more = {}) {
  return {
    ...process.env,
    BAREMARK_NVML: stub,
    NVML_STUB_CURVES: curves.map(writeCurve).join(':'),
    NVML_STUB_ZERO_MS: String(zeroMs),
    ...more,
  }
}

/** Records the stub's GPUs for so long on the curves' clock. */
async function record(curves: readonly PowerCurve[], forMs: number, more = {}) {
  const file = join(temporaryFolder(), 'telemetry.jsonl')
  const epochMonotonicMs = monotonicMs() + LEAD_MS
  const sampler = await startSampler({
    file,
    epochMonotonicMs,
    env: stubEnv(curves, epochMonotonicMs, more),
    root: temporaryFolder(),
  })
  if (sampler.kind === 'none') return { sampler, stopped: undefined, telemetry: undefined }
  await sleep(LEAD_MS + forMs)
  const stopped = await sampler.stop()
  return { sampler, stopped, telemetry: telemetryOf(file) }
}

/** A sampler whose process is at hand, recording. */
async function spawnSampler(curves: readonly PowerCurve[] = [flat]) {
  const file = join(temporaryFolder(), 'telemetry.jsonl')
  const epochMonotonicMs = monotonicMs()
  const env = stubEnv(curves, epochMonotonicMs)
  const child = spawn(process.execPath, [samplerFile], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  started.push(child)
  order(child, file, epochMonotonicMs)
  await once(child.stdout, 'data')
  return { child, file }
}

function order(child: ChildProcess, file: string, epochMonotonicMs = monotonicMs()): void {
  const line = { file, epochMonotonicMs, periodMs: 100, root: temporaryFolder() }
  child.stdin?.write(`${JSON.stringify(line)}\n`)
}

/** By the moments at which the counter was seen to move, linear in between. */
function countedJoules(readings: readonly DeviceReading[], fromMs: number, toMs: number): number {
  const told = readings.flatMap(({ atMs, energyJ }) =>
    energyJ === undefined ? [] : [{ atMs, energyJ }],
  )
  const moves = told.filter(({ energyJ }, i) => i > 0 && energyJ !== told[i - 1]?.energyJ)
  const at = (ms: number): number => {
    const next = moves.findIndex(({ atMs }) => atMs > ms)
    const [a, b] = [moves[next - 1], moves[next]]
    if (a === undefined || b === undefined) throw new Error(`the counter was not seen around ${ms}`)
    return a.energyJ + ((b.energyJ - a.energyJ) * (ms - a.atMs)) / (b.atMs - a.atMs)
  }
  return at(toMs) - at(fromMs)
}

/** Of the first GPU. */
function readingsOf(telemetry: Telemetry | undefined): readonly DeviceReading[] {
  return telemetry?.readings[0] ?? []
}

// What real boards drew, by an external meter. The captures lie outside the repository: where they are missing, nothing is tested here.
const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url))
const captures = join(fixtures, 'energy-ground-truth')

// Together: most of their time is waiting.
describe.skipIf(!hasCompiler)('a sampler of GPUs', { concurrent: true }, () => {
  test('records the energy that was used, to 1 %', exact, async () => {
    const { telemetry, stopped } = await record([steps], 4_600)
    // By hand, from 0.2 s to 4.2 s: 0.3 x 80 + 0.7 x 400 + 0.7 x 150 + 0.7 x 690 + 1.4 x 300 + 0.2 x 80 = 1,328 J.
    const truthJ = joulesOf(steps, 200, 4_200)
    expect(truthJ).toBeCloseTo(1_328, 6)
    const counted = countedJoules(readingsOf(telemetry), 200, 4_200)
    expect(counted / truthJ).toBeGreaterThan(0.99)
    expect(counted / truthJ).toBeLessThan(1.01)
    expect(stopped).toEqual({})
  })

  test('tells what the board tells, and what it costs itself', async () => {
    const { telemetry } = await record([flat], 1_500)
    expect(telemetry?.devices).toEqual([
      {
        id: '0000:1b:00.0',
        scope: 'gpu',
        source: 'nvml',
        name: 'Stub GPU 0',
        pciAddress: '0000:1b:00.0',
      },
    ])
    const full = readingsOf(telemetry).findLast(({ memoryUsedMib }) => memoryUsedMib !== undefined)
    expect(full).toMatchObject({
      powerW: 300,
      clockSmMhz: 1980,
      clockMemoryMhz: 2619,
      temperatureC: 61,
      temperatureMemoryC: 72,
      memoryUsedMib: 71_680,
      utilisationRatio: 0.97,
      pcieGeneration: 5,
      pcieWidth: 16,
    })
    expect(full?.powerAverageW).toBeUndefined()
    expect(full?.throttleReasons).toBeUndefined()
    // The stub says that a quarter of the time since the curve's zero, the run's epoch here, was at the power cap.
    const { atMs = 0, throttle } = readingsOf(telemetry).findLast((each) => each.throttle) ?? {}
    expect(throttle?.powerCapMs).toBeGreaterThan(atMs / 4 - 20)
    expect(throttle?.powerCapMs).toBeLessThan(atMs / 4 + 20)
    expect(throttle).toMatchObject({ thermalSoftwareMs: 0, thermalHardwareMs: 0, powerBrakeMs: 0 })
    const cost = telemetry?.end?.cost
    expect(cost?.cpuCores).toBeGreaterThan(0)
    expect(cost?.cpuCores).toBeLessThan(0.5)
    expect(cost?.lookMeanMs).toBeGreaterThan(0)
    // At 10 Hz, from its first look to its last; on a busy machine it may miss some.
    const tookMs = (telemetry?.end?.atMs ?? 0) - (readingsOf(telemetry)[0]?.atMs ?? 0)
    expect(cost?.looks).toBeGreaterThan(tookMs / 200)
    expect(cost?.looks).toBeLessThan(tookMs / 100 + 2)
    expect(telemetry?.unreadableLines).toBe(0)
  })

  test('says what it saw of a counter that begins again, and corrects nothing', async () => {
    const { telemetry } = await record([flat], 1_200, { NVML_STUB_RESET_MS: '600' })
    const energies = readingsOf(telemetry).flatMap(({ energyJ }) => energyJ ?? [])
    const falls = energies.filter((energyJ, i) => energyJ < (energies[i - 1] ?? 0))
    expect(falls).toHaveLength(1)
    // 300 W since 0.6 s, for a second or so.
    expect(energies.at(-1)).toBeLessThan(1_000)
  })

  test('loses a GPU that falls off the bus, and goes on with the other', async () => {
    const { telemetry } = await record([flat, flat], 1_500, { NVML_STUB_LOST_MS: '500' })
    expect(telemetry?.lost).toEqual([
      { atMs: expect.any(Number), device: 1, reason: expect.stringContaining('GPU is lost') },
    ])
    const lostMs = telemetry?.lost[0]?.atMs ?? 0
    expect(lostMs).toBeGreaterThanOrEqual(500)
    expect(telemetry?.readings[1]?.at(-1)?.atMs).toBeLessThanOrEqual(lostMs)
    expect(telemetry?.readings[0]?.at(-1)?.atMs).toBeGreaterThan(lostMs + 300)
  })

  test('loses a driver that hangs, and still ends as told', async () => {
    const { telemetry, stopped } = await record([flat], 3_200, { NVML_STUB_HANG_MS: '500' })
    expect(telemetry?.lost).toMatchObject([{ device: 0, reason: 'no answer in 2000 ms' }])
    expect(telemetry?.end).toBeDefined()
    expect(stopped).toEqual({})
  })

  test('takes from an old driver what it has, and says what is lacking', async () => {
    const { telemetry } = await record([flat], 500, {
      BAREMARK_NVML: buildNvmlStub('-DOLD_DRIVER'),
    })
    const reading = readingsOf(telemetry).at(-1)
    expect(reading?.energyJ).toBeUndefined()
    expect(reading?.powerW).toBeUndefined()
    // An H100's one power figure is an average.
    expect(reading?.powerAverageW).toBe(300)
    expect(reading?.throttleReasons).toEqual(['power-cap', 'thermal-hardware'])
    expect(telemetry?.devices[0]?.lacks?.map((each) => each.split(':')[0])).toEqual([
      'energy counter',
      'instant power',
      'time held back by heat',
    ])
  })

  test('a GPU without an energy counter has no energy, not 0 J', async () => {
    const { telemetry } = await record([flat], 500, { NVML_STUB_NO_ENERGY: '1' })
    expect(readingsOf(telemetry).some(({ energyJ }) => energyJ !== undefined)).toBe(false)
    expect(telemetry?.devices[0]?.lacks).toContain('energy counter: Not Supported (3)')
  })

  test('a module with its processor is a device of its own scope', async () => {
    const { telemetry } = await record([flat], 500, { NVML_STUB_MODULE: '1' })
    expect(telemetry?.devices.map(({ scope }) => scope)).toEqual(['gpu', 'module'])
    expect(telemetry?.readings[1]?.at(-1)?.powerW).toBe(500)
  })

  test('a sampler that is killed leaves what it had recorded, without an end', async () => {
    const { child, file } = await spawnSampler()
    await sleep(700)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const telemetry = telemetryOf(file)
    expect(telemetry.end).toBeUndefined()
    expect(readingsOf(telemetry).length).toBeGreaterThan(1)
  })

  test('Ctrl-C does not end it, its parent does', async () => {
    const { child, file } = await spawnSampler()
    child.kill('SIGINT')
    await sleep(500)
    expect(child.exitCode ?? child.signalCode).toBeNull()
    child.stdin.end()
    await once(child, 'exit')
    expect(telemetryOf(file).end?.cost.looks).toBeGreaterThan(1)
  })

  test('told to end by a signal it ends its file', async () => {
    const { child, file } = await spawnSampler()
    child.kill('SIGTERM')
    await once(child, 'exit')
    expect(telemetryOf(file).end).toBeDefined()
  })

  test('ends when its parent is killed', async () => {
    const file = join(temporaryFolder(), 'telemetry.jsonl')
    const module = join(packageRoot, 'dist', 'detect', 'telemetry', 'start-sampler.js')
    const script = `
      const { startSampler } = await import(${JSON.stringify(module)})
      const options = { file: ${JSON.stringify(file)}, epochMonotonicMs: 0, root: '/nowhere' }
      console.log((await startSampler(options)).kind)
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: stubEnv([flat], monotonicMs()),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    started.push(parent)
    const [said] = (await once(parent.stdout, 'data')) as [Buffer]
    expect(String(said).trim()).toBe('sampling')
    await sleep(300)
    parent.kill('SIGKILL')
    await vi.waitFor(() => expect(telemetryOf(file).end).toBeDefined(), { timeout: 8_000 })
  })

  test('who does not stop it is not held by it', async () => {
    const module = join(packageRoot, 'dist', 'detect', 'telemetry', 'start-sampler.js')
    const file = join(temporaryFolder(), 'telemetry.jsonl')
    const script = `
      const { startSampler } = await import(${JSON.stringify(module)})
      await startSampler({ file: ${JSON.stringify(file)}, epochMonotonicMs: 0, root: '/nowhere' })`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: stubEnv([flat], monotonicMs()),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    started.push(parent)
    const [code] = await once(parent, 'exit')
    expect(code).toBe(0)
    await vi.waitFor(() => expect(telemetryOf(file).end).toBeDefined(), { timeout: 8_000 })
  })

  test('a sampler that dies says so while it is watched, and once more when stopped', async () => {
    const epochMonotonicMs = monotonicMs()
    const sampler = await startSampler({
      // Always full.
      file: '/dev/full',
      epochMonotonicMs,
      env: stubEnv([flat], epochMonotonicMs),
      root: temporaryFolder(),
    })
    const reason = sampler.kind === 'none' ? sampler.reason : await sampler.died
    expect(reason).toContain('ENOSPC')
    if (sampler.kind === 'sampling') expect(await sampler.stop()).toEqual({ died: reason })
  })

  test.skipIf(!existsSync(captures))(
    'boards that draw what real ones drew are recorded to 1 %',
    exact,
    async () => {
      const boards = readdirSync(captures)
        .filter((name) => existsSync(join(captures, name, 'meter-5ms.csv')))
        .map((name) => readCapture(join(captures, name)))
      expect(boards.length).toBeGreaterThan(0)
      const forMs = Math.max(...boards.map(({ toMs }) => toMs)) + 400
      const { telemetry } = await record(
        boards.map(({ curve }) => curve),
        forMs,
      )
      for (const [device, { name, curve, fromMs, toMs }] of boards.entries()) {
        const truthJ = joulesOf(curve, fromMs, toMs)
        const counted = countedJoules(telemetry?.readings[device] ?? [], fromMs, toMs)
        expect(Math.abs(counted / truthJ - 1), name).toBeLessThan(0.01)
      }
    },
  )
})

test('without a GPU there is no file, and a reason for each source', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'telemetry.jsonl')
  const sampler = await startSampler({
    file,
    epochMonotonicMs: monotonicMs(),
    root: folder,
    env: {
      PATH: folder,
      BAREMARK_NVML: join(folder, 'none.so'),
      BAREMARK_DCGM_URL: 'http://127.0.0.1:9/metrics',
    },
  })
  expect(sampler.kind).toBe('none')
  const reasons = new Map(sampler.notUsed.map(({ source, reason }) => [source, reason]))
  expect(reasons.get('nvml')).toContain('Failed to load shared library')
  expect(reasons.get('nvidia-smi')).toBe('not found')
  expect(reasons.get('nvidia-smi -lms 100')).toBe('not found')
  expect(reasons.get('dcgm-exporter')).toContain('http://127.0.0.1:9/metrics: ')
  expect(existsSync(file)).toBe(false)
})

test('a file that cannot be written is a reason, not an exception', async () => {
  const folder = temporaryFolder()
  const curve = join(folder, 'curve.csv')
  writeFileSync(curve, '0,300\n')
  const sampler = await startSampler({
    file: join(folder, 'no', 'such', 'folder'),
    epochMonotonicMs: monotonicMs(),
    root: folder,
    env: { ...process.env, BAREMARK_NVML: stub, NVML_STUB_CURVES: curve },
  })
  expect(sampler.kind).toBe('none')
  if (sampler.kind === 'none' && hasCompiler) expect(sampler.reason).toContain('ENOENT')
})

function readCapture(folder: string) {
  const lines = readFileSync(join(folder, 'meter-5ms.csv'), 'utf8').trim().split('\n').slice(1)
  const curve: PowerCurve = lines.map((line) => {
    const [ms, watts] = line.split(',')
    return [Number(ms), Number(watts)]
  })
  const window = readFileSync(join(folder, 'load-window.txt'), 'utf8').trim().split(' ')
  return { name: folder, curve, fromMs: Number(window[0]), toMs: Number(window[1]) }
}
