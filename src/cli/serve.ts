import type { Readable } from 'node:stream'
import { exitCodes, UserError } from '../errors.ts'
import type { Engine } from '../serve/engine.ts'
import { faultsSchema } from '../serve/faults.ts'
import { startServer } from '../serve/openai-server.ts'
import type { SimulatedOptions } from '../serve/simulated.ts'
import { openStampFile, type StampFile } from '../serve/stamps.ts'
import { readYamlFile } from '../yaml-file.ts'

export interface ServeOptions {
  readonly engine: 'llama' | 'simulated'
  /** 0 takes any free port. */
  readonly port: number
  /** Answers that advance together; the engine's own default when absent. */
  readonly slots?: number
  /** A GGUF file for the llama engine, in place of the model with random weights. */
  readonly modelFile?: string
  /** CPU threads of the llama engine. */
  readonly threads?: number
  /** The law of the simulated engine, where it differs from the default. */
  readonly simulation?: Partial<SimulatedOptions>
  /** A file for what was really sent, and when: a line of JSON for each request for generation. */
  readonly stamps?: string
  /** What the server does wrong on purpose: a file that holds a list of faults. */
  readonly faults?: string
  /** How many may wait while all slots are taken; one more is refused. No limit when absent. */
  readonly maxWaiting?: number
  /** What such a request is refused with; 429 when absent. */
  readonly overloadStatus?: 429 | 503
  /** Also end when stdin does, so that the server never outlives the program that started it. */
  readonly untilStdinEnds?: boolean
}

type ShownOption =
  | 'prefillTokensPerS'
  | 'decodeBaseMs'
  | 'decodePerSequenceMs'
  | 'tokensPerChunk'
  | 'seed'
  | 'spread'
  | 'slowStartS'
  | 'slowStartFactor'
  | 'driftAfterS'
  | 'driftPerS'
  | 'prefixCache'
  | 'kvTokens'

/** The flags of `serve`: its options, with the law of the simulation beside the others. */
export type ServeFlags = Omit<ServeOptions, 'simulation' | 'modelFile' | 'threads'> &
  Partial<Pick<SimulatedOptions, ShownOption>> & {
    readonly jitter?: number
    /** The same as the engine `simulated`. */
    readonly simulate?: boolean
  }

/** @throws UserError when a law is given to an engine that obeys none */
export function serveOptions(flags: ServeFlags): ServeOptions {
  const { engine: named, simulate, port, slots, stamps, jitter, ...others } = flags
  const { faults, maxWaiting, overloadStatus, untilStdinEnds, ...law } = others
  const engine = simulate ? 'simulated' : named
  const simulation = { ...law, ...(jitter === undefined ? {} : { jitterRatio: jitter }) }
  const [stray] = Object.keys(simulation)
  if (engine !== 'simulated' && stray !== undefined) {
    throw new UserError(`The ${engine} engine takes as long as it takes: ${stray} is not for it.`, {
      remedy: 'Add --engine simulated, or leave that flag out.',
    })
  }
  const server = { faults, maxWaiting, overloadStatus, untilStdinEnds }
  return { engine, port, slots, stamps, ...server, simulation }
}

interface Output {
  readonly write: (text: string) => unknown
}

export interface ServeIo {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin?: Readable
  /** Ends the server. */
  readonly signal: AbortSignal
}

/**
 * Serves an engine on the loopback address until it is told to end. When the server is ready, and
 * only then, one line of JSON is written to stdout; to stderr goes a word to a person, if there is one.
 *
 * @throws UserError when the engine, the port or the file of stamps cannot be had
 */
export async function serveCommand(options: ServeOptions, io: ServeIo): Promise<number> {
  const stamps = options.stamps === undefined ? undefined : await openStampFile(options.stamps)
  try {
    await serveEngine(options, io, stamps)
  } finally {
    await stamps?.close()
  }
  return exitCodes.valid
}

async function serveEngine(options: ServeOptions, io: ServeIo, stamps: StampFile | undefined) {
  const { port, maxWaiting, overloadStatus: status = 429 } = options
  const faults =
    options.faults === undefined ? [] : await readYamlFile(options.faults, faultsSchema)
  const overload = maxWaiting === undefined ? undefined : { maxWaiting, status }
  const engine = await openEngine(options)
  try {
    const server = await startServer({ engine, port, faults, overload, onStamp: stamps?.write })
    io.stdout.write(`${JSON.stringify(readyLine(server.url, engine))}\n`)
    if (!options.untilStdinEnds) io.stderr.write(`Serving ${engine.model}. Press Ctrl-C to end.\n`)
    await untilTold(options, io)
    await server.close()
  } finally {
    await engine.close()
  }
}

/** Each engine is loaded only where it is asked for. */
async function openEngine(options: ServeOptions): Promise<Engine> {
  const { slots, modelFile, threads, simulation } = options
  switch (options.engine) {
    case 'llama': {
      const { llamaEngine } = await import('../serve/llama.ts')
      return llamaEngine({ slots, modelFile, threads })
    }
    case 'simulated': {
      const { simulatedEngine } = await import('../serve/simulated.ts')
      return simulatedEngine({ ...simulation, ...(slots === undefined ? {} : { slots }) })
    }
  }
}

function readyLine(url: string, { name, model, simulated, weights }: Engine): object {
  return { ready: true, url, engine: name, model, simulated, weights }
}

function untilTold({ untilStdinEnds }: ServeOptions, io: ServeIo): Promise<void> {
  const stdin = untilStdinEnds ? (io.stdin ?? process.stdin) : undefined
  return new Promise((resolve) => {
    const end = (): void => {
      stdin?.pause()
      resolve()
    }
    if (io.signal.aborted) end()
    io.signal.addEventListener('abort', end, { once: true })
    // Nothing is read; but only a stream that flows tells its end.
    stdin?.once('end', end).once('close', end).once('error', end).resume()
  })
}
