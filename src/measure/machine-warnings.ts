import { mean } from '../arithmetic.ts'
import { readingValue } from '../detect/reading.ts'
import type { RunLog } from '../load/run-log.ts'
import { GAP_WARNING_RATIO } from './energy.ts'
import type { DeviceFigures, EnergyStatus, IdlePower } from './machine-figures.ts'
import { hasMig, type WatchedMachine } from './machine-summary.ts'
import type { OperatingPoint, Warning } from './summary.ts'

/** Doubts about what was watched of the machine in the run as a whole. */
export function machineWarnings(run: RunLog, machine: WatchedMachine): Warning[] {
  return [...assumedGpus(run, machine), ...sharedGpus(run), ...machine.idle.flatMap(idleDrift)]
}

/** The same in one level, without its name. */
export function levelMachineWarnings(
  run: RunLog,
  { machine }: OperatingPoint,
): Pick<Warning, 'kind' | 'text'>[] {
  if (machine === undefined) return []
  const serving = machine.devices.filter((device) => device.serving)
  return [
    ...withheldEnergy(machine.scopes),
    ...serving.flatMap(energyGap),
    ...serving.flatMap((device) => powerOverLimit(run, device)),
  ]
}

function assumedGpus(run: RunLog, { telemetry, serving, attribution }: WatchedMachine): Warning[] {
  const isKnown = run.telemetry?.kind === 'recorded' && run.telemetry.serving.kind === 'known'
  const gpus = telemetry.devices.filter(
    ({ pciAddress }, device) => pciAddress !== undefined && serving.has(device),
  )
  if (isKnown || gpus.length < 2) return []
  const text = `${attribution} Energy holds those that do not serve it, too: run baremark where it can see the server's processes.`
  return [{ kind: 'gpus-assumed', text }]
}

function sharedGpus(run: RunLog): Warning[] {
  if (!hasMig(run)) return []
  const text =
    'MIG is on: power and energy are those of the whole GPU, whoever uses its other parts. Leave them idle, or turn MIG off.'
  return [{ kind: 'gpu-shared', text }]
}

const MAX_IDLE_DRIFT_RATIO = 0.1

function idleDrift({ scope, beforeW, afterW }: IdlePower): Warning[] {
  if (beforeW === undefined || afterW === undefined) return []
  const between = mean([beforeW, afterW]) ?? 0
  if (Math.abs(afterW - beforeW) <= MAX_IDLE_DRIFT_RATIO * between) return []
  const text = `Idle power (${scope}) was ${beforeW.toFixed(1)} W before the load and ${afterW.toFixed(1)} W after it, so net energy is no better than that. Warm the machine up first, and look for what else runs on it.`
  return [{ kind: 'idle-drift', text }]
}

/** What helps where there is no energy; nothing helps where there is no sensor, and nothing is said. */
const remedies: Readonly<Record<EnergyStatus, string | undefined>> = {
  ok: undefined,
  'no-sensor': undefined,
  partial: 'Look at what the sampler said, and repeat on a quieter machine.',
  disputed: 'One of the two is wrong: try another driver, or hold them against a meter.',
  reset: 'Keep the driver loaded (nvidia-smi -pm 1), and repeat.',
  'too-short': 'Measure for longer.',
}

function withheldEnergy(
  scopes: readonly { scope: string; status: EnergyStatus; reason?: string }[],
): Pick<Warning, 'kind' | 'text'>[] {
  const withheld = scopes.filter(({ status }) => remedies[status] !== undefined)
  if (withheld.length === 0) return []
  const reasons = withheld.map(({ scope, reason }) => `${scope}: ${reason}`)
  const help = [...new Set(withheld.map(({ status }) => remedies[status]))]
  return [{ kind: 'energy-withheld', text: `no energy: ${reasons.join('; ')}. ${help.join(' ')}` }]
}

function energyGap({
  name,
  id,
  energy: { status, gapRatio, counterJ, integralJ },
}: DeviceFigures): Pick<Warning, 'kind' | 'text'>[] {
  if (status !== 'ok' || gapRatio === undefined || gapRatio <= GAP_WARNING_RATIO) return []
  const text = `${name} (${id}): the energy counter says ${counterJ?.toFixed(0)} J, power comes to ${integralJ?.toFixed(0)} J, ${(100 * gapRatio).toFixed(1)} % apart; the uncertainty holds it. Measure for longer, or hold both against a meter.`
  return [{ kind: 'energy-gap', text }]
}

/** Short peaks go over the limit; a mean this far over it does not happen. */
const MAX_OVER_LIMIT = 1.1

function powerOverLimit(
  { hardware }: RunLog,
  { scope, name, id, pciAddress, powerMeanW }: DeviceFigures,
): Pick<Warning, 'kind' | 'text'>[] {
  const gpu = hardware.gpus.find(
    (each) =>
      pciAddress !== undefined && readingValue(each.pciAddress) === pciAddress.toLowerCase(),
  )
  const limitW = readingValue(gpu?.powerLimitEnforcedW)
  if (scope !== 'gpu' || limitW === undefined || powerMeanW === undefined) return []
  if (powerMeanW <= MAX_OVER_LIMIT * limitW) return []
  const text = `${name} (${id}) drew ${powerMeanW.toFixed(0)} W on average, over its limit of ${limitW.toFixed(0)} W: a wrong unit, or another GPU's power. Hold it against nvidia-smi or the vendor's own tool.`
  return [{ kind: 'power-over-limit', text }]
}
