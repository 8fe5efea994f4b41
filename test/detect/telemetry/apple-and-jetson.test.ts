import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { macmon, readMacmon } from '../../../src/detect/telemetry/sources/macmon.ts'
import {
  bySample,
  powermetrics,
  readPowermetrics,
} from '../../../src/detect/telemetry/sources/powermetrics.ts'
import {
  partsOf,
  readTegrastats,
  tegrastats,
} from '../../../src/detect/telemetry/sources/tegrastats.ts'
import { fixtures, opened, readingsOf, worldOf, worldWithTool } from './world.ts'

const line = {
  timestamp: '2026-02-24T20:38:15.427569+00:00',
  temp: { cpu_temp_avg: 43.7, gpu_temp_avg: 36.5 },
  gpu_usage: [461, 0.25],
  cpu_power: 0.5,
  gpu_power: 17.25,
  ane_power: 0,
  all_power: 17.75,
  sys_power: 31.5,
  ram_power: 1.25,
}

test('a line of macmon tells of GPU, processor, memory, chip and the whole Mac', () => {
  expect(readMacmon(JSON.stringify(line))).toEqual([
    {
      scope: 'gpu',
      reading: { powerW: 17.25, clockSmMhz: 461, utilisationRatio: 0.25, temperatureC: 36.5 },
    },
    { scope: 'cpu-package', reading: { powerW: 0.5 } },
    { scope: 'dram', reading: { powerW: 1.25 } },
    { scope: 'soc', reading: { powerW: 17.75 } },
    { scope: 'node', reading: { powerW: 31.5 } },
  ])
})

test('a whole Mac at 0 W is a sensor that could not be read; an idle GPU at 0 W is one', () => {
  const told = readMacmon(JSON.stringify({ ...line, sys_power: 0, gpu_power: 0 }))
  expect(told?.map(({ scope }) => scope)).not.toContain('node')
  expect(told?.[0]?.reading.powerW).toBe(0)
})

test('a part of a line and a line of something else are none', () => {
  expect(readMacmon('{"gpu_power": 1')).toBeUndefined()
  expect(readMacmon('{"gpu_power": null}')).toBeUndefined()
})

test('macmon’s stream is read as it comes, and what it says of itself is that it estimates', async () => {
  const script = `setInterval(() => console.log(${JSON.stringify(JSON.stringify(line))}), 50)`
  const source = await opened(macmon, worldWithTool('macmon', script, { platform: 'darwin' }))
  expect(source.devices.map(({ scope }) => scope)).toEqual([
    'gpu',
    'cpu-package',
    'dram',
    'soc',
    'node',
  ])
  expect(source.devices[0]?.lacks?.join()).toContain('estimates')
  const readings = await readingsOf(source, 10)
  expect(readings.filter(({ device }) => device === 0)[0]).toMatchObject({ powerW: 17.25 })
})

test('elsewhere than on macOS neither of Apple’s sources is tried', async () => {
  expect(await macmon.open(worldOf())).toEqual({ none: 'only on macOS' })
  expect(await powermetrics.open(worldOf())).toEqual({ none: 'only on macOS' })
})

const plist = (processor: string, gpu = '') => `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>elapsed_ns</key><integer>100000000</integer>
<key>processor</key><dict>${processor}</dict>
<key>gpu</key><dict>${gpu}</dict></dict></plist>`

test('a property list of powermetrics tells mW', () => {
  const list = plist(
    '<key>cpu_power</key><real>2978.5</real><key>gpu_power</key><integer>8000</integer><key>combined_power</key><real>10978.5</real>',
    '<key>freq_hz</key><real>1338</real><key>idle_ratio</key><real>0.25</real>',
  )
  expect(readPowermetrics(list)).toEqual([
    { scope: 'gpu', reading: { powerW: 8, clockSmMhz: 1338, utilisationRatio: 0.75 } },
    { scope: 'cpu-package', reading: { powerW: 2.9785 } },
    { scope: 'soc', reading: { powerW: 10.9785 } },
  ])
})

test('where a system tells energy over the sample, power is that over its length', () => {
  // 250 mJ in 100 ms are 2.5 W.
  const list = plist(
    '<key>gpu_energy</key><integer>250</integer>',
    '<key>freq_hz</key><real>1338000000</real>',
  )
  expect(readPowermetrics(list)?.[0]?.reading).toEqual({ powerW: 2.5, clockSmMhz: 1338 })
})

test('property lists are parted by NUL, and the last is kept until its end has come', () => {
  expect(bySample('one\0two\0thr')).toEqual({ records: ['one', 'two'], rest: 'thr' })
})

test('powermetrics is refused where sudo wants a password, with another way', async () => {
  const script = `console.error('sudo: a password is required'); process.exit(1)`
  const world = worldWithTool('sudo', script, { platform: 'darwin' })
  expect(await powermetrics.open(world)).toEqual({
    none: expect.stringMatching(/a password is required.*brew install macmon/),
  })
})

const agxOrin =
  '05-09-2026 18:42:06 RAM 18207/62841MB (lfb 466x4MB) SWAP 86/31420MB (cached 0MB) CPU [14%@2188,off] EMC_FREQ 3%@2133 GR3D_FREQ 73%@[1300,1300] APE 174 cpu@52.5C GPU@48.25C tj@52.5C VDD_GPU_SOC 12412mW/2412mW VDD_CPU_CV 1607mW/1607mW VIN_SYS_5V0 4707mW/4707mW NC 0mW/0mW VDDQ_VDD2_1V8AO 301mW/301mW'

test('a line of tegrastats is rails in W, now and not the average since its start', () => {
  const told = readTegrastats(agxOrin)
  expect(Object.fromEntries(told?.railsW ?? [])).toEqual({
    VDD_GPU_SOC: 12.412,
    VDD_CPU_CV: 1.607,
    VIN_SYS_5V0: 4.707,
    VDDQ_VDD2_1V8AO: 0.301,
  })
  expect(told?.gpu).toEqual({ utilisationRatio: 0.73, clockSmMhz: 1300, temperatureC: 48.25 })
})

test('a GPU that is off has neither clock nor temperature', () => {
  const told = readTegrastats('RAM 1/2MB GR3D_FREQ 0%@[0,0] GPU@-256C VDD_GPU_SOC 2340mW/2340mW')
  expect(told?.gpu).toEqual({ utilisationRatio: 0 })
})

const names = (text: string) => {
  const told = readTegrastats(text)
  return told && partsOf(told, 100).map(({ device, rails }) => [device.scope, device.name, rails])
}

test('which rail is whose depends on the board, and a sum says what it is of', () => {
  expect(names(agxOrin)).toEqual([
    [
      'gpu',
      'Jetson GPU, rail VDD_GPU_SOC (GPU and the rest of the chip but the CPU)',
      ['VDD_GPU_SOC'],
    ],
    [
      'soc',
      'Jetson module, sum of rails VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0',
      ['VDD_GPU_SOC', 'VDD_CPU_CV', 'VIN_SYS_5V0'],
    ],
  ])
  expect(names('VDD_IN 5000mW/5000mW VDD_CPU_GPU_CV 900mW/900mW VDD_SOC 1500mW/1500mW')).toEqual([
    [
      'gpu',
      'Jetson GPU, rail VDD_CPU_GPU_CV (GPU, CPU and accelerators together)',
      ['VDD_CPU_GPU_CV'],
    ],
    ['soc', 'Jetson module, rail VDD_IN', ['VDD_IN']],
  ])
  expect(
    names('GR3D_FREQ 0%@76 POM_5V_IN 2591/2591 POM_5V_GPU 124/124 POM_5V_CPU 332/332'),
  ).toEqual([
    ['gpu', 'Jetson GPU, rail POM_5V_GPU', ['POM_5V_GPU']],
    ['soc', 'Jetson module, rail POM_5V_IN', ['POM_5V_IN']],
  ])
})

test('a rail that is missing from a line makes its sum unknown, not smaller', async () => {
  const cut = agxOrin.replace('VDD_CPU_CV 1607mW/1607mW ', '')
  const script = `console.log(${JSON.stringify(agxOrin)}); setTimeout(() => console.log(${JSON.stringify(cut)}), 50); setInterval(() => {}, 1000)`
  const source = await opened(tegrastats, worldWithTool('tegrastats', script))
  const readings = await readingsOf(source, 4)
  const soc = readings.filter(({ device }) => device === 1).map(({ powerW }) => powerW)
  expect(soc[0]).toBeCloseTo(18.726, 6)
  expect(soc[1]).toBeUndefined()
})

const captures = join(fixtures, 'apple')

test.skipIf(!existsSync(captures))('real samples in words, of M1 and M5, are read', () => {
  const samples = (file: string) =>
    bySample(readFileSync(join(captures, file), 'utf8')).records.map(readPowermetrics)
  // Read off the captures by eye.
  expect(samples('powermetrics-m1air.txt')[0]).toEqual([
    { scope: 'gpu', reading: { powerW: 0.153 } },
    { scope: 'cpu-package', reading: { powerW: 0.947 } },
    { scope: 'dram', reading: { powerW: 0.22 } },
    { scope: 'soc', reading: { powerW: 1.473 } },
  ])
  const [m5] = samples('powermetrics-m5max-macos25E253.txt')
  expect(m5?.[0]?.reading.utilisationRatio).toBeCloseTo(0.0103, 9)
  expect(m5).toMatchObject([
    { scope: 'gpu', reading: { powerW: 0.007, clockSmMhz: 338 } },
    { scope: 'cpu-package', reading: { powerW: 0.164 } },
    { scope: 'soc', reading: { powerW: 0.171 } },
  ])
})
