import { BYTES_PER_MIB } from '../../units.ts'
import type { Host } from '../host-fields.ts'
import type { Reading } from '../reading.ts'
import { besideThePoint, complain, fine, notChecked, type Outcome } from './check-outcome.ts'
import { filesNeeded, raiseOpenFiles } from './open-files.ts'

/** How long Linux keeps the port of a connection that was closed (TCP_TIMEWAIT_LEN, include/net/tcp.h). */
const PORT_REST_S = 60
/** About a million requests of 100 chunks (docs/method.md, "What a run keeps"). */
const LOW_DISK_BYTES = 1024 * BYTES_PER_MIB
/** By judgement: pages nobody needs end up in swap on any machine, but not as many. */
const SWAP_IN_USE_MIB = 256
/** Clocks that a program reads without a call into the kernel: some 20 ns instead of a microsecond (Linux, lib/vdso). */
const QUICK_CLOCK_SOURCES: ReadonlySet<string> = new Set([
  'tsc',
  'kvm-clock',
  'hyperv_clocksource_tsc_page',
  'arch_sys_counter',
])
/** One for the measuring thread, one for the rest of the client. */
const CLIENT_CORES = 2
/** A server's API and its scheduler; beside them one a GPU (vLLM, docs/design/arch_overview.md). */
const SERVER_CORES = 2

export function checkOpenFilesLimit(
  connections: number | undefined,
  allowed: Reading<number>,
): Outcome {
  if (allowed.status === 'absent') return notChecked(unread(allowed))
  if (connections === undefined) return notChecked(NO_BOUND)
  const needed = filesNeeded(connections)
  if (needed <= allowed.value) return fine
  return complain(
    `${connections} connections need ${needed} open files, this process may open ${allowed.value}.`,
    `${raiseOpenFiles(needed)} (in the shell that starts baremark; of a container: docker run --ulimit nofile=${needed}:${needed})`,
  )
}

const NO_BOUND = 'how many connections the load opens is not known'

export interface PortRange {
  readonly from: number
  readonly to: number
}

export function checkPorts(
  connections: number | undefined,
  range: Reading<PortRange> | undefined,
): Outcome {
  if (range === undefined) return besideThePoint
  if (range.status === 'absent') return notChecked(unread(range))
  if (connections === undefined) return notChecked(NO_BOUND)
  if (connections <= portsOf(range.value)) return fine
  return complain(
    `${connections} connections to one server need as many ports, the system has ${portsText(range.value)}.`,
    WIDER_RANGE,
  )
}

/** A server that closes every connection has the client take a new port for each request. */
export function checkPortTurnover(
  requestsPerS: number | undefined,
  range: Reading<PortRange> | undefined,
): Outcome {
  if (range === undefined || requestsPerS === undefined) return besideThePoint
  if (range.status === 'absent') return notChecked(unread(range))
  const needed = Math.ceil(requestsPerS * PORT_REST_S)
  if (needed <= portsOf(range.value)) return fine
  return complain(
    `Should the server close its connections after each answer, ${requestsPerS} requests/s take ${needed} ports within the ${PORT_REST_S} s that each rests; the system has ${portsText(range.value)}.`,
    `Have the server keep connections open, or: ${WIDER_RANGE}`,
  )
}

const WIDER_RANGE = 'sudo sysctl -w net.ipv4.ip_local_port_range="1024 65535"'

function portsOf({ from, to }: PortRange): number {
  return to - from + 1
}

function portsText(range: PortRange): string {
  return `${portsOf(range)} (${range.from} to ${range.to})`
}

/** The disk that results go to. */
export interface ResultsDisk {
  readonly folder: string
  readonly writable: boolean
  readonly freeBytes: number
}

export function checkResultsFolder(disk: Reading<ResultsDisk> | undefined): Outcome {
  if (disk === undefined) return besideThePoint
  if (disk.status === 'absent') return notChecked(disk.reason)
  if (disk.value.writable) return fine
  return complain(`${disk.value.folder} may not be written to.`, 'Choose another folder.')
}

/** @param neededBytes what the run writes, at most; where that is not known, enough for many a run has to be free */
export function checkDiskSpace(
  disk: Reading<ResultsDisk> | undefined,
  neededBytes: number | undefined,
): Outcome {
  if (disk === undefined) return besideThePoint
  if (disk.status === 'absent') return notChecked(disk.reason)
  const { folder, freeBytes } = disk.value
  if (freeBytes >= (neededBytes ?? LOW_DISK_BYTES)) return fine
  const need =
    neededBytes === undefined
      ? 'and how much the run will write is not known (a million requests of 100 chunks: about 1 GB)'
      : `and the records may come to ${sizeText(neededBytes)}`
  return complain(
    `${folder} has ${sizeText(freeBytes)} free, ${need}. A run whose disk is full ends.`,
    'Free some space, or choose another folder.',
  )
}

function sizeText(bytes: number): string {
  const mib = bytes / BYTES_PER_MIB
  return mib < 1024 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`
}

export function checkClockSynchronised({ clockSynchronised }: Host): Outcome {
  if (clockSynchronised.status === 'absent') return notChecked(unread(clockSynchronised))
  if (clockSynchronised.value) return fine
  return complain(
    "The machine's clock is not synchronised. What is measured does not depend on it, but the run cannot be laid beside logs or meters of other machines.",
    'sudo timedatectl set-ntp true',
  )
}

export function checkClockSource({ clockSource }: Host): Outcome {
  if (clockSource.status === 'absent') return notChecked(unread(clockSource))
  if (QUICK_CLOCK_SOURCES.has(clockSource.value)) return fine
  return complain(
    `The kernel takes the time from ${clockSource.value}: each look at the clock is a call into the kernel, of which client and server make many a token.`,
    "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource; where the kernel refuses it, it found the processor's own clock unstable (see dmesg)",
  )
}

export function checkGovernor({ cpuGovernor }: Host): Outcome {
  if (cpuGovernor.status === 'absent') return notChecked(unread(cpuGovernor))
  if (cpuGovernor.value === 'performance') return fine
  return complain(
    `The frequency governor of the CPU is ${cpuGovernor.value}: cores that have rested are slow at first, which shows as latency at light load.`,
    'sudo cpupower frequency-set -g performance',
  )
}

export function checkSwap({ swapUsedMib }: Host): Outcome {
  if (swapUsedMib.status === 'absent') return notChecked(unread(swapUsedMib))
  if (swapUsedMib.value < SWAP_IN_USE_MIB) return fine
  return complain(
    `${Math.round(swapUsedMib.value)} MiB are swapped out to disk: what needs them waits for the disk, for milliseconds each time.`,
    'Free some memory, then: sudo swapoff -a && sudo swapon -a',
  )
}

export function checkVirtualMachine({ virtualization }: Host): Outcome {
  if (virtualization.status === 'absent') return notChecked(unread(virtualization))
  if (virtualization.value === 'none') return fine
  return complain(
    `This is no bare metal but ${virtualization.value}. Power, NUMA nodes and PCIe may be hidden or made up, and neighbours may take CPU time.`,
  )
}

export function checkContainer({ container }: Host): Outcome {
  if (container.status === 'absent') return notChecked(unread(container))
  if (container.value === 'none') return fine
  return complain(
    `baremark runs in a container (${container.value}): which processes compute on the GPUs, and which of them is the server, may be hidden.`,
    'Run baremark on the host, or the container with --pid=host.',
  )
}

/** @param cpus those that baremark may run on */
export function checkCpuLimit({ cgroupCpuCores }: Host, cpus: Reading<readonly number[]>): Outcome {
  if (cpus.status === 'absent') return notChecked(unread(cpus))
  if (cgroupCpuCores.status === 'absent') {
    const { reason } = cgroupCpuCores
    return /^no limit/.test(reason) ? fine : notChecked(unread(cgroupCpuCores))
  }
  const cores = cpus.value.length
  if (cgroupCpuCores.value >= cores) return fine
  return complain(
    `The control group of baremark may use ${cgroupCpuCores.value} of ${cores} cores: once that is used up, all of its threads stand still for up to 100 ms.`,
    'Raise the limit (docker run --cpus, or the CPU limit of the pod), and pin cores instead: --cpuset-cpus.',
  )
}

/** Where client and server may run. */
export interface CpuSets {
  readonly client: Reading<readonly number[]>
  readonly server: Reading<readonly number[]>
  readonly serverPid: number
  /** GPUs that serve, each of which keeps a core of its server busy. */
  readonly servingGpus: number
}

/** Cores that both may use are too few for both. */
export function checkSharedCores(sets: CpuSets): Outcome {
  const shared = sharedCores(sets)
  if ('reason' in shared) return notChecked(shared.reason)
  const needed = coresNeeded(sets)
  if (shared.cores.length === 0 || shared.cores.length >= needed) return fine
  return complain(
    `Client and server share ${shared.cores.length} cores; together they want ${needed} (${CLIENT_CORES} for the client, ${SERVER_CORES} and one a GPU for the server). Each will wait for the other, and the client's waiting looks like the server's latency.`,
    'Run baremark on another machine, or give both more cores.',
  )
}

/** There are cores enough, but nothing keeps the two apart. */
export function checkAffinity(sets: CpuSets): Outcome {
  const shared = sharedCores(sets)
  if ('reason' in shared) return besideThePoint
  const needed = coresNeeded(sets)
  if (shared.cores.length === 0) return fine
  if (shared.cores.length < needed) return besideThePoint
  const mine = shared.cores.slice(-CLIENT_CORES)
  const theirs = shared.cores.slice(0, -CLIENT_CORES)
  return complain(
    `Client and server may both run on ${shared.cores.length} cores: now and then one will wait for the other.`,
    `sudo taskset -acp ${cpuListText(theirs)} ${sets.serverPid}; then start baremark with: taskset -c ${cpuListText(mine)}`,
  )
}

function coresNeeded({ servingGpus }: CpuSets): number {
  return CLIENT_CORES + SERVER_CORES + servingGpus
}

function sharedCores({
  client,
  server,
}: CpuSets): { readonly cores: readonly number[] } | { readonly reason: string } {
  if (client.status === 'absent') return { reason: client.reason }
  if (server.status === 'absent') return { reason: server.reason }
  const theirs = new Set(server.value)
  return { cores: client.value.filter((cpu) => theirs.has(cpu)) }
}

/** Reads `0-3,8,10-11`, as the kernel lists CPUs. */
export function readCpuList(text: string): number[] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last]) => {
    const from = Number(first)
    const to = last === undefined ? from : Number(last)
    return Array.from({ length: to - from + 1 }, (_, at) => from + at)
  })
}

/** The same list, written as the kernel would. */
export function cpuListText(cpus: readonly number[]): string {
  const runs: number[][] = []
  for (const cpu of cpus) {
    const run = runs.at(-1)
    if (run?.at(-1) === cpu - 1) run.push(cpu)
    else runs.push([cpu])
  }
  return runs.map((run) => (run.length === 1 ? `${run[0]}` : `${run[0]}-${run.at(-1)}`)).join(',')
}

export function checkServerLog(logsAll: Reading<boolean>): Outcome {
  if (logsAll.status === 'absent') return notChecked(unread(logsAll))
  if (!logsAll.value) return fine
  return complain(
    'The server was started to log all it does, for debugging: writing that takes its time.',
    'Start it without --log-level debug (or trace).',
  )
}

/** What the counters of the CPU's energy (RAPL) came to when they were tried. */
export type RaplAccess = 'readable' | 'closed'

export function checkRapl(access: Reading<RaplAccess>): Outcome {
  if (access.status === 'absent') return notChecked(unread(access))
  if (access.value === 'readable') return fine
  return complain(
    "The counters of the CPU's energy (RAPL) are for root only: there will be no energy figures of CPU and memory.",
    "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj (until the next start; it lets other users' programs watch the CPU's power too, CVE-2020-8694)",
  )
}

/** Why a value is not known, and by whom. */
function unread({ reason, source }: { readonly reason: string; readonly source: string }): string {
  return source === 'none' || reason.includes(source) ? reason : `${reason} (${source})`
}
