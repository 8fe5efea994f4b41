import { listeningInodes } from './listeners.ts'
import type { LiveMachine } from './live-machine.ts'
import {
  holdersOf,
  inBatches,
  type ProcessInfo,
  readProcesses,
  withDescendants,
} from './process-table.ts'
import { type LocalPlace, type Network, placeOf, thisNetwork } from './server-address.ts'

/** The processes of a server on this machine, or why they are not known. */
export type ServerProcesses =
  | {
      readonly kind: 'known'
      /** Those that listen, all that they started, and what runs in the same container or service. */
      readonly pids: readonly number[]
      /** Those that listen. */
      readonly listeners: readonly { readonly pid: number; readonly name: string }[]
      readonly how: string
    }
  | {
      readonly kind: 'unknown'
      readonly reason: string
      /** The server is on another machine. */
      readonly elsewhere?: true
    }

/**
 * Finds the processes of the server behind a base address: its port's (or Unix socket's) listening
 * socket, the processes that hold it open, and all that they started: engines fork a process a GPU.
 * Linux only. Never throws: what stands in the way is the reason.
 */
export async function serverProcesses(
  machine: LiveMachine,
  url: URL,
  network: Network = thisNetwork,
): Promise<ServerProcesses> {
  const place = await placeOf(url, network)
  if (place.kind === 'elsewhere') return { ...unknown(place.reason), elsewhere: true }
  if (place.kind === 'nowhere') return unknown(place.reason)
  if (machine.platform !== 'linux') {
    return unknown(`processes are found by their port on Linux only, not on ${machine.platform}`)
  }
  const [processes, inodes] = await Promise.all([
    readProcesses(machine),
    listeningInodes(machine, place),
  ])
  if (inodes.length === 0) return unknown(nobodyListens(place))
  const holders = await holdersOf(machine, processes, inodes)
  if (holders.pids.length === 0) return unknown(noHolder(place, holders.closedToUs.length))
  const listeners = named(processes, holders.pids)
  const proxy = listeners.find(({ name }) => name === DOCKER_PROXY)
  if (proxy !== undefined) return behindDocker(machine, processes, proxy.pid)
  return allOf(machine, processes, listeners, `listens on ${inWords(place)}`)
}

function unknown(reason: string): { readonly kind: 'unknown'; readonly reason: string } {
  return { kind: 'unknown', reason }
}

function inWords(place: LocalPlace): string {
  return place.kind === 'port' ? `port ${place.port}` : place.path
}

function nobodyListens(place: LocalPlace): string {
  const what = `no process that shares this network listens on ${inWords(place)}`
  if (place.kind === 'socket') return what
  return `${what}: nothing does, or the kernel hands the port on to a container or virtual machine`
}

function noHolder(place: LocalPlace, closedToUs: number): string {
  const what = `which process listens on ${inWords(place)} is hidden`
  if (closedToUs > 0) {
    return `${what}: no permission to read /proc/PID/fd of ${closedToUs} processes; run baremark as the user who runs the server, or as root`
  }
  return `${what}: it is not among the processes that can be seen, as in a container with process numbers of its own; run baremark beside the server, or its container with --pid=host`
}

const DOCKER_PROXY = 'docker-proxy'

/** Programs that take connections for someone else, by the name in `/proc/PID/stat`: its first 15 characters. */
const forwarders: Readonly<Record<string, string>> = {
  [DOCKER_PROXY]: 'Docker hands the port on to a container',
  rootlessport: 'rootless Docker or Podman hands the port on to a container',
  'rootlesskit-doc': 'rootless Docker hands the port on to a container',
  conmon: 'Podman hands the port on to a container',
  pasta: 'Podman hands the port on to a container',
  'pasta.avx2': 'Podman hands the port on to a container',
  slirp4netns: 'Podman hands the port on to a container',
  ssh: 'an SSH tunnel hands the port on to another machine',
  kubectl: 'kubectl hands the port on to a cluster',
  socat: 'socat hands the port on',
}

/**
 * Programs that start the process that listens and, beside it, those that compute: the shards of TGI
 * (whose programs are all `text-generation-...`), the ranks of TensorRT-LLM.
 */
const launchers: ReadonlySet<string> = new Set([
  'text-generation',
  'mpirun',
  'mpiexec',
  'orterun',
  'prterun',
  'torchrun',
])

/** Everything that belongs to those who listen. */
async function allOf(
  machine: LiveMachine,
  processes: readonly ProcessInfo[],
  listeners: readonly ProcessInfo[],
  how: string,
): Promise<ServerProcesses> {
  const roots = listeners.map((listener) => launcherOf(processes, listener))
  const beside = await sameUnit(machine, processes, listeners)
  const own = await ownPid(machine)
  const pids = withDescendants(processes, [...roots, ...beside.pids]).filter(
    (pid) => pid !== own || listeners.some((listener) => listener.pid === own),
  )
  const forwarder = listeners.find(({ name }) => forwarders[name] !== undefined)
  if (forwarder !== undefined && pids.length === listeners.length) {
    const does = forwarders[forwarder.name]
    return unknown(
      `${does} (${forwarder.name}, PID ${forwarder.pid}), whose processes are not seen`,
    )
  }
  return {
    kind: 'known',
    pids,
    listeners: listeners.map(({ pid, name }) => ({ pid, name })),
    how: [`${listText(listeners)} ${how}`, ...beside.how].join('; '),
  }
}

function listText(listeners: readonly ProcessInfo[]): string {
  return listeners.map(({ pid, name }) => `PID ${pid} (${name})`).join(', ')
}

function named(processes: readonly ProcessInfo[], pids: readonly number[]): ProcessInfo[] {
  return processes.filter(({ pid }) => pids.includes(pid))
}

/** The process itself, or the launcher it was started by. */
function launcherOf(processes: readonly ProcessInfo[], of: ProcessInfo): number {
  const parent = processes.find(({ pid }) => pid === of.parentPid)
  return parent !== undefined && launchers.has(parent.name) ? launcherOf(processes, parent) : of.pid
}

/**
 * All that runs in the container or service of those who listen: a proxy, an engine and its workers
 * are siblings there as often as not. Nothing where baremark itself runs in it.
 */
async function sameUnit(
  machine: LiveMachine,
  processes: readonly ProcessInfo[],
  listeners: readonly ProcessInfo[],
): Promise<{ readonly pids: number[]; readonly how: string[] }> {
  const own = await unitOf(machine, 'self')
  const units = new Set(await Promise.all(listeners.map(({ pid }) => unitOf(machine, pid))))
  units.delete(undefined)
  units.delete(own)
  if (units.size === 0) return { pids: [], how: [] }
  const all = await inBatches(processes, async ({ pid }) => ({
    pid,
    unit: await unitOf(machine, pid),
  }))
  const pids = all.filter(({ unit }) => units.has(unit)).map(({ pid }) => pid)
  return { pids, how: [`with all of ${[...units].join(', ')}`] }
}

/** Services whose processes have no more in common than who started them. */
const LOOSE_SERVICES =
  /^(user@\d+|sshd?(@.*)?|crond?|atd|docker|containerd|podman|slurmd|getty@.*|k3s|kubelet)\.service$/

/** The container (short id) or systemd service that a process runs in, by its control group. */
async function unitOf(machine: LiveMachine, pid: number | 'self'): Promise<string | undefined> {
  const groups = await machine.readText(`/proc/${pid}/cgroup`).catch(() => '')
  const container = /[/-]([\da-f]{64})(?:\.scope)?(?:\/|$)/m.exec(groups)?.[1]
  if (container !== undefined) return `container ${container.slice(0, 12)}`
  const services = [...groups.matchAll(/\/([^/\n]+\.service)(?=\/|$)/gm)].map(([, name]) => name)
  return services.findLast((name) => name !== undefined && !LOOSE_SERVICES.test(name))
}

async function ownPid({ readLink }: LiveMachine): Promise<number | undefined> {
  return readLink('/proc/self').then(Number, () => undefined)
}

/**
 * The server behind Docker's proxy, which says on its command line where it hands connections on to:
 * the process that listens there, in a network of its own that has this address. Root only.
 */
async function behindDocker(
  machine: LiveMachine,
  processes: readonly ProcessInfo[],
  proxyPid: number,
): Promise<ServerProcesses> {
  const what = `${forwarders[DOCKER_PROXY]} (${DOCKER_PROXY}, PID ${proxyPid})`
  const commandLine = await machine.readText(`/proc/${proxyPid}/cmdline`).catch(() => '')
  const address = /-container-ip\0([^\0]+)/.exec(commandLine)?.[1]
  const port = Number(/-container-port\0(\d+)/.exec(commandLine)?.[1])
  if (address === undefined || Number.isNaN(port)) return unknown(`${what}, it does not say which`)
  const inside = await networkWith(machine, processes, address)
  const notSeen = `${what} at ${address}:${port}, whose processes are not seen; run baremark as root, on the host`
  if (inside === undefined) return unknown(notSeen)
  const place = { kind: 'port', port, addresses: [address] } as const
  const inodes = await listeningInodes(machine, place, `/proc/${inside}/net`)
  const { pids } = await holdersOf(machine, processes, inodes)
  if (pids.length === 0) return unknown(notSeen)
  const how = `listens on ${address}:${port}, where Docker hands the port on to`
  return allOf(machine, processes, named(processes, pids), how)
}

/** A process in the network namespace that has the address as its own. */
async function networkWith(
  machine: LiveMachine,
  processes: readonly ProcessInfo[],
  address: string,
): Promise<number | undefined> {
  const seen = new Set<string>()
  for (const { pid } of processes) {
    const namespace = await machine.readLink(`/proc/${pid}/ns/net`).catch(() => undefined)
    if (namespace === undefined || seen.has(namespace)) continue
    seen.add(namespace)
    if (await hasAddress(machine, pid, address)) return pid
  }
  return undefined
}

/** `fib_trie` has each address on a line of its own, and below it what it is: `/32 host LOCAL` for an own one. */
async function hasAddress(machine: LiveMachine, pid: number, address: string): Promise<boolean> {
  const table = await machine.readText(`/proc/${pid}/net/fib_trie`).catch(() => '')
  const lines = table.split('\n').map((line) => line.trim())
  return lines.some((line, at) => line === `|-- ${address}` && lines[at + 1] === '/32 host LOCAL')
}
