import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import { readingValue } from '../../src/detect/reading.ts'
import type { CommandResult, RunCommand } from '../../src/detect/run-command.ts'
import { intel } from '../../src/detect/vendors/intel.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

const notFound: CommandResult = { kind: 'not-found', tookMs: 1 }

/** Answers by command line, `-j` and the program's name left off; a string or an object is printed. */
function xpuSmi(answers: Readonly<Record<string, CommandResult | object | string>>): RunCommand {
  return async (file, args) => {
    if (file !== 'xpu-smi') return notFound
    const answer = answers[args.filter((arg) => arg !== '-j').join(' ')]
    if (answer === undefined) return exited('{"error": "unexpected"}', 1)
    if (typeof answer === 'object' && 'kind' in answer) return answer as CommandResult
    return exited(typeof answer === 'string' ? answer : JSON.stringify(answer, null, 4))
  }
}

const listed = (id: number, address: string) => ({
  device_function_type: 'physical',
  device_id: id,
  device_name: 'Intel(R) Data Center GPU Max 1100',
  device_type: 'GPU',
  pci_bdf_address: address,
  uuid: `00000000-0000-00${id}9-0000-002f0bda8086`,
})

const properties = {
  core_clock_rate_mhz: '1550',
  device_id: 0,
  device_name: 'Intel(R) Data Center GPU Max 1100',
  driver_version: 'I915_23.10.72_PSB_231129.76',
  gfx_firmware_version: 'unknown',
  memory_ecc_state: 'enabled',
  memory_free_size_byte: '51493543936',
  memory_physical_size_byte: '51522830336',
  number_of_tiles: '1',
  pci_bdf_address: '0000:29:00.0',
  pcie_generation: '5',
  pcie_max_link_width: '16',
  serial_number: 'unknown',
}

const metric = (name: string, value: number) => ({ metrics_type: `XPUM_STATS_${name}`, value })

const stats = {
  device_id: 0,
  device_level: [
    metric('POWER', 118.87),
    metric('GPU_FREQUENCY', 0),
    metric('MEMORY_USED', 27.99),
    metric('GPU_UTILIZATION', 37.5),
  ],
  tile_level: [
    { tile_id: 0, data_list: [metric('GPU_CORE_TEMPERATURE', 41)] },
    { tile_id: 1, data_list: [metric('GPU_CORE_TEMPERATURE', 44)] },
  ],
}

const answers = {
  discovery: { device_list: [listed(0, '0000:29:00.0')] },
  'discovery -d 0': properties,
  'stats -d 0': stats,
}

const ask = async (runCommand: RunCommand) => intel.ask(fakeMachine({ runCommand }))
const first = (gpus: readonly Gpu[]): Gpu => {
  const [gpu] = gpus
  if (gpu === undefined) throw new Error('no GPU')
  return gpu
}

test('xpu-smi gives numbers as text, and they are numbers', async () => {
  const { gpus, reports } = await ask(xpuSmi(answers))
  const gpu = first(gpus)
  expect(reports).toEqual([{ tool: 'xpu-smi', outcome: 'ok', tookMs: 3 }])
  expect({
    name: readingValue(gpu.name),
    address: readingValue(gpu.pciAddress),
    // 51,522,830,336 / 1,048,576.
    vram: readingValue(gpu.vramTotalMib),
    ecc: readingValue(gpu.eccEnabled),
    highest: readingValue(gpu.clockSmMaxMhz),
    generation: readingValue(gpu.pcieGeneration),
    watts: readingValue(gpu.powerW),
    used: readingValue(gpu.vramUsedMib),
    utilisation: readingValue(gpu.utilisationRatio),
  }).toEqual({
    name: 'Intel(R) Data Center GPU Max 1100',
    address: '0000:29:00.0',
    vram: 49_136,
    ecc: true,
    highest: 1550,
    generation: 5,
    watts: 118.87,
    used: 27.99,
    utilisation: 0.375,
  })
})

test('"unknown" is no serial number and no firmware', async () => {
  const gpu = first((await ask(xpuSmi(answers))).gpus)
  expect(gpu.serial).toMatchObject({ status: 'absent', reason: 'xpu-smi says unknown' })
  expect(gpu.firmwareVersion.status).toBe('absent')
})

test('an idle clock of 0 MHz is a clock; the hotter of two tiles is the temperature', async () => {
  const gpu = first((await ask(xpuSmi(answers))).gpus)
  expect(readingValue(gpu.clockSmMhz)).toBe(0)
  expect(readingValue(gpu.temperatureC)).toBe(44)
  expect(gpu.temperatureMemoryC.status).toBe('absent')
})

test('a card that says it draws 0 W and has 0 bytes is not believed', async () => {
  const dead = { ...stats, device_level: [metric('POWER', 0)] }
  const runCommand = xpuSmi({
    ...answers,
    'discovery -d 0': { ...properties, memory_physical_size_byte: '0', pcie_generation: '-1' },
    'stats -d 0': dead,
  })
  const gpu = first((await ask(runCommand)).gpus)
  expect(gpu.powerW).toMatchObject({ status: 'absent', reason: 'xpu-smi says 0' })
  expect(gpu.vramTotalMib).toMatchObject({ status: 'absent', reason: 'xpu-smi says 0' })
  expect(gpu.pcieGeneration).toMatchObject({ status: 'absent', reason: 'xpu-smi says -1' })
})

test('a GPU whose statistics fail is still found, and says why it lacks them', async () => {
  const denied = exited('{"error": "Fail to get telemetry data."}', 1)
  const { gpus, reports } = await ask(xpuSmi({ ...answers, 'stats -d 0': denied }))
  expect(readingValue(first(gpus).vramTotalMib)).toBe(49_136)
  expect(first(gpus).powerW).toMatchObject({
    status: 'absent',
    reason: 'xpu-smi stats -d 0: Fail to get telemetry data.',
  })
  expect(reports[0]).toMatchObject({ outcome: 'failed' })
})

test.each([
  ['not installed', notFound, 'not-found'],
  ['hangs', { kind: 'timed-out', timeoutMs: 5000, tookMs: 5000 } as const, 'timed-out'],
  ['talks nonsense', exited('Segmentation fault\n', 139), 'failed'],
  ['says what is wrong', exited('{"error": "Level Zero Initialization Error"}', 1), 'failed'],
])('xpu-smi that %s is a report, not an error', async (_what, answer, outcome) => {
  const { gpus, reports } = await ask(xpuSmi({ discovery: answer }))
  expect(gpus).toEqual([])
  expect(reports[0]?.outcome).toBe(outcome)
})

test('when questions take all the time there is, the other GPUs are known by name', async () => {
  const slow = (facts: object): CommandResult => ({
    kind: 'exited',
    exitCode: 0,
    stdout: JSON.stringify(facts),
    stderr: '',
    tookMs: 4000,
  })
  const { gpus, reports } = await ask(
    xpuSmi({
      discovery: slow({ device_list: [listed(0, '0000:29:00.0'), listed(1, '0000:9a:00.0')] }),
      'discovery -d 0': slow(properties),
      'stats -d 0': slow(stats),
    }),
  )
  expect(gpus.map(({ pciAddress }) => readingValue(pciAddress))).toEqual([
    '0000:29:00.0',
    '0000:9a:00.0',
  ])
  expect(gpus[1]?.vramTotalMib.status).toBe('absent')
  expect(reports[0]).toMatchObject({ outcome: 'timed-out', tookMs: 12_000 })
})

test('the matrix of two single-tile GPUs names them by PCI address', async () => {
  const cell = (remote: number, link_type: string) => ({
    remote_device_id: remote,
    remote_subdevice_id: 0,
    link_type,
    local_cpu_affinity: '0-23,48-71',
  })
  const { topology } = await ask(
    xpuSmi({
      ...answers,
      discovery: { device_list: [listed(0, '0000:29:00.0'), listed(1, '0000:9A:00.0')] },
      'discovery -d 1': { device_id: 1 },
      'stats -d 1': { device_id: 1 },
      'topology -m': { topo_list: [cell(0, 'S'), cell(1, 'XL'), cell(0, 'XL'), cell(1, 'S')] },
    }),
  )
  expect(topology && readingValue(topology)).toEqual({
    gpus: ['0000:29:00.0', '0000:9a:00.0'],
    links: [
      ['S', 'XL'],
      ['XL', 'S'],
    ],
  })
})

const card = '/sys/class/drm/card1'
const address = '/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:03:00.0'

/** An Arc A770 under i915 of a recent kernel. */
const arc = {
  files: {
    [`${card}/device/vendor`]: '0x8086\n',
    [`${card}/device/numa_node`]: '-1\n',
    [`${card}/device/max_link_speed`]: '2.5 GT/s PCIe\n',
    [`${card}/device/hwmon/hwmon4/name`]: 'i915\n',
    [`${card}/device/hwmon/hwmon4/power1_max`]: '190000000\n',
    [`${card}/device/hwmon/hwmon4/power1_rated_max`]: '0\n',
    [`${card}/device/hwmon/hwmon4/energy1_input`]: '0\n',
    [`${card}/device/hwmon/hwmon4/temp1_input`]: '43000\n',
    [`${card}/gt_act_freq_mhz`]: '600\n',
    [`${card}/gt_RP0_freq_mhz`]: '2400\n',
    [`${card}/gt_max_freq_mhz`]: '2000\n',
    [`${card}/gt/gt0/throttle_reason_status`]: '1\n',
    [`${card}/gt/gt0/throttle_reason_pl1`]: '1\n',
    [`${card}/gt/gt0/throttle_reason_thermal`]: '0\n',
    '/sys/class/drm/card1-DP-1/status': 'disconnected\n',
  },
  links: { [`${card}/device`]: address },
}

const lspci: RunCommand = async (file) =>
  file === 'lspci'
    ? exited(
        '0000:03:00.0 "VGA compatible controller" "Intel Corporation" "DG2 [Arc A770]" -r08 "ASRock" "x"\n',
      )
    : notFound

test('without xpu-smi the kernel shows the card, its limit, its clocks and what holds them back', async () => {
  const { gpus, reports } = await intel.ask(fakeMachine({ ...arc, runCommand: lspci }))
  const gpu = first(gpus)
  expect(gpus).toHaveLength(1)
  expect({
    name: readingValue(gpu.name),
    address: readingValue(gpu.pciAddress),
    limitW: readingValue(gpu.powerLimitEnforcedW),
    temperatureC: readingValue(gpu.temperatureC),
    clock: readingValue(gpu.clockSmMhz),
    highest: readingValue(gpu.clockSmMaxMhz),
    asked: readingValue(gpu.clockSmRequestedMhz),
    heldBack: readingValue(gpu.throttleReasons),
    integrated: readingValue(gpu.integrated),
  }).toEqual({
    name: 'DG2 [Arc A770]',
    address: '0000:03:00.0',
    limitW: 190,
    temperatureC: 43,
    clock: 600,
    highest: 2400,
    asked: 2000,
    heldBack: ['pl1'],
    integrated: false,
  })
  expect(reports.map(({ tool, outcome }) => [tool, outcome])).toEqual([
    ['xpu-smi', 'not-found'],
    ['/sys/class/drm', 'ok'],
  ])
})

test('what the kernel writes for "none" is none: NUMA node -1, a rated power of 0', async () => {
  const gpu = first((await intel.ask(fakeMachine({ ...arc, runCommand: lspci }))).gpus)
  expect(gpu.numaNode.status).toBe('absent')
  expect(gpu.powerLimitDefaultW.status).toBe('absent')
})

test("the link inside an Arc card is not taken for the slot's", async () => {
  const gpu = first((await intel.ask(fakeMachine({ ...arc, runCommand: lspci }))).gpus)
  expect(gpu.pcieGeneration).toMatchObject({
    status: 'absent',
    reason: "the card's own switch hides the slot from it",
  })
})

test('xe keeps its files elsewhere, and has a sensor of the memory too', async () => {
  const device = '/sys/class/drm/card0/device'
  const files = {
    [`${device}/vendor`]: '0x8086\n',
    [`${device}/tile0/physical_vram_size_bytes`]: '12884901888\n',
    [`${device}/tile0/gt0/freq0/act_freq`]: '0\n',
    [`${device}/tile0/gt0/freq0/rp0_freq`]: '2850\n',
    [`${device}/tile0/gt0/freq0/max_freq`]: '2850\n',
    [`${device}/tile0/gt0/freq0/throttle/status`]: '0\n',
    [`${device}/tile0/gt0/freq0/throttle/reason_pl1`]: '0\n',
    [`${device}/hwmon/hwmon7/power2_max`]: '190000000\n',
    [`${device}/hwmon/hwmon7/temp2_input`]: '50000\n',
    [`${device}/hwmon/hwmon7/temp2_label`]: 'pkg\n',
    [`${device}/hwmon/hwmon7/temp3_input`]: '58000\n',
    [`${device}/hwmon/hwmon7/temp3_label`]: 'vram\n',
  }
  const links = { [device]: '/sys/devices/pci0000:00/0000:00:06.0/0000:05:00.0' }
  const gpu = first((await intel.ask(fakeMachine({ files, links }))).gpus)
  expect(readingValue(gpu.vramTotalMib)).toBe(12_288)
  expect(readingValue(gpu.powerLimitEnforcedW)).toBe(190)
  expect([readingValue(gpu.temperatureC), readingValue(gpu.temperatureMemoryC)]).toEqual([50, 58])
  expect(readingValue(gpu.throttleReasons)).toEqual([])
  expect(gpu.clockSmRequestedMhz.status).toBe('absent')
  expect(gpu.name).toMatchObject({ status: 'absent', reason: 'not found' })
})

test("the processor's own GPU has no memory of its own", async () => {
  const device = '/sys/class/drm/card0/device'
  const links = { [device]: '/sys/devices/pci0000:00/0000:00:02.0' }
  const files = { [`${device}/vendor`]: '0x8086\n' }
  const gpu = first((await intel.ask(fakeMachine({ files, links }))).gpus)
  expect(readingValue(gpu.integrated)).toBe(true)
  expect(readingValue(gpu.memoryUnified)).toBe(true)
  expect(gpu.vramTotalMib).toMatchObject({ reason: "shares the machine's memory" })
})

test('a card passed into a virtual machine at that place is not taken for part of the processor', async () => {
  const moved = { ...arc, links: { [`${card}/device`]: '/sys/devices/pci0000:00/0000:00:02.0' } }
  const gpu = first((await intel.ask(fakeMachine(moved))).gpus)
  expect(readingValue(gpu.integrated)).toBe(false)
})

test('one card told of by both is one GPU: xpu-smi first, the kernel for the rest', async () => {
  const both: RunCommand = xpuSmi({
    discovery: { device_list: [listed(0, '0000:03:00.0')] },
    'discovery -d 0': { ...properties, pci_bdf_address: '0000:03:00.0' },
    'stats -d 0': { device_id: 0, device_level: [metric('GPU_FREQUENCY', 1550)] },
  })
  const { gpus } = await intel.ask(fakeMachine({ ...arc, runCommand: both }))
  const gpu = first(gpus)
  expect(gpus).toHaveLength(1)
  expect(readingValue(gpu.name)).toBe('Intel(R) Data Center GPU Max 1100')
  expect(readingValue(gpu.clockSmMhz)).toBe(1550)
  expect(readingValue(gpu.powerLimitEnforcedW)).toBe(190)
  expect(readingValue(gpu.pcieWidth)).toBe(16)
})

test("other makers' cards are not Intel's, and a machine without any says nothing of sysfs", async () => {
  const files = { '/sys/class/drm/card0/device/vendor': '0x1002\n' }
  const { gpus, reports } = await intel.ask(fakeMachine({ files }))
  expect(gpus).toEqual([])
  expect(reports.map(({ tool }) => tool)).toEqual(['xpu-smi'])
})

const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../shared/fixtures', import.meta.url))
const capture = join(fixtures, 'intel', 'xpu-smi-02-xpu-smi-discovery-j.txt')

test.skipIf(!existsSync(capture))('what the vendor prints in its guide is read', async () => {
  const printed = readFileSync(capture, 'utf8').replace(/^# .*\n/, '')
  const { gpus } = await ask(xpuSmi({ discovery: printed }))
  const gpu = first(gpus)
  expect(readingValue(gpu.name)).toBe('Intel(R) Graphics [0x020a]')
  expect(readingValue(gpu.pciAddress)).toBe('0000:4d:00.0')
  expect(readingValue(gpu.uuid)).toBe('00000000-0000-0000-0000-020a00008086')
})
