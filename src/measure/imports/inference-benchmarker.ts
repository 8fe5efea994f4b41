import { type Maybe, ratio, sum } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type { ImportedLoad, ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject } from './json-text.ts'
import { blockStatistics } from './statistics.ts'
import { at, isObject, numberAt, objectsAt, textAt } from './values.ts'

/** Definitions: huggingface/inference-benchmarker, `src/writers.rs` and `src/results.rs`. */
export const inferenceBenchmarker: ImportFormat = {
  name: 'inference-benchmarker',
  tool: 'Hugging Face inference-benchmarker',
  clockStart: 'sent',
  recognises: (document) =>
    isObject(document) &&
    objectsAt(document, 'results').some((result) => 'executor_type' in result),
  read: (documents) => ({
    points: documents.flatMap(pointsOf),
    throughput: 'The window ends with the last answer.',
    notes: [
      'Its own warm-up stands among its results and is left out here.',
      "Tokens are counted chunk by chunk with the client's tokenizer; reasoning is not counted.",
    ],
  }),
  keys: {
    taken: [
      'config.{tokenizer,model_name}',
      'results.*.{id,executor_type,total_tokens,token_throughput_secs,duration_ms,failed_requests,successful_requests,total_requests,request_rate,total_tokens_sent}',
      'results.*.config.{max_vus,rate}',
      'results.*.{time_to_first_token_ms,inter_token_latency_ms,e2e_latency_ms}.{avg,p*}',
      'start_time',
      'system.cpu',
    ],
    leftOut: ['_note', 'config.**', 'results.*.config.duration', 'end_time', 'system.**'],
  },
}

function pointsOf(document: JsonObject): ImportedPoint[] {
  const results = objectsAt(document, 'results')
  return results
    .filter((result) => textAt(result, 'id') !== 'warmup')
    .map((result) => pointOf(result, document))
}

function pointOf(result: JsonObject, document: JsonObject): ImportedPoint {
  const of = (name: string): Maybe => numberAt(result, name)
  const completed = of('successful_requests')
  const durationS = ratio(of('duration_ms'), MS_PER_S)
  const block = (key: string, differs?: string) =>
    blockStatistics(at(result, key), { mean: 'avg' }, { key, differs })
  const perRequest = (key: string) => {
    const told = block(key)
    return told && { ...told, n: completed }
  }
  const inputRate = ratio(of('total_tokens_sent'), durationS)
  return {
    label: textAt(result, 'id') ?? '',
    date: textAt(document, 'start_time'),
    load: loadOf(result),
    model: textAt(document, 'config', 'model_name'),
    tokenizer: textAt(document, 'config', 'tokenizer'),
    processor: processorOf(document),
    durationS,
    requests: { issued: of('total_requests'), completed, failed: of('failed_requests') },
    totalInputTokens: of('total_tokens_sent'),
    totalOutputTokens: of('total_tokens'),
    requestsPerS: of('request_rate'),
    inputTokensPerS: inputRate,
    outputTokensPerS: of('token_throughput_secs'),
    totalTokensPerS: sum([inputRate, of('token_throughput_secs')]),
    metrics: {
      ttftMs: perRequest('time_to_first_token_ms'),
      interChunkMs: block('inter_token_latency_ms', 'Called ITL, but from chunk to chunk.'),
      latencyMs: perRequest('e2e_latency_ms'),
    },
  }
}

/** The client's: it names each core. */
function processorOf(document: JsonObject): string | undefined {
  const cores = at(document, 'system', 'cpu')
  const names = Array.isArray(cores) ? cores.filter((core) => typeof core === 'string') : []
  return [...new Set(names)].join(', ') || undefined
}

function loadOf(result: JsonObject): ImportedLoad | undefined {
  const users = numberAt(result, 'config', 'max_vus')
  const ratePerS = numberAt(result, 'config', 'rate')
  if (textAt(result, 'executor_type') === 'ConstantArrivalRate')
    return ratePerS === undefined
      ? undefined
      : { kind: 'open', ratePerS, arrivals: 'constant', maxInFlight: users }
  return users === undefined ? undefined : { kind: 'closed', concurrency: users }
}
