import type { GpuReadings } from '../../src/detect/gpu-fields.ts'
import { type Gpu, type GpuVendor, gpuOf } from '../../src/detect/gpu-fields.ts'
import { type Host, hostOf } from '../../src/detect/host-fields.ts'
import type { RunCommand } from '../../src/detect/run-command.ts'
import type { LiveMachine } from '../../src/detect/server/live-machine.ts'

const nobodySays = { reason: 'nobody says', source: 'test' }

/** A machine that has no tool and no file but those given: files by path, folders are made of their names. */
export function fakeMachine(
  has: {
    readonly platform?: NodeJS.Platform
    readonly runCommand?: RunCommand
    readonly files?: Readonly<Record<string, string>>
    /** Where links lead, by path. */
    readonly links?: Readonly<Record<string, string>>
  } = {},
): LiveMachine {
  const { platform = 'linux', files = {}, links = {} } = has
  const missing = (path: string) =>
    Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), {
      code: 'ENOENT',
    })
  return {
    platform,
    runCommand: has.runCommand ?? (async () => ({ kind: 'not-found', tookMs: 1 })),
    readText: async (path) => {
      const text = files[path]
      if (text === undefined) throw missing(path)
      return text
    },
    listFolder: async (path) => {
      const inside = [...Object.keys(files), ...Object.keys(links)].filter((file) =>
        file.startsWith(`${path}/`),
      )
      if (inside.length === 0) throw missing(path)
      return [
        ...new Set(inside.map((file) => file.slice(path.length + 1).split('/')[0] ?? '')),
      ].sort()
    },
    realPath: async (path) => {
      const target = links[path]
      if (target !== undefined) return target
      const known = Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`))
      if (!known) throw missing(path)
      return path
    },
    readLink: async (path) => {
      const target = links[path]
      if (target === undefined) throw missing(path)
      return target
    },
  }
}

/** A host of which only these readings are known. */
export function hostWith(readings: Partial<Host> = {}): Host {
  return hostOf(readings, nobodySays)
}

/** A GPU of which only these readings are known. */
export function gpuWith(
  readings: Partial<GpuReadings> = {},
  vendor: GpuVendor = 'nvidia',
  index = 0,
): Gpu {
  return gpuOf(vendor, index, readings, nobodySays)
}
