import { type Gpu, gpuOf } from '../../src/detect/gpu-fields.ts'
import type { Finding } from '../../src/detect/preflight/preflight.ts'
import type { Reading } from '../../src/detect/reading.ts'
import type { TelemetryScope } from '../../src/detect/telemetry/sample.ts'
import type { TelemetryLog } from '../../src/load/run-log.ts'
import type {
  DeviceEnergy,
  DeviceFigures,
  DeviceTimeline,
  MachineFigures,
  MachineSummary,
  ScopeEnergy,
} from '../../src/measure/machine-figures.ts'

const WINDOW_S = 120
/** Where the first level starts, after 20 s of rest. */
export const FIRST_LEVEL_MS = 25_000
export const LEVEL_MS = 145_000

const H200 = { id: '0000:17:00.0', name: 'NVIDIA H200', idleW: 119.5 }

/** At 1, 2, 4 and 8 users. */
const h200Levels = [
  { powerW: 312.5, heatC: 52, cap: 0, clock: 1980 },
  { powerW: 365, heatC: 55, cap: 0, clock: 1980 },
  { powerW: 452, heatC: 60, cap: 0.012, clock: 1965 },
  { powerW: 584, heatC: 66, cap: 0.214, clock: 1830 },
] as const

export const h200Telemetry: TelemetryLog = {
  kind: 'recorded',
  serving: {
    kind: 'known',
    pciAddresses: [H200.id],
    how: 'port 8000 is held by process 4242; its processes compute on 1 of 1 GPUs',
    processes: [{ pid: 4242, name: 'vllm', usedMib: 128_344 }],
  },
  idle: [
    { when: 'before', fromMs: 2_000, toMs: 22_000 },
    { when: 'after', fromMs: 595_000, toMs: 615_000 },
  ],
}

export const h200Findings: readonly Finding[] = [
  {
    check: 'persistence-mode',
    severity: 'warning',
    text: 'Persistence mode is off, so the driver is loaded anew between programs.',
    remedy: 'sudo nvidia-smi -pm 1',
  },
  {
    check: 'cpu-energy',
    severity: 'note',
    text: 'The energy of the CPU cannot be read: only root may.',
    remedy: 'sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj',
  },
  {
    check: 'not-checked',
    severity: 'note',
    text: 'Not checked: the log level of the server, because its arguments are hidden.',
  },
]

/** One H200 by its counter: J = W x 120 s; the integral of power 0.8 % under it. */
export function h200Figures(
  level: number,
  outputTokensPerS: number,
  requests: number,
): MachineFigures {
  const { powerW, heatC, cap, clock } = h200Levels[level] ?? h200Levels[0]
  const energy = counted(0, H200.id, H200.name, powerW)
  const device: DeviceFigures = {
    device: 0,
    id: H200.id,
    name: H200.name,
    scope: 'gpu',
    serving: true,
    pciAddress: H200.id,
    looks: 1_200,
    powerMeanW: powerW * 0.992,
    powerMaxW: powerW * 1.09,
    temperatureMaxC: heatC,
    temperatureMemoryMaxC: heatC + 9,
    clockSmMedianMhz: clock,
    clockSmMinMhz: clock - 30,
    memoryPeakMib: 131_072,
    utilisationMeanRatio: 0.97,
    pcieGeneration: 5,
    pcieWidth: 16,
    throttle: { powerCapRatio: cap, thermalRatio: 0, powerBrakeRatio: 0, by: 'counters' },
    energy,
  }
  const scope = scopeOf('gpu', [energy], H200.idleW, outputTokensPerS, requests)
  return { devices: [device], scopes: [scope] }
}

/** Of the four levels, or of as many as were run. */
export function h200Summary(levels = 4): MachineSummary {
  return {
    idle: [{ scope: 'gpu', beforeW: 118, afterW: 121 }],
    timelines: [
      timelineOf(H200, levels, (level) => {
        const figures = h200Levels[level ?? -1]
        return figures
          ? { powerW: figures.powerW, temperatureC: figures.heatC, clockSmMhz: figures.clock }
          : { powerW: H200.idleW, temperatureC: 38, clockSmMhz: 1980 }
      }),
    ],
    attribution: `1 of 1 watched GPUs count as serving the model: ${H200.id} (port 8000 is held by process 4242; its processes compute on 1 of 1 GPUs).`,
    samplerCpuCores: 0.0061,
    longestGapMs: 112,
  }
}

const BOX = 8

/** Eight H100s, two processors and a management controller; which GPUs serve is not known. */
export const h100Telemetry: TelemetryLog = {
  kind: 'recorded',
  serving: { kind: 'unknown', reason: 'the process that holds port 8000 belongs to another user' },
  idle: [{ when: 'before', fromMs: 2_000, toMs: 22_000 }],
  died: 'killed by SIGKILL',
}

export const h100Changes = [
  '0000:3b:00.0: Power limit in force was 700 W and is 650 W.',
  'Host: Frequency governor was performance and is powersave.',
]

export function h100Address(place: number): string {
  return `0000:${(0x1b + 0x20 * place).toString(16)}:00.0`
}

const h100PowerW = [455, 460, 448, 512, 451, 449, 462, 458] as const

/** All eight `ok` in the first level, though the fourth is hot; half of the second was not looked at. */
export function h100Figures(
  level: number,
  outputTokensPerS: number,
  requests: number,
): MachineFigures {
  const halved = (energy: DeviceEnergy) => (level === 0 ? energy : partial(energy))
  const gpus = h100PowerW.map((powerW, place): DeviceFigures => {
    const id = h100Address(place)
    const isHot = place === 3
    return {
      device: place,
      id,
      name: 'NVIDIA H100 80GB HBM3',
      scope: 'gpu',
      serving: true,
      pciAddress: id,
      looks: level === 0 ? 1_200 : 612,
      powerMeanW: powerW,
      powerMaxW: powerW * 1.1,
      temperatureMaxC: isHot ? 89 : 71,
      clockSmMedianMhz: isHot ? 1_410 : 1_980,
      clockSmMinMhz: isHot ? 1_095 : 1_935,
      memoryPeakMib: 71_204,
      throttle: {
        powerCapRatio: isHot ? 0.31 : 0.04,
        thermalRatio: isHot ? 0.127 : 0,
        powerBrakeRatio: 0,
        syncBoostRatio: 0,
        by: 'counters',
      },
      energy: halved(counted(place, id, 'NVIDIA H100 80GB HBM3', powerW)),
    }
  })
  const node = halved(nodeEnergy())
  const cpus = [0, 1].map((place) => halved(cpuEnergy(place)))
  const others = [...cpus, node].map((energy): DeviceFigures => {
    const { device, id, name, scope } = energy
    return { device, id, name, scope, serving: true, looks: level === 0 ? 1_200 : 612, energy }
  })
  const whole = (scope: TelemetryScope, of: readonly DeviceEnergy[], idlePowerW?: number) =>
    scopeOf(scope, of, idlePowerW, outputTokensPerS, requests)
  const energies = gpus.map(({ energy }) => energy)
  return {
    devices: [...gpus, ...others],
    scopes: [whole('gpu', energies, BOX * 71), whole('cpu-package', cpus), whole('node', [node])],
  }
}

export function h100Summary(): MachineSummary {
  const reason = 'the process that holds port 8000 belongs to another user'
  return {
    idle: [
      { scope: 'gpu', beforeW: BOX * 71, reason: 'no idle stretch after the load' },
      {
        scope: 'cpu-package',
        reason: 'looks cover 4.1 s of the idle stretch before the load, 10 s are needed',
      },
    ],
    timelines: h100PowerW.map((powerW, place) => {
      const whole = timelineOf(
        { id: h100Address(place), name: 'NVIDIA H100 80GB HBM3' },
        2,
        (level) =>
          level === undefined
            ? { powerW: 71 + place, temperatureC: 34, clockSmMhz: 1980 }
            : {
                powerW,
                temperatureC: place === 3 ? 89 : 71,
                clockSmMhz: place === 3 ? 1_095 : 1_935,
              },
      )
      // The sampler was killed half way through the second window.
      return { ...whole, moments: whole.moments.filter(({ atMs }) => atMs < 241_000) }
    }),
    attribution: `Which GPUs serve the model is not known (${reason}): all ${BOX} that were watched count.`,
  }
}

export function h100Gpus(): Gpu[] {
  const smi = (field: string) => `nvidia-smi: ${field}`
  return h100PowerW.map((_, place) =>
    gpuOf(
      'nvidia',
      place,
      {
        name: ok('NVIDIA H100 80GB HBM3', smi('name')),
        pciAddress: ok(h100Address(place), smi('pci.bus_id')),
        vramTotalMib: ok(81_559, smi('memory.total')),
        driverVersion: ok('575.57.08', smi('driver_version')),
        powerLimitEnforcedW: ok(700, smi('enforced.power.limit')),
        powerLimitDefaultW: ok(700, smi('power.default_limit')),
        temperatureC: ok(place === 3 ? 41 : 33, smi('temperature.gpu')),
        clockSmMaxMhz: ok(1980, smi('clocks.max.sm')),
        eccEnabled: ok(true, smi('ecc.mode.current')),
        numaNode:
          place < 7
            ? ok(place < 4 ? 0 : 1, 'nvidia-smi topo -m')
            : absent('the tool left the field empty', 'nvidia-smi topo -m'),
        gpuLinks: ok(18, 'nvidia-smi nvlink'),
        processes: ok(
          [{ pid: 9000 + place, name: 'VLLM::Worker_TP', usedMib: 71_204 }],
          smi('compute-apps'),
        ),
      },
      { reason: 'not asked for', source: 'nvidia-smi' },
    ),
  )
}

const counterSensor = {
  counterPeriodMs: 100,
  powerPeriodMs: 100,
  powerAveragingMs: 25,
  kind: 'counter',
  minWindowMs: 10_000,
} as const

const GAIN = 0.05
const GAP = 0.008

/** 5 % of gain and 0.8 % between the methods, in quadrature. */
function counted(device: number, id: string, name: string, powerW: number): DeviceEnergy {
  const joules = powerW * WINDOW_S
  return {
    device,
    id,
    name,
    scope: 'gpu',
    status: 'ok',
    joules,
    uncertaintyJ: joules * Math.hypot(GAIN, GAP),
    counterJ: joules,
    integralJ: joules * (1 - GAP),
    gapRatio: GAP,
    coverageRatio: 1,
    sensor: counterSensor,
  }
}

/** A processor of which nobody knows how well it measures. */
function cpuEnergy(place: number): DeviceEnergy {
  const joules = 181 * WINDOW_S
  return {
    device: BOX + place,
    id: `package-${place}`,
    name: `package-${place}`,
    scope: 'cpu-package',
    status: 'ok',
    joules,
    counterJ: joules,
    coverageRatio: 1,
    sensor: { counterPeriodMs: 100, kind: 'counter', minWindowMs: 10_000 },
  }
}

function nodeEnergy(): DeviceEnergy {
  return {
    device: BOX + 2,
    id: 'node',
    name: 'Redfish chassis 1',
    scope: 'node',
    status: 'too-short',
    reason:
      'the window is 120 s, and power readings of which it is not known what they average can tell the energy of 500 s or more',
    coverageRatio: 1,
    sensor: { powerPeriodMs: 5_000, kind: 'opaque', minWindowMs: 500_000 },
  }
}

/** As of a sampler that was killed half way. */
function partial({ device, id, name, scope, sensor }: DeviceEnergy): DeviceEnergy {
  return {
    device,
    id,
    name,
    scope,
    status: 'partial',
    reason: 'looks cover 51 % of the window, 95 % are needed',
    coverageRatio: 0.51,
    sensor,
  }
}

/** 4 input tokens to an output token. */
function scopeOf(
  scope: TelemetryScope,
  energies: readonly DeviceEnergy[],
  idlePowerW: number | undefined,
  outputTokensPerS: number,
  requests: number,
): ScopeEnergy {
  const refused = energies.find(({ status }) => status !== 'ok')
  if (refused) {
    const reason = `${refused.name} (${refused.id}): ${refused.reason}`
    return { scope, devices: energies.length, status: refused.status, reason, idlePowerW }
  }
  const joules = energies.reduce((total, each) => total + (each.joules ?? 0), 0)
  const isKnown = energies.every((each) => each.uncertaintyJ !== undefined)
  const uncertaintyJ = energies.reduce((total, each) => total + (each.uncertaintyJ ?? 0), 0)
  const tokens = outputTokensPerS * WINDOW_S
  const net = (units: number) =>
    idlePowerW === undefined ? undefined : (joules - idlePowerW * WINDOW_S) / units
  return {
    scope,
    devices: energies.length,
    status: 'ok',
    joules,
    ...(isKnown && { uncertaintyJ, uncertaintyRatio: uncertaintyJ / joules }),
    meanPowerW: joules / WINDOW_S,
    idlePowerW,
    grossJPerOutputToken: joules / tokens,
    netJPerOutputToken: net(tokens),
    grossJPerToken: joules / (5 * tokens),
    netJPerToken: net(5 * tokens),
    grossJPerRequest: joules / requests,
    netJPerRequest: net(requests),
    outputTokensPerJ: tokens / joules,
  }
}

type Shown = Omit<DeviceTimeline['moments'][number], 'atMs'>

/** A look in 10 s, a touch of unrest in its power; idle before, between and after the levels. */
function timelineOf(
  { id, name }: { readonly id: string; readonly name: string },
  levels: number,
  at: (level: number | undefined) => Shown,
): DeviceTimeline {
  const count = Math.ceil((FIRST_LEVEL_MS + levels * LEVEL_MS + 15_000) / 10_000)
  const moments = Array.from({ length: count }, (_, i) => {
    const atMs = i * 10_000
    const sinceMs = atMs - FIRST_LEVEL_MS
    const level = Math.floor(sinceMs / LEVEL_MS)
    const isBusy = sinceMs >= 0 && level < levels && sinceMs - level * LEVEL_MS < 132_000
    const { powerW = 0, ...others } = at(isBusy ? level : undefined)
    return { atMs, powerW: powerW * (isBusy && i % 2 ? 1.02 : 1), ...others }
  })
  return { id, name, scope: 'gpu', moments }
}

function ok<T>(value: T, source: string): Reading<T> {
  return { status: 'ok', value, source }
}

function absent(reason: string, source: string): Reading<never> {
  return { status: 'absent', reason, source }
}
