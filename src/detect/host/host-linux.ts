import type { Machine } from '../machine.ts'
import { absent, ok, type Reading } from '../reading.ts'
import { cgroupCpuCores, cgroupMemoryMib } from './cgroup.ts'
import { type CpuFacts, countOfList, fieldsOf, readCpuInfo, readLscpu } from './cpu-info.ts'
import {
  firstKnown,
  firstLine,
  type HostAnswers,
  namesIn,
  part,
  saidBy,
  textOf,
} from './host-reading.ts'
import { kernelArguments } from './kernel-arguments.ts'

const KIB_PER_MIB = 1024
const CPUFREQ = '/sys/devices/system/cpu/cpufreq'

/** Reads every field from plain files, and from small programs where no file tells. */
export function linuxHost(machine: Machine): HostAnswers {
  const line = async (path: string) => part(await textOf(machine, path), firstLine)
  return {
    ...processors(machine),
    ...memory(machine),
    smtEnabled: line('/sys/devices/system/cpu/smt/active').then((text) => part(text, zeroOrOne)),
    cpuGovernor: governors(machine),
    numaNodes: line('/sys/devices/system/node/online').then((text) => part(text, countOfList)),
    board: firstKnown(
      () => maker(machine, ['sys_vendor', 'product_name']),
      () => maker(machine, ['board_vendor', 'board_name']),
      () => line('/proc/device-tree/model'),
    ),
    biosVersion: maker(machine, ['bios_vendor', 'bios_version', 'bios_date']),
    os: firstKnown(
      () => distribution(machine, '/etc/os-release'),
      () => distribution(machine, '/usr/lib/os-release'),
    ),
    kernel: line('/proc/sys/kernel/osrelease'),
    kernelArguments: textOf(machine, '/proc/cmdline').then((text) => part(text, kernelArguments)),
    virtualization: virtualization(machine),
    container: container(machine),
    cgroupCpuCores: cgroupCpuCores(machine),
    cgroupMemoryMib: cgroupMemoryMib(machine),
    clockSource: line('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
    clockSynchronised: clockSynchronised(machine),
    hostname: line('/proc/sys/kernel/hostname'),
  }
}

function processors(machine: Machine): HostAnswers {
  const info = textOf(machine, '/proc/cpuinfo').then((text) => part(text, readCpuInfo))
  let lscpu: Promise<Reading<CpuFacts>> | undefined
  const askLscpu = () => {
    lscpu ??= saidBy(machine, 'lscpu', []).then((text) => part(text, readLscpu))
    return lscpu
  }
  const fact = <V>(pick: (facts: CpuFacts) => V | undefined) =>
    firstKnown(
      async () => part(await info, pick),
      async () => part(await askLscpu(), pick),
    )
  return {
    cpuModel: fact(({ model }) => model),
    cpuSockets: fact(({ sockets }) => sockets),
    cpuCoresPhysical: fact(({ coresPhysical }) => coresPhysical),
    cpuCoresLogical: info.then((facts) => part(facts, ({ coresLogical }) => coresLogical)),
    cpuMicrocode: info.then((facts) => part(facts, ({ microcode }) => microcode)),
  }
}

function memory(machine: Machine): HostAnswers {
  const info = textOf(machine, '/proc/meminfo').then((text) => part(text, fieldsOf))
  const mib = async (pick: (kib: (key: string) => number) => number) => {
    const read = (fields: Map<string, string>) => {
      const kib = (key: string) => Number.parseInt(fields.get(key) ?? '', 10)
      return Math.floor(pick(kib) / KIB_PER_MIB)
    }
    return part(await info, read)
  }
  return {
    memoryTotalMib: mib((kib) => kib('MemTotal')),
    memoryAvailableMib: mib((kib) => kib('MemAvailable')),
    swapTotalMib: mib((kib) => kib('SwapTotal')),
    swapUsedMib: mib((kib) => kib('SwapTotal') - kib('SwapFree')),
  }
}

function zeroOrOne(text: string): boolean | undefined {
  if (text === '1') return true
  return text === '0' ? false : undefined
}

/** Each in use, as cores may differ. */
async function governors(machine: Machine): Promise<Reading<string>> {
  const policies = part(await namesIn(machine, CPUFREQ), (names) => {
    const found = names.filter((name) => /^policy\d+$/.test(name))
    return found.length > 0 ? found : undefined
  })
  if (policies.status === 'absent') {
    return absent('the kernel scales no frequencies here', policies.source)
  }
  const read = policies.value.map((name) => textOf(machine, `${CPUFREQ}/${name}/scaling_governor`))
  const readings = await Promise.all(read)
  const words = readings.flatMap((text) => (text.status === 'ok' ? [firstLine(text.value)] : []))
  const distinct = [...new Set(words)].sort().join(', ')
  return distinct === '' ? absent('the source does not say', CPUFREQ) : ok(distinct, CPUFREQ)
}

/** What makers who fill in nothing leave. */
const nobody = /o\.e\.m\.|default string|not specified|^system (product name|manufacturer)$/i

async function maker(machine: Machine, fields: readonly string[]): Promise<Reading<string>> {
  const source = '/sys/class/dmi/id'
  const readings = await Promise.all(fields.map((field) => textOf(machine, `${source}/${field}`)))
  const lines = readings.flatMap((text) => (text.status === 'ok' ? [firstLine(text.value)] : []))
  const words = lines.filter((line) => line !== '' && !nobody.test(line))
  if (words.length > 0) return ok(words.join(' '), source)
  const [first] = readings
  return first?.status === 'absent' ? { ...first, source } : absent('nobody filled it in', source)
}

async function distribution(machine: Machine, path: string): Promise<Reading<string>> {
  return part(
    await textOf(machine, path),
    (text) => /^PRETTY_NAME=["']?(.*?)["']?\s*$/m.exec(text)?.[1],
  )
}

/** `none` on bare metal, else the kind of virtual machine. */
function virtualization(machine: Machine): Promise<Reading<string>> {
  return firstKnown(
    () => detectVirt(machine, '--vm'),
    async () => {
      const kernel = await textOf(machine, '/proc/sys/kernel/osrelease')
      return part(kernel, (text) => (/microsoft/i.test(text) ? 'wsl' : undefined))
    },
    async () => {
      const info = part(await textOf(machine, '/proc/cpuinfo'), readCpuInfo)
      return part(info, ({ virtual }) => {
        if (virtual === undefined) return undefined
        return virtual ? 'a virtual machine of unknown kind' : 'none'
      })
    },
  )
}

async function detectVirt(machine: Machine, flag: string): Promise<Reading<string>> {
  // Where there is nothing to tell of it prints `none` and exits with 1.
  return part(await saidBy(machine, 'systemd-detect-virt', [flag], [1]), firstLine)
}

/** The kind of container by the marks that each leaves, `none` where systemd runs the machine itself. */
function container(machine: Machine): Promise<Reading<string>> {
  const marked = (path: string, kind: (text: string) => string | undefined) => async () =>
    part(await textOf(machine, path), kind)
  return firstKnown(
    () => detectVirtOfContainer(machine),
    async () => part(await namesIn(machine, '/run/secrets/kubernetes.io'), () => 'kubernetes'),
    marked('/run/.containerenv', (text) => /^engine="([a-z]+)/m.exec(text)?.[1] ?? 'podman'),
    marked('/.dockerenv', () => 'docker'),
    marked('/run/systemd/container', firstLine),
    marked('/proc/1/cgroup', containerOfGroups),
  ).then((reading) =>
    reading.status === 'ok' ? reading : absent('no mark of one, which proves nothing', 'none'),
  )
}

/** Its `none` is not taken: it knows not all kinds. `none` comes from the first process's groups instead. */
async function detectVirtOfContainer(machine: Machine): Promise<Reading<string>> {
  const told = await detectVirt(machine, '--container')
  return part(told, (kind) => (kind === 'none' ? undefined : kind))
}

function containerOfGroups(text: string): string | undefined {
  const known = ['kubepods', 'docker', 'libpod', 'lxc', 'containerd', 'garden']
  const found = known.find((word) => text.includes(word))
  if (found !== undefined) return found === 'kubepods' ? 'kubernetes' : found
  return /:\/init\.scope$/m.test(text) ? 'none' : undefined
}

/** By whichever of the two daemons runs; systemd's own leaves a file where its bus is out of reach. */
function clockSynchronised(machine: Machine): Promise<Reading<boolean>> {
  const timedatectl = saidBy(machine, 'timedatectl', ['show', '-p', 'NTPSynchronized'])
  const chrony = saidBy(machine, 'chronyc', ['-n', 'tracking'])
  return firstKnown(
    async () =>
      part(await timedatectl, (text) => {
        const [, word] = /^NTPSynchronized=(yes|no)\s*$/m.exec(text) ?? []
        return word === undefined ? undefined : word === 'yes'
      }),
    async () =>
      part(await chrony, (text) => {
        const status = fieldsOf(text).get('Leap status')
        return status === undefined ? undefined : status !== 'Not synchronised'
      }),
    async () => part(await textOf(machine, '/run/systemd/timesync/synchronized'), () => true),
  )
}
