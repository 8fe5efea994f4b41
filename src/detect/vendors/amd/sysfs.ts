import { BYTES_PER_MIB } from '../../../units.ts'
import { type Gpu, type GpuReadings, gpuOf } from '../../gpu-fields.ts'
import type { Machine } from '../../machine.ts'
import { pciAddressOf } from '../../pci-address.ts'
import { absent, ok, type Reading, readingValue } from '../../reading.ts'
import { converted, count, firstKnown, listOrNone, readFileReading } from '../pci/files.ts'
import { readPcieLink } from '../pci/link.ts'
import { serialText, uuidOfSerial } from './json.ts'

const DRM = '/sys/class/drm'
const AMD_VENDOR = '0x1002'
/** Names by device and revision, installed with libdrm. */
const NAME_FILES = ['/usr/share/libdrm/amdgpu.ids', '/opt/amdgpu/share/libdrm/amdgpu.ids']
const ROCM_VERSION_FILE = '/opt/rocm/.info/version'
const UW_PER_W = 1_000_000
const MILLICELSIUS_PER_CELSIUS = 1000
const PERCENT = 100

/** What the amdgpu driver shows of its GPUs in sysfs, for which nobody needs rights or tools. */
export async function readAmdSysfs(machine: Machine): Promise<Gpu[]> {
  const names = await listOrNone(machine, DRM)
  const cards = names.filter((name) => /^card\d+$/.test(name))
  const shared = await readShared(machine)
  const gpus = await Promise.all(cards.map((card) => readCard(machine, card, shared)))
  return gpus.flatMap((gpu) => (gpu ? [gpu] : []))
}

interface Shared {
  readonly driverVersion: Reading<string>
  readonly computeApi: Reading<string>
  readonly names: Reading<string>
}

/** What is the same for all of them. */
async function readShared(machine: Machine): Promise<Shared> {
  const [module, kernel, rocm, ...names] = await Promise.all([
    readFileReading(machine, '/sys/module/amdgpu/version'),
    readFileReading(machine, '/proc/sys/kernel/osrelease'),
    readFileReading(machine, ROCM_VERSION_FILE),
    ...NAME_FILES.map((file) => readFileReading(machine, file)),
  ])
  const noNames = absent('libdrm is not installed', NAME_FILES[0] ?? '')
  return {
    driverVersion: firstKnown(
      module,
      converted(kernel, (version) => `in kernel ${version}`),
    ),
    computeApi: converted(rocm, (version) => `ROCm ${version.split('-')[0]}`),
    names: firstKnown(noNames, ...names),
  }
}

async function readCard(machine: Machine, card: string, shared: Shared): Promise<Gpu | undefined> {
  const device = `${DRM}/${card}/device`
  const file = (name: string) => readFileReading(machine, `${device}/${name}`)
  if (readingValue(await file('vendor')) !== AMD_VENDOR) return undefined
  const [uevent, identity, memory, clocks, state, sensors, link] = await Promise.all([
    file('uevent'),
    readIdentity(file, shared.names),
    readMemory(file),
    readClocks(file),
    readState(file),
    readSensors(machine, `${device}/hwmon`),
    readPcieLink(machine, device),
  ])
  const { powerCapThere, ...measured } = sensors
  const readings: Partial<GpuReadings> = {
    ...identity,
    ...memory,
    ...clocks,
    ...state,
    ...measured,
    ...link,
    pciAddress: converted(uevent, (text) =>
      pciAddressOf(/^PCI_SLOT_NAME=(\S+)/m.exec(text)?.[1] ?? ''),
    ),
    kernelDriver: converted(uevent, (text) => /^DRIVER=(\S+)/m.exec(text)?.[1]),
    driverVersion: shared.driverVersion,
    computeApi: shared.computeApi,
    integrated: integratedOf(readingValue(memory.vramTotalMib), powerCapThere, device),
  }
  const index = Number(card.slice('card'.length))
  return gpuOf('amd', index, readings, { reason: 'the kernel does not tell it', source: device })
}

type ReadFile = (name: string) => Promise<Reading<string>>

async function readIdentity(
  file: ReadFile,
  names: Reading<string>,
): Promise<Pick<GpuReadings, 'name' | 'uuid' | 'serial'>> {
  const [product, id, revision, unique, serial] = await Promise.all([
    file('product_name'),
    file('device'),
    file('revision'),
    file('unique_id'),
    file('serial_number'),
  ])
  return {
    name: firstKnown(nameById(names, id, revision), product),
    uuid: converted(unique, uuidOfSerial),
    serial: converted(serial, serialText),
  }
}

/** Lines `687F, C1, Radeon RX Vega`. */
function nameById(
  names: Reading<string>,
  id: Reading<string>,
  revision: Reading<string>,
): Reading<string> {
  if (id.status === 'absent') return id
  const wanted = [id.value, readingValue(revision) ?? ''].map((hex) => hex.replace('0x', ''))
  const reason = `no tool tells the name (PCI ids 1002:${wanted.join(' rev ')})`
  if (names.status === 'absent') return absent(reason, id.source)
  for (const line of names.value.split('\n')) {
    const [device = '', rev = '', name = ''] = line.split(/,\s*/)
    if ([device, rev].join().toLowerCase() === wanted.join().toLowerCase() && name !== '')
      return ok(name.trim(), names.source)
  }
  return absent(reason, id.source)
}

async function readMemory(
  file: ReadFile,
): Promise<Pick<GpuReadings, 'vramTotalMib' | 'vramUsedMib' | 'vramFreeMib'>> {
  const [total, used] = await Promise.all([
    file('mem_info_vram_total').then((reading) => converted(reading, mib)),
    file('mem_info_vram_used').then((reading) => converted(reading, mib)),
  ])
  const free =
    total.status === 'ok' && used.status === 'ok'
      ? ok(total.value - used.value, `${total.source} - mem_info_vram_used`)
      : absent('total or used memory is not known', total.source)
  return { vramTotalMib: total, vramUsedMib: used, vramFreeMib: free }
}

async function readClocks(
  file: ReadFile,
): Promise<
  Pick<GpuReadings, 'clockSmMhz' | 'clockSmMaxMhz' | 'clockMemoryMhz' | 'clockMemoryMaxMhz'>
> {
  const [shader, memory] = await Promise.all([file('pp_dpm_sclk'), file('pp_dpm_mclk')])
  return {
    clockSmMhz: converted(shader, (text) => levelsOf(text).find(({ now }) => now)?.mhz),
    clockSmMaxMhz: converted(shader, highestLevel),
    clockMemoryMhz: converted(memory, (text) => levelsOf(text).find(({ now }) => now)?.mhz),
    clockMemoryMaxMhz: converted(memory, highestLevel),
  }
}

/** Lines `1: 142Mhz *`: the star is on the level of now, which may stand among the others out of order. */
function levelsOf(text: string): { readonly mhz: number; readonly now: boolean }[] {
  return [...text.matchAll(/^\w+: *(\d+)Mhz *(\*?)/gim)].map(([, mhz, star]) => ({
    mhz: Number(mhz),
    now: star === '*',
  }))
}

function highestLevel(text: string): number | undefined {
  const levels = levelsOf(text).map(({ mhz }) => mhz)
  return levels.length === 0 ? undefined : Math.max(...levels)
}

async function readState(file: ReadFile): Promise<Partial<GpuReadings>> {
  const [busy, level, vbios, numa, firmware, compute, memory, errors, features, pages] =
    await Promise.all([
      file('gpu_busy_percent'),
      file('power_dpm_force_performance_level'),
      file('vbios_version'),
      file('numa_node'),
      file('fw_version/smc_fw_version'),
      file('current_compute_partition'),
      file('current_memory_partition'),
      file('ras/umc_err_count'),
      file('ras/features'),
      file('ras/gpu_vram_bad_pages'),
    ])
  return {
    utilisationRatio: converted(busy, (text) => {
      const percent = count(text)
      return percent === undefined || percent > PERCENT ? undefined : percent / PERCENT
    }),
    performanceState: level,
    vbiosVersion: vbios,
    numaNode: converted(numa, count),
    firmwareVersion: converted(firmware, smcVersion),
    computeMode: converted(compute, (mode) => [mode, ...known(memory)].join('/')),
    eccUncorrectedErrors: converted(errors, (text) => count(/^ue: *(\d+)/m.exec(text)?.[1] ?? '')),
    eccEnabled: converted(features, umcEnabled),
    memoryRepairPending: converted(pages, pendingPages),
  }
}

function known(reading: Reading<string>): string[] {
  return reading.status === 'ok' ? [reading.value] : []
}

/** `0x00361d00` is written `00.54.29.00` by AMD's tools: a byte each. */
function smcVersion(text: string): string | undefined {
  const hex = /^0x([\da-f]{1,8})$/i.exec(text)?.[1]?.padStart(8, '0')
  const bytes = hex?.match(/../g)?.map((byte) => String(Number.parseInt(byte, 16)).padStart(2, '0'))
  return bytes === undefined || /^0+$/.test(hex ?? '') ? undefined : `SMC ${bytes.join('.')}`
}

/** Bit 0 of the mask is the memory controller (amdgpu_ras.h, AMDGPU_RAS_BLOCK__UMC). */
function umcEnabled(text: string): boolean | undefined {
  const mask = /mask: *0x([\da-f]+)/i.exec(text)?.[1]
  return mask === undefined ? undefined : Number.parseInt(mask, 16) % 2 === 1
}

/** Lines `0x00000001 : 0x00001000 : P`: R is set aside, P waits for it (amdgpu_ras.c). */
function pendingPages(text: string): boolean {
  return /: *P$/m.test(text)
}

type Sensors = Pick<
  GpuReadings,
  | 'powerW'
  | 'powerLimitEnforcedW'
  | 'powerLimitDefaultW'
  | 'powerLimitMinW'
  | 'powerLimitMaxW'
  | 'temperatureC'
  | 'temperatureMemoryC'
  | 'temperatureSlowdownC'
>

/** The driver's sensors. A GPU that sleeps gives none. */
async function readSensors(
  machine: Machine,
  folder: string,
): Promise<Partial<Sensors> & { readonly powerCapThere: boolean }> {
  const monitor = (await listOrNone(machine, folder)).find((name) => /^hwmon\d+$/.test(name))
  if (monitor === undefined) return { powerCapThere: false }
  const file = (name: string) => readFileReading(machine, `${folder}/${monitor}/${name}`)
  const power = async (name: string, convert: (text: string) => number | undefined) =>
    converted(await file(name), convert)
  const [average, input, cap, byDefault, least, most, temperatures] = await Promise.all([
    power('power1_average', watts),
    power('power1_input', watts),
    power('power1_cap', watts),
    power('power1_cap_default', watts),
    power('power1_cap_min', wattsOrNone),
    power('power1_cap_max', watts),
    readTemperatures(file),
  ])
  return {
    powerW: firstKnown(input, average),
    powerLimitEnforcedW: cap,
    powerLimitDefaultW: byDefault,
    powerLimitMinW: least,
    powerLimitMaxW: most,
    ...temperatures,
    powerCapThere: cap.status === 'ok',
  }
}

/** Sensors are told apart by their labels. Reading and limit are of the same one. */
async function readTemperatures(
  file: ReadFile,
): Promise<Pick<Sensors, 'temperatureC' | 'temperatureMemoryC' | 'temperatureSlowdownC'>> {
  const sensors = await Promise.all(
    ['temp1', 'temp2', 'temp3'].map(async (name) => ({
      label: readingValue(await file(`${name}_label`)),
      now: converted(await file(`${name}_input`), celsius),
      slowdown: converted(await file(`${name}_crit`), (text) => celsius(text) || undefined),
    })),
  )
  const of = (label: string) => sensors.find((sensor) => sensor.label === label)
  const none = absent('there is no such sensor', 'hwmon')
  const main = [of('edge'), of('junction')].find((sensor) => sensor?.now.status === 'ok')
  return {
    temperatureC: main?.now ?? none,
    temperatureSlowdownC: main?.slowdown ?? none,
    temperatureMemoryC: of('mem')?.now ?? none,
  }
}

/**
 * A power limit is there on cards only; a processor's graphics have none, and little memory set
 * aside. Where neither is so it is left open. The shader cores' model decides where it is known.
 */
function integratedOf(
  vramMib: number | undefined,
  powerCapThere: boolean,
  device: string,
): Reading<boolean> {
  if (powerCapThere) return ok(false, `${device} has a power limit`)
  if (vramMib !== undefined && vramMib <= LARGEST_CARVE_OUT_MIB)
    return ok(true, `${device} has no power limit and ${Math.round(vramMib)} MiB`)
  return absent('the kernel does not tell cards from processors', device)
}

/** Firmware sets aside 512 MiB by default, up to 2 GiB on most boards. */
const LARGEST_CARVE_OUT_MIB = 2048

/** 0 is what the second die of a package shows, and a sensor that is off. */
function watts(text: string): number | undefined {
  return wattsOrNone(text) || undefined
}

function wattsOrNone(text: string): number | undefined {
  const microwatts = count(text)
  return microwatts === undefined ? undefined : microwatts / UW_PER_W
}

function celsius(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) / MILLICELSIUS_PER_CELSIUS : undefined
}

function mib(text: string): number | undefined {
  const bytes = count(text)
  return bytes === undefined ? undefined : bytes / BYTES_PER_MIB
}
