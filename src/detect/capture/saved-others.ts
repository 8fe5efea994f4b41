import { type GpuVendor, gpuOf } from '../gpu-fields.ts'
import { pciAddressOf } from '../pci-address.ts'
import { absent, ok } from '../reading.ts'
import { bySample, readPowermetrics } from '../telemetry/sources/powermetrics.ts'
import type { ReadOutput } from './read-output.ts'

export const POWERMETRICS = 'powermetrics'
export const LSPCI = 'lspci -nn'

/** The last whole sample of `powermetrics`; the chip's name is not in it. */
export function readSavedPowermetrics(output: string): ReadOutput {
  const { records, rest } = bySample(output)
  const samples = [...records, rest].reverse().map(readPowermetrics)
  const last = samples.find((sample) => sample?.some(({ scope }) => scope === 'gpu'))
  const gpu = last?.find(({ scope }) => scope === 'gpu')?.reading
  if (gpu === undefined) return { gpus: [], problem: 'no sample tells of a GPU' }
  const machine = /^Machine model: *(\S+)/m.exec(output)?.[1]
  const told = (value: number | undefined) => (value === undefined ? none : ok(value, POWERMETRICS))
  const readings = {
    name: absent(
      machine === undefined
        ? none.reason
        : `${POWERMETRICS} names the machine (${machine}), not its chip`,
      POWERMETRICS,
    ),
    integrated: ok(true, POWERMETRICS),
    memoryUnified: ok(true, POWERMETRICS),
    powerW: told(gpu.powerW),
    clockSmMhz: told(gpu.clockSmMhz),
    utilisationRatio: told(gpu.utilisationRatio),
  }
  return { gpus: [gpuOf('apple', 0, readings, none)] }
}

const none = absent(`${POWERMETRICS} does not tell it`, POWERMETRICS) as {
  readonly status: 'absent'
  readonly reason: string
  readonly source: string
}

const vendors: Readonly<Record<string, GpuVendor>> = {
  '10de': 'nvidia',
  '1002': 'amd',
  '8086': 'intel',
}
const LINE =
  /^((?:[\da-f]{4}:)?[\da-f]{2}:[\da-f]{2}\.[\da-f]) [^[]*\[(\w{4})\]: (.*) \[(\w{4}):(\w{4})\]/i

/** GPUs among the devices of `lspci -nn`. Names are of its own list of ids, not of the device. */
export function readLspci(output: string): ReadOutput {
  const found = output.split('\n').flatMap((line) => {
    const [, address = '', kind = '', name = '', maker = '', device = ''] = LINE.exec(line) ?? []
    const vendor = vendors[maker.toLowerCase()]
    const isGpu = /^(0300|0302|0380|1200)$/.test(kind) && !(vendor === 'intel' && kind === '1200')
    if (vendor === undefined || !isGpu) return []
    const domain = address.split(':').length === 3 ? '' : '0000:'
    return [
      { vendor, address: pciAddressOf(`${domain}${address}`), name, ids: `${maker}:${device}` },
    ]
  })
  return {
    gpus: found.map(({ vendor, address, name, ids }, index) => {
      const known =
        /^(?:NVIDIA Corporation|Advanced Micro Devices, Inc\. \[AMD\/ATI\]|Intel Corporation) (?!Device$)(.+)$/.exec(
          name,
        )?.[1]
      const otherwise = { reason: `${LSPCI} does not tell it`, source: LSPCI }
      const readings = {
        name:
          known === undefined
            ? absent(`${LSPCI} has no name for it (PCI ids ${ids})`, LSPCI)
            : ok(known, LSPCI),
        ...(address === undefined ? {} : { pciAddress: ok(address, LSPCI) }),
      }
      return gpuOf(vendor, index, readings, otherwise)
    }),
  }
}
