import { afterEach, expect, test, vi } from 'vitest'
import { readHost } from '../../src/detect/host/host.ts'
import type { Host, HostField } from '../../src/detect/host-fields.ts'
import { type Reading, readingValue } from '../../src/detect/reading.ts'
import type { CommandResult, RunCommand } from '../../src/detect/run-command.ts'
import { thisMachine } from '../../src/detect/this-machine.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** Threads of a machine as `/proc/cpuinfo` has them on x86: sockets x cores x 2 threads. */
function cpuInfo(sockets: number, coresEach: number, flags = 'fpu vme'): string {
  const threads = sockets * coresEach * 2
  const block = (n: number) =>
    [
      `processor\t: ${n}`,
      'model name\t: Maker  X900 96-Core Processor',
      'microcode\t: 0xa10113e',
      `physical id\t: ${n % sockets}`,
      `siblings\t: ${coresEach * 2}`,
      // The same on each die of a package, as some processors have it.
      `core id\t\t: ${n % 4}`,
      `cpu cores\t: ${coresEach}`,
      `flags\t\t: ${flags}`,
      'power management:',
    ].join('\n')
  return `${Array.from({ length: threads }, (_, n) => block(n)).join('\n\n')}\n\n`
}

const files: Readonly<Record<string, string>> = {
  '/proc/cpuinfo': cpuInfo(2, 16),
  '/proc/meminfo': [
    'MemTotal:       1583349760 kB',
    'MemFree:        1400000000 kB',
    'MemAvailable:   1536163840 kB',
    'SwapTotal:       8388604 kB',
    'SwapFree:        8386556 kB',
  ].join('\n'),
  '/sys/devices/system/cpu/smt/active': '1\n',
  '/sys/devices/system/cpu/online': '0-63\n',
  '/sys/devices/system/cpu/cpufreq/policy0/scaling_governor': 'performance\n',
  '/sys/devices/system/cpu/cpufreq/policy1/scaling_governor': 'performance\n',
  '/sys/devices/system/node/online': '0-1\n',
  '/sys/class/dmi/id/sys_vendor': 'Maker Inc.\n',
  '/sys/class/dmi/id/product_name': 'Server 9680\n',
  '/sys/class/dmi/id/bios_vendor': 'Maker Inc.\n',
  '/sys/class/dmi/id/bios_version': '2.1.3\n',
  '/sys/class/dmi/id/bios_date': '03/04/2026\n',
  '/etc/os-release': 'NAME="Some Linux"\nPRETTY_NAME="Some Linux 24.04 LTS"\nID=some\n',
  '/proc/sys/kernel/osrelease': '6.8.0-60-generic\n',
  '/proc/cmdline':
    'BOOT_IMAGE=/vmlinuz-6.8 root=UUID=0a1b2c3d-1111-2222-3333-444455556666 ro quiet iommu=pt mitigations=off isolcpus=8-15\n',
  '/proc/self/cgroup': '0::/user.slice/session-1.scope\n',
  '/proc/1/cgroup': '0::/init.scope\n',
  '/sys/devices/system/clocksource/clocksource0/current_clocksource': 'tsc\n',
  '/proc/sys/kernel/hostname': 'gpu-box-07\n',
}

/** Programs by name: what each prints, or how it ends. */
function tools(said: Readonly<Record<string, CommandResult>>): RunCommand {
  return async (file, args) =>
    said[[file, ...args].join(' ')] ?? said[file] ?? { kind: 'not-found', tookMs: 1 }
}

const usual = tools({
  'systemd-detect-virt': exited('none\n', 1),
  timedatectl: exited('NTPSynchronized=yes\n'),
})

async function linux(
  changed: Readonly<Record<string, string | undefined>> = {},
  runCommand = usual,
): Promise<Host> {
  const all = Object.entries({ ...files, ...changed }).filter(([, text]) => text !== undefined)
  return readHost(fakeMachine({ files: Object.fromEntries(all) as typeof files, runCommand }))
}

async function told(
  field: HostField,
  changed: Readonly<Record<string, string | undefined>>,
  runCommand = usual,
): Promise<unknown> {
  const reading = (await linux(changed, runCommand))[field]
  return reading.status === 'ok' ? reading.value : reading.reason
}

test('every field of a Linux machine but its limits is read from files and small programs', async () => {
  const host = await linux()
  const values = Object.entries<Reading<unknown>>(host).map(([field, reading]) => [
    field,
    readingValue(reading),
  ])
  expect(Object.fromEntries(values)).toEqual({
    cpuModel: 'Maker X900 96-Core Processor',
    cpuSockets: 2,
    cpuCoresPhysical: 32,
    cpuCoresLogical: 64,
    smtEnabled: true,
    cpuGovernor: 'performance',
    cpuMicrocode: '0xa10113e',
    numaNodes: 2,
    // 1,583,349,760 KiB / 1024 = 1,546,240 MiB; of swap 8,388,604 - 8,386,556 = 2,048 KiB are used.
    memoryTotalMib: 1_546_240,
    memoryAvailableMib: 1_500_160,
    swapTotalMib: 8191,
    swapUsedMib: 2,
    board: 'Maker Inc. Server 9680',
    biosVersion: 'Maker Inc. 2.1.3 03/04/2026',
    os: 'Some Linux 24.04 LTS',
    kernel: '6.8.0-60-generic',
    kernelArguments: ['iommu=pt', 'mitigations=off', 'isolcpus=8-15'],
    virtualization: 'none',
    container: 'none',
    cgroupCpuCores: undefined,
    cgroupMemoryMib: undefined,
    clockSource: 'tsc',
    clockSynchronised: true,
    hostname: 'gpu-box-07',
  })
  expect(host.cgroupCpuCores).toMatchObject({ status: 'absent', reason: 'no limit is set' })
})

test('a machine of which nothing can be read has no value at all, and a reason for each', async () => {
  const host = await readHost(fakeMachine())
  for (const reading of Object.values(host)) {
    expect(reading).toMatchObject({ status: 'absent', reason: expect.stringMatching(/\w/) })
  }
})

test('a machine without swap has 0 MiB of it, which is known', async () => {
  const meminfo = 'MemTotal: 2048 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n'
  const host = await linux({ '/proc/meminfo': meminfo })
  expect([readingValue(host.swapTotalMib), readingValue(host.swapUsedMib)]).toEqual([0, 0])
  expect(host.memoryAvailableMib.status).toBe('absent')
})

test('a file that may not be read is absent for that reason', async () => {
  const machine = fakeMachine({ files, runCommand: usual })
  const readText = async (path: string) => {
    if (path.startsWith('/sys/class/dmi'))
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
    return machine.readText(path)
  }
  const host = await readHost({ ...machine, readText })
  expect(host.biosVersion).toEqual({
    status: 'absent',
    reason: 'not permitted',
    source: '/sys/class/dmi/id',
  })
})

test('a program and a file that hang cost 2 s and their own fields', async () => {
  vi.useFakeTimers()
  const machine = fakeMachine({ files, runCommand: () => new Promise(() => {}) })
  const readText = (path: string) =>
    path === '/etc/os-release' ? new Promise<never>(() => {}) : machine.readText(path)
  const reading = readHost({ ...machine, readText })
  await vi.advanceTimersByTimeAsync(2_000)
  const host = await reading
  expect(host.os).toMatchObject({ reason: 'no answer in 2000 ms' })
  expect(host.virtualization).toMatchObject({ reason: 'no answer in 2000 ms' })
  expect(host.kernel.status).toBe('ok')
})

test('cores that are scaled in different ways are told as such', async () => {
  const policy1 = '/sys/devices/system/cpu/cpufreq/policy1/scaling_governor'
  expect(await told('cpuGovernor', { [policy1]: 'powersave\n' })).toBe('performance, powersave')
})

test('an Arm processor, of which /proc/cpuinfo has no name, is told by lscpu', async () => {
  const arm = 'processor\t: 0\nCPU part\t: 0xd4f\n\nprocessor\t: 1\nCPU part\t: 0xd4f\n'
  const lscpu = 'Model name:   Neo V2\n  Core(s) per socket:  72\n  Socket(s):  2\n'
  const host = await linux({ '/proc/cpuinfo': arm }, tools({ lscpu: exited(lscpu) }))
  expect(readingValue(host.cpuModel)).toBe('Neo V2')
  expect(readingValue(host.cpuSockets)).toBe(2)
  expect(readingValue(host.cpuCoresPhysical)).toBe(144)
  expect(readingValue(host.cpuCoresLogical)).toBe(2)
})

test.each([
  ['To Be Filled By O.E.M.', 'Default string', 'Board Maker', 'B650', 'Board Maker B650'],
  ['', 'System Product Name', 'Board Maker', 'To be filled by O.E.M.', 'Board Maker'],
])('a board whose maker left "%s" and "%s" is called by its own name', async (...words) => {
  const [vendor, product, boardVendor, boardName, expected] = words
  const board = await told('board', {
    '/sys/class/dmi/id/sys_vendor': vendor,
    '/sys/class/dmi/id/product_name': product,
    '/sys/class/dmi/id/board_vendor': boardVendor,
    '/sys/class/dmi/id/board_name': boardName,
  })
  expect(board).toBe(expected)
})

test('a board without DMI is called as its device tree has it', async () => {
  const none = { '/sys/class/dmi/id/sys_vendor': undefined }
  const board = await told('board', {
    ...none,
    '/sys/class/dmi/id/product_name': undefined,
    '/proc/device-tree/model': 'Maker Orin Kit\0',
  })
  expect(board).toBe('Maker Orin Kit')
})

test('disks, hosts, keys and what the first process is told are no kernel arguments that matter', async () => {
  const commandLine = [
    'root=/dev/nvme0n1p2 ip=10.0.0.7::10.0.0.1:255.255.255.0:gpu-box-07:eth0:off rd.luks.key=abc',
    'intel_iommu=on pcie_aspm=off transparent_hugepage=always processor.max_cstate=1',
    'nohz_full=2-31 nvidia.NVreg_EnableGpuFirmware=0 swiotlb=noforce -- --iommu=pt isolcpus=1',
  ]
  expect(await told('kernelArguments', { '/proc/cmdline': commandLine.join(' ') })).toEqual([
    'intel_iommu=on',
    'pcie_aspm=off',
    'transparent_hugepage=always',
    'processor.max_cstate=1',
    'nohz_full=2-31',
    'nvidia.NVreg_EnableGpuFirmware=0',
    'swiotlb=noforce',
  ])
})

const own = { '/proc/self/cgroup': '0::/a/b\n' }

test.each<[string, Record<string, string>, unknown, unknown]>([
  [
    'the tightest limit on the way up counts',
    {
      ...own,
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/a/cpu.max': '250000 100000\n',
      '/sys/fs/cgroup/a/b/memory.max': '8589934592\n',
      '/sys/fs/cgroup/a/memory.max': '4294967296\n',
    },
    2.5,
    4096,
  ],
  [
    'a container sees its limits at the top',
    {
      '/proc/self/cgroup': '0::/../../kubepods/pod1\n',
      '/sys/fs/cgroup/cpu.max': '50000 100000\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
    },
    0.5,
    'no limit is set',
  ],
  [
    'a set of cores is a limit, unless it is all that are online',
    { ...own, '/sys/fs/cgroup/a/b/cpuset.cpus.effective': '0-3,8-11\n' },
    8,
    'no limit is set',
  ],
  [
    'a set of all cores is none',
    { ...own, '/sys/fs/cgroup/a/b/cpuset.cpus.effective': '0-63\n' },
    'no limit is set',
    'no limit is set',
  ],
  [
    'version 1 has a folder for each controller, -1 and a huge number for none',
    {
      '/proc/self/cgroup': '4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '400000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    },
    4,
    'no limit is set',
  ],
  [
    'version 1 without a quota',
    {
      '/proc/self/cgroup': '4:memory:/\n3:cpu,cpuacct:/\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824\n',
    },
    'no limit is set',
    1024,
  ],
])('control groups: %s', async (_, changed, cores, memoryMib) => {
  expect(await told('cgroupCpuCores', changed)).toBe(cores)
  expect(await told('cgroupMemoryMib', changed)).toBe(memoryMib)
})

const noTool = tools({})

test.each<[string, Record<string, string | undefined>, RunCommand, string]>([
  ['systemd tells', {}, tools({ 'systemd-detect-virt --vm': exited('kvm\n') }), 'kvm'],
  [
    'a kernel of WSL says so itself',
    { '/proc/sys/kernel/osrelease': '6.6.87.2-microsoft-standard-WSL2\n' },
    noTool,
    'wsl',
  ],
  [
    'a virtual processor says so',
    { '/proc/cpuinfo': cpuInfo(1, 2, 'fpu hypervisor sse') },
    noTool,
    'a virtual machine of unknown kind',
  ],
  ['a real processor says nothing', {}, noTool, 'none'],
  [
    'an Arm processor never says',
    { '/proc/cpuinfo': 'processor : 0\n', '/proc/sys/kernel/osrelease': undefined },
    noTool,
    'systemd-detect-virt: not found',
  ],
])('virtualisation: %s', async (_, changed, runCommand, expected) => {
  expect(await told('virtualization', changed, runCommand)).toBe(expected)
})

test.each<[string, Record<string, string | undefined>, RunCommand, string]>([
  ['systemd tells', {}, tools({ 'systemd-detect-virt --container': exited('lxc\n') }), 'lxc'],
  ['the mark of Docker', { '/.dockerenv': '' }, noTool, 'docker'],
  ['the mark of Podman', { '/run/.containerenv': 'engine="podman-4.9.4"\n' }, noTool, 'podman'],
  [
    'the secrets of a pod',
    { '/run/secrets/kubernetes.io/serviceaccount/token': 'x', '/.dockerenv': '' },
    noTool,
    'kubernetes',
  ],
  [
    'the groups of the first process',
    { '/proc/1/cgroup': '4:memory:/kubepods/burstable/pod1\n' },
    noTool,
    'kubernetes',
  ],
  ['none where systemd is the first process', {}, noTool, 'none'],
  [
    'a group that says nothing proves nothing',
    { '/proc/1/cgroup': '0::/\n' },
    usual,
    'no mark of one, which proves nothing',
  ],
])('container: %s', async (_, changed, runCommand, expected) => {
  expect(await told('container', changed, runCommand)).toBe(expected)
})

const chrony = (leap: string) => exited(`Stratum         : 3\nLeap status     : ${leap}\n`)

test.each<[string, Record<string, string>, RunCommand, boolean | string]>([
  ['systemd says yes', {}, usual, true],
  ['systemd says no', {}, tools({ timedatectl: exited('NTPSynchronized=no\n') }), false],
  ['chrony, without systemd', {}, tools({ chronyc: chrony('Normal') }), true],
  ['chrony says not', {}, tools({ chronyc: chrony('Not synchronised') }), false],
  [
    'the file that systemd leaves, without its bus',
    { '/run/systemd/timesync/synchronized': '' },
    tools({ timedatectl: exited('', 1, 'Failed to connect to bus') }),
    true,
  ],
  [
    'nobody knows',
    {},
    tools({ timedatectl: exited('', 1, 'Failed to connect to bus') }),
    'timedatectl: exit code 1',
  ],
])('clock: %s', async (_, changed, runCommand, expected) => {
  expect(await told('clockSynchronised', changed, runCommand)).toBe(expected)
})

test('macOS is read with one call of sysctl, which fails over a name it does not know', async () => {
  const sysctl = [
    'machdep.cpu.brand_string: Apple M5 Max',
    'hw.packages: 1',
    'hw.physicalcpu: 18',
    'hw.logicalcpu: 18',
    'hw.memsize: 137438953472',
    'hw.model: Mac17,1',
    'kern.osrelease: 25.4.0',
    'kern.hv_vmm_present: 0',
    'vm.swapusage: total = 2048.00M  used = 1210.50M  free = 837.50M  (encrypted)',
  ]
  const runCommand = tools({
    sysctl: exited(sysctl.join('\n'), 1, "sysctl: unknown oid 'kern.hostname'"),
    sw_vers: exited('26.4\n'),
  })
  const host = await readHost(fakeMachine({ platform: 'darwin', runCommand }))
  expect(host).toMatchObject({
    cpuModel: { value: 'Apple M5 Max' },
    cpuCoresPhysical: { value: 18 },
    memoryTotalMib: { value: 131_072 },
    swapTotalMib: { value: 2048 },
    swapUsedMib: { value: 1210.5 },
    os: { value: 'macOS 26.4' },
    virtualization: { value: 'none' },
    hostname: { status: 'absent' },
    cpuGovernor: { status: 'absent', reason: 'not read on darwin' },
  })
})

test('Windows is read with a library, whose empty words and zeros are no readings', async () => {
  const json = (answer: object) => exited(JSON.stringify(answer))
  const runCommand = tools({
    'systeminformation cpu': json({
      manufacturer: 'Intel',
      brand: 'Core i9',
      physicalCores: 0,
      cores: 32,
    }),
    'systeminformation mem': json({
      total: 68_719_476_736,
      available: 34_359_738_368,
      swaptotal: 0,
    }),
    'systeminformation system': json({ manufacturer: '', model: '', virtual: false }),
    'systeminformation osInfo': exited('not JSON'),
  })
  const host = await readHost(fakeMachine({ platform: 'win32', runCommand }))
  expect(host).toMatchObject({
    cpuModel: { value: 'Intel Core i9' },
    cpuCoresPhysical: { status: 'absent' },
    cpuCoresLogical: { value: 32 },
    memoryTotalMib: { value: 65_536 },
    swapTotalMib: { value: 0 },
    swapUsedMib: { status: 'absent' },
    board: { status: 'absent' },
    virtualization: { value: 'none' },
    os: { status: 'absent' },
  })
})

test('the library answers as a program does, without what names the machine', async () => {
  const options = { timeoutMs: 10_000 }
  const cpu = await thisMachine.runCommand('systeminformation', ['cpu'], options)
  expect(cpu).toMatchObject({ kind: 'exited', exitCode: 0 })
  const system = await thisMachine.runCommand('systeminformation', ['system'], options)
  const said = system.kind === 'exited' ? JSON.parse(system.stdout) : {}
  expect(said).toHaveProperty('virtual')
  expect(said).not.toHaveProperty('serial')
  expect(said).not.toHaveProperty('uuid')
  const other = await thisMachine.runCommand('systeminformation', ['users'], options)
  expect(other.kind).toBe('failed')
})

test('a system that nobody reads has the reason', async () => {
  const host = await readHost(fakeMachine({ platform: 'freebsd' }))
  expect(host.cpuModel).toMatchObject({ reason: 'not read on freebsd' })
})

test('this very machine can be read in under 3 s', async () => {
  const startMs = performance.now()
  const host = await readHost(thisMachine)
  expect(performance.now() - startMs).toBeLessThan(3_000)
  expect(host.kernel.status).toBe('ok')
  expect(host.cpuCoresLogical.status).toBe('ok')
})
