import { ratio } from '../../arithmetic.ts'
import type { ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { errorsOf, servingLoad, servingMetrics } from './serving.ts'
import { isObject, knownOnly, numberAt, textAt } from './values.ts'

const INTER_CHUNK =
  'vLLM calls it ITL, but it is from chunk to chunk, whatever tokens a chunk holds; after a role chunk the first gap is the wait for the first token.'

/** Definitions: vllm-project/vllm, `vllm/benchmarks/serve.py` and `lib/endpoint_request_func.py`. */
export const vllm: ImportFormat = {
  name: 'vllm-bench-serve',
  tool: 'vLLM bench serve',
  clockStart: 'sent',
  recognises: isVllm,
  read: (documents) => ({
    points: documents.map(pointOf),
    throughput: 'Throughputs are over the whole run, ramp, drain and failed requests included.',
    notes: [
      'A stream counts as completed as soon as one chunk came: one that was cut off or ended in an error event is among the completed.',
    ],
  }),
  keys: {
    taken: [
      '{date,endpoint_type,backend,label,model_id,tokenizer_id,num_prompts,request_rate,burstiness}',
      '{max_concurrency,duration,completed,failed,total_input_tokens,total_output_tokens}',
      '{request_throughput,request_goodput,request_goodput:,output_throughput,total_token_throughput}',
      'max_concurrent_requests',
      '{mean,std,median,p*}_{ttft,tpot,itl,e2el}_ms',
      '{input_lens,output_lens,ttfts,itls,errors}',
      'spec_decode_{accepted,draft}_tokens',
    ],
    leftOut: [
      // Of the busiest second, and by chunks: no throughput of ours.
      'max_output_tokens_per_s',
      // Of audio only.
      'rtfx',
      // Follow from others of the file.
      '{latencies,start_times,queue_times,spec_decode_acceptance_rate,spec_decode_acceptance_length}',
      'spec_decode_{num_drafts,per_position_acceptance_rates}',
      'generated_texts',
      // A load that rises is told by its own stages, which these files do not hold in full.
      '{ramp_up_strategy,ramp_up_start_rps,ramp_up_end_rps}',
      'rps_change_events.**',
      'rps_change_events',
      'probe_*',
      'probe_*.**',
      'diffusion_*',
      '*_e2el_including_client_queue_ms',
    ],
  },
}

function isVllm(document: JsonValue): boolean {
  if (!isObject(document) || numberAt(document, 'completed') === undefined) return false
  const keys = Object.keys(document)
  return (
    'request_throughput' in document &&
    !keys.some((key) => key.includes('_e2e_latency_ms')) &&
    keys.some((key) => key === 'total_token_throughput' || /_(ttft|tpot|e2el)_ms$/.test(key))
  )
}

function pointOf(document: JsonObject): ImportedPoint {
  const completed = numberAt(document, 'completed')
  return {
    label: textAt(document, 'label') ?? '',
    date: textAt(document, 'date'),
    load: servingLoad(document),
    model: textAt(document, 'model_id'),
    tokenizer: textAt(document, 'tokenizer_id'),
    backend: backendOf(document),
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
    inputTokensPerS: ratio(
      numberAt(document, 'total_input_tokens'),
      numberAt(document, 'duration'),
    ),
    outputTokensPerS: numberAt(document, 'output_throughput'),
    totalTokensPerS: numberAt(document, 'total_token_throughput'),
    // Older versions wrote the key with a colon.
    goodput: knownOnly({
      requestsPerS: numberAt(document, 'request_goodput') ?? numberAt(document, 'request_goodput:'),
    }),
    maxInFlight: numberAt(document, 'max_concurrent_requests'),
    specAcceptedRatio: ratio(
      numberAt(document, 'spec_decode_accepted_tokens'),
      numberAt(document, 'spec_decode_draft_tokens'),
    ),
    metrics: servingMetrics(document, completed, {
      ttftDiffers:
        'Begins before the connection is opened, and ends at the first chunk with choices, which over the chat API may be an empty role chunk.',
      tpotDiffers:
        'Latency less TTFT over the tokens after the first, so that empty chunks at both ends are part of it.',
      latency: 'e2el_ms',
      latencyDiffers: 'Ends at the last chunk, not at the end of the stream.',
      itlDiffers: INTER_CHUNK,
    }),
  }
}

function backendOf(document: JsonObject): string | undefined {
  const names = [textAt(document, 'backend'), textAt(document, 'endpoint_type')]
  return [...new Set(names.filter((name) => name !== undefined))].join(', ') || undefined
}
