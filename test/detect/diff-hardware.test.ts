import { expect, test } from 'vitest'
import { diffHardware, setUpChanges } from '../../src/detect/diff-hardware.ts'
import type { Gpu, GpuReadings } from '../../src/detect/gpu-fields.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import { hashesOf } from '../../src/detect/hashes.ts'
import type { Host } from '../../src/detect/host-fields.ts'
import { hashOfUuid } from '../../src/detect/identifiers.ts'
import { absent, ok } from '../../src/detect/reading.ts'
import { gpuWith, hostWith } from './machines.ts'

const say = <T>(value: T) => ok(value, 'test')
const uuids = ['a', 'b', 'c'].map((letter) => `GPU-${letter.repeat(8)}-1111-2222-3333-444455556666`)
const host = hostWith({ cpuModel: say('X900'), kernel: say('6.8'), hostname: say('hmac:1') })

function gpu(n: number, readings: Partial<GpuReadings> = {}): Gpu {
  return gpuWith(
    {
      name: say('H100'),
      uuid: say(hashOfUuid(uuids[n] ?? '')),
      pciAddress: say(`0000:${n}b:00.0`),
      powerLimitEnforcedW: say(700),
      vramTotalMib: say(81_559),
      temperatureC: say(30 + n),
      ...readings,
    },
    'nvidia',
    n,
  )
}

function machine(gpus: readonly Gpu[], parts: Partial<Host> = {}): Hardware {
  const all = { ...host, ...parts }
  const topology = absent('one GPU', 'test')
  const detectedAt = '2026-11-23T10:00:00.000Z'
  return { detectedAt, host: all, gpus, topology, tools: [], ...hashesOf(all, gpus) }
}

const before = machine([gpu(0), gpu(1)])

test('a machine that only grew warm and got another name is the same, unchanged', () => {
  const after = machine([gpu(0, { temperatureC: say(80) }), gpu(1)], { hostname: say('hmac:2') })
  expect(diffHardware(before, after)).toEqual({ machine: 'same', identity: [], state: [] })
})

test('GPUs are told by their UUIDs, whatever order the tool has them in', () => {
  const after = machine([
    { ...gpu(1, { powerLimitEnforcedW: say(500) }), index: 0 },
    { ...gpu(0), index: 1 },
  ])
  expect(setUpChanges(before, after)).toEqual([
    'GPU 0000:1b:00.0: Power limit in force was 700 W and is 500 W.',
  ])
})

test('a UUID that is told is the same as its hash', () => {
  const told = machine([gpu(0, { uuid: say(uuids[0] ?? '') }), gpu(1)])
  expect(diffHardware(before, told)).toMatchObject({ machine: 'same', identity: [] })
})

test('a card in another slot is the same card, moved', () => {
  const after = machine([gpu(0), gpu(1, { pciAddress: say('0000:ff:00.0') })])
  const diff = diffHardware(before, after)
  expect(diff.machine).toBe('same')
  expect(diff.identity).toEqual([
    {
      of: 'GPU 0000:1b:00.0',
      label: 'PCI address',
      before: '0000:1b:00.0',
      after: '0000:ff:00.0',
    },
  ])
})

test('another card in the same slot is another machine', () => {
  const after = machine([gpu(0), gpu(2, { pciAddress: say('0000:1b:00.0') })])
  const diff = diffHardware(before, after)
  expect(diff.machine).toBe('different')
  expect(setUpChanges(before, after)).toEqual([
    'GPU 0000:1b:00.0 (H100) is gone.',
    'GPU 0000:1b:00.0 (H100) is new.',
  ])
  expect(diff.state).toEqual([])
})

test('without UUIDs GPUs are told by their place, and machines of one make are only alike', () => {
  const nameless = { uuid: absent('no', 'test') }
  const one = machine([gpu(0, nameless), gpu(1, nameless)])
  const other = machine([gpu(0, nameless), gpu(1, { ...nameless, vramTotalMib: say(40_960) })])
  expect(diffHardware(one, one).machine).toBe('alike')
  expect(diffHardware(one, other)).toMatchObject({ machine: 'alike', identity: [] })
  expect(setUpChanges(one, other)).toEqual([
    'GPU 0000:1b:00.0: Memory was 79.6 GiB and is 40.0 GiB.',
  ])
})

test('another CPU is another machine, be the GPUs the same', () => {
  const after = machine([gpu(0), gpu(1)], { cpuModel: say('Y1') })
  expect(diffHardware(before, after).machine).toBe('different')
})

test('a value that can no longer be read is told with the reason, and proves no other machine', () => {
  const silent = absent('not permitted', 'test')
  const after = machine([gpu(0, { powerLimitEnforcedW: silent }), gpu(1)], { cpuModel: silent })
  expect(diffHardware(before, after).machine).toBe('same')
  expect(setUpChanges(before, after)).toEqual([
    'Host: CPU was X900 and can no longer be read (not permitted).',
    'GPU 0000:0b:00.0: Power limit in force was 700 W and can no longer be read (not permitted).',
  ])
  expect(setUpChanges(after, before)[0]).toBe(
    'Host: CPU could not be read before (not permitted) and is X900.',
  )
})

test('flags, lists and partitions are told as people read them', () => {
  const mig = Array.from({ length: 2 }, () => ({ profile: '3g.40gb' }))
  const a = machine([gpu(0, { eccEnabled: say(true), partitions: say([]) })], {
    kernelArguments: say([]),
  })
  const b = machine([gpu(0, { eccEnabled: say(false), partitions: say(mig) })], {
    kernelArguments: say(['iommu=pt', 'mitigations=off']),
  })
  expect(setUpChanges(a, b)).toEqual([
    'Host: Kernel arguments was none and is iommu=pt mitigations=off.',
    'GPU 0000:0b:00.0: ECC was on and is off.',
    'GPU 0000:0b:00.0: Partitions was none and is 2 x 3g.40gb.',
  ])
})

test('serial numbers count only where no UUID does, and both are hashed or both told', () => {
  const with_ = (serial: string) =>
    machine([gpu(0, { uuid: absent('no', 'test'), serial: say(serial) })])
  expect(diffHardware(with_('hmac:1'), with_('hmac:2')).machine).toBe('different')
  expect(diffHardware(with_('hmac:1'), with_('1650522003820')).machine).toBe('alike')
  const serial = (value: string) => machine([gpu(0, { serial: say(value) })])
  expect(diffHardware(serial('hmac:1'), serial('hmac:2')).identity).toEqual([])
})

test('a link between two GPUs that became slower is a change, in whichever order they are', () => {
  const topology = (gpus: string[], link: string) =>
    ok(
      {
        gpus,
        links: [
          ['X', link],
          [link, 'X'],
        ],
      },
      'test',
    )
  const a = { ...before, topology: topology(['0000:0b:00.0', '0000:1b:00.0'], 'NV18') }
  const b = { ...before, topology: topology(['0000:1b:00.0', '0000:0b:00.0'], 'SYS') }
  expect(setUpChanges(a, { ...a, ...before, topology: a.topology })).toEqual([])
  expect(setUpChanges(a, b)).toEqual([
    'Topology: link 0000:0b:00.0 to 0000:1b:00.0 was NV18 and is SYS.',
  ])
})

test('two accounts differ in identity or state exactly when their hashes do', () => {
  const changed = [
    machine([gpu(0), gpu(1, { vramTotalMib: say(1) })]),
    machine([gpu(0), gpu(1)], { cpuModel: absent('no', 'test') }),
    machine([gpu(0)]),
    machine([gpu(1), gpu(0)], { hostname: absent('no', 'test') }),
  ]
  for (const after of changed) {
    const { identity, state } = diffHardware(before, after)
    expect(identity.length > 0).toBe(after.hwHash !== before.hwHash)
    // A GPU less is a state less, too.
    if (after.gpus.length === before.gpus.length)
      expect(state.length > 0).toBe(after.stateHash !== before.stateHash)
  }
})
