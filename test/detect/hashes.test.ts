import { expect, test } from 'vitest'
import { hashesOf } from '../../src/detect/hashes.ts'
import { absent, ok } from '../../src/detect/reading.ts'
import { gpuWith, hostWith } from './machines.ts'

const say = <T>(value: T) => ok(value, 'test')
const host = hostWith({ cpuModel: say('X900'), kernel: say('6.8') })
const gpu = gpuWith({
  name: say('H100'),
  uuid: say('sha256:1'),
  serial: say('hmac:1'),
  powerLimitEnforcedW: say(700),
  temperatureC: say(34),
})
const other = gpuWith({ name: say('H100'), uuid: say('sha256:2') }, 'nvidia', 1)
const base = hashesOf(host, [gpu, other])

test('what is only of the moment changes neither hash', () => {
  const hot = { ...gpu, temperatureC: say(80) }
  expect(hashesOf({ ...host, hostname: say('b') }, [hot, other])).toEqual(base)
})

test('the order and the tool’s numbers of GPUs change neither hash', () => {
  expect(
    hashesOf(host, [
      { ...other, index: 0 },
      { ...gpu, index: 1 },
    ]),
  ).toEqual(base)
})

test('a limit changes the state and not the machine', () => {
  const capped = hashesOf(host, [{ ...gpu, powerLimitEnforcedW: say(500) }, other])
  expect(capped.hwHash).toBe(base.hwHash)
  expect(capped.stateHash).not.toBe(base.stateHash)
})

test('another card of the same make is another machine in the same state', () => {
  const swapped = hashesOf(host, [{ ...gpu, uuid: say('sha256:3') }, other])
  expect(swapped.hwHash).not.toBe(base.hwHash)
  expect(swapped.stateHash).toBe(base.stateHash)
})

test('a GPU less is another machine', () => {
  expect(hashesOf(host, [gpu]).hwHash).not.toBe(base.hwHash)
})

test('a serial number counts only where there is no UUID', () => {
  expect(hashesOf(host, [{ ...gpu, serial: say('hmac:2') }, other])).toEqual(base)
  const nameless = (serial: string) =>
    hashesOf(host, [{ ...gpu, uuid: absent('no', 'test'), serial: say(serial) }]).hwHash
  expect(nameless('hmac:1')).not.toBe(nameless('hmac:2'))
})

test('why or where from something is known or not changes neither hash', () => {
  const elsewhere = { ...gpu, name: ok('H100', 'another tool'), eccEnabled: absent('why', 'x') }
  expect(hashesOf(host, [elsewhere, other])).toEqual(base)
})

test('a field that fell silent changes its hash', () => {
  const silent = hashesOf({ ...host, kernel: absent('no', 'test') }, [gpu, other])
  expect(silent.stateHash).not.toBe(base.stateHash)
})
