import type { Gpu } from '../gpu-fields.ts'
import type { Hardware } from '../hardware.ts'
import { type GpuProcess, type Reading, readingValue } from '../reading.ts'
import type { ServerProcesses } from '../server/server-processes.ts'
import { besideThePoint, complain, fine, notChecked, type Outcome } from './check-outcome.ts'
import * as ofGpu from './gpu-checks.ts'
import * as ofHost from './host-checks.ts'

/** How bad a finding is: `blocker` the run cannot work; `warning` its figures suffer; `note` good to know. */
export type FindingSeverity = 'blocker' | 'warning' | 'note'

/** Something about the machine that a run will suffer from. */
export interface Finding {
  /** Name of the check, e.g. `persistence-mode`. */
  readonly check: string
  readonly severity: FindingSeverity
  /** What is so, with figures, and what it does to a run. */
  readonly text: string
  /** What to do, as a command where there is one. */
  readonly remedy?: string
}

/** Which GPUs serve the model, by PCI address, or why that is not known and all of them count. */
export type ServingGpus =
  | {
      readonly kind: 'known'
      readonly pciAddresses: readonly string[]
      readonly how: string
      readonly processes: readonly GpuProcess[]
    }
  | { readonly kind: 'unknown'; readonly reason: string }

/** What is planned, as far as it is known: each thing that is absent leaves a check undone. */
export interface PreflightPlan {
  /** Base address of the server. */
  readonly url?: URL
  /** Connections open at once, at most. */
  readonly connections?: number
  /** Requests per second, at most, of a load that has a rate. */
  readonly requestsPerS?: number
  /** Folder for results; need not be there yet. */
  readonly outFolder?: string
  /** What the run writes, at most. */
  readonly outBytes?: number
}

/** The server of the plan, and the GPUs it uses. */
export interface PlannedServer {
  readonly processes: ServerProcesses
  readonly gpus: ServingGpus
}

/** All that the checks look at. */
export interface PreflightFacts {
  readonly plan: PreflightPlan
  readonly hardware: Hardware
  /** Absent when no server was named. */
  readonly server?: PlannedServer
  readonly openFilesAllowed: Reading<number>
  /** Absent where no ports are used. */
  readonly ports?: Reading<ofHost.PortRange>
  /** Absent when no folder was named. */
  readonly disk?: Reading<ofHost.ResultsDisk>
  /** CPUs that baremark may run on. */
  readonly clientCpus: Reading<readonly number[]>
  /** CPUs that any of the server's processes may run on. */
  readonly serverCpus: Reading<readonly number[]>
  readonly rapl: Reading<ofHost.RaplAccess>
  readonly nvml: ofGpu.NvmlParts
  /** The version of the tool that tells Apple's power. */
  readonly macmon: Reading<string>
  /** Whether the server was started to log all it does. */
  readonly serverLogsAll: Reading<boolean>
}

/** How the machine does. */
export interface Preflight {
  /** Worst first. */
  readonly findings: readonly Finding[]
  /** What was looked at and is as it should be, in words. */
  readonly fine: readonly string[]
  readonly notChecked: readonly {
    readonly check: string
    readonly what: string
    readonly reason: string
  }[]
  /** The server that was named, as far as it is known here. */
  readonly server?: PlannedServer
}

interface Check {
  readonly severity: FindingSeverity
  /** What is looked at, for people. */
  readonly what: string
  readonly judge: (facts: PreflightFacts) => Outcome
}

/** Every check. To add one: a row here, and a function beside those of `host-checks.ts` or `gpu-checks.ts`. */
const checks: Readonly<Record<string, Check>> = {
  'open-files': {
    severity: 'blocker',
    what: 'open files',
    judge: ({ plan, openFilesAllowed }) =>
      ofHost.checkOpenFilesLimit(plan.connections, openFilesAllowed),
  },
  ports: {
    severity: 'blocker',
    what: 'ports',
    judge: ({ plan, ports }) => ofHost.checkPorts(plan.connections, ports),
  },
  'results-folder': {
    severity: 'blocker',
    what: 'results folder',
    judge: ({ disk }) => ofHost.checkResultsFolder(disk),
  },
  'port-turnover': {
    severity: 'warning',
    what: 'ports for a server that closes connections',
    judge: ({ plan, ports }) => ofHost.checkPortTurnover(plan.requestsPerS, ports),
  },
  'disk-space': {
    severity: 'warning',
    what: 'disk space',
    judge: ({ plan, disk }) => ofHost.checkDiskSpace(disk, plan.outBytes),
  },
  'clock-source': {
    severity: 'warning',
    what: 'clock source',
    judge: ({ hardware }) => ofHost.checkClockSource(hardware.host),
  },
  'clock-synchronised': {
    severity: 'note',
    what: 'clock synchronised',
    judge: ({ hardware }) => ofHost.checkClockSynchronised(hardware.host),
  },
  'cpu-governor': {
    severity: 'warning',
    what: 'frequency governor',
    judge: ({ hardware }) => ofHost.checkGovernor(hardware.host),
  },
  'cpu-limit': {
    severity: 'warning',
    what: 'CPU limit of the control group',
    judge: ({ hardware, clientCpus }) => ofHost.checkCpuLimit(hardware.host, clientCpus),
  },
  'shared-cores': {
    severity: 'warning',
    what: 'cores for client and server',
    judge: (facts) => withCpuSets(facts, ofHost.checkSharedCores),
  },
  'cpu-affinity': {
    severity: 'note',
    what: 'client and server on cores of their own',
    judge: (facts) => withCpuSets(facts, ofHost.checkAffinity),
  },
  swap: {
    severity: 'warning',
    what: 'swap',
    judge: ({ hardware }) => ofHost.checkSwap(hardware.host),
  },
  'virtual-machine': {
    severity: 'note',
    what: 'bare metal',
    judge: ({ hardware }) => ofHost.checkVirtualMachine(hardware.host),
  },
  container: {
    severity: 'note',
    what: 'no container',
    judge: ({ hardware }) => ofHost.checkContainer(hardware.host),
  },
  server: { severity: 'note', what: "the server's processes", judge: judgeServer },
  'server-log': {
    severity: 'warning',
    what: "the server's log",
    judge: ({ server, serverLogsAll }) =>
      server?.processes.kind === 'known' ? ofHost.checkServerLog(serverLogsAll) : besideThePoint,
  },
  gpus: { severity: 'note', what: 'GPUs', judge: judgeGpus },
  'serving-gpus': { severity: 'warning', what: 'GPUs that serve', judge: judgeServingGpus },
  'gpu-models': {
    severity: 'warning',
    what: 'GPU models',
    judge: (facts) => ofGpu.checkModels(gpusInQuestion(facts)),
  },
  'gpu-processes': {
    severity: 'warning',
    what: 'other programs on the GPUs',
    judge: (facts) => ofGpu.checkForeignProcesses(gpusInQuestion(facts), whoseProcesses(facts)),
  },
  'persistence-mode': {
    severity: 'warning',
    what: 'persistence mode',
    judge: (facts) => ofGpu.checkPersistence(gpusInQuestion(facts)),
  },
  'power-limit': {
    severity: 'warning',
    what: 'power limit',
    judge: (facts) => ofGpu.checkPowerLimit(gpusInQuestion(facts)),
  },
  'hot-at-rest': {
    severity: 'warning',
    what: 'temperature at rest',
    judge: (facts) => ofGpu.checkTemperatureAtRest(gpusInQuestion(facts)),
  },
  'pcie-width': {
    severity: 'warning',
    what: 'PCIe lanes',
    judge: (facts) => ofGpu.checkPcieWidth(gpusInQuestion(facts)),
  },
  'memory-repair': {
    severity: 'warning',
    what: 'pending memory repair',
    judge: (facts) => ofGpu.checkMemoryRepair(gpusInQuestion(facts)),
  },
  'memory-errors': {
    severity: 'warning',
    what: 'memory errors',
    judge: (facts) => ofGpu.checkMemoryErrors(gpusInQuestion(facts)),
  },
  mig: {
    severity: 'warning',
    what: 'MIG',
    judge: (facts) => ofGpu.checkPartitions(gpusInQuestion(facts)),
  },
  'gpu-power': {
    severity: 'warning',
    what: 'power of the GPUs',
    judge: (facts) => ofGpu.checkPowerReading(gpusInQuestion(facts)),
  },
  'energy-counter': {
    severity: 'note',
    what: 'energy counter of the GPUs',
    judge: (facts) => ofGpu.checkEnergyCounter(gpusInQuestion(facts), facts.nvml),
  },
  macmon: {
    severity: 'note',
    what: 'macmon',
    judge: (facts) => ofGpu.checkMacmon(gpusInQuestion(facts), facts.macmon),
  },
  'cpu-energy': {
    severity: 'note',
    what: 'energy of the CPU (RAPL)',
    judge: (facts) => (isElsewhere(facts) ? besideThePoint : ofHost.checkRapl(facts.rapl)),
  },
}

/** Every check held against the facts. Pure. */
export function judgePreflight(facts: PreflightFacts): Preflight {
  const judged = Object.entries(checks).map(([check, { severity, what, judge }]) => ({
    check,
    severity,
    what,
    outcome: judge(facts),
  }))
  return {
    findings: bySeverity(
      judged.flatMap(({ check, severity, outcome }) =>
        outcome.complaints.map((complaint) => ({ check, severity, ...complaint })),
      ),
    ),
    fine: judged.filter(({ outcome }) => outcome.fine).map(({ what }) => what),
    notChecked: judged.flatMap(({ check, what, outcome }) =>
      outcome.notChecked.map((reason) => ({ check, what, reason })),
    ),
    server: facts.server,
  }
}

/** What a run keeps of it: what could not be checked is a note among the findings. */
export function findingsOf(preflight: Preflight): Finding[] {
  const undone = uncheckedByReason(preflight).map(({ what, reason }) => ({
    check: 'not-checked',
    severity: 'note' as const,
    text: `Not checked: ${what.join(', ')}, because ${reason}.`,
  }))
  return [...preflight.findings, ...undone]
}

/** What could not be looked at, put together by why. */
export function uncheckedByReason({
  notChecked,
}: Preflight): { readonly what: readonly string[]; readonly reason: string }[] {
  const reasons = [...new Set(notChecked.map(({ reason }) => reason))]
  return reasons.map((reason) => ({
    reason,
    what: notChecked.filter((each) => each.reason === reason).map(({ what }) => what),
  }))
}

const severities: readonly FindingSeverity[] = ['blocker', 'warning', 'note']

function bySeverity(findings: readonly Finding[]): Finding[] {
  return severities.flatMap((each) => findings.filter(({ severity }) => severity === each))
}

function isElsewhere({ server }: PreflightFacts): boolean {
  return server?.processes.kind === 'unknown' && server.processes.elsewhere === true
}

/** The GPUs that serve; where that is not known all but what is part of the processor. None of a server elsewhere. */
function gpusInQuestion(facts: PreflightFacts): readonly Gpu[] {
  if (isElsewhere(facts)) return []
  const { gpus } = facts.hardware
  const serving = facts.server?.gpus
  if (serving?.kind === 'known') {
    return gpus.filter((gpu) =>
      serving.pciAddresses.includes(readingValue(gpu.pciAddress) ?? 'unknown'),
    )
  }
  const discrete = gpus.filter((gpu) => readingValue(gpu.integrated) !== true)
  return discrete.length > 0 ? discrete : gpus
}

function whoseProcesses({ server }: PreflightFacts) {
  if (server === undefined) return { unknown: NO_SERVER }
  if (server.processes.kind === 'unknown') return { unknown: server.processes.reason }
  // A proxy is known by its processes, and those that compute are none of them.
  if (server.gpus.kind === 'unknown') return { unknown: server.gpus.reason }
  return { serverPids: server.processes.pids }
}

const NO_SERVER = 'no server was named'

function withCpuSets(facts: PreflightFacts, judge: (sets: ofHost.CpuSets) => Outcome): Outcome {
  const { server, clientCpus, serverCpus } = facts
  if (server === undefined) return notChecked(NO_SERVER)
  if (server.processes.kind === 'unknown') {
    return server.processes.elsewhere ? besideThePoint : notChecked(server.processes.reason)
  }
  const { gpus, processes } = server
  return judge({
    client: clientCpus,
    server: serverCpus,
    serverPid: processes.listeners[0]?.pid ?? processes.pids[0] ?? 0,
    servingGpus: gpus.kind === 'known' ? gpus.pciAddresses.length : 0,
  })
}

function judgeServer({ server }: PreflightFacts): Outcome {
  if (server === undefined) return notChecked(NO_SERVER)
  const { processes } = server
  if (processes.kind === 'known') return fine
  if (!processes.elsewhere) return notChecked(processes.reason)
  return complain(
    `The server is on another machine (${processes.reason}). Its GPUs, its energy and its set-up cannot be seen from here; this machine is only the client.`,
    'Run baremark on the machine of the server too, or read these checks there.',
  )
}

function judgeGpus(facts: PreflightFacts): Outcome {
  if (isElsewhere(facts)) return besideThePoint
  const { gpus, tools } = facts.hardware
  if (gpus.length > 0) return fine
  const asked = tools.map(({ tool, outcome, detail }) =>
    detail === undefined ? `${tool}: ${outcome}` : `${tool}: ${outcome}, ${detail}`,
  )
  return complain(
    `No GPU was found (${asked.length > 0 ? asked.join('; ') : 'no tool was asked'}). There will be no figures of energy, clocks and temperatures.`,
  )
}

/** Energy of all GPUs, where it is not known which of them work, is too much rather than too little. */
function judgeServingGpus(facts: PreflightFacts): Outcome {
  const { server, hardware } = facts
  if (isElsewhere(facts) || hardware.gpus.length === 0) return besideThePoint
  if (server === undefined) return notChecked(NO_SERVER)
  if (server.gpus.kind === 'known') return fine
  if (gpusInQuestion(facts).length < 2) return besideThePoint
  return complain(
    `Which of the GPUs serve the model is not known: ${server.gpus.reason}. The energy of all of them will be counted.`,
  )
}
