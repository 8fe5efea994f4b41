import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { runCommand } from '../../../src/detect/run-command.ts'
import type {
  OpenSource,
  OwnReading,
  SamplerWorld,
  TelemetrySource,
} from '../../../src/detect/telemetry/source.ts'

/** What real machines printed; outside the repository, and not everywhere. */
export const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url))

/** A folder that stands for `/`, with these files; it is gone after the test. */
export function rootWith(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'baremark-root-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) put(root, path, text)
  return root
}

export function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), `${text}\n`)
}

/** Makes a path under the root lead elsewhere. */
export function link(root: string, path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  symlinkSync(target, join(root, path))
}

/** A world of its own: a Linux machine without tools, unless told otherwise; its clock is this process's. */
export function worldOf(over: Partial<SamplerWorld> = {}): SamplerWorld {
  return {
    platform: 'linux',
    nowMs: () => performance.now(),
    periodMs: 100,
    root: '/nowhere',
    env: {},
    runCommand: async () => ({ kind: 'not-found', tookMs: 1 }),
    ...over,
  }
}

/** A world in which a program of this name runs the JavaScript given, and nothing else is changed. */
export function worldWithTool(
  name: string,
  script: string,
  over: Partial<SamplerWorld> = {},
): SamplerWorld {
  const bin = rootWith({ [name]: `#!${process.execPath}\n${script}` })
  chmodSync(join(bin, name), 0o755)
  return worldOf({
    env: { PATH: bin },
    runCommand: (file, args, options) => runCommand(join(bin, file), args, options),
    ...over,
  })
}

/** Opens a source that must open, and closes it after the test. */
export async function opened(source: TelemetrySource, world: SamplerWorld): Promise<OpenSource> {
  const result = await source.open(world)
  if ('none' in result) throw new Error(result.none)
  onTestFinished(() => result.close())
  return result
}

/** Looks until as many readings have come, or 5 s are over. */
export async function readingsOf(source: OpenSource, count: number): Promise<OwnReading[]> {
  const readings: OwnReading[] = []
  const endMs = performance.now() + 5_000
  while (readings.length < count && performance.now() < endMs) {
    readings.push(...(await source.look()))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return readings
}

/** Whether a process still is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
