import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { detectCommand } from '../../src/cli/detect.ts'
import { detectHardware } from '../../src/detect/detect-hardware.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { fakeNvidiaSmi, h100, helpText } from './fake-nvidia-smi.ts'
import { fakeMachine, hostWith } from './machines.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const ok = <T>(value: T) => ({ status: 'ok', value, source: 'test' }) as const
const host = hostWith({
  cpuModel: ok('AMD EPYC 9654'),
  cpuCoresPhysical: ok(96),
  cpuCoresLogical: ok(192),
  memoryTotalMib: ok(1_546_240),
  memoryAvailableMib: ok(1_500_160),
  board: { status: 'absent', reason: '/sys does not say', source: 'test' },
  os: ok('Some Linux 1'),
  kernel: ok('6.1.0'),
  virtualization: ok('none'),
})

async function run(runCommand: RunCommand, json = false) {
  let stdout = ''
  let stderr = ''
  const io = {
    stdout: (text: string) => {
      stdout += text
    },
    stderr: (text: string) => {
      stderr += text
    },
  }
  const now = () => new Date('2026-11-23T10:00:00Z')
  const detect = () =>
    detectHardware({ machine: fakeMachine({ runCommand }), readHost: async () => host, now })
  const exitCode = await detectCommand({ json }, io, detect)
  return { exitCode, stdout, stderr }
}

test('two GPUs, for people', async () => {
  const second = { ...h100, index: '1', 'pci.bus_id': '00000000:C3:00.0', 'memory.used': '40960' }
  const { exitCode, stdout, stderr } = await run(fakeNvidiaSmi([h100, second]))
  expect(exitCode).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toMatchInlineSnapshot(`
    "Host
      CPU        AMD EPYC 9654
      Cores      96
      Threads    192
      Memory     1510.0 GiB
      Available  1465.0 GiB
      Machine    n/a (/sys does not say)
      System     Some Linux 1
      Kernel     6.1.0
      Runs in    bare metal

    2 GPUs
      #  Name                   VRAM      Used      Free      Driver     Power limit  PCIe   Lanes  Temp
      0  NVIDIA H100 80GB HBM3  79.6 GiB  0.0 GiB   79.1 GiB  570.10.01  650 W        gen 5  x16    34 °C
      1  NVIDIA H100 80GB HBM3  79.6 GiB  40.0 GiB  79.1 GiB  570.10.01  650 W        gen 5  x16    34 °C

    Asked
      nvidia-smi  answered (2 ms)

    Hardware profile
      h100-sxm (NVIDIA H100 SXM 80 GB)
    "
  `)
})

test('a GPU without figures, for people', async () => {
  const gb10 = { ...h100, name: 'NVIDIA GB10', 'memory.total': '[N/A]', 'memory.used': '[N/A]' }
  const { stdout } = await run(fakeNvidiaSmi([gb10]))
  expect(stdout).toContain('GPU 0, VRAM, Used: n/a (nvidia-smi says [N/A])')
  expect(stdout).toContain('gb10-dgx-spark')
})

test('no GPU, for people', async () => {
  const { exitCode, stdout } = await run(async () => ({ kind: 'not-found', tookMs: 1 }))
  expect(exitCode).toBe(0)
  expect(stdout).toMatchInlineSnapshot(`
    "Host
      CPU        AMD EPYC 9654
      Cores      96
      Threads    192
      Memory     1510.0 GiB
      Available  1465.0 GiB
      Machine    n/a (/sys does not say)
      System     Some Linux 1
      Kernel     6.1.0
      Runs in    bare metal

    No GPU found
      Only NVIDIA GPUs are looked for. A server on another machine needs none here.

    Asked
      nvidia-smi  not found (1 ms)

    Hardware profile
      none: there is no GPU to match
    "
  `)
})

test('a GPU that no profile names is said so', async () => {
  const { stdout } = await run(fakeNvidiaSmi([{ ...h100, name: 'NVIDIA H999' }]))
  expect(stdout).toContain('none has "NVIDIA H999" among its names')
})

test('for programs: the hardware and the id of its profile', async () => {
  const { exitCode, stdout } = await run(fakeNvidiaSmi([h100]), true)
  expect(exitCode).toBe(0)
  const printed = JSON.parse(stdout)
  expect(printed).toMatchObject({
    detectedAt: '2026-11-23T10:00:00.000Z',
    host: { cpuCoresPhysical: { value: 96 } },
    gpus: [{ vramUsedMib: { status: 'ok', value: 0 } }],
    tools: [{ tool: 'nvidia-smi', outcome: 'ok' }],
    hardwareProfile: 'h100-sxm',
  })
})

test('for programs: without a match there is no profile id', async () => {
  const { stdout } = await run(async () => ({ kind: 'not-found', tookMs: 1 }), true)
  expect(JSON.parse(stdout)).not.toHaveProperty('hardwareProfile')
})

test.skipIf(process.platform === 'win32')(
  'a tool on the PATH is found, and nothing that names the machine is printed',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'baremark-tools-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'help.txt'), helpText(Object.keys(h100)))
    await writeFile(join(folder, 'row.txt'), `${Object.values(h100).join(', ')}\n`)
    const script = `#!/bin/sh\ncase "$1" in\n--help*) cat '${folder}/help.txt' ;;\n*) cat '${folder}/row.txt' ;;\nesac\n`
    await writeFile(join(folder, 'nvidia-smi'), script)
    await chmod(join(folder, 'nvidia-smi'), 0o755)
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
    let stdout = ''
    const io = {
      stdout: (text: string) => {
        stdout += text
      },
      stderr: () => {},
    }
    await detectCommand({ json: true }, io)
    const printed = JSON.parse(stdout)
    expect(printed.hardwareProfile).toBe('h100-sxm')
    expect(stdout).not.toMatch(/"(fqdn|mac|ip4?)"/i)
    for (const { uuid, serial } of printed.gpus)
      expect([uuid.status, serial.status]).toEqual(['absent', 'absent'])
  },
)
