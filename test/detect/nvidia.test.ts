import { expect, test } from 'vitest'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import { readingValue } from '../../src/detect/reading.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { nvidia, readGpus, readKnownFields } from '../../src/detect/vendors/nvidia.ts'
import { answers, exited, fakeNvidiaSmi, h100, helpText } from './fake-nvidia-smi.ts'
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

test('a GPU that shares the host’s memory has no VRAM figure, which is not 0', async () => {
  const memory = { 'memory.total': '[N/A]', 'memory.used': '[N/A]', 'memory.free': '[N/A]' }
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...h100, name: 'NVIDIA GB10', ...memory }]))
  expect(readingValue(gpu.name)).toBe('NVIDIA GB10')
  expect(readingValue(gpu.vramTotalMib)).toBeUndefined()
  expect(gpu.vramTotalMib).toMatchObject({ reason: 'nvidia-smi says [N/A]' })
})

test('a board of which nothing but the name can be read is still a GPU', async () => {
  const nothing = Object.fromEntries(Object.keys(h100).map((field) => [field, '[N/A]']))
  const gpu = await onlyGpu(fakeNvidiaSmi([{ ...nothing, name: 'Orin (nvgpu)' }]))
  expect(readingValue(gpu.name)).toBe('Orin (nvgpu)')
  const { vendor, index, name, ...others } = gpu
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

test('one call lists the fields and one reads all GPUs', async () => {
  const calls: string[] = []
  const tool = fakeNvidiaSmi([h100, h100])
  await nvidia.ask(
    fakeMachine({
      runCommand: (file, args, options) => {
        calls.push([file, ...args].join(' '))
        return tool(file, args, options)
      },
    }),
  )
  expect(calls).toHaveLength(2)
  expect(calls[0]).toBe('nvidia-smi --help-query-gpu')
  expect(calls[1]).toMatch(/^nvidia-smi --query-gpu=index,name,\S+ --format=csv,noheader,nounits$/)
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

test('aliases in the help are fields too, and words in quotes are not', () => {
  const help = [
    '"name" or "gpu_name"\r',
    'The name. "Full" for all products.\r',
    '"0: Default" means several contexts are allowed.\r',
    '"clocks.current.sm" or "clocks.sm"\r',
  ]
  expect([...readKnownFields(help.join('\n'))]).toEqual([
    'name',
    'gpu_name',
    'clocks.current.sm',
    'clocks.sm',
  ])
})

test('line ends and marks of Windows are no part of a value', () => {
  const { gpus, strangeLines } = readGpus(['name', 'memory.used'], '\uFEFFA, 1\r\nB, 2\r\n\r\n')
  expect(gpus.map((gpu) => [readingValue(gpu.name), readingValue(gpu.vramUsedMib)])).toEqual([
    ['A', 1],
    ['B', 2],
  ])
  expect(strangeLines).toEqual([])
})

test('terminal codes are no part of a value', () => {
  const { gpus } = readGpus(['name', 'memory.used'], '\u001b[4mA\u001b[0m, 1\u0007\n')
  expect(readingValue(gpus[0]?.name)).toBe('A')
  expect(readingValue(gpus[0]?.vramUsedMib)).toBe(1)
})

test('a decimal comma makes the row strange, not the number wrong', () => {
  const { gpus, strangeLines } = readGpus(['name', 'power.draw'], 'A, 71,50\n')
  expect(gpus).toEqual([])
  expect(strangeLines).toEqual(['A, 71,50'])
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

test('one lost GPU does not hide the others, and is told', async () => {
  const lost = 'Unable to determine the device handle for GPU0000:0A:00.0: GPU is lost.'
  const row = Object.values(h100).join(', ')
  const {
    gpus,
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: answers(help, exited(`${row}\n${lost}\n`, 15)) }))
  expect(gpus).toHaveLength(1)
  expect(report?.outcome).toBe('failed')
})

test.each(['', 'hello\n', '<html>\n', '\u0000\u0001\u0002\n'])(
  'help that lists no field (%j) is a report',
  async (garbage) => {
    const {
      gpus,
      reports: [report],
    } = await nvidia.ask(fakeMachine({ runCommand: answers(exited(garbage)) }))
    expect(gpus).toEqual([])
    expect(report?.outcome).toBe('failed')
  },
)

test('rows that are none are a report, cut short', async () => {
  const {
    gpus,
    reports: [report],
  } = await nvidia.ask(fakeMachine({ runCommand: answers(help, exited('x'.repeat(5000))) }))
  expect(gpus).toEqual([])
  expect(report?.outcome).toBe('failed')
  expect(report?.detail?.length).toBeLessThan(300)
})
