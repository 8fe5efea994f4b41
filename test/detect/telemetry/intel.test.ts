import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { intelHwmon } from '../../../src/detect/telemetry/sources/intel-hwmon.ts'
import { rowReader, xpuSmi } from '../../../src/detect/telemetry/sources/xpu-smi.ts'
import { fixtures, opened, put, readingsOf, rootWith, worldOf, worldWithTool } from './world.ts'

const card = 'sys/class/drm/card0/device'
const hwmon = `${card}/hwmon/hwmon3`
const xe = {
  [`${card}/vendor`]: '0x8086',
  [`${card}/uevent`]: 'PCI_SLOT_NAME=0000:03:00.0',
  [`${card}/tile0/gt0/freq0/act_freq`]: '2850',
  [`${hwmon}/name`]: 'xe',
  [`${hwmon}/energy1_input`]: '8000000',
  [`${hwmon}/energy1_label`]: 'card',
  [`${hwmon}/energy2_input`]: '6000000',
  [`${hwmon}/energy2_label`]: 'pkg',
  [`${hwmon}/temp2_input`]: '58000',
  [`${hwmon}/temp2_label`]: 'pkg',
  [`${hwmon}/temp3_input`]: '62000',
  [`${hwmon}/temp3_label`]: 'vram',
}

test('a card of the xe driver is read by the counter of the whole card', async () => {
  const root = rootWith(xe)
  const source = await opened(intelHwmon, worldOf({ root, nowMs: () => 5 }))
  await source.look()
  put(root, `${hwmon}/energy1_input`, '8250000')
  expect(await source.look()).toEqual([
    {
      device: 0,
      atMs: 5,
      energyJ: 8.25,
      temperatureC: 58,
      temperatureMemoryC: 62,
      clockSmMhz: 2850,
    },
  ])
  expect(source.devices[0]?.lacks).toContain('power: the driver has no file for it')
})

test('a counter that stays 0 is not believed, and that is said', async () => {
  const dead = { ...xe, [`${hwmon}/energy1_input`]: '0', [`${hwmon}/energy2_input`]: '0' }
  const source = await opened(intelHwmon, worldOf({ root: rootWith(dead) }))
  expect(source.devices[0]?.lacks?.[0]).toContain('it is at 0')
  await source.look()
  expect((await source.look())[0]?.energyJ).toBeUndefined()
})

test('where the whole card’s counter is dead, the package’s is read, and never the two in turn', async () => {
  const root = rootWith({ ...xe, [`${hwmon}/energy1_input`]: '0' })
  const source = await opened(intelHwmon, worldOf({ root }))
  await source.look()
  put(root, `${hwmon}/energy1_input`, '900000000')
  put(root, `${hwmon}/energy2_input`, '6100000')
  expect((await source.look())[0]?.energyJ).toBe(6.1)
})

test('processor graphics, without such files, are no device', async () => {
  const root = rootWith({ [`${card}/vendor`]: '0x8086' })
  expect(await intelHwmon.open(worldOf({ root }))).toHaveProperty('none')
})

const heading =
  'Timestamp, DeviceId, GPU Utilization (%), GPU Power (W), GPU Frequency (MHz), GPU Core Temperature (Celsius Degree), GPU Energy Consumed (J)'

test('a row is read by its columns’ titles, and N/A is absent', () => {
  const read = rowReader()
  expect(read(heading)).toBeUndefined()
  expect(read('06:14:46.000,    1, 50.00, 114.61, 2050, 71, N/A')).toEqual({
    deviceId: 1,
    reading: { utilisationRatio: 0.5, powerAverageW: 114.61, clockSmMhz: 2050, temperatureC: 71 },
  })
})

test('a decimal comma, a cut row and a complaint are no rows', () => {
  const read = rowReader()
  read(heading)
  expect(read('06:14:46.000,    0, 50,00, 114,61, 2050, 71, 900')).toBeUndefined()
  expect(read('06:14:46.000,    0, 50.0')).toBeUndefined()
  expect(read('Failed to get device')).toBeUndefined()
})

const discovery = `if (process.argv[2] === 'discovery') {
  console.log(JSON.stringify({ device_list: [{ device_id: 0, device_name: 'Intel(R) Data Center GPU', pci_bdf_address: '0000:4D:00.0' }] }))
  process.exit(0)
}`

test('xpu-smi’s lines become readings of the card of that number, CRLF or not', async () => {
  const script = `${discovery}
    process.stdout.write(${JSON.stringify(`${heading}\r\n`)})
    let joules = 100
    setInterval(() => process.stdout.write('06:14:46.000,    0, 99.00, 200.00, 1600, 60, ' + (joules += 20) + '\\r\\n'), 100)`
  const source = await opened(xpuSmi, worldWithTool('xpu-smi', script))
  expect(source.devices[0]).toMatchObject({ id: '0000:4d:00.0', scope: 'gpu', periodMs: 1000 })
  const [first, second] = await readingsOf(source, 2)
  expect(first).toMatchObject({ device: 0, powerAverageW: 200, utilisationRatio: 0.99 })
  expect(first?.energyJ).toBeUndefined()
  expect(second?.energyJ).toBe(140)
})

test('without the tool there is a reason', async () => {
  expect(await xpuSmi.open(worldOf())).toEqual({ none: 'xpu-smi: not found' })
})

const dump = join(fixtures, 'intel/xpu-smi-20-xpu-smi-dump-d-0-m-0-1-2-i-1-n-5.txt')

test.skipIf(!existsSync(dump))('what Intel’s guide shows is read', () => {
  const rows = readFileSync(dump, 'utf8').split('\n').map(rowReader())
  const powers = rows.flatMap((row) => row?.reading.powerAverageW ?? [])
  expect(powers).toEqual([14.61, 14.59, 14.61, 14.61, 14.61])
  expect(rows.at(2)?.reading).toEqual({ utilisationRatio: 0, powerAverageW: 14.61 })
})
