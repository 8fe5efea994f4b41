import { BYTES_PER_MIB } from '../../units.ts'
import type { Machine } from '../machine.ts'
import { absent, type Reading } from '../reading.ts'
import { type HostAnswers, part, saidBy } from './host-reading.ts'
import { SYSTEM_INFORMATION } from './library-tool.ts'

/** Windows: what the `systeminformation` library tells. It gives '' and 0 for what it does not know. */
export function windowsHost(machine: Machine): HostAnswers {
  const cpu = ask(machine, 'cpu')
  const memory = ask(machine, 'mem')
  const system = ask(machine, 'system')
  const release = ask(machine, 'osInfo')
  const mib = async (key: string) =>
    part(await memory, (answer) => {
      const bytes = answer[key]
      return typeof bytes === 'number' ? Math.floor(bytes / BYTES_PER_MIB) : undefined
    })
  return {
    cpuModel: words(cpu, 'manufacturer', 'brand'),
    cpuSockets: count(cpu, 'processors'),
    cpuCoresPhysical: count(cpu, 'physicalCores'),
    cpuCoresLogical: count(cpu, 'cores'),
    memoryTotalMib: mib('total'),
    memoryAvailableMib: mib('available'),
    swapTotalMib: mib('swaptotal'),
    swapUsedMib: mib('swapused'),
    board: words(system, 'manufacturer', 'model'),
    biosVersion: words(ask(machine, 'bios'), 'vendor', 'version'),
    os: words(release, 'distro', 'release'),
    kernel: words(release, 'build'),
    virtualization: system.then((answer) =>
      part(answer, ({ virtual, virtualHost }) => {
        if (virtual !== true) return virtual === false ? 'none' : undefined
        return typeof virtualHost === 'string' && virtualHost !== ''
          ? virtualHost
          : 'a virtual machine of unknown kind'
      }),
    ),
    hostname: words(release, 'hostname'),
  }
}

type Answer = Readonly<Record<string, unknown>>

async function ask(machine: Machine, what: string): Promise<Reading<Answer>> {
  const text = await saidBy(machine, SYSTEM_INFORMATION, [what])
  if (text.status === 'absent') return absent(text.reason, `${SYSTEM_INFORMATION} ${what}`)
  const source = `${SYSTEM_INFORMATION} ${what}`
  return part({ ...text, source }, objectOf)
}

/** A bundle may have been edited. */
function objectOf(json: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Answer) : undefined
  } catch {
    return undefined
  }
}

async function words(
  answer: Promise<Reading<Answer>>,
  ...keys: string[]
): Promise<Reading<string>> {
  return part(await answer, (told) =>
    keys
      .map((key) => told[key])
      .filter((word) => typeof word === 'string' && word !== '')
      .join(' '),
  )
}

async function count(answer: Promise<Reading<Answer>>, key: string): Promise<Reading<number>> {
  return part(await answer, (told) => {
    const value = told[key]
    return typeof value === 'number' && value > 0 ? value : undefined
  })
}
