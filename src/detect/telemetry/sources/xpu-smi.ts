import { explain } from '../../run-command.ts'
import { believeWhenMoving } from '../moving-counter.ts'
import { byLine, inside, jsonOf, numberOf, startPrinting } from '../printing-tool.ts'
import type { TelemetryDevice } from '../sample.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import { plainNumber } from '../watched-file.ts'

const TOOL = 'xpu-smi'
const PERIOD_MS = 1000
const DISCOVERY_TIMEOUT_MS = 3_000
/** Utilisation, power, frequency, core temperature, energy: xpu-smi's user guide, `dump`. */
const METRICS = '0,1,2,3,8'

/** Intel's boards by a tool that prints a line a second: where the kernel's own files are missing. */
export const xpuSmi: TelemetrySource = { name: TOOL, open: openXpuSmi }

/** One line of `xpu-smi dump`. */
export interface XpuSmiRow {
  readonly deviceId: number
  readonly reading: Omit<OwnReading, 'device' | 'atMs'>
}

interface Identity {
  readonly deviceId: number
  readonly device: TelemetryDevice
}

async function openXpuSmi(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const args = ['dump', '-d', '-1', '-m', METRICS, '-i', String(PERIOD_MS / 1000)]
  const [identities, tool] = await Promise.all([
    askIdentities(world),
    startPrinting(world, { file: TOOL, args, split: byLine, read: rowReader() }),
  ])
  if ('none' in tool) return tool
  if ('none' in identities) {
    await tool.close()
    return identities
  }
  const counters = identities.map(believeWhenMoving)
  return {
    devices: identities.map(({ device }) => device),
    look: () =>
      tool.take().flatMap(({ atMs, value }): readonly OwnReading[] => {
        const device = identities.findIndex(({ deviceId }) => deviceId === value.deviceId)
        if (device < 0) return []
        // Whole joules from a board that tells 0 for ever are no energy.
        const energyJ = counters[device]?.(value.reading.energyJ)
        return [{ device, atMs, ...value.reading, energyJ }]
      }),
    close: tool.close,
  }
}

async function askIdentities(
  world: SamplerWorld,
): Promise<readonly Identity[] | { readonly none: string }> {
  const args = ['discovery', '-j']
  const answer = await world.runCommand(TOOL, args, { timeoutMs: DISCOVERY_TIMEOUT_MS })
  if (answer.kind !== 'exited') return { none: `${TOOL}: ${explain(answer)}` }
  const identities = identitiesIn(answer.stdout)
  return identities.length > 0 ? identities : { none: `${TOOL} knows no GPU` }
}

function identitiesIn(json: string): readonly Identity[] {
  const list = inside(jsonOf(json), 'device_list')
  return (Array.isArray(list) ? list : []).flatMap((entry): readonly Identity[] => {
    const deviceId = numberOf(inside(entry, 'device_id'))
    if (deviceId === undefined) return []
    const name = inside(entry, 'device_name')
    const address = inside(entry, 'pci_bdf_address')
    const pciAddress = typeof address === 'string' ? address.toLowerCase() : undefined
    const device: TelemetryDevice = {
      id: pciAddress ?? `intel-gpu-${deviceId}`,
      scope: 'gpu',
      source: `${TOOL} dump`,
      name: typeof name === 'string' ? name : `Intel GPU ${deviceId}`,
      pciAddress,
      periodMs: PERIOD_MS,
      lacks: [
        'moment of a reading: the tool’s clock has no date, so what counts is when a line arrives',
      ],
    }
    return [{ deviceId, device }]
  })
}

const columns = {
  'GPU Utilization (%)': 'utilisation',
  'GPU Power (W)': 'powerAverageW',
  'GPU Frequency (MHz)': 'clockSmMhz',
  'GPU Core Temperature (Celsius Degree)': 'temperatureC',
  'GPU Core Temperature (C)': 'temperatureC',
  'GPU Energy Consumed (J)': 'energyJ',
} as const

/**
 * Reads line after line. The first names the columns, which differ by version. A line with another
 * number of cells (a decimal comma makes two of one) is none.
 */
export function rowReader(): (line: string) => XpuSmiRow | undefined {
  let header: readonly string[] = []
  return (line) => {
    const cells = line.split(',').map((cell) => cell.trim())
    if (cells.includes('DeviceId')) {
      header = cells
      return undefined
    }
    if (cells.length !== header.length) return undefined
    const deviceId = plainNumber(cells[header.indexOf('DeviceId')])
    if (deviceId === undefined) return undefined
    const values = Object.fromEntries(
      Object.entries(columns).flatMap(([title, key]) => {
        const value = plainNumber(cells[header.indexOf(title)])
        return value === undefined ? [] : [[key, value]]
      }),
    )
    const { utilisation, clockSmMhz, ...rest } = values
    return {
      deviceId,
      reading: {
        ...rest,
        // 0 MHz is a card asleep.
        ...(clockSmMhz && { clockSmMhz }),
        ...(utilisation !== undefined && { utilisationRatio: utilisation / 100 }),
      },
    }
  }
}
