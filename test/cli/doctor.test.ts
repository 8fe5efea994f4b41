import { expect, onTestFinished, test } from 'vitest'
import { doctorCommand } from '../../src/cli/doctor.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import { absent, ok } from '../../src/detect/reading.ts'
import { exitCodes } from '../../src/errors.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { fakeMachine, gpuWith, hostWith } from '../detect/machines.ts'
import { procFiles, tcpRow } from '../detect/proc-files.ts'
import { baremark } from './program.ts'

const told = <T>(value: T) => ok(value, 'test')

const hardware: Hardware = {
  detectedAt: '2026-11-23T10:00:00Z',
  host: hostWith({
    clockSource: told('tsc'),
    clockSynchronised: told(true),
    cpuGovernor: told('powersave'),
    cgroupCpuCores: absent('no limit is set', 'test'),
    swapUsedMib: absent('/proc/meminfo cannot be read', '/proc/meminfo'),
    virtualization: told('none'),
    container: told('none'),
  }),
  gpus: [
    gpuWith({
      // Names come from tools, and tools may say anything.
      name: told('NVIDIA \u001b[31mL40S'),
      pciAddress: told('0000:1b:00.0'),
      computeCapability: told('8.9'),
      powerW: told(35),
      powerLimitEnforcedW: told(300),
      powerLimitDefaultW: told(350),
      temperatureC: told(40),
      temperatureSlowdownC: told(95),
      persistenceEnabled: told(false),
      pcieWidth: told(16),
      pcieWidthOfGpu: told(16),
      memoryRepairPending: told(false),
      eccUncorrectedErrors: told(0),
      processes: told([{ pid: 11, name: 'python3', usedMib: 40_000 }]),
    }),
  ],
  topology: absent('not asked', 'test'),
  tools: [],
  hwHash: 'a',
  stateHash: 'b',
}

function machineWith(openFiles: number) {
  const { files, links } = procFiles(
    [
      { pid: 10, name: 'vllm', sockets: [77], cpus: '0-1' },
      { pid: 11, parentPid: 10, name: 'VLLM::EngineCor', cpus: '0-1' },
    ],
    { tcp: [tcpRow('0100007F', 8000, 77)] },
  )
  Object.assign(files, {
    '/proc/self/limits': `Max open files            ${openFiles}                 4096                 files\n`,
    '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
    '/run/opengl-driver/lib/libnvidia-ml.so.1': '',
  })
  return fakeMachine({ files, links })
}

async function doctor(openFiles: number, flags: object = {}) {
  let stdout = ''
  const io = {
    stdout: (text: string) => {
      stdout += text
    },
  }
  const given = { concurrency: 1000, out: '.', url: 'http://127.0.0.1:8000', json: false, ...flags }
  const exitCode = await doctorCommand(given, io, {
    machine: machineWith(openFiles),
    detect: async () => hardware,
    surroundings: {
      network: { addressesOf: async (host) => [host], ownAddresses: () => [] },
      diskOf: async (folder) => told({ folder, writable: true, freeBytes: 2 ** 40 }),
      koffi: () => told('node_modules/koffi'),
    },
  })
  return { exitCode, stdout }
}

test('tells what is wrong by how bad it is, how to mend it, what was not checked and what is fine', async () => {
  const { exitCode, stdout } = await doctor(1024)
  expect(exitCode).toBe(exitCodes.setup)
  expect(stdout).toMatchInlineSnapshot(`
    "1 blocker, 4 warnings, no note; 2 not checked
    For http://127.0.0.1:8000, 1000 connections, results in .
    Server: PID 10 (vllm) listens on port 8000; its processes compute on 1 of 1 GPUs: 0000:1b:00.0

    Blockers: a run cannot work
      open-files: 1000 connections need 1064 open files, this process may open 1024.
        To mend it: sudo prlimit --pid $$ --nofile=1064:1064 (in the shell that starts baremark; of a container: docker run --ulimit nofile=1064:1064)

    Warnings: the figures of a run would suffer
      cpu-governor: The frequency governor of the CPU is powersave: cores that have rested are slow at
        first, which shows as latency at light load.
        To mend it: sudo cpupower frequency-set -g performance
      shared-cores: Client and server share 2 cores; together they want 5 (2 for the client, 2 and one a
        GPU for the server). Each will wait for the other, and the client's waiting looks like the
        server's latency.
        To mend it: Run baremark on another machine, or give both more cores.
      persistence-mode: GPU 0 (NVIDIA L40S): persistence mode is off. The driver is unloaded whenever
        nobody uses the GPU: its energy counter starts anew, and the first to come waits for seconds.
        To mend it: sudo nvidia-smi -pm 1
      power-limit: GPU 0 (NVIDIA L40S): its power is limited to 300 W, by default it may use 350 W. It
        is slower than others of its model, which readers of the report will not expect.
        To mend it: sudo nvidia-smi -i 0000:1b:00.0 -pl 350

    Not checked
      swap: /proc/meminfo cannot be read
      energy of the CPU (RAPL): the kernel offers no counters of it, as in most virtual machines
        (/sys/class/powercap)

    Looked at, and as it should be
      ports, results folder, disk space, clock source, clock synchronised, CPU limit of the control
        group, bare metal, no container, the server's processes, the server's log, GPUs, GPUs that
        serve, other programs on the GPUs, PCIe lanes, pending memory repair, memory errors, power of
        the GPUs, energy counter of the GPUs
    "
  `)
})

test('exits with 0 where nothing keeps a run from working', async () => {
  const { exitCode, stdout } = await doctor(4096)
  expect(exitCode).toBe(exitCodes.valid)
  expect(stdout).not.toContain('Blockers')
  expect(stdout).toMatch(/^no blocker, 4 warnings/)
})

test('as JSON: findings, what is fine, what was not checked, the server and its GPUs', async () => {
  const { exitCode, stdout } = await doctor(1024, { json: true })
  expect(exitCode).toBe(exitCodes.setup)
  expect(JSON.parse(stdout)).toMatchObject({
    findings: expect.arrayContaining([
      {
        check: 'open-files',
        severity: 'blocker',
        text: '1000 connections need 1064 open files, this process may open 1024.',
        remedy: expect.stringContaining('--nofile=1064:1064'),
      },
    ]),
    fine: expect.arrayContaining(['ports', 'clock source']),
    notChecked: expect.arrayContaining([
      { check: 'swap', what: 'swap', reason: '/proc/meminfo cannot be read' },
    ]),
    server: {
      processes: { kind: 'known', pids: [10, 11] },
      gpus: { kind: 'known', pciAddresses: ['0000:1b:00.0'] },
    },
  })
})

test('on this machine, whatever it is, it answers without a server', async () => {
  const { exitCode, stdout, stderr } = await baremark(['doctor', '--out', '.'])
  expect(exitCode).toBe(exitCodes.valid)
  expect(stderr).toBe('')
  expect(stdout).toContain('For no server (--url names one)')
  expect(stdout).toMatch(/no\s+server\s+was\s+named/)
})

test.skipIf(process.platform !== 'linux')(
  'finds the server that runs on this machine',
  async () => {
    const server = await startServer({ engine: simulatedEngine({}), port: 0 })
    onTestFinished(() => server.close())
    const { stdout } = await baremark(['doctor', '--out', '.', '--url', server.url, '--json'])
    expect(JSON.parse(stdout).server.processes).toMatchObject({
      kind: 'known',
      listeners: [{ pid: process.pid }],
    })
  },
)

test('an address that is none is the user’s to mend', async () => {
  const { exitCode, stderr } = await baremark(['doctor', '--url', 'ftp://x'])
  expect(exitCode).toBe(exitCodes.usage)
  expect(stderr).toContain('Not an address')
})
