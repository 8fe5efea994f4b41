import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import { absent, type GpuProcess, ok } from '../../src/detect/reading.ts'
import { thisLiveMachine } from '../../src/detect/server/live-machine.ts'
import { plainAddress } from '../../src/detect/server/server-address.ts'
import { serverProcesses } from '../../src/detect/server/server-processes.ts'
import { servingGpus, servingGpusOf } from '../../src/detect/server/serving-gpus.ts'
import { fakeMachine, gpuWith, hostWith } from './machines.ts'
import { type MadeProcess, procFiles, tcpRow } from './proc-files.ts'

const LOOPBACK = '0100007F'
const EVERYWHERE = '00000000'
const EVERYWHERE_6 = '0'.repeat(32)
const LOOPBACK_6 = '00000000000000000000000001000000'
const here = new URL('http://127.0.0.1:8000')

/** Names mean these addresses; the machine's own are loopback and 10.0.0.5. */
const network = {
  addressesOf: async (host: string) => {
    const known: Record<string, string[]> = { localhost: ['::1', '127.0.0.1'], box: ['10.0.0.5'] }
    return known[host] ?? [host]
  },
  ownAddresses: () => ['127.0.0.1', '::1', '10.0.0.5'],
}

function processesAt(
  processes: readonly MadeProcess[],
  tables: Parameters<typeof procFiles>[1],
  url = here,
) {
  return serverProcesses(fakeMachine(procFiles(processes, tables)), url, network)
}

const listening = { tcp: [tcpRow(LOOPBACK, 8000, 77)] }

describe('the processes of a server', () => {
  test('are the one that listens on the port, and all that it started, however deep', async () => {
    const found = await processesAt(
      [
        { pid: 10, name: 'vllm', sockets: [5, 77] },
        { pid: 11, parentPid: 10, name: 'VLLM::EngineCor' },
        { pid: 12, parentPid: 11, name: 'VLLM::Worker_TP' },
        { pid: 13, parentPid: 1, name: 'other', sockets: [78] },
      ],
      {
        tcp: [
          tcpRow(LOOPBACK, 8001, 78),
          tcpRow(LOOPBACK, 8000, 5, '01'),
          ...(listening.tcp ?? []),
        ],
      },
    )
    expect(found).toEqual({
      kind: 'known',
      pids: [10, 11, 12],
      listeners: [{ pid: 10, name: 'vllm' }],
      how: 'PID 10 (vllm) listens on port 8000',
    })
  })

  test.each([
    ['a name with brackets and blanks', '((sd-pam) x) y'],
    ['a name with a line break', 'a\nb'],
  ])('%s does not hide who its parent is', async (_, name) => {
    const found = await processesAt(
      [
        { pid: 10, sockets: [77] },
        { pid: 11, parentPid: 10, name },
        { pid: 12, parentPid: 11 },
      ],
      listening,
    )
    expect(found).toMatchObject({ pids: [10, 11, 12] })
  })

  test('a port shared by several processes has several servers', async () => {
    const found = await processesAt(
      [
        { pid: 10, sockets: [77] },
        { pid: 20, sockets: [78] },
      ],
      { tcp: [tcpRow(EVERYWHERE, 8000, 77), tcpRow(EVERYWHERE, 8000, 78)] },
    )
    expect(found).toMatchObject({ pids: [10, 20] })
  })

  test('who is bound to the very address comes before who is bound to all', async () => {
    const both = { tcp: [tcpRow(EVERYWHERE, 8000, 78), tcpRow(LOOPBACK, 8000, 77)] }
    const processes = [
      { pid: 10, sockets: [77] },
      { pid: 20, sockets: [78] },
    ]
    expect(await processesAt(processes, both)).toMatchObject({ pids: [10] })
    const other = await processesAt(processes, both, new URL('http://box:8000'))
    expect(other).toMatchObject({ pids: [20] })
  })

  test.each([
    ['http://127.0.0.1:8000', EVERYWHERE_6],
    ['http://[::1]:8000', EVERYWHERE_6],
    ['http://[::1]:8000', LOOPBACK_6],
    ['http://localhost:8000', LOOPBACK_6],
    // ::ffff:127.0.0.1, as Java programs bind.
    ['http://127.0.0.1:8000', `0000000000000000FFFF0000${LOOPBACK}`],
  ])('%s is served by a socket of IPv6 at %s', async (url, bound) => {
    const tables = { tcp6: [tcpRow(bound, 8000, 77)] }
    const found = await processesAt([{ pid: 10, sockets: [77] }], tables, new URL(url))
    expect(found).toMatchObject({ kind: 'known', pids: [10] })
  })

  test('a name with two addresses is served at the one that someone listens on', async () => {
    const found = await processesAt(
      [{ pid: 10, sockets: [77] }],
      listening,
      new URL('http://localhost:8000'),
    )
    expect(found).toMatchObject({ pids: [10] })
  })

  test('a Unix socket is found by its path, and a client of it is not the server', async () => {
    const unix = [
      '0000000000000000: 00000003 00000000 00000000 0001 03 78 /run/my llm.sock',
      '0000000000000000: 00000002 00000000 00010000 0001 01 77 /run/my llm.sock',
    ]
    const found = await processesAt(
      [
        { pid: 10, sockets: [77] },
        { pid: 20, sockets: [78] },
      ],
      { unix },
      new URL(`http+unix://${encodeURIComponent('/run/my llm.sock')}`),
    )
    expect(found).toMatchObject({ pids: [10], how: 'PID 10 (server) listens on /run/my llm.sock' })
  })

  test('the shards of TGI are siblings of its router: their launcher started both', async () => {
    const found = await processesAt(
      [
        { pid: 5, name: 'bash' },
        { pid: 9, parentPid: 5, name: 'text-generation' },
        { pid: 10, parentPid: 9, name: 'text-generation', sockets: [77] },
        { pid: 11, parentPid: 9, name: 'text-generation' },
        { pid: 12, parentPid: 11, name: 'python3' },
        { pid: 13, parentPid: 5, name: 'other' },
      ],
      listening,
    )
    expect(found).toMatchObject({ pids: [9, 10, 11, 12], listeners: [{ pid: 10 }] })
  })

  test('all of the same container belongs to the server, whoever started it', async () => {
    const cgroup = `/system.slice/docker-${'ab12'.repeat(16)}.scope`
    const found = await processesAt(
      [
        { pid: 10, name: 'nginx', sockets: [77], cgroup },
        { pid: 20, name: 'python3', cgroup },
        { pid: 30, name: 'other', cgroup: `/system.slice/docker-${'cd34'.repeat(16)}.scope` },
      ],
      listening,
    )
    expect(found).toMatchObject({
      pids: [10, 20],
      how: 'PID 10 (nginx) listens on port 8000; with all of container ab12ab12ab12',
    })
  })

  test('all of a systemd service belongs to the server, all of a login does not', async () => {
    const service = '/system.slice/ollama.service'
    const ofService = await processesAt(
      [
        { pid: 10, sockets: [77], cgroup: service },
        { pid: 20, cgroup: service },
      ],
      listening,
    )
    expect(ofService).toMatchObject({ pids: [10, 20] })
    const login = '/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope'
    const ofLogin = await processesAt(
      [
        { pid: 10, sockets: [77], cgroup: login },
        { pid: 20, cgroup: login },
      ],
      listening,
    )
    expect(ofLogin).toMatchObject({ pids: [10] })
  })

  test('baremark itself is none of them, though the server may have started it', async () => {
    const found = await processesAt(
      [
        { pid: 10, sockets: [77] },
        { pid: 999, parentPid: 10, name: 'node' },
      ],
      listening,
    )
    expect(found).toMatchObject({ pids: [10] })
  })
})

describe("behind Docker's proxy", () => {
  const proxy = {
    pid: 8,
    name: 'docker-proxy',
    sockets: [77],
    cgroup: '/system.slice/docker.service',
    commandLine: [
      '/usr/bin/docker-proxy',
      '-proto',
      'tcp',
      '-host-ip',
      '0.0.0.0',
      '-host-port',
      '8000',
      '-container-ip',
      '172.17.0.2',
      '-container-port',
      '80',
    ],
  }
  const container = `/system.slice/docker-${'ab12'.repeat(16)}.scope`
  const published = { tcp: [tcpRow(EVERYWHERE, 8000, 77)] }

  test('is the process that listens in the network which has the address of the container', async () => {
    const { files, links } = procFiles(
      [
        proxy,
        { pid: 30, networkNamespace: '2', cgroup: container, sockets: [90] },
        { pid: 31, networkNamespace: '2', cgroup: container, parentPid: 30 },
      ],
      published,
    )
    Object.assign(files, {
      '/proc/8/net/fib_trie': 'Local:\n  |-- 172.17.0.1\n     /32 host LOCAL\n',
      '/proc/30/net/fib_trie': 'Local:\n  |-- 172.17.0.2\n     /32 host LOCAL\n',
      '/proc/30/net/tcp': `${tcpRow(EVERYWHERE, 80, 90)}\n`,
    })
    const found = await serverProcesses(fakeMachine({ files, links }), here, network)
    expect(found).toMatchObject({ kind: 'known', pids: [30, 31], listeners: [{ pid: 30 }] })
  })

  test('nobody is known to whom the network of the container is closed, and the reason says so', async () => {
    expect(await processesAt([proxy], published)).toEqual({
      kind: 'unknown',
      reason:
        'Docker hands the port on to a container (docker-proxy, PID 8) at 172.17.0.2:80, whose processes are not seen; run baremark as root, on the host',
    })
  })
})

describe('why the processes of a server are not known', () => {
  const reasonAt = async (...args: Parameters<typeof processesAt>) => {
    const found = await processesAt(...args)
    return found.kind === 'unknown' ? found.reason : undefined
  }

  test('the server is on another machine', async () => {
    const found = await processesAt([], {}, new URL('http://10.0.0.6:8000'))
    expect(found).toEqual({
      kind: 'unknown',
      reason: '10.0.0.6 is not an address of this machine',
      elsewhere: true,
    })
  })

  test('its name means no address', async () => {
    const addressesOf = () => Promise.reject(new Error('getaddrinfo ENOTFOUND gpu-box'))
    const found = await serverProcesses(fakeMachine(), new URL('http://gpu-box:8000'), {
      ...network,
      addressesOf,
    })
    expect(found).toEqual({
      kind: 'unknown',
      reason: 'gpu-box has no address (getaddrinfo ENOTFOUND gpu-box)',
    })
  })

  test('nothing listens on the port here', async () => {
    expect(await reasonAt([], {})).toMatch(
      /^no process that shares this network listens on port 8000/,
    )
  })

  test('its open files may not be read', async () => {
    const { files, links } = procFiles([{ pid: 10, sockets: [77] }], listening)
    const machine = fakeMachine({ files, links })
    const closed = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
    const listFolder = async (path: string) => {
      if (path.endsWith('/fd')) throw closed
      return machine.listFolder(path)
    }
    expect(await serverProcesses({ ...machine, listFolder }, here, network)).toMatchObject({
      reason: expect.stringMatching(
        /no permission to read \/proc\/PID\/fd of 1 processes; run baremark as the user/,
      ),
    })
  })

  test('it is in a container with process numbers of its own', async () => {
    expect(await reasonAt([{ pid: 10, sockets: [5] }], listening)).toMatch(/--pid=host/)
  })

  test('the port is only the near end of a tunnel', async () => {
    expect(await reasonAt([{ pid: 10, name: 'ssh', sockets: [77] }], listening)).toBe(
      'an SSH tunnel hands the port on to another machine (ssh, PID 10), whose processes are not seen',
    )
  })

  test('the system is none that tells', async () => {
    const machine = fakeMachine({ platform: 'darwin' })
    const found = await serverProcesses(machine, here, network)
    expect(found).toMatchObject({ reason: expect.stringContaining('on Linux only') })
  })
})

test('one address has one spelling', () => {
  expect(plainAddress('0:0:0:0:0:0:0:1')).toBe('::1')
  expect(plainAddress('::ffff:10.0.0.5')).toBe('10.0.0.5')
  expect(plainAddress('fe80::1%eth0')).toBe('fe80::1')
  expect(plainAddress('::ffff:0:0:1')).toBe('::ffff:0:0:1')
})

describe('the GPUs that serve', () => {
  const at = (slot: number, processes: readonly GpuProcess[]): Gpu =>
    gpuWith(
      { pciAddress: ok(`0000:0${slot}:00.0`, 'test'), processes: ok(processes, 'test') },
      'nvidia',
      slot,
    )
  const hardware = (gpus: Gpu[], container = 'none'): Hardware => ({
    detectedAt: '2026-11-23T10:00:00Z',
    host: hostWith({ container: ok(container, 'test') }),
    gpus,
    topology: absent('not asked', 'test'),
    tools: [],
    hwHash: 'a',
    stateHash: 'b',
  })
  const server = {
    kind: 'known',
    pids: [10, 11, 12],
    listeners: [{ pid: 10, name: 'vllm' }],
    how: 'PID 10 (vllm) listens on port 8000',
  } as const

  test('are those on which its processes compute, and no others', async () => {
    const gpus = [at(1, [{ pid: 11 }]), at(2, [{ pid: 12 }, { pid: 50 }]), at(3, [{ pid: 50 }])]
    const machine = fakeMachine(
      procFiles(
        [
          { pid: 10, sockets: [77] },
          { pid: 11, parentPid: 10 },
          { pid: 12, parentPid: 10 },
          { pid: 50, name: 'train' },
        ],
        listening,
      ),
    )
    expect(await servingGpus(machine, here, hardware(gpus), network)).toEqual({
      kind: 'known',
      pciAddresses: ['0000:01:00.0', '0000:02:00.0'],
      how: 'PID 10 (server) listens on port 8000; its processes compute on 2 of 3 GPUs',
      processes: [{ pid: 11 }, { pid: 12 }],
    })
  })

  test.each([
    ['there is no GPU', [], 'no GPU was found on this machine'],
    ['no tool tells processes', [gpuWith()], 'no tool tells which processes compute on GPU 0'],
    ['numbers are hidden', [at(1, [{ name: 'python' }])], 'their numbers are hidden'],
    ['only others compute', [at(1, [{ pid: 50 }])], 'it works on the CPU, or hands requests on'],
    [
      'one of a kind that serves does not tell',
      [at(1, [{ pid: 11 }]), gpuWith({}, 'nvidia', 2)],
      'GPU 2 (nvidia) does not tell its processes: nobody says',
    ],
    [
      'one that serves has no address',
      [gpuWith({ processes: ok([{ pid: 11 }], 'test') })],
      'has no PCI address',
    ],
  ])('are unknown where %s', (_, gpus, reason) => {
    expect(servingGpusOf(server, hardware(gpus))).toEqual({
      kind: 'unknown',
      reason: expect.stringContaining(reason),
    })
  })

  test('are unknown in a container, whose process numbers are not those of the host', () => {
    expect(servingGpusOf(server, hardware([at(1, [{ pid: 4711 }])], 'docker'))).toMatchObject({
      reason: expect.stringContaining('--pid=host'),
    })
  })

  test('are known though the graphics inside the processor tell no processes', () => {
    const integrated = gpuWith({ integrated: ok(true, 'test') }, 'intel')
    expect(servingGpusOf(server, hardware([integrated, at(1, [{ pid: 11 }])]))).toMatchObject({
      pciAddresses: ['0000:01:00.0'],
    })
  })
})

describe.skipIf(process.platform !== 'linux')('on the real machine', () => {
  const script = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' })
    process.on('disconnect', () => { child.kill(); process.exit() })
    const server = require('node:net').createServer()
    server.listen(JSON.parse(process.argv[2]), () => process.send({ address: server.address(), child: child.pid }))`

  async function startServer(listen: object) {
    const folder = await mkdtemp(join(tmpdir(), 'baremark-server-'))
    const file = join(folder, 'server.cjs')
    await writeFile(file, script)
    const server = fork(file, [JSON.stringify(listen)])
    onTestFinished(async () => {
      server.disconnect()
      await once(server, 'exit')
      await rm(folder, { recursive: true })
    })
    const [{ address, child }] = await once(server, 'message')
    return { pid: server.pid, port: address.port as number, child: child as number, folder }
  }

  test.each(['127.0.0.1', '0.0.0.0', '::'])('the server on a port of %s is found', async (host) => {
    const { pid, port, child } = await startServer({ port: 0, host })
    const found = await serverProcesses(thisLiveMachine, new URL(`http://localhost:${port}`))
    expect(found).toMatchObject({ kind: 'known', listeners: [{ pid }] })
    expect(found.kind === 'known' && found.pids).toContain(child)
  })

  test('the server on a Unix socket is found', async () => {
    const path = join(tmpdir(), `baremark-${process.pid}.sock`)
    const { pid } = await startServer({ path })
    const url = new URL(`http+unix://${encodeURIComponent(path)}`)
    expect(await serverProcesses(thisLiveMachine, url)).toMatchObject({ listeners: [{ pid }] })
  })
})
