import { systemErrorCode } from '../../errors.ts'
import type { LiveMachine } from './live-machine.ts'

/** A process as `/proc/PID/stat` tells of it. */
export interface ProcessInfo {
  readonly pid: number
  readonly parentPid: number
  /** At most 15 characters of its program's name, or what it calls itself. */
  readonly name: string
}

/** Processes looked at together: enough to keep the disk's threads busy, few enough open files. */
const BATCH = 32

/** Every process that can be seen; one that ends meanwhile is left out. */
export async function readProcesses(
  machine: Pick<LiveMachine, 'readText' | 'listFolder'>,
): Promise<ProcessInfo[]> {
  const names = await machine.listFolder('/proc').catch(() => [])
  const stats = await inBatches(
    names.filter((name) => /^\d+$/.test(name)),
    (pid) => machine.readText(`/proc/${pid}/stat`).catch(() => ''),
  )
  return stats.flatMap(readStat)
}

/** The name stands in brackets and may hold blanks and brackets itself. */
function readStat(stat: string): ProcessInfo[] {
  const [, pid, name, parentPid] = /^(\d+) \((.*)\) \S (\d+)/s.exec(stat) ?? []
  if (pid === undefined || name === undefined) return []
  return [{ pid: Number(pid), parentPid: Number(parentPid), name }]
}

/** The processes that are given and all that they started, as far as parents are still known. */
export function withDescendants(
  processes: readonly ProcessInfo[],
  roots: readonly number[],
): number[] {
  const children = new Map<number, number[]>()
  for (const { pid, parentPid } of processes) {
    const siblings = children.get(parentPid)
    if (siblings) siblings.push(pid)
    else children.set(parentPid, [pid])
  }
  const found = new Set<number>()
  const waiting = [...roots]
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (found.has(pid)) continue
    found.add(pid)
    waiting.push(...(children.get(pid) ?? []))
  }
  return [...found].sort((a, b) => a - b)
}

/** Which processes hold a socket open, and how many could not be looked into. */
export interface SocketHolders {
  readonly pids: readonly number[]
  readonly closedToUs: readonly number[]
}

/** The processes that hold one of the sockets. Only its user and root may look into a process. */
export async function holdersOf(
  machine: Pick<LiveMachine, 'listFolder' | 'readLink'>,
  processes: readonly ProcessInfo[],
  inodes: readonly string[],
): Promise<SocketHolders> {
  const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`))
  const looks = await inBatches(processes, async ({ pid }) => ({
    pid,
    look: await holdsOneOf(machine, pid, wanted),
  }))
  const those = (look: Look) => looks.filter((each) => each.look === look).map(({ pid }) => pid)
  return { pids: those('holds'), closedToUs: those('closed') }
}

type Look = 'holds' | 'does-not' | 'closed'

async function holdsOneOf(
  machine: Pick<LiveMachine, 'listFolder' | 'readLink'>,
  pid: number,
  wanted: ReadonlySet<string>,
): Promise<Look> {
  const folder = `/proc/${pid}/fd`
  try {
    for (const name of await machine.listFolder(folder)) {
      const target = await machine.readLink(`${folder}/${name}`).catch(() => '')
      if (wanted.has(target)) return 'holds'
    }
    return 'does-not'
  } catch (error) {
    return ['EACCES', 'EPERM'].includes(systemErrorCode(error) ?? '') ? 'closed' : 'does-not'
  }
}

/** All results, in the order given, a batch at a time. */
export async function inBatches<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += BATCH) {
    results.push(...(await Promise.all(items.slice(at, at + BATCH).map(work))))
  }
  return results
}
