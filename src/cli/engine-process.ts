import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { exitCodes, messageOf, UserError } from '../errors.ts'
import { MS_PER_S } from '../units.ts'

/** An engine of our own that serves from a process of its own. */
export interface EngineProcess {
  readonly url: string
  readonly model: string
  /** Resolves when the process is gone, and all that it writes is written. */
  readonly stop: () => Promise<void>
}

/** The engine cannot be had on this machine; another one perhaps can. */
export class EngineDidNotStart extends UserError {}

const START_TIMEOUT_MS = 60 * MS_PER_S
const STOP_TIMEOUT_MS = 10 * MS_PER_S

/**
 * Starts `baremark serve` on a free port. Standard input stays open as a leash: the child ends with
 * it, however this process dies.
 *
 * @param flags further flags of `serve`
 * @throws EngineDidNotStart
 */
export async function startEngineProcess(
  engine: 'llama' | 'simulated',
  flags: readonly string[] = [],
): Promise<EngineProcess> {
  const bin = fileURLToPath(new URL(`../bin${extname(import.meta.url)}`, import.meta.url))
  const args = [bin, 'serve', '--engine', engine, '--port', '0', '--until-stdin-ends', ...flags]
  // Detached, so that Ctrl-C reaches this process only, which ends the child when it no longer needs it.
  const child = spawn(process.execPath, args, { stdio: 'pipe', detached: true })
  const gone = once(child, 'close')
  gone.catch(() => {}) // It never started: the ready line tells.
  try {
    const { url, model } = JSON.parse(await readyLine(child)) as { url: string; model: string }
    return { url, model, stop: () => stop(child, gone) }
  } catch (cause) {
    child.kill('SIGKILL')
    throw new EngineDidNotStart(`The ${engine} engine did not start: ${messageOf(cause)}.`, {
      remedy:
        engine === 'simulated'
          ? 'Run `baremark serve --engine simulated` to see why.'
          : 'Try --engine simulated.',
      exitCode: exitCodes.setup,
      cause,
    })
  }
}

/** The child's first line. Rejects with the reason in words when there will be none. */
function readyLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  let errors = ''
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString('utf8')
  })
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      const detail = errors.trim().split('\n').at(-1) ?? ''
      reject(new Error(detail ? `${why} (${detail})` : why))
    }
    const timer = setTimeout(
      () => fail(`no answer within ${START_TIMEOUT_MS / MS_PER_S} s`),
      START_TIMEOUT_MS,
    )
    timer.unref()
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => fail(`it ended with exit code ${code}`))
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer)
      resolve(line)
    })
  })
}

async function stop(child: ChildProcessWithoutNullStreams, gone: Promise<unknown>): Promise<void> {
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  child.stdin.end()
  child.kill('SIGTERM')
  await gone
  clearTimeout(killer)
}
