import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { detectHardware } from '../../src/detect/detect-hardware.ts'
import {
  hashOfUuid,
  identifierKey,
  standInForUuid,
  withHashedIdentifiers,
} from '../../src/detect/identifiers.ts'
import { absent, ok } from '../../src/detect/reading.ts'
import { fakeMachine, gpuWith, hostWith } from './machines.ts'

const uuid = 'GPU-19d6d965-2acc-f646-00f8-4c76979aabb4'
const machineId = '3d1219c7c4c5404aaa1f6d2a48adfda4'
const host = hostWith({ hostname: ok('gpu-box-07', 'test') })
const gpu = gpuWith({ uuid: ok(uuid, 'test'), serial: ok('1650522003820', 'test') })
const key = ok(machineId, '/etc/machine-id')
const noKey = absent('no such file', '/etc/machine-id')

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)
const hmac = (secret: string, text: string) =>
  createHmac('sha256', secret).update(text).digest('hex').slice(0, 16)

test('a UUID is told as the hash of its digits, whatever stands before them and in what case', () => {
  const told = `sha256:${sha256('19d6d965-2acc-f646-00f8-4c76979aabb4')}`
  expect(hashOfUuid(uuid)).toBe(told)
  expect(hashOfUuid('19D6D965-2ACC-F646-00F8-4C76979AABB4')).toBe(told)
  expect(hashOfUuid(told)).toBe(told)
})

test('a serial number is keyed with the UUID of its GPU, a host name with the machine’s id', () => {
  const hashed = withHashedIdentifiers({ host, gpus: [gpu] }, key)
  expect(hashed.gpus[0]?.serial).toEqual(
    ok(`hmac:${hmac(uuid.toLowerCase(), '1650522003820')}`, 'test'),
  )
  expect(hashed.host.hostname).toEqual(ok(`hmac:${hmac(machineId, 'gpu-box-07')}`, 'test'))
})

test('without a UUID the machine’s id is the key of the serial number too', () => {
  const hashed = withHashedIdentifiers(
    { host, gpus: [{ ...gpu, uuid: absent('no', 'test') }] },
    key,
  )
  expect(hashed.gpus[0]?.serial).toEqual(ok(`hmac:${hmac(machineId, '1650522003820')}`, 'test'))
})

test('without a key, a guessable identifier is not told at all', () => {
  const hashed = withHashedIdentifiers(
    { host, gpus: [{ ...gpu, uuid: absent('no', 'test') }] },
    noKey,
  )
  const reason = 'told as a keyed hash only, and there is no /etc/machine-id'
  expect(hashed.host.hostname).toMatchObject({ status: 'absent', reason })
  expect(hashed.gpus[0]?.serial).toMatchObject({ status: 'absent', reason })
  expect(JSON.stringify(hashed)).not.toMatch(/gpu-box-07|1650522003820/)
})

test('what was absent stays so, for its own reason', () => {
  const hashed = withHashedIdentifiers({ host: hostWith(), gpus: [gpuWith()] }, key)
  expect(hashed).toEqual({ host: hostWith(), gpus: [gpuWith()] })
})

test('the key is /etc/machine-id, or where older systems have it', async () => {
  const elsewhere = { '/var/lib/dbus/machine-id': `${machineId}\n` }
  expect(await identifierKey(fakeMachine({ files: elsewhere }))).toMatchObject({ value: machineId })
  const empty = await identifierKey(fakeMachine({ files: { '/etc/machine-id': '\n' } }))
  expect(empty.status).toBe('absent')
})

const hexUuid = fc.uuid()

test('a stand-in has the shape and the hash of what it stands for, and not its digits', () => {
  fc.assert(
    fc.property(hexUuid, (real) => {
      const standIn = standInForUuid(real)
      expect(standIn).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
      expect(hashOfUuid(`GPU-${standIn}`)).toBe(hashOfUuid(real))
      expect(standIn.slice(-17)).not.toBe(real.slice(-17))
      expect(standInForUuid(standIn)).toBe(standIn)
    }),
  )
})

test('of a masked machine only stand-ins have a hash; keyed ones would mean nothing', () => {
  const standIn = ok(`GPU-${standInForUuid(uuid)}`, 'test')
  const masked = withHashedIdentifiers({ host, gpus: [{ ...gpu, uuid: standIn }] }, key, true)
  expect(masked.gpus[0]?.uuid).toEqual(ok(hashOfUuid(uuid), 'test'))
  expect(masked.gpus[0]?.serial).toMatchObject({ reason: 'masked in the capture' })
  expect(masked.host.hostname).toMatchObject({ reason: 'masked in the capture' })
  const other = withHashedIdentifiers({ host, gpus: [gpu] }, key, true)
  expect(other.gpus[0]?.uuid).toMatchObject({ reason: 'masked in the capture' })
})

test('what a tool complained of names neither GPU, host nor user', async () => {
  const detail = `lost ${uuid} (1650522003820) of gpu-box-07: /home/ada/lib, C:\\Users\\ada\\lib`
  const report = { tool: 'a', outcome: 'failed' as const, detail, tookMs: 1 }
  const vendor = { name: 'nvidia' as const, tool: 'a' }
  const world = {
    machine: fakeMachine(),
    readHost: async () => host,
    vendors: [{ ...vendor, ask: async () => ({ gpus: [gpu], reports: [report] }) }],
  }
  const [told] = (await detectHardware(world)).tools
  expect(told?.detail).toBe(
    `lost ${hashOfUuid(uuid)} ((serial number)) of this host: /home/.../lib, C:\\Users\\...\\lib`,
  )
  expect((await detectHardware({ ...world, includeIds: true })).tools[0]?.detail).toBe(detail)
})

test('a machine id that cannot be read in time holds nothing up', async () => {
  vi.useFakeTimers()
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const key = identifierKey({ ...fakeMachine(), readText: () => new Promise(() => {}) })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await key).toMatchObject({ status: 'absent', reason: 'no answer in 2000 ms' })
})

test('asking for identifiers tells them and changes neither hash', async () => {
  const world = {
    machine: fakeMachine({ files: { '/etc/machine-id': machineId } }),
    readHost: async () => host,
    vendors: [
      { name: 'nvidia' as const, tool: 'a', ask: async () => ({ gpus: [gpu], reports: [] }) },
    ],
  }
  const hidden = await detectHardware(world)
  const told = await detectHardware({ ...world, includeIds: true })
  expect(told.gpus[0]?.serial).toMatchObject({ value: '1650522003820' })
  expect(told.host.hostname).toMatchObject({ value: 'gpu-box-07' })
  expect([told.hwHash, told.stateHash]).toEqual([hidden.hwHash, hidden.stateHash])
  expect(JSON.stringify(hidden)).not.toMatch(/gpu-box-07|1650522003820|19d6d965/)
})
