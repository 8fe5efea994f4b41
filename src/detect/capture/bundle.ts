import { z } from 'zod'
import { parseJson } from '../../json-file.ts'
import { readTextFile } from '../../yaml-file.ts'
import { detectHardware, type World } from '../detect-hardware.ts'
import type { Hardware } from '../hardware.ts'
import type { Machine } from '../machine.ts'
import type { CommandResult } from '../run-command.ts'

const tookMs = z.number().nonnegative().describe('Time it took, ms')

const resultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('exited'),
    exitCode: z.int(),
    stdout: z.string(),
    stderr: z.string(),
    tookMs,
  }),
  z.strictObject({ kind: z.literal('not-found'), tookMs }),
  z.strictObject({ kind: z.literal('timed-out'), timeoutMs: z.number(), tookMs }),
  z.strictObject({ kind: z.literal('failed'), detail: z.string(), tookMs }),
])

const path = z.string().min(1)
const unread = z.strictObject({
  path,
  error: z.string().describe('Code of the system error, such as ENOENT'),
})

/** What a detection asked of a machine, and what it was answered. */
export const bundleSchema = z.strictObject({
  format: z.literal('baremark-capture'),
  version: z.literal(1),
  capturedAt: z.iso.datetime(),
  platform: z.string().describe('As Node calls it: linux, darwin, win32 ...'),
  masked: z.boolean().describe('Whether identifiers are replaced by stand-ins of the same shape'),
  calls: z
    .array(z.strictObject({ file: z.string(), args: z.array(z.string()), result: resultSchema }))
    .describe('Programs that were run, in this order'),
  files: z.array(z.union([z.strictObject({ path, text: z.string() }), unread])),
  folders: z.array(z.union([z.strictObject({ path, names: z.array(z.string()) }), unread])),
  links: z
    .array(z.union([z.strictObject({ path, target: z.string() }), unread]))
    .describe('Paths with every link in them followed'),
})

export type Bundle = z.infer<typeof bundleSchema>

/** @throws UserError naming file and place when it cannot be read, or is no capture of this version's format */
export async function readBundle(file: string): Promise<Bundle> {
  return parseJson(await readTextFile(file), file, bundleSchema)
}

/** What a detection on the captured machine would have found, at the time of the capture. */
export function hardwareOfBundle(bundle: Bundle, world: Partial<World> = {}): Promise<Hardware> {
  return detectHardware({
    ...world,
    machine: replayed(bundle),
    now: () => new Date(bundle.capturedAt),
    masked: bundle.masked,
  })
}

/**
 * The captured machine. It answers what it was asked then, and touches nothing: any other program is
 * not found and any other file is not there. A program that was run several times answers in turn.
 */
export function replayed(bundle: Bundle): Machine {
  const answers = new Map<string, CommandResult[]>()
  for (const { file, args, result } of bundle.calls) {
    const call = JSON.stringify([file, ...args])
    answers.set(call, [...(answers.get(call) ?? []), result])
  }
  const files = byPath(bundle.files)
  const folders = byPath(bundle.folders)
  const links = byPath(bundle.links)
  return {
    platform: bundle.platform as NodeJS.Platform,
    runCommand: async (file, args) => {
      const left = answers.get(JSON.stringify([file, ...args])) ?? []
      return (left.length > 1 ? left.shift() : left[0]) ?? { kind: 'not-found', tookMs: 0 }
    },
    readText: async (path) => found(files, path).text,
    listFolder: async (path) => found(folders, path).names,
    realPath: async (path) => found(links, path).target,
  }
}

interface Entry {
  readonly path: string
}

function byPath<T extends Entry>(entries: readonly T[]): ReadonlyMap<string, T> {
  return new Map(entries.map((entry) => [entry.path, entry]))
}

function found<T extends Entry>(
  entries: ReadonlyMap<string, T>,
  path: string,
): Exclude<T, { error: string }> {
  const entry = entries.get(path)
  if (entry !== undefined && !('error' in entry)) return entry as Exclude<T, { error: string }>
  const code = entry !== undefined && 'error' in entry ? String(entry.error) : 'ENOENT'
  throw Object.assign(new Error(`${code}: ${path}, as captured`), { code })
}
