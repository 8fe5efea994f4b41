import { expect, test } from 'vitest'
import { readingValue } from '../../src/detect/reading.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { withJetson } from '../../src/detect/vendors/jetson.ts'
import { nvidia } from '../../src/detect/vendors/nvidia.ts'
import { exited, fakeNvidiaSmi, h100 } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

const vendor = withJetson(nvidia)

/** All that JetPack 6 says of its GPU. */
const orin = {
  index: '0',
  name: 'Orin (nvgpu)',
  'pci.bus_id': '[N/A]',
  'memory.total': '[N/A]',
  driver_version: '540.4.0',
  compute_cap: '8.7',
  'power.draw': '[N/A]',
}

const files = {
  '/proc/device-tree/model': 'NVIDIA Jetson AGX Orin Developer Kit\0',
  '/etc/nv_tegra_release':
    '# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan 8\n# KERNEL_VARIANT: oot\n',
  '/sys/class/devfreq/17000000.gpu/cur_freq': '306000000\n',
  '/sys/class/devfreq/17000000.gpu/max_freq': '612000000\n',
  '/sys/class/devfreq/17000000.gpu/available_frequencies': '306000000 612000000 1300500000\n',
  '/sys/class/devfreq/17000000.gpu/device/load': '125\n',
  '/sys/class/devfreq/15340000.vic/cur_freq': '115200000\n',
  '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
  '/sys/class/thermal/thermal_zone0/temp': '52000\n',
  '/sys/class/thermal/thermal_zone1/type': 'gpu-thermal\n',
  '/sys/class/thermal/thermal_zone1/temp': '48500\n',
}

/** A board's tools: `nvidia-smi` for these GPUs, and a power mode. */
function tools(gpus: readonly Readonly<Record<string, string>>[]): RunCommand {
  const smi = fakeNvidiaSmi(gpus)
  return async (file, args, options) => {
    if (file === 'nvpmodel') return exited('NV Power Mode: MODE_30W\n2\n')
    if (gpus.length === 0) return { kind: 'not-found', tookMs: 1 }
    return smi(file, args, options)
  }
}

test('what nvidia-smi and the board tell of one GPU is one GPU', async () => {
  const { gpus } = await vendor.ask(fakeMachine({ files, runCommand: tools([orin]) }))
  const [gpu] = gpus
  expect(gpus).toHaveLength(1)
  expect(gpu && readingValue(gpu.name)).toBe('NVIDIA Jetson AGX Orin Developer Kit')
  expect(gpu && readingValue(gpu.computeCapability)).toBe('8.7')
  expect(gpu && readingValue(gpu.driverVersion)).toBe('540.4.0')
  expect(gpu && readingValue(gpu.firmwareVersion)).toBe('L4T 36.4.3')
  expect(gpu && readingValue(gpu.memoryUnified)).toBe(true)
  expect(gpu?.vramTotalMib).toMatchObject({ reason: "shares the machine's memory" })
})

test('clocks, the limit of the power mode, load and temperature come from the kernel', async () => {
  const { gpus } = await vendor.ask(fakeMachine({ files, runCommand: tools([orin]) }))
  const [gpu] = gpus
  expect(gpu && readingValue(gpu.clockSmMhz)).toBe(306)
  expect(gpu && readingValue(gpu.clockSmMaxMhz)).toBe(1300.5)
  expect(gpu && readingValue(gpu.clockSmRequestedMhz)).toBe(612)
  expect(gpu && readingValue(gpu.powerMode)).toBe('MODE_30W')
  expect(gpu && readingValue(gpu.utilisationRatio)).toBe(0.125)
  expect(gpu && readingValue(gpu.temperatureC)).toBe(48.5)
})

test('JetPack 5 has no nvidia-smi: the board alone is the GPU', async () => {
  const { gpus, reports } = await vendor.ask(fakeMachine({ files, runCommand: tools([]) }))
  expect(gpus.map(({ vendor }) => vendor)).toEqual(['nvidia'])
  expect(reports[0]?.outcome).toBe('not-found')
})

test('a card in the board is another GPU, and keeps its own memory', async () => {
  const runCommand = tools([h100, { ...orin, index: '1' }])
  const { gpus } = await vendor.ask(fakeMachine({ files, runCommand }))
  expect(gpus.map(({ memoryUnified }) => readingValue(memoryUnified))).toEqual([false, true])
  expect(gpus.map(({ index }) => index)).toEqual([0, 1])
})

test('a card that has switched the integrated GPU off is the only GPU', async () => {
  const off = {
    '/proc/device-tree/model': 'NVIDIA IGX Orin Development Kit\0',
    '/etc/nv_tegra_release': files['/etc/nv_tegra_release'],
  }
  const alone = await vendor.ask(fakeMachine({ files: off, runCommand: tools([h100]) }))
  expect(alone.gpus.map(({ name }) => readingValue(name))).toEqual([h100.name])
  const beside = await vendor.ask(fakeMachine({ files, runCommand: tools([h100]) }))
  expect(beside.gpus).toHaveLength(2)
})

test('Thor has a place on the bus and no memory: it is the integrated one by its name', async () => {
  const thor = { ...orin, name: 'NVIDIA Thor', 'pci.bus_id': '00000000:01:00.0' }
  const board = {
    '/proc/device-tree/model': 'NVIDIA Jetson AGX Thor Developer Kit\0',
    '/sys/class/devfreq/gpu-gpc-0/cur_freq': '1575000000\n',
  }
  const { gpus } = await vendor.ask(fakeMachine({ files: board, runCommand: tools([thor]) }))
  const [gpu] = gpus
  expect(gpus).toHaveLength(1)
  expect(gpu && readingValue(gpu.pciAddress)).toBe('0000:01:00.0')
  expect(gpu && readingValue(gpu.clockSmMhz)).toBe(1575)
})

test('in a container the device tree is hidden, and the release file is proof enough', async () => {
  const hidden = { '/etc/nv_tegra_release': files['/etc/nv_tegra_release'] }
  const { gpus } = await vendor.ask(fakeMachine({ files: hidden, runCommand: tools([orin]) }))
  const [gpu] = gpus
  expect(gpu && readingValue(gpu.name)).toBe('Orin (nvgpu)')
  expect(gpu && readingValue(gpu.memoryUnified)).toBe(true)
})

test('other boards with a device tree get nothing added', async () => {
  const pi = { '/proc/device-tree/model': 'Raspberry Pi 5 Model B Rev 1.0\0' }
  const runCommand = tools([h100])
  const plain = await nvidia.ask(fakeMachine({ runCommand }))
  expect(await vendor.ask(fakeMachine({ files: pi, runCommand }))).toEqual(plain)
})
