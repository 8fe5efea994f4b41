/** The world as a command sees it; tests hand in their own. */
export interface Io {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** All of standard input, to its end. */
  readonly readStdin: () => Promise<string>
  /** Aborted by Ctrl-C or a polite kill; the reason is the signal's name. */
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether stderr is a terminal that a progress line may be redrawn on. */
  readonly live: boolean
}
