import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Gpu, GpuReadings } from '../../src/detect/gpu-fields.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import type { Host } from '../../src/detect/host-fields.ts'
import { gatherPreflight, preflightFindings } from '../../src/detect/preflight/gather-preflight.ts'
import { cpuListText, readCpuList } from '../../src/detect/preflight/host-checks.ts'
import {
  findingsOf,
  judgePreflight,
  type PlannedServer,
  type PreflightFacts,
} from '../../src/detect/preflight/preflight.ts'
import { absent, ok } from '../../src/detect/reading.ts'
import { thisLiveMachine } from '../../src/detect/server/live-machine.ts'
import { fakeMachine, gpuWith, hostWith } from './machines.ts'
import { procFiles, tcpRow } from './proc-files.ts'

const told = <T>(value: T) => ok(value, 'test')
const untold = absent('nobody says', 'test')

/** A GPU that nothing is wrong with. */
function sound(readings: Partial<GpuReadings> = {}, index = 0, vendor: Gpu['vendor'] = 'nvidia') {
  return gpuWith(
    {
      name: told('NVIDIA H200'),
      pciAddress: told(`0000:0${index}:00.0`),
      computeCapability: told('9.0'),
      powerW: told(76),
      powerLimitEnforcedW: told(700),
      powerLimitDefaultW: told(700),
      temperatureC: told(30),
      temperatureSlowdownC: told(87),
      persistenceEnabled: told(true),
      pcieWidth: told(16),
      pcieWidthOfGpu: told(16),
      memoryRepairPending: told(false),
      eccUncorrectedErrors: told(0),
      migEnabled: told(false),
      processes: told([]),
      ...readings,
    },
    vendor,
    index,
  )
}

const soundHost: Partial<Host> = {
  clockSource: told('tsc'),
  clockSynchronised: told(true),
  cpuGovernor: told('performance'),
  cgroupCpuCores: absent('no limit is set', 'test'),
  swapUsedMib: told(0),
  virtualization: told('none'),
  container: told('none'),
}

function hardwareOf(gpus: readonly Gpu[], host: Partial<Host> = {}): Hardware {
  return {
    detectedAt: '2026-11-23T10:00:00Z',
    host: hostWith({ ...soundHost, ...host }),
    gpus,
    topology: untold,
    tools: [{ tool: 'nvidia-smi', outcome: 'not-found', tookMs: 1 }],
    hwHash: 'a',
    stateHash: 'b',
  }
}

const serverOf = (pciAddresses: readonly string[], pids = [10, 11]): PlannedServer => ({
  processes: { kind: 'known', pids, listeners: [{ pid: 10, name: 'vllm' }], how: 'test' },
  gpus: { kind: 'known', pciAddresses, how: 'test', processes: [] },
})
const unseen: PlannedServer = {
  processes: { kind: 'unknown', reason: 'it is hidden' },
  gpus: { kind: 'unknown', reason: 'it is hidden' },
}
const elsewhere: PlannedServer = {
  processes: {
    kind: 'unknown',
    reason: '10.0.0.6 is not an address of this machine',
    elsewhere: true,
  },
  gpus: { kind: 'unknown', reason: 'the server is on another machine' },
}

/** A machine that nothing is wrong with, but for what is given. */
function facts(parts: Partial<PreflightFacts> = {}): PreflightFacts {
  return {
    plan: { connections: 64, requestsPerS: 10, outFolder: 'results' },
    hardware: hardwareOf([sound()]),
    server: serverOf(['0000:00:00.0']),
    openFilesAllowed: told(1024),
    ports: told({ from: 32_768, to: 60_999 }),
    disk: told({ folder: 'results', writable: true, freeBytes: 50 * 2 ** 30 }),
    clientCpus: told([14, 15]),
    serverCpus: told([0, 1, 2, 3, 4, 5, 6, 7]),
    rapl: told('readable'),
    nvml: { library: told('/lib/libnvidia-ml.so.1'), koffi: told('/koffi') },
    macmon: untold,
    serverLogsAll: told(false),
    ...parts,
  }
}

const withGpus = (...gpus: Gpu[]) =>
  facts({
    hardware: hardwareOf(gpus),
    server: serverOf(gpus.map(({ index }) => `0000:0${index}:00.0`)),
  })
const withHost = (host: Partial<Host>) => facts({ hardware: hardwareOf([sound()], host) })

/** What the checks find, as `severity check: text`. */
function found(given: PreflightFacts): string[] {
  return judgePreflight(given).findings.map(
    ({ severity, check, text }) => `${severity} ${check}: ${text}`,
  )
}

function undone(given: PreflightFacts): Record<string, string> {
  const { notChecked } = judgePreflight(given)
  return Object.fromEntries(notChecked.map(({ check, reason }) => [check, reason]))
}

test('a machine that nothing is wrong with has no finding, and every check was made', () => {
  const { findings, notChecked, fine } = judgePreflight(facts())
  expect(findings).toEqual([])
  expect(notChecked).toEqual([])
  // All checks but two: that of models takes two GPUs, that of macmon one of Apple's.
  expect(fine).toHaveLength(29)
})

test('a machine of which nothing is known is never called fine', () => {
  const nothing: PreflightFacts = {
    plan: {},
    hardware: { ...hardwareOf([gpuWith()]), host: hostWith() },
    openFilesAllowed: untold,
    ports: untold,
    clientCpus: untold,
    serverCpus: untold,
    rapl: untold,
    nvml: { library: told('/lib/libnvidia-ml.so.1'), koffi: told('/koffi') },
    macmon: untold,
    serverLogsAll: untold,
  }
  const { findings, fine, notChecked } = judgePreflight(nothing)
  expect(fine).toEqual(['GPUs'])
  expect(findings.map(({ check }) => check)).toEqual(['gpu-power'])
  expect(notChecked.length).toBeGreaterThan(18)
})

test('what a run keeps says what was not checked, and why, as notes after the findings', () => {
  const kept = findingsOf(
    judgePreflight(
      facts({ rapl: untold, disk: told({ folder: 'r', writable: false, freeBytes: 2 ** 40 }) }),
    ),
  )
  expect(kept).toEqual([
    {
      check: 'results-folder',
      severity: 'blocker',
      text: 'r may not be written to.',
      remedy: 'Choose another folder.',
    },
    {
      check: 'not-checked',
      severity: 'note',
      text: 'Not checked: energy of the CPU (RAPL), because nobody says (test).',
    },
  ])
})

describe('limits of the system', () => {
  test('a connection is a file, and a run needs 64 more', () => {
    // 960 + 64 = 1024.
    expect(found(facts({ plan: { connections: 960 } }))).toEqual([])
    expect(judgePreflight(facts({ plan: { connections: 961 } })).findings).toEqual([
      {
        check: 'open-files',
        severity: 'blocker',
        text: '961 connections need 1025 open files, this process may open 1024.',
        remedy: expect.stringMatching(/^sudo prlimit --pid \$\$ --nofile=1025:1025 /),
      },
    ])
  })

  test('connections to one server are at most the ports there are', () => {
    const ports = told({ from: 40_000, to: 40_050 })
    expect(found(facts({ ports, plan: { connections: 51 } }))).toEqual([])
    expect(found(facts({ ports, plan: { connections: 52 } }))).toEqual([
      'blocker ports: 52 connections to one server need as many ports, the system has 51 (40000 to 40050).',
    ])
  })

  test('each request may cost a port for a minute: 28,232 ports last for 470 requests/s', () => {
    // 470 * 60 = 28,200; 471 * 60 = 28,260.
    expect(found(facts({ plan: { connections: 64, requestsPerS: 470 } }))).toEqual([])
    expect(found(facts({ plan: { connections: 64, requestsPerS: 471 } }))).toEqual([
      expect.stringMatching(/^warning port-turnover: .* 28260 ports .* 28232 /),
    ])
  })

  test('a Unix socket takes no ports', () => {
    expect(judgePreflight(facts({ ports: undefined })).fine).not.toContain('ports')
    expect(undone(facts({ ports: undefined }))).toEqual({})
  })

  test('the disk has to take what the run writes, or 1 GiB where that is not known', () => {
    const disk = (freeMib: number) =>
      told({ folder: 'r', writable: true, freeBytes: freeMib * 2 ** 20 })
    const outBytes = 2000 * 2 ** 20
    expect(found(facts({ disk: disk(2000), plan: { connections: 1, outBytes } }))).toEqual([])
    expect(found(facts({ disk: disk(1999), plan: { connections: 1, outBytes } }))).toEqual([
      'warning disk-space: r has 2.0 GiB free, and the records may come to 2.0 GiB. A run whose disk is full ends.',
    ])
    expect(found(facts({ disk: disk(1024) }))).toEqual([])
    expect(found(facts({ disk: disk(1023) }))).toEqual([
      expect.stringContaining('r has 1023 MiB free, and how much the run will write is not known'),
    ])
  })
})

describe('the host', () => {
  test.each<[string, Partial<Host>, string]>([
    ['clock-source', { clockSource: told('hpet') }, 'warning'],
    ['clock-synchronised', { clockSynchronised: told(false) }, 'note'],
    ['cpu-governor', { cpuGovernor: told('powersave') }, 'warning'],
    ['swap', { swapUsedMib: told(256) }, 'warning'],
    ['virtual-machine', { virtualization: told('kvm') }, 'note'],
    ['container', { container: told('docker') }, 'note'],
    ['cpu-limit', { cgroupCpuCores: told(1.5) }, 'warning'],
  ])('%s is found, and is told to be unchecked where it is not known', (check, host, severity) => {
    expect(judgePreflight(withHost(host)).findings).toMatchObject([{ check, severity }])
    const unread = Object.fromEntries(Object.keys(host).map((field) => [field, untold]))
    expect(undone(withHost(unread))).toEqual({ [check]: 'nobody says (test)' })
  })

  test.each<[string, Partial<Host>]>([
    ['some swapped pages', { swapUsedMib: told(255) }],
    [
      'the clock of a virtual machine that reads it without the kernel',
      { clockSource: told('kvm-clock') },
    ],
    ['a limit of as many cores as there are', { cgroupCpuCores: told(2) }],
  ])('%s are no harm', (_, host) => {
    expect(found(withHost(host))).toEqual([])
  })

  test('the energy of the CPU is for root, and the remedy is one line', () => {
    const [finding] = judgePreflight(facts({ rapl: told('closed') })).findings
    expect(finding).toMatchObject({
      check: 'cpu-energy',
      severity: 'note',
      remedy: expect.stringMatching(
        /^sudo chmod a\+r \/sys\/class\/powercap\/intel-rapl:\*\/energy_uj/,
      ),
    })
  })
})

describe('cores of client and server', () => {
  // One GPU: 2 for the client, 2 and 1 for the server.
  const shared = (client: number[], server: number[]) =>
    judgePreflight(facts({ clientCpus: told(client), serverCpus: told(server) })).findings

  test('four cores for both are too few, by one', () => {
    expect(shared([0, 1, 2, 3], [0, 1, 2, 3])).toMatchObject([
      {
        check: 'shared-cores',
        severity: 'warning',
        text: expect.stringContaining('share 4 cores; together they want 5'),
      },
    ])
  })

  test('enough cores for both are noted, with a command that keeps them apart', () => {
    expect(shared([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])).toMatchObject([
      {
        check: 'cpu-affinity',
        severity: 'note',
        remedy: 'sudo taskset -acp 0-3 10; then start baremark with: taskset -c 4-5',
      },
    ])
  })

  test('cores of their own are fine, however few', () => {
    expect(shared([1], [0])).toEqual([])
  })

  test.each([
    ['0-3,8,10-11\n', [0, 1, 2, 3, 8, 10, 11]],
    ['0', [0]],
    ['', []],
  ])('a list of CPUs %j is read', (text, cpus) => {
    expect(readCpuList(text)).toEqual(cpus)
    expect(cpuListText(cpus)).toBe(text.trim())
  })
})

describe('GPUs', () => {
  test.each<[string, Partial<GpuReadings>, string]>([
    ['persistence-mode', { persistenceEnabled: told(false) }, 'persistence mode is off'],
    [
      'power-limit',
      { powerLimitEnforcedW: told(600) },
      'limited to 600 W, by default it may use 700 W',
    ],
    ['hot-at-rest', { temperatureC: told(74) }, 'it is at 74 °C though nothing computes on it'],
    ['pcie-width', { pcieWidth: told(8) }, 'it has 8 PCIe lanes and could use 16'],
    ['memory-repair', { memoryRepairPending: told(true) }, 'waits for a reset'],
    ['memory-errors', { eccUncorrectedErrors: told(3) }, '3 errors that could not be corrected'],
    ['mig', { migEnabled: told(true) }, 'it is divided (MIG)'],
  ])('%s is found, and is told to be unchecked where it is not known', (check, readings, text) => {
    expect(judgePreflight(withGpus(sound(readings))).findings).toMatchObject([
      {
        check,
        severity: 'warning',
        text: expect.stringContaining(`GPU 0 (NVIDIA H200): `),
      },
    ])
    expect(found(withGpus(sound(readings)))[0]).toContain(text)
    if (check === 'mig') return // Most GPUs have none, and say nothing of it.
    const unread = Object.fromEntries(Object.keys(readings).map((field) => [field, untold]))
    expect(undone(withGpus(sound(unread)))).toEqual({ [check]: 'GPU 0 (NVIDIA H200): nobody says' })
  })

  test('the power limit is held to the one in force, and rounding is no limit', () => {
    // GH200: 900 W are asked for, 700 W are in force.
    const gh200 = sound({ powerLimitRequestedW: told(900), powerLimitDefaultW: told(900) })
    expect(judgePreflight(withGpus(gh200)).findings).toMatchObject([
      { check: 'power-limit', remedy: 'sudo nvidia-smi -i 0000:00:00.0 -pl 900' },
    ])
    expect(found(withGpus(sound({ powerLimitEnforcedW: told(699.5) })))).toEqual([])
  })

  test('85 % of the temperature at which it slows down is hot for a GPU at rest, not for one at work', () => {
    // 0.85 * 87 = 73.95.
    expect(found(withGpus(sound({ temperatureC: told(73) })))).toEqual([])
    const working = sound({ temperatureC: told(80), processes: told([{ pid: 10 }]) })
    expect(found(withGpus(working))).toEqual([])
  })

  test('of which the same is to be said are named together', () => {
    const off = { persistenceEnabled: told(false) }
    expect(found(withGpus(sound(off, 0), sound({}, 1), sound(off, 2)))).toEqual([
      expect.stringMatching(/^warning persistence-mode: GPUs 0, 2 \(NVIDIA H200\): /),
    ])
  })

  test('that do not serve are not looked at', () => {
    const other = sound({ persistenceEnabled: told(false), name: told('NVIDIA T4') }, 1)
    const given = facts({ hardware: hardwareOf([sound(), other]) })
    expect(found(given)).toEqual([])
  })

  test('of different models are told, where they serve together', () => {
    expect(found(withGpus(sound(), sound({ name: told('NVIDIA L40S') }, 1)))).toEqual([
      expect.stringMatching(/^warning gpu-models: .*1 NVIDIA H200, 1 NVIDIA L40S/),
    ])
  })

  test('whose power nobody tells have no energy, and that is not zero', () => {
    expect(found(withGpus(sound({ powerW: untold })))).toEqual([
      expect.stringMatching(/^warning gpu-power: .*nobody says.*unknown, not zero/),
    ])
  })

  test.each([
    [
      'before Volta have no energy counter',
      sound({ computeCapability: told('6.1') }),
      /compute capability 6.1/,
    ],
  ])('%s', (_, gpu, text) => {
    expect(found(withGpus(gpu))).toEqual([expect.stringMatching(text)])
  })

  test.each([
    ['library', { library: absent('libnvidia-ml.so.1 was not found', 'test'), koffi: told('') }],
    ['module', { library: told(''), koffi: absent('koffi is not installed', 'test') }],
  ])('have no energy counter to read without the %s', (_, nvml) => {
    const [finding] = judgePreflight(facts({ nvml })).findings
    expect(finding).toMatchObject({ check: 'energy-counter', severity: 'note' })
    expect(finding?.remedy).toBeDefined()
  })

  test('of other makers show their counter only under load', () => {
    const amd = facts({ hardware: hardwareOf([sound({}, 0, 'amd')]) })
    expect(undone(amd)).toEqual({ 'energy-counter': expect.stringContaining('shows when') })
  })

  test('that are none are noted, with the tools that were asked', () => {
    const none = facts({ hardware: hardwareOf([]), server: unseen })
    expect(found(none)).toEqual([
      expect.stringMatching(/^note gpus: No GPU was found \(nvidia-smi: not-found\)/),
    ])
  })
})

describe('other programs on the GPUs', () => {
  const gpu = (...processes: { pid?: number; name?: string; usedMib?: number }[]) =>
    sound({ processes: told(processes) })

  test('the processes of the server are none', () => {
    expect(found(withGpus(gpu({ pid: 10 }, { pid: 11 })))).toEqual([])
  })

  test('another process is named, with its memory', () => {
    expect(found(withGpus(gpu({ pid: 11 }, { pid: 50, name: 'train.py', usedMib: 4096 })))).toEqual(
      [expect.stringContaining('train.py (PID 50, 4096 MiB) on it, which is none of the server')],
    )
  })

  test('of many processes the first four are named', () => {
    const many = [50, 51, 52, 53, 54, 55].map((pid) => ({ pid, name: `p${pid}` }))
    expect(found(withGpus(gpu(...many)))).toEqual([
      expect.stringContaining(
        ': p50 (PID 50), p51 (PID 51), p52 (PID 52), p53 (PID 53) and 2 more on it',
      ),
    ])
  })

  test('whose they are is not known where the server is not: that is no accusation', () => {
    const given = facts({
      hardware: hardwareOf([gpu({ pid: 50, name: 'python' })]),
      server: unseen,
    })
    expect(undone(given)['gpu-processes']).toContain(
      'python (PID 50) on it; whether that is the server is not known (it is hidden)',
    )
    expect(found(given)).toEqual([])
  })
})

test('a proxy before the server does not make the engine behind it a stranger', () => {
  const proxy: PlannedServer = {
    processes: { kind: 'known', pids: [10], listeners: [{ pid: 10, name: 'nginx' }], how: 'test' },
    gpus: { kind: 'unknown', reason: 'none of its processes computes on a GPU' },
  }
  const busy = sound({ processes: told([{ pid: 50, name: 'python' }]) })
  const given = facts({ hardware: hardwareOf([busy]), server: proxy })
  expect(found(given)).toEqual([])
  expect(undone(given)['gpu-processes']).toContain('none of its processes computes on a GPU')
})

test("the power of Apple's GPUs is for root, but for those who have macmon", () => {
  const apple = facts({ hardware: hardwareOf([sound({}, 0, 'apple')]) })
  expect(judgePreflight(apple).findings).toMatchObject([
    { check: 'macmon', severity: 'note', remedy: 'brew install macmon' },
  ])
  expect(found({ ...apple, macmon: told('macmon 0.6.1') })).toEqual([])
})

describe('a server', () => {
  test.each([
    [['python3', '-m', 'vllm', '--log-level', 'debug'], true],
    [['sglang', '--log-level=DEBUG', '--tp', '2'], true],
    [['vllm', 'serve', '--uvicorn-log-level', 'info', '--served-model-name', 'debug'], false],
  ])('started as %j logs all it does: %s', async (commandLine, logsAll) => {
    const made = procFiles([{ pid: 10, sockets: [77], commandLine }], {
      tcp: [tcpRow('0100007F', 8000, 77)],
    })
    const gathered = await gatherPreflight(
      fakeMachine(made),
      { url: new URL('http://127.0.0.1:8000') },
      hardwareOf([]),
    )
    expect(gathered.serverLogsAll).toMatchObject({ value: logsAll })
    const findings = found(facts({ serverLogsAll: gathered.serverLogsAll }))
    expect(findings).toEqual(
      logsAll ? [expect.stringMatching(/^warning server-log: The server was started to log/)] : [],
    )
  })

  test('on another machine leaves the GPUs of this one out, and says so', () => {
    const bad = sound({ persistenceEnabled: told(false), powerW: untold })
    const given = facts({ hardware: hardwareOf([bad]), server: elsewhere, rapl: told('closed') })
    expect(found(given)).toEqual([
      expect.stringMatching(/^note server: The server is on another machine \(10\.0\.0\.6/),
    ])
    expect(undone(given)).toEqual({})
  })

  test('whose GPUs are not known has the energy of all of them, which one GPU does not mind', () => {
    const two = facts({ hardware: hardwareOf([sound(), sound({}, 1)]), server: unseen })
    expect(found(two)).toEqual([
      expect.stringMatching(/^warning serving-gpus: .*it is hidden\. The energy of all/),
    ])
    expect(found(facts({ server: unseen }))).toEqual([])
  })
})

describe('what is gathered', () => {
  const rapl = '/sys/class/powercap/intel-rapl:0/energy_uj'
  const network = { addressesOf: async () => ['127.0.0.1'], ownAddresses: () => [] }
  const surroundings = { network, diskOf: async () => untold, koffi: () => untold }
  const url = new URL('http://127.0.0.1:8000')

  function machine() {
    const { files, links } = procFiles(
      [
        { pid: 10, sockets: [77], cpus: '0-1' },
        { pid: 11, parentPid: 10, cpus: '1,3' },
      ],
      { tcp: [tcpRow('0100007F', 8000, 77)] },
    )
    Object.assign(files, {
      '/proc/self/limits':
        'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 524288               files     \n',
      '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
      [rapl]: '123\n',
      '/sys/class/powercap/intel-rapl:0:0/energy_uj': '1\n',
      '/sys/class/powercap/intel-rapl/enabled': '1\n',
    })
    return { files, links }
  }

  test('comes from the files and tools of the machine', async () => {
    const made = fakeMachine({
      ...machine(),
      runCommand: async () => ({
        kind: 'exited',
        exitCode: 0,
        stdout:
          '\tlibnvidia-ml.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libnvidia-ml.so.1\n\tlibnvidia-ml.so (libc6,x86-64) => /lib/x86_64-linux-gnu/libnvidia-ml.so\n',
        stderr: '',
        tookMs: 1,
      }),
    })
    const gathered = await gatherPreflight(made, { url }, hardwareOf([]), surroundings)
    expect(gathered).toMatchObject({
      openFilesAllowed: { value: 1024 },
      ports: { value: { from: 32_768, to: 60_999 } },
      clientCpus: { value: [0, 1, 2, 3] },
      serverCpus: { value: [0, 1, 3] },
      rapl: { value: 'readable' },
      nvml: { library: { value: '/lib/x86_64-linux-gnu/libnvidia-ml.so.1' } },
      server: { processes: { pids: [10, 11] } },
    })
  })

  test('is closed where a counter of energy is for root only', async () => {
    const made = fakeMachine(machine())
    const readText = async (path: string) => {
      if (path === rapl) throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
      return made.readText(path)
    }
    const gathered = await gatherPreflight({ ...made, readText }, {}, hardwareOf([]), surroundings)
    expect(gathered.rapl).toMatchObject({ value: 'closed' })
  })

  test('is absent, with reasons, on a machine without any of it', async () => {
    const gathered = await gatherPreflight(fakeMachine(), { url }, hardwareOf([]), surroundings)
    expect(gathered).toMatchObject({
      openFilesAllowed: { reason: '/proc/self/limits cannot be read (ENOENT)' },
      ports: { status: 'absent' },
      clientCpus: { status: 'absent' },
      rapl: { status: 'absent' },
      nvml: { library: { reason: 'libnvidia-ml.so.1 was not found' } },
    })
  })

  test('an open-file limit that is none is enough for anyone', async () => {
    const limits = 'Max open files            unlimited            unlimited            files\n'
    const made = fakeMachine({ files: { '/proc/self/limits': limits } })
    const gathered = await gatherPreflight(made, { connections: 1e6 }, hardwareOf([]), surroundings)
    expect(judgePreflight(gathered).fine).toContain('open files')
  })
})

describe('on this machine', () => {
  test('a folder that is still to be made is judged by the one above it', async () => {
    const above = await mkdtemp(join(tmpdir(), 'baremark-out-'))
    onTestFinished(() => rm(above, { recursive: true }))
    const outFolder = join(above, 'a', 'b')
    const { disk } = await gatherPreflight(thisLiveMachine, { outFolder }, hardwareOf([]))
    expect(disk).toMatchObject({ status: 'ok', value: { folder: outFolder, writable: true } })
  })

  test('every finding of a run has a check, a severity and a text', async () => {
    const findings = await preflightFindings(thisLiveMachine, { connections: 1 }, hardwareOf([]))
    for (const { check, severity, text } of findings) {
      expect(check).toMatch(/^[a-z-]+$/)
      expect(['blocker', 'warning', 'note']).toContain(severity)
      expect(text).toMatch(/\.$/)
    }
  })
})
