import type { Maybe } from '../arithmetic.ts'
import { type Load, type LoadLevel, levelsOf, sizeOf } from '../load/benchmark.ts'
import type { ClientMachine, RunLog } from '../load/run-log.ts'
import { HOURS_PER_DAY, MS_PER_S, S_PER_HOUR } from '../units.ts'
import type { InstrumentLevel, RateUnder } from './instrument.ts'
import type { AppliedError, CertificateUse, ClientLoad } from './summary.ts'

/** What is known of the instrument on a machine. Times in ms. */
export interface Certificate {
  readonly schemaVersion: 1
  readonly kind: 'baremark-certificate'
  /** ISO 8601 UTC. */
  readonly date: string
  readonly tool: RunLog['tool']
  /** Client and server share its cores. */
  readonly machine: ClientMachine
  readonly load: {
    readonly api: string
    readonly chunksPerSPerStream: number
    readonly arrival: 'spread' | 'bursts'
    readonly inputTokens: number
    readonly outputChunks: number
    readonly warmupS: number
    readonly windowS: number
  }
  readonly levels: readonly InstrumentLevel[]
  /** Answers of the server that no record tells of. */
  readonly stampsWithoutRecord: number
  readonly highestEventsPerS: { readonly p99Under1Ms: RateUnder; readonly p99Under5Ms: RateUnder }
  /** Why the figures must not be believed; empty where they may. */
  readonly problems: readonly string[]
}

/** An answer of a calibration lasts this long, unless it is told otherwise. */
export const CALIBRATION_ANSWER_S = 1

const MAX_AGE_DAYS = 90
const CALIBRATE = 'run `baremark calibrate`'

/** Who measured, and when: what a certificate must be of to say anything of a run. */
export type Measurer = Pick<RunLog, 'tool' | 'client' | 'epoch'>

/** A certificate that may be used, or the reason why none is. */
export type JudgedCertificate =
  | { readonly kind: 'applies'; readonly certificate: Certificate }
  | { readonly kind: 'none'; readonly reason: string }

export const noCertificate: JudgedCertificate = {
  kind: 'none',
  reason: `no certificate: ${CALIBRATE}`,
}

/**
 * Whether a certificate is of this machine, this Node and this version, and at most 90 days older
 * than the run. One that is not is never used.
 */
export function judgeCertificate(
  measurer: Measurer,
  certificate: Certificate | undefined,
): JudgedCertificate {
  if (!certificate) return noCertificate
  const why = whyStale(measurer, certificate)
  if (why === undefined) return { kind: 'applies', certificate }
  const day = certificate.date.slice(0, 10)
  return { kind: 'none', reason: `the certificate of ${day} is stale: ${why}; ${CALIBRATE} again` }
}

/** A judged certificate as a summary tells it. */
export function certificateUse(judged: JudgedCertificate): CertificateUse {
  switch (judged.kind) {
    case 'none':
      return judged
    case 'applies': {
      const { date, tool, machine, load } = judged.certificate
      return {
        kind: 'applies',
        date,
        node: tool.node,
        version: tool.version,
        cpuModel: machine.cpuModel ?? 'unknown',
        cores: machine.cores,
        arrival: load.arrival,
      }
    }
  }
}

/**
 * Of those kept, the newest that fits the measurer and reaches the users or rates planned; else the
 * newest that fits; else the newest, which `judgeCertificate` then says why it cannot be used.
 */
export function chooseCertificate<C extends { readonly certificate: Certificate }>(
  kept: readonly C[],
  measurer: Measurer,
  load: Load,
): C | undefined {
  const newest = kept.toSorted((a, b) => compare(b.certificate.date, a.certificate.date))
  const fitting = newest.filter(
    ({ certificate }) => judgeCertificate(measurer, certificate).kind === 'applies',
  )
  return fitting.find(({ certificate }) => reaches(certificate, load)) ?? fitting[0] ?? newest[0]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function reaches({ levels }: Certificate, load: Load): boolean {
  const sizes = (from: readonly LoadLevel[]): number[] =>
    from
      .filter((level) => isOpen(level) === isOpen(load))
      .map((level) => sizeOf(level) ?? Number.POSITIVE_INFINITY)
  return Math.max(...sizes(levels.map((level) => level.load))) >= Math.max(...sizes(levelsOf(load)))
}

function isOpen({ kind }: Pick<LoadLevel, 'kind'>): boolean {
  return kind !== 'closed'
}

function whyStale({ tool, client, epoch }: Measurer, certificate: Certificate): string | undefined {
  const { machine, problems } = certificate
  const cpus = [machine, client].map((of) => of && `${of.cpuModel} with ${cores(of.cores)}`)
  const ageDays =
    (Date.parse(epoch) - Date.parse(certificate.date)) / (HOURS_PER_DAY * S_PER_HOUR * MS_PER_S)
  if (problems.length > 0) return 'its two sides did not agree'
  if (tool.version !== certificate.tool.version)
    return `it is of baremark ${certificate.tool.version}, this is ${tool.version}`
  if (nodeLine(tool.node) !== nodeLine(certificate.tool.node))
    return `it is of Node ${certificate.tool.node}, this is ${tool.node}`
  if (machine.cpuModel === undefined || client?.cpuModel === undefined)
    return 'the model of the CPU is not known'
  if (cpus[0] !== cpus[1]) return `it is of ${cpus[0]}, this is ${cpus[1]}`
  if (ageDays < 0) return 'it is dated after the run'
  return ageDays > MAX_AGE_DAYS
    ? `it is ${Math.floor(ageDays)} days old, ${MAX_AGE_DAYS} are allowed`
    : undefined
}

function cores(count: number): string {
  return count === 1 ? '1 core' : `${count} cores`
}

/** Major and minor of a version of Node: `v22.3` of `v22.3.1`. */
function nodeLine(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

/** A level to which a certificate is held up. */
export interface MeasuredLoad extends ClientLoad {
  readonly load: LoadLevel
}

/**
 * The error of the calibrated level with the least load that is not less than this level's: of the
 * same kind of loop, with at least as many streams, events/s and, in open loop, requests/s. Between
 * and beyond calibrated levels nothing is estimated.
 */
export function errorAt(level: MeasuredLoad, judged: JudgedCertificate): AppliedError {
  if (judged.kind === 'none') return { kind: 'unknown', reason: judged.reason }
  const calibrated = judged.certificate.levels.filter(
    ({ load, ended, error }) =>
      isOpen(load) === isOpen(level.load) && ended === 'complete' && error.delayMs.n > 0,
  )
  const axes = axesOf(level.load)
  const covering = calibrated.filter((at) => axes.every(({ of }) => notLess(of(at), of(level))))
  const [least] = covering.toSorted((a, b) => (a.eventsPerS ?? 0) - (b.eventsPerS ?? 0))
  return least
    ? applied(least)
    : { kind: 'unknown', reason: whyNotCovered(level, axes, calibrated) }
}

interface Axis {
  readonly unit: string
  readonly of: (level: MeasuredLoad) => Maybe
}

/** A closed loop never has more streams than users, and may have fewer; of an open one the mean is known. */
function axesOf(load: LoadLevel): Axis[] {
  const events: Axis = { unit: 'events/s', of: ({ eventsPerS }) => eventsPerS }
  const size: Axis = { unit: isOpen(load) ? 'requests/s' : 'streams', of: (at) => sizeOf(at.load) }
  const mean: Axis = { unit: 'streams on average', of: ({ streams }) => streams }
  return isOpen(load) ? [size, mean, events] : [size, events]
}

function notLess(calibrated: Maybe, wanted: Maybe): boolean {
  return calibrated !== undefined && wanted !== undefined && calibrated >= wanted
}

function applied({ label, streams = 0, eventsPerS = 0, error }: InstrumentLevel): AppliedError {
  const { delayMs, ttftErrorMs, gapErrorMs, latenessMs } = error
  return {
    kind: 'certified',
    calibratedAt: label,
    calibratedStreams: streams,
    calibratedEventsPerS: eventsPerS,
    delayMs,
    ttftErrorMs,
    gapErrorMs,
    ...(latenessMs ? { latenessMs } : {}),
  }
}

function whyNotCovered(
  level: MeasuredLoad,
  axes: readonly Axis[],
  calibrated: readonly InstrumentLevel[],
): string {
  if (axes.some(({ of }) => of(level) === undefined)) return 'the load of this level is not known'
  const remedy = `run \`${calibrateCommand(level)}\``
  if (calibrated.length === 0) {
    return `this level is ${isOpen(level.load) ? 'open' : 'closed'} loop, which the certificate has none of: ${remedy}`
  }
  const over = axes.flatMap(({ unit, of }) => {
    const most = Math.max(...calibrated.map((at) => of(at) ?? 0))
    const wanted = of(level) ?? 0
    return wanted > most
      ? [`this level had ${round(wanted)} ${unit}, calibrated up to ${round(most)}`]
      : []
  })
  const what = over[0] ?? 'no calibrated level had as much of everything as this one'
  return `${what}: ${remedy}`
}

/** Three digits, and never away from whole ones. */
function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** So much above the load that was, for a calibration does not meet its own load exactly. */
const MARGIN = 1.1

/** The calibration that would cover the level. */
function calibrateCommand({ load, streams = 0, eventsPerS = 0 }: MeasuredLoad): string {
  const planned = sizeOf(load) ?? 1
  const size = isOpen(load)
    ? roundUp(Math.max(planned, streams / CALIBRATION_ANSWER_S) * MARGIN)
    : planned
  const chunksPerS = roundUp(
    (eventsPerS / (isOpen(load) ? size * CALIBRATION_ANSWER_S : size)) * MARGIN,
  )
  return `baremark calibrate --${isOpen(load) ? 'request-rate' : 'concurrency'} ${size} --chunks-per-s ${chunksPerS}`
}

/** Two digits. */
function roundUp(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1)
  return Math.max(1, Math.ceil(Number((value / step).toFixed(9))) * step)
}
