import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import {
  type Bundle,
  hardwareOfBundle,
  readBundle,
  replayed,
} from '../../src/detect/capture/bundle.ts'
import { masked } from '../../src/detect/capture/mask.ts'
import { type Recording, recordingMachine } from '../../src/detect/capture/recording-machine.ts'
import { detectHardware } from '../../src/detect/detect-hardware.ts'
import { hashOfUuid } from '../../src/detect/identifiers.ts'
import type { Machine } from '../../src/detect/machine.ts'
import { exited, fakeNvidiaSmi, h100 } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

const nothing: Recording = { platform: 'linux', calls: [], files: [], folders: [], links: [] }

function said(stdout: string, args: string[] = []): Recording['calls'][number] {
  return { file: 'tool', args, result: exited(stdout) }
}

function maskedText(stdout: string, args: string[] = []): string {
  const { recording } = masked({ ...nothing, calls: [said(stdout, args)] })
  const result = recording.calls[0]?.result
  return result?.kind === 'exited' ? result.stdout : ''
}

function bundleOf(recording: Recording, parts: Partial<Bundle> = {}): Bundle {
  const head = { format: 'baremark-capture', version: 1 } as const
  return { ...head, capturedAt: '2026-11-23T10:00:00Z', masked: false, ...recording, ...parts }
}

async function asked(machine: Machine): Promise<unknown[]> {
  const attempt = (answer: Promise<unknown>) => answer.catch((error) => error.code)
  return [
    await machine.runCommand('nvidia-smi', ['--help-query-gpu'], { timeoutMs: 1 }),
    await machine.runCommand('amd-smi', ['list'], { timeoutMs: 1 }),
    await attempt(machine.readText('/a/b')),
    await attempt(machine.readText('/a/none')),
    await attempt(machine.listFolder('/a')),
    await attempt(machine.listFolder('/none')),
    await attempt(machine.realPath('/l')),
    await attempt(machine.realPath('/none')),
  ]
}

test('a replayed machine answers what the recorded one answered, errors too', async () => {
  const original = fakeMachine({
    files: { '/a/b': 'text' },
    links: { '/l': '/a/b' },
    runCommand: fakeNvidiaSmi([h100]),
  })
  const { machine, recording } = recordingMachine(original)
  const answers = await asked(machine)
  expect(answers.at(-1)).toBe('ENOENT')
  expect(await asked(replayed(bundleOf(recording())))).toEqual(answers)
})

test('a question that the capture does not hold has no answer, and this machine is not asked', async () => {
  const machine = replayed(bundleOf(nothing))
  const options = { timeoutMs: 1 }
  expect(await machine.runCommand('node', ['--version'], options)).toEqual({
    kind: 'not-found',
    tookMs: 0,
  })
  await expect(machine.readText('/etc/os-release')).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(machine.listFolder('/')).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(machine.realPath('/')).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a program that was run twice answers in turn, and then as it did last', async () => {
  const answers = ['one', 'two']
  const runCommand = async () => exited(answers.shift() ?? 'more')
  const { machine, recording } = recordingMachine(fakeMachine({ runCommand }))
  const ask = async (of: Machine) => of.runCommand('tool', [], { timeoutMs: 1 })
  await ask(machine)
  await ask(machine)
  const again = replayed(bundleOf(recording()))
  const replies = [await ask(again), await ask(again), await ask(again)]
  expect(replies.map((reply) => reply.kind === 'exited' && reply.stdout)).toEqual([
    'one',
    'two',
    'two',
  ])
})

const uuid = 'GPU-19d6d965-2acc-f646-00f8-4c76979aabb4'
const box = fakeMachine({
  runCommand: async (file, args, options) => {
    if (file === 'systemd-detect-virt') return exited('none\n', 1)
    if (file === 'nvidia-smi') {
      return fakeNvidiaSmi([{ ...h100, uuid, serial: '1650522003820' }])(file, args, options)
    }
    return { kind: 'not-found', tookMs: 1 }
  },
  files: {
    '/etc/machine-id': '3d1219c7c4c5404aaa1f6d2a48adfda4\n',
    '/etc/os-release': 'PRETTY_NAME="Some Linux 24.04.1.2 LTS"\n',
    '/proc/sys/kernel/hostname': 'ada-gpu-07.lab.example.org\n',
    '/proc/sys/kernel/osrelease': '6.8.0-60-generic\n',
    '/proc/cmdline': 'root=UUID=0a1b2c3d-1111-2222-3333-444455556666 iommu=pt ip=192.168.7.9\n',
    '/proc/self/cgroup': '0::/system.slice/ada-gpu-07.service\n',
    '/sys/class/dmi/id/bios_version': '1.2.3.4\n',
  },
})

test('a masked capture gives the same hardware as the machine, but for its host name', async () => {
  const { machine, recording } = recordingMachine(box)
  const now = () => new Date('2026-11-23T10:00:00Z')
  const original = await detectHardware({ machine, now })
  const bundle = bundleOf(masked(recording()).recording, { masked: true })
  expect(JSON.stringify(bundle)).not.toMatch(
    /ada-gpu|lab\.example|19d6d965|1650522003820|3d1219c7|0a1b2c3d|192\.168/,
  )
  const again = await hardwareOfBundle(bundle)
  const { hostname, ...host } = original.host
  const { hostname: maskedName, ...maskedHost } = again.host
  expect(maskedHost).toEqual(host)
  expect(maskedName).toMatchObject({ status: 'absent', reason: 'masked in the capture' })
  expect(again.gpus.map(({ serial, ...gpu }) => gpu)).toEqual(
    original.gpus.map(({ serial, ...gpu }) => gpu),
  )
  expect(again).toMatchObject({ hwHash: original.hwHash, stateHash: original.stateHash })
  expect(again.detectedAt).toBe(original.detectedAt)
})

test('two masked captures of one machine agree, and captures of different machines do not', () => {
  const of = (id: string) =>
    masked({
      ...nothing,
      files: [
        { path: '/etc/machine-id', text: id },
        { path: '/proc/sys/kernel/hostname', text: 'ada-gpu-07\n' },
      ],
    }).recording.files
  const one = of('3d1219c7c4c5404aaa1f6d2a48adfda4')
  expect(of('3d1219c7c4c5404aaa1f6d2a48adfda4')).toEqual(one)
  expect(of('00000000c4c5404aaa1f6d2a48adfda4')[1]).not.toEqual(one[1])
})

const HEX = '0123456789abcdef'
const hexOf = (length: number) =>
  fc.string({ unit: fc.constantFrom(...HEX), minLength: length, maxLength: length })
const digitsOf = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length })
const name = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...'abcdefghkmnpqrstuvwxyz'), minLength: 4, maxLength: 9 }),
    digitsOf(3),
  )
  .map((parts) => `q${parts.join('-')}`)
const octet = fc.integer({ min: 128, max: 250 })
const secrets = fc.record({
  uuid: fc.uuid(),
  mig: fc.uuid(),
  serial: digitsOf(13).filter((digits) => /[1-9]/.test(digits)),
  boardSerial: hexOf(10).map((hex) => `PX${hex.toUpperCase()}7`),
  uniqueId: hexOf(16).filter((hex) => /\d/.test(hex) && !/^0+$/.test(hex)),
  machineId: hexOf(32),
  mac: fc.array(hexOf(2), { minLength: 6, maxLength: 6 }).map((pairs) => pairs.join(':')),
  ipv4: fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.')),
  ipv6: hexOf(4).map((group) => `fe80::a${group.slice(1)}:1b2c`),
  host: name,
  user: name,
})

type Secrets = typeof secrets extends fc.Arbitrary<infer S> ? S : never

/** What tools print of these, labelled and not. */
function printed(of: Secrets): Recording {
  const { uuid, mig, serial, boardSerial, uniqueId, mac, ipv4, ipv6, host, user } = of
  return {
    ...nothing,
    calls: [
      said(`<gpu id="00000000:1B:00.0"><serial>${serial}</serial><uuid>GPU-${uuid}</uuid></gpu>`),
      said(`GPU 0: NVIDIA H100 (UUID: GPU-${uuid})\n  MIG 1g.10gb Device 0: (UUID: MIG-${mig})\n`),
      said(`0, ${serial}, GPU-${uuid}\n`, ['--query-gpu=index,serial,uuid', '--format=csv']),
      said(`index, serial, x\n0, ${boardSerial}, 1\n`),
      said(`{"card0": {"Unique ID": "0x${uniqueId}", "Serial Number": "${boardSerial}"}}`),
      said(`Reference ID    : C0A80101 (${ipv4})\nlink/ether ${mac} brd x\ninet6 ${ipv6}/64\n`),
      said(`kern.hostname: ${host}.lab.example.org\n`),
      said(`1234, /home/${user}/venv/bin/python, 40960 MiB\nC:\\Users\\${user}\\x ${user}\n`),
      said(`lost ${serial} at ${uniqueId.toUpperCase()} of ${host}`, ['-i', `GPU-${uuid}`]),
    ],
    files: [
      { path: '/etc/machine-id', text: `${of.machineId}\n` },
      { path: '/proc/sys/kernel/hostname', text: `${host}\n` },
      { path: '/sys/class/drm/card0/device/unique_id', text: `${uniqueId}\n` },
      { path: `/home/${user}/.config`, error: 'ENOENT' },
    ],
    folders: [
      { path: '/sys/class/net', names: [`veth-${host}`, `pod${mig.replaceAll('-', '_')}`] },
    ],
    links: [{ path: '/l', target: `/mnt/${host}/${user}` }],
  }
}

test('whatever the identifiers are, none is in the masked capture, in either case', () => {
  fc.assert(
    fc.property(secrets, (of) => {
      const text = JSON.stringify(masked(printed(of)).recording).toLowerCase()
      for (const [kind, secret] of Object.entries(of)) {
        expect(text.includes(secret.toLowerCase()), `${kind} ${secret}`).toBe(false)
      }
    }),
    { numRuns: 300 },
  )
})

test('masking changes identifiers only: all around them stays to the letter', () => {
  fc.assert(
    fc.property(secrets, (of) => {
      const { calls } = masked(printed(of)).recording
      const text = (n: number) => {
        const result = calls[n]?.result
        return result?.kind === 'exited' ? result.stdout : ''
      }
      const [, serial, uuid] =
        /^<gpu id="00000000:1B:00\.0"><serial>(\d{13})<\/serial><uuid>GPU-([\da-f-]{36})<\/uuid><\/gpu>$/.exec(
          text(0),
        ) ?? []
      expect(hashOfUuid(uuid ?? '')).toBe(hashOfUuid(of.uuid))
      expect(text(2)).toBe(`0, ${serial}, GPU-${uuid}\n`)
      expect(calls[8]?.args).toEqual(['-i', `GPU-${uuid}`])
      expect(text(4)).toMatch(
        /^\{"card0": \{"Unique ID": "0x[\da-f]{16}", "Serial Number": "[A-Z\d]{13}"\}\}$/,
      )
      expect(text(5)).toMatch(/\nlink\/ether 02:([\da-f]{2}:){4}[\da-f]{2} brd x\ninet6 2001:db8::/)
    }),
  )
})

test.each([
  'driver_version: 1.2.3.4',
  '<vbios_version>96.00.74.00.01</vbios_version>',
  '0, NVIDIA H100 80GB HBM3, 00000000:1B:00.0, 570.133.20, [N/A]',
  'Serial Number                         : N/A',
  '<serial>0000000000000</serial>',
  '"serial" or "gpu_serial"\nThis number matches the serial number physically printed on each board.',
  '/home/ubuntu/x bound to 127.0.0.1, ::1 and 0.0.0.0',
  'GPU0\t X \tNV18\tSYS\t0-31,64-95\t0\t\tN/A',
])('nothing is masked in %j', (text) => {
  expect(maskedText(text)).toBe(text)
})

test('a short number is masked where it is labelled, and is a word of its own elsewhere', () => {
  const text = maskedText('<board_id>0x4300</board_id> 4300 MiB')
  expect(text).toMatch(/^<board_id>0x\d{4}<\/board_id> 4300 MiB$/)
})

test('a host that is called like a GPU leaves the GPU its name', () => {
  const files = [{ path: '/proc/sys/kernel/hostname', text: 'h100\n' }]
  const calls = [said('NVIDIA H100 80GB HBM3 in h100')]
  const { recording } = masked({ ...nothing, files, calls })
  expect(recording.calls[0]?.result).toMatchObject({
    stdout: expect.stringMatching(/^NVIDIA H100 80GB HBM3 in host-[\da-f]{8}$/),
  })
})

test('of a process the program stays, and what it was started with does not', () => {
  const xml = '<process_name>/opt/My Apps/python -m vllm --api-key sk-1</process_name>'
  expect(maskedText(xml)).toBe('<process_name>/opt/My Apps/python</process_name>')
  const args = ['--query-compute-apps=pid,process_name,used_memory', '--format=csv']
  const csv = '7, /usr/bin/python -m vllm --api-key=sk-1, 40960 MiB\n8, llama-server, 1 MiB\n'
  expect(maskedText(csv, args)).toBe('7, /usr/bin/python, 40960 MiB\n8, llama-server, 1 MiB\n')
})

// They lie outside the repository: where they are missing, nothing is tested here.
const captures = join(
  process.env.BAREMARK_FIXTURES ??
    fileURLToPath(new URL('../../../shared/fixtures', import.meta.url)),
  'nvidia',
  'smi-xml',
)

test.skipIf(!existsSync(captures))(
  'in what nvidia-smi really printed only identifiers are masked',
  () => {
    const files = readdirSync(captures).filter((file) => file.endsWith('.xml'))
    expect(files.length).toBeGreaterThan(10)
    const words = / --[^<]*(?=<\/process_name>)/g
    const identifier = /<(uuid|serial|board_id|chassis_serial_number|clusterUuid)>[^<]*</g
    for (const file of files) {
      const text = readFileSync(join(captures, file), 'utf8')
      const after = maskedText(text)
      expect(after.replace(identifier, '<$1>'), file).toBe(
        text.replace(words, '').replace(identifier, '<$1>'),
      )
      for (const [found] of text.matchAll(/GPU-[\da-f-]{36}/g)) expect(after).not.toContain(found)
    }
  },
)

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'capture.json')
  await writeFile(file, text)
  return file
}

test('a capture is read as it was written', async () => {
  const bundle = bundleOf(nothing)
  expect(await readBundle(await fileWith(JSON.stringify(bundle)))).toEqual(bundle)
})

const damaged = {
  ...bundleOf(nothing),
  calls: [{ file: 'a', args: [], result: { ...exited(''), exitCode: 'x' } }],
}

test.each([
  ['{"format": "baremark-capture",\n  "version": 1', /capture\.json:2:\d+: it is not JSON/],
  ['', /capture\.json:1:1: it is not JSON/],
  ['[]', /capture\.json: file: /],
  [JSON.stringify({ ...bundleOf(nothing), version: 2 }), /capture\.json: version: /],
  [JSON.stringify({ ...bundleOf(nothing), calls: undefined }), /capture\.json: calls: /],
  [JSON.stringify(damaged), /capture\.json: calls\.0\.result\.exitCode: /],
  [
    JSON.stringify({ ...bundleOf(nothing), files: [{ path: '/a', text: 1 }] }),
    /capture\.json: files\.0\.text: /,
  ],
])('a damaged capture is an error that names the place: %s', async (text, message) => {
  await expect(readBundle(await fileWith(text))).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringMatching(message),
  })
})
