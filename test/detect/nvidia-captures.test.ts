import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Gpu, GpuField } from '../../src/detect/gpu-fields.ts'
import { type Reading, readingValue } from '../../src/detect/reading.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { readNvLinks, readTopology } from '../../src/detect/vendors/nvidia/topology.ts'
import { nvidia } from '../../src/detect/vendors/nvidia.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

// What real machines printed. The captures lie outside the repository: where they are missing, nothing is tested here.
const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../shared/fixtures', import.meta.url))
const folder = join(fixtures, 'nvidia')
const captures = join(folder, 'captures')

function filesIn(name: string): string[] {
  const path = join(folder, name)
  return existsSync(path) ? readdirSync(path).map((file) => join(path, file)) : []
}

const named = (files: readonly string[]) =>
  files.map((file) => [basename(file).replace(/\.\w+$/, ''), readFileSync(file, 'utf8')] as const)

/** What the tool prints in place of a value. */
const NO_VALUE = /N\/A|Not Supported|deprecated|Unknown|Not Found|^$/

/** What a GPU that does not tell its memory does not tell is told by that. */
const byAbsence: readonly string[] = ['memoryUnified', 'integrated']

function readingsOf(gpu: Gpu): [GpuField, Reading<unknown>][] {
  const { vendor: _, index: __, ...readings } = gpu
  return Object.entries(readings) as [GpuField, Reading<unknown>][]
}

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

describe.skipIf(!existsSync(captures))('captures of nvidia-smi', () => {
  test.each(Object.entries(expected))('%s', async (file, values) => {
    const { gpus, reports } = await nvidia.ask(
      fakeMachine({ runCommand: replay(textOf(file), 'idle') }),
    )
    expect(reports.map(({ tool, outcome }) => [tool, outcome])).toEqual([
      ['nvidia-smi', 'ok'],
      // The captures hold no XML.
      ['nvidia-smi -q -x', 'failed'],
    ])
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

  test.each(
    filesIn('captures').flatMap((file) => [
      [basename(file, '.txt'), 'idle'] as const,
      [basename(file, '.txt'), 'load'] as const,
    ]),
  )('%s, %s: each cell is its value, and none where the tool has none', async (file, phase) => {
    const text = textOf(file)
    const { gpus } = await nvidia.ask(fakeMachine({ runCommand: replay(text, phase) }))
    const cells = cellsOf(text.split(/\r?\n/), phase)
    let compared = 0
    for (const [field, reading] of readingsOf(gpus[0] as Gpu)) {
      const cell = cells.get(reading.source.replace('nvidia-smi ', ''))
      if (cell === undefined || byAbsence.includes(field)) continue
      compared += 1
      expect(reading.status, `${field}: ${cell}`).toBe(NO_VALUE.test(cell) ? 'absent' : 'ok')
      const value = readingValue(reading)
      if (typeof value !== 'number') continue
      const scale = field === 'utilisationRatio' ? 100 : 1
      expect(value * scale, field).toBeCloseTo(Number.parseFloat(cell), 6)
    }
    expect(compared).toBeGreaterThan(30)
  })

  test.each([
    ['linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01', 18, 478.116, 0],
    ['linux-x86_64__nvidia-h200__590.48.01', 18, 478.116, 0],
    ['linux-x86_64__nvidia-h100-mig__590.48.01', undefined, undefined, 0],
    ['linux-x86_64__nvidia-l40s__595.80', 0, undefined, 0],
    ['linux-x86_64__nvidia-geforce-rtx-2080-super__610.57.04', 0, undefined, 0],
    ['windows-x86_64__nvidia-geforce-rtx-2080-super__610.62', 0, undefined, undefined],
  ])('%s: %s links, %s GB/s, node %s', async (file, links, gbPerS, node) => {
    const { gpus, topology } = await nvidia.ask(
      fakeMachine({ runCommand: replay(textOf(file), 'idle') }),
    )
    expect(gpus.map((gpu) => readingValue(gpu.gpuLinks))).toEqual([links])
    expect(gpus.map((gpu) => readingValue(gpu.gpuLinkGbPerS))).toEqual([gbPerS])
    expect(gpus.map((gpu) => readingValue(gpu.numaNode))).toEqual([node])
    expect(readingValue(topology)?.gpus).toEqual(gpus.map((gpu) => readingValue(gpu.pciAddress)))
    expect(readingValue(topology)?.links).toEqual([['X']])
  })

  test.each([
    ['linux-x86_64__nvidia-h100-mig__590.48.01', 'idle', []],
    [
      'linux-x86_64__nvidia-h100-mig__590.48.01',
      'load',
      [
        { pid: 21180, name: 'memhog', usedMib: 2296 },
        { pid: 21181, name: 'memhog', usedMib: 1272 },
        { pid: 21198, name: 'gpu_burn', usedMib: 7484 },
      ],
    ],
    [
      'linux-x86_64__nvidia-l40s__595.80',
      'load',
      [
        { pid: 20037, name: 'ffmpeg', usedMib: 538 },
        { pid: 20038, name: 'ffmpeg', usedMib: 681 },
      ],
    ],
  ] as const)('%s, %s: its programs', async (file, phase, programs) => {
    const { gpus } = await nvidia.ask(fakeMachine({ runCommand: replay(textOf(file), phase) }))
    expect(readingValue(gpus[0]?.processes)).toEqual(programs)
  })

  test('programs of Windows have names without folders, and no figure where the tool has none', async () => {
    const text = textOf('windows-x86_64__nvidia-geforce-rtx-2080-super__610.62')
    const { gpus } = await nvidia.ask(fakeMachine({ runCommand: replay(text, 'load') }))
    const programs = readingValue(gpus[0]?.processes) ?? []
    expect(programs).toHaveLength(21)
    expect(programs[0]).toEqual({ pid: 2140, name: 'dwm.exe' })
    expect(programs.at(-1)).toEqual({ pid: 13820, name: 'ffmpeg.exe' })
    expect(JSON.stringify(programs)).not.toMatch(/utku|[\\/]/)
  })
})

// Read off the documents by eye.
const documents: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'a100-sxm4-v12': {
    name: 'NVIDIA A100-SXM4-80GB',
    computeApi: 'CUDA 12.2',
    vramTotalMib: 81920,
    powerW: 67.03,
    powerLimitEnforcedW: 500,
    temperatureSlowdownC: 85,
    temperatureMemoryC: 44,
    clockSmRequestedMhz: 1275,
    migEnabled: true,
    eccUncorrectedErrors: 0,
    persistenceEnabled: false,
    throttleReasons: [],
    processes: [],
  },
  'dual_2070-v13': {
    name: 'NVIDIA GeForce RTX 2070',
    computeApi: 'CUDA 13.1',
    pciAddress: '0000:01:00.0',
    vramTotalMib: 8192,
    pcieWidth: 16,
    pcieWidthNow: 8,
    pcieGenerationNow: 1,
    powerW: 9.23,
    persistenceEnabled: true,
    migEnabled: undefined,
    serial: undefined,
    eccUncorrectedErrors: undefined,
  },
  'gt-1030': {
    name: 'NVIDIA GeForce GT 1030',
    vramTotalMib: 1998,
    powerW: undefined,
    powerLimitEnforcedW: 30,
    powerLimitMinW: 25.5,
    pcieWidth: 4,
    throttleReasons: ['gpu_idle'],
  },
  'gtx-1070-ti': {
    name: 'GeForce GTX 1070 Ti',
    pciAddress: '0000:01:00.0',
    vramTotalMib: 4096,
    driverVersion: undefined,
    computeApi: undefined,
    powerW: undefined,
    powerLimitEnforcedW: undefined,
    throttleReasons: undefined,
    processes: undefined,
  },
  'rtx-3090-v12': { vramTotalMib: 24576, powerLimitEnforcedW: 200, powerLimitDefaultW: 350 },
  'rtx-3080-v13': {
    driverVersion: '595.58.03',
    powerW: 142.33,
    vramUsedMib: 9184,
    memoryRepairPending: false,
    throttleReasons: [],
  },
  'rtx-4000-sff-ada-v13': {
    name: 'NVIDIA RTX 4000 SFF Ada Generation',
    vramTotalMib: 20475,
    firmwareVersion: '595.84',
    temperatureSlowdownC: undefined,
    memoryRepairPending: false,
  },
  'tesla-t4': {
    name: 'Tesla T4',
    pciAddress: '0000:00:1e.0',
    pcieWidthNow: 8,
    processes: [{ pid: 5762, name: 'python', usedMib: 1005 }],
  },
  tesla_p4: {
    name: 'GRID P4-1Q',
    vramTotalMib: 1024,
    powerW: undefined,
    pcieGeneration: undefined,
    throttleReasons: undefined,
  },
}

describe.skipIf(filesIn('smi-xml').length === 0)('documents of nvidia-smi -q -x', () => {
  const files = named(filesIn('smi-xml'))

  test.each(files)(
    '%s: as read by eye, and nothing where the tool has nothing',
    async (name, xml) => {
      const { gpus } = await nvidia.ask(fakeMachine({ runCommand: xmlOnly(xml) }))
      const blocks = xml.split(/(?=<gpu id=)/).slice(1)
      expect(gpus).toHaveLength(blocks.length)
      const seen = Object.keys(documents[name] ?? {}) as GpuField[]
      expect(
        Object.fromEntries(seen.map((field) => [field, readingValue<unknown>(gpus[0]?.[field])])),
      ).toEqual(documents[name] ?? {})
      gpus.forEach((gpu, place) => {
        expectTruth(gpu, blocks[place] ?? '')
      })
    },
  )

  test('parts of an A100 are four of the same size', async () => {
    const xml = files.find(([name]) => name === 'a100-sxm4-v12')?.[1] ?? ''
    const { gpus } = await nvidia.ask(fakeMachine({ runCommand: xmlOnly(xml) }))
    const part = { memoryTotalMib: 19968, memoryUsedMib: 12 }
    expect(readingValue(gpus[0]?.partitions)).toEqual(
      [0, 1, 2, 3].map((index) => ({ profile: `MIG device ${index}`, ...part })),
    )
  })
})

/** Holds numbers and texts against what stands in the last tag of their source, wherever that is in the block. */
function expectTruth(gpu: Gpu, block: string): void {
  for (const [field, reading] of readingsOf(gpu)) {
    const tag = /^nvidia-smi -q -x \S*?(\w+)$/.exec(reading.source)?.[1] ?? ''
    const said = [...block.matchAll(new RegExp(`<${tag}>([^<]*)</`, 'g'))].map(([, words]) => words)
    const value = readingValue(reading)
    if (typeof value === 'number') expect(Number.isFinite(value), field).toBe(true)
    if (value === undefined || byAbsence.includes(field) || said.length === 0) continue
    expect(
      said.some((words) => !NO_VALUE.test(words ?? 'N/A')),
      `${field}: ${said}`,
    ).toBe(true)
    if (typeof value !== 'number') continue
    const scale = field === 'utilisationRatio' ? 100 : 1
    expect(said.map((words) => Number.parseFloat(words ?? ''))).toContainEqual(value * scale)
  }
}

/** A tool of which only the document is known. */
function xmlOnly(xml: string): RunCommand {
  return async (_file, args) => {
    if (args[0] === '--help-query-gpu') return exited('not in the capture')
    return args[0] === '-q' ? exited(xml) : exited('', 3)
  }
}

describe.skipIf(filesIn('topo').length === 0)('matrices of nvidia-smi topo -m', () => {
  test.each(named(filesIn('topo')))('%s: eight GPUs, the same way there and back', (_, text) => {
    const rows = readTopology(text) ?? []
    expect(rows.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    rows.forEach(({ links }, row) => {
      expect(links).toHaveLength(8)
      links.forEach((link, column) => {
        expect(link).toMatch(row === column ? /^X$/ : /^(NV\d+|SYS|NODE|PHB|PXB|PIX)$/)
        expect(rows[column]?.links[row]).toBe(link)
      })
    })
  })

  test.each([
    ['8x-h100-nv18-12nic-two-numa', 'X NV18 NV18 NV18 NV18 NV18 NV18 NV18', '0 0 0 0 1 1 1 1'],
    ['8x-v100-vm-numa-range-0-1', 'X NV1 NV1 NV2 NV2 PHB PHB PHB', '? ? ? ? ? ? ? ?'],
    ['8x-rtx4090-phb-node-sys-uneven-numa', 'X PHB NODE NODE NODE NODE SYS SYS', '0 0 0 0 0 0 1 1'],
    ['8x-h200-two-nvl4-islands', 'X NV18 NV18 NV18 SYS SYS SYS SYS', '0 0 0 0 1 1 1 1'],
  ])('%s, as read by eye', (name, first, nodes) => {
    const text = named(filesIn('topo')).find(([file]) => file === name)?.[1] ?? ''
    const rows = readTopology(text) ?? []
    expect(rows[0]?.links.join(' ')).toBe(first)
    expect(rows.map(({ numaNode }) => readingValue(numaNode) ?? '?').join(' ')).toBe(nodes)
  })
})

const a100Links = join(folder, 'gpud', 'nvidia-smi.nvlink.status.a100')

test.skipIf(!existsSync(a100Links))('eight A100 have twelve links each, 300 GB/s', () => {
  const links = readNvLinks(readFileSync(a100Links, 'utf8'))
  expect(links.size).toBe(8)
  for (const { gpuLinks, gpuLinkGbPerS } of links.values()) {
    expect([readingValue(gpuLinks), readingValue(gpuLinkGbPerS)]).toEqual([12, 300])
  }
})

function textOf(capture: string): string {
  return readFileSync(join(captures, `${capture}.txt`), 'utf8')
}

/**
 * The captured machine's `nvidia-smi`. The capture has every field with its unit; the tool was asked
 * for some, without.
 */
function replay(text: string, phase: 'idle' | 'load'): RunCommand {
  const lines = text.split(/\r?\n/)
  const cells = cellsOf(lines, phase)
  const sections: Readonly<Record<string, string>> = {
    '--help-query-gpu': 'capabilities :: help-query-gpu',
    'topo -m': 'capabilities :: topo -m',
    'nvlink -s': 'capabilities :: nvlink -s',
    '-L': 'capabilities :: list (-L)',
  }
  return async (_file, args) => {
    const whole = sections[args.join(' ')]
    if (whole !== undefined) return exited(section(lines, whole))
    const query = args[0] ?? ''
    if (query.startsWith('--query-compute-apps=')) return exited(appsOf(lines, phase))
    if (!query.startsWith('--query-gpu=')) return exited('not in the capture', 2)
    const asked = query.replace('--query-gpu=', '').split(',')
    const row = asked.map((field) => cells.get(field) ?? `no ${field} in the capture`)
    return exited(`${row.map((cell) => cell.replace(/ (MiB|W|MHz|%|us)$/, '')).join(', ')}\n`)
  }
}

/** The cells of the captured row, by the names of their fields. */
function cellsOf(lines: readonly string[], phase: string): Map<string, string> {
  const query = lines.findIndex((line) => line.startsWith(`# ${phase} :: query-gpu (csv`))
  const fields = /--query-gpu=(\S+)/.exec(lines[query + 1] ?? '')?.[1]?.split(',') ?? []
  const cells = lines[query + 4]?.split(', ') ?? []
  expect(cells).toHaveLength(fields.length)
  return new Map(fields.map((field, place) => [field, cells[place] ?? '']))
}

/** Captured are time, GPU's name, address, serial, UUID, pid, name and memory; asked was for less, otherwise ordered. */
function appsOf(lines: readonly string[], phase: string): string {
  const rows = section(lines, `${phase} :: query-compute-apps (per-process)`).split('\n').slice(1)
  return rows
    .filter((row) => row !== '')
    .map((row) => {
      const [, , address = '', , uuid = '', pid = '', ...rest] = row.split(', ')
      const used = (rest.at(-1) ?? '').replace(/ MiB$/, '')
      return [pid, rest.slice(0, -1).join(', '), used, uuid, address].join(', ')
    })
    .join('\n')
}

function section(lines: readonly string[], name: string): string {
  const start = lines.indexOf(`# ${name}`) + 3
  const length = lines.slice(start).findIndex((line) => line.startsWith('####'))
  return lines.slice(start, start + length).join('\n')
}
