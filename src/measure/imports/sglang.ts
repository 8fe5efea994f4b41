import type { ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { errorsOf, servingLoad, servingMetrics } from './serving.ts'
import { isObject, numberAt, textAt } from './values.ts'

const INTER_CHUNK =
  'SGLang calls it ITL. From chunk to chunk; its native backend divides a gap by the tokens of the chunk, the others do so only where they know the accept length.'

const OPENS = 'Each request opens a connection of its own,'

/** Definitions: sgl-project/sglang, `python/sglang/benchmark/serving.py` (before: `bench_serving.py`). */
export const sglang: ImportFormat = {
  name: 'sglang-bench-serving',
  tool: 'SGLang bench_serving',
  clockStart: 'sent',
  recognises: isSglang,
  read: (documents) => ({
    points: documents.map(pointOf),
    throughput: 'Throughputs are over the whole run, ramp and drain included.',
    notes: ['Where the server sends no usage, output tokens are those asked for, whatever came.'],
  }),
  keys: {
    taken: [
      '{tag,backend,request_rate,max_concurrency,duration,completed,failed,num_prompts}',
      '{total_input_tokens,total_output_tokens,request_throughput,input_throughput}',
      '{output_throughput,total_throughput,concurrency,max_concurrent_requests}',
      '{mean,std,median,p*,max,min}_{ttft_ms,tpot_ms,itl_ms,e2e_latency_ms}',
      '{input_lens,output_lens,ttfts,itls,errors}',
      'server_info.{model_path,served_model_name,version,quantization}',
    ],
    leftOut: [
      '_note',
      '{dataset_name,sharegpt_output_len,random_input_len,random_output_len,random_range_ratio}',
      // A second opinion on the output tokens, by the client's tokenizer.
      '{total_output_tokens_retokenized,output_throughput_retokenized,total_throughput_retokenized}',
      // Parts of the input tokens.
      '{total_input_text_tokens,total_input_vision_tokens}',
      'max_output_tokens_per_s',
      // Tokens a step, the first of them always accepted: not our ratio.
      'accept_length',
      'server_info',
      'server_info.**',
      'cache_report.**',
      'cache_report',
      'generated_texts',
      '{arrival_seed,num_processes,benchmark_start_time,benchmark_end_time}',
    ],
  },
}

function isSglang(document: JsonValue): boolean {
  if (!isObject(document) || !('completed' in document)) return false
  return 'mean_e2e_latency_ms' in document || 'total_output_tokens_retokenized' in document
}

function pointOf(document: JsonObject): ImportedPoint {
  const completed = numberAt(document, 'completed')
  return {
    label: textAt(document, 'tag') ?? '',
    load: servingLoad(document),
    model:
      textAt(document, 'server_info', 'served_model_name') ??
      textAt(document, 'server_info', 'model_path'),
    backend: textAt(document, 'backend'),
    backendVersion: textAt(document, 'server_info', 'version'),
    quantization: textAt(document, 'server_info', 'quantization'),
    durationS: numberAt(document, 'duration'),
    requests: {
      issued: numberAt(document, 'num_prompts'),
      completed,
      failed: numberAt(document, 'failed'),
    },
    errors: errorsOf(document),
    totalInputTokens: numberAt(document, 'total_input_tokens'),
    totalOutputTokens: numberAt(document, 'total_output_tokens'),
    requestsPerS: numberAt(document, 'request_throughput'),
    inputTokensPerS: numberAt(document, 'input_throughput'),
    outputTokensPerS: numberAt(document, 'output_throughput'),
    totalTokensPerS: numberAt(document, 'total_throughput'),
    meanInFlight: numberAt(document, 'concurrency'),
    maxInFlight: numberAt(document, 'max_concurrent_requests'),
    metrics: servingMetrics(document, completed, {
      ttftDiffers: `${OPENS} which is part of it.`,
      tpotDiffers:
        'From the first output to the end of the stream, over the tokens asked for where the server sends no usage.',
      latency: 'e2e_latency_ms',
      latencyDiffers: `${OPENS} which is part of it.`,
      itlDiffers: INTER_CHUNK,
    }),
  }
}
