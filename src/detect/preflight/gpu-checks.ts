import type { Gpu } from '../gpu-fields.ts'
import { type GpuProcess, type Reading, readingValue } from '../reading.ts'
import {
  besideThePoint,
  complain,
  eachGpu,
  fine,
  type GpuLook,
  notChecked,
  type Outcome,
} from './check-outcome.ts'

/** Share of the temperature at which clocks are taken back; over it an idle GPU has no room left for load. */
const HOT_SHARE = 0.85
/** Limits are told to hundredths of a watt, and some tools round them. */
const POWER_TOLERANCE_W = 1
/** Volta: the first whose driver counts energy (NVML, nvmlDeviceGetTotalEnergyConsumption). */
const FIRST_CAPABILITY_WITH_COUNTER = 7

export function checkPersistence(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus.filter(isNvidia), {
    look: (gpu) =>
      whether(gpu.persistenceEnabled, (on) => (on ? 'fine' : 'persistence mode is off')),
    so: 'The driver is unloaded whenever nobody uses the GPU: its energy counter starts anew, and the first to come waits for seconds.',
    remedy: () => 'sudo nvidia-smi -pm 1',
  })
}

export function checkPowerLimit(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus, {
    look: ({ powerLimitEnforcedW, powerLimitDefaultW }) =>
      bothOf(powerLimitEnforcedW, powerLimitDefaultW, (enforcedW, defaultW) =>
        enforcedW < defaultW - POWER_TOLERANCE_W
          ? `its power is limited to ${enforcedW} W, by default it may use ${defaultW} W`
          : 'fine',
      ),
    so: 'It is slower than others of its model, which readers of the report will not expect.',
    remedy: (those) => nvidiaCommands(those, raisePowerLimit) ?? 'Raise the limit to its default.',
  })
}

function raisePowerLimit({ powerLimitDefaultW }: Gpu): string {
  return `-pl ${Math.floor(readingValue(powerLimitDefaultW) ?? 0)}`
}

export function checkTemperatureAtRest(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus, {
    look: (gpu) => {
      if (gpu.processes.status === 'absent') {
        return { unknown: `whether it is idle is not known: ${gpu.processes.reason}` }
      }
      if (gpu.processes.value.length > 0) return undefined
      return bothOf(gpu.temperatureC, gpu.temperatureSlowdownC, (nowC, slowdownC) =>
        nowC > HOT_SHARE * slowdownC
          ? `it is at ${nowC} °C though nothing computes on it; it slows down at ${slowdownC} °C`
          : 'fine',
      )
    },
    so: 'Under load it will be slowed down by heat, and the run will be of the cooling.',
    remedy: () => 'Check fans, dust and the air around it, or wait until it has cooled down.',
  })
}

export function checkPcieWidth(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus, {
    look: ({ pcieWidth, pcieWidthOfGpu }) =>
      bothOf(pcieWidth, pcieWidthOfGpu, (lanes, ofGpu) =>
        lanes < ofGpu ? `it has ${lanes} PCIe lanes and could use ${ofGpu}` : 'fine',
      ),
    so: 'Loading models and talking to other GPUs takes longer than it need.',
    remedy: () =>
      'Put it into a slot with all lanes; check riser cables and the BIOS for lanes that are split.',
  })
}

export function checkMemoryRepair(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus, {
    look: ({ memoryRepairPending }) =>
      whether(memoryRepairPending, (pending) =>
        pending ? 'a repair of its memory waits for a reset' : 'fine',
      ),
    so: 'Part of its memory is failing: it may be slow, and what it computes may be lost.',
    remedy: (those) => nvidiaCommands(those, () => '--gpu-reset') ?? 'Restart the machine.',
  })
}

export function checkMemoryErrors(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus, {
    look: ({ eccUncorrectedErrors }) =>
      whether(eccUncorrectedErrors, (errors) =>
        errors > 0 ? `its memory had ${errors} errors that could not be corrected` : 'fine',
      ),
    so: 'Each one ends what computes on the GPU: a server may die in the middle of a run.',
    remedy: () => 'Restart the machine; if they come back, have the GPU replaced.',
  })
}

export function checkPartitions(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus, {
    look: ({ migEnabled }) =>
      // Most models cannot be divided, and their tools then say nothing of it.
      readingValue(migEnabled) === undefined
        ? undefined
        : whether(migEnabled, (on) => (on ? 'it is divided (MIG)' : 'fine')),
    so: 'Its power is measured as a whole: energy cannot be told apart between the model and others on it.',
    remedy: (those) => nvidiaCommands(those, () => '-mig 0') ?? 'Undo the division.',
  })
}

export function checkPowerReading(gpus: readonly Gpu[]): Outcome {
  return eachGpu(gpus, {
    look: ({ powerW }) =>
      powerW.status === 'ok' ? 'fine' : { wrong: `its power is not told (${powerW.reason})` },
    so: 'There will be no energy figures of it: unknown, not zero.',
    remedy: () =>
      "Install the vendor's tool (nvidia-smi, amd-smi, xpu-smi), or measure at the wall.",
  })
}

/** What reading NVIDIA's energy counter takes. */
export interface NvmlParts {
  /** Path of NVIDIA's library. */
  readonly library: Reading<string>
  /** The module that calls it. */
  readonly koffi: Reading<string>
}

export function checkEnergyCounter(gpus: readonly Gpu[], nvml: NvmlParts): Outcome {
  return eachGpu(gpus, {
    look: (gpu) => {
      if (gpu.vendor !== 'nvidia') {
        return { unknown: 'whether it has an energy counter shows when it is watched under load' }
      }
      const missing = [nvml.library, nvml.koffi].find(({ status }) => status === 'absent')
      if (missing) return { wrong: `its energy counter cannot be read: ${reasonOf(missing)}` }
      return whether(gpu.computeCapability, (capability) =>
        Number.parseFloat(capability) >= FIRST_CAPABILITY_WITH_COUNTER
          ? 'fine'
          : `it has no energy counter (compute capability ${capability}; from 7.0 on)`,
      )
    },
    so: 'Energy is then summed up from samples of its power, which is good for windows of 30 s and more.',
    remedy: () =>
      nvml.koffi.status === 'absent'
        ? 'Install baremark with its optional dependencies: npm ci --include=optional'
        : nvml.library.status === 'absent'
          ? "Install the driver's library libnvidia-ml.so.1; in a container, start it with --gpus all and NVIDIA_DRIVER_CAPABILITIES=compute,utility"
          : undefined,
  })
}

/** @param macmon the tool that tells Apple's power without being root; absent where it is not installed */
export function checkMacmon(gpus: readonly Gpu[], macmon: Reading<string>): Outcome {
  return eachGpu(
    gpus.filter(({ vendor }) => vendor === 'apple'),
    {
      look: () =>
        macmon.status === 'ok'
          ? 'fine'
          : { wrong: `its power can only be asked for by root (macmon: ${macmon.reason})` },
      so: 'There will be no energy figures of it, unless sudo lets powermetrics run without a password.',
      remedy: () => 'brew install macmon',
    },
  )
}

/** Figures per GPU of a server on unlike GPUs are of none of them. */
export function checkModels(gpus: readonly Gpu[]): Outcome {
  if (gpus.length < 2) return besideThePoint
  const names = gpus.map(({ name }) => readingValue(name))
  const models = [...new Set(names)]
  if (models.includes(undefined)) return notChecked('not every GPU tells its name')
  if (models.length === 1) return fine
  const counts = models.map((model) => `${names.filter((name) => name === model).length} ${model}`)
  return complain(
    `The GPUs are of different models: ${counts.join(', ')}. A model spread over them runs at the pace of the slowest, and figures per GPU are of none of them.`,
    'Serve on GPUs of one model: set CUDA_VISIBLE_DEVICES (or HIP_VISIBLE_DEVICES) for the server, with CUDA_DEVICE_ORDER=PCI_BUS_ID.',
  )
}

/** @param whose the server's processes, or why they are not known */
export function checkForeignProcesses(
  gpus: readonly Gpu[],
  whose: { readonly serverPids: readonly number[] } | { readonly unknown: string },
): Outcome {
  return eachGpu(gpus, {
    look: ({ processes }) => {
      if (processes.status === 'absent') return { unknown: processes.reason }
      if (processes.value.length === 0) return 'fine'
      const those = 'unknown' in whose ? processes.value : processes.value.filter(isForeign(whose))
      if (those.length === 0) return 'fine'
      const what = `${describeProcesses(those)} on it`
      return 'unknown' in whose
        ? { unknown: `${what}; whether that is the server is not known (${whose.unknown})` }
        : { wrong: `${what}, which is none of the server's` }
    },
    so: 'The model shares the GPU: its speed and energy are partly those of someone else.',
    remedy: () => 'End the other programs, or wait for them.',
  })
}

function isForeign({ serverPids }: { readonly serverPids: readonly number[] }) {
  return ({ pid }: GpuProcess) => pid === undefined || !serverPids.includes(pid)
}

/** A desktop has dozens. */
const NAMED_PROCESSES = 4

function describeProcesses(processes: readonly GpuProcess[]): string {
  const named = processes.slice(0, NAMED_PROCESSES).map(describeProcess)
  const more = processes.length - named.length
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ')
}

function describeProcess({ pid, name, usedMib }: GpuProcess): string {
  const number = pid === undefined ? 'PID hidden' : `PID ${pid}`
  const memory = usedMib === undefined ? '' : `, ${usedMib} MiB`
  return `${name ?? 'a process'} (${number}${memory})`
}

function isNvidia({ vendor }: Gpu): boolean {
  return vendor === 'nvidia'
}

function reasonOf(reading: Reading<unknown>): string {
  return reading.status === 'absent' ? reading.reason : ''
}

/** `fine`, or what is wrong in words; unknown where the reading is. */
function whether<T>(reading: Reading<T>, judge: (value: T) => string): GpuLook {
  if (reading.status === 'absent') return { unknown: reading.reason }
  const verdict = judge(reading.value)
  return verdict === 'fine' ? verdict : { wrong: verdict }
}

function bothOf<A, B>(
  first: Reading<A>,
  second: Reading<B>,
  judge: (a: A, b: B) => string,
): GpuLook {
  if (first.status === 'absent') return { unknown: first.reason }
  return whether(second, (value) => judge(first.value, value))
}

/** A command a GPU, where all of them are NVIDIA's and tell their address. */
function nvidiaCommands(gpus: readonly Gpu[], argument: (gpu: Gpu) => string): string | undefined {
  const commands = gpus.map((gpu) => {
    const address = readingValue(gpu.pciAddress)
    if (!isNvidia(gpu) || address === undefined) return undefined
    return `sudo nvidia-smi -i ${address} ${argument(gpu)}`
  })
  return commands.includes(undefined) ? undefined : commands.join('; ')
}
