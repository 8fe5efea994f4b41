import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Gpu, type GpuField, gpuFields } from '../../src/detect/gpu-fields.ts'
import { readingValue } from '../../src/detect/reading.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { amd } from '../../src/detect/vendors/amd.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

// What real machines printed. The captures lie outside the repository: where they are missing, nothing is tested here.
const fixtures = join(
  process.env.BAREMARK_FIXTURES ??
    fileURLToPath(new URL('../../../shared/fixtures', import.meta.url)),
  'amd',
)
const here = existsSync(fixtures)
const namesIn = (folder: string) => (here ? readdirSync(join(fixtures, folder)) : [])
const textOf = (...path: string[]) => readFileSync(join(fixtures, ...path), 'utf8')

const withTool =
  (tool: string, outputs: Readonly<Record<string, string>> | string): RunCommand =>
  async (file, args) => {
    if (file !== tool) return { kind: 'not-found', tookMs: 1 }
    const output = typeof outputs === 'string' ? outputs : outputs[args[0] ?? '']
    return output === undefined ? exited('Command not supported\n', 2) : exited(output)
  }

async function askRocm(output: string) {
  return amd.ask(fakeMachine({ runCommand: withTool('rocm-smi', output) }))
}

/** The values of these fields, unknown ones as undefined. */
function valuesOf(gpu: Gpu | undefined, fields: readonly GpuField[]) {
  return fields.map((field) => readingValue<unknown>(gpu?.[field]))
}

function expectNoNaN(gpus: readonly Gpu[]) {
  for (const gpu of gpus) {
    for (const field of Object.keys(gpuFields) as GpuField[]) {
      const value = readingValue<unknown>(gpu[field])
      expect(Number.isNaN(value), field).toBe(false)
    }
  }
}

describe.skipIf(!here)('rocm-smi', () => {
  test.each(namesIn('rocm-smi'))(
    '%s: no NaN, and no value where the tool said none',
    async (name) => {
      const output = textOf('rocm-smi', name)
      const raw = JSON.parse(output) as Record<string, Record<string, string>>
      const { gpus, reports } = await askRocm(output)
      expect(gpus).toHaveLength(Object.keys(raw).filter((key) => key.startsWith('card')).length)
      expect(reports).toContainEqual({ tool: 'rocm-smi', outcome: 'ok', tookMs: 1 })
      expectNoNaN(gpus)
      for (const gpu of gpus) {
        for (const field of Object.keys(gpuFields) as GpuField[]) {
          const reading = gpu[field]
          // Of a difference, its first part: total - used.
          const key = reading.source.replace('rocm-smi ', '').split(' - ')[0] ?? ''
          const cell = raw[`card${gpu.index}`]?.[key] ?? raw.system?.[key]
          if (reading.status === 'ok') expect(cell, field).not.toMatch(/N\/A/)
          if (reading.status === 'ok' && reading.value === 0) expect(cell, field).toMatch(/\b0/)
        }
      }
    },
  )

  test('four MI100, read off by eye', async () => {
    const { gpus, topology } = await askRocm(textOf('rocm-smi', 'mi100_rocm602.json'))
    expect(
      valuesOf(gpus[0], ['name', 'pciAddress', 'uuid', 'serial', 'vramTotalMib', 'vramUsedMib']),
    ).toEqual([
      'Arcturus GL-XL [Instinct MI100]',
      '0000:83:00.0',
      'GPU-79ccd55167a2124a',
      undefined,
      32752,
      6.4375,
    ])
    expect(
      valuesOf(gpus[0], ['powerW', 'powerLimitEnforcedW', 'temperatureC', 'temperatureMemoryC']),
    ).toEqual([36, 290, 53, 53])
    expect(
      valuesOf(gpus[0], [
        'clockSmMhz',
        'clockMemoryMhz',
        'pcieGenerationNow',
        'pcieWidthNow',
        'numaNode',
      ]),
    ).toEqual([300, 1200, 4, 16, 1])
    expect(gpus.map((gpu) => readingValue(gpu.pciAddress))).toEqual([
      '0000:83:00.0',
      '0000:a3:00.0',
      '0000:c3:00.0',
      '0000:e3:00.0',
    ])
    // 0x4edfb117a17a07d has lost its first zero.
    expect(readingValue(gpus[1]?.uuid)).toBe('GPU-04edfb117a17a07d')
    expect(readingValue(topology)?.links).toEqual([
      ['SELF', 'PCIE', 'PCIE', 'PCIE'],
      ['PCIE', 'SELF', 'PCIE', 'PCIE'],
      ['PCIE', 'PCIE', 'SELF', 'PCIE'],
      ['PCIE', 'PCIE', 'PCIE', 'SELF'],
    ])
  })

  test('one RX 6700 XT through four releases of the tool', async () => {
    const seen = async (release: string) => {
      const { gpus } = await askRocm(textOf('rocm-smi', `rx6700xt_rocm${release}.json`))
      const fields = ['name', 'computeCapability', 'powerW', 'numaNode', 'driverVersion'] as const
      return valuesOf(gpus[0], fields)
    }
    const navi = 'Navi 22 [Radeon RX 6700/6700 XT / 6800M]'
    expect(await seen('430')).toEqual([undefined, undefined, 6, undefined, '6.3.6'])
    expect(await seen('571')).toEqual([navi, undefined, 6, undefined, '6.3.6'])
    expect(await seen('602')).toEqual([navi, undefined, undefined, undefined, '6.3.6'])
    expect(await seen('612')).toEqual([navi, 'gfx1031', 6, undefined, '6.3.6'])
  })

  test('what was not told keeps the tool’s words', async () => {
    const { gpus } = await askRocm(textOf('rocm-smi', 'rx6700xt_rocm602.json'))
    expect(gpus[0]?.powerW).toMatchObject({ reason: 'rocm-smi says N/A (Secondary die)' })
    expect(gpus[0]?.uuid).toMatchObject({ reason: 'rocm-smi says N/A' })
  })

  test('Vega cards: a model number is no name, a serial number is one', async () => {
    const vega10 = await askRocm(textOf('rocm-smi', 'vega-10-XT.json'))
    expect(valuesOf(vega10.gpus[0], ['name', 'serial', 'powerLimitEnforcedW'])).toEqual([
      undefined,
      undefined,
      170,
    ])
    const vega20 = await askRocm(textOf('rocm-smi', 'vega-20-WKS-GL-XE.json'))
    expect(
      valuesOf(vega20.gpus[0], ['name', 'serial', 'performanceState', 'firmwareVersion']),
    ).toEqual(['Radeon Instinct MI50 32GB', '692024000810', 'high', 'SMC 00.40.59.00'])
  })

  test('four MI300X: no edge sensor, and power under another name', async () => {
    const { gpus, topology } = await askRocm(jsonOfText(textOf('gls', 'MI300X_x4_smi-a.txt')))
    expectNoNaN(gpus)
    expect(
      valuesOf(gpus[0], ['name', 'pciAddress', 'uuid', 'serial', 'driverVersion', 'computeMode']),
    ).toEqual([
      'AMD Instinct MI300X OAM',
      '0000:26:00.0',
      'GPU-8d1457e2c20f59d2',
      '692347006052',
      '6.7.0',
      'SPX/NPS1',
    ])
    expect(
      valuesOf(gpus[3], ['powerW', 'powerLimitEnforcedW', 'temperatureC', 'temperatureMemoryC']),
    ).toEqual([136, 750, 39, 36])
    expect(
      valuesOf(gpus[3], ['clockSmMhz', 'clockSmMaxMhz', 'clockMemoryMhz', 'clockMemoryMaxMhz']),
    ).toEqual([132, 2100, 900, 1300])
    expect(gpus).toHaveLength(4)
    expect(topology).toBeUndefined()
  })
})

/** The same keys and values that `--json` has, out of the text for people. */
function jsonOfText(text: string): string {
  const cards: Record<string, Record<string, string>> = {}
  for (const [, index, key, value] of text.matchAll(
    /^GPU\[(\d+)\]\s*: ([^:]+(?:clock level)?): \s*(.+)$/gm,
  )) {
    if (key === undefined || value === undefined) continue
    cards[`card${index}`] = { [key]: value.trim(), ...cards[`card${index}`] }
  }
  const driver = /^Driver version: (.+)$/m.exec(text)?.[1]
  return JSON.stringify({ ...cards, system: { 'Driver version': driver } })
}

describe.skipIf(!here)('amd-smi', () => {
  test.each(namesIn('amd-smi'))('%s does no harm, whatever was asked', async (name) => {
    const printed = textOf('amd-smi', name)
    for (const output of [printed, printed.replace(/^.*\n/, '')]) {
      const runCommand: RunCommand = async () => exited(output)
      const { gpus, reports } = await amd.ask(fakeMachine({ runCommand }))
      expectNoNaN(gpus)
      expect(reports[0]?.tool).toBe('amd-smi')
      // Only `metric -p` and the two whole topologies are JSON with GPUs in it; the rest is for people, or cut.
      const json = /metric-p-json|-22-amd-smi-topology|topology-a-t/.test(name)
      expect(reports[0]?.outcome).toBe(json ? 'ok' : 'failed')
    }
  })

  const two = (first: string, second: string) =>
    JSON.stringify([first, second].map((bdf, gpu) => ({ gpu, bus: { bdf } })))

  test('power and throttling of a metric capture', async () => {
    const metric = textOf('amd-smi', 'rocm6.1.0-33-amd-smi-metric-p-json.txt')
    const runCommand = withTool('amd-smi', { static: two('0000:03:00.0', '0000:04:00.0'), metric })
    const { gpus } = await amd.ask(fakeMachine({ runCommand }))
    expect(valuesOf(gpus[0], ['powerW', 'throttleReasons'])).toEqual([10, []])
    expect(gpus[1]?.powerW.status).toBe('absent')
  })

  test.each([
    'rocm6.1.1-22-amd-smi-topology-json.txt',
    'rocm6.1.1-24-amd-smi-topology-a-t-json.txt',
  ])('%s is told by address', async (name) => {
    const runCommand = withTool('amd-smi', {
      static: two('0000:08:00.0', '0000:44:00.0'),
      topology: textOf('amd-smi', name),
    })
    const { gpus, topology } = await amd.ask(fakeMachine({ runCommand }))
    expect(readingValue(topology)).toEqual({
      gpus: ['0000:08:00.0', '0000:44:00.0'],
      links: [
        ['SELF', 'PCIE'],
        ['PCIE', 'SELF'],
      ],
    })
    expect(valuesOf(gpus[0], ['gpuLinks', 'gpuLinkGbPerS'])).toEqual([0, undefined])
  })
})

describe.skipIf(!here)('the kernel', () => {
  /** A captured folder as files under another; `:` is written in words there. */
  function filesUnder(folder: string, place: string): Record<string, string> {
    const names = readdirSync(join(fixtures, folder), { recursive: true, encoding: 'utf8' })
    const entries = readdirSync(join(fixtures, folder), { recursive: true, withFileTypes: true })
    const isFile = new Set(
      entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
    )
    return Object.fromEntries(
      names
        .filter((name) => isFile.has(join(fixtures, folder, name)))
        .map((name) => [`${place}/${name.replaceAll('_COLON_', ':')}`, textOf(folder, name)]),
    )
  }

  test('an RX Vega, with no tool at all', async () => {
    const files = filesUnder('sysfs-drm-procfs', '/sys')
    const { gpus, reports } = await amd.ask(fakeMachine({ files }))
    expect(gpus).toHaveLength(1)
    expectNoNaN(gpus)
    expect(reports.map(({ tool, outcome }) => [tool, outcome])).toEqual([
      ['amd-smi', 'not-found'],
      ['rocm-smi', 'not-found'],
      ['amdgpu (sysfs)', 'ok'],
    ])
    expect(gpus[0]?.name).toMatchObject({
      status: 'absent',
      reason: 'no tool tells the name (PCI ids 1002:687f rev c1)',
    })
    expect(
      valuesOf(gpus[0], [
        'pciAddress',
        'uuid',
        'serial',
        'vbiosVersion',
        'kernelDriver',
        'performanceState',
      ]),
    ).toEqual([
      '0000:09:00.0',
      'GPU-0123456789abcdef',
      undefined,
      '115-D050PIL-100',
      'amdgpu',
      'manual',
    ])
    // 8573157376 B and 1490378752 B.
    expect(valuesOf(gpus[0], ['vramTotalMib', 'vramUsedMib', 'vramFreeMib'])).toEqual([
      8176, 1421.3359375, 6754.6640625,
    ])
    expect(
      valuesOf(gpus[0], [
        'utilisationRatio',
        'clockSmMhz',
        'clockSmMaxMhz',
        'clockMemoryMhz',
        'clockMemoryMaxMhz',
      ]),
    ).toEqual([0.04, 852, 1630, 167, 945])
    expect(
      valuesOf(gpus[0], [
        'pcieGeneration',
        'pcieWidth',
        'pcieGenerationNow',
        'pcieWidthNow',
        'numaNode',
      ]),
    ).toEqual([3, 16, 3, 16, undefined])
  })

  test('eight MI210 in two groups of four, each group linked among itself', async () => {
    const files = filesUnder(
      'kfd-topology/topo-mi210-xgmi-pcie/nodes',
      '/sys/class/kfd/kfd/topology/nodes',
    )
    const { gpus, topology } = await amd.ask(fakeMachine({ files }))
    expect(gpus).toHaveLength(8)
    expectNoNaN(gpus)
    // Node 4: location 768 = 0x300, target 90010, three links of 50,000 MB/s each.
    const fourth = gpus.find((gpu) => readingValue(gpu.pciAddress) === '0000:03:00.0')
    expect(
      valuesOf(fourth, [
        'computeCapability',
        'clockSmMaxMhz',
        'gpuLinks',
        'gpuLinkGbPerS',
        'integrated',
      ]),
    ).toEqual(['gfx90a', 1700, 3, 150, false])
    const { gpus: addresses = [], links = [] } = readingValue(topology) ?? {}
    // 25344 = 0x6300, 17152 = 0x4300, 768 = 0x300, 9728 = 0x2600 ...
    expect(addresses).toEqual(
      ['63', '43', '03', '26', 'e3', 'c3', '83', 'a3'].map((bus) => `0000:${bus}:00.0`),
    )
    expect(links[2]).toEqual(['XGMI', 'XGMI', 'SELF', 'XGMI', 'PCIE', 'PCIE', 'PCIE', 'PCIE'])
  })
})
