import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  amdSmi,
  checkCounter,
  readMetric,
  throttleClock,
} from '../../../src/detect/telemetry/sources/amd-smi.ts'
import { fixtures, opened, worldWithTool } from './world.ts'

const watts = (value: number) => ({ value, unit: 'W' })
const joules = (value: number) => ({ total_energy_consumption: { value, unit: 'J' } })

test('both shapes of the tool’s answer are read', () => {
  const gpu = { gpu: 0, power: { socket_power: watts(248) }, energy: joules(1234.5) }
  const expected = [expect.objectContaining({ index: 0, powerW: 248, energyJ: 1234.5 })]
  expect(readMetric(JSON.stringify([gpu]))).toEqual(expected)
  expect(readMetric(JSON.stringify({ gpu_data: [gpu] }))).toEqual(expected)
})

test('what the tool calls N/A, and what is in another unit, is absent and never 0', () => {
  const gpu = {
    gpu: 1,
    power: { socket_power: 'N/A' },
    energy: 'N/A',
    clock: { gfx_0: { clk: { value: 1.9, unit: 'GHz' } } },
    temperature: { hotspot: 'N/A', edge: { value: 44, unit: 'C' }, mem: null },
    throttle: { accumulation_counter: 'N/A', ppt_accumulated: 'N/A' },
  }
  expect(readMetric(JSON.stringify([gpu]))).toEqual([{ index: 1, temperatureC: 44 }])
  expect(readMetric('not JSON')).toBeUndefined()
})

const looks = (...points: readonly (readonly [number, number, number | undefined])[]) =>
  points.map(([atMs, powerW, energyJ]) => ({ atMs, value: [{ index: 0, powerW, energyJ }] }))

test('an energy counter is believed where it comes to what its power does', () => {
  // 200 W for 2 s are 400 J.
  expect(checkCounter(looks([0, 200, 50], [1000, 200, 250], [2000, 200, 450]), 0)).toBeUndefined()
  expect(checkCounter(looks([0, 200, 50], [1000, 200, 210], [2000, 200, 371]), 0)).toBeUndefined()
})

test('an energy counter over a fifth from its power is not used', () => {
  expect(checkCounter(looks([0, 200, 50], [2000, 200, 369]), 0)).toBe(
    'it counted 319.0 J while power came to 400.0 J (ROCm/amdsmi#38)',
  )
})

test('an energy counter that does not move, or is not told, is not used', () => {
  expect(checkCounter(looks([0, 200, 50], [1000, 200, 50]), 0)).toContain('does not move')
  expect(checkCounter(looks([0, 200, undefined], [1000, 200, undefined]), 0)).toContain(
    'tells none',
  )
  expect(checkCounter(looks([0, 200, 50]), 0)).toContain('no time')
})

test('part of all throttle counts is part of the time between two looks', () => {
  const clock = throttleClock()
  const ticks = (all: number, power: number, prochot: number, ...thermal: readonly number[]) => ({
    all,
    power,
    prochot,
    thermal,
  })
  clock(ticks(1000, 500, 0, 10, 20), 0)
  // 1000 counts in 2 s: 2 ms each. The limit held for 250, socket for 30 and memory for 50 of them.
  expect(clock(ticks(2000, 750, 0, 40, 70), 2000)).toEqual({
    powerCapMs: 500,
    thermalSoftwareMs: 100,
    thermalHardwareMs: 0,
  })
  // Not counted on since: nothing is known of that time.
  expect(clock(ticks(2000, 750, 0, 40, 70), 2500).powerCapMs).toBe(500)
  // Begun anew: nothing is known of that time.
  expect(clock(ticks(10, 5, 0, 0, 0), 3000).powerCapMs).toBe(500)
  expect(clock(ticks(110, 55, 100, 0, 0), 4000)).toEqual({
    powerCapMs: 1000,
    thermalSoftwareMs: 100,
    thermalHardwareMs: 1000,
  })
})

const script = (metric: string) => `
  const args = process.argv.slice(2)
  if (args[0] === 'static') console.log(JSON.stringify({ gpu_data: [
    { gpu: 0, asic: { market_name: 'AMD Instinct MI250X' }, bus: { bdf: '0000:C1:00.0' } },
    { gpu: 1, asic: { market_name: 'AMD Instinct MI250X' }, bus: { bdf: '0000:C6:00.0' } }] }))
  else { ${metric} }`

test('the second GPU of an MI250 is no device, a stuck counter is dropped, and both are said', async () => {
  const print = `setInterval(() => console.log(JSON.stringify([
    { gpu: 0, power: { socket_power: { value: 300, unit: 'W' } }, energy: { total_energy_consumption: { value: 7, unit: 'J' } } },
    { gpu: 1, power: { socket_power: 'N/A' }, energy: 'N/A' }])), 200)`
  const source = await opened(amdSmi, worldWithTool('amd-smi', script(print)))
  expect(source.devices.map(({ id }) => id)).toEqual(['0000:c1:00.0'])
  expect(source.devices[0]?.lacks).toEqual([
    'energy counter: it does not move (ROCm/rocm_smi_lib#180)',
    'throttle times: only MI300 and later count them',
    'power of its own: what is told is of the package, its other GPU included',
  ])
  const readings = await source.look()
  expect(readings.length).toBeGreaterThanOrEqual(2)
  expect(readings[0]).toMatchObject({ device: 0, powerAverageW: 300 })
  expect(readings[0]?.energyJ).toBeUndefined()
})

test('a tool too old for throttle times is asked without them', async () => {
  const print = `
    if (args.includes('--throttle')) { console.error('unrecognized arguments: --throttle'); process.exit(2) }
    setInterval(() => console.log(JSON.stringify([{ gpu: 0, power: { socket_power: { value: 90, unit: 'W' } } }])), 200)`
  const source = await opened(amdSmi, worldWithTool('amd-smi', script(print)))
  expect((await source.look())[0]).toMatchObject({ powerAverageW: 90 })
})

const captured = join(fixtures, 'amd/amd-smi/rocm6.1.0-33-amd-smi-metric-p-json.txt')

test.skipIf(!existsSync(captured))('what AMD’s documentation shows is read', () => {
  const json = readFileSync(captured, 'utf8').replace(/^[^[]*/, '')
  expect(readMetric(json)).toEqual([{ index: 0, powerW: 10 }])
})
