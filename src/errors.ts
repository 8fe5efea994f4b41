/** Exit codes of every command; a script may rely on them. */
export const exitCodes = {
  valid: 0,
  threshold: 1,
  usage: 2,
  setup: 3,
  invalid: 4,
  partial: 5,
  reportNotWritten: 6,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/**
 * Something the user can fix. `message` says what happened, `remedy` what to do next.
 * Caught once, in `cli/main.ts`, and printed on one line without a stack.
 */
export class UserError extends Error {
  readonly remedy: string
  readonly exitCode: ExitCode

  constructor(message: string, options: { remedy: string; exitCode?: ExitCode; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'UserError'
    this.remedy = options.remedy
    this.exitCode = options.exitCode ?? exitCodes.usage
  }
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED` ...), where there is one. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
