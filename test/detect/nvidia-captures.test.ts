import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readingValue } from '../../src/detect/reading.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { nvidia } from '../../src/detect/vendors/nvidia.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

// What real machines printed. The captures lie outside the repository: where they are missing, nothing is tested here.
const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../shared/fixtures', import.meta.url))
const captures = join(fixtures, 'nvidia', 'captures')

// Read off the captures by eye, at rest.
const rtx2080 = {
  name: 'NVIDIA GeForce RTX 2080 SUPER',
  vramTotalMib: 8192,
  pciAddress: '0000:0c:00.0',
  powerLimitW: 250,
  ecc: undefined,
  mig: undefined,
  pcieGeneration: 3,
}
const h100 = {
  name: 'NVIDIA H100 80GB HBM3',
  vramTotalMib: 81559,
  driver: '590.48.01',
  pciAddress: '0000:00:09.0',
  powerLimitW: 700,
  ecc: true,
  mig: false,
  pcieGeneration: 5,
}
const expected = {
  'linux-x86_64__nvidia-geforce-rtx-2080-super__595.71.05': {
    ...rtx2080,
    driver: '595.71.05',
    vramUsedMib: 214,
  },
  'linux-x86_64__nvidia-geforce-rtx-2080-super__610.57.04': {
    ...rtx2080,
    driver: '610.57.04',
    vramUsedMib: 211,
  },
  'windows-x86_64__nvidia-geforce-rtx-2080-super__610.62': {
    ...rtx2080,
    driver: '610.62',
    vramUsedMib: 797,
  },
  'linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01': { ...h100, vramUsedMib: 0 },
  'linux-x86_64__nvidia-h100-mig__590.48.01': { ...h100, vramUsedMib: 59, mig: true },
  'linux-x86_64__nvidia-h200__590.48.01': {
    ...h100,
    name: 'NVIDIA H200',
    vramTotalMib: 143771,
    vramUsedMib: 0,
    pciAddress: '0000:83:00.0',
  },
  'linux-x86_64__nvidia-l40s__595.80': {
    ...h100,
    name: 'NVIDIA L40S',
    driver: '595.80',
    vramTotalMib: 46068,
    vramUsedMib: 0,
    pciAddress: '0000:01:00.0',
    powerLimitW: 350,
    mig: undefined,
    pcieGeneration: 4,
  },
}

test.skipIf(!existsSync(captures)).each(Object.entries(expected))('%s', async (file, values) => {
  const {
    gpus,
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: replay(join(captures, `${file}.txt`)) }))
  expect(report?.outcome).toBe('ok')
  expect(gpus).toHaveLength(1)
  const gpu = gpus[0]
  expect({
    name: readingValue(gpu?.name),
    driver: readingValue(gpu?.driverVersion),
    vramTotalMib: readingValue(gpu?.vramTotalMib),
    vramUsedMib: readingValue(gpu?.vramUsedMib),
    pciAddress: readingValue(gpu?.pciAddress),
    powerLimitW: readingValue(gpu?.powerLimitEnforcedW),
    ecc: readingValue(gpu?.eccEnabled),
    mig: readingValue(gpu?.migEnabled),
    pcieGeneration: readingValue(gpu?.pcieGeneration),
  }).toEqual(values)
})

/**
 * The captured machine's `nvidia-smi`. The capture has every field with its unit; the tool was asked
 * for some, without.
 */
function replay(file: string): RunCommand {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/)
  const query = lines.findIndex((line) => line.startsWith('# idle :: query-gpu (csv'))
  const fields = /--query-gpu=(\S+)/.exec(lines[query + 1] ?? '')?.[1]?.split(',') ?? []
  const cells = lines[query + 4]?.split(', ') ?? []
  return async (_file, args) => {
    if (args[0] === '--help-query-gpu') return exited(section(lines, 'help-query-gpu'))
    const asked = args[0]?.replace('--query-gpu=', '').split(',') ?? []
    const row = asked.map((field) => cells[fields.indexOf(field)] ?? `no ${field} in the capture`)
    return exited(`${row.map((cell) => cell.replace(/ (MiB|W|MHz|%)$/, '')).join(', ')}\n`)
  }
}

function section(lines: readonly string[], name: string): string {
  const start = lines.indexOf(`# capabilities :: ${name}`) + 3
  const length = lines.slice(start).findIndex((line) => line.startsWith('####'))
  return lines.slice(start, start + length).join('\n')
}
