import { afterEach, expect, test, vi } from 'vitest'
import { type HostSources, readHost } from '../../src/detect/host.ts'
import { thisMachine } from '../../src/detect/this-machine.ts'
import { exited } from './fake-nvidia-smi.ts'
import { fakeMachine } from './machines.ts'

afterEach(() => {
  vi.useRealTimers()
})

function source<T>(value: T): { name: string; read: () => Promise<T> } {
  return { name: 'a source', read: async () => value }
}

const sources: HostSources = {
  cpu: source({ model: 'AMD EPYC 9654', coresPhysical: 96, coresLogical: 192 }),
  memory: source({ totalBytes: 8 * 1024 ** 3, availableBytes: 6 * 1024 ** 3 }),
  board: source('Maker Model'),
  os: source('Some Linux 1'),
  kernel: source('6.1.0'),
  virtualization: source('none'),
}

const noCommand = async () => exited('')

test('what the sources say is read, memory in MiB', async () => {
  const host = await readHost(fakeMachine({ runCommand: noCommand }), sources)
  expect(host.cpuModel).toEqual({ status: 'ok', value: 'AMD EPYC 9654', source: 'a source' })
  expect(host.cpuCoresPhysical).toMatchObject({ value: 96 })
  expect(host.memoryTotalMib).toMatchObject({ value: 8192 })
  expect(host.memoryAvailableMib).toMatchObject({ value: 6144 })
  expect(host.virtualization).toMatchObject({ value: 'none' })
})

test('an empty word and a 0 are no readings of a host', async () => {
  const host = await readHost(fakeMachine({ runCommand: noCommand }), {
    ...sources,
    cpu: source({ model: '', coresPhysical: 0, coresLogical: Number.NaN }),
    memory: source({ totalBytes: 0 }),
    board: source(''),
  })
  const { cpuModel, cpuCoresPhysical, cpuCoresLogical, memoryTotalMib, memoryAvailableMib } = host
  const readings = [cpuModel, cpuCoresPhysical, cpuCoresLogical, memoryTotalMib, memoryAvailableMib]
  for (const reading of [...readings, host.board]) {
    expect(reading).toEqual({
      status: 'absent',
      reason: 'a source does not say',
      source: 'a source',
    })
  }
})

test('a source that throws costs only its own readings', async () => {
  const board = { name: 'dmi', read: () => Promise.reject(new Error('EACCES: not yours')) }
  const host = await readHost(fakeMachine({ runCommand: noCommand }), { ...sources, board })
  expect(host.board).toEqual({ status: 'absent', reason: 'EACCES: not yours', source: 'dmi' })
  expect(host.kernel.status).toBe('ok')
})

test('a source that hangs costs 2 s and its own readings', async () => {
  vi.useFakeTimers()
  const cpu = { name: 'cpu', read: () => new Promise<never>(() => {}) }
  const reading = readHost(fakeMachine({ runCommand: noCommand }), { ...sources, cpu })
  await vi.advanceTimersByTimeAsync(2_000)
  const host = await reading
  expect(host.cpuModel).toEqual({
    status: 'absent',
    reason: 'no answer in 2000 ms',
    source: 'cpu',
  })
  expect(host.os.status).toBe('ok')
})

test('this very machine can be read', async () => {
  const host = await readHost(thisMachine)
  expect(host.kernel.status).toBe('ok')
  expect(host.cpuCoresLogical.status).toBe('ok')
  expect(host.memoryTotalMib.status).toBe('ok')
})
