import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { thisMachine } from '../../src/detect/this-machine.ts'
import { nvidia } from '../../src/detect/vendors/nvidia.ts'
import { MS_PER_S, NS_PER_MS } from '../../src/units.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Puts a script on the PATH under the tool's name. */
async function install(script: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-tools-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'nvidia-smi')
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
}

/** How late the event loop was while something ran, ms. */
async function lateness(
  work: () => Promise<unknown>,
): Promise<{ readonly p99Ms: number; readonly maxMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  return { p99Ms: delay.percentile(99) / NS_PER_MS, maxMs: delay.max / NS_PER_MS }
}

describe.skipIf(process.platform === 'win32')('a tool on the PATH', () => {
  test.each([
    ['exit 9', 'exit code 9'],
    ['echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18', 'exit code 18'],
    ['head -c 3000000 /dev/urandom', 'not understood'],
    ['yes', 'printed over'],
    ['kill -9 $$', 'SIGKILL'],
  ])('that does "%s" is one report', async (script, detail) => {
    await install(script)
    const { gpus, reports } = await nvidia.ask(thisMachine)
    expect(gpus).toEqual([])
    expect(reports).toMatchObject([
      { tool: 'nvidia-smi', outcome: 'failed', detail: expect.stringContaining(detail) },
    ])
  })

  const RATIO = 10
  const STANDSTILL_MS = 500
  const TRIES = 3

  test(`that hangs for 30 s is left after one call, and the event loop is no later than ${RATIO} times its idle self`, {
    timeout: 90_000,
  }, async () => {
    // The shell ends at the signal; the sleep it started keeps the output open.
    await install('sleep 30; true')
    await thisMachine.runCommand('true', [], { timeoutMs: 5_000 })
    let free = false
    // Other work on the machine makes any one run late; a loop that is blocked is late in all of them.
    for (let tries = 0; tries < TRIES && !free; tries += 1) {
      const idle = await lateness(() => sleep(2 * MS_PER_S))
      const asking = await lateness(async () => {
        const { gpus, reports } = await nvidia.ask(thisMachine)
        expect(gpus).toEqual([])
        expect(reports).toMatchObject([{ tool: 'nvidia-smi', outcome: 'timed-out' }])
        expect(reports[0]?.tookMs).toBeLessThan(12 * MS_PER_S)
      })
      // One long standstill is a single sample, which no percentile sees.
      free = asking.p99Ms < RATIO * idle.p99Ms && asking.maxMs < STANDSTILL_MS
    }
    expect(free).toBe(true)
  })
})
