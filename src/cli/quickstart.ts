import { join } from 'node:path'
import { benchmarkSchema } from '../load/benchmark.ts'
import { packageRoot } from '../package-files.ts'
import { readYamlFile } from '../yaml-file.ts'
import { loadCatalogue, loadScenario } from './catalogue.ts'
import { EngineDidNotStart, type EngineProcess, startEngineProcess } from './engine-process.ts'
import type { Io } from './io.ts'
import { withFlags } from './overrides.ts'
import { runPipeline } from './pipeline.ts'

interface QuickstartFlags {
  readonly engine: 'llama' | 'simulated'
  readonly duration?: number
  readonly out: string
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
      },
      io,
    )
  } finally {
    await server.stop()
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
