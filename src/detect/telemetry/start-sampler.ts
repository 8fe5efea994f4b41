import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { messageOf } from '../../errors.ts'
import { packageRoot } from '../../package-files.ts'
import { within } from '../deadline.ts'
import type { TelemetryDevice } from './sample.ts'
import type { NotUsed, SamplerMessage, SamplerOrder } from './sampler-messages.ts'

/** A sampler at work, or why there is none. */
export type StartedSampler =
  | {
      readonly kind: 'sampling'
      readonly devices: readonly TelemetryDevice[]
      /** Sources that were tried and are not in use, and why. */
      readonly notUsed: readonly NotUsed[]
      /** Resolves with the reason, should the sampler end before it is told to; else never. */
      readonly died: Promise<string>
      /** Tells it to take a last look and end, and waits for that; kills it when it takes too long. Never rejects. */
      readonly stop: () => Promise<{ readonly died?: string }>
    }
  /** There is no file. */
  | { readonly kind: 'none'; readonly reason: string; readonly notUsed: readonly NotUsed[] }

export interface SamplerOptions {
  /** Where the readings go: the run directory's `telemetry.jsonl`. */
  readonly file: string
  /** The run's epoch on the operating system's monotonic clock, ms. */
  readonly epochMonotonicMs: number
  /** Time between looks, ms. */
  readonly periodMs?: number
  /** Folder that stands for `/`, and the sampler's environment: for tests. */
  readonly root?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** As often as most sensors have something new to tell. */
const DEFAULT_PERIOD_MS = 100
/** A driver that must first be loaded takes seconds. */
const START_LIMIT_MS = 10_000
/** A last look, and tools that are told to end: a second each, and some. */
const STOP_LIMIT_MS = 4_000
/** The built file, also when the sources run under test. */
const samplerFile = join(packageRoot, 'dist', 'detect', 'telemetry', 'sampler.js')

/**
 * Starts the sampler, a process of its own, and resolves when it has begun to record. Where there is
 * nothing to look at, or it does not come up within ten seconds, it says why. Never rejects. While it
 * records, this process hears nothing of it and does nothing for it.
 */
export async function startSampler(options: SamplerOptions): Promise<StartedSampler> {
  const child = spawn(process.execPath, [samplerFile], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...(options.env ?? process.env) },
    windowsHide: true,
  })
  const { first, last } = messagesOf(child)
  order(child, options)
  const started = await within(START_LIMIT_MS, first)
  if (started.kind === 'late') {
    release(child)
    return none(`the sampler did not come up in ${START_LIMIT_MS} ms`)
  }
  const message = started.value
  switch (message.kind) {
    case 'none':
      return none(reasonOf(message.notUsed), message.notUsed)
    case 'failed':
      return none(message.reason)
    case 'ended':
      return none('the sampler ended at once')
    case 'ready':
      return sampling(child, message, last)
  }
}

function sampling(
  child: ChildProcess,
  { devices, notUsed }: Extract<SamplerMessage, { kind: 'ready' }>,
  last: Promise<SamplerMessage>,
): StartedSampler {
  let told = false
  let early: string | undefined
  const died = new Promise<string>((resolve) => {
    void last.then((message) => {
      if (told) return
      early = message.kind === 'failed' ? message.reason : 'a signal told it to end'
      resolve(early)
    })
  })
  const stop = async (): Promise<{ died?: string }> => {
    told = true
    if (early !== undefined) return { died: early }
    child.stdin?.end()
    const ended = await within(STOP_LIMIT_MS, last)
    release(child)
    if (ended.kind === 'late') return { died: `it did not end in ${STOP_LIMIT_MS} ms` }
    return ended.value.kind === 'failed' ? { died: ended.value.reason } : {}
  }
  // Whoever forgets to stop it must not wait for it: it ends when this process does.
  letGo(child)
  return { kind: 'sampling', devices, notUsed, died, stop }
}

/** The first thing it says, and how it ended: `failed` where it did not say. */
function messagesOf(child: ChildProcess): {
  readonly first: Promise<SamplerMessage>
  readonly last: Promise<SamplerMessage>
} {
  let heard: SamplerMessage | undefined
  let hearFirst: (message: SamplerMessage) => void = () => {}
  const first = new Promise<SamplerMessage>((resolve) => {
    hearFirst = resolve
  })
  const last = new Promise<SamplerMessage>((resolve) => {
    const close = (reason: string): void => {
      const end = isLast(heard) ? heard : ({ kind: 'failed', reason } as const)
      hearFirst(end)
      resolve(end)
    }
    child.once('error', (error) => close(messageOf(error)))
    child.once('close', (code, signal) => close(endingOf(code, signal)))
  })
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      heard = readMessage(line) ?? heard
      if (heard !== undefined) hearFirst(heard)
    })
  }
  return { first, last }
}

/** A vendor's library may print something of its own. */
function readMessage(line: string): SamplerMessage | undefined {
  try {
    return JSON.parse(line) as SamplerMessage
  } catch {
    return undefined
  }
}

function isLast(message: SamplerMessage | undefined): message is SamplerMessage {
  return message !== undefined && message.kind !== 'ready'
}

function endingOf(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `ended with exit code ${code}` : `ended by ${signal}`
}

function order(child: ChildProcess, options: SamplerOptions): void {
  const { file, epochMonotonicMs, periodMs = DEFAULT_PERIOD_MS, root = '/' } = options
  const line: SamplerOrder = { file, epochMonotonicMs, periodMs, root }
  // It may be gone before it has read its order; how it ended is told by `close`.
  child.stdin?.on('error', () => {})
  child.stdin?.write(`${JSON.stringify(line)}\n`)
}

/** Ends it, and waits for nothing: a process that hangs in a driver outlives every signal. */
function release(child: ChildProcess): void {
  child.kill('SIGKILL')
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.unref()
}

function letGo(child: ChildProcess): void {
  child.unref()
  for (const pipe of [child.stdin, child.stdout]) {
    if (pipe instanceof Socket) pipe.unref()
  }
}

function none(reason: string, notUsed: readonly NotUsed[] = []): StartedSampler {
  return { kind: 'none', reason, notUsed }
}

function reasonOf(notUsed: readonly NotUsed[]): string {
  if (notUsed.length === 0) return 'no source of telemetry for this machine'
  const sources = notUsed.map(({ source, reason }) => `${source}: ${reason}`)
  return `nothing on this machine tells power or energy (${sources.join('; ')})`
}
