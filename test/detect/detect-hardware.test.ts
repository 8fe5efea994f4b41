import { afterEach, expect, test, vi } from 'vitest'
import { detectHardware } from '../../src/detect/detect-hardware.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import { fakeNvidiaSmi, h100 } from './fake-nvidia-smi.ts'
import { fakeMachine, hostWith } from './machines.ts'

afterEach(() => {
  vi.useRealTimers()
})

const now = () => new Date('2026-11-23T10:00:00Z')
const host = hostWith()
const readHost = async () => host

test('GPUs, host and how asking went come in one answer', async () => {
  const runCommand = fakeNvidiaSmi([h100, { ...h100, index: '1' }])
  const hardware = await detectHardware({ machine: fakeMachine({ runCommand }), readHost, now })
  expect(hardware.detectedAt).toBe('2026-11-23T10:00:00.000Z')
  expect(hardware.gpus.map((gpu) => gpu.index)).toEqual([0, 1])
  expect(hardware.host).toEqual(host)
  expect(hardware.tools).toContainEqual({ tool: 'nvidia-smi', outcome: 'ok', tookMs: 2 })
})

test('a machine without a GPU is an answer', async () => {
  const runCommand: RunCommand = async () => ({ kind: 'not-found', tookMs: 1 })
  const hardware = await detectHardware({ machine: fakeMachine({ runCommand }), readHost, now })
  expect(hardware.gpus).toEqual([])
  expect(hardware.tools).toContainEqual({ tool: 'nvidia-smi', outcome: 'not-found', tookMs: 1 })
})

test('vendors and host are asked at the same time', async () => {
  const asked: string[] = []
  const vendor = (tool: string) => ({
    name: 'amd' as const,
    tool,
    ask: async () => {
      asked.push(tool)
      await new Promise((resolve) => setTimeout(resolve, 10))
      expect(asked).toEqual(['host', 'one', 'two'])
      return { gpus: [], reports: [{ tool, outcome: 'ok' as const, tookMs: 10 }] }
    },
  })
  const vendors = [vendor('one'), vendor('two')]
  const slowHost = async () => {
    asked.push('host')
    return host
  }
  const machine = fakeMachine()
  const hardware = await detectHardware({ machine, vendors, readHost: slowHost, now })
  expect(hardware.tools.map(({ tool }) => tool)).toEqual(['one', 'two'])
})

test('whatever hangs, the answer is there within 20 s', async () => {
  vi.useFakeTimers()
  const runCommand: RunCommand = () => new Promise(() => {})
  const detection = detectHardware({ machine: fakeMachine({ runCommand }), now })
  await vi.advanceTimersByTimeAsync(20_000)
  const hardware = await detection
  expect(hardware.tools.map(({ tool, outcome }) => [tool, outcome])).toContainEqual([
    'nvidia-smi',
    'timed-out',
  ])
  expect(hardware.host.virtualization.status).toBe('absent')
})
