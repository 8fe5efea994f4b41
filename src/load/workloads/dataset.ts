import { openSync, readSync } from 'node:fs'
import { UserError } from '../../errors.ts'
import { randomInteger, seededRandom } from '../../random.ts'
import type { Prompt } from './planned.ts'
import { type DatasetItem, type ItemFormat, itemOf, readItems } from './read-items.ts'
import type { CountTokens } from './vet-words.ts'

/** A dataset to draw prompts from: what a workload of kind `dataset` says. */
export interface DatasetSource {
  readonly file: string
  readonly format: ItemFormat
  readonly order: 'shuffled' | 'file'
  readonly limit?: number
  /** In place of what the file says. */
  readonly outputTokens?: number
}

/**
 * An index of a dataset: where each prompt is, not the prompts. Plain data over shared memory, so
 * that each measuring thread reads what it sends and none holds a copy. In the order of sending.
 */
export interface Dataset {
  readonly file: string
  readonly format: ItemFormat
  readonly sha256: string
  /** Prompts in use. */
  readonly items: number
  /** Pieces of the file that hold no question with an answer. */
  readonly leftOut: number
  /** Where in the file, bytes. */
  readonly offsets: Float64Array
  readonly bytes: Uint32Array
  readonly lines: Uint32Array
  readonly outputTokens: Uint32Array
  /** By the tokenizer; absent where there was none. */
  readonly inputTokens?: Uint32Array
}

/** Where an item is in its file. */
interface Place {
  readonly offset: number
  readonly bytes: number
  readonly line: number
  readonly outputTokens: number | undefined
}

/**
 * Reads a dataset once, checks every item, and samples it: `shuffled` without replacement, by the
 * seed.
 *
 * @param countTokens of a text alone; without it prompts are not counted
 * @throws UserError for a file or an item that cannot be used, or when nothing says how long an answer is to be
 */
export async function loadDataset(
  source: DatasetSource,
  {
    seed,
    messages,
    countTokens,
  }: { readonly seed: number; readonly messages: boolean; readonly countTokens?: CountTokens },
): Promise<Dataset> {
  const { file, format } = source
  const places: Place[] = []
  let leftOut = 0
  const sha256 = await readItems(file, format, (item, { offset, bytes, line }) => {
    if (!item) leftOut++
    else if (!messages && typeof item.prompt !== 'string') throw noMessages(file, line)
    else places.push({ offset, bytes: bytes.length, line, outputTokens: item.outputTokens })
  })
  if (places.length === 0) throw nothingIn(file)
  const order = orderOf(places.length, source, seed)
  const chosen = Array.from(order, (index) => places[index] as Place)
  const known = {
    file,
    format,
    sha256,
    items: chosen.length,
    leftOut,
    offsets: sharedFloats(chosen.map(({ offset }) => offset)),
    bytes: sharedCounts(chosen.map(({ bytes }) => bytes)),
    lines: sharedCounts(chosen.map(({ line }) => line)),
  }
  const lengths = await lengthsOf(source, chosen, createItemReader(known), countTokens)
  return { ...known, ...lengths }
}

async function lengthsOf(
  source: DatasetSource,
  chosen: readonly Place[],
  itemAt: (index: number) => DatasetItem,
  countTokens: CountTokens | undefined,
): Promise<Pick<Dataset, 'outputTokens' | 'inputTokens'>> {
  const input: number[] = []
  const output: number[] = []
  for (const [index, place] of chosen.entries()) {
    const item = countTokens ? itemAt(index) : undefined
    if (item && countTokens) input.push(await countPrompt(item.prompt, countTokens))
    const answer = item?.answer
    const outputTokens =
      source.outputTokens ??
      place.outputTokens ??
      (answer !== undefined && countTokens ? await countTokens(answer) : undefined)
    if (outputTokens === undefined) throw noOutputLength(source.file, place.line)
    output.push(Math.max(1, outputTokens))
  }
  return {
    outputTokens: sharedCounts(output),
    ...(countTokens ? { inputTokens: sharedCounts(input) } : {}),
  }
}

async function countPrompt(prompt: Prompt, countTokens: CountTokens): Promise<number> {
  if (typeof prompt === 'string') return countTokens(prompt)
  let tokens = 0
  for (const { content } of prompt) tokens += await countTokens(content)
  return tokens
}

/** Indexes of the items in the order of sending. */
function orderOf(
  count: number,
  { order, limit = count }: DatasetSource,
  seed: number,
): Uint32Array {
  const indexes = Uint32Array.from({ length: count }, (_, index) => index)
  const wanted = Math.min(limit, count)
  if (order === 'shuffled') {
    const random = seededRandom(seed, 'dataset')
    // Fisher and Yates, as far as it is needed.
    for (let i = 0; i < wanted; i++) {
      const j = i + randomInteger(random, count - i)
      const other = indexes[j] ?? 0
      indexes[j] = indexes[i] ?? 0
      indexes[i] = other
    }
  }
  return indexes.subarray(0, wanted)
}

/**
 * Reads items by their number in the order of sending, from the file, in the calling thread: a few
 * microseconds for what the system has read before.
 *
 * @throws UserError when the file is not what it was
 */
export function createItemReader({
  file,
  format,
  offsets,
  bytes,
  lines,
}: Pick<Dataset, 'file' | 'format' | 'offsets' | 'bytes' | 'lines'>): (
  index: number,
) => DatasetItem {
  let descriptor: number | undefined
  return (index) => {
    descriptor ??= openSync(file, 'r')
    const piece = Buffer.allocUnsafe(bytes[index] ?? 0)
    const offset = offsets[index] ?? 0
    const got = readSync(descriptor, piece, 0, piece.length, offset)
    const item = itemOf(
      { bytes: piece.subarray(0, got), offset, line: lines[index] ?? 0 },
      file,
      format,
    )
    if (item) return item
    throw new UserError(`${file} changed while it was in use.`, { remedy: 'Run again.' })
  }
}

export function sharedCounts(values: ArrayLike<number>): Uint32Array {
  const shared = new Uint32Array(new SharedArrayBuffer(4 * values.length))
  shared.set(values)
  return shared
}

export function sharedFloats(values: ArrayLike<number>): Float64Array {
  const shared = new Float64Array(new SharedArrayBuffer(8 * values.length))
  shared.set(values)
  return shared
}

export function nothingIn(file: string): UserError {
  return new UserError(`${file} holds no request.`, {
    remedy: 'Check the file and its format; docs/workloads.md says what each format holds.',
  })
}

function noMessages(file: string, line: number): UserError {
  return new UserError(`${file}:${line}: messages need a chat API.`, {
    remedy: 'Use api: openai-chat, or a file of plain prompts.',
  })
}

function noOutputLength(file: string, line: number): UserError {
  return new UserError(`${file}:${line}: nothing says how long the answer is to be.`, {
    remedy:
      'Give outputTokens in the workload, or a tokenizer to count the answers of the dataset.',
  })
}
