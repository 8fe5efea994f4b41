import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { rapl, unwrapper } from '../../../src/detect/telemetry/sources/rapl.ts'
import { fixtures, link, opened, put, rootWith, worldOf } from './world.ts'

const folder = 'sys/class/powercap'
const zone = (name: string, what: string, energyUj = 1_000_000, rangeUj = 262_143_328_850) => ({
  [`${folder}/${name}/name`]: what,
  [`${folder}/${name}/energy_uj`]: String(energyUj),
  [`${folder}/${name}/max_energy_range_uj`]: String(rangeUj),
})

test('packages and memory are devices of their own, and parts of a package are none', async () => {
  const root = rootWith({
    ...zone('intel-rapl:0', 'package-0'),
    ...zone('intel-rapl:0:0', 'core'),
    ...zone('intel-rapl:0:1', 'dram'),
    ...zone('intel-rapl:1', 'package-1'),
    ...zone('intel-rapl:1:0', 'dram'),
    ...zone('intel-rapl:2', 'psys'),
  })
  const { devices } = await opened(rapl, worldOf({ root }))
  expect(devices.map(({ id, scope }) => [id, scope])).toEqual([
    ['package-0', 'cpu-package'],
    ['package-0/dram', 'dram'],
    ['package-1', 'cpu-package'],
    ['package-1/dram', 'dram'],
    ['psys', 'soc'],
  ])
  expect(devices[4]?.lacks?.[0]).toContain('up to the board’s maker')
})

test('the same package by a second register is not counted twice', async () => {
  const both = rootWith({
    ...zone('intel-rapl:0', 'package-0'),
    ...zone('intel-rapl-mmio:0', 'package-0'),
  })
  expect((await opened(rapl, worldOf({ root: both }))).devices).toHaveLength(1)
  const alone = rootWith(zone('intel-rapl-mmio:0', 'package-0'))
  expect((await opened(rapl, worldOf({ root: alone }))).devices).toHaveLength(1)
})

test('a counter is read in joules, from the first time that it moves', async () => {
  const root = rootWith(zone('intel-rapl:0', 'package-0', 5_000_000))
  const source = await opened(rapl, worldOf({ root, nowMs: () => 100 }))
  expect(source.devices[0]?.lacks?.[0]).toContain('does not move')
  expect(await source.look()).toEqual([])
  put(root, `${folder}/intel-rapl:0/energy_uj`, '5300000')
  expect(await source.look()).toEqual([{ device: 0, atMs: 100, energyJ: 5.3 }])
  put(root, `${folder}/intel-rapl:0/energy_uj`, 'N/A')
  expect(await source.look()).toEqual([])
})

test('a counter that goes round goes on rising', () => {
  const unwrap = unwrapper(262_143_328_850)
  expect(unwrap(262_143_000_000, 0)).toBeUndefined()
  // 0.32885 J to the end, 10 J from the beginning.
  expect(unwrap(10_000_000, 100)).toBeCloseTo(262_153.32885, 5)
  expect(unwrap(20_000_000, 200)).toBeCloseTo(262_163.32885, 5)
})

test('a counter that begins anew is not taken for one that went round', () => {
  const unwrap = unwrapper(262_143_328_850)
  unwrap(100_000_000_000, 0)
  expect(unwrap(100_001_000_000, 100)).toBe(100_001)
  // Going round from here would be 162 kJ in 0.1 s.
  expect(unwrap(5_000_000, 200)).toBe(5)
})

test('without a known end of the counter a fall is never made up for', () => {
  const unwrap = unwrapper(undefined)
  unwrap(9_000_000, 0)
  expect(unwrap(1_000_000, 100)).toBe(1)
})

test('without the right to read, the reason holds the command that gives it', async () => {
  const root = rootWith(zone('intel-rapl:0', 'package-0'))
  chmodSync(root, 0o755)
  chmodSync(join(root, folder, 'intel-rapl:0/energy_uj'), 0)
  becomeNobody()
  expect(await rapl.open(worldOf({ root }))).toEqual({
    none: expect.stringMatching(/only root may read.*sudo chmod a\+r .*energy_uj/),
  })
})

test('elsewhere than on Linux, and without packages, there is a reason', async () => {
  expect(await rapl.open(worldOf({ platform: 'darwin' }))).toEqual({ none: 'only on Linux' })
  expect(await rapl.open(worldOf())).toEqual({ none: 'no package under /sys/class/powercap' })
})

const captured = join(fixtures, 'rapl/sysfs-procfs/class/powercap')

test.skipIf(!existsSync(captured))('a real tree: two packages, one told in letters', async () => {
  const root = rootWith()
  for (const name of readdirSync(captured)) {
    link(root, join(folder, name.replaceAll('_COLON_', ':')), join(captured, name))
  }
  const { devices } = await opened(rapl, worldOf({ root }))
  expect(devices.map(({ id }) => id)).toEqual(['package-0', 'package-10'])
})

/** Root may read everything, so a test of missing rights gives them up for a while. */
function becomeNobody(): void {
  if (process.geteuid?.() !== 0) return
  process.seteuid?.(65_534)
  onTestFinished(() => process.seteuid?.(0))
}
