import { type Maybe, ratio, sum } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type {
  ImportedDistribution,
  ImportedLoad,
  ImportedMetric,
  ImportedPoint,
  ImportFormat,
} from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { blockStatistics, withRecords } from './statistics.ts'
import { at, isObject, knownOnly, listAt, numberAt, objectAt, objectsAt, textAt } from './values.ts'

/** Our metric of each of its tags. */
const metricTags = {
  request_latency: 'latencyMs',
  time_to_first_token: 'ttftMs',
  time_to_first_output_token: 'ttfvMs',
  // Named so, it is (latency - TTFT) / (tokens - 1) of a request: our TPOT.
  inter_token_latency: 'tpotMs',
  inter_chunk_latency: 'interChunkMs',
  input_sequence_length: 'inputTokens',
  output_sequence_length: 'outputTokens',
  output_token_throughput_per_user: 'tokensPerSPerUser',
} as const satisfies Record<string, ImportedMetric>

const differences: Partial<Record<ImportedMetric, string>> = {
  ttftMs: 'Begins before the connection is opened.',
  tpotMs: 'The formula is that of ours, but answers that came all at once count, as 0.',
  latencyMs:
    'Begins before the connection is opened, and ends at the last chunk that is not empty, not at the end of the stream.',
  tokensPerSPerUser: 'A value for each request: 1000 / its TPOT.',
}

/** Factors to ms of the units it writes. */
const timeFactors: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: MS_PER_S,
  sec: MS_PER_S,
  seconds: MS_PER_S,
}

/**
 * A run of AIPerf, or of genai-perf before it: `profile_export_aiperf.json`, with the request lines of
 * `profile_export.jsonl` where they are given along; and summaries of repeated runs. Definitions:
 * ai-dynamo/aiperf, `docs/metrics-reference.md`.
 */
export const aiperf: ImportFormat = {
  name: 'aiperf',
  tool: 'AIPerf',
  clockStart: 'sent',
  recognises: (document) => isSummary(document) || isRecord(document) || isRepeated(document),
  read,
  keys: {
    taken: [
      'aiperf_version',
      'start_time',
      '{request_latency,time_to_first_token,time_to_first_output_token,inter_token_latency}.{unit,avg,min,max,std,count,p*}',
      '{inter_chunk_latency}.{unit,avg,min,max,std,count,p*}',
      '{input_sequence_length,output_sequence_length,output_token_throughput_per_user}.{avg,min,max,std,count,p*}',
      '{request_throughput,output_token_throughput,total_token_throughput,request_count,error_request_count,good_request_count,goodput,reasoning_token_count,total_isl,total_osl,benchmark_duration,total_gpu_power}.avg',
      'benchmark_duration.unit',
      'error_summary.*.count',
      'error_summary.*.error_details.{code,type,message}',
      'telemetry_data.endpoints.*.gpus.*.gpu_name',
      'telemetry_data.endpoints.*.gpus.*.metrics.gpu_power_usage.avg',
      'input_config.endpoint.{model_names,type}',
      'input_config.models.items.*.name',
      'input_config.loadgen.{concurrency,request_rate,arrival_pattern,arrival_smoothness}',
      'input_config.{model_names,model,concurrency,request_rate,backend}',
      // Lines of requests.
      'metadata.{was_cancelled,benchmark_phase,request_start_ns,request_end_ns}',
      'metrics.{time_to_first_token,time_to_first_output_token,inter_token_latency,request_latency,inter_chunk_latency}.{value,unit}',
      'metrics.{input_sequence_length,output_sequence_length,output_token_throughput_per_user,reasoning_token_count}.value',
      'error.{type,message}',
      // Of repeated runs.
      'metadata.{aggregation_type,num_successful_runs}',
      'metrics.*.combined.{mean,min,max,std,p*,count}',
      'metrics.{request_latency,time_to_first_token,time_to_first_output_token,inter_token_latency,inter_chunk_latency}_avg.unit',
      'metrics.{request_latency,time_to_first_token,time_to_first_output_token,inter_token_latency,inter_chunk_latency,input_sequence_length,output_sequence_length,output_token_throughput_per_user}_{avg,min,max,std,p1,p5,p10,p25,p50,p75,p90,p95,p99}.mean',
      'metrics.{request_count,request_throughput,output_token_throughput}_avg.mean',
    ],
    leftOut: [
      '{schema_version,benchmark_id,end_time,was_cancelled,is_complete}',
      'input_config.**',
      'run_info.**',
      'telemetry_data.**',
      '{warmup_metrics,runtime_submission_invalid_reasons,error_summary}',
      '{warmup_metrics,runtime_submission_invalid_reasons}.**',
      '*.unit',
      '*.sum',
      // Visible tokens, output less reasoning; and the gap to the second token.
      '{output_token_count,time_to_second_token}.**',
      '{request_throughput,output_token_throughput,total_token_throughput,request_count,error_request_count,good_request_count,goodput,reasoning_token_count,total_isl,total_osl,benchmark_duration,total_gpu_power}.**',
      // Latency from the moment a request was due, and rates while requests are under way.
      '{effective_*,adj_*,active_*}.**',
      '{osl_mismatch_*,usage_*,http_req_*,network_adjusted_*,error_isl,context_overflow_count}.**',
      '{min_request_timestamp,max_response_timestamp,total_output_tokens,total_reasoning_tokens,total_output_sequence_length,output_tokens_per_joule,total_gpu_energy,energy_per_user}.**',
      'metadata.**',
      'metrics.{output_token_count,error_isl,time_to_second_token}.**',
      'metrics.*.unit',
      'error.code',
      'error',
      // Of single runs; and the spread between them.
      'metrics.*.per_run.**',
      'metrics.*_*.{mean,std,min,max,cv,se,ci_low,ci_high,t_critical}',
    ],
  },
}

const knownTags = [...Object.keys(metricTags), 'request_throughput', 'output_token_throughput']

function isSummary(document: JsonValue): boolean {
  return isObject(document) && knownTags.some((tag) => numberAt(document, tag, 'avg') !== undefined)
}

/** A line of `profile_export.jsonl`. */
function isRecord(document: JsonValue): boolean {
  return (
    objectAt(document, 'metrics') !== undefined &&
    at(document, 'metadata', 'request_start_ns') !== undefined
  )
}

/** Of several runs: `combined` figures over all requests, or means over the runs. */
function isRepeated(document: JsonValue): boolean {
  return (
    objectAt(document, 'metrics') !== undefined &&
    textAt(document, 'metadata', 'aggregation_type') !== undefined
  )
}

function read(documents: readonly JsonObject[]) {
  const summaries = documents.filter(isSummary)
  const lines = documents.filter(isRecord)
  const repeated = documents.filter(isRepeated)
  const points = summaries.map(summaryPoint)
  const own = lines.length === 0 ? undefined : joinedWithLines(points, requestLines(lines))
  return {
    version: documents.map((document) => textAt(document, 'aiperf_version')).find(Boolean),
    points: [...(own ? [own] : points), ...repeated.map(repeatedPoint)],
    throughput:
      'Throughputs are over the time from the first request sent to the last answer, drain included.',
    notes: [
      "Output tokens are counted by the client's tokenizer, reasoning included, unless the server was asked to.",
      ...(lines.length > 0 && own === undefined
        ? ['The lines of requests were not used: they are not those of one summary beside them.']
        : []),
      ...(repeated.length > 0
        ? ['Percentiles of repeated runs are of all requests, or else the mean over the runs.']
        : []),
    ],
  }
}

function summaryPoint(document: JsonObject): ImportedPoint {
  const average = (tag: string): Maybe => numberAt(document, tag, 'avg')
  const config = objectAt(document, 'input_config')
  const durationUnit = textAt(document, 'benchmark_duration', 'unit') ?? 'sec'
  return {
    label: '',
    date: textAt(document, 'start_time'),
    load: loadOf(config),
    model: modelOf(config),
    backend: textAt(config, 'endpoint', 'type') ?? textAt(config, 'backend'),
    gpu: gpuOf(document),
    durationS: ratio(
      average('benchmark_duration'),
      MS_PER_S / (timeFactors[durationUnit] ?? MS_PER_S),
    ),
    requests: {
      issued: sum([average('request_count'), average('error_request_count')]),
      completed: average('request_count'),
      failed: average('error_request_count'),
    },
    errors: errorsOf(document),
    totalInputTokens: average('total_isl'),
    totalOutputTokens: average('total_osl'),
    requestsPerS: average('request_throughput'),
    inputTokensPerS: inputRate(average),
    outputTokensPerS: average('output_token_throughput'),
    totalTokensPerS: average('total_token_throughput'),
    goodput: knownOnly({
      requestsPerS: average('goodput'),
      goodRequests: average('good_request_count'),
    }),
    reasoningRatio: ratio(average('reasoning_token_count'), average('output_sequence_length')),
    gpuPowerW: powerOf(document),
    metrics: mapTags((tag, origin) =>
      blockStatistics(
        at(document, tag),
        { mean: 'avg', std: 'std', n: 'count' },
        { ...origin, factor: factorOf(tag, at(document, tag)) },
      ),
    ),
  }
}

/** Of the tokens a request has on average: it names no rate of its own for input. */
function inputRate(average: (tag: string) => Maybe): Maybe {
  const perRequest = average('input_sequence_length')
  const rate = average('request_throughput')
  return perRequest === undefined || rate === undefined ? undefined : perRequest * rate
}

function mapTags(
  of: (tag: string, origin: { key: string; differs?: string }) => ImportedDistribution | undefined,
): ImportedPoint['metrics'] {
  return Object.fromEntries(
    Object.entries(metricTags).map(([tag, metric]) => [
      metric,
      of(tag, { key: tag, differs: differences[metric] }),
    ]),
  )
}

/** To ms; 1 for what is no time, and for a unit that is not known. */
function factorOf(tag: string, block: JsonValue | undefined): number {
  const isTime = tag.endsWith('_latency') || tag.startsWith('time_to_')
  return isTime ? (timeFactors[textAt(block, 'unit') ?? 'ms'] ?? 1) : 1
}

function loadOf(config: JsonObject | undefined): ImportedLoad | undefined {
  const concurrency = numberAt(config, 'loadgen', 'concurrency') ?? numberAt(config, 'concurrency')
  const ratePerS = numberAt(config, 'loadgen', 'request_rate') ?? numberAt(config, 'request_rate')
  if (ratePerS !== undefined)
    return { kind: 'open', ratePerS, ...arrivalsOf(config), maxInFlight: concurrency }
  return concurrency === undefined ? undefined : { kind: 'closed', concurrency }
}

function arrivalsOf(config: JsonObject | undefined): {
  arrivals?: 'constant' | 'poisson' | 'gamma'
  shape?: number
} {
  const pattern = textAt(config, 'loadgen', 'arrival_pattern')
  switch (pattern) {
    case 'constant':
    case 'poisson':
      return { arrivals: pattern }
    case 'gamma':
      return { arrivals: pattern, shape: numberAt(config, 'loadgen', 'arrival_smoothness') }
    default:
      return {}
  }
}

function modelOf(config: JsonObject | undefined): string | undefined {
  const named = [
    ...listAt(config, 'endpoint', 'model_names'),
    ...listAt(config, 'model_names'),
    ...listAt(config, 'model'),
    ...objectsAt(config, 'models', 'items').map((model) => textAt(model, 'name')),
    at(config, 'model'),
  ].filter((name) => typeof name === 'string')
  return named.join(', ') || undefined
}

const gpusOf = (document: JsonObject): JsonValue[] =>
  Object.values(objectAt(document, 'telemetry_data', 'endpoints') ?? {}).flatMap((endpoint) =>
    Object.values(objectAt(endpoint, 'gpus') ?? {}).map((gpu) => gpu ?? null),
  )

function gpuOf(document: JsonObject): ImportedPoint['gpu'] {
  const gpus = gpusOf(document)
  if (gpus.length === 0) return undefined
  const names = gpus.map((gpu) => textAt(gpu, 'gpu_name')).filter((name) => name !== undefined)
  return { name: [...new Set(names)].join(', ') || undefined, count: gpus.length }
}

/** Of all GPUs it saw; unknown where one of them is. */
function powerOf(document: JsonObject): Maybe {
  const gpus = gpusOf(document)
  const each = gpus.map((gpu) => numberAt(gpu, 'metrics', 'gpu_power_usage', 'avg'))
  return (gpus.length > 0 ? sum(each) : undefined) ?? numberAt(document, 'total_gpu_power', 'avg')
}

function errorsOf(document: JsonObject): ImportedPoint['errors'] {
  const errors = objectsAt(document, 'error_summary').map((error) => ({
    kind: [
      textAt(error, 'error_details', 'type') ?? 'failed',
      numberAt(error, 'error_details', 'code'),
    ]
      .filter((part) => part !== undefined)
      .join(' '),
    count: numberAt(error, 'count') ?? 1,
    example: textAt(error, 'error_details', 'message'),
  }))
  return errors.length > 0 ? errors : undefined
}

/** Lines of the measured phase by how their requests went. */
interface RequestLines {
  readonly measured: readonly JsonObject[]
  readonly completed: readonly JsonObject[]
  readonly cancelled: readonly JsonObject[]
  readonly warmUp: number
}

function requestLines(lines: readonly JsonObject[]): RequestLines {
  const measured = lines.filter((line) => textAt(line, 'metadata', 'benchmark_phase') !== 'warmup')
  const isCancelled = (line: JsonObject): boolean => at(line, 'metadata', 'was_cancelled') === true
  return {
    measured,
    completed: measured.filter((line) => !hasError(line) && !isCancelled(line)),
    cancelled: measured.filter(isCancelled),
    warmUp: lines.length - measured.length,
  }
}

/**
 * The only point with what the lines of its requests say, or a point of the lines alone where there is no
 * summary. Undefined where the lines are of another number of requests than the summary is.
 */
function joinedWithLines(
  points: readonly ImportedPoint[],
  lines: RequestLines,
): ImportedPoint | undefined {
  const [point] = points
  if (points.length > 1) return undefined
  const told = point?.requests.completed ?? lines.completed.length
  if (told !== lines.completed.length) return undefined
  const fromLines = pointOfLines(lines)
  return {
    ...fromLines,
    ...(point && knownOnly(point)),
    requests: { ...fromLines.requests, ...(point && knownOnly(point.requests)) },
    metrics: mapTags((tag, { key, differs }) =>
      withRecords(
        point?.metrics[metricTags[tag as keyof typeof metricTags]],
        key,
        valuesOf(lines.completed, tag),
        differs,
      ),
    ),
  }
}

function pointOfLines({ measured, completed, cancelled, warmUp }: RequestLines): ImportedPoint {
  const durationS = spanS(completed)
  const inputTokens = totalOf(completed, 'input_sequence_length')
  const outputTokens = totalOf(completed, 'output_sequence_length')
  return {
    label: '',
    durationS,
    requests: {
      issued: measured.length,
      completed: completed.length,
      failed: measured.length - completed.length - cancelled.length,
      cancelled: cancelled.length,
      warmUp,
    },
    errors: errorsOfLines(measured),
    totalInputTokens: inputTokens,
    totalOutputTokens: outputTokens,
    requestsPerS: ratio(completed.length, durationS),
    inputTokensPerS: ratio(inputTokens, durationS),
    outputTokensPerS: ratio(outputTokens, durationS),
    totalTokensPerS: ratio(sum([inputTokens, outputTokens]), durationS),
    reasoningRatio: ratio(totalOf(completed, 'reasoning_token_count'), outputTokens),
    metrics: {},
  }
}

const hasError = (line: JsonObject): boolean => objectAt(line, 'error') !== undefined

function errorsOfLines(lines: readonly JsonObject[]): ImportedPoint['errors'] {
  const kinds = new Map<string, { kind: string; count: number; example?: string }>()
  for (const line of lines.filter(hasError)) {
    const kind = textAt(line, 'error', 'type') ?? 'failed'
    const { count = 0, example } = kinds.get(kind) ?? {}
    kinds.set(kind, {
      kind,
      count: count + 1,
      example: example ?? textAt(line, 'error', 'message'),
    })
  }
  return kinds.size > 0 ? [...kinds.values()] : undefined
}

/** Values of a tag over lines, lists of a line among the others. */
function valuesOf(lines: readonly JsonObject[], tag: string): number[] {
  const values: number[] = []
  const add = (value: JsonValue | undefined, factor: number): void => {
    const number = numberAt(value)
    if (number !== undefined) values.push(number * factor)
  }
  for (const line of lines) {
    const block = at(line, 'metrics', tag)
    const value = at(block, 'value')
    const factor = factorOf(tag, block)
    if (Array.isArray(value)) for (const one of value) add(one, factor)
    else add(value, factor)
  }
  return values
}

/** Unknown where a request does not tell it. */
function totalOf(lines: readonly JsonObject[], tag: string): Maybe {
  if (lines.length === 0) return undefined
  return sum(lines.map((line) => numberAt(line, 'metrics', tag, 'value')))
}

/** From the first request sent to the last one ended. */
function spanS(lines: readonly JsonObject[]): Maybe {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const line of lines) {
    first = Math.min(first, numberAt(line, 'metadata', 'request_start_ns') ?? first)
    last = Math.max(last, numberAt(line, 'metadata', 'request_end_ns') ?? last)
  }
  return last > first ? (last - first) / NS_PER_S : undefined
}

const NS_PER_S = 1e9

function repeatedPoint(document: JsonObject): ImportedPoint {
  const runs = numberAt(document, 'metadata', 'num_successful_runs')
  const meanOf = (tag: string): Maybe => numberAt(document, 'metrics', `${tag}_avg`, 'mean')
  return {
    label: runs === undefined ? 'repeated runs' : `${runs} runs`,
    requests: { completed: meanOf('request_count') },
    requestsPerS: meanOf('request_throughput'),
    inputTokensPerS: inputRate(meanOf),
    outputTokensPerS: meanOf('output_token_throughput'),
    metrics: mapTags((tag, origin) => combined(document, tag, origin) ?? overRuns(document, tag)),
  }
}

const combined = (document: JsonObject, tag: string, origin: { key: string; differs?: string }) =>
  blockStatistics(
    at(document, 'metrics', tag, 'combined'),
    { mean: 'mean', std: 'std', n: 'count' },
    origin,
  )

/** Means over the runs of what each run's summary said. */
function overRuns(document: JsonObject, tag: string): ImportedDistribution | undefined {
  const metrics = objectAt(document, 'metrics')
  const factor = factorOf(tag, at(metrics, `${tag}_avg`))
  const block = Object.fromEntries(
    Object.keys(metrics ?? {})
      .filter((key) => key.startsWith(`${tag}_`))
      .map((key) => [key.slice(tag.length + 1), numberAt(metrics, key, 'mean')]),
  )
  return blockStatistics(
    block,
    { mean: 'avg', std: 'std' },
    { key: `${tag}_*`, factor, differs: 'Each figure is the mean over the runs of that figure.' },
  )
}
