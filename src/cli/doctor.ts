import { detectHardware } from '../detect/detect-hardware.ts'
import type { Hardware } from '../detect/hardware.ts'
import { preflight, type Surroundings } from '../detect/preflight/gather-preflight.ts'
import {
  type Finding,
  type FindingSeverity,
  type PlannedServer,
  type Preflight,
  type PreflightPlan,
  uncheckedByReason,
} from '../detect/preflight/preflight.ts'
import { type LiveMachine, thisLiveMachine } from '../detect/server/live-machine.ts'
import { exitCodes } from '../errors.ts'
import { describeOrigin } from '../load/http/socket-url.ts'
import { parseTargetUrl } from '../load/identify.ts'
import { plainText } from '../report/plain-text.ts'
import type { Io } from './io.ts'

interface DoctorFlags {
  readonly concurrency?: number
  readonly out: string
  readonly url?: string
  readonly json: boolean
}

/** What is looked at; tests hand in their own. */
interface DoctorWorld {
  readonly machine: LiveMachine
  readonly detect: () => Promise<Hardware>
  readonly surroundings?: Surroundings
}

const thisWorld: DoctorWorld = { machine: thisLiveMachine, detect: detectHardware }

/**
 * `baremark doctor`: what of this machine a run would suffer from. Exit code 3 with a blocker, else 0.
 *
 * @throws UserError when the address is none
 */
export async function doctorCommand(
  flags: DoctorFlags,
  io: Pick<Io, 'stdout'>,
  world: DoctorWorld = thisWorld,
): Promise<number> {
  const plan: PreflightPlan = {
    url: flags.url === undefined ? undefined : parseTargetUrl(flags.url),
    connections: flags.concurrency,
    outFolder: flags.out,
  }
  const health = await preflight(world.machine, plan, await world.detect(), world.surroundings)
  io.stdout(flags.json ? `${JSON.stringify(health, null, 2)}\n` : asText(health, plan))
  const blocked = health.findings.some(({ severity }) => severity === 'blocker')
  return blocked ? exitCodes.setup : exitCodes.valid
}

const COLUMNS = 100

const headings: Readonly<Record<FindingSeverity, string>> = {
  blocker: 'Blockers: a run cannot work',
  warning: 'Warnings: the figures of a run would suffer',
  note: 'Notes: good to know',
}

function asText(health: Preflight, plan: PreflightPlan): string {
  const of = (severity: FindingSeverity) =>
    health.findings.filter((finding) => finding.severity === severity)
  const blocks = [
    [verdict(health), ...planLines(plan), ...serverLines(health.server)],
    section(headings.blocker, of('blocker').flatMap(findingLines)),
    section(headings.warning, of('warning').flatMap(findingLines)),
    section(headings.note, of('note').flatMap(findingLines)),
    section('Not checked', notCheckedLines(health)),
    section('Looked at, and as it should be', wrapped(health.fine.join(', '), '  ')),
  ]
  const told = blocks.filter((lines) => lines.length > 0)
  return `${told.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function verdict({ findings, notChecked }: Preflight): string {
  const count = (severity: FindingSeverity) =>
    findings.filter((finding) => finding.severity === severity).length
  return [
    `${counted(count('blocker'), 'blocker')}, ${counted(count('warning'), 'warning')}`,
    `${counted(count('note'), 'note')}; ${new Set(notChecked.map(({ check }) => check)).size} not checked`,
  ].join(', ')
}

function counted(count: number, what: string): string {
  if (count === 0) return `no ${what}`
  return count === 1 ? `1 ${what}` : `${count} ${what}s`
}

/** What the checks were made for: without these, some of them cannot be made. */
function planLines({ url, connections, outFolder }: PreflightPlan): string[] {
  const server = url === undefined ? 'no server (--url names one)' : describeOrigin(url)
  const users =
    connections === undefined
      ? 'any number of connections (--concurrency tells how many)'
      : `${connections} connections`
  return wrapped(`For ${server}, ${users}, results in ${outFolder}`, '')
}

function serverLines(server: PlannedServer | undefined): string[] {
  if (server?.processes.kind !== 'known') return []
  const { gpus, processes } = server
  const known = gpus.kind === 'known'
  return wrapped(
    known
      ? `Server: ${gpus.how}: ${gpus.pciAddresses.join(', ')}`
      : `Server: ${processes.how}; its GPUs are not known: ${gpus.reason}`,
    '',
  )
}

function section(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [heading, ...lines]
}

function findingLines({ check, text, remedy }: Finding): string[] {
  const told = wrapped(`${check}: ${text}`, '  ')
  // In one line however long: commands are there to be copied.
  return remedy === undefined ? told : [...told, `    To mend it: ${plainText(remedy)}`]
}

function notCheckedLines(health: Preflight): string[] {
  return uncheckedByReason(health).flatMap(({ what, reason }) =>
    wrapped(`${what.join(', ')}: ${reason}`, '  '),
  )
}

/** Names of processes and GPUs come from outside: one harmless text, in lines of a width that can be read. */
function wrapped(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of plainText(text).split(' ')) {
    const hanging = lines.length === 0 ? indent : `${indent}  `
    const longer = line === '' ? `${hanging}${word}` : `${line} ${word}`
    if (line !== '' && longer.length > COLUMNS) {
      lines.push(line)
      line = `${indent}  ${word}`
    } else line = longer
  }
  return line.trim() === '' ? lines : [...lines, line]
}
