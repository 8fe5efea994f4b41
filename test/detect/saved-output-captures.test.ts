import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { hardwareOfOutput } from '../../src/detect/capture/saved-output.ts'
import type { Gpu, GpuField } from '../../src/detect/gpu-fields.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import { type Reading, readingValue } from '../../src/detect/reading.ts'
import { hardwareSchema } from '../../src/report/machine-schema.ts'

// What real machines printed. The captures lie outside the repository: where they are missing, nothing is tested here.
const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../shared/fixtures', import.meta.url))

const folders = ['nvidia', 'amd', 'intel', 'apple'].filter((name) =>
  existsSync(join(fixtures, name)),
)

/** Files that no tool of detection printed, or in which nothing is left of what it printed. */
const notCaptures: readonly [RegExp, string][] = [
  [/^amd\/(kfd-topology|sysfs-drm-procfs)\//, 'files of the kernel, read as folders elsewhere'],
  [/^amd\/device-metrics-exporter-mini\.prom$/, 'metrics of an exporter'],
  [/^nvidia\/dcgm\/.*\.(prom|csv)$/, 'metrics of an exporter, and its settings'],
  [/^nvidia\/gpud\/(dmesg-with-xid-119|fabricmanager)\.log$/, 'logs'],
  [/^nvidia\/gpud\/dmidecode$/, 'tells of the board, and of no GPU'],
  [/^amd\/amd-smi\/rocm6\.2\.0-12-/, 'two command lines without output'],
  [/^amd\/amd-smi\/rocm6\.2\.0-13-/, 'an error message'],
  [/^intel\/smi_user_guide-v1\.3\.md$/, 'a manual'],
  [/^intel\/xpu-smi-1[0-7]-.*$/, 'words of success after a setting was changed'],
  [/^intel\/xpu-smi-(05|07|21)-.*$/, 'tells of another controller, or of a file that was written'],
]

function filesUnder(path: string): string[] {
  return readdirSync(join(fixtures, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesUnder(`${path}/${entry.name}`) : [`${path}/${entry.name}`],
  )
}

const isCapture = (file: string) => !notCaptures.some(([pattern]) => pattern.test(file))
const files = folders.flatMap(filesUnder)
const textOf = (file: string) => readFileSync(join(fixtures, file), 'utf8')

function read(file: string): Promise<Hardware | undefined> {
  return hardwareOfOutput({ text: textOf(file), savedAt: new Date(0), includeIds: true })
}

function readingsOf(gpu: Gpu): [GpuField, Reading<unknown>][] {
  const { vendor: _, index: __, ...readings } = gpu
  return Object.entries(readings) as [GpuField, Reading<unknown>][]
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

/** Where outputs write down a field that is 0, in the words of each tool; `0` stands in brackets. */
const zeros: Partial<Record<GpuField, RegExp>> = {
  vramUsedMib:
    /FB Memory Usage\s+Total.*\s+(?:Reserved.*\s+)?Used +: (0) MiB|<used>(0) MiB|\| +(0)MiB \//i,
  vramReservedMib: /Reserved +: (0) MiB|<reserved>(0) MiB/,
  utilisationRatio:
    /GPU +: (0) %|<gpu_util>(0) %|\| +(0)% |GPU use \(%\)\W+(0)\b|GFX_ACTIVITY: (0) %|(\b0) %|GPU Utilization \(%\) +\| (0) |, (0)\.00,|"GFX": \{[^}]*"value": (0)\b| (0)% *$/im,
  eccUncorrectedErrors:
    /Uncorrectable\w* +: (0)|uncorrectable\w*>(0)<|Total +: (0)\b|<total>(0)<|\| +(0) \||TOTAL_UNCORRECTABLE_COUNT: (0)/i,
  clockSmMhz: /SM +: (0) MHz|<sm_clock>(0) MHz|sclk clock speed:": "\((0)Mhz|, +(0)$/im,
  clockSmMaxMhz: /<sm_clock>(0) MHz/,
  clockMemoryMhz: /<mem_clock>(0) MHz/,
  clockMemoryMaxMhz: /<mem_clock>(0) MHz/,
  temperatureC: /<gpu_temp>(0) C/,
  numaNode: /Numa (?:Node|Affinity)"?: "?(0)"|\t(0)\s*(?:\t|$)/im,
  powerLimitMinW: /MIN_POWER: (0) W/,
  gpuLinks: /"SELF"|LINK TYPE TABLE/,
}

/** GPUs of these outputs are apart; of the others a word for one is taken for all. */
function blocksOf(text: string): string[] {
  const blocks = text.split(/^(?=GPU [\da-f]{8}:|\t*<gpu id=)/im)
  return blocks.length > 1 ? blocks.slice(1) : [text]
}

describe.skipIf(folders.length === 0)('saved outputs', () => {
  test('each file is an output that is read, or one that is known to be none', async () => {
    const unread = await Promise.all(
      files.filter(isCapture).map(async (file) => ((await read(file)) ? [] : [file])),
    )
    expect(unread.flat()).toEqual([])
    expect(files.filter(isCapture).length).toBeGreaterThan(0)
  })

  test.each(files.filter(isCapture))(
    '%s is a document without NaN, and 0 only where the tool said 0',
    async (file) => {
      const hardware = await read(file)
      const parsed = hardwareSchema.safeParse(hardware)
      expect(parsed.error?.issues).toBeUndefined()
      expect(numbersIn(hardware).filter((value) => !Number.isFinite(value))).toEqual([])
      const host = Object.values(hardware?.host ?? {}) as Reading<unknown>[]
      expect(host.filter(({ status }) => status === 'ok')).toEqual([])
      const blocks = blocksOf(textOf(file))
      for (const [place, gpu] of (hardware?.gpus ?? []).entries()) {
        for (const [field, reading] of readingsOf(gpu)) {
          if (readingValue(reading) !== 0) continue
          const words = zeros[field]
          expect(words, `${field} was not expected to be 0 anywhere`).toBeDefined()
          expect(blocks[place] ?? blocks[0], field).toMatch(words as RegExp)
        }
      }
    },
  )

  const pairs = files.filter((file) => /nvidia\/gls\/.*_smi\.txt$/.test(file))
  test.each(pairs)('%s agrees with what -a told of the same machine', async (file) => {
    const long = file.replace('_smi.txt', '_smi-a.txt')
    if (!files.includes(long)) return
    const [table, text] = await Promise.all([read(file), read(long)])
    expect(table?.gpus).toHaveLength(text?.gpus.length ?? -1)
    const fields = [
      'pciAddress',
      'vramTotalMib',
      'driverVersion',
      'computeApi',
      'powerLimitEnforcedW',
      'eccEnabled',
      'migEnabled',
      'performanceState',
      'persistenceEnabled',
      'computeMode',
    ] as const
    for (const [place, gpu] of (table?.gpus ?? []).entries()) {
      for (const field of fields) {
        const other = text?.gpus[place]?.[field]
        expect([field, readingValue<unknown>(gpu[field])]).toEqual([
          field,
          readingValue<unknown>(other),
        ])
      }
    }
  })

  // Read off the files by eye.
  test.each<[string, number, Partial<Record<GpuField, unknown>>]>([
    [
      'nvidia/gls/A100SXMx4_smi.txt',
      4,
      {
        name: 'NVIDIA A100-SXM4-80GB',
        vramTotalMib: 81920,
        driverVersion: '555.42.02',
        powerLimitEnforcedW: 500,
        powerW: 59,
        migEnabled: false,
      },
    ],
    [
      'nvidia/gls/GTX680_smi.txt',
      1,
      {
        name: undefined,
        vramTotalMib: 2000,
        vramUsedMib: 0,
        driverVersion: '470.256.02',
        computeApi: 'CUDA 11.4',
        powerW: undefined,
        powerLimitEnforcedW: undefined,
        utilisationRatio: undefined,
        eccEnabled: undefined,
      },
    ],
    [
      'nvidia/gls/GTX680_smi-a.txt',
      1,
      {
        name: 'NVIDIA GeForce GTX 680',
        uuid: 'GPU-550139a6-4f96-fb93-dc5c-741f01045b48',
        vbiosVersion: '80.04.47.00.11',
        pciAddress: '0000:08:00.0',
        pcieGeneration: undefined,
        powerW: undefined,
        throttleReasons: undefined,
        migEnabled: undefined,
      },
    ],
    [
      'nvidia/gls/RTX5090_smi-a.txt',
      1,
      {
        name: 'NVIDIA GeForce RTX 5090',
        vramTotalMib: 32607,
        vramReservedMib: 487,
        vramUsedMib: 2,
        powerW: 23.78,
        powerLimitEnforcedW: 575,
        powerLimitMinW: 400,
        temperatureC: 25,
        temperatureSlowdownC: undefined,
        throttleReasons: ['sw_power_cap'],
      },
    ],
    [
      'nvidia/gls/GH200_smi-a.txt',
      1,
      {
        powerLimitEnforcedW: 700,
        powerLimitRequestedW: 900,
        powerLimitModuleW: 1000,
        powerW: 87.88,
        clockSmMhz: 345,
      },
    ],
    ['nvidia/gls/A40x10_smi.txt', 10, { name: 'NVIDIA A40', vramTotalMib: 46068 }],
    [
      'nvidia/gls/V100_x8_smi-a.txt',
      8,
      {
        name: 'Tesla V100-SXM2-16GB',
        vramTotalMib: 16384,
        memoryRepairPending: false,
        eccUncorrectedErrors: 0,
      },
    ],
    [
      'nvidia/captures/linux-x86_64__nvidia-geforce-rtx-2080-super__610.57.04.txt',
      1,
      {
        driverVersion: '610.57.04',
        computeApi: 'CUDA 13.3',
        powerLimitEnforcedW: 250,
        powerLimitMinW: 105,
        powerW: 38.89,
      },
    ],
    [
      'nvidia/smi-xml/gtx-1070-ti.xml',
      1,
      {
        name: 'GeForce GTX 1070 Ti',
        driverVersion: undefined,
        pcieGenerationNow: 1,
        pcieWidthNow: 16,
      },
    ],
    ['nvidia/gpud/lspci.nn.a10', 1, { name: 'GA102GL [A10]', pciAddress: '0000:06:00.0' }],
    [
      'nvidia/gpud/nvidia-smi.nvlink.status.a100',
      8,
      { name: 'NVIDIA A100-SXM4-80GB', gpuLinks: 12, gpuLinkGbPerS: 300 },
    ],
    ['nvidia/topo/8x-v100-hybrid-cube-mesh.txt', 8, { numaNode: 0, name: undefined }],
    [
      'amd/gls/MI300X_x4_smi-a.txt',
      4,
      {
        name: 'AMD Instinct MI300X OAM',
        pciAddress: '0000:26:00.0',
        uuid: 'GPU-8d1457e2c20f59d2',
        powerLimitEnforcedW: 750,
        powerW: 133,
        computeMode: 'SPX/NPS1',
        driverVersion: '6.7.0',
        clockSmMaxMhz: 2100,
        vramTotalMib: undefined,
      },
    ],
    [
      'amd/gls/MI300X_x4_smi.txt',
      4,
      {
        name: 'AMD Instinct MI300X',
        temperatureC: 35,
        powerW: 133,
        clockSmMhz: 131,
        clockMemoryMhz: 900,
        vramTotalMib: undefined,
      },
    ],
    [
      'amd/gls/MI300X_x4_rocminfo.txt',
      4,
      {
        name: 'AMD Instinct MI300X',
        computeCapability: 'gfx942',
        pciAddress: '0000:26:00.0',
        uuid: 'GPU-8d1457e2c20f59d2',
        vramTotalMib: 196592,
        clockSmMaxMhz: 2100,
      },
    ],
    [
      'amd/amdgpu_top/sample.json',
      2,
      {
        name: 'AMD Radeon Graphics',
        vramTotalMib: 512,
        vramUsedMib: 460,
        integrated: true,
        powerW: 27,
        temperatureC: 43,
        temperatureMemoryC: undefined,
        powerLimitEnforcedW: undefined,
      },
    ],
    [
      'amd/amd-smi/rocm6.1.0-25-amd-smi-monitor-ptumv.txt',
      8,
      {
        powerW: 171,
        temperatureC: 32,
        temperatureMemoryC: 33,
        vramTotalMib: 196300,
        vramUsedMib: 283,
        clockSmMhz: 114,
        name: undefined,
      },
    ],
    ['amd/amd-smi/rocm6.1.2-19-amd-smi-metric-power.txt', 2, { powerW: 11, throttleReasons: [] }],
    [
      'amd/amd-smi/rocm6.3.0-07-amd-smi-static-asic.txt',
      1,
      { name: 'MI308X', computeCapability: 'gfx942', uuid: undefined },
    ],
    ['amd/amd-smi/rocm6.1.0-28-amd-smi-metric-u-all.txt', 0, {}],
    [
      'intel/xpu-smi-03-xpu-smi-discovery-d-0000-4d-00-0.txt',
      1,
      {
        name: 'Intel(R) Graphics [0x020a]',
        vramTotalMib: 32768,
        driverVersion: '16929133',
        eccEnabled: true,
        serial: undefined,
        pcieWidth: 16,
        clockSmMaxMhz: 1400,
      },
    ],
    [
      'intel/xpu-smi-18-xpu-smi-stats-d-0.txt',
      1,
      {
        powerW: 15,
        clockSmMhz: 2050,
        temperatureC: 41,
        temperatureMemoryC: undefined,
        vramUsedMib: 24,
      },
    ],
    ['intel/xpu-smi-20-xpu-smi-dump-d-0-m-0-1-2-i-1-n-5.txt', 1, { powerW: 14.61 }],
    [
      'apple/powermetrics-m5max-macos25E253.txt',
      1,
      { integrated: true, name: undefined, vramTotalMib: undefined },
    ],
  ])('%s: %i GPUs, the first as read by eye', async (file, count, facts) => {
    if (!files.includes(file)) return
    const gpus = (await read(file))?.gpus ?? []
    expect(gpus).toHaveLength(count)
    const told = Object.keys(facts).map((field) => [
      field,
      readingValue<unknown>(gpus[0]?.[field as GpuField]),
    ])
    expect(Object.fromEntries(told)).toEqual(facts)
  })
})
