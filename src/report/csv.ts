import { largest, type Maybe, smallest } from '../arithmetic.ts'
import { computeGpus } from '../detect/compute-gpus.ts'
import { readingValue } from '../detect/reading.ts'
import { type TelemetryScope, telemetryScopes } from '../detect/telemetry/sample.ts'
import type { LoadLevel } from '../load/benchmark.ts'
import { askedTokens } from '../load/workloads/sizes.ts'
import type { DeviceFigures } from '../measure/machine-figures.ts'
import { answerLevel } from '../measure/search/search.ts'
import type {
  CountSource,
  Distribution,
  Percentile,
  ServerFigures,
  ServerTime,
  TokenDirection,
} from '../measure/summary.ts'
import { optionRows, ownOption } from './cost-facts.ts'
import { hardwareLine, serverHost } from './facts.ts'
import { whyWithheld } from './format.ts'
import { frontLines, stampOf } from './front-matter.ts'
import { type LevelRow, levelRows } from './level-table.ts'
import { servingOf } from './machine-facts.ts'
import { plainText } from './plain-text.ts'
import type { Report, ReportFormat } from './report.ts'

/** For spreadsheets: a row per load level, figures as measured and not rounded. */
export const csvFormat: ReportFormat = { name: 'csv', fileName: 'report.csv', render: renderCsv }

export type Value = string | number | boolean | undefined
type Column = readonly [name: string, value: (report: Report, row: LevelRow) => Value]

function renderCsv(report: Report): string {
  const rows = levelRows(report).map((row) => columns.map(([, value]) => field(value(report, row))))
  const header = columns.map(([name]) => name)
  const lines = [
    ...frontLines(report).map(comment),
    ...[header, ...rows].map((row) => row.join(',')),
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

/** The first columns repeat what a row must never be without when it is pasted elsewhere. */
const columns: readonly Column[] = [
  ['notice', (report) => stampOf(report)],
  ['verdict', ({ summary }) => summary.verdict],
  ['purpose', ({ summary }) => summary.purpose],
  ['fit_to_publish', ({ summary }) => summary.fitToPublish],
  ['run_id', ({ run }) => run.runId],
  ['started_at', ({ run }) => run.epoch],
  ['model', ({ run }) => run.target.model],
  ['server_host', ({ run }) => serverHost(run)],
  ['measuring_machine', ({ run }) => hardwareLine(run.hardware)],
  ['gpu_count', ({ run }) => computeGpus(run.hardware).length],
  ['cpu_model', ({ run }) => readingValue(run.hardware.host.cpuModel)],
  ['requested_input_tokens', ({ run }) => askedTokens(run.config.benchmark.workload).inputTokens],
  ['requested_output_tokens', ({ run }) => askedTokens(run.config.benchmark.workload).outputTokens],
  ['level', (_, { point }) => point.level],
  ['load', (_, { point }) => point.label],
  ['load_kind', (_, { point }) => point.load.kind],
  ['concurrency', (_, { point }) => concurrency(point.load)],
  ['asked_requests_per_s', (_, { point }) => point.rate?.askedPerS],
  ['due_requests_per_s', (_, { point }) => point.rate?.duePerS],
  ['sent_requests_per_s', (_, { point }) => point.rate?.sentPerS],
  ['search_result', (report, { point }) => trialOf(report, point.level)?.standing],
  ['is_search_answer', (report, { point }) => isAnswer(report, point.level)],
  ['window_s', (_, { point }) => point.windowS],
  ['ended', (_, { point }) => point.ended],
  ['requests_issued', (_, { point }) => point.requests.issued],
  ['requests_completed', (_, { point }) => point.requests.completed],
  ['requests_failed', (_, { point }) => point.requests.failed],
  ['requests_timed_out', (_, { point }) => point.requests.timedOut],
  ['requests_cancelled', (_, { point }) => point.requests.cancelled],
  ['requests_abandoned', (_, { point }) => point.requests.abandoned],
  ['requests_lost', (_, { point }) => point.requests.lost],
  ['requests_warm_up', (_, { point }) => point.requests.warmUp],
  ['requests_per_s', (_, { point }) => point.requestsPerS],
  ['output_tokens_per_s', (_, { point }) => point.outputTokensPerS],
  ['output_tokens_per_s_low', (_, { point }) => point.outputTokensPerSInterval?.low],
  ['output_tokens_per_s_high', (_, { point }) => point.outputTokensPerSInterval?.high],
  ['steady_state', (_, { point }) => point.steadyState?.kind],
  ['steady_start_ms', (_, row) => steady(row)?.startMs],
  ['steady_end_ms', (_, row) => steady(row)?.endMs],
  ['steady_output_tokens_per_s', (_, row) => steady(row)?.outputTokensPerS],
  ['steady_output_tokens_per_s_low', (_, row) => steady(row)?.interval?.low],
  ['steady_output_tokens_per_s_high', (_, row) => steady(row)?.interval?.high],
  ['steady_in_flight_mean', (_, { point }) => point.littlesLaw?.meanInFlight],
  ['littles_law_residual_ratio', (_, { point }) => point.littlesLaw?.residualRatio],
  ['decode_batch', (_, { point }) => point.roofline?.batch],
  ['mbu_low', (_, { point }) => point.roofline?.memoryRatio?.low],
  ['mbu_high', (_, { point }) => point.roofline?.memoryRatio?.high],
  ['mfu', (_, { point }) => point.roofline?.computeRatio],
  ['input_tokens_per_s', (_, { point }) => point.inputTokensPerS],
  ['whole_run_output_tokens_per_s', (_, { point }) => point.wholeRunOutputTokensPerS],
  ['output_tokens_per_s_per_user', (_, { point }) => point.tokensPerSPerUser],
  ['token_source', (_, { point }) => point.tokenSource],
  ['tokens_per_chunk', (_, { point }) => point.tokensPerChunk],
  ['good_ratio', (_, { point }) => point.goodput?.goodRatio],
  ['good_requests_per_s', (_, { point }) => point.goodput?.requestsPerS],
  ['good_output_tokens_per_s', (_, { point }) => point.goodput?.outputTokensPerS],
  ...distribution('ttft', 'ms', ({ point }) => point.ttftMs),
  ...distribution('ttft_from_sent', 'ms', ({ point }) => point.ttftFromSentMs),
  ...distribution('tpot', 'ms', ({ point }) => point.tpotMs),
  ...distribution('inter_chunk', 'ms', ({ point }) => point.interChunkMs),
  ...distribution('itl', 'ms', ({ point }) => point.itlMs),
  ...distribution('latency', 'ms', ({ point }) => point.latencyMs),
  ...distribution('lateness', 'ms', ({ point }) => point.latenessMs),
  ...distribution('input', 'tokens', ({ point }) => point.inputTokens),
  ...distribution('output', 'tokens', ({ point }) => point.outputTokens),
  ['streams', (_, { point }) => point.instrument.streams],
  ['events_per_s', (_, { point }) => point.instrument.eventsPerS],
  [
    'certificate_date',
    ({ summary: { instrument } }) => (instrument.kind === 'applies' ? instrument.date : undefined),
  ],
  ['instrument_calibrated_at', (_, row) => certified(row)?.calibratedAt],
  ...distribution('instrument_delay', 'ms', (row) => certified(row)?.delayMs),
  ...distribution('instrument_ttft_error', 'ms', (row) => certified(row)?.ttftErrorMs),
  ...distribution('instrument_gap_error', 'ms', (row) => certified(row)?.gapErrorMs),
  ...distribution('instrument_lateness', 'ms', (row) => certified(row)?.latenessMs),
  ['cached_input_ratio', (_, { point }) => point.cachedInputRatio],
  ['reasoning_ratio', (_, { point }) => point.reasoningRatio],
  ['server_running_mean', (_, { point }) => point.server?.runningMean],
  ['server_running_max', (_, { point }) => point.server?.runningMax],
  ['server_waiting_mean', (_, { point }) => point.server?.waitingMean],
  ['server_waiting_max', (_, { point }) => point.server?.waitingMax],
  ['server_kv_cache_used_ratio_max', (_, { point }) => point.server?.kvCacheUsedRatioMax],
  ['server_prefix_cache_hit_ratio', (_, { point }) => point.server?.prefixCacheHitRatio],
  ['server_preemptions', (_, { point }) => point.server?.preemptions],
  ['server_spec_accepted_ratio', (_, { point }) => point.server?.specAcceptedRatio],
  ...serverTime('ttft', (server) => server.ttftMs),
  ...serverTime('queue', (server) => server.queueMs),
  ...serverTime('itl', (server) => server.itlMs),
  ...serverTime('tpot', (server) => server.tpotMs),
  ...serverTime('latency', (server) => server.latencyMs),
  runTokens('output', 'usage'),
  runTokens('output', 'server-timings'),
  runTokens('output', 'chunks'),
  runTokens('output', 'server-counters'),
  runTokens('input', 'usage'),
  runTokens('input', 'tokenizer'),
  runTokens('input', 'server-timings'),
  runTokens('input', 'server-counters'),
  ...telemetryScopes.flatMap(energy),
  ['serving_devices', (_, { point }) => point.machine && servingOf(point).length],
  ['energy_coverage_ratio', (_, row) => least(row, ({ energy }) => energy.coverageRatio)],
  ['throttle_power_cap_ratio', (_, row) => most(row, ({ throttle }) => throttle?.powerCapRatio)],
  ['throttle_thermal_ratio', (_, row) => most(row, ({ throttle }) => throttle?.thermalRatio)],
  [
    'throttle_power_brake_ratio',
    (_, row) => most(row, ({ throttle }) => throttle?.powerBrakeRatio),
  ],
  ['throttle_sync_boost_ratio', (_, row) => most(row, ({ throttle }) => throttle?.syncBoostRatio)],
  ['temperature_max_c', (_, row) => most(row, ({ temperatureMaxC }) => temperatureMaxC)],
  ['temperature_memory_max_c', (_, row) => most(row, (device) => device.temperatureMemoryMaxC)],
  ['clock_sm_min_mhz', (_, row) => least(row, ({ clockSmMinMhz }) => clockSmMinMhz)],
  ['is_priced_level', (_, { priced }) => priced],
  ['meets_slo', (_, { cost }) => cost?.meetsSlo],
  ['utilisation_ratio', ({ cost }) => ownRow(cost)?.utilisationRatio],
  ['usd_per_million_output_tokens', (_, { cost }) => cost?.usdPerMillionOutputTokens],
  ['usd_per_million_total_tokens', (_, { cost }) => cost?.usdPerMillionTotalTokens],
]

/** Of the machines of one's own that are priced first. */
function ownRow(cost: Report['cost']) {
  const own = ownOption(cost)
  return optionRows(cost).find(({ option }) => option.id === own?.id)
}

/** Of a level of a search: `held`, `missed`, `served`, `beyond` ... */
function trialOf({ summary: { search } }: Report, level: number) {
  return search?.trials.find((trial) => trial.level === level)
}

/** Whether it is the knee of a sweep, or the load that a search under limits found. */
function isAnswer({ summary: { search } }: Report, level: number): boolean | undefined {
  return search && answerLevel(search) === level
}

function distribution(
  name: string,
  unit: string,
  of: (row: LevelRow) => Distribution | undefined,
): Column[] {
  const percentiles = (['p50', 'p90', 'p95', 'p99'] as const).flatMap((p): Column[] => {
    const shown = (row: LevelRow): Percentile | undefined => {
      const percentile = of(row)?.[p]
      return percentile && whyWithheld(percentile) === undefined ? percentile : undefined
    }
    return [
      [`${name}_${p}_${unit}`, (_, row) => shown(row)?.value],
      [`${name}_${p}_low_${unit}`, (_, row) => shown(row)?.low],
      [`${name}_${p}_high_${unit}`, (_, row) => shown(row)?.high],
      [`${name}_${p}_early_stopping_${unit}`, (_, row) => shown(row)?.earlyStopping],
    ]
  })
  return [
    [`${name}_n`, (_, row) => of(row)?.n],
    [`${name}_mean_${unit}`, (_, row) => of(row)?.mean],
    [`${name}_mean_low_${unit}`, (_, row) => of(row)?.meanInterval?.low],
    [`${name}_mean_high_${unit}`, (_, row) => of(row)?.meanInterval?.high],
    ...percentiles,
  ]
}

function serverTime(name: string, of: (server: ServerFigures) => ServerTime | undefined): Column[] {
  const time = ({ point: { server } }: LevelRow) => server && of(server)
  const bounds = (['p50', 'p95'] as const).flatMap((p): Column[] => [
    [`server_${name}_${p}_above_ms`, (_, row) => time(row)?.[p]?.aboveMs],
    [`server_${name}_${p}_up_to_ms`, (_, row) => time(row)?.[p]?.upToMs],
  ])
  return [
    [`server_${name}_n`, (_, row) => time(row)?.n],
    [`server_${name}_mean_ms`, (_, row) => time(row)?.meanMs],
    ...bounds,
  ]
}

/** Of one scope; scopes overlap, so they are never added up. */
function energy(scope: TelemetryScope): Column[] {
  const of = ({ point }: LevelRow) => point.machine?.scopes.find((each) => each.scope === scope)
  const name = scope.replace('-', '_')
  return [
    [`${name}_energy_status`, (_, row) => of(row)?.status],
    [`${name}_power_mean_w`, (_, row) => of(row)?.meanPowerW],
    [`${name}_power_idle_w`, (_, row) => of(row)?.idlePowerW],
    [`${name}_energy_j`, (_, row) => of(row)?.joules],
    [`${name}_energy_uncertainty_j`, (_, row) => of(row)?.uncertaintyJ],
    [`${name}_gross_j_per_output_token`, (_, row) => of(row)?.grossJPerOutputToken],
    [`${name}_net_j_per_output_token`, (_, row) => of(row)?.netJPerOutputToken],
    [`${name}_uncertainty_ratio`, (_, row) => of(row)?.uncertaintyRatio],
    [`${name}_output_tokens_per_j`, (_, row) => of(row)?.outputTokensPerJ],
  ]
}

/** Over the devices that serve the model. */
function most({ point }: LevelRow, of: (device: DeviceFigures) => Maybe): Maybe {
  return largest(servingOf(point).map(of))
}

function least({ point }: LevelRow, of: (device: DeviceFigures) => Maybe): Maybe {
  return smallest(servingOf(point).map(of))
}

/** Of the whole run, the same in every row. */
function runTokens(direction: TokenDirection, source: CountSource): Column {
  return [
    `run_${direction}_tokens_${source.replace('-', '_')}`,
    ({ summary }) =>
      summary.tokens.counts.find((each) => each.direction === direction && each.source === source)
        ?.tokens,
  ]
}

function steady({ point: { steadyState } }: LevelRow) {
  return steadyState?.kind === 'steady' ? steadyState : undefined
}

function certified({ point: { instrument } }: LevelRow) {
  return instrument.error.kind === 'certified' ? instrument.error : undefined
}

function concurrency(load: LoadLevel): number | undefined {
  return load.kind === 'closed' ? load.concurrency : undefined
}

/** Quoted as RFC 4180 asks. Text that a spreadsheet would run as a formula is disarmed. */
export function field(value: Value): string {
  if (value === undefined) return ''
  if (typeof value !== 'string') return String(value)
  const text = plainText(value).replace(/^(?=[=+\-@＝＋－＠])/, "'")
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A spreadsheet splits comments into cells too, so none of those may start a formula either. */
export function comment(line: string): string {
  const text = plainText(line).replaceAll('"', "'")
  return `# ${text.replace(/([,;]\s*)(?=[=+\-@＝＋－＠])/g, "$1'")}`
}
