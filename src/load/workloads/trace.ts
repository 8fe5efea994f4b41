import { nothingIn, sharedCounts, sharedFloats } from './dataset.ts'
import { readTrace, type TraceFormat, type TraceRow } from './read-trace.ts'

/** Tokens of a block in Mooncake's traces. */
const BLOCK_TOKENS = 512

/** A trace to replay: what a workload of kind `trace` says. */
export interface TraceSource {
  readonly file: string
  readonly format: TraceFormat
  /** The first so many requests. */
  readonly limit?: number
  /** Longer requests are left out. */
  readonly maxInputTokens?: number
  readonly maxOutputTokens?: number
}

/** A trace in columns over shared memory, one entry a request, in order of time. */
export interface Trace {
  readonly file: string
  readonly format: TraceFormat
  readonly sha256: string
  readonly requests: number
  /** Requests of the file that got no answer there, or are longer than wanted. */
  readonly leftOut: number
  /** After the first request, ms. */
  readonly dueOffsetsMs: Float64Array
  readonly inputTokens: Uint32Array
  readonly outputTokens: Uint32Array
  /** Ids of the blocks of all prompts, one after the other; a prompt's end where `blockEnds` says. */
  readonly blocks?: Uint32Array
  readonly blockEnds?: Uint32Array
  readonly blockTokens: number
}

/** Reads a trace once. @throws UserError for a file or a row that cannot be used */
export async function loadTrace(source: TraceSource): Promise<Trace> {
  const { file, format, limit = Number.POSITIVE_INFINITY } = source
  const rows: TraceRow[] = []
  let leftOut = 0
  const sha256 = await readTrace(file, format, (row) => {
    if (rows.length >= limit) return
    if (row && fits(row, source)) rows.push(row)
    else leftOut++
  })
  const [first] = rows.sort((a, b) => a.atMs - b.atMs)
  if (!first) throw nothingIn(file)
  return {
    file,
    format,
    sha256,
    requests: rows.length,
    leftOut,
    dueOffsetsMs: sharedFloats(rows.map(({ atMs }) => atMs - first.atMs)),
    inputTokens: sharedCounts(rows.map(({ inputTokens }) => inputTokens)),
    outputTokens: sharedCounts(rows.map(({ outputTokens }) => outputTokens)),
    ...blockColumns(rows),
    blockTokens: BLOCK_TOKENS,
  }
}

function fits(
  { inputTokens, outputTokens }: TraceRow,
  {
    maxInputTokens = Number.POSITIVE_INFINITY,
    maxOutputTokens = Number.POSITIVE_INFINITY,
  }: TraceSource,
): boolean {
  return inputTokens <= maxInputTokens && outputTokens <= maxOutputTokens
}

function blockColumns(rows: readonly TraceRow[]): Pick<Trace, 'blocks' | 'blockEnds'> {
  if (!rows.some(({ blocks }) => blocks)) return {}
  let end = 0
  const blockEnds = rows.map(({ blocks = [] }) => {
    end += blocks.length
    return end
  })
  return {
    blocks: sharedCounts(rows.flatMap(({ blocks = [] }) => blocks)),
    blockEnds: sharedCounts(blockEnds),
  }
}

/** The blocks of one request's prompt; none where the trace has none. */
export function blocksOf({ blocks, blockEnds }: Trace, request: number): readonly number[] {
  if (!blocks || !blockEnds) return []
  const start = request === 0 ? 0 : (blockEnds[request - 1] ?? 0)
  return [...blocks.subarray(start, blockEnds[request])]
}
