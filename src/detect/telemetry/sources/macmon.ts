import {
  byLine,
  inside,
  jsonOf,
  numberOf,
  type PrintingTool,
  startPrinting,
} from '../printing-tool.ts'
import type { DeviceReading, TelemetryDevice, TelemetryScope } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'

const TOOL = 'macmon'

/**
 * Apple's chips by `macmon pipe`, without root: a line of JSON each period. The powers are means over
 * the period, by Apple's own reckoning. What is 0 where it cannot be (a whole Mac at 0 W) is a sensor
 * that could not be read, and is none.
 */
export const macmon: TelemetrySource = { name: TOOL, open: openMacmon }

async function openMacmon(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  if (world.platform !== 'darwin') return { none: 'only on macOS' }
  const tool = await startPrinting(world, {
    file: TOOL,
    args: ['pipe', '-i', String(world.periodMs)],
    split: byLine,
    read: readMacmon,
  })
  if ('none' in tool) return tool
  return scopedSource(tool, `${TOOL} pipe`, world.periodMs)
}

/** A tool that tells of several parts of a Mac at once: those that its first record has. */
export function scopedSource(
  tool: PrintingTool<readonly ScopedReading[]>,
  source: string,
  periodMs: number,
): OpenSource {
  const scopes = tool.first.value.map(({ scope }) => scope)
  return {
    devices: scopes.map((scope) => appleDevice(scope, source, periodMs)),
    look: () =>
      tool.take().flatMap(({ atMs, value }) =>
        value.flatMap(({ scope, reading }): readonly OwnReading[] => {
          const device = scopes.indexOf(scope)
          return device < 0 ? [] : [{ device, atMs, ...reading }]
        }),
      ),
    close: tool.close,
  }
}

/** What one line says of one part of the Mac. */
export interface ScopedReading {
  readonly scope: TelemetryScope
  readonly reading: Omit<DeviceReading, 'atMs'>
}

/** One line of `macmon pipe`; unknown where it is none. */
export function readMacmon(line: string): readonly ScopedReading[] | undefined {
  const json = jsonOf(line)
  const powerW = (name: string) => numberOf(inside(json, name))
  const gpuPowerW = powerW('gpu_power')
  if (gpuPowerW === undefined) return undefined
  const of = (scope: TelemetryScope, power: number | undefined): readonly ScopedReading[] =>
    power ? [{ scope, reading: { powerW: power } }] : []
  const gpu = {
    powerW: gpuPowerW,
    clockSmMhz: numberOf(inside(json, 'gpu_usage', '0')),
    utilisationRatio: numberOf(inside(json, 'gpu_usage', '1')),
    temperatureC: numberOf(inside(json, 'temp', 'gpu_temp_avg')) || undefined,
  }
  return [
    { scope: 'gpu', reading: gpu },
    ...of('cpu-package', powerW('cpu_power')),
    ...of('dram', powerW('ram_power')),
    ...of('soc', powerW('all_power')),
    ...of('node', powerW('sys_power')),
  ]
}

const names: Partial<Record<TelemetryScope, string>> = {
  gpu: 'Apple GPU',
  'cpu-package': 'Apple CPU cores',
  dram: 'Memory of the Mac',
  soc: 'Apple chip: CPU, GPU and neural engine',
  node: 'Whole Mac, by its own sensor',
}

function appleDevice(scope: TelemetryScope, source: string, periodMs: number): TelemetryDevice {
  const estimate = 'measured power: Apple calls these figures estimates, not for comparing devices'
  return {
    id: `apple-${scope}`,
    scope,
    source,
    name: names[scope] ?? scope,
    periodMs,
    lacks: ['energy counter: the tool tells none', ...(scope === 'node' ? [] : [estimate])],
  }
}
