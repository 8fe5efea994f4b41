import { type ChildProcess, spawn } from 'node:child_process'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { exitCodes, UserError } from '../errors.ts'
import { benchmarkSchema } from '../load/benchmark.ts'
import { packageRoot } from '../package-files.ts'
import { readYamlFile } from '../yaml-file.ts'
import { loadCatalogue, loadScenario } from './catalogue.ts'
import type { Io } from './io.ts'
import { withFlags } from './overrides.ts'
import { runPipeline } from './pipeline.ts'

interface QuickstartFlags {
  readonly engine: 'llama' | 'simulated'
  readonly duration?: number
  readonly out: string
}

const START_TIMEOUT_MS = 60_000

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
      { benchmark, url: server.url, access, out: flags.out, scenario, catalogue },
      io,
    )
  } finally {
    server.stop()
  }
}

interface RunningEngine {
  readonly url: string
  readonly stop: () => void
}

/** The engine asked for; where llama.cpp cannot load, the simulated one, and everything says so. */
async function startEngine(engine: QuickstartFlags['engine'], io: Io): Promise<RunningEngine> {
  io.stderr(
    engine === 'llama'
      ? 'Starting llama.cpp with random weights ...\n'
      : 'Starting the simulated engine ...\n',
  )
  try {
    return await spawnEngine(engine)
  } catch (error) {
    if (engine === 'simulated' || !(error instanceof EngineDidNotStart)) throw error
    io.stderr(
      `${error.message}\nSIMULATED: the simulated engine takes its place; no model will run.\n`,
    )
    return spawnEngine('simulated')
  }
}

class EngineDidNotStart extends UserError {}

/** Standard input stays open as a leash: the child ends with it, however this process dies. */
function spawnEngine(engine: QuickstartFlags['engine']): Promise<RunningEngine> {
  const bin = fileURLToPath(new URL(`../bin${extname(import.meta.url)}`, import.meta.url))
  const args = [bin, 'serve', '--engine', engine, '--port', '0', '--until-stdin-ends']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  let errors = ''
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString('utf8')
  })
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill('SIGKILL')
      const detail = errors.trim().split('\n').at(-1) ?? ''
      const message = `The ${engine} engine did not start: ${why}${detail ? ` (${detail})` : ''}.`
      reject(
        new EngineDidNotStart(message, {
          remedy: 'Try --engine simulated.',
          exitCode: exitCodes.setup,
        }),
      )
    }
    const timer = setTimeout(
      () => fail(`no answer within ${START_TIMEOUT_MS / 1000} s`),
      START_TIMEOUT_MS,
    )
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code) => fail(`it ended with exit code ${code}`))
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve({ url: (JSON.parse(line) as { url: string }).url, stop: () => stop(child) })
    })
  })
}

function stop(child: ChildProcess): void {
  child.stdin?.end()
  child.kill('SIGTERM')
}
