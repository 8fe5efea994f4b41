import type { ServerStats } from './server-stats.ts'

interface Metric {
  readonly type: 'gauge' | 'counter'
  readonly help: string
  /** One value, or one per finished reason. */
  readonly values: (stats: ServerStats) => number | Readonly<Record<string, number>>
}

/** Named as vLLM names them, so that what reads vLLM's metrics reads these. */
const metrics: Readonly<Record<string, Metric>> = {
  'vllm:num_requests_running': {
    type: 'gauge',
    help: 'Requests in a slot.',
    values: (stats) => stats.running,
  },
  'vllm:num_requests_waiting': {
    type: 'gauge',
    help: 'Requests waiting for a slot.',
    values: (stats) => stats.waiting,
  },
  'vllm:prompt_tokens_total': {
    type: 'counter',
    help: 'Prompt tokens read.',
    values: (stats) => stats.promptTokens,
  },
  'vllm:generation_tokens_total': {
    type: 'counter',
    help: 'Tokens generated.',
    values: (stats) => stats.generationTokens,
  },
  'vllm:request_success_total': {
    type: 'counter',
    help: 'Requests that ended, by how they ended.',
    values: (stats) => ({
      length: stats.finishedByLength,
      stop: stats.finishedByStop,
      abort: stats.aborted,
    }),
  },
}

/** The counters in Prometheus' text format. */
export function metricsText(model: string, stats: ServerStats): string {
  return Object.entries(metrics)
    .map(([name, metric]) => metricText(name, metric, model, stats))
    .join('')
}

function metricText(name: string, metric: Metric, model: string, stats: ServerStats): string {
  const label = `model_name=${JSON.stringify(model)}`
  const values = metric.values(stats)
  const lines =
    typeof values === 'number'
      ? [`${name}{${label}} ${values}`]
      : Object.entries(values).map(
          ([reason, value]) => `${name}{${label},finished_reason="${reason}"} ${value}`,
        )
  return [`# HELP ${name} ${metric.help}`, `# TYPE ${name} ${metric.type}`, ...lines, ''].join('\n')
}
