import { expect, test } from 'vitest'
import { gpuFields } from '../../src/detect/gpu-fields.ts'
import { readingValue } from '../../src/detect/reading.ts'
import type { CommandResult, RunCommand } from '../../src/detect/run-command.ts'
import { apple } from '../../src/detect/vendors/apple.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

const SERIAL = 'XX0SYNTH00'
const HARDWARE_UUID = '00000000-1111-2222-3333-444444444444'

const hardware = {
  _name: 'hardware_overview',
  chip_type: 'Apple M3 Max',
  machine_model: 'Mac15,9',
  number_processors: 'proc 16:12:4',
  physical_memory: '128 GB',
  platform_UUID: HARDWARE_UUID,
  provisioning_UDID: '00006031-000000000000001C',
  serial_number: SERIAL,
}

const m3Max = {
  _name: 'Apple M3 Max',
  spdisplays_mtlgpufamilysupport: 'spdisplays_metal3',
  spdisplays_ndrvs: [{ _name: 'Color LCD', spdisplays_connection_type: 'spdisplays_internal' }],
  spdisplays_vendor: 'sppci_vendor_Apple',
  sppci_bus: 'spdisplays_builtin',
  sppci_cores: '40',
  sppci_device_type: 'spdisplays_gpu',
  sppci_model: 'Apple M3 Max',
}

const profile = (displays: readonly object[]) =>
  JSON.stringify({ SPDisplaysDataType: displays, SPHardwareDataType: [hardware] }, null, 2)

const PMSET =
  'System-wide power settings:\nCurrently in use:\n standby              1\n lowpowermode         1\n'

function mac(
  printed: string | CommandResult,
  wiredLimit = '0\n',
  pmset = PMSET,
): ReturnType<typeof fakeMachine> {
  const runCommand: RunCommand = async (file) => {
    if (file === 'sysctl') return exited(wiredLimit)
    if (file === 'pmset') return exited(pmset)
    return typeof printed === 'string' ? exited(printed) : printed
  }
  return fakeMachine({ platform: 'darwin', runCommand })
}

test('an Apple GPU has its name, its cores and no memory of its own', async () => {
  const { gpus, reports } = await apple.ask(mac(profile([m3Max])))
  const [gpu] = gpus
  expect(gpus).toHaveLength(1)
  expect(gpu?.vendor).toBe('apple')
  expect(gpu && readingValue(gpu.name)).toBe('Apple M3 Max')
  expect(gpu && readingValue(gpu.gpuCores)).toBe(40)
  expect(gpu && readingValue(gpu.computeApi)).toBe('Metal 3')
  expect(gpu && readingValue(gpu.memoryUnified)).toBe(true)
  expect(gpu?.vramTotalMib).toMatchObject({
    status: 'absent',
    reason: "shares the machine's memory",
  })
  expect(reports).toEqual([{ tool: 'system_profiler', outcome: 'ok', tookMs: 1 }])
})

test('serial number and hardware UUID stand only in the fields that are told as hashes', async () => {
  const answer = await apple.ask(mac(profile([m3Max])))
  const [gpu] = answer.gpus
  expect(gpu && readingValue(gpu.serial)).toBe(SERIAL)
  expect(gpu && readingValue(gpu.uuid)).toBe(HARDWARE_UUID)
  expect(gpuFields.serial.identifier && gpuFields.uuid.identifier).toBe(true)
  const others = { ...answer, gpus: [{ ...gpu, serial: undefined, uuid: undefined }] }
  expect(JSON.stringify(others)).not.toMatch(new RegExp(`${SERIAL}|${HARDWARE_UUID}|00006031`))
})

test('output that is no JSON is a report that quotes nothing of it: it names the machine', async () => {
  const { gpus, reports } = await apple.ask(mac(`Serial Number (system): ${SERIAL}\n`))
  expect(gpus).toEqual([])
  expect(reports[0]?.outcome).toBe('failed')
  expect(JSON.stringify(reports)).not.toContain(SERIAL)
})

test('a limit of 0 is none; one that somebody set is told', async () => {
  const [unset] = (await apple.ask(mac(profile([m3Max])))).gpus
  const [set] = (await apple.ask(mac(profile([m3Max]), '114688\n'))).gpus
  expect(unset?.memoryLimitMib).toMatchObject({ status: 'absent', reason: 'left to macOS' })
  expect(set && readingValue(set.memoryLimitMib)).toBe(114_688)
})

test.each([
  [PMSET, 'low power'],
  [' lowpowermode         0\n', 'automatic'],
  [' powermode            2\n', 'high power'],
  [' standby              1\n', undefined],
])('pmset that prints %j means %s', async (pmset, mode) => {
  const [gpu] = (await apple.ask(mac(profile([m3Max]), '0\n', pmset))).gpus
  expect(gpu && readingValue(gpu.powerMode)).toBe(mode)
})

test("an Intel Mac's two GPUs are their makers', the one with memory, the other without", async () => {
  const { gpus } = await apple.ask(
    mac(
      profile([
        {
          spdisplays_vendor: 'Intel',
          sppci_model: 'Intel UHD Graphics 630',
          spdisplays_vram_shared: '1536 MB',
        },
        {
          spdisplays_vendor: 'sppci_vendor_amd',
          sppci_model: 'AMD Radeon Pro 5500M',
          spdisplays_vram: '8 GB',
        },
        { spdisplays_vendor: 'sppci_vendor_vmware', sppci_model: 'VMware SVGA II' },
      ]),
    ),
  )
  expect(gpus.map(({ vendor }) => vendor)).toEqual(['intel', 'amd'])
  expect(gpus.map(({ integrated }) => readingValue(integrated))).toEqual([true, false])
  expect(gpus.map(({ vramTotalMib }) => readingValue(vramTotalMib))).toEqual([undefined, 8192])
  // The machine's identifiers are not those of a card in it.
  expect(gpus.map(({ serial }) => serial.status)).toEqual(['absent', 'absent'])
})

test('elsewhere than on macOS nothing is asked and nothing reported', async () => {
  const runCommand: RunCommand = () => Promise.reject(new Error('asked'))
  expect(await apple.ask(fakeMachine({ runCommand }))).toEqual({ gpus: [], reports: [] })
})
