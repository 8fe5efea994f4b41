import { BYTES_PER_MIB } from '../../units.ts'
import type { Machine } from '../machine.ts'
import { absent, type Reading } from '../reading.ts'
import { fieldsOf } from './cpu-info.ts'
import { firstLine, type HostAnswers, part, saidBy } from './host-reading.ts'

const names = [
  'machdep.cpu.brand_string',
  'hw.packages',
  'hw.physicalcpu',
  'hw.logicalcpu',
  'hw.memsize',
  'hw.model',
  'kern.osrelease',
  'kern.hostname',
  'kern.hv_vmm_present',
  'vm.swapusage',
]

/** macOS: what one call of `sysctl` tells, and the name of the release. */
export function macHost(machine: Machine): HostAnswers {
  // It exits with 1 over one name that it does not know, and tells the others.
  const told = saidBy(machine, 'sysctl', names, [1]).then((text) => part(text, fieldsOf))
  const word = async (name: string) => part(await told, (fields) => fields.get(name))
  const number = async (name: string) => part(await word(name), positive)
  return {
    cpuModel: word('machdep.cpu.brand_string'),
    cpuSockets: number('hw.packages'),
    cpuCoresPhysical: number('hw.physicalcpu'),
    cpuCoresLogical: number('hw.logicalcpu'),
    memoryTotalMib: number('hw.memsize').then((bytes) =>
      part(bytes, (value) => Math.floor(value / BYTES_PER_MIB)),
    ),
    swapTotalMib: swap(told, 'total'),
    swapUsedMib: swap(told, 'used'),
    board: word('hw.model'),
    os: release(machine),
    kernel: word('kern.osrelease'),
    virtualization: word('kern.hv_vmm_present').then((text) =>
      part(text, (value) => (value === '0' ? 'none' : 'a virtual machine of unknown kind')),
    ),
    hostname: word('kern.hostname'),
  }
}

function positive(text: string): number | undefined {
  return Number(text) > 0 ? Number(text) : undefined
}

/** `vm.swapusage: total = 2048.00M  used = 1210.50M  free = 837.50M  (encrypted)` */
async function swap(
  told: Promise<Reading<Map<string, string>>>,
  which: 'total' | 'used',
): Promise<Reading<number>> {
  return part(await told, (fields) => {
    const usage = fields.get('vm.swapusage') ?? ''
    const [, mib] = new RegExp(`${which} = ([\\d.]+)M`).exec(usage) ?? []
    return mib === undefined ? undefined : Number(mib)
  })
}

async function release(machine: Machine): Promise<Reading<string>> {
  const version = part(await saidBy(machine, 'sw_vers', ['-productVersion']), firstLine)
  if (version.status === 'absent') return absent(version.reason, version.source)
  return { ...version, value: `macOS ${version.value}` }
}
