import { type Maybe, product, ratio } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type { ImportedMetric, ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { blockStatistics, withRecords } from './statistics.ts'
import { at, isObject, knownOnly, numberAt, objectAt, objectsAt, textAt } from './values.ts'

const S_PER_MINUTE = 60

interface Row {
  readonly metric: ImportedMetric
  /** In the unit of time of the file. */
  readonly isTime?: boolean
  readonly differs?: string
}

const rows: Readonly<Record<string, Row>> = {
  ttft: { metric: 'ttftMs', isTime: true },
  tpot: { metric: 'tpotMs', isTime: true },
  e2e_latency: {
    metric: 'latencyMs',
    isTime: true,
    differs: 'Ends at the usage chunk, not at the end of the stream.',
  },
  num_input_tokens: { metric: 'inputTokens' },
  num_output_tokens: { metric: 'outputTokens' },
  output_inference_speed: {
    metric: 'tokensPerSPerUser',
    differs: 'A value for each request: 1 / its TPOT.',
  },
}

/**
 * Run files of genai-bench, with its `experiment_metadata.json` where it is given along. Definitions:
 * sgl-project/genai-bench, `genai_bench/metrics/`.
 */
export const genaiBench: ImportFormat = {
  name: 'genai-bench',
  tool: 'genai-bench',
  clockStart: 'sent',
  recognises: (document) => isRun(document) || isMetadata(document),
  read,
  keys: {
    taken: [
      'aggregated_metrics.{scenario,num_concurrency,requests_per_minute,num_error_requests,num_completed_requests,num_requests,run_duration}',
      'aggregated_metrics.mean_{output,input,total_tokens}_throughput_tokens_per_s',
      'aggregated_metrics.error_codes_frequency.*',
      'aggregated_metrics.stats.{ttft,tpot,e2e_latency,num_input_tokens,num_output_tokens,output_inference_speed}.{min,max,mean,stddev,p*}',
      'aggregated_metrics.stats.{num_input_tokens,num_output_tokens}.sum',
      'individual_request_metrics.*.{ttft,tpot,e2e_latency,num_input_tokens,num_output_tokens,output_inference_speed,error_code}',
      '{benchmark_version,api_backend,server_model_tokenizer,model,server_engine,server_version,server_gpu_type,server_gpu_count,metrics_time_unit}',
    ],
    leftOut: [
      'aggregated_metrics.{mean_total_chars_per_hour,error_rate,error_codes_frequency}',
      'aggregated_metrics.{iteration_type,batch_size}',
      'aggregated_metrics.stats.*.sum',
      // Follow from the others.
      'aggregated_metrics.stats.{output_latency,total_tokens,input_throughput,output_throughput}.*',
      'individual_request_metrics.*.{output_latency,total_tokens,input_throughput,output_throughput,error_message}',
      '{cmd,api_model_name,task,num_concurrency,batch_size,iteration_type,traffic_scenario,additional_request_params,max_time_per_run_s,max_requests_per_run,experiment_folder_name,dataset_path,dataset_prompt_column_index,character_token_ratio,warmup_ratio,cooldown_ratio}',
      '{auth_config,additional_request_params}.**',
      'dataset_config.**',
    ],
  },
}

const isRun = (document: JsonValue): boolean =>
  objectAt(document, 'aggregated_metrics', 'stats') !== undefined

const isMetadata = (document: JsonValue): boolean =>
  isObject(document) && 'traffic_scenario' in document && 'server_engine' in document

function read(documents: readonly JsonObject[]) {
  const metadata = documents.filter(isMetadata)
  // Of two experiments in one folder nobody can tell which a run belongs to.
  const experiment = metadata.length === 1 ? metadata[0] : undefined
  return {
    version: textAt(experiment, 'benchmark_version'),
    points: documents.filter(isRun).map((run) => pointOf(run, experiment)),
    throughput:
      'Throughputs are those of its own window; ramp and drain are left out only where it was told to.',
    notes: [
      ...(metadata.length > 1
        ? ['The folder holds several experiments: server and GPU of a run are unknown.']
        : []),
      ...(metadata.length === 1 && !documents.some(isRun)
        ? ['Only what the experiment was is told: the files of its runs are missing.']
        : []),
    ],
  }
}

function pointOf(run: JsonObject, experiment: JsonObject | undefined): ImportedPoint {
  const of = (name: string): Maybe => numberAt(run, 'aggregated_metrics', name)
  const totalOf = (name: string): Maybe => numberAt(run, 'aggregated_metrics', 'stats', name, 'sum')
  const concurrency = of('num_concurrency')
  return {
    label: textAt(run, 'aggregated_metrics', 'scenario') ?? '',
    load: concurrency === undefined ? undefined : { kind: 'closed', concurrency },
    model: textAt(experiment, 'model'),
    tokenizer: textAt(experiment, 'server_model_tokenizer'),
    backend: textAt(experiment, 'server_engine') ?? textAt(experiment, 'api_backend'),
    backendVersion: textAt(experiment, 'server_version'),
    gpu: knownOnly({
      name: textAt(experiment, 'server_gpu_type'),
      count: numberAt(experiment, 'server_gpu_count'),
    }),
    durationS:
      of('run_duration') ??
      ratio(totalOf('num_output_tokens'), of('mean_output_throughput_tokens_per_s')),
    requests: {
      issued: of('num_requests'),
      completed: of('num_completed_requests'),
      failed: of('num_error_requests'),
    },
    errors: errorsOf(run),
    totalInputTokens: totalOf('num_input_tokens'),
    totalOutputTokens: totalOf('num_output_tokens'),
    requestsPerS: ratio(of('requests_per_minute'), S_PER_MINUTE),
    inputTokensPerS: of('mean_input_throughput_tokens_per_s'),
    outputTokensPerS: of('mean_output_throughput_tokens_per_s'),
    totalTokensPerS: of('mean_total_tokens_throughput_tokens_per_s'),
    metrics: metricsOf(run, of('num_completed_requests'), toMs(run, experiment)),
  }
}

function errorsOf(run: JsonObject): ImportedPoint['errors'] {
  const codes = Object.entries(objectAt(run, 'aggregated_metrics', 'error_codes_frequency') ?? {})
  const errors = codes.map(([code, count]) => ({
    kind: `HTTP ${code}`,
    count: numberAt(count) ?? 1,
  }))
  return errors.length > 0 ? errors : undefined
}

/**
 * Factor to ms. The files of runs are in the unit that the experiment was told to use and do not name it;
 * without the experiment the speed, which is 1 / TPOT in tokens/s whatever the unit, gives it away:
 * speed x TPOT is about 1 in s and 1000 in ms.
 */
function toMs(run: JsonObject, experiment: JsonObject | undefined): number {
  const unit = textAt(experiment, 'metrics_time_unit')
  if (unit !== undefined) return unit === 'ms' ? 1 : MS_PER_S
  const mean = (name: string): Maybe => numberAt(run, 'aggregated_metrics', 'stats', name, 'mean')
  const speedTimesTpot = product([mean('output_inference_speed'), mean('tpot')])
  return speedTimesTpot !== undefined && speedTimesTpot > HALFWAY ? 1 : MS_PER_S
}

/** Of 1 and 1000, by their ratio. */
const HALFWAY = Math.sqrt(MS_PER_S)

function metricsOf(
  run: JsonObject,
  completed: Maybe,
  timeFactor: number,
): ImportedPoint['metrics'] {
  const requests = objectsAt(run, 'individual_request_metrics').filter(
    (request) => at(request, 'error_code') === null || at(request, 'error_code') === undefined,
  )
  // A file may have been shortened: figures of a part are not those of the run.
  const all = requests.length === completed ? requests : []
  return Object.fromEntries(
    Object.entries(rows).map(([key, { metric, isTime, differs }]) => {
      const factor = isTime ? timeFactor : 1
      const block = at(run, 'aggregated_metrics', 'stats', key)
      const told = blockStatistics(block, { mean: 'mean', std: 'stddev' }, { key, factor, differs })
      const values = all.flatMap((request) => {
        const value = numberAt(request, key)
        return value === undefined ? [] : [value * factor]
      })
      return [metric, withRecords(told && { ...told, n: completed }, key, values, differs)]
    }),
  )
}
