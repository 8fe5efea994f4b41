import { expect, test } from 'vitest'
import { computeGpus } from '../../src/detect/compute-gpus.ts'
import { detectHardware } from '../../src/detect/detect-hardware.ts'
import { type AskedVendor, joinAccounts, joinGpus } from '../../src/detect/join-gpus.ts'
import { pciAddressOf } from '../../src/detect/pci-address.ts'
import { absent, ok, readingValue } from '../../src/detect/reading.ts'
import { findPciGpus } from '../../src/detect/vendors/pci.ts'
import { fakeMachine, gpuWith, hostWith } from './machines.ts'

const DEVICES = '/sys/bus/pci/devices'

interface Device {
  readonly vendor: string
  readonly device?: string
  readonly class?: string
  readonly driver?: string
  readonly physfn?: string
  /** Where it hangs: the path above it. */
  readonly under?: string
  readonly files?: Readonly<Record<string, string>>
}

/** A machine with these on its bus, laid out as Linux does: links in one folder, devices in another. */
function machineWith(
  devices: Readonly<Record<string, Device>>,
  bridges: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
) {
  const files: Record<string, string> = {}
  const links: Record<string, string> = {}
  for (const [path, texts] of Object.entries(bridges)) {
    for (const [name, text] of Object.entries(texts)) files[`${path}/${name}`] = `${text}\n`
  }
  for (const [address, device] of Object.entries(devices)) {
    const real = `${device.under ?? '/sys/devices/pci0000:00/0000:00:01.0'}/${address}`
    links[`${DEVICES}/${address}`] = real
    const texts = {
      vendor: device.vendor,
      device: device.device ?? '0x2330',
      class: device.class ?? '0x030200',
      numa_node: '1',
      ...device.files,
    }
    for (const [name, text] of Object.entries(texts)) {
      files[`${DEVICES}/${address}/${name}`] = `${text}\n`
      files[`${real}/${name}`] = `${text}\n`
    }
    if (device.driver) {
      links[`${DEVICES}/${address}/driver`] = `/sys/bus/pci/drivers/${device.driver}`
    }
    if (device.physfn) links[`${DEVICES}/${address}/physfn`] = `/sys/devices/x/${device.physfn}`
  }
  return fakeMachine({ files, links })
}

const link = (speed: string, width: string, speedNow = speed) => ({
  max_link_speed: `${speed} GT/s PCIe`,
  max_link_width: width,
  current_link_speed: `${speedNow} GT/s PCIe`,
  current_link_width: width,
})

async function only(devices: Readonly<Record<string, Device>>, bridges = {}) {
  const { gpus } = await findPciGpus(machineWith(devices, bridges))
  expect(gpus).toHaveLength(1)
  return gpus[0]
}

const nvidiaAsked = (
  outcome: 'ok' | 'not-found' | 'failed',
  gpus = [] as never[],
): AskedVendor => ({
  vendor: { name: 'nvidia', tool: 'nvidia-smi' },
  answer: {
    gpus,
    reports: [
      {
        tool: 'nvidia-smi',
        outcome,
        ...(outcome === 'failed' ? { detail: 'exit code 9' } : {}),
        tookMs: 1,
      },
    ],
  },
})

test.each([
  ['00000000:1B:00.0', '0000:1b:00.0'],
  ['0000:1b:00.0', '0000:1b:00.0'],
  ['000F:01:00.0', '000f:01:00.0'],
  ['10000:01:00.0', '10000:01:00.0'],
  ['1b:00.0', undefined],
  ['N/A', undefined],
])('the address %s is %s', (text, address) => {
  expect(pciAddressOf(text)).toBe(address)
})

test('cards, 3D controllers and accelerators are GPUs; a BMC, an NPU, sound and bridges are none', async () => {
  const { gpus, reports } = await findPciGpus(
    machineWith({
      '0000:03:00.0': { vendor: '0x1a03', class: '0x030000' },
      '0000:1b:00.0': { vendor: '0x10de', class: '0x030200' },
      '0000:1b:00.1': { vendor: '0x10de', class: '0x040300' },
      '0000:41:00.0': { vendor: '0x1002', class: '0x120000' },
      '0000:42:00.0': { vendor: '0x1002', class: '0x038000' },
      '0000:00:01.0': { vendor: '0x1002', class: '0x060400' },
      '0000:00:02.0': { vendor: '0x8086', class: '0x030000' },
      '0000:00:0b.0': { vendor: '0x8086', class: '0x120000' },
    }),
  )
  expect(gpus.map(({ pciAddress, vendor }) => [pciAddress, vendor])).toEqual([
    ['0000:00:02.0', 'intel'],
    ['0000:1b:00.0', 'nvidia'],
    ['0000:41:00.0', 'amd'],
    ['0000:42:00.0', 'amd'],
  ])
  expect(reports).toMatchObject([{ tool: 'PCI bus', outcome: 'ok' }])
})

test('a machine that is not Linux, or shows no bus, has no GPU there and no exception', async () => {
  expect(await findPciGpus(fakeMachine({ platform: 'darwin' }))).toEqual({ gpus: [], reports: [] })
  expect(await findPciGpus(fakeMachine())).toEqual({ gpus: [], reports: [] })
})

test('the best of a link is the lesser of card and slot', async () => {
  const slot = '/sys/devices/pci0000:00/0000:00:01.0'
  const gpu = await only(
    { '0000:1b:00.0': { vendor: '0x10de', under: slot, files: link('32.0', '16', '2.5') } },
    { [slot]: { vendor: '0x8086', class: '0x060400', ...link('16.0', '8') } },
  )
  expect(readingValue(gpu?.readings.pcieGeneration)).toBe(4)
  expect(readingValue(gpu?.readings.pcieWidth)).toBe(8)
  expect(readingValue(gpu?.readings.pcieWidthOfGpu)).toBe(16)
  expect(readingValue(gpu?.readings.pcieGenerationNow)).toBe(1)
})

test('an AMD card with a bridge of its own has the link of the bridge, not the one behind it', async () => {
  // Root port (gen 3) - bridge of the card, its slot side - bridge, GPU side - GPU.
  const root = '/sys/devices/pci0000:00/0000:00:01.0'
  const upstream = `${root}/0000:01:00.0`
  const downstream = `${upstream}/0000:02:00.0`
  const bridge = { vendor: '0x1002', class: '0x060400' }
  const gpu = await only(
    { '0000:03:00.0': { vendor: '0x1002', under: downstream, files: link('16.0', '16') } },
    {
      [root]: { vendor: '0x1022', class: '0x060400', ...link('8.0', '16') },
      [upstream]: { ...bridge, ...link('16.0', '16', '8.0'), current_link_width: '4' },
      [downstream]: { ...bridge, ...link('16.0', '16') },
    },
  )
  expect(readingValue(gpu?.readings.pcieGeneration)).toBe(3)
  expect(readingValue(gpu?.readings.pcieGenerationNow)).toBe(3)
  expect(readingValue(gpu?.readings.pcieWidthNow)).toBe(4)
})

test('what is no PCIe link has no generation and no lanes, and -1 is no NUMA node', async () => {
  const gpu = await only({
    '0000:00:02.0': {
      vendor: '0x8086',
      files: {
        max_link_speed: 'Unknown',
        max_link_width: '0',
        current_link_speed: 'Unknown',
        current_link_width: '255',
        numa_node: '-1',
      },
    },
  })
  expect(gpu?.readings.pcieGeneration).toMatchObject({ status: 'absent', reason: 'says Unknown' })
  expect(gpu?.readings.pcieWidth).toMatchObject({ status: 'absent', reason: 'says 0' })
  expect(gpu?.readings.pcieWidthNow?.status).toBe('absent')
  expect(gpu?.readings.numaNode).toMatchObject({ status: 'absent', reason: 'says -1' })
})

test('only the Intel graphics at 00:02 are part of the processor', async () => {
  const own = await only({ '0000:00:02.0': { vendor: '0x8086', class: '0x030000' } })
  const card = await only({ '0000:4d:00.0': { vendor: '0x8086', class: '0x038000' } })
  const nvidia = await only({ '0000:1b:00.0': { vendor: '0x10de' } })
  expect(readingValue(own?.readings.integrated)).toBe(true)
  expect(readingValue(card?.readings.integrated)).toBe(false)
  expect(nvidia?.readings.integrated).toBeUndefined()
})

test('a GPU that no tool tells of is listed, with what became of the tools', async () => {
  const { gpus } = await findPciGpus(
    machineWith({ '0000:1b:00.0': { vendor: '0x10de', driver: 'nouveau' } }),
  )
  const [gpu] = joinGpus([nvidiaAsked('not-found')], gpus)
  expect(gpu).toMatchObject({ vendor: 'nvidia', index: 0 })
  expect(gpu?.name).toMatchObject({ reason: 'nvidia-smi was not found (PCI ids 10de:2330)' })
  expect(gpu?.powerW).toMatchObject({ status: 'absent', reason: 'nvidia-smi was not found' })
  expect(readingValue(gpu?.numaNode)).toBe(1)
  expect(readingValue(gpu?.kernelDriver)).toBe('nouveau')
  const [failed] = joinGpus([nvidiaAsked('failed')], gpus)
  expect(failed?.powerW).toMatchObject({ reason: 'nvidia-smi failed: exit code 9' })
  const [lost] = joinGpus([nvidiaAsked('ok')], gpus)
  expect(lost?.powerW).toMatchObject({ reason: 'nvidia-smi does not list it' })
  const [stranger] = joinGpus([], gpus)
  expect(stranger?.powerW).toMatchObject({ reason: 'no tool is known that tells of it' })
})

test('a GPU that a virtual machine has, one without a driver and a share of another say so', async () => {
  const { gpus } = await findPciGpus(
    machineWith({
      '0000:1b:00.0': { vendor: '0x10de', driver: 'vfio-pci' },
      '0000:1c:00.0': { vendor: '0x10de' },
      '0000:1d:00.4': { vendor: '0x10de', driver: 'nvidia', physfn: '0000:1d:00.0' },
    }),
  )
  const joined = joinGpus([nvidiaAsked('ok')], gpus)
  expect(joined.map(({ powerW }) => powerW.status === 'absent' && powerW.reason)).toEqual([
    'bound to vfio-pci, which hands it to a virtual machine; nvidia-smi does not list it',
    'no driver is bound to it; nvidia-smi does not list it',
    'virtual function of 0000:1d:00.0; nvidia-smi does not list it',
  ])
  expect(joined.map(({ index }) => index)).toEqual([0, 1, 2])
  // The first is not ours, the third a share of another; the second may compute once it has a driver.
  expect(computeGpus({ gpus: joined }).map((gpu) => readingValue(gpu.pciAddress))).toEqual([
    '0000:1c:00.0',
  ])
})

test('what the bus knows is added to what the tool knows, by address and whatever the order', async () => {
  const { gpus } = await findPciGpus(
    machineWith({
      '0000:1b:00.0': { vendor: '0x10de', driver: 'nvidia' },
      '0000:1c:00.0': { vendor: '0x10de', driver: 'nvidia' },
    }),
  )
  const told = [
    gpuWith({ name: ok('second', 't'), pciAddress: ok('0000:1c:00.0', 't') }, 'nvidia', 0),
    gpuWith(
      { name: ok('first', 't'), pciAddress: ok('0000:1b:00.0', 't'), numaNode: ok(0, 't') },
      'nvidia',
      1,
    ),
  ]
  const joined = joinGpus(
    [{ vendor: { name: 'nvidia', tool: 'nvidia-smi' }, answer: { gpus: told, reports: [] } }],
    gpus,
  )
  expect(joined.map((gpu) => [readingValue(gpu.name), readingValue(gpu.numaNode)])).toEqual([
    ['second', 1],
    ['first', 0],
  ])
  // Where neither knows, the tool's reason stands.
  expect(joined[0]?.powerW).toMatchObject({ reason: 'nobody says' })
})

test('a tool that tells no address does not double its GPU', () => {
  const withoutAddress = gpuWith({ name: ok('GPU', 't') }, 'nvidia')
  const seen = gpuWith({ pciAddress: ok('0000:1b:00.0', 't') }, 'nvidia')
  const other = gpuWith({ pciAddress: ok('0000:1c:00.0', 't') }, 'amd')
  const joined = joinAccounts([[withoutAddress], [seen, other]])
  expect(joined.map(({ vendor }) => vendor)).toEqual(['nvidia', 'amd'])
  expect(readingValue(joined[0]?.name)).toBe('GPU')
})

test('indices stay unique within a vendor', () => {
  const at = (address: string, index: number) =>
    gpuWith({ pciAddress: ok(address, 't') }, 'nvidia', index)
  const joined = joinAccounts([
    [at('0000:81:00.0', 0), at('0000:82:00.0', 1)],
    [at('0000:01:00.0', 0), at('0000:81:00.0', 1)],
  ])
  expect(joined.map(({ index }) => index)).toEqual([0, 1, 2])
})

test('graphics of the processor count only where there is no card', () => {
  const own = gpuWith({ integrated: ok(true, 't') }, 'intel')
  const card = gpuWith({ integrated: absent('unknown', 't') }, 'nvidia')
  expect(computeGpus({ gpus: [own, card] })).toEqual([card])
  expect(computeGpus({ gpus: [own] })).toEqual([own])
  expect(computeGpus({ gpus: [] })).toEqual([])
})

test('a whole detection lists a GPU whose tool is missing, with what the bus tells of it', async () => {
  const machine = machineWith({ '0000:1b:00.0': { vendor: '0x10de', files: link('32.0', '16') } })
  const hardware = await detectHardware({ machine, readHost: async () => hostWith() })
  expect(hardware.gpus).toHaveLength(1)
  expect(hardware.gpus[0]?.name).toMatchObject({
    reason: 'no driver is bound to it; nvidia-smi was not found (PCI ids 10de:2330)',
  })
  expect(readingValue(hardware.gpus[0]?.pcieGeneration)).toBe(5)
  expect(hardware.tools).toContainEqual(expect.objectContaining({ tool: 'PCI bus', outcome: 'ok' }))
})
