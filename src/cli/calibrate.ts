import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type ExitCode, exitCodes, messageOf, UserError } from '../errors.ts'
import { type Benchmark, benchmarkSchema, type Load } from '../load/benchmark.ts'
import { startClock } from '../load/clock.ts'
import { resolveEndpoint } from '../load/http/connection.ts'
import { diskError, openJournal } from '../load/journal.ts'
import { checkOpenFiles } from '../load/limits.ts'
import { eachRecord } from '../load/read-journal.ts'
import type { RequestRecord } from '../load/record.ts'
import { runLoad } from '../load/run-load.ts'
import type { LevelLog } from '../load/run-log.ts'
import { workersFor } from '../load/worker-count.ts'
import { longestAnswer } from '../load/workloads/sizes.ts'
import {
  highestRateUnder,
  type InstrumentLevel,
  instrumentLevel,
  type RateUnder,
} from '../measure/instrument.ts'
import { CALIBRATION_ANSWER_S, type Certificate } from '../measure/instrument-certificate.ts'
import type { Distribution } from '../measure/summary.ts'
import { packageVersion } from '../package-files.ts'
import {
  formatCount,
  formatDate,
  formatNumber,
  formatPercent,
  notAvailable,
} from '../report/format.ts'
import { formatErrorMs } from '../report/instrument-facts.ts'
import { readStampFile } from '../serve/stamps.ts'
import { MS_PER_S } from '../units.ts'
import { keepCertificate, thisClient, thisTool } from './certificate-store.ts'
import { type EngineProcess, startEngineProcess } from './engine-process.ts'
import type { Io } from './io.ts'
import { startProgress } from './progress.ts'
import { writeJson } from './results-folder.ts'

/** What to measure the instrument with. */
export interface CalibrationPlan {
  /** Closed loop: a level each. */
  readonly concurrency: readonly number[]
  /** Open loop, Poisson: requests per second, a level each, after those of the closed loop. */
  readonly requestRate: readonly number[]
  /** Of each stream. */
  readonly chunksPerS: number
  /** Measured window of each level, s. */
  readonly durationS: number
  /** All streams get their next chunk at the same moment, and not spread over time. */
  readonly bursts: boolean
  /** Measuring threads; by need when absent. */
  readonly workers?: number
  /** Of a prompt; a few when absent. */
  readonly inputTokens?: number
  /** Of an answer, a chunk each; when absent, as many as take a second or half the window. */
  readonly outputChunks?: number
}

interface CalibrateFlags {
  readonly concurrency?: readonly number[]
  readonly requestRate?: readonly number[]
  readonly chunksPerS: number
  readonly duration: number
  readonly bursts: boolean
  readonly workers?: number
  readonly out?: string
  readonly json: boolean
}

const defaultConcurrency = [1, 16, 64, 256]

/** `baremark calibrate`: how far the client's figures are from what a server really did. @throws UserError */
export async function calibrateCommand(flags: CalibrateFlags, io: Io): Promise<ExitCode> {
  const { requestRate = [], chunksPerS, duration: durationS, bursts, workers } = flags
  const concurrency = flags.concurrency ?? (flags.requestRate ? [] : defaultConcurrency)
  const { out } = flags
  if (out !== undefined) {
    await mkdir(dirname(out), { recursive: true }).catch((cause: unknown) => {
      throw diskError(dirname(out), cause)
    })
  }
  const plan = { concurrency, requestRate, chunksPerS, durationS, bursts, workers }
  const certificate = await calibrate(plan, io)
  if (!certificate) return interrupted(io)
  io.stdout(flags.json ? `${JSON.stringify(certificate, undefined, 2)}\n` : textOf(certificate))
  if (out !== undefined) await save(out, certificate)
  const valid = certificate.problems.length === 0
  const kept = valid ? await keepCertificate(certificate, io.env) : undefined
  if (!flags.json) io.stdout(`\n${whereText(kept, out)}`)
  return valid ? exitCodes.valid : exitCodes.invalid
}

function whereText(kept: string | undefined, out: string | undefined): string {
  const store =
    kept === undefined ? 'Not kept: no run may be judged with it.' : `Kept for runs: ${kept}`
  return out === undefined ? `${store}\n` : `Certificate: ${out}\n${store}\n`
}

/** Measures the instrument and leaves nothing on disk; nothing when it is interrupted. @throws UserError */
export async function calibrate(plan: CalibrationPlan, io: Io): Promise<Certificate | undefined> {
  const date = new Date().toISOString()
  const folder = await mkdtemp(join(tmpdir(), 'baremark-calibrate-'))
  try {
    const measured = await measureInstrument(plan, folder, io)
    return io.signal.aborted ? undefined : certify(plan, measured, date)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function interrupted(io: Io): ExitCode {
  io.stderr('Interrupted: there is no certificate.\n')
  return io.signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted
}

/** @throws UserError with exit code 6 */
async function save(file: string, certificate: Certificate): Promise<void> {
  try {
    await writeJson(file, certificate)
  } catch (cause) {
    throw new UserError(messageOf(cause), {
      remedy: 'Choose another file with --out.',
      exitCode: exitCodes.reportNotWritten,
      cause,
    })
  }
}

/** What a calibration measured. */
export interface Calibration {
  readonly levels: readonly InstrumentLevel[]
  readonly stampsWithoutRecord: number
}

/** Starts the reference server with further flags of `serve`. A test may start it elsewhere. */
export type StartServer = (flags: readonly string[]) => Promise<EngineProcess>

const startServerProcess: StartServer = (flags) => startEngineProcess('simulated', flags)

const INPUT_TOKENS = 16
const WARMUP_S = 1
/** Faster than the loop turns: waiting for a prompt to be read would only hold up the chunks of others. */
const PREFILL_TOKENS_PER_S = 1_000_000
/** So that the server's steps do not fall into step with the client's timers. */
const JITTER = 0.1
/** In open loop as many as there are must have a slot. */
const SLOTS = 4096

/**
 * Puts the load on the reference server, with the engine that measures any server, and compares what
 * both sides wrote down. It is all in `folder` then: `stamps.jsonl` of the server, and of the client
 * `requests-<n>.jsonl` and `run-<n>.json` for each kind of load, from 0.
 *
 * @throws UserError when the server does not start, the disk refuses, or too few files may be open
 */
export async function measureInstrument(
  plan: CalibrationPlan,
  folder: string,
  io: Io,
  startServer: StartServer = startServerProcess,
): Promise<Calibration> {
  for (const load of loadsOf(plan)) await checkOpenFiles(load)
  const stampFile = join(folder, 'stamps.jsonl')
  const server = await startServer([...serverFlags(plan), '--stamps', stampFile])
  const runs = await runAll(plan, server, folder, io).finally(server.stop)
  const stamps = await readStampFile(stampFile)
  const levels = runs.flatMap(({ logs, ...run }) =>
    logs.map((log) => instrumentLevel(log, { ...run, stamps })),
  )
  const paired = levels.map(
    ({ agreement: { requests } }) => requests.compared + requests.miscounted,
  )
  return {
    levels,
    stampsWithoutRecord: paired.reduce((left, pairs) => left - pairs, stamps.length),
  }
}

function serverFlags({ concurrency, chunksPerS, bursts }: CalibrationPlan): string[] {
  return [
    ...['--slots', String(Math.max(SLOTS, ...concurrency))],
    ...['--prefill-tokens-per-s', String(PREFILL_TOKENS_PER_S)],
    ...['--decode-base-ms', String(MS_PER_S / chunksPerS)],
    ...['--decode-per-sequence-ms', '0'],
    ...['--jitter', String(JITTER)],
    ...(bursts ? [] : ['--spread']),
  ]
}

/** One kind of load, run: what the client says. */
interface ClientSide {
  readonly idPrefix: string
  readonly epochMonotonicMs: number
  readonly records: readonly RequestRecord[]
  readonly logs: readonly LevelLog[]
}

async function runAll(
  plan: CalibrationPlan,
  server: EngineProcess,
  folder: string,
  io: Io,
): Promise<ClientSide[]> {
  const runs: ClientSide[] = []
  for (const [index, load] of loadsOf(plan).entries()) {
    if (io.signal.aborted) break
    const journalFile = join(folder, `requests-${index}.jsonl`)
    const idPrefix = `calibrate-${index}`
    const run = await runOne(
      benchmarkOf(plan, load),
      server,
      { journalFile, idPrefix },
      plan.workers,
      io,
    )
    const { records, ...rest } = run
    await writeJson(join(folder, `run-${index}.json`), rest)
    runs.push(run)
  }
  return runs
}

function loadsOf({ concurrency, requestRate }: CalibrationPlan): Load[] {
  const closed: Load = { kind: 'closed', concurrency: [...concurrency] }
  const open: Load = { kind: 'poisson', ratePerS: [...requestRate] }
  return [...(concurrency.length > 0 ? [closed] : []), ...(requestRate.length > 0 ? [open] : [])]
}

function benchmarkOf(plan: CalibrationPlan, load: Load): Benchmark {
  return benchmarkSchema.parse({
    schemaVersion: 1,
    name: 'calibrate',
    workload: { kind: 'synthetic', ...lengthsOf(plan) },
    load,
    warmupS: Math.min(WARMUP_S, plan.durationS),
    durationS: plan.durationS,
  })
}

function lengthsOf(plan: CalibrationPlan): { inputTokens: number; outputTokens: number } {
  return {
    inputTokens: plan.inputTokens ?? INPUT_TOKENS,
    outputTokens: plan.outputChunks ?? usualOutputChunks(plan),
  }
}

/** Half the window at most, so that requests begin and end in it. */
function usualOutputChunks({ chunksPerS, durationS }: CalibrationPlan): number {
  return Math.max(2, Math.round(chunksPerS * Math.min(CALIBRATION_ANSWER_S, durationS / 2)))
}

/** As `baremark run` does it: same threads, same loops, same journal. */
async function runOne(
  benchmark: Benchmark,
  server: EngineProcess,
  { journalFile, idPrefix }: { readonly journalFile: string; readonly idPrefix: string },
  workers: number | undefined,
  io: Io,
): Promise<ClientSide> {
  const url = new URL(server.url)
  const endpoint = await resolveEndpoint(url, { insecure: false })
  const { clock, epoch, epochMonotonicMs } = startClock()
  const journal = await openJournal(journalFile)
  const progress = startProgress(benchmark, io, clock.nowMs)
  const userAgent = `baremark/${packageVersion()}`
  const needs = { outputTokens: longestAnswer(benchmark.workload), loopback: true }
  const template = { url: url.href, model: server.model, userAgent, forceLength: true, idPrefix }
  const logs = await runLoad(benchmark, {
    ...progress,
    clock,
    setup: {
      epochMonotonicMs,
      endpoint,
      template,
      prompts: { kind: 'usage', overheadTokens: 0, tokensPerWord: 1 },
      promptSalt: epoch,
    },
    workersFor: (load) => workers ?? workersFor(load, needs),
    journal,
    signal: io.signal,
  }).finally(async () => {
    progress.close()
    await journal.close()
  })
  const records: RequestRecord[] = []
  await eachRecord(journalFile, (record) => records.push(record))
  return { idPrefix, epochMonotonicMs, records, logs }
}

/** The certificate of what was measured. */
export function certify(plan: CalibrationPlan, measured: Calibration, date: string): Certificate {
  const { api, warmupS } = benchmarkOf(plan, { kind: 'closed', concurrency: [1] })
  const { inputTokens, outputTokens } = lengthsOf(plan)
  return {
    schemaVersion: 1,
    kind: 'baremark-certificate',
    date,
    tool: thisTool(),
    machine: thisClient(),
    load: {
      api,
      chunksPerSPerStream: plan.chunksPerS,
      arrival: plan.bursts ? 'bursts' : 'spread',
      inputTokens,
      outputChunks: outputTokens,
      warmupS,
      windowS: plan.durationS,
    },
    ...measured,
    highestEventsPerS: {
      p99Under1Ms: highestRateUnder(measured.levels, 1),
      p99Under5Ms: highestRateUnder(measured.levels, 5),
    },
    problems: problemsOf(measured),
  }
}

function problemsOf({ levels, stampsWithoutRecord }: Calibration): string[] {
  const found = levels.flatMap(({ label, agreement, ended }) => {
    const { requests, chunks, negativeDelays } = agreement
    const counts: readonly (readonly [number, string])[] = [
      [requests.incomplete + requests.unsent, 'requests were not answered to their end'],
      [requests.recordsWithoutStamp, 'requests are unknown to the server'],
      [chunks.lost, 'chunks were lost'],
      [chunks.invented, 'chunks were never sent'],
      [negativeDelays, 'chunks came before they were sent: clocks or matching are wrong'],
      [ended === 'complete' ? 0 : 1, `level ended early: ${ended}`],
    ]
    return counts
      .filter(([count]) => count > 0)
      .map(([count, what]) => `${label}: ${count} ${what}`)
  })
  const stray = `${stampsWithoutRecord} answers of the server are unknown to the client`
  return stampsWithoutRecord === 0 ? found : [...found, stray]
}

/** The certificate for a terminal. */
function textOf(certificate: Certificate): string {
  const blocks = [
    heading(certificate),
    table(certificate.levels),
    tableNotes(certificate),
    verdict(certificate),
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function heading({ date, tool, machine, load }: Certificate): string[] {
  const moment = load.arrival === 'bursts' ? 'all streams at one moment' : 'spread over time'
  return [
    'Certificate of the instrument: what the client saw, against what the server wrote down',
    '',
    `Date     ${formatDate(date)}`,
    `Tool     ${tool.name} ${tool.version}, Node ${tool.node}, ${tool.platform}`,
    `Machine  ${machine.cpuModel ?? 'CPU unknown'}, ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}`,
    `Load     ${load.chunksPerSPerStream} chunks/s a stream, ${moment}; ${load.outputChunks} chunks an answer; ${load.api}`,
    `Window   ${load.windowS} s a level, after ${load.warmupS} s of warm-up`,
  ]
}

type Row = readonly [string, (level: InstrumentLevel) => string]

const rows: readonly Row[] = [
  ['', ({ label }) => label],
  ['Streams under way', ({ streams }) => formatNumber(streams)],
  ['Events/s', ({ eventsPerS }) => formatCount(eventsPerS)],
  ...errorRows('Detection delay', ({ error }) => error.delayMs, ['p50', 'p99', 'max']),
  ...errorRows('TTFT error', ({ error }) => error.ttftErrorMs, ['p50', 'p99']),
  ...errorRows('Gap error', ({ error }) => error.gapErrorMs, ['p50', 'p99']),
  ...errorRows('Lateness, open loop', ({ error }) => error.latenessMs, ['p50', 'p99', 'max']),
  [
    'Chunks that shared a read',
    ({ error: { chunks } }) => share(chunks.coalesced, chunks.compared),
  ],
  ['Client CPU per event, us', ({ cpuUsPerEvent }) => formatNumber(cpuUsPerEvent)],
  ['Client CPU, of one core', ({ cpuCores }) => formatPercent(cpuCores)],
  ['Whole machine, of all cores', ({ machineCpuRatio }) => formatPercent(machineCpuRatio)],
  ['Event-loop delay p99, ms', ({ loopDelayP99Ms }) => formatNumber(loopDelayP99Ms)],
]

function errorRows(
  name: string,
  of: (level: InstrumentLevel) => Distribution | undefined,
  figures: readonly ('p50' | 'p99' | 'max')[],
): Row[] {
  const figure = (level: InstrumentLevel, key: 'p50' | 'p99' | 'max'): number | undefined =>
    key === 'max' ? of(level)?.max : of(level)?.[key].value
  return figures.map((key) => [`${name} ${key}, ms`, (level) => formatErrorMs(figure(level, key))])
}

function share(part: number, whole: number): string {
  return whole === 0 ? notAvailable : formatPercent(part / whole)
}

const NAME_COLUMNS = 29
const CELL_COLUMNS = 11
const BETWEEN_COLUMNS = 2

function table(levels: readonly InstrumentLevel[]): string[] {
  const columns = levels.map((level) => {
    const cells = rows.map(([, cell]) => cell(level))
    const width = Math.max(CELL_COLUMNS, ...cells.map(({ length }) => length + BETWEEN_COLUMNS))
    return cells.map((cell) => cell.padStart(width))
  })
  return rows.map(
    ([name], row) => name.padEnd(NAME_COLUMNS) + columns.map((cells) => cells[row]).join(''),
  )
}

/** Beyond this, what is ready to run often waits for a core. */
const BUSY_RATIO = 0.8

function tableNotes({ machine, load, levels }: Certificate): string[] {
  const busiest = Math.max(...levels.map(({ machineCpuRatio = 0 }) => machineCpuRatio))
  return [
    'n/a: not measured, or too few samples for that percentile (p99 needs 662).',
    machine.cores === 1
      ? 'Client and server took turns on one core: the figures hold the waiting for that turn.'
      : `Client and server shared the ${machine.cores} cores of this machine: the figures hold what each took away.`,
    ...(busiest > BUSY_RATIO
      ? [
          `The machine was up to ${formatPercent(busiest)} busy: run this again when nothing else does.`,
        ]
      : []),
    'A delay begins just before the server writes, so that it holds the write and the loopback too.',
    'A TTFT error also holds the time until the server noticed the request.',
    ...(load.arrival === 'bursts'
      ? ['In bursts most of a delay is waiting for the chunks of other streams to be read first.']
      : []),
  ]
}

function verdict({ problems, levels, highestEventsPerS }: Certificate): string[] {
  const chunks = levels.reduce((sum, { agreement }) => sum + agreement.chunks.compared, 0)
  return [
    ...(problems.length === 0
      ? [
          `Both sides count the same ${formatCount(chunks)} chunks: none lost or invented, no request unmatched.`,
        ]
      : ['INVALID: the figures must not be believed.', ...problems.map((text) => `  - ${text}`)]),
    'Highest measured event rate with p99 error (detection delay)',
    `  under 1 ms: ${rateText(highestEventsPerS.p99Under1Ms)}`,
    `  under 5 ms: ${rateText(highestEventsPerS.p99Under5Ms)}`,
  ]
}

function rateText(rate: RateUnder): string {
  switch (rate.kind) {
    case 'reached':
      return `${formatCount(rate.eventsPerS)}/s`
    case 'all-under':
      return `${formatCount(rate.eventsPerS)}/s (limit not reached: all levels were under)`
    case 'none':
      return 'none'
    case 'unknown':
      return 'n/a (no level had the 662 chunks that a p99 needs)'
  }
}
