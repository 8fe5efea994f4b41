import { type Maybe, ratio, sum } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type { ImportedMetric, ImportedPoint, ImportFormat } from './imported.ts'
import type { JsonObject, JsonValue } from './json-text.ts'
import { blockStatistics } from './statistics.ts'
import { at, isObject, knownOnly, numberAt, objectAt } from './values.ts'

/** Our metric of each of its times, which are in seconds. */
const times: Readonly<Record<string, { metric: ImportedMetric; differs?: string }>> = {
  request_latency: { metric: 'latencyMs', differs: 'Begins before the connection is opened.' },
  time_to_first_token: {
    metric: 'ttftMs',
    differs:
      'Begins before the connection is opened, and ends at the first visible token: reasoning before it is waited for.',
  },
  time_to_first_output_token: { metric: 'ttfvMs' },
  time_per_output_token: {
    metric: 'tpotMs',
    differs: 'From the first to the last visible chunk, over the visible tokens.',
  },
  normalized_time_per_output_token: { metric: 'latencyPerTokenMs' },
  inter_token_latency: {
    metric: 'itlMs',
    differs:
      'All tokens of a chunk arrive at once here, so that gaps inside a chunk are about 0: the mean can be compared, the percentiles cannot.',
  },
}

/**
 * Lifecycle reports of inference-perf, a stage or the whole run each, and its summary of the server's
 * Prometheus metrics. Definitions: kubernetes-sigs/inference-perf, `inference_perf/reportgen/base.py`.
 */
export const inferencePerf: ImportFormat = {
  name: 'inference-perf',
  tool: 'inference-perf',
  clockStart: 'sent',
  recognises: (document) =>
    isObject(document) &&
    objectAt(document, 'load_summary') !== undefined &&
    objectAt(document, 'successes') !== undefined,
  read: (documents) => ({
    points: withoutWhole(documents).map(pointOf),
    throughput:
      'Throughputs are over the time from the first request sent to the last answer, failed requests included.',
    notes: [
      "Tokens are counted by the client's tokenizer unless told otherwise.",
      withoutWhole(documents).length < documents.length
        ? 'The report of the whole run was left out: it mixes the loads of its stages.'
        : 'A report of the whole run mixes the loads of its stages.',
      ...(documents.some(isServers)
        ? [`A point labelled "server's metrics" is what the server said of all who asked it.`]
        : []),
    ],
  }),
  keys: {
    taken: [
      'load_summary.{count,requested_rate,achieved_rate}',
      'load_summary.schedule_delay.{mean,min,median,max,p*}',
      'successes.{count,rate}',
      'successes.latency.{request_latency,normalized_time_per_output_token,time_per_output_token,time_to_first_token,time_to_first_output_token,inter_token_latency}.{mean,min,median,max,p*}',
      'successes.throughput.{input_tokens_per_sec,output_tokens_per_sec,total_tokens_per_sec,requests_per_sec}',
      'successes.{prompt_len,output_len}.{mean,min,median,max,p*,rate}',
      'successes.{request_latency,time_to_first_token,time_per_output_token,inter_token_latency,normalized_time_per_output_token}.{mean,min,median,max,p*}',
      'successes.queue_len.mean',
      'successes.num_preemptions_total.mean',
      'failures.count',
    ],
    leftOut: [
      'load_summary',
      // What was sent / it is `achieved_rate`.
      'load_summary.send_duration',
      'failures',
      'failures.{request_latency,prompt_len}',
      'failures.**',
      // Whether it is a share or per cent is not said.
      'successes.{kv_cache_usage_percentage,prefix_cache_hit_percent}.**',
      'successes.num_requests_swapped.**',
    ],
  },
}

/** The reports of stages where there are any, which alone name the rate; and the server's own. */
function withoutWhole(documents: readonly JsonObject[]): readonly JsonObject[] {
  const isStage = (document: JsonObject): boolean =>
    numberAt(document, 'load_summary', 'requested_rate') !== undefined
  if (!documents.some(isStage)) return documents
  return documents.filter((document) => isStage(document) || isServers(document))
}

/** The summary of Prometheus metrics keeps its times beside the counts. */
const isServers = (document: JsonValue): boolean =>
  objectAt(document, 'successes', 'latency') === undefined &&
  objectAt(document, 'successes', 'request_latency') !== undefined

function pointOf(document: JsonObject): ImportedPoint {
  const completed = numberAt(document, 'successes', 'count')
  const failed = numberAt(document, 'failures', 'count')
  const rate = numberAt(document, 'load_summary', 'requested_rate')
  const throughput = (name: string): Maybe => numberAt(document, 'successes', 'throughput', name)
  const lengthRate = (name: string): Maybe => numberAt(document, 'successes', name, 'rate')
  return {
    label: isServers(document) ? "server's metrics" : '',
    load: rate === undefined ? undefined : { kind: 'open', ratePerS: rate },
    durationS: ratio(completed, throughput('requests_per_sec')),
    requests: {
      issued: numberAt(document, 'load_summary', 'count') ?? sum([completed, failed]),
      completed,
      failed,
    },
    requestsPerS: throughput('requests_per_sec') ?? numberAt(document, 'successes', 'rate'),
    inputTokensPerS: throughput('input_tokens_per_sec') ?? lengthRate('prompt_len'),
    outputTokensPerS: throughput('output_tokens_per_sec') ?? lengthRate('output_len'),
    totalTokensPerS: throughput('total_tokens_per_sec'),
    sentPerS: numberAt(document, 'load_summary', 'achieved_rate'),
    server: knownOnly({
      waitingMean: numberAt(document, 'successes', 'queue_len', 'mean'),
      preemptions: numberAt(document, 'successes', 'num_preemptions_total', 'mean'),
    }),
    metrics: metricsOf(document, completed),
  }
}

function metricsOf(document: JsonObject, completed: Maybe): ImportedPoint['metrics'] {
  const successes = objectAt(document, 'successes')
  const of = (block: JsonValue | undefined, key: string, factor: number, differs?: string) =>
    blockStatistics(block, { mean: 'mean' }, { key, factor, differs })
  const timed = Object.entries(times).map(([key, { metric, differs }]) => {
    const told = of(at(successes, 'latency', key) ?? at(successes, key), key, MS_PER_S, differs)
    return [metric, told && perRequest.includes(metric) ? { ...told, n: completed } : told]
  })
  return {
    ...Object.fromEntries(timed),
    latenessMs: of(at(document, 'load_summary', 'schedule_delay'), 'schedule_delay', MS_PER_S),
    inputTokens: counted(of(at(successes, 'prompt_len'), 'prompt_len', 1), completed),
    outputTokens: counted(of(at(successes, 'output_len'), 'output_len', 1), completed),
  }
}

/** A value for every completed request; others lack some, or have several of one. */
const perRequest: readonly ImportedMetric[] = ['latencyMs']

const counted = <T extends object>(told: T | undefined, n: Maybe): T | undefined =>
  told && { ...told, n }
