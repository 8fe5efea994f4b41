import { product, ratio, sum } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type { ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { servingLoad } from './serving.ts'
import { flatStatistics, meanOnly } from './statistics.ts'
import { isObject, knownOnly, numberAt, textAt } from './values.ts'

/**
 * Results of InferenceX (before: InferenceMAX), times in seconds: of one run, and the `agg_*.json` that it
 * makes of runs, which hold throughput per GPU. Definitions: SemiAnalysisAI/InferenceX,
 * `utils/bench_serving/` and `utils/process_result.py`.
 */
export const inferencex: ImportFormat = {
  name: 'inferencex',
  tool: 'InferenceX',
  clockStart: 'sent',
  recognises: (document) => isRun(document) || isAggregate(document),
  read: (documents) => ({
    points: documents.map((document) =>
      isAggregate(document) ? aggregatePoint(document) : runPoint(document),
    ),
    throughput: 'Throughputs are over the whole run, ramp and drain included.',
    notes: [
      ...(documents.some(isAggregate)
        ? ['Throughput is that of one GPU by the file, times the GPUs it names.']
        : []),
    ],
  }),
  keys: {
    taken: [
      '{date,model_id,tokenizer_id,num_prompts,request_rate,burstiness,max_concurrency,duration}',
      '{completed,failed,good_completed,total_input_tokens,total_output_tokens}',
      '{request_throughput,request_goodput,input_throughput,output_throughput}',
      'total_token_throughput',
      '{mean,std,median,p*}_{ttft,tpot,itl,e2el}',
      '{hw,tp,conc,model,framework,precision,num_prefill_gpu,num_decode_gpu}',
      '{tput_per_gpu,output_tput_per_gpu,input_tput_per_gpu}',
    ],
    leftOut: [
      // 1 / TPOT, percentile by percentile.
      '*_intvty',
      '{ep,pp,dp_attention,mtp,isl,osl,image,disagg,spec_decoding,is_multinode,infmax_model_prefix}',
      '{prefill,decode}_{tp,ep,pp,dp_attention,num_workers,hw}',
      '{recipe_fingerprint,dcp_size,pcp_size}',
      'joules_per_*',
    ],
  },
}

function isRun(document: JsonValue): boolean {
  if (!isObject(document) || !('completed' in document)) return false
  return Object.keys(document).some((key) => /^(mean|median|p\d+)_(ttft|tpot|e2el)$/.test(key))
}

function isAggregate(document: JsonValue): boolean {
  return isObject(document) && 'tput_per_gpu' in document && 'conc' in document
}

function runPoint(document: JsonObject): ImportedPoint {
  const output = numberAt(document, 'output_throughput')
  const input = numberAt(document, 'input_throughput')
  return {
    label: '',
    date: textAt(document, 'date'),
    load: servingLoad(document),
    model: textAt(document, 'model_id'),
    tokenizer: textAt(document, 'tokenizer_id'),
    durationS: numberAt(document, 'duration'),
    requests: {
      issued: numberAt(document, 'num_prompts'),
      completed: numberAt(document, 'completed'),
      failed: numberAt(document, 'failed'),
    },
    totalInputTokens: numberAt(document, 'total_input_tokens'),
    totalOutputTokens: numberAt(document, 'total_output_tokens'),
    requestsPerS: numberAt(document, 'request_throughput'),
    inputTokensPerS: input,
    outputTokensPerS: output,
    totalTokensPerS: numberAt(document, 'total_token_throughput') ?? sum([input, output]),
    goodput: knownOnly({
      requestsPerS: numberAt(document, 'request_goodput'),
      goodRequests: numberAt(document, 'good_completed'),
    }),
    metrics: metricsOf(document, numberAt(document, 'completed')),
  }
}

function aggregatePoint(document: JsonObject): ImportedPoint {
  const prefill = numberAt(document, 'num_prefill_gpu')
  const decode = numberAt(document, 'num_decode_gpu')
  const gpus = sum([prefill, decode]) ?? numberAt(document, 'tp')
  const concurrency = numberAt(document, 'conc')
  // A split server's output is divided by the GPUs that decode, its input by those that prefill.
  const outputGpus = decode === 0 ? gpus : (decode ?? gpus)
  return {
    label: '',
    load: concurrency === undefined ? undefined : { kind: 'closed', concurrency },
    model: textAt(document, 'model'),
    backend: textAt(document, 'framework'),
    quantization: textAt(document, 'precision'),
    gpu: knownOnly({ name: textAt(document, 'hw'), count: gpus }),
    requests: {},
    totalTokensPerS: product([numberAt(document, 'tput_per_gpu'), gpus]),
    outputTokensPerS: product([numberAt(document, 'output_tput_per_gpu'), outputGpus]),
    inputTokensPerS: product([numberAt(document, 'input_tput_per_gpu'), prefill ?? gpus]),
    metrics: metricsOf(document, undefined),
  }
}

function metricsOf(document: JsonObject, completed: number | undefined): ImportedPoint['metrics'] {
  const told = (stem: string, n?: number, differs?: string) =>
    flatStatistics(document, `_${stem}`, { key: stem, factor: MS_PER_S, differs }, n)
  const tokens = (name: 'input' | 'output') => {
    const key = `total_${name}_tokens`
    return meanOnly(ratio(numberAt(document, key), completed), key, completed)
  }
  return {
    ttftMs: told('ttft', completed),
    tpotMs: told('tpot'),
    interChunkMs: told('itl', undefined, 'Called ITL, but from chunk to chunk.'),
    latencyMs: told('e2el', completed),
    inputTokens: tokens('input'),
    outputTokens: tokens('output'),
  }
}
