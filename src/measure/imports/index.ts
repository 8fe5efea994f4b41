import { UserError } from '../../errors.ts'
import { aiperf } from './aiperf.ts'
import { genaiBench } from './genai-bench.ts'
import { guidellm } from './guidellm.ts'
import type { Imported, ImportedPoint, ImportFormat } from './imported.ts'
import { inferenceBenchmarker } from './inference-benchmarker.ts'
import { inferencePerf } from './inference-perf.ts'
import { inferencex } from './inferencex.ts'
import { type JsonObject, type JsonValue, jsonValues } from './json-text.ts'
import { unknownKeys } from './keys.ts'
import { llamaBench } from './llama-bench.ts'
import { llmD } from './llm-d.ts'
import { sglang } from './sglang.ts'
import { csvRows, markdownRows } from './tables.ts'
import { isObject } from './values.ts'
import { vllm } from './vllm.ts'

/** To add a format, add it here. The first that recognises a document reads it. */
export const importFormats = [
  vllm,
  sglang,
  inferencex,
  aiperf,
  guidellm,
  llamaBench,
  inferencePerf,
  genaiBench,
  inferenceBenchmarker,
  llmD,
] as const satisfies readonly ImportFormat[]

/** Unknown keys that are named; of more only the number is told. */
const UNKNOWN_KEYS_SHOWN = 10

/**
 * The documents of a text: JSON values, the members of a list as documents of their own, or the rows of a
 * CSV or Markdown table. Empty where it is none of these.
 *
 * @throws UserError where it begins as JSON and is none
 */
export function documentsOf(text: string): JsonValue[] {
  if (/^\uFEFF?\s*[[{]/.test(text))
    return jsonValues(text).flatMap((value) => (Array.isArray(value) ? value : [value]))
  const rows = csvRows(text.replace(/^\uFEFF/, ''))
  return rows.length > 0 ? rows : markdownRows(text)
}

/** The format of a document; undefined where none recognises it. */
export function formatOf(document: JsonValue): ImportFormat | undefined {
  return importFormats.find(({ recognises }) => recognises(document))
}

/**
 * What documents that lay together come to, one result a format: some tools spread a run over several
 * files. Documents of no known format are left out; with none of a known one the answer is empty.
 */
export function importDocuments(documents: readonly JsonValue[]): Imported[] {
  const objects = documents.filter(isObject)
  const formats = objects.map(formatOf)
  return importFormats.flatMap((format) => {
    const recognised = objects.filter((_, i) => formats[i] === format)
    return recognised.length > 0 ? [importAs(format, recognised)] : []
  })
}

/**
 * What one text comes to.
 *
 * @throws UserError where it is of no known format, or broken
 */
export function importText(text: string): Imported {
  const [imported, ...others] = importDocuments(documentsOf(text))
  if (!imported) throw notRecognised('The file')
  if (others.length > 0)
    throw new UserError('The file holds results of more than one tool.', {
      remedy: 'Split it into one file a tool.',
    })
  return imported
}

/** @param what begins the message, e.g. a path */
export function notRecognised(what: string): UserError {
  const known = importFormats.map(({ tool }) => tool).join(', ')
  return new UserError(`${what} holds no result of a known format.`, {
    remedy: `Known are the result files of ${known}; a results directory of baremark has a run.json.`,
  })
}

/** Results of the same tool as one, points in the given order; a version is told where all agree. */
export function joined(imported: readonly Imported[]): Imported[] {
  return [...new Set(imported.map(({ format }) => format))].flatMap((name) => {
    const same = imported.filter(({ format }) => format === name)
    const [first] = same
    if (!first) return []
    const points = same.flatMap((one) => one.points)
    const versions = new Set(same.map(({ tool }) => tool.version))
    return {
      ...first,
      tool: versions.size === 1 ? first.tool : { name: first.tool.name },
      points,
      cannotTell: missingIn(points),
      notes: [...new Set(same.flatMap(({ notes }) => notes))],
    }
  })
}

function importAs(format: ImportFormat, documents: readonly JsonObject[]): Imported {
  const { version, points, throughput, notes } = format.read(documents)
  const unknown = unknownKeys(documents, format.keys)
  return {
    tool: version === undefined ? { name: format.tool } : { name: format.tool, version },
    format: format.name,
    clockStart: format.clockStart,
    points,
    cannotTell: missingIn(points),
    ...(throughput === undefined ? {} : { throughput }),
    notes: [
      ...(throughput ? [throughput] : []),
      ...notes,
      ...(unknown.length > 0 ? [unknownNote(unknown)] : []),
    ],
  }
}

function unknownNote(keys: readonly string[]): string {
  const shown = keys.slice(0, UNKNOWN_KEYS_SHOWN).join(', ')
  const more = keys.length - UNKNOWN_KEYS_SHOWN
  return `Keys that this version does not know were not used: ${shown}${more > 0 ? ` and ${more} more` : ''}.`
}

/** What pricing and comparing ask of a point, in words. */
const wanted: Readonly<Record<string, (point: ImportedPoint) => unknown>> = {
  'the load': ({ load }) => load,
  'the model': ({ model }) => model,
  'the server': ({ backend }) => backend,
  "the server's version": ({ backendVersion }) => backendVersion,
  'the GPU': ({ gpu }) => gpu?.name,
  'how many GPUs': ({ gpu }) => gpu?.count,
  power: ({ gpuPowerW }) => gpuPowerW,
  'how long it ran': ({ durationS }) => durationS,
  'completed requests': ({ requests }) => requests.completed,
  'failed requests': ({ requests }) => requests.failed,
  'output throughput': ({ outputTokensPerS }) => outputTokensPerS,
  'input throughput': ({ inputTokensPerS }) => inputTokensPerS,
  TTFT: ({ metrics }) => metrics.ttftMs,
  TPOT: ({ metrics }) => metrics.tpotMs,
  latency: ({ metrics }) => metrics.latencyMs,
  'input tokens of a request': ({ metrics }) => metrics.inputTokens,
  'output tokens of a request': ({ metrics }) => metrics.outputTokens,
  'the values of each request': ({ metrics }) =>
    Object.values(metrics).find((metric) => metric?.fromRecords),
}

function missingIn(points: readonly ImportedPoint[]): string[] {
  return Object.entries(wanted).flatMap(([what, of]) =>
    points.some((point) => of(point) === undefined) ? [what] : [],
  )
}
