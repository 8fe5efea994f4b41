import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { RunCommand } from '../../../src/detect/run-command.ts'
import { askOnce, readingsOf } from '../../../src/detect/telemetry/sources/nvidia-smi-rows.ts'
import { exited } from '../fake-nvidia-smi.ts'
import { worldWith } from './stubs.ts'

// What real machines printed under load. The captures lie outside the repository: where they are missing, nothing is tested here.
const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url))
const captures = join(fixtures, 'nvidia', 'captures')

// Read off the captures by eye: address, instant and average power, SM clock, memory temperature, utilisation, ms at the power cap.
const expected = {
  'linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01': [
    '0000:00:09.0',
    { powerW: 625.68, powerAverageW: 631.95, clockSmMhz: 1980, temperatureMemoryC: 54 },
    { utilisationRatio: 1, powerCapMs: 0 },
  ],
  // Split into parts, it tells no utilisation.
  'linux-x86_64__nvidia-h100-mig__590.48.01': [
    '0000:00:09.0',
    { powerW: 447.35, powerAverageW: 433.78, clockSmMhz: 1980, temperatureMemoryC: 59 },
    { utilisationRatio: undefined, powerCapMs: 0 },
  ],
  'linux-x86_64__nvidia-h200__590.48.01': [
    '0000:83:00.0',
    { powerW: 626.26, powerAverageW: 627.4, clockSmMhz: 1980, temperatureMemoryC: 40 },
    { utilisationRatio: 1, powerCapMs: 0 },
  ],
  'linux-x86_64__nvidia-l40s__595.80': [
    '0000:01:00.0',
    { powerW: 112.38, powerAverageW: 110.23, clockSmMhz: 2520, temperatureMemoryC: undefined },
    { utilisationRatio: 0.09, powerCapMs: 204_642.816 },
  ],
  // Turing knows no average.
  'linux-x86_64__nvidia-geforce-rtx-2080-super__610.57.04': [
    '0000:0c:00.0',
    { powerW: 98.14, powerAverageW: undefined, clockSmMhz: 2070, temperatureMemoryC: undefined },
    { utilisationRatio: 0.08, powerCapMs: 15_820_333.506 },
  ],
  'windows-x86_64__nvidia-geforce-rtx-2080-super__610.62': [
    '0000:0c:00.0',
    { powerW: 97.99, powerAverageW: undefined, clockSmMhz: 2040, temperatureMemoryC: undefined },
    { utilisationRatio: 0.07, powerCapMs: 834_002.687 },
  ],
} as const

test.skipIf(!existsSync(captures)).each(Object.entries(expected))(
  '%s',
  async (file, [address, values, { utilisationRatio, powerCapMs }]) => {
    const capture = readCapture(join(captures, `${file}.txt`))
    const runCommand: RunCommand = async (_file, args) =>
      exited(args[0] === '--help-query-gpu' ? capture.help : `${capture.answer(args)}\r\n`)
    const query = await askOnce({ ...worldWith('/', {}), runCommand }, 'nvidia-smi')
    if ('none' in query) throw new Error(query.none)
    expect(query.devices.map(({ id }) => id)).toEqual([address])
    const [reading] = readingsOf(query, capture.answer(query.args), 7)
    expect(reading).toMatchObject({ device: 0, atMs: 7 })
    expect({
      powerW: reading?.powerW,
      powerAverageW: reading?.powerAverageW,
      clockSmMhz: reading?.clockSmMhz,
      temperatureMemoryC: reading?.temperatureMemoryC,
      utilisationRatio: reading?.utilisationRatio,
    }).toEqual({ ...values, utilisationRatio })
    expect(reading?.throttle?.powerCapMs).toBeCloseTo(powerCapMs, 6)
    expect(reading?.throttle).toMatchObject({ thermalHardwareMs: 0, powerBrakeMs: 0 })
  },
)

/** The captured machine's list of fields, and its answer to any query. A capture has every field, with its unit. */
function readCapture(file: string) {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/)
  const helpAt = lines.indexOf('# capabilities :: help-query-gpu') + 3
  const helpLength = lines.slice(helpAt).findIndex((line) => line.startsWith('####'))
  const queryAt = lines.findIndex((line) => line.startsWith('# load :: query-gpu (csv'))
  const fields = /--query-gpu=(\S+)/.exec(lines[queryAt + 1] ?? '')?.[1]?.split(',') ?? []
  const cells = lines[queryAt + 4]?.split(', ') ?? []
  const cellOf = (field: string): string =>
    (cells[fields.indexOf(field)] ?? '[N/A]').replace(/ (MiB|W|MHz|%|us)$/, '')
  return {
    help: lines.slice(helpAt, helpAt + helpLength).join('\n'),
    answer: (args: readonly string[]) =>
      (args[0] ?? '').replace('--query-gpu=', '').split(',').map(cellOf).join(', '),
  }
}
