import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { runCommand } from '../../src/detect/run-command.ts'
import { NS_PER_MS } from '../../src/units.ts'

const node = process.execPath

test('output and exit code are told', async () => {
  const script = 'console.log("out"); console.error("err"); process.exit(3)'
  const result = await runCommand(node, ['-e', script], { timeoutMs: 5_000 })
  expect(result).toMatchObject({ kind: 'exited', exitCode: 3, stdout: 'out', stderr: 'err' })
})

test('a program that is not there is told from one that fails', async () => {
  const result = await runCommand('baremark-no-such-program', [], { timeoutMs: 5_000 })
  expect(result.kind).toBe('not-found')
})

test('a file that is no program is a failure', async () => {
  const result = await runCommand(import.meta.dirname, [], { timeoutMs: 5_000 })
  expect(result).toMatchObject({ kind: 'failed', detail: expect.stringContaining('EACCES') })
})

test('a program that ignores the polite signal is killed', async () => {
  const script = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'
  const result = await runCommand(node, ['-e', script], { timeoutMs: 500 })
  expect(result).toMatchObject({ kind: 'timed-out', timeoutMs: 500 })
  expect(result.tookMs).toBeLessThan(3_000)
})

test('a grandchild that holds the output open does not hold us', async () => {
  // The child ends at the signal; the grandchild has inherited its output and sleeps on.
  const result = await runCommand('sh', ['-c', 'sleep 8; true'], { timeoutMs: 300 })
  expect(result.kind).toBe('timed-out')
  expect(result.tookMs).toBeLessThan(3_000)
})

test('output without end is cut off', async () => {
  const result = await runCommand('yes', [], { timeoutMs: 20_000 })
  expect(result).toMatchObject({ kind: 'failed', detail: expect.stringContaining('printed over') })
})

test('waiting for a slow program leaves the event loop free', async () => {
  await runCommand(node, ['--version'], { timeoutMs: 5_000 })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await runCommand(node, ['-e', 'setTimeout(() => {}, 1000)'], { timeoutMs: 5_000 })
  delay.disable()
  // Waited for synchronously, it would have stood still for the whole second.
  expect(delay.max / NS_PER_MS).toBeLessThan(500)
})
