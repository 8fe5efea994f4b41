import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { socketFile } from './socket-file.ts'

/**
 * Sends requests all at once from a process of its own, as the built program; prints what became of
 * each. On request that process is also the server, which never answers.
 */
const SEND_ALL = `
const [endpoint, requests, user, serve] = JSON.parse(process.argv[1])
if (serve) {
  const { createServer } = await import('node:net')
  const server = createServer((socket) => socket.on('error', () => {})).listen(endpoint.port)
  await new Promise((resolve) => server.once('listening', resolve))
}
const load = (file) => import(new URL(file, '${new URL('../../dist/load/', import.meta.url)}'))
const [{ createSender }, { startClock }, { serverApis }] = await Promise.all(
  ['send.js', 'clock.js', 'servers/index.js'].map(load))
if (user !== null) process.setuid(user)
const timeouts = { connectMs: 5000, firstTokenMs: 1000, idleMs: 5000, totalMs: 5000 }
const api = serverApis['openai-chat']
const sender = createSender({ endpoint, api, clock: startClock().clock, timeouts })
const failures = []
const onEnd = ({ outcome }) => {
  failures.push(outcome.failure ?? outcome.kind)
  if (failures.length === requests) process.stdout.write(JSON.stringify(failures))
}
const request = { id: 1, level: 0, phase: 'measured', bytes: Buffer.from('x'), requestedOutputTokens: 1 }
for (let i = 0; i < requests; i++) sender.send(request, onEnd)
process.on('exit', sender.close)
setInterval(() => sender.inFlight() === 0 && process.exit(), 10)
`

async function failuresOf(
  endpoint: object,
  {
    requests = 1,
    shell = '',
    within = [] as string[],
    user = null as number | null,
    serve = false,
  } = {},
): Promise<string[]> {
  const whole = { host: '', address: '', port: 0, tls: false, insecure: false, ...endpoint }
  const [command = 'sh', ...words] = [
    ...[...within, 'sh', '-c', `${shell} exec "$0" "$@"`],
    ...[process.execPath, '--input-type=module', '-e', SEND_ALL],
    JSON.stringify([whole, requests, user, serve]),
  ]
  const { stdout } = await promisify(execFile)(command, words)
  return JSON.parse(stdout) as string[]
}

test('too-many-open-files: more connections than a process may have', async () => {
  const path = socketFile()
  const server = createServer((socket) => socket.on('error', () => {})).listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const shell = 'ulimit -n 60;'
  const failures = await failuresOf({ socketPath: path }, { requests: 80, shell })
  // Those that got a connection wait for an answer that never comes.
  expect([...new Set(failures)].sort()).toEqual(['timed-out', 'too-many-open-files'])
})

test('permission-denied: a socket that belongs to someone else', async () => {
  const path = socketFile()
  const server = createServer().listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  chmodSync(path, 0)
  chmodSync(dirname(path), 0o755)
  // Nothing is forbidden to root.
  const user = process.getuid?.() === 0 ? 65_534 : null
  expect(await failuresOf({ socketPath: path }, { user })).toEqual(['permission-denied'])
})

// A network of its own, with two ports to connect from: only where that may be had without asking.
const TWO_PORTS =
  'ip link set lo up && echo 50000 50001 > /proc/sys/net/ipv4/ip_local_port_range &&'
const OWN_NETWORK = ['unshare', '--map-root-user', '--net']
const [unshare = '', ...alone] = [...OWN_NETWORK, 'sh', '-c', `${TWO_PORTS} true`]
const ownNetwork = spawnSync(unshare, alone, { stdio: 'ignore' }).status === 0

test.skipIf(!ownNetwork)(
  'no-free-port: more connections to a server than there are ports to connect from',
  async () => {
    const failures = await failuresOf(
      { host: '127.0.0.1', address: '127.0.0.1', port: 8000 },
      { requests: 5, shell: TWO_PORTS, within: OWN_NETWORK, serve: true },
    )
    expect(failures.filter((failure) => failure === 'no-free-port')).toHaveLength(3)
    expect(failures.filter((failure) => failure === 'timed-out')).toHaveLength(2)
  },
)
