import { join } from 'node:path'
import { UserError } from '../errors.ts'
import { type Benchmark, benchmarkSchema } from '../load/benchmark.ts'
import { longestAnswer, longestPrompt } from '../load/workloads/sizes.ts'
import type { Certificate } from '../measure/instrument-certificate.ts'
import { packageRoot } from '../package-files.ts'
import { readYamlFile } from '../yaml-file.ts'
import { type CalibrationPlan, calibrate } from './calibrate.ts'
import { loadCatalogue, loadScenario } from './catalogue.ts'
import { findCertificate } from './certificate-store.ts'
import { EngineDidNotStart, type EngineProcess, startEngineProcess } from './engine-process.ts'
import type { Io } from './io.ts'
import { withFlags } from './overrides.ts'
import { runPipeline } from './pipeline.ts'

interface QuickstartFlags {
  readonly engine: 'llama' | 'simulated'
  readonly duration?: number
  readonly out: string
  /** Whether to calibrate the instrument first; else a kept certificate is looked for. */
  readonly calibration: boolean
}

/** `baremark quickstart`: everything, against an engine of our own in a process of its own. @throws UserError */
export async function quickstartCommand(flags: QuickstartFlags, io: Io): Promise<number> {
  const file = join(packageRoot, 'benchmarks', 'quickstart.yaml')
  const benchmark = withFlags(await readYamlFile(file, benchmarkSchema), {
    duration: flags.duration,
  })
  const [catalogue, scenario] = await Promise.all([
    loadCatalogue(),
    loadScenario({ scenario: join(packageRoot, 'scenarios', 'quickstart.yaml') }),
  ])
  const certificate = flags.calibration
    ? await calibrateFor(benchmark, io)
    : await findCertificate(undefined, benchmark.load, io)
  const server = await startEngine(flags.engine, io)
  try {
    const access = { insecure: false }
    return await runPipeline(
      {
        benchmark,
        folder: packageRoot,
        url: server.url,
        access,
        out: flags.out,
        scenario,
        catalogue,
        certificate,
        telemetry: true,
        // It is to be quick: idle power stays unknown.
        restS: 0,
        purpose: 'explore',
        auditCaching: false,
      },
      io,
    )
  } finally {
    await server.stop()
  }
}

/** Faster than the engine on most CPUs, so that the error is of no smaller load than what follows. */
const CHUNKS_PER_S = 500
/** Some 750 requests of 8 users: a p99 needs 662. */
const CALIBRATION_S = 6

/**
 * A certificate made now, at the most users of the benchmark and its lengths, with the chunks of all
 * streams at one moment, as a batching engine sends them. Without one the run goes on, and says so.
 */
async function calibrateFor(
  { workload, load }: Benchmark,
  io: Io,
): Promise<Certificate | undefined> {
  if (load.kind !== 'closed') return undefined
  const users = Math.max(...load.concurrency)
  io.stderr(`Calibrating the instrument at ${users} users, about ${CALIBRATION_S + 2} s ...\n`)
  const plan: CalibrationPlan = {
    concurrency: [users],
    requestRate: [],
    chunksPerS: CHUNKS_PER_S,
    durationS: CALIBRATION_S,
    bursts: true,
    inputTokens: longestPrompt(workload),
    outputChunks: longestAnswer(workload),
  }
  try {
    return await calibrate(plan, { ...io, stderr: () => {}, live: false })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    io.stderr(`${error.message} There is no certificate.\n`)
    return undefined
  }
}

/** The engine asked for; where llama.cpp cannot load, the simulated one, and everything says so. */
async function startEngine(engine: QuickstartFlags['engine'], io: Io): Promise<EngineProcess> {
  io.stderr(
    engine === 'llama'
      ? 'Starting llama.cpp with random weights ...\n'
      : 'Starting the simulated engine ...\n',
  )
  try {
    return await startEngineProcess(engine)
  } catch (error) {
    if (engine === 'simulated' || !(error instanceof EngineDidNotStart)) throw error
    io.stderr(
      `${error.message}\nSIMULATED: the simulated engine takes its place; no model will run.\n`,
    )
    return startEngineProcess('simulated')
  }
}
