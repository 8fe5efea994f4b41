import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { detectCommand } from '../../src/cli/detect.ts'
import { hardwareText } from '../../src/cli/hardware-text.ts'
import { detectHardware } from '../../src/detect/detect-hardware.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import { type Host, hostFields } from '../../src/detect/host-fields.ts'
import { absent, readingValue } from '../../src/detect/reading.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { nvidia } from '../../src/detect/vendors/nvidia.ts'
import { baremark } from '../cli/program.ts'
import { fakeNvidiaSmi, h100, helpText } from './fake-nvidia-smi.ts'
import { fakeMachine, gpuWith, hostWith } from './machines.ts'

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
    detectHardware({
      machine: fakeMachine({ runCommand }),
      readHost: async () => host,
      now,
      vendors: [nvidia],
    })
  const exitCode = await detectCommand({ json }, io, detect)
  return { exitCode, stdout, stderr }
}

test('two GPUs, for people', async () => {
  const second = { ...h100, index: '1', 'pci.bus_id': '00000000:C3:00.0', 'memory.used': '40960' }
  const { exitCode, stdout, stderr } = await run(fakeNvidiaSmi([h100, second]))
  expect(exitCode).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toContain('2 GPUs: NVIDIA H100 80GB HBM3\n')
  expect(stdout).toMatch(/Driver 570\.10\.01; Power limit in force 650 W;/)
  expect(stdout).toMatch(/^ {2}0 {2}0000:1b:00\.0 +0 MiB$/m)
  expect(stdout).toMatch(/^ {2}1 {2}0000:c3:00\.0 +40\.0 GiB$/m)
  expect(stdout).toContain('Hardware profile\n  h100-sxm (NVIDIA H100 SXM 80 GB)\n')
})

test('a GPU without figures, for people', async () => {
  const gb10 = { ...h100, name: 'NVIDIA GB10', 'memory.total': '[N/A]', 'memory.used': '[N/A]' }
  const { stdout } = await run(fakeNvidiaSmi([gb10]))
  expect(stdout).toContain('not known  Memory, Memory used: nvidia-smi says [N/A]')
  expect(stdout).toContain('gb10-dgx-spark')
})

test('no GPU, for people: which were looked for, and nothing about none', async () => {
  const { exitCode, stdout } = await run(async () => ({ kind: 'not-found', tookMs: 1 }))
  expect(exitCode).toBe(0)
  expect(stdout).toContain('No GPU found\n  Looked for those of NVIDIA')
  expect(stdout).toContain('Hardware profile\n  none: there is no GPU to match\n')
  expect(stdout).not.toMatch(/Links between|Compute processes/)
})

const gpuWords = {
  name: ok('NVIDIA H100 80GB HBM3'),
  driverVersion: ok('570.10.01'),
  vramTotalMib: ok(81_559),
  eccEnabled: ok(true),
  powerLimitEnforcedW: ok(700),
}

function eight(): Hardware {
  const gpus = Array.from({ length: 8 }, (_, n) =>
    gpuWith(
      {
        ...gpuWords,
        pciAddress: ok(`0000:${n}b:00.0`),
        uuid: ok(`sha256:${String(n).repeat(16)}`),
        temperatureC: ok(30 + n),
        vramUsedMib: ok(n === 7 ? 70_000 : 0),
        powerW: n === 3 ? absent('not permitted', 'test') : ok(70.55),
        processes: ok(n === 7 ? [{ pid: 4711, name: 'python3', usedMib: 69_000 }] : []),
      },
      'nvidia',
      n,
    ),
  )
  const addresses = gpus.map(({ pciAddress }) => readingValue(pciAddress) ?? '')
  const links = addresses.map((_, row) => addresses.map((_, n) => (n === row ? 'X' : 'NV18')))
  const detectedAt = '2026-11-23T10:00:00.000Z'
  const topology = ok({ gpus: addresses, links })
  return { detectedAt, host, gpus, topology, tools: [], hwHash: 'a1', stateHash: 'b2' }
}

test('of eight GPUs what they share is told once, and what differs in a table', async () => {
  const text = hardwareText(eight(), [], ['nvidia'])
  // Fields that nobody read are as many as the table has by now.
  const shown = text.replace(/^ +not known [^:]*: nobody says\n/gm, '')
  expect(shown).toMatchInlineSnapshot(`
    "Host
      CPU        AMD EPYC 9654, 96 cores, 192 threads
      Memory     1510.0 GiB, 1465.0 GiB available
      System     Some Linux 1, kernel 6.1.0
      Runs in    bare metal
      not known  Board: /sys does not say

    8 GPUs: NVIDIA H100 80GB HBM3
      Set-up, each  Memory 79.6 GiB, Driver 570.10.01, Power limit in force 700 W, ECC on
      #  PCI address   UUID                     Memory used  Power    Temperature
      0  0000:0b:00.0  sha256:0000000000000000  0 MiB        70.55 W  30 °C
      1  0000:1b:00.0  sha256:1111111111111111  0 MiB        70.55 W  31 °C
      2  0000:2b:00.0  sha256:2222222222222222  0 MiB        70.55 W  32 °C
      3  0000:3b:00.0  sha256:3333333333333333  0 MiB        n/a      33 °C
      4  0000:4b:00.0  sha256:4444444444444444  0 MiB        70.55 W  34 °C
      5  0000:5b:00.0  sha256:5555555555555555  0 MiB        70.55 W  35 °C
      6  0000:6b:00.0  sha256:6666666666666666  0 MiB        70.55 W  36 °C
      7  0000:7b:00.0  sha256:7777777777777777  68.4 GiB     70.55 W  37 °C
      GPU 3, not known  Power: not permitted

    Compute processes
      GPU 7  python3  pid 4711  67.4 GiB

    Links between GPUs
                       0     1     2     3     4     5     6     7
      0  0000:0b:00.0  X     NV18  NV18  NV18  NV18  NV18  NV18  NV18
      1  0000:1b:00.0  NV18  X     NV18  NV18  NV18  NV18  NV18  NV18
      2  0000:2b:00.0  NV18  NV18  X     NV18  NV18  NV18  NV18  NV18
      3  0000:3b:00.0  NV18  NV18  NV18  X     NV18  NV18  NV18  NV18
      4  0000:4b:00.0  NV18  NV18  NV18  NV18  X     NV18  NV18  NV18
      5  0000:5b:00.0  NV18  NV18  NV18  NV18  NV18  X     NV18  NV18
      6  0000:6b:00.0  NV18  NV18  NV18  NV18  NV18  NV18  X     NV18
      7  0000:7b:00.0  NV18  NV18  NV18  NV18  NV18  NV18  NV18  X

    Asked

    Hardware profile
      none has "NVIDIA H100 80GB HBM3" among its names

    Hashes
      Machine  a1  equal for the same machine, whatever its state
      Set-up   b2  equal for the same limits, ECC, driver, kernel ...
    "
  `)
  expect(text.match(/570\.10\.01/g)).toHaveLength(1)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110)
})

test('what tools say reaches the terminal without control characters, and does not fill it', () => {
  const evil = `\u001b[2J\u001b]0;title\u0007${'x'.repeat(500)}\r\nsecond line\u202e`
  const reading = ok(evil)
  const hardware: Hardware = {
    ...eight(),
    host: hostWith({ cpuModel: reading, kernelArguments: ok([evil]), os: absent(evil, evil) }),
    gpus: [
      gpuWith({ ...gpuWords, name: reading, processes: ok([{ name: evil }]) }),
      gpuWith({ uuid: reading, vbiosVersion: absent(evil, evil) }, 'nvidia', 1),
    ],
    topology: absent(evil, evil),
    tools: [{ tool: evil, outcome: 'failed', detail: evil, tookMs: 1 }],
  }
  const text = hardwareText(hardware, [], ['nvidia'])
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(text).not.toMatch(/^second line/m)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110)
})

test('a field that no line was made for is told all the same', () => {
  const all = Object.entries(hostFields).map(([field, { kind }]) => {
    const value = { text: `<${field}>`, number: 77, flag: true, texts: [`<${field}>`] }
    return [field, ok(value[kind as keyof typeof value])]
  })
  const text = hardwareText({ ...eight(), host: Object.fromEntries(all) as Host }, [], [])
  for (const [field, { kind }] of Object.entries(hostFields)) {
    if (kind === 'text' || kind === 'texts') expect(text).toContain(`<${field}>`)
  }
  expect(text.slice(0, text.indexOf('8 GPUs'))).not.toContain('not known')
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
    tools: expect.arrayContaining([expect.objectContaining({ tool: 'nvidia-smi', outcome: 'ok' })]),
    hardwareProfile: 'h100-sxm',
  })
})

test('for programs: without a match there is no profile id', async () => {
  const { stdout } = await run(async () => ({ kind: 'not-found', tookMs: 1 }), true)
  expect(JSON.parse(stdout)).not.toHaveProperty('hardwareProfile')
})

/** A folder with files of these contents. */
async function folderWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-diff-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value))
  }
  return folder
}

const capped = (): Hardware => ({
  ...eight(),
  gpus: eight().gpus.map((gpu, n) =>
    n === 2 ? { ...gpu, powerLimitEnforcedW: ok(500), temperatureC: ok(99) } : gpu,
  ),
})

test('--diff of two files: what is set up differently, and exit code 1', async () => {
  const now = { ...capped(), hardwareProfile: 'h100-sxm' }
  const folder = await folderWith({ 'a.json': eight(), 'b.json': now })
  const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')]
  const { exitCode, stdout } = await baremark(['detect', '--diff', a, b])
  expect(exitCode).toBe(1)
  expect(stdout.replaceAll(folder, '')).toBe(
    [
      'Before: /a.json (2026-11-23T10:00:00.000Z)',
      'After:  /b.json (2026-11-23T10:00:00.000Z)',
      'The same machine, 1 difference.',
      '',
      'How it is set up',
      '  GPU 0000:2b:00.0: Power limit in force was 700 W and is 500 W.',
      '',
    ].join('\n'),
  )
})

test('--diff of a results directory and a file that tell the same: exit code 0', async () => {
  const run = { schemaVersion: 1, hardware: eight() }
  const folder = await folderWith({ 'run.json': run, 'b.json': eight() })
  const ran = await baremark(['detect', '--json', '--diff', folder, join(folder, 'b.json')])
  expect(ran.exitCode).toBe(0)
  expect(JSON.parse(ran.stdout)).toMatchObject({
    machine: 'same',
    identity: [],
    state: [],
    before: { hwHash: 'a1' },
  })
})

test('--diff takes a run of a version that read less', async () => {
  const { hwHash, stateHash, topology, ...less } = eight()
  const { cpuSockets, ...host } = less.host
  const folder = await folderWith({ 'run.json': { hardware: { ...less, host } } })
  const ran = await baremark(['detect', '--diff', folder, folder])
  expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
})

test.each([
  [['--diff', 'a'], /--diff compares two machines/],
  [['--diff', 'a', 'b', 'c'], /--diff compares two machines/],
  [['--diff', 'a', 'b', '--from', 'c'], /--diff compares two machines/],
  [['--diff', '/nowhere/a', '/nowhere/b'], /No such file: \/nowhere\/a/],
  [['--from', '/nowhere/a'], /No such file: \/nowhere\/a/],
])('detect %j is refused with a remedy', async (flags, message) => {
  const { exitCode, stderr } = await baremark(['detect', ...flags])
  expect(exitCode).toBe(2)
  expect(stderr).toMatch(message)
})

test.each([
  ['{"detectedAt": "x",', /a\.json:1:\d+: it is not JSON/],
  ['{}', /a\.json: \w+: /],
  ['[1]', /a\.json: \w+: /],
  ['null', /a\.json: \w+: /],
  [
    { ...JSON.parse('{}'), detectedAt: 'x', host: {}, gpus: [{ vendor: 'acme', index: 0 }] },
    /a\.json: gpus\.0\.vendor: /,
  ],
])('a file that tells of no machine is an error that names the place: %j', async (text, where) => {
  const folder = await folderWith({ 'a.json': text })
  const file = join(folder, 'a.json')
  const { exitCode, stderr } = await baremark(['detect', '--diff', file, file])
  expect(exitCode).toBe(2)
  expect(stderr).toMatch(where)
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
