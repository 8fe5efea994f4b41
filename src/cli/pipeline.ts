import { join } from 'node:path'
import { detectHardware } from '../detect/detect-hardware.ts'
import { setUpChanges } from '../detect/diff-hardware.ts'
import type { ModelFacts } from '../detect/fit/model-facts.ts'
import type { Hardware } from '../detect/hardware.ts'
import { preflight } from '../detect/preflight/gather-preflight.ts'
import { type Finding, findingsOf, type ServingGpus } from '../detect/preflight/preflight.ts'
import { thisLiveMachine } from '../detect/server/live-machine.ts'
import { type ExitCode, exitCodes, UserError } from '../errors.ts'
import { takesMessages } from '../load/api-names.ts'
import { type Benchmark, levelsOf, type Purpose, type RunConfig } from '../load/benchmark.ts'
import { auditCaching, auditLengths } from '../load/caching-audit.ts'
import { startClock } from '../load/clock.ts'
import type { Access } from '../load/get.ts'
import { resolveEndpoint } from '../load/http/connection.ts'
import { identifyTarget, parseTargetUrl } from '../load/identify.ts'
import { openJournal } from '../load/journal.ts'
import { checkOpenFiles } from '../load/limits.ts'
import { preflightPlan } from '../load/preflight-plan.ts'
import { type CountedWords, probeTarget } from '../load/probe.ts'
import { type LoadWorld, runLoad } from '../load/run-load.ts'
import type {
  CachingAudit,
  DatasetFacts,
  LevelLog,
  RunLog,
  TargetIdentity,
} from '../load/run-log.ts'
import { findsLevels, type SearchPlan } from '../load/search-plan.ts'
import { createSender } from '../load/send.ts'
import { serverAfter } from '../load/server-changes.ts'
import { countByServer } from '../load/server-tokenizer.ts'
import { serverApis } from '../load/servers/index.ts'
import { loadTokenizer, type Tokenizer } from '../load/tokenizer.ts'
import { words } from '../load/words.ts'
import { workersFor } from '../load/worker-count.ts'
import { loadWorkloadData } from '../load/workloads/load-data.ts'
import type { WorkloadData } from '../load/workloads/plan.ts'
import { checkContext, longestAnswer, longestPrompt } from '../load/workloads/sizes.ts'
import { vetWords } from '../load/workloads/vet-words.ts'
import type { Certificate } from '../measure/instrument-certificate.ts'
import { sampleForecast } from '../measure/sample-forecast.ts'
import { packageVersion } from '../package-files.ts'
import { type Catalogue, checkNames, usedCatalogue } from '../price/catalogue.ts'
import { priceSubject } from '../price/price-subject.ts'
import type { Scenario } from '../price/scenario.ts'
import { subjectOfRun } from '../price/subject.ts'
import { seededRandom } from '../random.ts'
import { reportFormats } from '../report/index.ts'
import { plainText } from '../report/plain-text.ts'
import type { Report } from '../report/report.ts'
import { type Pricing, readRun, runFiles } from '../verify/read-run.ts'
import { recompute } from '../verify/verify-run.ts'
import { thisClient, thisTool } from './certificate-store.ts'
import type { Io } from './io.ts'
import { rooflineFacts } from './model-config.ts'
import { startProgress } from './progress.ts'
import { recordServerMetrics, type ServerMetricsRecording } from './record-server-metrics.ts'
import { makeRunDirectory, writeJson } from './results-folder.ts'
import { searchLevels } from './search-levels.ts'
import { type MachineWatch, watchMachine } from './watch-machine.ts'
import { writeReports } from './write-reports.ts'

/** Neither a calibration nor a count needs a longer prompt than this. */
const PROBE_TOKENS = 8_192

/** Everything decided before a run starts. */
export interface RunPlan {
  readonly benchmark: Benchmark
  /** Where the paths of the benchmark begin. */
  readonly folder: string
  /** The model's tokenizer.json, where the user has it. */
  readonly tokenizer?: string
  readonly url: string
  readonly model?: string
  readonly access: Access
  readonly apiKeySource?: string
  readonly declaredWeights?: 'random' | 'trained'
  /** Measuring threads; by need when absent. */
  readonly workers?: number
  /** GPUs that serve the model, where the user says so. */
  readonly gpus?: number
  /** The model as its config.json describes it, where the user has it. */
  readonly modelFacts?: ModelFacts
  /** Folder in which the run's own folder is made. */
  readonly out: string
  readonly scenario: Scenario
  readonly catalogue: Catalogue
  /** Whether GPUs, processors and power are watched while load runs. */
  readonly telemetry: boolean
  /** How long the machine rests before and after the load, so that its idle power is known. */
  readonly restS: number
  /** What the levels are to find out; those of the benchmark run as they stand when absent. */
  readonly search?: SearchPlan
  /** Of the instrument; kept beside the results, and judged whether it applies. */
  readonly certificate?: Certificate
  /** What the limits of the validity gates are for. */
  readonly purpose: Purpose
  /** Whether the server is asked, after the load, if it answers the same prompt again faster. */
  readonly auditCaching: boolean
}

/**
 * One run, end to end: detect, load, measure, price, report. Every record is on disk as it ends.
 *
 * @throws UserError for what the user can fix
 */
export async function runPipeline(plan: RunPlan, io: Io): Promise<ExitCode> {
  try {
    const outcome = await runOnce(plan, io)
    await print(outcome, io)
    return exitCodeOf(outcome.report, io)
  } catch (error) {
    if (!io.signal.aborted) throw error
    io.stderr('Interrupted before anything was measured.\n')
    return interruptCode(io)
  }
}

/** What one run left behind. */
export interface RunOutcome {
  readonly report: Report
  /** Its results directory, reports and all. */
  readonly directory: string
}

/** The same without a word of the report. @throws UserError, and whatever an interrupt before the load throws */
export async function runOnce(plan: RunPlan, io: Io): Promise<RunOutcome> {
  const url = parseTargetUrl(plan.url)
  checkNames(plan.scenario, plan.catalogue)
  await checkOpenFiles(plan.benchmark.load)
  const [hardware, identity] = await Promise.all([
    detectHardware(),
    identifyTarget(url, plan.model, plan.access, io.signal),
  ])
  const counting = await countWords(plan, url, identity, io.signal)
  const { workload, seed, api } = plan.benchmark
  const data = await loadWorkloadData(workload, {
    seed,
    folder: plan.folder,
    messages: takesMessages(api),
    countTokens: counting.countTokens,
  })
  checkContext(workload, identity.contextTokens, data)
  const target = { ...identity, weights: plan.declaredWeights ?? identity.weights }
  const health = await lookOver(plan, url, hardware, data, io)
  const config = configOf(plan, url)
  const known = { hardware, target, config, counting, data, health }
  return finish(plan, await measure(plan, url, known, io))
}

/**
 * What the run will suffer from: told now, in few words, and kept, since hours later it explains the figures.
 *
 * @throws UserError with exit code 3 for what makes it impossible
 */
async function lookOver(
  plan: RunPlan,
  url: URL,
  hardware: Hardware,
  data: WorkloadData | undefined,
  io: Io,
): Promise<Health> {
  const planned = preflightPlan(plan.benchmark, url, plan.out, data)
  const health = await preflight(thisLiveMachine, planned, hardware)
  const blocker = health.findings.find(({ severity }) => severity === 'blocker')
  if (blocker) {
    throw new UserError(blocker.text, {
      remedy: blocker.remedy ?? 'Run `baremark doctor` for all that it finds.',
      exitCode: exitCodes.setup,
    })
  }
  for (const { severity, text } of health.findings)
    if (severity === 'warning') io.stderr(`Warning: ${plainText(text)}\n`)
  if (!findsLevels(plan.search))
    for (const line of sampleForecast(plan.benchmark, plan.purpose)) io.stderr(`Note: ${line}\n`)
  return { findings: findingsOf(health), serving: health.server?.gpus ?? SERVER_UNKNOWN }
}

interface Health {
  readonly findings: readonly Finding[]
  readonly serving: ServingGpus
}

const SERVER_UNKNOWN: ServingGpus = { kind: 'unknown', reason: 'the server was not looked for' }

function configOf(plan: RunPlan, url: URL): RunConfig {
  return {
    benchmark: plan.benchmark,
    url: url.href.replace(/\/$/, ''),
    model: plan.model,
    apiKeySource: plan.apiKeySource,
    declaredWeights: plan.declaredWeights,
    workers: plan.workers,
    gpus: plan.gpus,
    search: plan.search,
    tlsVerified: url.protocol === 'https:' ? !plan.access.insecure : undefined,
    purpose: plan.purpose,
  }
}

/**
 * The words that prompts are made of, by the user's tokenizer, else by the server's where it has one.
 * The prompts of a dataset are not made, so the server need not count for them.
 *
 * @throws UserError when the user's tokenizer has none that add up
 */
async function countWords(
  { tokenizer: file, benchmark: { workload }, access }: RunPlan,
  url: URL,
  target: TargetIdentity,
  signal: AbortSignal,
): Promise<Counting> {
  const lengths = [64, Math.min(longestPrompt(workload) ?? 1024, PROBE_TOKENS)]
  if (file === undefined)
    return workload.kind === 'dataset' ? {} : countByServer(url, target, access, lengths, signal)
  const { sha256, countTokens } = await loadTokenizer(file)
  const wordbook = await vetWords(words, countTokens, lengths)
  if (!('reason' in wordbook))
    return { counted: { wordbook, by: { kind: 'tokenizer', sha256 } }, countTokens }
  throw new UserError(`Prompts of exact lengths cannot be made: ${wordbook.reason}.`, {
    remedy: "Leave --tokenizer out: prompts are then made by the server's own counts.",
  })
}

/** What is known of the words that prompts are made of. */
interface Counting {
  readonly counted?: CountedWords
  /** Why the server's tokenizer did not count them, where it was asked to. */
  readonly notCounted?: string
  /** By the user's tokenizer. */
  readonly countTokens?: Tokenizer['countTokens']
}

function factsOf(data: WorkloadData | undefined): DatasetFacts | undefined {
  switch (data?.kind) {
    case undefined:
      return undefined
    case 'dataset': {
      const { format, sha256, items, leftOut } = data.dataset
      return { format, sha256, requests: items, leftOut }
    }
    case 'trace': {
      const { format, sha256, requests, leftOut } = data.trace
      return { format, sha256, requests, leftOut }
    }
  }
}

interface Known {
  readonly health: Health
  readonly counting: Counting
  readonly data?: WorkloadData
  readonly hardware: Hardware
  readonly target: TargetIdentity
  readonly config: RunConfig
}

interface Measured {
  readonly run: RunLog
  readonly directory: string
}

async function measure(plan: RunPlan, url: URL, known: Known, io: Io): Promise<Measured> {
  const { benchmark } = plan
  const api = serverApis[benchmark.api]
  const endpoint = await resolveEndpoint(url, plan.access)
  const { clock, epoch, epochMonotonicMs } = startClock()
  const sender = createSender({
    endpoint,
    api,
    clock,
    timeouts: benchmark.timeouts,
    secret: plan.access.apiKey,
  })
  const version = packageVersion()
  const template = {
    url: url.href,
    model: known.target.model,
    apiKey: plan.access.apiKey,
    userAgent: `baremark/${version}`,
    idPrefix: `baremark-${Date.parse(epoch).toString(36)}`,
  }
  let metrics: ServerMetricsRecording | undefined
  let watch: MachineWatch | undefined
  try {
    const random = seededRandom(benchmark.seed, `probe-${epoch}`)
    io.signal.addEventListener('abort', sender.cancelAll)
    const probe = await probeTarget(
      sender.send,
      { ...template, api },
      {
        inputTokens: Math.min(longestPrompt(benchmark.workload, known.data) ?? 0, PROBE_TOKENS),
        random,
        counted: known.counting.counted,
        notCounted: known.counting.notCounted,
      },
    )
    const { runId, directory } = await makeRunDirectory(plan.out, epoch, benchmark.name)
    // After the probes, whose tokens are no part of the run.
    metrics = await recordServerMetrics(
      join(directory, runFiles.serverMetrics),
      known.target,
      plan.access,
      clock,
    )
    const watching = await watchMachine(
      {
        file: join(directory, runFiles.telemetry),
        loopback: known.target.loopback,
        serving: known.health.serving,
        clock,
        epochMonotonicMs,
        wanted: plan.telemetry,
        restS: plan.restS,
      },
      io,
    )
    watch = watching
    const base: RunLog = {
      schemaVersion: 1,
      runId,
      tool: thisTool(),
      client: thisClient(),
      epoch,
      epochMonotonicMs,
      state: 'running',
      config: known.config,
      target: { ...known.target, forcesOutputLength: probe.forceLength },
      hardware: known.hardware,
      prompts: probe.prompts,
      serverMetrics: metrics.source,
      preflight: known.health.findings,
      telemetry: watching.log(),
      dataset: factsOf(known.data),
      roofline:
        plan.modelFacts &&
        rooflineFacts(
          plan.modelFacts,
          known,
          plan.scenario.hardwareProfile,
          plan.catalogue.profiles,
        ),
      levels: [],
    }
    await writeJson(join(directory, runFiles.run), base)
    if (plan.certificate) await writeJson(join(directory, runFiles.certificate), plan.certificate)
    await watching.rest('before')
    const progress = startProgress(benchmark, io, clock.nowMs, plan.search)
    const needs = {
      outputTokens: longestAnswer(benchmark.workload, known.data),
      loopback: known.target.loopback,
    }
    const { levels, isWhole } = await load(plan, base, directory, metrics, io, {
      ...progress,
      clock,
      setup: {
        epochMonotonicMs,
        endpoint,
        template: {
          ...template,
          forceLength: probe.forceLength,
          maxTokensField: probe.maxTokensField,
        },
        prompts: probe.prompts,
        promptSalt: epoch,
        wordbook: probe.wordbook,
        data: known.data,
      },
      workersFor: (level) => plan.workers ?? workersFor(level, needs),
      signal: io.signal,
    }).finally(progress.close)
    await metrics.stop()
    metrics = undefined
    await watching.rest('after')
    await watching.stop()
    watch = undefined
    // After the last look at the server's counters: its tokens are no part of the run.
    const cachingAudit = await ifWanted(plan, io, () =>
      auditCaching(
        sender.send,
        {
          ...template,
          api,
          forceLength: probe.forceLength,
          maxTokensField: probe.maxTokensField,
        },
        {
          clock,
          seed: benchmark.seed,
          salt: epoch,
          prompts: probe.prompts,
          wordbook: probe.wordbook,
          ...auditLengths(benchmark.workload),
          signal: io.signal,
        },
      ),
    )
    const run: RunLog = {
      ...base,
      state: isWhole ? 'complete' : 'partial',
      telemetry: watching.log(),
      stateChanges: io.signal.aborted ? undefined : await stateChanges(known.hardware),
      serverAfter: io.signal.aborted
        ? undefined
        : await serverAfter(url, known.target, plan.access),
      cachingAudit,
      levels,
    }
    await writeJson(join(directory, runFiles.run), run)
    return { run, directory }
  } finally {
    sender.close()
    // Something else went wrong, and is what is told.
    await metrics?.stop().catch(() => {})
    await watch?.stop()
  }
}

async function ifWanted(
  { auditCaching: wanted }: RunPlan,
  io: Io,
  ask: () => Promise<CachingAudit>,
): Promise<CachingAudit | undefined> {
  if (!wanted || io.signal.aborted) return undefined
  io.stderr(
    'Asking the same prompt again and again, to see whether the server answers it faster ...\n',
  )
  return ask()
}

/** What of the machine's set-up is another than before the load. */
async function stateChanges(before: Hardware): Promise<readonly string[]> {
  return setUpChanges(before, await detectHardware())
}

/** Runs the load with the journal open, and keeps the run log up to date after each level. */
async function load(
  { benchmark, certificate, search }: RunPlan,
  base: RunLog,
  directory: string,
  metrics: ServerMetricsRecording,
  io: Io,
  world: Omit<LoadWorld, 'journal' | 'nextLevel'>,
): Promise<{ levels: LevelLog[]; isWhole: boolean }> {
  const journal = await openJournal(join(directory, runFiles.records))
  const source = findsLevels(search)
    ? searchLevels(search, { run: base, directory, journal, certificate, io })
    : undefined
  const soFar: LevelLog[] = []
  let saving: Promise<void> = Promise.resolve()
  let saveFailure: unknown
  const levels = await runLoad(benchmark, {
    ...world,
    nextLevel: source?.nextLevel,
    journal: { append: journal.append, failed: AbortSignal.any([journal.failed, metrics.failed]) },
    onLevelEnd: (log) => {
      world.onLevelEnd(log)
      soFar.push(log)
      const state: RunLog = { ...base, levels: [...soFar] }
      saving = saving
        .then(() => writeJson(join(directory, runFiles.run), state))
        .catch((error: unknown) => {
          saveFailure ??= error
        })
    },
  })
  await saving
  await journal.close()
  if (saveFailure !== undefined) throw saveFailure
  const isWhole = source
    ? source.isAtEnd()
    : levels.length === levelsOf(benchmark.load).length &&
      levels.every(({ ended }) => ended === 'complete')
  return { levels, isWhole }
}

async function finish(plan: RunPlan, { run, directory }: Measured): Promise<RunOutcome> {
  // As anyone will who reads the directory: its figures are those of its files.
  const { summary } = await recompute(await readRun(directory))
  const subject = subjectOfRun(run, summary)
  const cost = priceSubject(subject, plan.scenario, plan.catalogue)
  const pricing: Pricing = {
    schemaVersion: 1,
    scenario: plan.scenario,
    catalogue: usedCatalogue(subject, plan.scenario, plan.catalogue),
  }
  await writeJson(join(directory, runFiles.pricing), pricing)
  const report: Report = { schemaVersion: 1, run, summary, cost }
  await writeReports(report, directory)
  return { report, directory }
}

async function print({ report, directory }: RunOutcome, io: Io): Promise<void> {
  for (const { name, render } of reportFormats) {
    if (name === 'text') io.stdout(await render(report))
  }
  io.stdout(`\nResults: ${directory}\nReport:  ${join(directory, 'report.html')}\n`)
}

function exitCodeOf({ run, summary }: Report, io: Io): ExitCode {
  if (io.signal.aborted) return interruptCode(io)
  if (summary.verdict === 'INVALID') return exitCodes.invalid
  if (run.state !== 'complete') return exitCodes.partial
  const { search } = summary
  return search?.question === 'slo' && search.outcome.kind !== 'found'
    ? exitCodes.threshold
    : exitCodes.valid
}

export function interruptCode({ signal }: Io): ExitCode {
  return signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted
}
