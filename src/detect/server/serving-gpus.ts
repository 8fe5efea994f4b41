import type { Gpu } from '../gpu-fields.ts'
import type { Hardware } from '../hardware.ts'
import type { ServingGpus } from '../preflight/preflight.ts'
import { type GpuProcess, readingValue } from '../reading.ts'
import type { LiveMachine } from './live-machine.ts'
import { type Network, thisNetwork } from './server-address.ts'
import { type ServerProcesses, serverProcesses } from './server-processes.ts'

/**
 * Which GPUs serve the model behind a base address: from its port to the processes of the server, and
 * from these to the GPUs on which they compute.
 */
export async function servingGpus(
  machine: LiveMachine,
  url: URL,
  hardware: Hardware,
  network: Network = thisNetwork,
): Promise<ServingGpus> {
  return servingGpusOf(await serverProcesses(machine, url, network), hardware)
}

/**
 * The GPUs on which the processes of a server compute. Unknown rather than none, and rather than some
 * of them: energy that is left out would look like efficiency.
 */
export function servingGpusOf(
  server: ServerProcesses,
  { gpus, host }: Pick<Hardware, 'gpus' | 'host'>,
): ServingGpus {
  if (server.kind === 'unknown') return server.elsewhere ? onOtherMachine(server) : unknown(server)
  if (gpus.length === 0) return unknown({ reason: 'no GPU was found on this machine' })
  const silent = gpus.filter((gpu) => readingValue(gpu.integrated) !== true && !tellsProcesses(gpu))
  const serving = gpus.filter((gpu) => processesOf(gpu).some((each) => isOf(server.pids, each)))
  if (serving.length === 0) return unknown({ reason: whyNone(server, gpus, silent, host) })
  const vendors = new Set(serving.map(({ vendor }) => vendor))
  const doubtful = silent.find(({ vendor }) => vendors.has(vendor))
  if (doubtful) {
    const reason = `${whoIs(doubtful)} does not tell its processes: ${reasonOf(doubtful)}`
    return unknown({ reason })
  }
  const addresses = serving.map((gpu) => readingValue(gpu.pciAddress))
  if (!addresses.every((address) => address !== undefined)) {
    return unknown({ reason: 'a GPU that serves the model has no PCI address' })
  }
  return {
    kind: 'known',
    pciAddresses: addresses,
    how: `${server.how}; its processes compute on ${serving.length} of ${gpus.length} GPUs`,
    processes: serving.flatMap((gpu) => processesOf(gpu).filter((each) => isOf(server.pids, each))),
  }
}

function unknown({ reason }: { readonly reason: string }): ServingGpus {
  return { kind: 'unknown', reason }
}

function onOtherMachine({ reason }: { readonly reason: string }): ServingGpus {
  return unknown({ reason: `the server is on another machine: ${reason}` })
}

function processesOf(gpu: Gpu): readonly GpuProcess[] {
  return readingValue(gpu.processes) ?? []
}

function isOf(pids: readonly number[], { pid }: GpuProcess): boolean {
  return pid !== undefined && pids.includes(pid)
}

/** A list in which numbers are hidden is as good as none. */
function tellsProcesses(gpu: Gpu): boolean {
  return readingValue(gpu.processes)?.every(({ pid }) => pid !== undefined) ?? false
}

function reasonOf({ processes }: Gpu): string {
  return processes.status === 'absent' ? processes.reason : 'their numbers are hidden'
}

function whoIs(gpu: Gpu): string {
  return `GPU ${gpu.index} (${readingValue(gpu.name) ?? gpu.vendor})`
}

function whyNone(
  { pids, listeners }: Extract<ServerProcesses, { kind: 'known' }>,
  gpus: readonly Gpu[],
  silent: readonly Gpu[],
  host: Hardware['host'],
): string {
  const [first] = silent
  if (first) return `no tool tells which processes compute on ${whoIs(first)}: ${reasonOf(first)}`
  const who = listeners.map(({ pid, name }) => `${name}, PID ${pid}`).join('; ')
  const server = `none of the server's ${pids.length} processes (${who}) computes on a GPU`
  const others = gpus.some((gpu) => processesOf(gpu).length > 0)
  const container = readingValue(host.container)
  if (container !== undefined && container !== 'none') {
    return `${server} as far as can be seen in a container (${container}), where GPUs tell the host's process numbers or none; run baremark on the host, or the container with --pid=host`
  }
  return others
    ? `${server}: it works on the CPU, or hands requests on to one that does`
    : `${server}, and no other process does either: it works on the CPU or hands requests on, or its container hides its processes`
}
