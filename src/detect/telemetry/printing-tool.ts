import { messageOf } from '../../errors.ts'
import type { SamplerWorld } from './source.ts'

/** Takes what is whole off the front of a text; what is left may be the beginning of more. */
export type Split = (text: string) => { readonly records: readonly string[]; readonly rest: string }

/** A tool that prints of itself, over and over. */
export interface PrintingOrder<T> {
  readonly file: string
  readonly args: readonly string[]
  readonly split: Split
  /** What a record says; unknown for what is none: headings, complaints, damage. */
  readonly read: (record: string) => T | undefined
  readonly env?: Readonly<Record<string, string>>
  /** Longest wait for a first record, ms. */
  readonly firstMs?: number
  /** Silence after which the tool is taken for hung, ms. */
  readonly silentMs?: number
}

export interface Printed<T> {
  /** Moment it arrived, ms since the run's epoch. */
  readonly atMs: number
  readonly value: T
}

export interface PrintingTool<T> {
  readonly first: Printed<T>
  /** All that arrived since the last call, the first too. Throws when the tool has ended or hangs. */
  readonly take: () => readonly Printed<T>[]
  readonly close: () => Promise<void>
}

/** With the time to end it, within what a source is given to open. */
const FIRST_MS = 3_000
const SILENT_MS = 5_000
const KILL_DELAY_MS = 1_000
const ABANDON_MS = 1_500
/** No record of any tool here is near this long: it prints something else. */
const MAX_REST_CHARACTERS = 4_000_000
const COMPLAINT_CHARACTERS = 200

/** What has been heard of a tool so far. */
interface Heard<T> {
  queue: Printed<T>[]
  rest: string
  complaint: string
  lastMs: number
  /** Why there will be no more. */
  over?: string
  /** Called on the first record and at the end. */
  wake: () => void
}

/**
 * Starts a tool and waits for the first thing it tells. What is printed in part when it ends is dropped.
 * A tool that runs as root (by `sudo`) cannot be killed by us: it ends when its output is closed.
 */
export async function startPrinting<T>(
  world: SamplerWorld,
  order: PrintingOrder<T>,
): Promise<PrintingTool<T> | { readonly none: string }> {
  const { execa } = await import('execa')
  const { file, args, env, silentMs = SILENT_MS, firstMs = FIRST_MS } = order
  const child = execa(file, [...args], {
    reject: false,
    buffer: false,
    stdin: 'ignore',
    forceKillAfterDelay: KILL_DELAY_MS,
    // A secret of ours is none of a tool's business.
    env: { ...world.env, LC_ALL: 'C', LANG: 'C', BAREMARK_REDFISH_PASSWORD: undefined, ...env },
  })
  const heard: Heard<T> = {
    queue: [],
    rest: '',
    complaint: '',
    lastMs: world.nowMs(),
    wake: () => {},
  }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    hear(heard, order, chunk, world.nowMs())
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    heard.complaint = (heard.complaint + chunk).slice(-COMPLAINT_CHARACTERS)
  })
  const ending = child.then((result) => {
    heard.over ??= endingOf(file, result, heard.complaint)
    heard.wake()
  })
  const close = async () => {
    heard.over ??= `${file} was ended`
    child.kill()
    child.stdout.destroy()
    child.stderr.destroy()
    await Promise.race([ending, sleep(ABANDON_MS)])
    child.unref()
  }
  await firstRecord(heard, firstMs)
  const first = heard.queue[0]
  if (first === undefined) {
    const none = heard.over ?? `${file} told nothing in ${firstMs} ms`
    await close()
    return { none }
  }
  const take = () => {
    const silence = world.nowMs() - heard.lastMs
    if (heard.queue.length === 0 && heard.over === undefined && silence > silentMs) {
      heard.over = `${file} hangs: no word in ${Math.round(silence)} ms`
      close().catch(() => {})
    }
    return takeFrom(heard)
  }
  return { first, take, close }
}

function hear<T>(heard: Heard<T>, order: PrintingOrder<T>, chunk: string, atMs: number): void {
  heard.lastMs = atMs
  const { records, rest } = order.split(heard.rest + chunk)
  heard.rest = rest
  const values = records.map(order.read).filter((value) => value !== undefined)
  heard.queue.push(...values.map((value) => ({ atMs, value })))
  if (rest.length > MAX_REST_CHARACTERS) heard.over ??= `${order.file} prints without end`
  if (values.length > 0 || heard.over !== undefined) heard.wake()
}

/** Waits for the first record, the end, or so long. */
function firstRecord<T>(heard: Heard<T>, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs)
    heard.wake = () => {
      clearTimeout(timer)
      resolve()
    }
    if (heard.queue.length > 0 || heard.over !== undefined) heard.wake()
  })
}

/** What came before the end is still told; after it, the end is. */
function takeFrom<T>(heard: Heard<T>): readonly Printed<T>[] {
  if (heard.queue.length === 0 && heard.over !== undefined) throw new Error(heard.over)
  const taken = heard.queue
  heard.queue = []
  return taken
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())

function endingOf(
  file: string,
  result: { readonly code?: string; readonly exitCode?: number; readonly cause?: unknown },
  complaint: string,
): string {
  if (result.code === 'ENOENT') return `${file}: not found`
  const said = complaint.trim().split('\n').at(-1)
  const how =
    result.exitCode === undefined ? messageOf(result.cause ?? 'killed') : `exit ${result.exitCode}`
  return `${file} ended (${how})${said ? `: ${said}` : ''}`
}

/** Lines, by whatever ends them. */
export const byLine: Split = (text) => {
  const lines = text.split(/\r?\n/)
  const rest = lines.pop() ?? ''
  return { records: lines.filter((line) => line.trim() !== ''), rest }
}

/**
 * JSON values one after the other, on however many lines, with anything but brackets between them.
 */
export const byJsonValue: Split = (text) => {
  const records: string[] = []
  let depth = 0
  let start = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = depth > 0
    else if (character === '{' || character === '[') {
      if (depth === 0) start = at
      depth++
    } else if ((character === '}' || character === ']') && depth > 0) {
      depth--
      if (depth > 0) continue
      records.push(text.slice(start, at + 1))
      start = at + 1
    }
  }
  return { records, rest: text.slice(start) }
}

/** What JSON says; unknown for what is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A value inside of JSON by its path; unknown where there is none. */
export function inside(json: unknown, ...path: readonly string[]): unknown {
  let value = json
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** A number of 0 or more out of JSON, as a number or as the text of one. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined
}
