import { MS_PER_S } from '../../units.ts'
import type { ImportedLoad, ImportedMetric, ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { blockStatistics, withRecords } from './statistics.ts'
import { at, isObject, isoDate, numberAt, objectAt, objectsAt, textAt } from './values.ts'

/** A metric of ours, its factor to our unit, and how it differs. */
interface Row {
  readonly metric: ImportedMetric
  readonly factor?: number
  readonly differs?: string
  /** In the file of each request, where it is named otherwise. */
  readonly ofRequest?: string
}

const BEGINS = 'Begins before the connection is opened.'

const rows: Readonly<Record<string, Row>> = {
  time_to_first_token_ms: { metric: 'ttftMs', differs: BEGINS },
  time_to_first_output_token_ms: { metric: 'ttfvMs' },
  inter_token_latency_ms: {
    metric: 'tpotMs',
    differs:
      'GuideLLM calls it inter-token latency. A mean for each request as ours, but each request weighs as many times as it has tokens, and n counts tokens.',
  },
  time_per_output_token_ms: {
    metric: 'latencyPerTokenMs',
    differs:
      'GuideLLM calls it TPOT: from the send to the last token, the wait for the first included, / tokens; each request weighs as many times as it has tokens.',
  },
  request_latency: { metric: 'latencyMs', factor: MS_PER_S, differs: BEGINS },
  prompt_token_count: { metric: 'inputTokens', ofRequest: 'prompt_tokens' },
  output_token_count: { metric: 'outputTokens', ofRequest: 'output_tokens' },
}

/**
 * Reports of GuideLLM, each benchmark a point: version 2 with `config`, and those before it with `args` and
 * `run_stats`. Definitions: vllm-project/guidellm, `src/guidellm/schemas/request_stats.py` and
 * `src/guidellm/benchmark/schemas`.
 */
export const guidellm: ImportFormat = {
  name: 'guidellm',
  tool: 'GuideLLM',
  clockStart: 'sent',
  recognises: (document) =>
    objectsAt(document, 'benchmarks').some((benchmark) => isObject(at(benchmark, 'metrics'))),
  read: (documents) => ({
    version: documents
      .map((document) => textAt(document, 'metadata', 'guidellm_version'))
      .find(Boolean),
    points: documents.flatMap((document) => objectsAt(document, 'benchmarks').map(pointOf)),
    throughput:
      'Rates of tokens and requests are means of rates weighted by time, not clipped at the window.',
    notes: [
      'Percentiles are read off a step function, and come with as few as two requests.',
      'Its clock is that of the wall, which may be set while it runs.',
    ],
  }),
  keys: {
    taken: [
      'metadata.guidellm_version',
      'benchmarks.*.metrics.{time_to_first_token_ms,time_to_first_output_token_ms,inter_token_latency_ms,time_per_output_token_ms,request_latency,prompt_token_count,output_token_count}.successful.{mean,std_dev,min,max,count}',
      'benchmarks.*.metrics.{time_to_first_token_ms,time_to_first_output_token_ms,inter_token_latency_ms,time_per_output_token_ms,request_latency,prompt_token_count,output_token_count}.successful.percentiles.*',
      'benchmarks.*.metrics.{prompt_token_count,output_token_count}.successful.total_sum',
      'benchmarks.*.metrics.{requests_per_second,prompt_tokens_per_second,output_tokens_per_second,tokens_per_second,output_tokens_per_iteration}.successful.mean',
      'benchmarks.*.metrics.request_concurrency.successful.{mean,max}',
      'benchmarks.*.{duration,start_time}',
      // v2
      'benchmarks.*.config.strategy.{type_,rate,streams,max_concurrency}',
      'benchmarks.*.config.backend.{kind,model}',
      'benchmarks.*.scheduler_metrics.requests_made.{successful,errored,incomplete,total}',
      'benchmarks.*.scheduler_metrics.request_targeted_start_delay_avg',
      // before
      'benchmarks.*.args.strategy.{type_,rate,streams,max_concurrency}',
      'benchmarks.*.worker.{backend_type,backend_model}',
      'benchmarks.*.run_stats.requests_made.{successful,errored,incomplete,total}',
      'benchmarks.*.run_stats.request_start_time_targeted_delay_avg',
      // The first versions of all.
      'benchmarks.*.run_stats.{total_successful,total_errored,total_incomplete}',
      'benchmarks.*.requests.successful.*.{time_to_first_token_ms,time_to_first_output_token_ms,inter_token_latency_ms,time_per_output_token_ms,request_latency,prompt_tokens,output_tokens}',
    ],
    leftOut: [
      'metadata.**',
      // What was asked of it; each benchmark says again what it ran with.
      'config.**',
      'args.**',
      'benchmarks.*.{type_,id_,run_id,end_time,warmup_duration,cooldown_duration}',
      'benchmarks.*.{config,args,worker,request_loader,extras,scheduler_state}.**',
      'benchmarks.*.{extras,request_samples}',
      'benchmarks.*.{scheduler_metrics,run_stats}.**',
      // Of requests that ended in an error or did not end; ours are of completed ones.
      'benchmarks.*.metrics.*.{errored,incomplete,total}.**',
      'benchmarks.*.metrics.*.successful.{median,mode,variance,total_sum,pdf}',
      'benchmarks.*.metrics.{request_totals,request_streaming_iterations_count,total_token_count}.**',
      'benchmarks.*.metrics.{time_to_last_round_trip_ms,avg_round_trip_time_ms}.**',
      'benchmarks.*.metrics.{iter_tokens_per_iteration,text,image,video,audio,tool_call}.**',
      // The spread of a rate over moments of a run.
      'benchmarks.*.metrics.{requests_per_second,request_concurrency,prompt_tokens_per_second,output_tokens_per_second,tokens_per_second,output_tokens_per_iteration}.successful.**',
      'benchmarks.*.metrics.*',
      'benchmarks.*.request_totals.**',
      'benchmarks.*.requests.**',
    ],
  },
}

function pointOf(benchmark: JsonObject): ImportedPoint {
  const startS = numberAt(benchmark, 'start_time')
  return {
    label: '',
    // It writes seconds since 1970.
    date: isoDate(startS),
    load: loadOf(
      objectAt(benchmark, 'config', 'strategy') ?? objectAt(benchmark, 'args', 'strategy'),
    ),
    model:
      textAt(benchmark, 'config', 'backend', 'model') ??
      textAt(benchmark, 'worker', 'backend_model'),
    backend:
      textAt(benchmark, 'config', 'backend', 'kind') ?? textAt(benchmark, 'worker', 'backend_type'),
    durationS: numberAt(benchmark, 'duration'),
    requests: countsOf(benchmark),
    totalInputTokens: successful(benchmark, 'prompt_token_count', 'total_sum'),
    totalOutputTokens: successful(benchmark, 'output_token_count', 'total_sum'),
    requestsPerS: successful(benchmark, 'requests_per_second', 'mean'),
    inputTokensPerS: successful(benchmark, 'prompt_tokens_per_second', 'mean'),
    outputTokensPerS: successful(benchmark, 'output_tokens_per_second', 'mean'),
    totalTokensPerS: successful(benchmark, 'tokens_per_second', 'mean'),
    meanInFlight: successful(benchmark, 'request_concurrency', 'mean'),
    maxInFlight: successful(benchmark, 'request_concurrency', 'max'),
    tokensPerChunk: successful(benchmark, 'output_tokens_per_iteration', 'mean'),
    metrics: { ...metricsOf(benchmark), latenessMs: latenessOf(benchmark) },
  }
}

function countsOf(benchmark: JsonObject): ImportedPoint['requests'] {
  const made =
    objectAt(benchmark, 'scheduler_metrics', 'requests_made') ??
    objectAt(benchmark, 'run_stats', 'requests_made')
  return {
    issued: numberAt(made, 'total'),
    completed: numberAt(made, 'successful') ?? numberAt(benchmark, 'run_stats', 'total_successful'),
    failed: numberAt(made, 'errored') ?? numberAt(benchmark, 'run_stats', 'total_errored'),
    cancelled: numberAt(made, 'incomplete') ?? numberAt(benchmark, 'run_stats', 'total_incomplete'),
  }
}

const successful = (benchmark: JsonObject, metric: string, statistic: string) =>
  numberAt(benchmark, 'metrics', metric, 'successful', statistic)

function metricsOf(benchmark: JsonObject): ImportedPoint['metrics'] {
  const requests = objectsAt(benchmark, 'requests', 'successful')
  return Object.fromEntries(
    Object.entries(rows).map(([key, { metric, factor = 1, differs, ofRequest = key }]) => {
      const block = at(benchmark, 'metrics', key, 'successful')
      const told = blockStatistics(
        block,
        { mean: 'mean', std: 'std_dev', n: 'count' },
        { key, factor, differs },
        at(block, 'percentiles'),
      )
      const values = requests.flatMap((request) => {
        const value = numberAt(request, ofRequest)
        return value === undefined ? [] : [value * factor]
      })
      return [metric, withRecords(told, key, complete(values, benchmark), differs)]
    }),
  )
}

/** It may keep a sample of the requests only, and figures of a sample are not those of the run. */
function complete(values: readonly number[], benchmark: JsonObject): readonly number[] {
  const { completed } = countsOf(benchmark)
  return objectsAt(benchmark, 'requests', 'successful').length === completed ? values : []
}

function latenessOf(benchmark: JsonObject): ImportedPoint['metrics']['latenessMs'] {
  const key =
    objectAt(benchmark, 'scheduler_metrics') === undefined
      ? 'request_start_time_targeted_delay_avg'
      : 'request_targeted_start_delay_avg'
  const meanS =
    numberAt(benchmark, 'scheduler_metrics', key) ?? numberAt(benchmark, 'run_stats', key)
  return meanS === undefined ? undefined : { key, mean: meanS * MS_PER_S, percentiles: [] }
}

function loadOf(strategy: JsonValue | undefined): ImportedLoad | undefined {
  const kind = textAt(strategy, 'type_')
  const ratePerS = numberAt(strategy, 'rate')
  const limit = numberAt(strategy, 'max_concurrency')
  if (kind === 'synchronous') return { kind: 'closed', concurrency: 1 }
  if (kind === 'concurrent') {
    const concurrency = numberAt(strategy, 'streams')
    return concurrency === undefined ? undefined : { kind: 'closed', concurrency }
  }
  if (kind === 'throughput')
    return limit === undefined ? { kind: 'unlimited' } : { kind: 'closed', concurrency: limit }
  if (kind === 'trace' || kind === 'replay') return { kind: 'trace', maxInFlight: limit }
  if (ratePerS === undefined) return undefined
  const arrivals = kind === 'constant' || kind === 'poisson' ? kind : undefined
  return { kind: 'open', ratePerS, arrivals, maxInFlight: limit }
}
