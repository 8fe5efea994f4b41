import { expect, test } from 'vitest'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import { readingValue } from '../../src/detect/reading.ts'
import type { CommandResult, RunCommand } from '../../src/detect/run-command.ts'
import { nvidia } from '../../src/detect/vendors/nvidia.ts'
import { answers, exited, fakeNvidiaSmi, h100, helpText, xmlText } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

async function onlyGpu(runCommand: RunCommand): Promise<Gpu> {
  const { gpus } = await nvidia.ask(fakeMachine({ runCommand: runCommand }))
  expect(gpus).toHaveLength(1)
  return gpus[0] as Gpu
}

test('every field of a GPU is read with its source', async () => {
  const gpu = await onlyGpu(fakeNvidiaSmi([h100]))
  const ok = (value: unknown, field: string) => ({
    status: 'ok',
    value,
    source: `nvidia-smi ${field}`,
  })
  expect(gpu).toMatchObject({
    vendor: 'nvidia',
    index: 0,
    name: ok('NVIDIA H100 80GB HBM3', 'name'),
    pciAddress: ok('0000:1b:00.0', 'pci.bus_id'),
    vramTotalMib: ok(81559, 'memory.total'),
    vramReservedMib: ok(551, 'memory.reserved'),
    vramUsedMib: ok(0, 'memory.used'),
    vramFreeMib: ok(81008, 'memory.free'),
    driverVersion: ok('570.10.01', 'driver_version'),
    computeCapability: ok('9.0', 'compute_cap'),
    powerLimitEnforcedW: ok(650, 'enforced.power.limit'),
    powerLimitDefaultW: ok(700, 'power.default_limit'),
    powerW: ok(71.5, 'power.draw'),
    temperatureC: ok(34, 'temperature.gpu'),
    clockSmMhz: ok(345, 'clocks.current.sm'),
    clockSmMaxMhz: ok(1980, 'clocks.max.sm'),
    eccEnabled: ok(true, 'ecc.mode.current'),
    migEnabled: ok(false, 'mig.mode.current'),
    pcieGeneration: ok(5, 'pcie.link.gen.max'),
    pcieWidth: ok(16, 'pcie.link.width.max'),
  })
})

test('a real zero stays 0', async () => {
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, 'memory.used': '0', 'power.draw': '0.00' }]))
  expect(readingValue(gpu.vramUsedMib)).toBe(0)
  expect(readingValue(gpu.powerW)).toBe(0)
})

test.each([
  '[N/A]',
  'N/A',
  '[Not Supported]',
  'Not Supported',
  '[Unknown Error]',
  '[Requested functionality has been deprecated]',
  '[Insufficient Permissions]',
  '[GPU requires reset]',
  'ERR!',
  '',
])('"%s" is no reading, neither as a number nor as a flag', async (said) => {
  const fields = { 'power.draw': said, 'ecc.mode.current': said, 'pci.bus_id': said }
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, ...fields }]))
  const reason = `nvidia-smi says ${said === '' ? 'nothing' : said}`
  for (const reading of [gpu.powerW, gpu.eccEnabled, gpu.pciAddress]) {
    expect(reading).toMatchObject({ status: 'absent', reason })
  }
})

test('a GPU that shares the machine’s memory has no VRAM figure, which is not 0, and is said to share it', async () => {
  const memory = { 'memory.total': '[N/A]', 'memory.used': '[N/A]', 'memory.free': '[N/A]' }
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, name: 'NVIDIA GB10', ...memory }]))
  expect(readingValue(gpu.name)).toBe('NVIDIA GB10')
  for (const field of ['vramTotalMib', 'vramUsedMib', 'vramFreeMib'] as const) {
    expect(gpu[field]).toMatchObject({ status: 'absent', reason: 'nvidia-smi says [N/A]' })
  }
  expect(readingValue(gpu.memoryUnified)).toBe(true)
  expect(readingValue(gpu.integrated)).toBe(true)
})

test.each(['[Unknown Error]', '[GPU is lost]', '[Insufficient Permissions]'])(
  'memory that could not be asked for (%s) is not taken for shared memory',
  async (said) => {
    const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, 'memory.total': said }]))
    expect(gpu.memoryUnified.status).toBe('absent')
    expect(gpu.integrated.status).toBe('absent')
  },
)

test('a GPU with memory of its own does not share the machine’s', async () => {
  const gpu = await onlyGpu(fakeNvidiaSmi([h100]))
  expect(readingValue(gpu.memoryUnified)).toBe(false)
  expect(readingValue(gpu.integrated)).toBe(false)
})

test('a board of which nothing but the name can be read is a GPU that shares memory, as a Jetson is', async () => {
  const nothing = Object.fromEntries(Object.keys(h100).map((field) => [field, '[N/A]']))
  const orin = { ...nothing, name: 'Orin (nvgpu)' }
  const gpu = await onlyGpu(
    fakeNvidiaSmi([orin], { '-q -x': 'N/A', 'topo -m': '', 'nvlink -s': '' }),
  )
  const { vendor, index, name, memoryUnified, integrated, ...others } = gpu
  expect(readingValue(name)).toBe('Orin (nvgpu)')
  expect(readingValue(memoryUnified)).toBe(true)
  expect(readingValue(integrated)).toBe(true)
  for (const reading of Object.values(others)) expect(reading.status).toBe('absent')
})

test('a field that the driver does not know is not asked for, and the others are', async () => {
  const { 'memory.reserved': _, compute_cap: __, ...old } = h100
  const gpu = await onlyGpu(fakeNvidiaSmi([old]))
  expect(gpu.vramReservedMib).toMatchObject({
    status: 'absent',
    reason: 'this driver does not know the field',
  })
  expect(readingValue(gpu.vramTotalMib)).toBe(81559)
})

function recorded(tool: RunCommand): { readonly calls: string[]; readonly runCommand: RunCommand } {
  const calls: string[] = []
  const runCommand: RunCommand = (file, args, options) => {
    calls.push([file, ...args].join(' '))
    return tool(file, args, options)
  }
  return { calls, runCommand }
}

test('five calls read any number of GPUs', async () => {
  const { calls, runCommand } = recorded(fakeNvidiaSmi([h100, h100]))
  await nvidia.ask(fakeMachine({ runCommand }))
  expect(calls).toEqual([
    'nvidia-smi --help-query-gpu',
    expect.stringMatching(/^nvidia-smi --query-gpu=index,name,\S+ --format=csv,noheader,nounits$/),
    'nvidia-smi -q -x',
    'nvidia-smi topo -m',
    'nvidia-smi nvlink -s',
  ])
})

test('a call is made only when the one before it has ended', async () => {
  const tool = fakeNvidiaSmi([h100])
  let running = 0
  await nvidia.ask(
    fakeMachine({
      runCommand: async (...call) => {
        running += 1
        expect(running).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        return tool(...call)
      },
    }),
  )
})

test('GPUs of different models keep their own values, in the tool’s order', async () => {
  const l40s = {
    ...h100,
    index: '1',
    name: 'NVIDIA L40S',
    'pci.bus_id': '00000000:C1:00.0',
    'memory.total': '46068',
    'mig.mode.current': '[N/A]',
  }
  const {
    gpus,
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: fakeNvidiaSmi([h100, l40s]) }))
  expect(report).toEqual({ tool: 'nvidia-smi', outcome: 'ok', tookMs: 2 })
  expect(gpus.map((gpu) => [gpu.index, readingValue(gpu.vramTotalMib)])).toEqual([
    [0, 81559],
    [1, 46068],
  ])
  expect(readingValue(gpus[1]?.migEnabled)).toBeUndefined()
})

test.each([
  ['00000000:01:00.0', '0000:01:00.0'],
  ['0000:0C:00.0', '0000:0c:00.0'],
  ['00000001:A3:00.0', '0001:a3:00.0'],
  ['00010000:01:00.0', '10000:01:00.0'],
])('PCI address %s is %s', async (printed, address) => {
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, 'pci.bus_id': printed }]))
  expect(readingValue(gpu.pciAddress)).toBe(address)
})

const help = exited(helpText(Object.keys(h100)))

test('no tool is a report', async () => {
  const {
    gpus,
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: answers({ kind: 'not-found', tookMs: 3 }) }))
  expect(gpus).toEqual([])
  expect(report).toEqual({ tool: 'nvidia-smi', outcome: 'not-found', tookMs: 3 })
})

test('a tool that hangs is not asked again', async () => {
  const hang = answers({ kind: 'timed-out', timeoutMs: 5000, tookMs: 5001 })
  const {
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: hang }))
  expect(report).toEqual({
    tool: 'nvidia-smi',
    outcome: 'timed-out',
    detail: 'no answer in 5000 ms',
    tookMs: 5001,
  })
})

test.each([
  [9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n\nSee more."],
  [18, 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.10'],
  [255, 'Unable to run.'],
])('exit code %i is a report with the tool’s first words', async (exitCode, stdout) => {
  const {
    gpus,
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: answers(help, exited(stdout, exitCode)) }))
  expect(gpus).toEqual([])
  expect(report).toMatchObject({
    outcome: 'failed',
    detail: `exit code ${exitCode}: ${stdout.split('\n')[0]}`,
  })
})

test('words on the error stream are told too', async () => {
  const {
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: answers(exited('', 1, 'permission denied')) }))
  expect(report?.detail).toBe('exit code 1: permission denied')
})

test.each([0, 6])('"No devices were found" with exit code %i is an answer', async (exitCode) => {
  const {
    gpus,
    reports: [report],
  } = await nvidia.ask(
    fakeMachine({ runCommand: answers(help, exited('No devices were found\n', exitCode)) }),
  )
  expect(gpus).toEqual([])
  expect(report).toMatchObject({ outcome: 'ok', detail: 'No devices were found' })
})

const lost = 'Unable to determine the device handle for GPU0000:0A:00.0: GPU is lost.'

test('one lost GPU does not hide the others, and is told', async () => {
  const row = Object.values(h100).join(', ')
  const runCommand = fakeNvidiaSmi([h100], { '--query-gpu': exited(`${row}\n${lost}\n`, 15) })
  const { gpus, reports } = await nvidia.ask(fakeMachine({ runCommand }))
  expect(gpus).toHaveLength(1)
  expect(reports).toMatchObject([
    { tool: 'nvidia-smi', outcome: 'ok' },
    {
      tool: 'nvidia-smi --query-gpu',
      outcome: 'failed',
      detail: expect.stringMatching(/^exit code 15/),
    },
  ])
})

test('a GPU that only the XML knows is found', async () => {
  const second = { ...h100, 'pci.bus_id': '00000000:C3:00.0' }
  const xml = xmlText([h100, second], '<product_name>NVIDIA H100 80GB HBM3</product_name>')
  const { gpus } = await nvidia.ask(
    fakeMachine({ runCommand: fakeNvidiaSmi([h100], { '-q -x': xml }) }),
  )
  expect(gpus.map((gpu) => [gpu.index, readingValue(gpu.pciAddress)])).toEqual([
    [0, '0000:1b:00.0'],
    [1, '0000:c3:00.0'],
  ])
  expect(readingValue(gpus[1]?.name)).toBe('NVIDIA H100 80GB HBM3')
  expect(gpus[1]?.computeCapability).toMatchObject({ reason: 'nvidia-smi does not tell' })
})

test('a field that the tool takes offence at leaves the XML to answer', async () => {
  const refusal = exited('Field "power.draw" is not a valid field to query.\n', 2)
  const xml = xmlText(
    [h100],
    '<product_name>NVIDIA H100 80GB HBM3</product_name><processes></processes>',
  )
  const { gpus, reports } = await nvidia.ask(
    fakeMachine({ runCommand: fakeNvidiaSmi([h100], { '--query-gpu': refusal, '-q -x': xml }) }),
  )
  expect(readingValue(gpus[0]?.name)).toBe('NVIDIA H100 80GB HBM3')
  expect(reports.map(({ tool, outcome }) => [tool, outcome])).toEqual([
    ['nvidia-smi', 'ok'],
    ['nvidia-smi --query-gpu', 'failed'],
  ])
})

test('without a list of fields the XML answers alone', async () => {
  const xml = xmlText([h100], '<product_name>NVIDIA H100 80GB HBM3</product_name>')
  const { calls, runCommand } = recorded(
    fakeNvidiaSmi([h100], { '--help-query-gpu': 'usage: nvidia-smi', '-q -x': xml }),
  )
  const { gpus } = await nvidia.ask(fakeMachine({ runCommand }))
  expect(readingValue(gpus[0]?.pciAddress)).toBe('0000:1b:00.0')
  expect(calls.filter((call) => call.includes('--query-gpu='))).toEqual([])
})

test('rows and XML are joined by address, whatever their order', async () => {
  const first = { ...h100, index: '0', 'pci.bus_id': '00000000:1B:00.0' }
  const second = { ...h100, index: '1', 'pci.bus_id': '00000000:C3:00.0' }
  const block = (gpu: typeof h100, firmware: string) =>
    `<gpu id="${gpu['pci.bus_id']}"><gsp_firmware_version>${firmware}</gsp_firmware_version></gpu>`
  const xml = `<nvidia_smi_log>${block(second, '2.2')}${block(first, '1.1')}</nvidia_smi_log>`
  const { gpus } = await nvidia.ask(
    fakeMachine({ runCommand: fakeNvidiaSmi([first, second], { '-q -x': xml }) }),
  )
  expect(
    gpus.map((gpu) => [readingValue(gpu.pciAddress), readingValue(gpu.firmwareVersion)]),
  ).toEqual([
    ['0000:1b:00.0', '1.1'],
    ['0000:c3:00.0', '2.2'],
  ])
})

test('rows and XML without addresses are joined by UUID', async () => {
  const gpu = (index: string, uuid: string) => ({ ...h100, index, uuid, 'pci.bus_id': '[N/A]' })
  const block = (uuid: string, firmware: string) =>
    `<gpu><uuid>${uuid}</uuid><gsp_firmware_version>${firmware}</gsp_firmware_version></gpu>`
  const xml = `<nvidia_smi_log>${block('GPU-b', '2.2')}${block('GPU-a', '1.1')}</nvidia_smi_log>`
  const rows = [gpu('0', 'GPU-a'), gpu('1', 'GPU-b')]
  const { gpus } = await nvidia.ask(
    fakeMachine({ runCommand: fakeNvidiaSmi(rows, { '-q -x': xml }) }),
  )
  expect(gpus.map((gpu) => readingValue(gpu.firmwareVersion))).toEqual(['1.1', '2.2'])
})

test('what the row does not know the XML tells, and what neither knows has the row’s reason', async () => {
  const xml = xmlText(
    [h100],
    '<temperature><gpu_temp>41 C</gpu_temp></temperature><performance_state>N/A</performance_state>',
  )
  const row = { ...h100, 'temperature.gpu': '[Unknown Error]', pstate: '[Unknown Error]' }
  const gpu = await onlyGpu(fakeNvidiaSmi([row], { '-q -x': xml }))
  expect(gpu.temperatureC).toEqual({
    status: 'ok',
    value: 41,
    source: 'nvidia-smi -q -x temperature/gpu_temp',
  })
  expect(gpu.performanceState).toMatchObject({ reason: 'nvidia-smi says [Unknown Error]' })
})

test('a repair that waits by one account waits, whatever the other says', async () => {
  const row = { ...h100, 'remapped_rows.pending': 'No', 'retired_pages.pending': '[N/A]' }
  const waits = '<ecc_errors><channel_repair_pending>Yes</channel_repair_pending></ecc_errors>'
  const of = async (inside: string) =>
    readingValue(
      (await onlyGpu(fakeNvidiaSmi([row], { '-q -x': xmlText([h100], inside) })))
        .memoryRepairPending,
    )
  expect(await of(waits)).toBe(true)
  expect(await of(waits.replace('Yes', 'No'))).toBe(false)
  expect(await of('')).toBe(false)
})

test('a limit that was asked for is not the limit in force', async () => {
  const gh200 = {
    ...h100,
    name: 'NVIDIA GH200 480GB',
    'enforced.power.limit': '700.00',
    'power.limit': '900.00',
    'power.default_limit': '900.00',
    'module.enforced.power.limit': '1000.00',
  }
  const gpu = await onlyGpu(fakeNvidiaSmi([gh200]))
  expect(readingValue(gpu.powerLimitEnforcedW)).toBe(700)
  expect(readingValue(gpu.powerLimitRequestedW)).toBe(900)
  expect(readingValue(gpu.powerLimitModuleW)).toBe(1000)
})

test('power of this moment goes before power of the last second', async () => {
  const told = { ...h100, 'power.draw': '629.45', 'power.draw.instant': '588.39' }
  expect((await onlyGpu(fakeNvidiaSmi([told]))).powerW).toMatchObject({
    value: 588.39,
    source: 'nvidia-smi power.draw.instant',
  })
  const untold = { ...told, 'power.draw.instant': '[N/A]' }
  expect((await onlyGpu(fakeNvidiaSmi([untold]))).powerW).toMatchObject({
    value: 629.45,
    source: 'nvidia-smi power.draw',
  })
})

test('a driver that knows only the older or the newer name of a field is asked by that', async () => {
  const { 'clocks.current.sm': sm, 'enforced.power.limit': limit, ...others } = h100
  const odd = {
    ...others,
    'clocks.sm': sm ?? '',
    'gpu.power.current_limit': limit ?? '',
    'clocks_throttle_reasons.active': '0x0000000000000004',
  }
  const gpu = await onlyGpu(fakeNvidiaSmi([odd]))
  expect(gpu.clockSmMhz).toMatchObject({ value: 345, source: 'nvidia-smi clocks.sm' })
  expect(readingValue(gpu.powerLimitEnforcedW)).toBe(650)
  expect(readingValue(gpu.throttleReasons)).toEqual(['sw_power_cap'])
})

test.each([
  ['0x0000000000000000', []],
  ['0x0000000000000001', ['gpu_idle']],
  ['0x00000000000000C8', ['hw_slowdown', 'hw_thermal_slowdown', 'hw_power_brake_slowdown']],
  ['0x8000000000000200', ['0x200', '0x8000000000000000']],
])('reasons %s are %j', async (bits, reasons) => {
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, 'clocks_event_reasons.active': bits }]))
  expect(readingValue(gpu.throttleReasons)).toEqual(reasons)
})

test('reasons that cannot be told are not none', async () => {
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, 'clocks_event_reasons.active': '[N/A]' }]))
  expect(gpu.throttleReasons.status).toBe('absent')
})

const mig = {
  ...h100,
  uuid: 'GPU-aa',
  'mig.mode.current': 'Enabled',
  'utilization.gpu': '[N/A]',
}
const parts = `<mig_devices>
  <mig_device><index>0</index><fb_memory_usage><total>40448 MiB</total><used>17 MiB</used></fb_memory_usage></mig_device>
  <mig_device><index>1</index><fb_memory_usage><total>9984 MiB</total><used>N/A</used></fb_memory_usage></mig_device>
</mig_devices>
<fb_memory_usage><total>81559 MiB</total></fb_memory_usage>`
const list = `GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aa)
  MIG 3g.40gb     Device  0: (UUID: MIG-bb)
  MIG 1g.10gb+me  Device  1: (UUID: MIG-cc)
`

test('parts have their names from the list, and a GPU in parts has no utilisation', async () => {
  const gpu = await onlyGpu(fakeNvidiaSmi([mig], { '-q -x': xmlText([mig], parts), '-L': list }))
  expect(readingValue(gpu.partitions)).toEqual([
    { profile: '3g.40gb', memoryTotalMib: 40448, memoryUsedMib: 17 },
    { profile: '1g.10gb+me', memoryTotalMib: 9984 },
  ])
  expect(gpu.utilisationRatio).toMatchObject({ reason: 'nvidia-smi says [N/A]' })
  expect(readingValue(gpu.vramTotalMib)).toBe(81559)
})

test('parts whose names cannot be had are parts', async () => {
  const gpu = await onlyGpu(fakeNvidiaSmi([mig], { '-q -x': xmlText([mig], parts) }))
  expect(readingValue(gpu.partitions)).toMatchObject([
    { profile: 'MIG device 0' },
    { profile: 'MIG device 1' },
  ])
})

const processInfo = (type: string, name: string) =>
  `<process_info><pid>7</pid><type>${type}</type><process_name>${name}</process_name><used_memory>512 MiB</used_memory></process_info>`

test('only programs that compute count, by their own names', async () => {
  const processes = [
    processInfo('G', '/usr/lib/xorg/Xorg'),
    processInfo('C', '/home/bob/venv/bin/python3 serve.py --api-key=secret'),
    processInfo('C+G', 'C:\\Program Files\\Some Tool\\tool.exe'),
    processInfo('M+C', 'VLLM::EngineCore'),
  ]
  const xml = xmlText([h100], `<processes>${processes.join('\n')}</processes>`)
  const { calls, runCommand } = recorded(fakeNvidiaSmi([h100], { '-q -x': xml }))
  const gpu = await onlyGpu(runCommand)
  expect(readingValue(gpu.processes)).toEqual(
    ['python3', 'tool.exe', 'VLLM::EngineCore'].map((name) => ({ pid: 7, name, usedMib: 512 })),
  )
  expect(calls.some((call) => call.includes('compute-apps'))).toBe(false)
})

test('where the XML is silent about processes they are asked for', async () => {
  const second = { ...h100, index: '1', 'pci.bus_id': '00000000:C3:00.0' }
  const apps = [
    '10291, /root/tools/serve, one, 2566, GPU-x, 00000000:C3:00.0',
    '[N/A], [Not Found], [N/A], GPU-x, 00000000:C3:00.0',
  ]
  const { gpus } = await nvidia.ask(
    fakeMachine({
      runCommand: fakeNvidiaSmi([h100, second], {
        '-q -x': xmlText([h100, second], ''),
        '--query-compute-apps': `${apps.join('\r\n')}\r\n`,
      }),
    }),
  )
  expect(gpus.map((gpu) => readingValue(gpu.processes))).toEqual([
    [],
    [{ pid: 10291, name: 'serve,', usedMib: 2566 }, {}],
  ])
})

test('processes that nobody could tell of are unknown, not none', async () => {
  const runCommand = fakeNvidiaSmi([h100], { '-q -x': xmlText([h100], '') })
  expect((await onlyGpu(runCommand)).processes.status).toBe('absent')
})

test('links of a GPU are its own, by UUID', async () => {
  const first = { ...h100, uuid: 'GPU-aa' }
  const second = { ...h100, index: '1', uuid: 'GPU-bb', 'pci.bus_id': '00000000:C3:00.0' }
  const links = `GPU 0: NVIDIA H100 (UUID: GPU-bb)
\t Link 0: 26.562 GB/s
\t Link 1: <inactive>
\t Link 2: 26.562 GB/s
GPU 1: NVIDIA H100 (UUID: GPU-aa)
NVML: Unable to retrieve Nvlink information as all links are inActive
`
  const { gpus } = await nvidia.ask(
    fakeMachine({ runCommand: fakeNvidiaSmi([first, second], { 'nvlink -s': links }) }),
  )
  expect(gpus.map((gpu) => [gpu.gpuLinks, gpu.gpuLinkGbPerS])).toMatchObject([
    [{ value: 0 }, { status: 'absent', reason: 'no link is up' }],
    [{ value: 2 }, { value: 53.124 }],
  ])
})

test('the matrix names GPUs by address', async () => {
  const second = { ...h100, index: '1', 'pci.bus_id': '00000000:C3:00.0' }
  const { gpus, topology } = await nvidia.ask(
    fakeMachine({ runCommand: fakeNvidiaSmi([h100, second]) }),
  )
  expect(topology).toMatchObject({
    status: 'ok',
    value: {
      gpus: ['0000:1b:00.0', '0000:c3:00.0'],
      links: [
        ['X', 'SYS'],
        ['SYS', 'X'],
      ],
    },
  })
  expect(gpus.map((gpu) => readingValue(gpu.numaNode))).toEqual([0, 0])
})

test('a call that fails costs what it would have told and nothing else', async () => {
  const runCommand = fakeNvidiaSmi([h100], { 'topo -m': exited('', 255, 'Bus error') })
  const { gpus, reports, topology } = await nvidia.ask(fakeMachine({ runCommand }))
  expect(readingValue(gpus[0]?.vramTotalMib)).toBe(81559)
  expect(gpus[0]?.numaNode.status).toBe('absent')
  expect(topology?.status).toBe('absent')
  expect(reports).toMatchObject([
    { tool: 'nvidia-smi', outcome: 'ok' },
    { tool: 'nvidia-smi topo -m', outcome: 'failed', detail: 'exit code 255: Bus error' },
  ])
})

test('after a call that hangs no other is made, and what was read before it is kept', async () => {
  const hang: CommandResult = { kind: 'timed-out', timeoutMs: 8000, tookMs: 8001 }
  const { calls, runCommand } = recorded(fakeNvidiaSmi([h100], { '-q -x': hang }))
  const { gpus, reports } = await nvidia.ask(fakeMachine({ runCommand }))
  expect(calls).toHaveLength(3)
  expect(readingValue(gpus[0]?.vramTotalMib)).toBe(81559)
  expect(gpus[0]?.firmwareVersion).toMatchObject({ reason: 'nvidia-smi -q -x was not read' })
  expect(reports.map(({ tool, outcome }) => [tool, outcome])).toEqual([
    ['nvidia-smi', 'ok'],
    ['nvidia-smi -q -x', 'timed-out'],
  ])
})

test('calls that are all slow end within 15 s, the time to kill the last one included', async () => {
  const tool = fakeNvidiaSmi([h100])
  const killMs = 1_500
  let spentMs = 0
  const slow: RunCommand = async (file, args, options) => {
    const longest = 4_900
    const late = options.timeoutMs < longest
    spentMs += late ? options.timeoutMs + killMs : longest
    const { timeoutMs } = options
    if (late) return { kind: 'timed-out', timeoutMs, tookMs: timeoutMs + killMs }
    return { ...(await tool(file, args, options)), tookMs: longest }
  }
  const { gpus } = await nvidia.ask(fakeMachine({ runCommand: slow }))
  expect(gpus).toHaveLength(1)
  expect(spentMs).toBeGreaterThan(9_800)
  expect(spentMs).toBeLessThan(15_000)
})

test.each(['', 'hello\n', '<html>\n', '\u0000\u0001\u0002\n'])(
  'a tool that answers everything with %j is one report',
  async (garbage) => {
    const runCommand: RunCommand = async () => exited(garbage)
    const { gpus, reports } = await nvidia.ask(fakeMachine({ runCommand }))
    expect(gpus).toEqual([])
    expect(reports).toMatchObject([{ tool: 'nvidia-smi', outcome: 'failed' }])
  },
)

test('rows that are none are a report, cut short', async () => {
  const { gpus, reports } = await nvidia.ask(
    fakeMachine({ runCommand: answers(help, exited('x'.repeat(5000)), exited('y'.repeat(5000))) }),
  )
  expect(gpus).toEqual([])
  expect(reports).toMatchObject([{ outcome: 'failed' }])
  expect(reports[0]?.detail?.length).toBeLessThan(300)
})
