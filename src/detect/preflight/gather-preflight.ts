import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { messageOf, systemErrorCode } from '../../errors.ts'
import type { Hardware } from '../hardware.ts'
import { absent, ok, type Reading } from '../reading.ts'
import { explain } from '../run-command.ts'
import type { LiveMachine } from '../server/live-machine.ts'
import { type Network, thisNetwork } from '../server/server-address.ts'
import { type ServerProcesses, serverProcesses } from '../server/server-processes.ts'
import { servingGpusOf } from '../server/serving-gpus.ts'
import { type PortRange, type RaplAccess, type ResultsDisk, readCpuList } from './host-checks.ts'
import { openFilesAllowed } from './open-files.ts'
import {
  type Finding,
  findingsOf,
  judgePreflight,
  type PlannedServer,
  type Preflight,
  type PreflightFacts,
  type PreflightPlan,
} from './preflight.ts'

/** What is asked of this process and its disk rather than of the machine's tools and files. */
export interface Surroundings {
  readonly network: Network
  readonly diskOf: (folder: string) => Promise<Reading<ResultsDisk>>
  /** Where the module that calls NVIDIA's library is. */
  readonly koffi: () => Reading<string>
}

const here: Surroundings = { network: thisNetwork, diskOf, koffi: findKoffi }

/** Looks the machine over for a run that is planned. Nothing that cannot be read is an exception. */
export async function preflight(
  machine: LiveMachine,
  plan: PreflightPlan,
  hardware: Hardware,
  surroundings: Surroundings = here,
): Promise<Preflight> {
  return judgePreflight(await gatherPreflight(machine, plan, hardware, surroundings))
}

/** The same as a run keeps it (`RunLog.preflight`), for it to call before it starts. */
export async function preflightFindings(
  machine: LiveMachine,
  plan: PreflightPlan,
  hardware: Hardware,
): Promise<Finding[]> {
  return findingsOf(await preflight(machine, plan, hardware))
}

/** All that the checks look at, read at once. */
export async function gatherPreflight(
  machine: LiveMachine,
  plan: PreflightPlan,
  hardware: Hardware,
  { network, diskOf, koffi }: Surroundings = here,
): Promise<PreflightFacts> {
  const [server, openFilesAllowed, ports, disk, clientCpus, rapl, library] = await Promise.all([
    plan.url && plannedServer(machine, plan.url, hardware, network),
    readOpenFilesAllowed(machine),
    plan.url?.protocol === 'http+unix:' ? undefined : readPorts(machine),
    plan.outFolder === undefined ? undefined : diskOf(plan.outFolder),
    readCpus(machine, ['self']),
    readRapl(machine),
    findNvml(machine),
  ])
  return {
    plan,
    hardware,
    server,
    openFilesAllowed,
    ports,
    disk,
    clientCpus,
    serverCpus: await readServerCpus(machine, server?.processes),
    rapl,
    nvml: { library, koffi: koffi() },
    macmon: await findMacmon(machine),
    serverLogsAll: await readServerLog(machine, server?.processes),
  }
}

async function plannedServer(
  machine: LiveMachine,
  url: URL,
  hardware: Hardware,
  network: Network,
): Promise<PlannedServer> {
  const processes = await serverProcesses(machine, url, network)
  return { processes, gpus: servingGpusOf(processes, hardware) }
}

async function readOpenFilesAllowed(machine: LiveMachine): Promise<Reading<number>> {
  const source = '/proc/self/limits'
  const limits = await readOr(machine, source)
  if (limits.status === 'absent') return limits
  // A limit that is none is more than anyone needs.
  if (/^Max open files\s+unlimited/m.test(limits.value)) return ok(Number.MAX_SAFE_INTEGER, source)
  const allowed = openFilesAllowed(limits.value)
  return allowed === undefined ? absent(`${source} does not say`, source) : ok(allowed, source)
}

async function readPorts(machine: LiveMachine): Promise<Reading<PortRange>> {
  // Of IPv6 too (Linux, Documentation/networking/ip-sysctl.rst).
  const source = '/proc/sys/net/ipv4/ip_local_port_range'
  const text = await readOr(machine, source)
  if (text.status === 'absent') return text
  const [, from, to] = /^(\d+)\s+(\d+)/.exec(text.value) ?? []
  if (from === undefined || to === undefined) return absent(`${source} does not say`, source)
  return ok({ from: Number(from), to: Number(to) }, source)
}

async function readOr(machine: LiveMachine, path: string): Promise<Reading<string>> {
  try {
    return ok(await machine.readText(path), path)
  } catch (error) {
    return absent(`${path} cannot be read (${systemErrorCode(error) ?? messageOf(error)})`, path)
  }
}

async function readServerCpus(
  machine: LiveMachine,
  processes: ServerProcesses | undefined,
): Promise<Reading<readonly number[]>> {
  if (processes?.kind !== 'known') return absent('no process of the server is known', 'none')
  return readCpus(machine, processes.pids)
}

/** CPUs that any of the processes may run on. */
async function readCpus(
  machine: LiveMachine,
  pids: readonly (number | 'self')[],
): Promise<Reading<readonly number[]>> {
  const all = new Set<number>()
  let problem: Reading<never> = absent('there is no such process', '/proc')
  for (const pid of pids) {
    const status = await readOr(machine, `/proc/${pid}/status`)
    const list = status.status === 'ok' && /^Cpus_allowed_list:\s*(\S+)/m.exec(status.value)?.[1]
    if (list) for (const cpu of readCpuList(list)) all.add(cpu)
    else if (status.status === 'absent') problem = status
  }
  return all.size > 0
    ? ok(
        [...all].sort((a, b) => a - b),
        'Cpus_allowed_list',
      )
    : problem
}

/** Whether the counters of the CPU's energy may be read (Linux, Documentation/power/powercap/powercap.rst). */
async function readRapl(machine: LiveMachine): Promise<Reading<RaplAccess>> {
  const folder = '/sys/class/powercap'
  if (machine.platform !== 'linux') return absent(`not read on ${machine.platform}`, folder)
  const zones = await machine.listFolder(folder).catch(() => [])
  const zone = zones.find((name) => /^intel-rapl:\d+$/.test(name))
  if (zone === undefined) {
    return absent('the kernel offers no counters of it, as in most virtual machines', folder)
  }
  const file = `${folder}/${zone}/energy_uj`
  try {
    await machine.readText(file)
    return ok('readable', file)
  } catch (error) {
    const code = systemErrorCode(error) ?? messageOf(error)
    if (['EACCES', 'EPERM'].includes(code)) return ok('closed', file)
    return absent(`${file} cannot be read (${code})`, file)
  }
}

/** Longest wait for a tool that only tells of itself. */
const TOOL_TIMEOUT_MS = 2_000

const NVML = 'libnvidia-ml.so.1'
/** Where it may be without being in the linker's list: WSL, NixOS, and systems that have no such list. */
const NVML_FOLDERS = ['/usr/lib/wsl/lib', '/run/opengl-driver/lib', '/usr/lib64', '/usr/lib']

/** NVIDIA's library, as the linker would find it. */
async function findNvml(machine: LiveMachine): Promise<Reading<string>> {
  if (machine.platform === 'win32') return ok('nvml.dll', 'Windows')
  for (const ldconfig of ['ldconfig', '/sbin/ldconfig']) {
    const said = await machine.runCommand(ldconfig, ['-p'], { timeoutMs: TOOL_TIMEOUT_MS })
    const found = said.kind === 'exited' && /libnvidia-ml\.so\.1 .*=> (\S+)/.exec(said.stdout)?.[1]
    if (found) return ok(found, 'ldconfig -p')
    if (said.kind === 'exited') break
  }
  for (const folder of NVML_FOLDERS) {
    const path = await machine.realPath(`${folder}/${NVML}`).catch(() => undefined)
    if (path !== undefined) return ok(path, folder)
  }
  return absent(`${NVML} was not found`, 'ldconfig -p')
}

async function findMacmon(machine: LiveMachine): Promise<Reading<string>> {
  if (machine.platform !== 'darwin') return absent('not asked for', 'macmon')
  const said = await machine.runCommand('macmon', ['--version'], { timeoutMs: TOOL_TIMEOUT_MS })
  if (said.kind === 'exited') return ok(said.stdout.trim(), 'macmon --version')
  return absent(explain(said), 'macmon --version')
}

/** Of the arguments nothing is kept but this: there may be keys among them. */
async function readServerLog(
  machine: LiveMachine,
  processes: ServerProcesses | undefined,
): Promise<Reading<boolean>> {
  const source = '/proc/PID/cmdline'
  if (processes?.kind !== 'known') return absent('no process of the server is known', source)
  const lines = await Promise.all(
    processes.listeners.map(({ pid }) => readOr(machine, `/proc/${pid}/cmdline`)),
  )
  const known = lines.flatMap((line) => (line.status === 'ok' && line.value ? [line.value] : []))
  if (known.length === 0) return absent(`${source} does not say`, source)
  return ok(
    known.some((line) => LOGS_ALL.test(line)),
    source,
  )
}

/** As vLLM, SGLang, TensorRT-LLM and uvicorn have it; arguments end with NUL. */
const LOGS_ALL = /(^|\0)--(uvicorn-)?log[-_]level[=\0](debug|trace)(\0|$)/i

function findKoffi(): Reading<string> {
  try {
    return ok(createRequire(import.meta.url).resolve('koffi'), 'node')
  } catch {
    return absent('the optional module koffi is not installed', 'node')
  }
}

/** Of the folder or, where it is still to be made, the nearest one above it. */
async function diskOf(folder: string): Promise<Reading<ResultsDisk>> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path)
      const writable = await access(path, constants.W_OK).then(
        () => true,
        () => false,
      )
      return ok({ folder, writable, freeBytes: bavail * bsize }, 'statfs')
    } catch (error) {
      const code = systemErrorCode(error)
      if (code !== 'ENOENT' || path === dirname(path)) {
        return absent(`${path} cannot be looked at (${code ?? messageOf(error)})`, 'statfs')
      }
    }
  }
}
