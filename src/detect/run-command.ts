import { messageOf } from '../errors.ts'

/** How a command ended. Nothing a command does is an exception. */
export type CommandResult =
  | {
      readonly kind: 'exited'
      readonly exitCode: number
      readonly stdout: string
      readonly stderr: string
      readonly tookMs: number
    }
  | { readonly kind: 'not-found'; readonly tookMs: number }
  | { readonly kind: 'timed-out'; readonly timeoutMs: number; readonly tookMs: number }
  /** Could not be started, was killed from outside, or printed without end. */
  | { readonly kind: 'failed'; readonly detail: string; readonly tookMs: number }

/** Runs a program, without a shell, in the C locale. Resolves soon after `timeoutMs` whatever the program does. */
export type RunCommand = (
  file: string,
  args: readonly string[],
  options: { readonly timeoutMs: number },
) => Promise<CommandResult>

/** From the polite signal to the one that cannot be ignored. */
const KILL_DELAY_MS = 1_000
/** From that to leaving the process behind: a driver that hangs in the kernel is beyond any signal. */
const ABANDON_DELAY_MS = 500
const MAX_OUTPUT_CHARACTERS = 4_000_000

export const runCommand: RunCommand = async (file, args, { timeoutMs }) => {
  const { execa } = await import('execa')
  const startMs = performance.now()
  const tookMs = () => Math.round(performance.now() - startMs)
  const child = execa(file, args, {
    timeout: timeoutMs,
    forceKillAfterDelay: KILL_DELAY_MS,
    maxBuffer: MAX_OUTPUT_CHARACTERS,
    reject: false,
    stdin: 'ignore',
    env: { LC_ALL: 'C', LANG: 'C' },
  })
  // A child of the program may hold its output open long after the program is gone, hence a bound of our own.
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs + KILL_DELAY_MS + ABANDON_DELAY_MS)
  })
  const result = await Promise.race([child, tooLate])
  clearTimeout(timer)
  if (result === undefined) {
    child.stdout?.destroy()
    child.stderr?.destroy()
    child.unref()
    return { kind: 'timed-out', timeoutMs, tookMs: tookMs() }
  }
  return ending(result, timeoutMs, tookMs())
}

/** Why a command has no exit code. */
export function explain(result: Exclude<CommandResult, { kind: 'exited' }>): string {
  switch (result.kind) {
    case 'not-found':
      return 'not found'
    case 'timed-out':
      return `no answer in ${result.timeoutMs} ms`
    case 'failed':
      return result.detail
  }
}

interface ExecaEnding {
  readonly stdout?: string
  readonly stderr?: string
  readonly exitCode?: number
  readonly code?: string
  readonly timedOut: boolean
  readonly isMaxBuffer: boolean
  readonly signal?: string
  readonly cause?: unknown
}

function ending(result: ExecaEnding, timeoutMs: number, tookMs: number): CommandResult {
  if (result.timedOut) return { kind: 'timed-out', timeoutMs, tookMs }
  if (result.code === 'ENOENT') return { kind: 'not-found', tookMs }
  if (result.isMaxBuffer) {
    return { kind: 'failed', detail: `printed over ${MAX_OUTPUT_CHARACTERS} characters`, tookMs }
  }
  if (result.exitCode === undefined) {
    const detail =
      result.signal === undefined ? messageOf(result.cause) : `ended by ${result.signal}`
    return { kind: 'failed', detail, tookMs }
  }
  const { exitCode, stdout = '', stderr = '' } = result
  return { kind: 'exited', exitCode, stdout, stderr, tookMs }
}
