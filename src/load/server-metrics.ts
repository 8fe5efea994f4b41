import { messageOf, UserError } from '../errors.ts'
import { BYTES_PER_MIB, MS_PER_S } from '../units.ts'
import type { Clock } from './clock.ts'
import { type Access, get, type Patience } from './get.ts'
import { socketPathOf } from './http/socket-url.ts'
import type { TargetIdentity } from './run-log.ts'
import { type ServerReadings, tellsNothing } from './server-readings.ts'
import { serverKindOf } from './servers/kinds.ts'
import type { MetricsPlace } from './servers/server-kind.ts'

/** One look at the server's metrics; `server-metrics.jsonl` of a results directory holds one a line. */
export type ServerSample = {
  /** When it was asked, ms since the run's epoch. The figures are of a moment between this and `atMs + tookMs`. */
  readonly atMs: number
  readonly tookMs: number
} & ({ readonly readings: ServerReadings } | { readonly gap: string })

/** Metrics being read until they are stopped. */
export interface Scraper {
  /** Where they are read; undefined when there are none, for the reason in `none`. */
  readonly address?: string
  readonly none?: string
  /** Takes a last sample, and resolves when it was handed over. Never rejects. */
  readonly stop: () => Promise<void>
}

interface ScraperWorld {
  readonly clock: Clock
  /** Hears of every sample as it comes; what it throws ends the run as any bug does. */
  readonly onSample: (sample: ServerSample) => void
}

const PERIOD_MS = MS_PER_S
/** TensorRT-LLM waits 2 s for something to tell. */
const PATIENCE: Patience = { timeoutMs: 5 * MS_PER_S, maxBytes: 4 * BYTES_PER_MIB }

/**
 * Reads the server's metrics once a second on a connection of its own, in the thread that calls. A
 * look that fails leaves a gap with a reason. Looks never overlap: a slow one puts off the next.
 *
 * @returns once it is known where the metrics are, with the first sample handed over; never rejects
 */
export async function startScraper(
  target: Pick<TargetIdentity, 'url' | 'model' | 'server'>,
  access: Access,
  { clock, onSample }: ScraperWorld,
): Promise<Scraper> {
  const found = await findMetrics(target, access, clock)
  if ('none' in found) return { none: found.none, stop: async () => {} }
  const { place, address, sample } = found
  onSample(sample)
  const ownAccess = accessFor(target.url, address, access)
  const stopping = new AbortController()
  const look = async (): Promise<void> => {
    onSample(await takeSample(place, address, target.model, ownAccess, clock))
  }
  const looking = repeat(look, clock, stopping.signal)
  return {
    address: address.href,
    stop: async () => {
      stopping.abort()
      await looking
      await look()
    },
  }
}

async function repeat(look: () => Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let dueMs = clock.nowMs() + PERIOD_MS; ; dueMs += PERIOD_MS) {
    // Looks that were missed are not made up for.
    dueMs = Math.max(dueMs, clock.nowMs())
    await clock.sleepUntil(dueMs, signal)
    if (signal.aborted) return
    await look()
  }
}

interface FoundMetrics {
  readonly place: MetricsPlace
  readonly address: URL
  readonly sample: ServerSample
}

/** The first place of its kind that tells something, or else one that may do so later. */
async function findMetrics(
  { url, model, server }: Pick<TargetIdentity, 'url' | 'model' | 'server'>,
  access: Access,
  clock: Clock,
): Promise<FoundMetrics | { readonly none: string }> {
  const { metrics } = serverKindOf(server?.kind ?? 'openai')
  if ('none' in metrics) return metrics
  const reasons: string[] = []
  let silent: FoundMetrics | undefined
  for (const place of metrics.places) {
    const address = addressOf(url, place)
    if (address === undefined) continue
    const sample = await takeSample(place, address, model, accessFor(url, address, access), clock)
    if ('gap' in sample) reasons.push(`${address.href}: ${sample.gap}`)
    else if (tellsNothing(sample.readings)) silent ??= { place, address, sample }
    else return { place, address, sample }
  }
  if (silent !== undefined) return silent
  const needs = metrics.needs === undefined ? '' : `; it has to be started with ${metrics.needs}`
  return { none: `No metrics: ${reasons.join('; ')}${needs}.` }
}

/** Unknown for another port than that of a Unix socket, which has none. */
function addressOf(target: string, { path, port }: MetricsPlace): URL | undefined {
  const address = new URL(target.replace(/\/$/, '') + path)
  if (port === undefined) return address
  if (socketPathOf(address) !== undefined) return undefined
  address.pathname = path
  address.port = String(port)
  return address
}

/** The key is for the address it was given for, and for no other port of the machine. */
export function accessFor(target: string, address: URL, access: Access): Access {
  const { protocol, host } = new URL(target)
  const same = protocol === address.protocol && host === address.host
  return same ? access : { ...access, apiKey: undefined }
}

async function takeSample(
  place: MetricsPlace,
  address: URL,
  model: string,
  access: Access,
  clock: Clock,
): Promise<ServerSample> {
  const atMs = clock.nowMs()
  const outcome = await readPlace(place, address, model, access)
  return { atMs, tookMs: clock.nowMs() - atMs, ...outcome }
}

async function readPlace(
  place: MetricsPlace,
  address: URL,
  model: string,
  access: Access,
): Promise<{ readings: ServerReadings } | { gap: string }> {
  try {
    const { status, body } = await get(address, access, PATIENCE)
    if (status !== 200) return { gap: `HTTP ${status}` }
    return { readings: place.read(body, model) }
  } catch (error) {
    if (error instanceof UserError) return { gap: messageOf(error.cause ?? error) }
    if (error instanceof SyntaxError) return { gap: `not readable: ${error.message}` }
    throw error
  }
}

/** A sample as a line of `server-metrics.jsonl`. */
export function serverSampleLine(sample: ServerSample): string {
  return `${JSON.stringify(sample)}\n`
}

/** The samples of a `server-metrics.jsonl`; what a crash left of the last line is left out. */
export function readServerSamples(text: string): ServerSample[] {
  const samples: ServerSample[] = []
  for (const line of text.split('\n')) {
    try {
      if (line !== '') samples.push(JSON.parse(line) as ServerSample)
    } catch {}
  }
  return samples
}
