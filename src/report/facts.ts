import { computeGpus } from '../detect/compute-gpus.ts'
import type { Gpu } from '../detect/gpu-fields.ts'
import type { Hardware } from '../detect/hardware.ts'
import { readingValue } from '../detect/reading.ts'
import type { Benchmark, Load, Slo } from '../load/benchmark.ts'
import { describeLevel, levelsOf } from '../load/benchmark.ts'
import { describeOrigin, socketPathOf } from '../load/http/socket-url.ts'
import type { PromptCalibration, RunLog } from '../load/run-log.ts'
import { describeWorkload } from '../load/workloads/sizes.ts'
import { purposeOf } from '../measure/gate-rule.ts'
import type { OperatingPoint } from '../measure/summary.ts'
import { type CostReport, figureFinder } from '../price/cost-report.ts'
import { MIB_PER_GIB, MS_PER_S } from '../units.ts'
import {
  formatCount,
  formatDate,
  formatNumber,
  formatPercent,
  formatStated,
  formatStatedMs,
  formatTokens,
  notAvailable,
} from './format.ts'
import { energyFact } from './machine-facts.ts'
import { plainText, shorten } from './plain-text.ts'
import type { Report } from './report.ts'
import { plannedLevelsText, searchAnswer } from './search-facts.ts'
import { metricsText } from './server-facts.ts'

/** A name and what there is to say under it. */
export type Fact = readonly [name: string, text: string]

/** What was measured, where and when: the head of a report. */
export function identityFacts(report: Report): Fact[] {
  const { run } = report
  const energy = energyFact(report, pricedPoint(report))
  return [
    ['Model', plainText(run.target.model)],
    ['Server', serverLine(run)],
    [hardwareTitle(run), hardwareLine(run.hardware)],
    ['Workload', workloadLine(run)],
    ...searchFact(report),
    ...(energy === undefined ? [] : [energy]),
    ['Started', formatDate(run.epoch)],
    ['Run', `${plainText(run.runId)}, ${run.tool.name} ${plainText(run.tool.version)}`],
  ]
}

/** Nothing where levels were only listed. */
function searchFact(report: Report): Fact[] {
  const answer = searchAnswer(report)
  return answer === undefined ? [] : [['Search', answer]]
}

/** Host and port of the server, or its socket; never the credentials that an address may hold. */
export function serverHost(run: RunLog): string {
  if (!URL.canParse(run.target.url)) return notAvailable
  const url = new URL(run.target.url)
  return socketPathOf(url) === undefined ? url.host : plainText(describeOrigin(url))
}

/** The measuring machine is the serving one only where the server's address is its own. */
export function hardwareTitle({ target }: RunLog): string {
  return target.loopback ? 'Hardware' : 'Measuring machine'
}

/** Accelerators by name and number; the CPU where there are none. */
export function hardwareLine(hardware: Hardware): string {
  const gpus = computeGpus(hardware)
  return gpus.length > 0
    ? gpuLine(gpus)
    : `No GPU detected; CPU ${cpuName(hardware) ?? notAvailable}`
}

/** What was measured, in a few words; the hardware only where it is the server's own and real. */
export function systemLine(run: RunLog): string {
  const { target, hardware } = run
  const own = target.loopback && !target.simulated
  return `${plainText(target.model)} ${own ? `on ${machineName(hardware)}` : `at ${serverHost(run)}`}`
}

export function workloadLine({ config }: RunLog): string {
  const { workload, load } = config.benchmark
  const loop = load.kind === 'closed' ? 'closed loop' : 'open loop'
  return `${plainText(describeWorkload(workload, formatCount))}, ${loop}`
}

/** Requests that went wrong; those given up when the level ended are not among them. */
export function errorCount({ requests }: OperatingPoint): number {
  return requests.failed + requests.timedOut + requests.lost
}

/** The operating point that the options are priced at. */
export function pricedPoint({ summary, cost }: Report): OperatingPoint | undefined {
  return summary.points.find(({ level }) => level === cost.pricedLevel)
}

/** What the prices of the cost section rest on. */
export function pricingBasis(report: Report): string {
  return pricingBasisAt(report.cost, pricedPoint(report)?.label)
}

/** The same of anything that is priced. @param label of the load it is priced at, where there is one */
export function pricingBasisAt(cost: CostReport, label: string | undefined): string {
  const at = label === undefined ? 'No load level could be priced' : `Priced at ${plainText(label)}`
  const { value } = figureFinder(cost)('demand.outputTokensPerDay') ?? {}
  const wanted = value === undefined ? '' : ` Demand: ${formatTokens(value)} output tokens a day.`
  return `${at}: ${sentence(cost.pricedLevelReason)}${wanted}`
}

/** Everything that was set, defaults included. */
export function configurationFacts({ run }: Report): Fact[] {
  const { benchmark, ...config } = run.config
  const { timeouts } = benchmark
  return [
    ['Benchmark', benchmark.name],
    ['Run to', purposeOf(run)],
    ['API', benchmark.api],
    ['Workload', workloadLine(run)],
    ['Load levels', levelsText(run.config)],
    ['Load', loadText(benchmark.load)],
    ...cancelFact(benchmark),
    ['Warm-up', seconds(benchmark.warmupS)],
    ['Window', windowText(benchmark)],
    ['Longest drain', seconds(benchmark.drainS)],
    [
      'Time limits',
      `connect ${formatStatedMs(timeouts.connectMs)}, first token ${formatStatedMs(timeouts.firstTokenMs)}, idle ${formatStatedMs(timeouts.idleMs)}, total ${formatStatedMs(timeouts.totalMs)}`,
    ],
    ['Service level', sloText(benchmark.slo)],
    ['Seed', formatStated(benchmark.seed)],
    ['Server', serverLine(run)],
    ['Model asked for', config.model === undefined ? 'the first offered' : plainText(config.model)],
    ['Model weights', run.target.weights ?? 'not stated'],
    ['Context', tokens(run.target.contextTokens)],
    ['Answer length', lengthText(run.target.forcesOutputLength)],
    ['API key', config.apiKeySource === undefined ? 'none' : plainText(config.apiKeySource)],
    ['TLS certificate', certificateText(config.tlsVerified)],
    ['Prompt lengths', calibrationText(run.prompts)],
    ...metricsFact(run),
    ...watchedFact(run),
    ...datasetFacts(run),
    ['Tool', `${run.tool.name} ${run.tool.version}, Node ${run.tool.node}, ${run.tool.platform}`],
  ]
}

function metricsFact(run: RunLog): Fact[] {
  const text = metricsText(run)
  return text === undefined ? [] : [["Server's metrics", text]]
}

function watchedFact({ telemetry }: RunLog): Fact[] {
  if (telemetry === undefined) return []
  const text = telemetry.kind === 'none' ? `no: ${plainText(telemetry.reason)}` : 'yes'
  return [['Machine watched', text]]
}

function levelsText({ benchmark, search }: RunLog['config']): string {
  const found = search && plannedLevelsText(search)
  return found ?? levelsOf(benchmark.load).map(describeLevel).join(', ')
}

/** How requests come about, beyond how many. */
function loadText(load: Load): string {
  switch (load.kind) {
    case 'closed':
      return `users that wait for each answer${load.thinkS ? `, then ${seconds(load.thinkS)}` : ''}`
    case 'constant':
      return `equal gaps${inFlightText(load.maxInFlight)}`
    case 'poisson':
      return `Poisson arrivals${inFlightText(load.maxInFlight)}`
    case 'gamma':
      return `gamma-distributed gaps of shape ${formatStated(load.shape)}${inFlightText(load.maxInFlight)}`
    case 'ramp':
      return `${load.arrivals === 'poisson' ? 'Poisson arrivals' : 'gaps'} of a changing rate, ${load.stages.map(({ forS }) => seconds(forS)).join(', ')} a stage${inFlightText(load.maxInFlight)}`
    case 'trace':
      return `the times of the trace${inFlightText(load.maxInFlight)}`
  }
}

function cancelFact({ cancel }: Benchmark): Fact[] {
  if (cancel === undefined) return []
  const { share, afterChunks, afterMs } = cancel
  const after =
    afterChunks === undefined
      ? formatStatedMs(afterMs)
      : `${formatCount(afterChunks)} ${afterChunks === 1 ? 'chunk' : 'chunks'}`
  return [['Given up on purpose', `${formatPercent(share)} of the requests, after ${after}`]]
}

function inFlightText(maxInFlight: number | undefined): string {
  return maxInFlight === undefined ? '' : `, at most ${formatCount(maxInFlight)} requests at once`
}

/** The limits of a service level, or that there are none. */
function sloText({ ttftMs, tpotMs, latencyMs }: Slo): string {
  const limits = [
    ttftMs === undefined ? [] : [`TTFT ${formatStatedMs(ttftMs)}`],
    tpotMs === undefined ? [] : [`TPOT ${formatStatedMs(tpotMs)}`],
    latencyMs === undefined ? [] : [`latency ${formatStatedMs(latencyMs)}`],
  ].flat()
  return limits.length === 0 ? 'none set' : `at most ${limits.join(', ')}`
}

/** How each figure was made. */
export function methodFacts({ run, summary }: Report): Fact[] {
  const open = run.config.benchmark.load.kind !== 'closed'
  const sources = [...new Set(summary.points.map(({ tokenSource }) => tokenSource))]
  return [
    [
      'Clock',
      open
        ? 'Open loop: each request is timed from the moment the schedule wanted it, so waiting to be sent counts as waiting.'
        : 'Closed loop: each request is timed from the moment its first byte was sent. Users wait for answers, so slow answers lower the load.',
    ],
    ['Window', 'Figures are of the requests issued after warm-up and before drain.'],
    ['TTFT', 'Time to first token: from the start of the clock to the first model output.'],
    [
      'TPOT',
      'Time per output token after the first: (last token - first token) / (output tokens - 1), per request.',
    ],
    [
      'Inter-chunk gap',
      'Time between two stream events that carry output, pooled over requests. A chunk may hold several tokens.',
    ],
    ...itlFact(summary.points),
    ['Latency', 'From the start of the clock to the clean end of the stream.'],
    ['Output throughput', 'Output tokens that arrived inside the window / length of the window.'],
    [
      'Steady state',
      'What MSER-5 leaves of the window when it has cut a start-up and a tail, where the rest has no trend. None where the load is above capacity, or throughput drifts.',
    ],
    [
      'Intervals',
      'Of throughput and means: 95 %, by the means of 20 batches in order of time, wider where neighbouring batches are alike. All are within this run: another run may differ by more.',
    ],
    ['Tokens/s per user', 'Interactivity: 1000 / median TPOT in ms.'],
    ['Token counts', tokenSourceText(sources)],
    [
      'Percentiles',
      'Nearest rank on the raw samples. Each has an exact 95 % interval from order statistics, and is withheld until there are enough samples for one (p90 64, p95 130, p99 662).',
    ],
    ...energyMethod(summary.points),
    ['n/a', 'Unknown. It is never zero.'],
  ]
}

function energyMethod(points: readonly OperatingPoint[]): Fact[] {
  if (points.every(({ machine }) => machine === undefined)) return []
  return [
    [
      'Energy',
      'Of the window, by the energy counter where the sensor has one, else by its power over time; each is held against the other. Gross is all of it, net what is above the idle machine with the model loaded. Told only where looks cover 95 % of the window and the window is long enough for the sensor.',
    ],
    [
      'Clocks held back',
      'Share of the window by the cumulative times that the driver keeps of each cause; where it keeps none, share of the looks at which the cause was named.',
    ],
  ]
}

function itlFact(points: readonly OperatingPoint[]): Fact[] {
  if (points.every(({ itlMs }) => itlMs === undefined)) return []
  return [
    [
      'ITL',
      'Inter-token latency: each inter-chunk gap / the tokens that the server told of the chunk after it, pooled over the requests of which it told every chunk.',
    ],
  ]
}

/** Ends with a full stop, so that sentences can follow one another. */
export function sentence(text: string): string {
  const plain = plainText(text)
  return /[.!?]$/.test(plain) ? plain : `${plain}.`
}

export function serverLine(run: RunLog): string {
  const { engine } = run.target
  const name = engine === undefined ? '' : ` (${plainText(engine)})`
  return `${serverHost(run)}${name}${run.target.loopback ? ', on this machine' : ''}`
}

function machineName(hardware: Hardware): string {
  const gpus = computeGpus(hardware)
  if (gpus.length > 0) return gpuLine(gpus)
  return `${cpuName(hardware) ?? 'a machine of unknown make'}, no GPU`
}

function cpuName({ host }: Hardware): string | undefined {
  const name = readingValue(host.cpuModel)
  return name === undefined ? undefined : plainText(name)
}

function gpuLine(gpus: readonly Gpu[]): string {
  const counts = new Map<string, number>()
  for (const gpu of gpus) {
    const name = gpuName(gpu)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${formatCount(count)} x ${name}`).join(', ')
}

function gpuName({ name, vendor, vramTotalMib }: Gpu): string {
  const vramMib = readingValue(vramTotalMib)
  const model = plainText(readingValue(name) ?? `${vendor} GPU of unknown model`)
  return vramMib === undefined ? model : `${model} (${formatNumber(vramMib / MIB_PER_GIB)} GiB)`
}

function windowText({ durationS, requests }: { durationS?: number; requests?: number }): string {
  const bounds = [
    durationS === undefined ? [] : [seconds(durationS)],
    requests === undefined ? [] : [`${formatCount(requests)} requests`],
  ].flat()
  return bounds.length === 0 ? 'not bounded' : `${bounds.join(' or ')} a level`
}

function datasetFacts({ dataset }: RunLog): Fact[] {
  if (!dataset) return []
  const { format, requests, leftOut, sha256 } = dataset
  const used = `${formatCount(requests)} requests in use, ${formatCount(leftOut)} left out`
  return [['Dataset', `${plainText(format)}, ${used}, SHA-256 ${plainText(sha256)}`]]
}

function calibrationText(prompts: PromptCalibration): string {
  const words = `${formatStated(prompts.tokensPerWord)} tokens a word, ${formatCount(prompts.overheadTokens)} tokens of template`
  switch (prompts.kind) {
    case 'tokenizer':
      return `exact, by the tokenizer with SHA-256 ${prompts.sha256}: ${words}`
    case 'server-tokenizer':
      return `exact, by the server's own tokenizer (POST ${plainText(prompts.path)}), which counted ${formatCount(prompts.words)} words: ${words}`
    case 'usage':
      return `calibrated on the server's own counts: ${words}${notCountedText('. ', prompts)}`
    case 'assumed':
      return `assumed, not calibrated: ${words}. ${sentence(prompts.reason)}${notCountedText(' ', prompts)}`
  }
}

function notCountedText(
  separator: string,
  { notCounted }: { readonly notCounted?: string },
): string {
  if (notCounted === undefined) return ''
  return `${separator}The server's tokenizer did not count: ${sentence(notCounted)}`
}

function lengthText(forced: boolean | undefined): string {
  if (forced === undefined) return `${notAvailable} (not tried)`
  return forced ? 'forced by the server' : 'not forced: the model may stop early'
}

function certificateText(verified: boolean | undefined): string {
  if (verified === undefined) return 'no TLS'
  return verified ? 'verified' : 'not verified'
}

function tokenSourceText(sources: readonly OperatingPoint['tokenSource'][]): string {
  if (sources.length === 0) return 'No request completed, so none were counted.'
  if (sources.includes('chunks')) {
    return 'Chunks of the stream, because the server told no usage. A chunk may hold several tokens, so throughput may be understated.'
  }
  return "The server's own usage figures."
}

function seconds(valueS: number): string {
  return formatStatedMs(valueS * MS_PER_S)
}

function tokens(count: number | undefined): string {
  return count === undefined
    ? `${notAvailable} (the server does not tell)`
    : `${formatCount(count)} tokens`
}

/** What went wrong, a line a kind and load level; empty when nothing did. */
export function errorLines({ summary }: Report): string[] {
  return summary.points.flatMap(({ label, errors }) =>
    errors.map(
      ({ kind, side, count, example }) =>
        `${label}: ${formatCount(count)} x ${kind} (${side}), the first: ${shorten(example, LONGEST_EXAMPLE)}`,
    ),
  )
}

const LONGEST_EXAMPLE = 160
