import { expect, test } from 'vitest'
import { type Gpu, type GpuField, gpuFields } from '../../src/detect/gpu-fields.ts'
import type { Machine } from '../../src/detect/machine.ts'
import { readingValue } from '../../src/detect/reading.ts'
import type { CommandResult, RunCommand } from '../../src/detect/run-command.ts'
import { amd } from '../../src/detect/vendors/amd.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

// Written by hand, after the shapes that the tools' sources and captures show.

const watts = (value: number) => ({ value, unit: 'W' })
const celsius = (value: number) => ({ value, unit: 'C' })
const megabytes = (value: number) => ({ value, unit: 'MB' })
const megahertz = (value: number) => ({ value, unit: 'MHz' })

/** An MI300X as `static` tells it, AMD SMI 26. */
const staticMi300x = {
  gpu: 0,
  asic: {
    market_name: 'AMD Instinct MI300X',
    device_id: '0x74a1',
    asic_serial: '0x8D1457E2C20F59D2',
    target_graphics_version: 'gfx942',
  },
  bus: {
    bdf: '0000:26:00.0',
    max_pcie_width: 16,
    max_pcie_speed: { value: 32, unit: 'GT/s' },
    pcie_interface_version: 'Gen 5',
  },
  vbios: { name: 'AMD MI300X', part_number: '113-MI3SRIOV-001', version: '022.040.003' },
  limit: {
    ppt0: {
      max_power_limit: watts(750),
      min_power_limit: watts(0),
      socket_power_limit: watts(700),
    },
    ppt1: { max_power_limit: 'N/A', min_power_limit: 'N/A', socket_power_limit: 'N/A' },
    slowdown_edge_temperature: 'N/A',
    slowdown_hotspot_temperature: celsius(100),
  },
  driver: { name: 'amdgpu', version: '6.10.5' },
  board: { product_serial: '692347006052', product_name: 'AMD Instinct MI300X OAM' },
  ras: { ecc_block_state: { UMC: 'ENABLED', SDMA: 'DISABLED' } },
  partition: { compute_partition: 'SPX', memory_partition: 'NPS1', partition_id: 0 },
  numa: { node: 1, affinity: 1 },
  vram: { type: 'HBM3', size: megabytes(196592) },
}

const metricMi300x = {
  gpu: 0,
  usage: { gfx_activity: { value: 37, unit: '%' } },
  power: { socket_power: watts(141), throttle_status: 'N/A' },
  clock: {
    gfx_0: { clk: megahertz(131), max_clk: megahertz(2100) },
    gfx_1: { clk: megahertz(1998), max_clk: megahertz(2100) },
    gfx_2: { clk: 'N/A', max_clk: 'N/A' },
    mem_0: { clk: megahertz(900), max_clk: megahertz(1300) },
    vclk_0: { clk: megahertz(9999), max_clk: megahertz(9999) },
  },
  temperature: { edge: 'N/A', hotspot: celsius(44), mem: celsius(33) },
  pcie: { width: 16, speed: { value: 32, unit: 'GT/s' } },
  ecc: { total_correctable_count: 4, total_uncorrectable_count: 0 },
  perf_level: 'AMDSMI_DEV_PERF_LEVEL_AUTO',
  mem_usage: {
    total_vram: megabytes(196592),
    used_vram: megabytes(284),
    free_vram: megabytes(196308),
  },
  throttle: {
    prochot_violation_status: 'NOT ACTIVE',
    ppt_violation_status: 'ACTIVE',
    ppt_violation_activity: { value: 3, unit: '%' },
    vr_thermal_violation_status: 'N/A',
  },
}

const versionOutput = [{ tool: 'AMDSMI Tool', rocm_version: '7.0.2' }]

type Outputs = Readonly<Record<string, unknown>>

/** Tools by name, each with what it prints for its first argument; texts as they are, the rest as JSON. */
function tools(outputs: Readonly<Record<string, Outputs | CommandResult>>): {
  readonly runCommand: RunCommand
  readonly asked: string[]
} {
  const asked: string[] = []
  const runCommand: RunCommand = async (file, args) => {
    asked.push(`${file} ${args[0]}`)
    const tool = outputs[file]
    if (tool === undefined) return { kind: 'not-found', tookMs: 1 }
    if ('kind' in tool) return tool as CommandResult
    const output = (tool as Outputs)[args[0] ?? '']
    if (output === undefined) return exited('', 1, 'not supported')
    if (typeof output === 'object' && output !== null && 'kind' in output)
      return output as CommandResult
    return exited(typeof output === 'string' ? output : `${JSON.stringify(output, null, 4)}\n`)
  }
  return { runCommand, asked }
}

async function askAmdSmi(
  outputs: Outputs,
  machine: Partial<Parameters<typeof fakeMachine>[0]> = {},
) {
  const { runCommand } = tools({ 'amd-smi': outputs })
  return amd.ask(fakeMachine({ ...machine, runCommand }))
}

const askRocmSmi = async (card: Readonly<Record<string, string>>) => {
  const { runCommand } = tools({ 'rocm-smi': { '--showallinfo': { card0: card } } })
  return (await amd.ask(fakeMachine({ runCommand }))).gpus[0]
}

const value = (gpu: Gpu | undefined, field: GpuField) => readingValue<unknown>(gpu?.[field])
const reason = (gpu: Gpu | undefined, field: GpuField) => {
  const reading = gpu?.[field]
  return reading?.status === 'absent' ? reading.reason : undefined
}

test('all that amd-smi tells of an MI300X', async () => {
  const { gpus, reports } = await askAmdSmi({
    static: { gpu_data: [staticMi300x] },
    metric: { gpu_data: [metricMi300x] },
    process: [{ gpu: 0, process_list: [{ process_info: 'No running processes detected' }] }],
    version: versionOutput,
  })
  expect(gpus).toHaveLength(1)
  const known = (Object.keys(gpuFields) as GpuField[]).flatMap((field) =>
    gpus[0]?.[field].status === 'ok' ? [[field, value(gpus[0], field)]] : [],
  )
  expect(Object.fromEntries(known)).toEqual({
    name: 'AMD Instinct MI300X',
    pciAddress: '0000:26:00.0',
    uuid: 'GPU-8d1457e2c20f59d2',
    serial: '692347006052',
    computeCapability: 'gfx942',
    vramTotalMib: 196592,
    vramUsedMib: 284,
    vramFreeMib: 196308,
    driverVersion: '6.10.5',
    computeApi: 'ROCm 7.0.2',
    vbiosVersion: '113-MI3SRIOV-001',
    powerLimitEnforcedW: 700,
    powerLimitMinW: 0,
    powerLimitMaxW: 750,
    powerW: 141,
    // No edge sensor: hotspot, and the limit of the hotspot.
    temperatureC: 44,
    temperatureSlowdownC: 100,
    temperatureMemoryC: 33,
    // The fastest of the dies, not the first, and no video clock.
    clockSmMhz: 1998,
    clockSmMaxMhz: 2100,
    clockMemoryMhz: 900,
    clockMemoryMaxMhz: 1300,
    utilisationRatio: 0.37,
    throttleReasons: ['ppt'],
    performanceState: 'auto',
    eccEnabled: true,
    eccUncorrectedErrors: 0,
    computeMode: 'SPX/NPS1',
    partitions: [],
    pcieGeneration: 5,
    pcieWidth: 16,
    pcieGenerationNow: 5,
    pcieWidthNow: 16,
    pcieWidthOfGpu: 16,
    numaNode: 1,
    processes: [],
  })
  // `topology` failed, which makes nothing else wrong.
  expect(reports[0]).toEqual({
    tool: 'amd-smi',
    outcome: 'ok',
    detail: 'topology: exit code 1: not supported',
    tookMs: 5,
  })
})

test('the array up to ROCm 6.3 and the object since tell the same, with CRLF, BOM and warnings too', async () => {
  const outputs = { static: [staticMi300x], metric: [metricMi300x], version: versionOutput }
  const { gpus } = await askAmdSmi(outputs)
  const windows = (json: unknown) => {
    const lines = JSON.stringify(json, null, 4).replaceAll('\n', '\r\n')
    return `\uFEFF${lines}\r\n`
  }
  const warning = 'WARNING: User is missing the following group: render\r\n'
  const since = await askAmdSmi({
    static: windows({ gpu_data: [staticMi300x], cpu_data: [{ cpu: 0 }] }),
    metric: `${warning}${windows({ gpu_data: [metricMi300x] })}`,
    version: windows(versionOutput),
  })
  expect(since.gpus).toEqual(gpus)
})

test('limits stand under three names, and a limit of 0 W is none', async () => {
  const limited = async (limit: unknown) => {
    const { gpus } = await askAmdSmi({ static: [{ ...staticMi300x, limit }] })
    const fields = ['powerLimitEnforcedW', 'powerLimitMinW', 'powerLimitMaxW'] as const
    return fields.map((field) => value(gpus[0], field) ?? reason(gpus[0], field))
  }
  expect(
    await limited({ socket_power: watts(203), min_power: watts(0), max_power: watts(213) }),
  ).toEqual([203, 0, 213])
  expect(await limited({ current_power: watts(203), max_power: watts(213) })).toEqual([
    203,
    'amd-smi does not tell it',
    213,
  ])
  expect(await limited({ socket_power: watts(0), min_power: 'N/A', max_power: '213 W' })).toEqual([
    'amd-smi says 0 W',
    'amd-smi says N/A',
    213,
  ])
})

test('N/A in every spelling is absent with the tool’s words, never 0 and never NaN', async () => {
  const none = ['N/A', 'n/a', { value: 'N/A', unit: 'W' }, '', 'NaN', null, 65535, '71,5 W']
  for (const cell of none) {
    const { gpus } = await askAmdSmi({
      static: [{ ...staticMi300x, board: 'N/A', numa: 'N/A', ras: 'N/A', partition: 'N/A' }],
      metric: [
        {
          gpu: 0,
          power: { socket_power: cell },
          usage: { gfx_activity: cell },
          temperature: 'N/A',
          clock: 'N/A',
          ecc: 'N/A',
          throttle: 'N/A',
        },
      ],
    })
    expect(value(gpus[0], 'powerW'), String(cell)).toBeUndefined()
    expect(value(gpus[0], 'utilisationRatio'), String(cell)).toBeUndefined()
    for (const field of [
      'serial',
      'numaNode',
      'eccEnabled',
      'computeMode',
      'partitions',
      'temperatureC',
      'clockSmMhz',
      'throttleReasons',
    ] as const) {
      expect(gpus[0]?.[field].status, field).toBe('absent')
    }
  }
  const { gpus } = await askAmdSmi({
    static: [staticMi300x],
    metric: [{ gpu: 0, power: { socket_power: { value: 'N/A', unit: 'W' } } }],
  })
  expect(gpus[0]?.powerW).toEqual({
    status: 'absent',
    reason: 'amd-smi says N/A',
    source: 'amd-smi metric.power.socket_power',
  })
})

test('NaN where JSON has none does not cost the other values', async () => {
  const metric =
    '[{"gpu": 0, "power": {"socket_power": {"value": 141, "unit": "W"}}, "usage": {"gfx_activity": NaN}}]'
  const { gpus } = await askAmdSmi({ static: [staticMi300x], metric })
  expect(value(gpus[0], 'powerW')).toBe(141)
  expect(value(gpus[0], 'utilisationRatio')).toBeUndefined()
})

test('memory in GB and B comes out in MiB, and a unit that is not known is refused', async () => {
  const vram = async (size: unknown) => {
    const { gpus } = await askAmdSmi({ static: [{ ...staticMi300x, vram: { size } }] })
    return value(gpus[0], 'vramTotalMib')
  }
  expect(await vram({ value: 192, unit: 'GB' })).toBe(196608)
  expect(await vram({ value: 536870912, unit: 'B' })).toBe(512)
  expect(await vram({ value: 192, unit: 'furlongs' })).toBeUndefined()
  expect(await vram(192)).toBeUndefined()
})

test('drivers of the kernel itself tell its version, without who built it', async () => {
  const version = 'Linuxversion6.8.0-64-generic(buildd@host)(x86_64-linux-gnu-gcc-13)'
  const { gpus } = await askAmdSmi({ static: [{ ...staticMi300x, driver: { version } }] })
  expect(value(gpus[0], 'driverVersion')).toBe('in kernel 6.8.0-64-generic')
})

test('throttling without causes is told by older GPUs', async () => {
  const throttled = async (throttle_status: string) => {
    const metric = [{ gpu: 0, power: { throttle_status } }]
    const { gpus } = await askAmdSmi({ static: [staticMi300x], metric })
    return value(gpus[0], 'throttleReasons')
  }
  expect(await throttled('UNTHROTTLED')).toEqual([])
  expect(await throttled('THROTTLED')).toEqual(['throttled'])
  expect(await throttled('N/A')).toBeUndefined()
})

test('memory controllers come as a map or as a list', async () => {
  const ecc = async (ecc_block_state: unknown) => {
    const { gpus } = await askAmdSmi({ static: [{ ...staticMi300x, ras: { ecc_block_state } }] })
    return value(gpus[0], 'eccEnabled')
  }
  expect(await ecc({ UMC: 'DISABLED' })).toBe(false)
  expect(
    await ecc([
      { block: 'GFX', status: 'DISABLED' },
      { block: 'UMC', status: 'ENABLED' },
    ]),
  ).toBe(true)
  expect(await ecc({ GFX: 'ENABLED' })).toBeUndefined()
  expect(await ecc('N/A')).toBeUndefined()
})

test('processes have the base name of their program; without rights none, and memory in MiB', async () => {
  const { gpus } = await askAmdSmi({
    static: [staticMi300x],
    process: {
      gpu_data: [
        {
          gpu: 0,
          process_list: [
            {
              process_info: {
                name: '/home/someone/venv/bin/python3',
                pid: 42,
                memory_usage: { vram_mem: { value: 2097152, unit: 'B' } },
              },
            },
            { process_info: { name: 'N/A', pid: 43, mem_usage: { value: 1048576, unit: 'B' } } },
          ],
        },
      ],
    },
  })
  expect(value(gpus[0], 'processes')).toEqual([
    { pid: 42, name: 'python3', usedMib: 2 },
    { pid: 43, usedMib: 1 },
  ])
})

test('a GPU in partitions is one GPU with parts', async () => {
  const part = (gpu: number, partition_id: number) => ({
    ...staticMi300x,
    gpu,
    bus: { bdf: `0000:26:00.${partition_id}` },
    partition: { compute_partition: 'CPX', memory_partition: 'NPS4', partition_id },
  })
  const usage = (gpu: number) => ({ gpu, mem_usage: { total_vram: megabytes(49148) } })
  const { gpus } = await askAmdSmi({
    static: [part(0, 0), part(1, 1), part(2, 2)],
    metric: [usage(0), usage(1)],
  })
  expect(gpus).toHaveLength(1)
  expect(value(gpus[0], 'computeMode')).toBe('CPX/NPS4')
  expect(value(gpus[0], 'partitions')).toEqual([
    { profile: 'CPX', memoryTotalMib: 49148 },
    { profile: 'CPX', memoryTotalMib: 49148 },
    { profile: 'CPX' },
  ])
})

test('links over xGMI are counted and added up, one way', async () => {
  const at = (gpu: number, bdf: string) => ({ ...staticMi300x, gpu, bus: { bdf } })
  const link = (gpu: number, link_type: string, bandwidth: string) => ({
    gpu,
    link_type,
    bandwidth,
  })
  const { gpus, topology } = await askAmdSmi({
    static: [at(0, '0000:01:00.0'), at(1, '0000:02:00.0'), at(2, '0000:03:00.0')],
    topology: [
      {
        gpu: 0,
        links: [link(2, 'PCIE', 'N/A'), link(1, 'XGMI', '50000-100000'), link(0, 'SELF', 'N/A')],
      },
      {
        gpu: 1,
        links: [link(0, 'XGMI', '50000-100000'), link(1, 'SELF', 'N/A'), link(2, 'XGMI', 'N/A')],
      },
    ],
  })
  // 100,000 MB/s over links of 50,000 MB/s: two links to the same GPU.
  expect([value(gpus[0], 'gpuLinks'), value(gpus[0], 'gpuLinkGbPerS')]).toEqual([2, 100])
  // Of one neighbour the bandwidth is not told, so the sum is not known.
  expect([value(gpus[1], 'gpuLinks'), value(gpus[1], 'gpuLinkGbPerS')]).toEqual([3, undefined])
  expect(readingValue(topology)).toEqual({
    gpus: ['0000:01:00.0', '0000:02:00.0', '0000:03:00.0'],
    links: [
      ['SELF', 'XGMI', 'PCIE'],
      ['XGMI', 'SELF', 'XGMI'],
      ['n/a', 'n/a', 'n/a'],
    ],
  })
})

const dual = (gpu: number, bdf: string) => ({
  ...staticMi300x,
  gpu,
  asic: { market_name: 'AMD Instinct MI250X' },
  bus: { bdf },
  limit: { socket_power: gpu === 0 ? watts(560) : 'N/A' },
})

test('of two dies in a package the second has no power of its own, and says why', async () => {
  const { gpus } = await askAmdSmi({
    static: [dual(0, '0000:c9:00.0'), dual(1, '0000:cc:00.0')],
    metric: [
      { gpu: 0, power: { socket_power: watts(128) } },
      { gpu: 1, power: { socket_power: watts(0) } },
    ],
  })
  expect([value(gpus[0], 'powerW'), value(gpus[0], 'powerLimitEnforcedW')]).toEqual([128, 560])
  expect(gpus[0]?.powerW.source).toBe(
    'amd-smi metric.power.socket_power, of both dies of the package',
  )
  const why = 'second die of its package: the first one tells the power of both'
  expect([reason(gpus[1], 'powerW'), reason(gpus[1], 'powerLimitEnforcedW')]).toEqual([why, why])
})

test('where no die tells power, none is taken for a second one', async () => {
  const { gpus } = await askAmdSmi({
    static: [dual(0, '0000:c9:00.0'), dual(1, '0000:cc:00.0')],
    metric: [{ gpu: 0, power: { socket_power: 'N/A' } }],
  })
  expect(reason(gpus[0], 'powerW')).toBe('amd-smi says N/A')
})

const hangs: CommandResult = { kind: 'timed-out', timeoutMs: 5000, tookMs: 6500 }
const outcomes = (reports: readonly { tool: string; outcome: string }[]) =>
  reports.map(({ tool, outcome }) => `${tool} ${outcome}`)

test('an amd-smi that hangs is asked once, then rocm-smi, within the time of a vendor', async () => {
  const limits: number[] = []
  const { asked, runCommand } = tools({ 'amd-smi': hangs, 'rocm-smi': hangs })
  const timed: RunCommand = (file, args, options) => {
    limits.push(options.timeoutMs)
    return runCommand(file, args, options)
  }
  const { gpus, reports } = await amd.ask(fakeMachine({ runCommand: timed }))
  expect(gpus).toEqual([])
  expect(asked).toEqual(['amd-smi static', 'rocm-smi --showallinfo'])
  expect(outcomes(reports)).toEqual(['amd-smi timed-out', 'rocm-smi timed-out'])
  // Each may take 1.5 s more to be killed.
  expect(limits.reduce((sum, each) => sum + each + 1500, 0)).toBeLessThanOrEqual(12_000)
})

test('an amd-smi that hangs half-way leaves what it said before, and is asked nothing more', async () => {
  const { asked, runCommand } = tools({
    'amd-smi': { static: [staticMi300x], metric: hangs },
    'rocm-smi': {},
  })
  const { gpus, reports } = await amd.ask(fakeMachine({ runCommand }))
  expect(value(gpus[0], 'name')).toBe('AMD Instinct MI300X')
  expect(asked).toEqual(['amd-smi static', 'amd-smi metric'])
  expect(reports[0]).toMatchObject({
    outcome: 'timed-out',
    detail: 'metric: no answer in 5000 ms',
  })
})

test.each([
  ['half a document', '[{"gpu": 0, "asic": {'],
  ['words', 'ERROR:root:Unable to detect any GPU devices, check amdgpu version'],
  ['an empty list', '[]'],
  ['nothing', ''],
])('%s from amd-smi is a failure, and rocm-smi is asked', async (_what, output) => {
  const { asked, runCommand } = tools({ 'amd-smi': { static: output }, 'rocm-smi': {} })
  const { gpus, reports } = await amd.ask(fakeMachine({ runCommand }))
  expect(gpus).toEqual([])
  expect(asked).toEqual(['amd-smi static', 'rocm-smi --showallinfo'])
  expect(reports[0]).toMatchObject({ tool: 'amd-smi', outcome: 'failed' })
})

test('without any tool, on a machine without AMD, all is said to be missing', async () => {
  const { gpus, reports, topology } = await amd.ask(fakeMachine())
  expect(gpus).toEqual([])
  expect(topology).toBeUndefined()
  expect(outcomes(reports)).toEqual(['amd-smi not-found', 'rocm-smi not-found'])
  const windows = await amd.ask(fakeMachine({ platform: 'win32' }))
  expect(outcomes(windows.reports)).toEqual(['amd-smi not-found', 'rocm-smi not-found'])
})

test('rocm-smi names power, series and model in several ways', async () => {
  const average = await askRocmSmi({
    'Card series': 'Radeon Instinct MI50 32GB',
    'Average Graphics Package Power (W)': '26.0',
  })
  const current = await askRocmSmi({
    'Card Series': 'AMD Instinct MI300X OAM',
    'Card Model': '0x74a1',
    'Current Socket Graphics Package Power (W)': '133.0',
  })
  expect([value(average, 'name'), value(average, 'powerW')]).toEqual([
    'Radeon Instinct MI50 32GB',
    26,
  ])
  expect([value(current, 'name'), value(current, 'powerW')]).toEqual([
    'AMD Instinct MI300X OAM',
    133,
  ])
})

test('rocm-smi figures with a comma are refused, since it may be either sign', async () => {
  const gpu = await askRocmSmi({
    'Average Graphics Package Power (W)': '26,0',
    'Temperature (Sensor edge) (C)': '1,053',
  })
  expect([reason(gpu, 'powerW'), reason(gpu, 'temperatureC')]).toEqual([
    'rocm-smi says 26,0',
    'rocm-smi says 1,053',
  ])
})

/** A card as the driver shows it in sysfs. */
function card(
  name: string,
  address: string,
  files: Readonly<Record<string, string>>,
): Record<string, string> {
  const all: Record<string, string> = {
    vendor: '0x1002',
    device: '0x740c',
    revision: '0x01',
    uevent: `DRIVER=amdgpu\nPCI_SLOT_NAME=${address}`,
    ...files,
  }
  return Object.fromEntries(
    Object.entries(all).map(([file, text]) => [
      `/sys/class/drm/${name}/device/${file}`,
      `${text}\n`,
    ]),
  )
}

const askFiles = async (files: Readonly<Record<string, string>>) => amd.ask(fakeMachine({ files }))

test('sensors, memory, errors and names come from the kernel where there is no tool', async () => {
  const { gpus } = await askFiles({
    ...card('card1', '0000:c9:00.0', {
      unique_id: '79ccd55167a2124a',
      mem_info_vram_total: '68702699520',
      pp_dpm_sclk: 'S: 19Mhz *\n0: 500Mhz\n1: 1700Mhz',
      'fw_version/smc_fw_version': '0x00443600',
      current_compute_partition: 'SPX',
      current_memory_partition: 'NPS1',
      'ras/umc_err_count': 'ue: 2\nce: 7',
      'ras/features': 'feature mask: 0x3fff',
      'ras/gpu_vram_bad_pages': '0x00000001 : 0x00001000 : R\n0x00000002 : 0x00001000 : P',
      'hwmon/hwmon4/power1_average': '128000000',
      'hwmon/hwmon4/power1_cap': '500000000',
      'hwmon/hwmon4/power1_cap_default': '560000000',
      'hwmon/hwmon4/power1_cap_max': '560000000',
      'hwmon/hwmon4/power1_cap_min': '0',
      'hwmon/hwmon4/temp1_label': 'edge',
      'hwmon/hwmon4/temp1_input': '35000',
      'hwmon/hwmon4/temp1_crit': '100000',
      'hwmon/hwmon4/temp2_label': 'junction',
      'hwmon/hwmon4/temp2_input': '41000',
      'hwmon/hwmon4/temp3_label': 'mem',
      'hwmon/hwmon4/temp3_input': '45500',
    }),
    '/sys/class/drm/card1-DP-1/status': 'connected\n',
    '/sys/class/drm/renderD128/device/vendor': '0x1002\n',
    '/usr/share/libdrm/amdgpu.ids':
      '# names\n1.0.0\n740C,\t00,\tAMD Instinct MI250\n740C,\t01,\tAMD Instinct MI250X\n',
    '/sys/module/amdgpu/version': '6.3.6\n',
    '/opt/rocm/.info/version': '6.2.0-66\n',
  })
  expect(gpus).toHaveLength(1)
  const expected: Partial<Record<GpuField, unknown>> = {
    name: 'AMD Instinct MI250X',
    vramTotalMib: 65520,
    clockSmMhz: 19,
    clockSmMaxMhz: 1700,
    // 0x00443600: 0, 68, 54, 0.
    firmwareVersion: 'SMC 00.68.54.00',
    computeMode: 'SPX/NPS1',
    eccUncorrectedErrors: 2,
    eccEnabled: true,
    memoryRepairPending: true,
    powerW: 128,
    powerLimitEnforcedW: 500,
    powerLimitDefaultW: 560,
    powerLimitMinW: 0,
    temperatureC: 35,
    temperatureSlowdownC: 100,
    temperatureMemoryC: 45.5,
    integrated: false,
    driverVersion: '6.3.6',
    computeApi: 'ROCm 6.2.0',
  }
  for (const [field, wanted] of Object.entries(expected)) {
    expect(value(gpus[0], field as GpuField), field).toEqual(wanted)
  }
})

test('the kernel’s 0 W of the second die is no power', async () => {
  const die = (name: string, address: string, microwatts: string) =>
    card(name, address, { 'hwmon/hwmon1/power1_average': microwatts })
  const { gpus } = await askFiles({
    ...die('card0', '0000:c9:00.0', '128000000'),
    ...die('card1', '0000:cc:00.0', '0'),
    '/usr/share/libdrm/amdgpu.ids': '740C,\t01,\tAMD Instinct MI250X\n',
  })
  expect(value(gpus[0], 'powerW')).toBe(128)
  expect(reason(gpus[1], 'powerW')).toMatch(/^second die/)
})

test('files that may not be read are absent for that reason', async () => {
  const machine: Machine = {
    ...fakeMachine({ files: card('card0', '0000:03:00.0', { gpu_busy_percent: '4' }) }),
  }
  const { gpus } = await amd.ask({
    ...machine,
    readText: async (path) => {
      if (path.endsWith('gpu_busy_percent')) throw Object.assign(new Error(), { code: 'EPERM' })
      return machine.readText(path)
    },
  })
  expect(reason(gpus[0], 'utilisationRatio')).toBe('no permission to read it')
})

const kfdNode = (properties: Readonly<Record<string, number>>) =>
  Object.entries({ vendor_id: 4098, simd_count: 416, domain: 0, ...properties })
    .map(([key, number]) => `${key} ${number}`)
    .join('\n')

const NODES = '/sys/class/kfd/kfd/topology/nodes'

test('the graphics of a processor are told from a card by target, else by memory and power limit', async () => {
  const carveOut = { mem_info_vram_total: '536870912' }
  const { gpus } = await askFiles({
    ...card('card0', '0000:03:00.0', { 'hwmon/hwmon0/power1_cap': '300000000' }),
    ...card('card1', '0000:0d:00.0', carveOut),
    ...card('card2', '0000:0e:00.0', { mem_info_vram_total: '103079215104' }),
    ...card('card3', '0000:0f:00.0', { mem_info_vram_total: '17163091968' }),
    // 0xe00: Strix Halo (gfx1151), with 96 GiB set aside.
    [`${NODES}/1/properties`]: kfdNode({ location_id: 0xe00, gfx_target_version: 110501 }),
  })
  expect(gpus.map((gpu) => value(gpu, 'integrated'))).toEqual([false, true, true, undefined])
  expect(value(gpus[2], 'memoryUnified')).toBe(true)
})

test.each([
  [90010, 'gfx90a'],
  [90402, 'gfx942'],
  [90500, 'gfx950'],
  [100301, 'gfx1031'],
  [110000, 'gfx1100'],
  [120001, 'gfx1201'],
  [0, undefined],
])('target version %i is %s', async (gfx_target_version, target) => {
  const { gpus } = await askFiles({
    [`${NODES}/1/properties`]: kfdNode({ location_id: 0x300, gfx_target_version }),
  })
  expect(value(gpus[0], 'computeCapability')).toBe(target)
})

test('location 0xa9 is bus 0, device 15, function 1', async () => {
  const { gpus } = await askFiles({
    [`${NODES}/1/properties`]: kfdNode({ location_id: 0xa9, gfx_target_version: 90402 }),
  })
  expect(value(gpus[0], 'pciAddress')).toBe('0000:00:15.1')
})

test('who computes is known to the kernel: processes with memory on the GPU', async () => {
  const { gpus } = await askFiles({
    [`${NODES}/0/properties`]: 'cpu_cores_count 64\nsimd_count 0\nvendor_id 0\n',
    [`${NODES}/1/properties`]: kfdNode({ location_id: 0x300, gfx_target_version: 90402 }),
    [`${NODES}/1/gpu_id`]: '51102\n',
    '/sys/class/kfd/kfd/proc/42/vram_51102': '10485760\n',
    '/sys/class/kfd/kfd/proc/43/vram_51102': '0\n',
    '/sys/class/kfd/kfd/proc/44/vram_777': '10485760\n',
    '/proc/42/comm': 'vllm\n',
  })
  expect(gpus).toHaveLength(1)
  expect(value(gpus[0], 'processes')).toEqual([{ pid: 42, name: 'vllm', usedMib: 10 }])
})

test('sources are joined by PCI address, whatever their order and numbers', async () => {
  const { runCommand } = tools({
    'amd-smi': {
      static: [
        { gpu: 0, asic: { market_name: 'second' }, bus: { bdf: '0000:C3:00.0' } },
        { gpu: 1, asic: { market_name: 'first' }, bus: { bdf: '0000:83:00.0' } },
      ],
    },
  })
  const files = {
    ...card('card0', '0000:83:00.0', { mem_info_vram_total: '1073741824' }),
    ...card('card1', '0000:c3:00.0', { mem_info_vram_total: '2147483648' }),
    ...card('card2', '0000:e3:00.0', { mem_info_vram_total: '4294967296' }),
    [`${NODES}/1/properties`]: kfdNode({ location_id: 0xc300, gfx_target_version: 90402 }),
  }
  const { gpus } = await amd.ask(fakeMachine({ runCommand, files }))
  expect(
    gpus.map((gpu) => [
      value(gpu, 'name'),
      value(gpu, 'vramTotalMib'),
      value(gpu, 'computeCapability'),
    ]),
  ).toEqual([
    ['second', 2048, 'gfx942'],
    ['first', 1024, undefined],
    [undefined, 4096, undefined],
  ])
})

test('what the slot allows is the kernel’s word, not the best that the GPU could do', async () => {
  const address = '0000:26:00.0'
  const slot = '/sys/devices/pci0000:00/0000:00:01.1'
  const link = { max_link_speed: '32.0 GT/s PCIe', max_link_width: '16' }
  const here = Object.fromEntries(
    Object.entries(link).map(([file, text]) => [`${slot}/${address}/${file}`, text]),
  )
  const { gpus } = await askAmdSmi(
    { static: [staticMi300x] },
    {
      files: {
        ...card('card0', address, {}),
        ...here,
        [`${slot}/max_link_speed`]: '16.0 GT/s PCIe\n',
        [`${slot}/max_link_width`]: '8\n',
      },
      links: { '/sys/class/drm/card0/device': `${slot}/${address}` },
    },
  )
  expect(
    ['pcieGeneration', 'pcieWidth', 'pcieWidthOfGpu'].map((field) =>
      value(gpus[0], field as GpuField),
    ),
  ).toEqual([4, 8, 16])
})
