import { type Maybe, product, ratio } from '../../arithmetic.ts'
import { NS_PER_MS } from '../../units.ts'
import type { ImportedDistribution, ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { withRecords } from './statistics.ts'
import { isObject, knownOnly, listAt, numberAt, scaled, textAt } from './values.ts'

const NS_TO_MS = 1 / NS_PER_MS

/**
 * Rows of llama-bench as JSON, JSON lines, CSV or its Markdown table; a test is a point. Definitions:
 * ggml-org/llama.cpp, `tools/llama-bench`.
 */
export const llamaBench: ImportFormat = {
  name: 'llama-bench',
  tool: 'llama-bench',
  clockStart: 'engine',
  recognises: (document) => isRow(document) || isMarkdownRow(document),
  read: (documents) => ({
    version: documents.map((row) => textAt(row, 'build_commit')).find(Boolean),
    points: documents.map((row) => pointOf(isMarkdownRow(row) ? fromMarkdown(row) : row)),
    throughput:
      'Measured inside the engine, one sequence at a time: no HTTP, no tokenizer, no sampling, no other users.',
    notes: [
      'A prompt test (pp) generates nothing and a generation test (tg) has no prompt: together they are two points, not one.',
      'A sample is one repetition of a whole test, not a request.',
    ],
  }),
  keys: {
    taken: [
      '{build_commit,cpu_info,gpu_info,backends,model_type,test_time}',
      '{n_prompt,n_gen,n_depth,avg_ns,stddev_ns,avg_ts,samples_ns}',
      '{model,backend,test,t/s}',
    ],
    leftOut: [
      '{build_number,model_size,model_n_params,n_batch,n_ubatch,n_threads,cpu_mask,cpu_strict,poll}',
      '{type_k,type_v,n_gpu_layers,n_cpu_moe,split_mode,main_gpu,no_kv_offload,flash_attn,devices}',
      '{tensor_split,tensor_buft_overrides,use_mmap,use_direct_io,embeddings,no_op_offload,no_host}',
      '{repack,fit_target,fit_min_ctx,load_mode,lazy_mode,moe_cache,n_gen_warmup}',
      // Of a rate: no statistic of ours. The mean of the samples is `avg_ts`.
      '{stddev_ts,samples_ts}',
      'model_filename',
      '{size,params,ngl,threads,sm,fa,mmap,ts,ncmoe,mg,nkvo,embd,nopo,dio,dev,ot}',
    ],
  },
}

const isRow = (document: JsonValue): boolean =>
  isObject(document) && 'avg_ts' in document && 'n_prompt' in document && 'n_gen' in document

const isMarkdownRow = (document: JsonValue): boolean =>
  isObject(document) && 't/s' in document && 'test' in document

/** A row of the table, e.g. `pp512+tg128 @ d1024` at `7100.00 ± 140.34`, under the keys of the others. */
function fromMarkdown(row: JsonObject): JsonObject {
  const test = textAt(row, 'test')?.replaceAll(' ', '') ?? ''
  const part = (pattern: RegExp): string => pattern.exec(test)?.[1] ?? '0'
  return {
    model_type: row.model,
    backends: row.backend,
    n_prompt: part(/pp(\d+)/),
    n_gen: part(/tg(\d+)/),
    n_depth: part(/@d(\d+)/),
    avg_ts: textAt(row, 't/s')?.split('±')[0]?.trim(),
  }
}

function pointOf(row: JsonObject): ImportedPoint {
  const prompt = numberAt(row, 'n_prompt')
  const generated = numberAt(row, 'n_gen')
  const depth = numberAt(row, 'n_depth')
  // The tokens of both parts over the time of both.
  const tokensPerS = numberAt(row, 'avg_ts')
  const total = prompt === undefined || generated === undefined ? undefined : prompt + generated
  const share = (part: Maybe): Maybe =>
    part === 0 ? undefined : ratio(product([tokensPerS, part]), total)
  return {
    label: labelOf(prompt, generated, depth),
    date: textAt(row, 'test_time'),
    load: { kind: 'closed', concurrency: 1 },
    model: textAt(row, 'model_type'),
    backend: textAt(row, 'backends'),
    backendVersion: textAt(row, 'build_commit'),
    gpu: knownOnly({ name: textAt(row, 'gpu_info') }),
    processor: textAt(row, 'cpu_info'),
    requests: {},
    inputTokensPerS: share(prompt),
    outputTokensPerS: share(generated),
    totalTokensPerS: tokensPerS,
    metrics: metricsOf(row, prompt, generated),
  }
}

/** As llama-bench names its tests. */
function labelOf(prompt: Maybe, generated: Maybe, depth: Maybe): string {
  const parts = [prompt ? `pp${prompt}` : '', generated ? `tg${generated}` : ''].filter(Boolean)
  return `${parts.join('+')}${depth ? ` @ d${depth}` : ''}`
}

function metricsOf(row: JsonObject, prompt: Maybe, generated: Maybe): ImportedPoint['metrics'] {
  const samplesMs = listAt(row, 'samples_ns').flatMap((sample) => {
    const ns = numberAt(sample)
    return ns === undefined ? [] : [ns * NS_TO_MS]
  })
  const time = (factor: number, differs: string): ImportedDistribution | undefined => {
    const mean = scaled(numberAt(row, 'avg_ns'), factor * NS_TO_MS)
    const std = scaled(numberAt(row, 'stddev_ns'), factor * NS_TO_MS)
    const told =
      mean === undefined ? undefined : { key: 'avg_ns', differs, mean, std, percentiles: [] }
    return withRecords(
      told,
      'samples_ns',
      samplesMs.map((ms) => ms * factor),
      differs,
    )
  }
  const fixed = (key: string, tokens: Maybe) =>
    tokens === undefined || tokens === 0 ? undefined : { key, mean: tokens, percentiles: [] }
  const onlyGenerates = prompt === 0 && generated !== undefined && generated > 0
  return {
    latencyMs: time(1, 'The time of one repetition of the test inside the engine.'),
    tpotMs: onlyGenerates
      ? time(1 / generated, 'The time of a repetition / its tokens, the first included.')
      : undefined,
    inputTokens: fixed('n_prompt', prompt),
    outputTokens: fixed('n_gen', generated),
  }
}
