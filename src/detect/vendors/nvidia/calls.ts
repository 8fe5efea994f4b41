import type { ToolReport } from '../../hardware.ts'
import { type CommandResult, explain, type RunCommand } from '../../run-command.ts'
import { linesOf, shortened, TOOL } from './values.ts'

/** All calls together. With what it takes to end one that hangs, it stays under a vendor's deadline. */
const BUDGET_MS = 13_000
/** Without persistence mode every call loads the driver anew, which takes seconds on a machine with many GPUs. */
const CALL_TIMEOUT_MS = 8_000
/** With less time left there is no point in asking. */
const SHORTEST_CALL_MS = 500

/** Calls the tool. Undefined is a call that was not made: an earlier one hung, or time is up. */
export type Ask = (args: readonly string[], limitMs?: number) => Promise<CommandResult | undefined>

/** One detection's calls: each within what time is left, and none after one that hung. */
export function callsOf(runCommand: RunCommand): Ask {
  let leftMs = BUDGET_MS
  return async (args, limitMs = CALL_TIMEOUT_MS) => {
    const timeoutMs = Math.min(limitMs, leftMs)
    if (timeoutMs < SHORTEST_CALL_MS) return undefined
    const result = await runCommand(TOOL, args, { timeoutMs })
    leftMs = result.kind === 'timed-out' ? 0 : leftMs - result.tookMs
    return result
  }
}

/** What was understood of an answer, and how asking went. */
export interface Answer<T> {
  readonly value: T
  /** None, of a call that was not made. */
  readonly reports: readonly ToolReport[]
  /** Whether the tool ran to its end without an error. */
  readonly answered: boolean
}

/** What an output holds, and words in it that make no sense: '' where words are missing. */
export interface Understood<T> {
  readonly value: T
  readonly strange?: string | undefined
}

/** Asks, and reads what was printed: some of it may be good though the tool ended with an error. */
export async function answerTo<T>(
  ask: Ask,
  args: readonly string[],
  read: (output: string) => Understood<T>,
  limitMs?: number,
): Promise<Answer<T>> {
  const result = await ask(args, limitMs)
  const { value, strange } = read(result?.kind === 'exited' ? result.stdout : '')
  if (result === undefined) return { value, reports: [], answered: false }
  const answered = result.kind === 'exited' && result.exitCode === 0
  return { value, reports: [reportOf(toolName(args), result, strange)], answered }
}

function toolName(args: readonly string[]): string {
  const words = args.filter((arg) => !arg.startsWith('--format'))
  return [TOOL, ...words.map((word) => word.replace(/=.*/, ''))].join(' ')
}

const NO_DEVICES = 'No devices were found'

function reportOf(tool: string, result: CommandResult, strange: string | undefined): ToolReport {
  const { tookMs } = result
  if (result.kind === 'not-found') return { tool, outcome: 'not-found', tookMs }
  if (result.kind !== 'exited') {
    return { tool, outcome: result.kind, detail: explain(result), tookMs }
  }
  const said = linesOf(`${result.stdout}\n${result.stderr}`)
  // Without a GPU some drivers exit with 0 and some do not; either way the tool has answered.
  if (said.some((line) => line.toLowerCase().startsWith(NO_DEVICES.toLowerCase()))) {
    return { tool, outcome: 'ok', detail: NO_DEVICES, tookMs }
  }
  const detail = result.exitCode === 0 ? strangeness(strange) : failure(result.exitCode, said[0])
  return detail === undefined
    ? { tool, outcome: 'ok', tookMs }
    : { tool, outcome: 'failed', detail, tookMs }
}

function strangeness(words: string | undefined): string | undefined {
  if (words === undefined) return undefined
  return words === '' ? 'printed nothing' : `not understood: ${shortened(words)}`
}

function failure(exitCode: number, words: string | undefined): string {
  return `exit code ${exitCode}${words === undefined ? '' : `: ${shortened(words)}`}`
}

/** Whether asking on is in vain: there is no GPU, or no driver to talk to. A field the tool does not like is neither. */
export function isFinal({ reports, answered }: Answer<unknown>): boolean {
  const detail = reports[0]?.detail
  if (detail === NO_DEVICES) return true
  return !answered && !/not a valid field/i.test(detail ?? '')
}

/** One report of all calls that went well, and one of each that did not. */
export function summedReports(reports: readonly ToolReport[]): ToolReport[] {
  const well = reports.filter(({ outcome }) => outcome === 'ok')
  const badly = reports.filter(({ outcome }) => outcome !== 'ok')
  return [{ tool: TOOL, outcome: 'ok', tookMs: totalMs(well) }, ...badly]
}

/** Without a GPU: the first call that says why. */
export function onlyReport(reports: readonly ToolReport[]): ToolReport {
  const why = reports.find(({ outcome, detail }) => outcome !== 'ok' || detail !== undefined)
  return { outcome: 'ok', ...why, tool: TOOL, tookMs: totalMs(reports) }
}

function totalMs(reports: readonly ToolReport[]): number {
  return reports.reduce((sum, { tookMs }) => sum + tookMs, 0)
}
