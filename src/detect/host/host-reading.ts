import { messageOf, systemErrorCode } from '../../errors.ts'
import { within } from '../deadline.ts'
import type { Host, HostField } from '../host-fields.ts'
import type { Machine } from '../machine.ts'
import { absent, ok, type Reading } from '../reading.ts'
import { explain } from '../run-command.ts'

/** Longest that anything about the host may take, ms. */
const ANSWER_DEADLINE_MS = 2_000
/** So that a tool that hangs is told from one that is slow, ms. */
const TOOL_TIMEOUT_MS = 1_500

/** Fields of a host, each being read. */
export type HostAnswers = { readonly [F in HostField]?: Promise<Host[F]> }

/** What was read in time; a field that takes over 2 s is absent for that reason and holds up no other. */
export async function inTime(answers: HostAnswers): Promise<Partial<Host>> {
  const fields = Object.entries(answers) as [HostField, Promise<Reading<unknown>>][]
  const read = fields.map(async ([field, reading]) => {
    const answer = await within(ANSWER_DEADLINE_MS, reading)
    const late = absent(`no answer in ${ANSWER_DEADLINE_MS} ms`, 'none')
    return [field, answer.kind === 'done' ? answer.value : late]
  })
  return Object.fromEntries(await Promise.all(read)) as Partial<Host>
}

/** Content of a file, or why there is none: a reason without the path, so that equal reasons are told once. */
export async function textOf(
  machine: Pick<Machine, 'readText'>,
  path: string,
): Promise<Reading<string>> {
  try {
    return ok(await machine.readText(path), path)
  } catch (error) {
    return absent(whyNot(error), path)
  }
}

/** Names in a folder, or why there are none. */
export async function namesIn(
  machine: Pick<Machine, 'listFolder'>,
  path: string,
): Promise<Reading<readonly string[]>> {
  try {
    return ok(await machine.listFolder(path), path)
  } catch (error) {
    return absent(whyNot(error), path)
  }
}

function whyNot(error: unknown): string {
  const code = systemErrorCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'not permitted'
  return code ?? messageOf(error)
}

/** What a program printed. Exit codes other than 0 and those given are no answer. */
export async function saidBy(
  machine: Pick<Machine, 'runCommand'>,
  file: string,
  args: readonly string[],
  exitCodes: readonly number[] = [],
): Promise<Reading<string>> {
  const result = await machine.runCommand(file, args, { timeoutMs: TOOL_TIMEOUT_MS })
  if (result.kind !== 'exited') return absent(`${file}: ${explain(result)}`, file)
  const { exitCode, stdout } = result
  if (exitCode === 0 || exitCodes.includes(exitCode)) return ok(stdout, file)
  return absent(`${file}: exit code ${exitCode}`, file)
}

/** Part of what was read. `undefined` and an empty word mean that the source does not say; 0 is a value. */
export function part<T, V>(from: Reading<T>, pick: (value: T) => V | undefined): Reading<V> {
  if (from.status === 'absent') return from
  const picked = pick(from.value)
  if (picked === undefined || picked === '' || Number.isNaN(picked)) {
    return absent('the source does not say', from.source)
  }
  return ok(picked, from.source)
}

/** The first that is known, asked one after another; where none is, why the first is not. */
export async function firstKnown<T>(
  first: () => Promise<Reading<T>>,
  ...others: readonly (() => Promise<Reading<T>>)[]
): Promise<Reading<T>> {
  const reading = await first()
  if (reading.status === 'ok') return reading
  for (const other of others) {
    const next = await other()
    if (next.status === 'ok') return next
  }
  return reading
}

/** First line of a text, without what ends it in device trees. */
export function firstLine(text: string): string {
  return (text.split(/[\n\0]/)[0] ?? '').trim()
}
