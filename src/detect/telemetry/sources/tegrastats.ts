import { byLine, startPrinting } from '../printing-tool.ts'
import type { DeviceReading, TelemetryDevice } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import { plainNumber } from '../watched-file.ts'

const TOOL = 'tegrastats'
const MW_PER_W = 1000

/**
 * Jetson boards, whose GPU tells NVML nothing: rails of the board in mW, now and averaged since the
 * tool began (of no use here). Which rail feeds what differs by board, and is said in the device's name.
 */
export const tegrastats: TelemetrySource = { name: TOOL, open: openTegrastats }

/** Of each board, the rail of its GPU; what else hangs on it is in the name. */
const gpuRails = ['VDD_GPU', 'GPU', 'VDD_SYS_GPU', 'POM_5V_GPU', 'VDD_GPU_SOC', 'VDD_CPU_GPU_CV']
/** All of the module or board by one rail: it holds the others. */
const inputRails = ['VDD_IN', 'POM_5V_IN', 'VIN']
/**
 * AGX Orin has no such rail: these three are its input. VDDQ_VDD2_1V8AO is fed by the third and not
 * counted again (Jetson Linux developer guide, software-based power consumption modelling).
 */
const agxOrinInputs = ['VDD_GPU_SOC', 'VDD_CPU_CV', 'VIN_SYS_5V0']

/** One line of `tegrastats`. */
export interface TegraLine {
  /** W, by rail. */
  readonly railsW: ReadonlyMap<string, number>
  readonly gpu: Omit<DeviceReading, 'atMs'>
}

/** A device as a sum of rails; of one, mostly. */
interface Part {
  readonly device: TelemetryDevice
  readonly rails: readonly string[]
}

async function openTegrastats(
  world: SamplerWorld,
): Promise<OpenSource | { readonly none: string }> {
  if (world.platform !== 'linux') return { none: 'only on Linux' }
  const tool = await startPrinting(world, {
    file: TOOL,
    args: ['--interval', String(world.periodMs)],
    split: byLine,
    read: readTegrastats,
  })
  if ('none' in tool) return tool
  const parts = partsOf(tool.first.value, world.periodMs)
  return {
    devices: parts.map(({ device }) => device),
    look: () =>
      tool.take().flatMap(({ atMs, value }) =>
        parts.map(({ rails, device: { scope } }, device): OwnReading => {
          const powerW = sumOf(value, rails)
          return { device, atMs, powerW, ...(scope === 'gpu' && value.gpu) }
        }),
      ),
    close: tool.close,
  }
}

/** Unknown where one of the rails is missing from a line: a part is not the sum. */
function sumOf({ railsW }: TegraLine, rails: readonly string[]): number | undefined {
  const powers = rails.map((rail) => railsW.get(rail))
  const known = powers.filter((power) => power !== undefined)
  return rails.length > 0 && known.length === rails.length
    ? known.reduce((sum, power) => sum + power, 0)
    : undefined
}

/** What a board's rails make up. */
export function partsOf({ railsW }: TegraLine, periodMs: number): readonly Part[] {
  const has = (rail: string) => railsW.has(rail)
  const gpuRail = gpuRails.find(has)
  const input = inputRails.find(has)
  const inputs = input !== undefined ? [input] : agxOrinInputs.every(has) ? agxOrinInputs : []
  const seen = [...railsW.keys()].join(', ') || 'none'
  const lacks = ['energy counter: the board has none']
  const common = { source: TOOL, periodMs }
  const gpu: Part = {
    rails: gpuRail === undefined ? [] : [gpuRail],
    device: {
      ...common,
      id: 'jetson-gpu',
      scope: 'gpu',
      name: gpuRail === undefined ? 'Jetson GPU' : `Jetson GPU, rail ${gpuRail}${alsoOn(gpuRail)}`,
      lacks: gpuRail === undefined ? [...lacks, `power: no rail of the GPU among ${seen}`] : lacks,
    },
  }
  if (inputs.length === 0) return [gpu]
  const name = `Jetson module, ${inputs.length > 1 ? 'sum of rails ' : 'rail '}${inputs.join(' + ')}`
  return [
    gpu,
    { rails: inputs, device: { ...common, id: 'jetson-soc', scope: 'soc', name, lacks } },
  ]
}

function alsoOn(rail: string): string {
  if (rail.includes('CPU')) return ' (GPU, CPU and accelerators together)'
  return rail.includes('SOC') ? ' (GPU and the rest of the chip but the CPU)' : ''
}

/** Unknown for a line without rails, as when the tool is not allowed to read them. */
export function readTegrastats(line: string): TegraLine | undefined {
  // JetPack 5 and later say mW, 4 only the numbers; `NC` is a channel that is not connected.
  const rails = [...line.matchAll(/\b([A-Z][A-Z0-9_]*) (\d+)(?:mW)?\/(\d+)(?:mW)?(?=\s|$)/g)]
  const railsW = new Map(
    rails
      .filter(([, name]) => name !== undefined && name !== 'NC')
      .map(([, name = '', now]) => [name, Number(now) / MW_PER_W] as const),
  )
  const [, busy, clocks] = /\bGR3D_FREQ (\d+)%(?:@\[?(\d+))?/.exec(line) ?? []
  if (railsW.size === 0 && busy === undefined) return undefined
  const percent = plainNumber(busy)
  return {
    railsW,
    gpu: {
      utilisationRatio: percent === undefined ? undefined : percent / 100,
      // 0 MHz is a GPU that is off.
      clockSmMhz: plainNumber(clocks) || undefined,
      // -256 is a sensor without power.
      temperatureC: plainNumber(/\bgpu@(-?[\d.]+)C/i.exec(line)?.[1]),
    },
  }
}
