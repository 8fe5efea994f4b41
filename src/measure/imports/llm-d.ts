import { difference, type Maybe, sum } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type {
  ImportedDistribution,
  ImportedLoad,
  ImportedMetric,
  ImportedPoint,
  ImportFormat,
} from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { blockStatistics } from './statistics.ts'
import {
  at,
  isObject,
  isoDate,
  knownOnly,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
} from './values.ts'

/** Factors to our units of those the schema allows. */
const unitFactors: Readonly<Record<string, number>> = {
  s: MS_PER_S,
  's/token': MS_PER_S,
  ms: 1,
  'ms/token': 1,
}

const times: Readonly<Record<string, ImportedMetric>> = {
  time_to_first_token: 'ttftMs',
  time_per_output_token: 'tpotMs',
  inter_token_latency: 'itlMs',
  normalized_time_per_output_token: 'latencyPerTokenMs',
  request_latency: 'latencyMs',
}

/**
 * The Benchmark Report of llm-d-benchmark, into which it turns the results of several tools; version 0.1 and
 * 0.2. It carries their figures, not their definitions. Source: llm-d/llm-d-benchmark, the JSON schema of
 * the report.
 */
export const llmD: ImportFormat = {
  name: 'llm-d-benchmark',
  tool: 'llm-d-benchmark',
  clockStart: 'unknown',
  recognises: (document) => isV1(document) || isV2(document),
  read: (documents) => ({
    version: documents.map((document) => textAt(document, 'version')).find(Boolean),
    points: documents.map((document) =>
      isV2(document) ? pointOfV2(document) : pointOfV1(document),
    ),
    notes: [
      'What each figure means is up to the tool that measured it, which the report may name but does not define.',
    ],
  }),
  keys: {
    taken: [
      'version',
      // 0.2
      'results.request_performance.aggregate.latency.{time_to_first_token,time_per_output_token,inter_token_latency,normalized_time_per_output_token,request_latency}.{mean,stddev,min,max,p*,units}',
      'results.request_performance.aggregate.requests.{total,failures,incomplete}',
      'results.request_performance.aggregate.requests.{input_length,output_length}.{mean,stddev,min,max,p*}',
      'results.request_performance.aggregate.throughput.{input_token_rate,output_token_rate,total_token_rate,request_rate}.mean',
      'run.time.{duration,start}',
      'scenario.load.standardized.{tool,tool_version,concurrency,rate_qps}',
      'scenario.stack.*.standardized.{tool,tool_version,kind,replicas}',
      'scenario.stack.*.standardized.accelerator.{count,model}',
      'scenario.stack.*.standardized.model.name',
      // 0.1
      'metrics.time.{duration,start}',
      'metrics.requests.{total,failures,incomplete}',
      'metrics.requests.{input_length,output_length}.{mean,stddev,min,max,p*}',
      'metrics.latency.{time_to_first_token,time_per_output_token,inter_token_latency,normalized_time_per_output_token,request_latency}.{mean,stddev,min,max,p*,units}',
      'metrics.throughput.{input_tokens_per_sec,output_tokens_per_sec,total_tokens_per_sec,requests_per_sec}',
      'scenario.host.accelerator.*.{model,count}',
      'scenario.platform.engine.*.{name,version}',
      'scenario.model.{name,quantization}',
      'scenario.load.name',
      'scenario.load.args.qps_values',
    ],
    leftOut: [
      'results.{component_health,observability,profiling,session_performance}.**',
      // Over time and not of the whole run; of pictures and sound.
      'results.request_performance.time_series.**',
      'results.request_performance.aggregate.throughput.**',
      'results.request_performance.aggregate.requests.**',
      'run.**',
      'scenario.load.{metadata,native,standardized}.**',
      'scenario.stack.**',
      // Power too: whether it is that of a GPU or of all of a pod is not said.
      'metrics.{service,resources,requests,time}.**',
      'scenario.description',
      'scenario.host.**',
      'scenario.platform.**',
      'scenario.model.**',
      'scenario.load.**',
    ],
  },
}

const isV2 = (document: JsonValue): boolean =>
  objectAt(document, 'results', 'request_performance', 'aggregate') !== undefined &&
  isObject(at(document, 'scenario'))

const isV1 = (document: JsonValue): boolean =>
  textAt(document, 'version') === '0.1' &&
  objectAt(document, 'metrics', 'latency') !== undefined &&
  isObject(at(document, 'scenario'))

interface Counted {
  readonly issued: Maybe
  readonly completed: Maybe
  readonly failed: Maybe
  readonly cancelled: Maybe
}

function countsOf(requests: JsonObject | undefined): Counted {
  const issued = numberAt(requests, 'total')
  const failed = numberAt(requests, 'failures')
  const cancelled = numberAt(requests, 'incomplete')
  // A count that may be left out of the report is not told apart from none.
  const completed = difference(difference(issued, failed), cancelled ?? 0)
  return { issued, completed, failed, cancelled }
}

function pointOfV2(document: JsonObject): ImportedPoint {
  const aggregate = objectAt(document, 'results', 'request_performance', 'aggregate')
  const rate = (name: string): Maybe => numberAt(aggregate, 'throughput', name, 'mean')
  const load = objectAt(document, 'scenario', 'load', 'standardized')
  const engines = objectsAt(document, 'scenario', 'stack')
    .map((component) => objectAt(component, 'standardized'))
    .filter((component) => textAt(component, 'kind') === 'inference_engine')
  return {
    label: measuredBy(textAt(load, 'tool'), textAt(load, 'tool_version')),
    date: textAt(document, 'run', 'time', 'start'),
    load: loadOf(numberAt(load, 'rate_qps'), numberAt(load, 'concurrency')),
    model: namesOf(engines.map((engine) => textAt(engine, 'model', 'name'))),
    backend: namesOf(engines.map((engine) => textAt(engine, 'tool'))),
    backendVersion: namesOf(engines.map((engine) => textAt(engine, 'tool_version'))),
    gpu: knownOnly({
      name: namesOf(engines.map((engine) => textAt(engine, 'accelerator', 'model'))),
      count: gpuCount(
        engines.map((engine) => ({
          count: numberAt(engine, 'accelerator', 'count'),
          replicas: numberAt(engine, 'replicas') ?? 1,
        })),
      ),
    }),
    durationS: isoSeconds(textAt(document, 'run', 'time', 'duration')),
    requests: countsOf(objectAt(aggregate, 'requests')),
    requestsPerS: rate('request_rate'),
    inputTokensPerS: rate('input_token_rate'),
    outputTokensPerS: rate('output_token_rate'),
    totalTokensPerS: rate('total_token_rate'),
    metrics: metricsOf(objectAt(aggregate, 'latency'), objectAt(aggregate, 'requests')),
  }
}

function pointOfV1(document: JsonObject): ImportedPoint {
  const rate = (name: string): Maybe => numberAt(document, 'metrics', 'throughput', name)
  const accelerators = objectsAt(document, 'scenario', 'host', 'accelerator')
  const engines = objectsAt(document, 'scenario', 'platform', 'engine')
  const startS = numberAt(document, 'metrics', 'time', 'start')
  return {
    label: measuredBy(textAt(document, 'scenario', 'load', 'name'), undefined),
    date: isoDate(startS),
    load: loadOf(numberAt(document, 'scenario', 'load', 'args', 'qps_values'), undefined),
    model: textAt(document, 'scenario', 'model', 'name'),
    backend: namesOf(engines.map((engine) => textAt(engine, 'name'))),
    backendVersion: namesOf(engines.map((engine) => textAt(engine, 'version'))),
    quantization: textAt(document, 'scenario', 'model', 'quantization'),
    gpu: knownOnly({
      name: namesOf(accelerators.map((accelerator) => textAt(accelerator, 'model'))),
      count: gpuCount(
        accelerators.map((accelerator) => ({ count: numberAt(accelerator, 'count'), replicas: 1 })),
      ),
    }),
    durationS: numberAt(document, 'metrics', 'time', 'duration'),
    requests: countsOf(objectAt(document, 'metrics', 'requests')),
    requestsPerS: rate('requests_per_sec'),
    inputTokensPerS: rate('input_tokens_per_sec'),
    outputTokensPerS: rate('output_tokens_per_sec'),
    totalTokensPerS: rate('total_tokens_per_sec'),
    metrics: metricsOf(
      objectAt(document, 'metrics', 'latency'),
      objectAt(document, 'metrics', 'requests'),
    ),
  }
}

const measuredBy = (tool: string | undefined, version: string | undefined): string =>
  [tool, version].filter((part) => part !== undefined).join(' ')

function loadOf(ratePerS: Maybe, concurrency: Maybe): ImportedLoad | undefined {
  if (ratePerS !== undefined) return { kind: 'open', ratePerS, maxInFlight: concurrency }
  return concurrency === undefined ? undefined : { kind: 'closed', concurrency }
}

function namesOf(names: readonly (string | undefined)[]): string | undefined {
  return [...new Set(names.filter((name) => name !== undefined))].join(', ') || undefined
}

function gpuCount(engines: readonly { count: Maybe; replicas: number }[]): Maybe {
  if (engines.length === 0) return undefined
  return sum(
    engines.map(({ count, replicas }) => (count === undefined ? undefined : count * replicas)),
  )
}

/** Seconds of an ISO 8601 duration of hours, minutes and seconds, such as `PT49.97S`. */
function isoSeconds(text: string | undefined): Maybe {
  const parts = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(text ?? '')
  if (!parts) return undefined
  const [, hours = '0', minutes = '0', seconds = '0'] = parts
  return (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
}

function metricsOf(
  latency: JsonObject | undefined,
  requests: JsonObject | undefined,
): ImportedPoint['metrics'] {
  const { completed } = countsOf(requests)
  const tokens = (key: string): ImportedDistribution | undefined => {
    const told = blockStatistics(at(requests, key), { mean: 'mean', std: 'stddev' }, { key })
    return told && { ...told, n: completed }
  }
  return {
    ...Object.fromEntries(
      Object.entries(times).map(([key, metric]) => [metric, timeOf(at(latency, key), key)]),
    ),
    inputTokens: tokens('input_length'),
    outputTokens: tokens('output_length'),
  }
}

/** Nothing where the unit is none of a time: better absent than a thousand times wrong. */
function timeOf(block: JsonValue | undefined, key: string): ImportedDistribution | undefined {
  const factor = unitFactors[textAt(block, 'units') ?? '']
  if (factor === undefined) return undefined
  return blockStatistics(block, { mean: 'mean', std: 'stddev' }, { key, factor })
}
