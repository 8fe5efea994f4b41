import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { amdSysfs } from '../../../src/detect/telemetry/sources/amd-sysfs.ts'
import {
  fixtures,
  link,
  opened,
  put,
  readingsOf,
  rootWith,
  worldOf,
  worldWithTool,
} from './world.ts'

const card = 'sys/class/drm/card1/device'
const hwmon = `${card}/hwmon/hwmon4`

/** A board with all that the driver offers. */
const board = {
  [`${card}/vendor`]: '0x1002',
  [`${card}/device`]: '0x744c',
  [`${card}/uevent`]: 'DRIVER=amdgpu\nPCI_SLOT_NAME=0000:C3:00.0',
  [`${card}/product_name`]: 'Radeon PRO W7900',
  [`${card}/gpu_busy_percent`]: '97',
  [`${card}/mem_info_vram_used`]: '2147483648',
  [`${card}/pp_dpm_sclk`]: '0: 500Mhz \n1: 2210Mhz *\n2: 2500Mhz ',
  [`${card}/pp_dpm_mclk`]: '0: 96Mhz \n1: 1249Mhz *',
  [`${card}/current_link_speed`]: '16.0 GT/s PCIe',
  [`${card}/current_link_width`]: '16',
  [`${hwmon}/name`]: 'amdgpu',
  [`${hwmon}/power1_input`]: '241000000',
  [`${hwmon}/power1_average`]: '236000000',
  [`${hwmon}/power1_cap`]: '303000000',
  [`${hwmon}/temp1_input`]: '61000',
  [`${hwmon}/temp1_label`]: 'edge',
  [`${hwmon}/temp2_input`]: '78000',
  [`${hwmon}/temp2_label`]: 'junction',
  [`${hwmon}/temp3_input`]: '70000',
  [`${hwmon}/temp3_label`]: 'mem',
  'sys/class/drm/card1-DP-1/device/vendor': '0x1002',
}

test('a board is told of by its files: power of now and average apart, the hottest spot', async () => {
  const source = await opened(amdSysfs, worldOf({ root: rootWith(board), nowMs: () => 7 }))
  expect(source.devices).toEqual([
    {
      id: '0000:c3:00.0',
      pciAddress: '0000:c3:00.0',
      scope: 'gpu',
      source: '/sys/class/drm',
      name: 'Radeon PRO W7900',
      lacks: [
        'energy counter: the driver has no file for it',
        'throttle times: amd-smi: not found',
      ],
    },
  ])
  expect(await source.look()).toEqual([
    {
      device: 0,
      atMs: 7,
      powerW: 241,
      powerAverageW: 236,
      clockSmMhz: 2210,
      clockMemoryMhz: 1249,
      temperatureC: 78,
      temperatureMemoryC: 70,
      memoryUsedMib: 2048,
      utilisationRatio: 0.97,
      pcieGeneration: 4,
      pcieWidth: 16,
    },
  ])
})

test('what a driver does not say for a moment is absent, and back when it says it again', async () => {
  const root = rootWith(board)
  const source = await opened(amdSysfs, worldOf({ root }))
  put(root, `${hwmon}/power1_input`, '')
  put(root, `${card}/gpu_busy_percent`, 'N/A')
  expect((await source.look())[0]).toMatchObject({ powerW: undefined, utilisationRatio: undefined })
  put(root, `${hwmon}/power1_input`, '98000000')
  expect((await source.look())[0]).toMatchObject({ powerW: 98 })
})

test('a card that tells nothing at all, asleep or gone, has no reading', async () => {
  const root = rootWith(board)
  const source = await opened(amdSysfs, worldOf({ root }))
  for (const path of Object.keys(board)) put(root, path, '')
  expect(await source.look()).toEqual([])
})

test('the exact clock is preferred to the step that is chosen', async () => {
  const root = rootWith({ ...board, [`${hwmon}/freq1_input`]: '2187000000' })
  const source = await opened(amdSysfs, worldOf({ root }))
  expect((await source.look())[0]?.clockSmMhz).toBe(2187)
})

test('power of a chip that holds processor and GPU is not said to be the GPU’s', async () => {
  const { [`${hwmon}/power1_cap`]: _, ...withoutCap } = board
  const { devices } = await opened(amdSysfs, worldOf({ root: rootWith(withoutCap) }))
  expect(devices[0]).toMatchObject({
    scope: 'soc',
    lacks: expect.arrayContaining([expect.stringContaining('processor and GPU together')]),
  })
})

test('of a package with two GPUs the one without power is no device, and the other says so', async () => {
  const twin = (n: number, power: string) => ({
    [`sys/class/drm/card${n}/device/vendor`]: '0x1002',
    [`sys/class/drm/card${n}/device/device`]: '0x740c',
    [`sys/class/drm/card${n}/device/uevent`]: `PCI_SLOT_NAME=0000:${n}1:00.0`,
    [`sys/class/drm/card${n}/device/gpu_busy_percent`]: '50',
    [`sys/class/drm/card${n}/device/hwmon/hwmon${n}/name`]: 'amdgpu',
    [`sys/class/drm/card${n}/device/hwmon/hwmon${n}/power1_average`]: power,
    [`sys/class/drm/card${n}/device/hwmon/hwmon${n}/power1_cap`]: power,
  })
  const root = rootWith({ ...twin(1, '412000000'), ...twin(2, '0') })
  const { devices } = await opened(amdSysfs, worldOf({ root }))
  expect(devices.map(({ id }) => id)).toEqual(['0000:11:00.0'])
  expect(devices[0]?.lacks?.join()).toContain('of the package, one of 0000:21:00.0 included')
})

test('an energy counter that stands still is not believed', async () => {
  const root = rootWith({ ...board, [`${hwmon}/energy1_input`]: '0' })
  const source = await opened(amdSysfs, worldOf({ root }))
  await source.look()
  expect((await source.look())[0]?.energyJ).toBeUndefined()
  put(root, `${hwmon}/energy1_input`, '24000000')
  expect((await source.look())[0]?.energyJ).toBe(24)
})

test('amd-smi adds energy and throttle times to the card of the same address', async () => {
  const root = rootWith(board)
  // 240 W: 240 J a second; of 100 counts a second 25 are of the power limit.
  const script = `
    const args = process.argv.slice(2)
    if (args[0] === 'static') console.log(JSON.stringify([{ gpu: 0, asic: { market_name: 'AMD Radeon PRO W7900' }, bus: { bdf: '0000:C3:00.0' } }]))
    else {
      console.log("'CTRL' + 'C' to stop watching output:")
      const fromMs = Date.now()
      setInterval(() => {
        const s = (Date.now() - fromMs) / 1000
        console.log(JSON.stringify([{ gpu: 0, power: { socket_power: { value: 240, unit: 'W' } },
          energy: { total_energy_consumption: { value: 5000 + 240 * s, unit: 'J' } },
          throttle: { accumulation_counter: Math.round(100 * s), prochot_accumulated: 0, ppt_accumulated: Math.round(25 * s), socket_thermal_accumulated: 'N/A' } }], null, 4))
      }, 1000)
    }`
  const source = await opened(amdSysfs, worldWithTool('amd-smi', script, { root }))
  expect(source.devices[0]).toMatchObject({
    name: 'AMD Radeon PRO W7900',
    source: '/sys/class/drm, amd-smi metric --watch',
  })
  expect(source.devices[0]?.lacks).toBeUndefined()
  const told = (await readingsOf(source, 1)).filter(({ energyJ }) => energyJ !== undefined)
  const [first, last] = [told[0], told.at(-1)]
  const seconds = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / 1000
  expect(told.length).toBeGreaterThanOrEqual(2)
  expect(((last?.energyJ ?? 0) - (first?.energyJ ?? 0)) / seconds).toBeCloseTo(240, -2)
  const capShare = (last?.throttle?.powerCapMs ?? 0) / (seconds * 1000)
  expect(capShare).toBeGreaterThan(0.2)
  expect(capShare).toBeLessThan(0.3)
})

test('without an AMD card there is a reason', async () => {
  expect(await amdSysfs.open(worldOf())).toEqual({ none: 'no AMD GPU under /sys/class/drm' })
})

const captured = join(fixtures, 'amd/sysfs-drm-procfs')

test.skipIf(!existsSync(captured))(
  'a real card without hwmon: no power, and that is said',
  async () => {
    const root = rootWith()
    link(root, 'sys', captured)
    const source = await opened(amdSysfs, worldOf({ root, nowMs: () => 0 }))
    expect(source.devices[0]).toMatchObject({
      pciAddress: '0000:09:00.0',
      lacks: expect.arrayContaining(['power: the driver has no file for it']),
    })
    // Read off the tree by eye; 1490378752 bytes.
    expect(await source.look()).toEqual([
      {
        device: 0,
        atMs: 0,
        clockSmMhz: 852,
        clockMemoryMhz: 167,
        memoryUsedMib: 1421.3359375,
        utilisationRatio: 0.04,
        pcieGeneration: 3,
        pcieWidth: 16,
      },
    ])
  },
)
