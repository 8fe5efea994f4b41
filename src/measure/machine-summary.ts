import { sum } from '../arithmetic.ts'
import { readingValue } from '../detect/reading.ts'
import type { Telemetry, TelemetryDevice } from '../detect/telemetry/sample.ts'
import type { LevelLog, RunLog, TelemetryLog } from '../load/run-log.ts'
import { deviceFigures } from './device-figures.ts'
import { deviceTimeline } from './device-timeline.ts'
import {
  coverageOf,
  type EnergyTrace,
  energyTrace,
  MIN_COVERAGE_RATIO,
  steadyPowerW,
} from './energy.ts'
import { scopeEnergies, type WindowWork } from './energy-scopes.ts'
import type { IdlePower, MachineFigures, MachineSummary } from './machine-figures.ts'
import { type Window, windowSeconds } from './throughput.ts'

/** A recording of the machine, made ready once for the figures of any window. */
export interface WatchedMachine {
  readonly telemetry: Telemetry
  readonly traces: readonly EnergyTrace[]
  /** Of the devices, those that are counted as serving the model. */
  readonly serving: ReadonlySet<number>
  readonly attribution: string
  readonly idle: readonly IdlePower[]
}

/** @returns undefined where nothing was recorded */
export function watchedMachine(
  run: RunLog,
  telemetry: Telemetry | undefined,
): WatchedMachine | undefined {
  if (telemetry === undefined || telemetry.devices.length === 0) return undefined
  const traces = telemetry.devices.map((about, device) =>
    energyTrace(device, about, telemetry.readings[device] ?? [], telemetry.periodMs),
  )
  const log = run.telemetry?.kind === 'recorded' ? run.telemetry : undefined
  const serving = servingDevices(telemetry.devices, log)
  const idle = idlePowers(
    traces.filter(({ device }) => serving.has(device)),
    log?.idle ?? [],
  )
  return { telemetry, traces, serving, attribution: attributionOf(run, telemetry, serving), idle }
}

/** The machine in one window. */
export function machineFigures(
  { traces, serving, idle }: WatchedMachine,
  window: Window,
  work: Omit<WindowWork, 'windowS'>,
): MachineFigures {
  const devices = traces.map((trace) => deviceFigures(trace, window, serving.has(trace.device)))
  const energies = devices.flatMap((device) => (device.serving ? [device.energy] : []))
  return {
    devices,
    scopes: scopeEnergies(energies, idle, { ...work, windowS: windowSeconds(window) }),
  }
}

/** The machine over the whole run. */
export function machineSummary(machine: WatchedMachine): MachineSummary {
  const { telemetry, traces, attribution, idle } = machine
  const cost = telemetry.end?.cost
  return {
    idle,
    timelines: traces.flatMap((trace) => deviceTimeline(trace) ?? []),
    attribution,
    samplerCpuCores: cost?.cpuCores,
    longestGapMs: cost?.longestGapMs,
  }
}

/** Serving GPUs that told nothing more before the last level was over, and why. */
export function lostGpus(
  { telemetry, serving }: WatchedMachine,
  levels: readonly LevelLog[],
): string[] {
  const overMs = Math.max(...levels.map(({ endMs }) => endMs))
  return telemetry.lost.flatMap(({ device, atMs, reason }) => {
    const about = telemetry.devices[device]
    const isGpu = about?.scope === 'gpu' || about?.scope === 'module'
    return about && isGpu && serving.has(device) && atMs < overMs ? [`${about.id} (${reason})`] : []
  })
}

type Recorded = Extract<TelemetryLog, { kind: 'recorded' }>

/**
 * Of devices with a PCI address, those that the run log names, or all where it does not know; all
 * others. A device that two sources tell of is counted once a scope, by the first.
 */
function servingDevices(
  devices: readonly TelemetryDevice[],
  log: Recorded | undefined,
): ReadonlySet<number> {
  const named =
    log?.serving.kind === 'known'
      ? new Set(log.serving.pciAddresses.map((address) => address.toLowerCase()))
      : undefined
  const counted = new Set<string>()
  const serving = devices.flatMap(({ scope, pciAddress }, device) => {
    if (pciAddress === undefined) return [device]
    const address = pciAddress.toLowerCase()
    const key = `${scope} ${address}`
    if (counted.has(key) || (named !== undefined && !named.has(address))) return []
    counted.add(key)
    return [device]
  })
  return new Set(serving)
}

function attributionOf(run: RunLog, { devices }: Telemetry, serving: ReadonlySet<number>): string {
  const gpus = devices.flatMap(({ pciAddress }, device) =>
    pciAddress === undefined ? [] : [{ address: pciAddress, counts: serving.has(device) }],
  )
  return [whichServe(run, gpus), sharedNote(run)].filter((text) => text !== undefined).join(' ')
}

function whichServe(
  { telemetry }: RunLog,
  gpus: readonly { readonly address: string; readonly counts: boolean }[],
): string {
  const all = new Set(gpus.map(({ address }) => address)).size
  const counting = gpus.filter(({ counts }) => counts).map(({ address }) => address)
  const addresses = [...new Set(counting)]
  if (telemetry?.kind !== 'recorded' || telemetry.serving.kind === 'unknown') {
    const why = telemetry?.kind === 'recorded' ? reasonOf(telemetry) : undefined
    const because = why === undefined ? '' : ` (${why})`
    return `Which GPUs serve the model is not known${because}: all ${all} that were watched count.`
  }
  const which = addresses.length > 0 ? `: ${addresses.join(', ')}` : ''
  return `${addresses.length} of ${all} watched GPUs count as serving the model${which} (${telemetry.serving.how}).`
}

function reasonOf({ serving }: Recorded): string | undefined {
  return serving.kind === 'unknown' ? serving.reason : undefined
}

function sharedNote(run: RunLog): string | undefined {
  return hasMig(run)
    ? 'MIG is on: power is that of the whole GPU, whoever uses its other parts.'
    : undefined
}

/** Whether a GPU is split up that may serve the model, so that its power is not the model's alone. */
export function hasMig({ hardware, telemetry }: RunLog): boolean {
  const serving = telemetry?.kind === 'recorded' ? telemetry.serving : undefined
  return hardware.gpus.some(({ migEnabled, pciAddress }) => {
    const address = readingValue(pciAddress)
    const mayServe =
      serving?.kind !== 'known' || address === undefined || serving.pciAddresses.includes(address)
    return mayServe && readingValue(migEnabled) === true
  })
}

/** Shortest stretch that tells what an idle machine draws, s: as for a window of load with a counter. */
const MIN_IDLE_S = 10

/** By scope, what idle devices drew together before and after the load. */
function idlePowers(traces: readonly EnergyTrace[], stretches: Recorded['idle']): IdlePower[] {
  const scopes = [...new Set(traces.map(({ about }) => about.scope))]
  return scopes.map((scope) => {
    const inside = traces.filter(({ about }) => about.scope === scope)
    const [before, after] = (['before', 'after'] as const).map((when) =>
      idlePower(
        inside,
        when,
        stretches.find((stretch) => stretch.when === when),
      ),
    )
    const reasons = [before, after].flatMap((each) => each?.reason ?? [])
    const reason = reasons.length > 0 ? reasons.join('; ') : undefined
    return { scope, beforeW: before?.powerW, afterW: after?.powerW, reason }
  })
}

function idlePower(
  traces: readonly EnergyTrace[],
  when: 'before' | 'after',
  stretch: Recorded['idle'][number] | undefined,
): { powerW?: number; reason?: string } {
  if (stretch === undefined) return { reason: `no idle stretch ${when} the load` }
  const window = { startMs: stretch.fromMs, endMs: stretch.toMs }
  const coveredS =
    Math.min(...traces.map((trace) => coverageOf(trace, window))) * windowSeconds(window)
  if (coveredS < MIN_COVERAGE_RATIO * MIN_IDLE_S)
    return {
      reason: `looks cover ${coveredS.toFixed(1)} s of the idle stretch ${when} the load, ${MIN_IDLE_S} s are needed`,
    }
  const powerW = sum(traces.map((trace) => steadyPowerW(trace, window)))
  return powerW === undefined
    ? { reason: `idle power ${when} the load could not be told of every device` }
    : { powerW }
}
