import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../../src/detect/run-command.ts'
import { readTelemetry } from '../../../src/detect/telemetry/read-telemetry.ts'
import type { Telemetry } from '../../../src/detect/telemetry/sample.ts'
import type { SamplerWorld } from '../../../src/detect/telemetry/source.ts'
import { NS_PER_MS } from '../../../src/units.ts'

/** Without a C compiler nothing can stand in for NVML; and only on Linux does Node's clock read as the stub's does. */
export const hasCompiler =
  process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'baremark-telemetry-'))
}

/** A library built from `nvml-stub.c`. */
export function buildNvmlStub(...flags: readonly string[]): string {
  const source = fileURLToPath(new URL('../nvml-stub.c', import.meta.url))
  const library = join(temporaryFolder(), 'libnvidia-ml.so.1')
  const built = spawnSync('cc', ['-O1', '-shared', '-fPIC', ...flags, '-o', library, source])
  if (built.status !== 0) throw new Error(String(built.stderr))
  return library
}

/** A power curve: from each moment on, so many watts. */
export type PowerCurve = readonly (readonly [atMs: number, watts: number])[]

export function writeCurve(curve: PowerCurve): string {
  const file = join(temporaryFolder(), 'curve.csv')
  writeFileSync(file, curve.map((point) => `${point.join(',')}\n`).join(''))
  return file
}

/** What the curve comes to between two moments, J. */
export function joulesOf(curve: PowerCurve, fromMs: number, toMs: number): number {
  let joules = 0
  for (const [i, [atMs, watts]] of curve.entries()) {
    const untilMs = curve[i + 1]?.[0] ?? Number.POSITIVE_INFINITY
    const heldMs = Math.min(untilMs, toMs) - Math.max(atMs, fromMs)
    if (heldMs > 0) joules += (watts * heldMs) / 1000
  }
  return joules
}

/** This moment on the operating system's monotonic clock, ms. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A recording that can be read. */
export function telemetryOf(file: string): Telemetry {
  const telemetry = readTelemetry(readFileSync(file, 'utf8'))
  if ('unreadable' in telemetry) throw new Error(telemetry.unreadable)
  return telemetry
}

/** A folder with a program `nvidia-smi` that runs this JavaScript, and an environment that finds it first. */
export function nvidiaSmiScript(
  script: string,
  env: Readonly<Record<string, string>> = {},
): { folder: string; env: Record<string, string | undefined> } {
  const folder = temporaryFolder()
  const file = join(folder, 'nvidia-smi')
  writeFileSync(file, `#!${process.execPath}\n${script}`)
  chmodSync(file, 0o755)
  return {
    folder,
    env: { ...process.env, ...env, PATH: `${folder}${delimiter}${process.env.PATH}` },
  }
}

/** What a source is opened with, where the tools are those of a folder. */
export function worldWith(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): SamplerWorld {
  const startMs = monotonicMs()
  return {
    platform: process.platform,
    nowMs: () => monotonicMs() - startMs,
    periodMs: 100,
    root: folder,
    env,
    runCommand: (file, args, options) => runCommand(join(folder, file), args, options),
  }
}
