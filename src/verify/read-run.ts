import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { hardwareProfileSchema } from '../detect/hardware-profile.ts'
import type { Telemetry } from '../detect/telemetry/sample.ts'
import { messageOf, systemErrorCode, UserError } from '../errors.ts'
import { eachRecord, type JournalCounts } from '../load/read-journal.ts'
import type { RequestRecord } from '../load/record.ts'
import type { RunLog } from '../load/run-log.ts'
import type { ServerSample } from '../load/server-metrics.ts'
import type { Certificate } from '../measure/instrument-certificate.ts'
import type { Catalogue } from '../price/catalogue.ts'
import { priceSheetSchema } from '../price/price-sheet.ts'
import { type Scenario, scenarioSchema } from '../price/scenario.ts'
import { reportSchema } from '../report/json-schema.ts'
import { exists } from './file-exists.ts'
import { readCertificate } from './read-certificate.ts'
import { readServerMetrics } from './read-server-metrics.ts'
import { readTelemetryOf, telemetryFiles } from './read-telemetry.ts'

/** Of the folder of a group; beside it lie its reports and the folders of its runs. */
export const GROUP_FILE = 'group.json'

/** Names of the files of a results directory. */
export const runFiles = {
  run: 'run.json',
  records: 'requests.jsonl',
  serverMetrics: 'server-metrics.jsonl',
  ...telemetryFiles,
  pricing: 'pricing.json',
  certificate: 'certificate.json',
  summary: 'summary.json',
  checksums: 'SHA256SUMS',
} as const

const runLogSchema = reportSchema.shape.run

const pricingSchema = z.strictObject({
  schemaVersion: z.literal(1),
  scenario: scenarioSchema,
  catalogue: z.strictObject({
    profiles: z.array(hardwareProfileSchema),
    sheets: z.array(priceSheetSchema),
  }),
})

/** What the run was priced with: enough to price it again offline. */
export interface Pricing {
  readonly schemaVersion: 1
  readonly scenario: Scenario
  readonly catalogue: Catalogue
}

/** The raw content of a results directory; every figure can be computed from it. */
export interface StoredRun {
  readonly directory: string
  readonly run: RunLog
  /** Reads the journal, anew each time: there may be more records than fit into memory. @throws UserError */
  readonly eachRecord: (visit: (record: RequestRecord) => void) => Promise<JournalCounts>
  /** Absent when the run never got as far as prices. */
  readonly pricing?: Pricing
  /** What the instrument was judged with; absent when no certificate was found. */
  readonly certificate?: Certificate
  /** The server's own metrics, look by look; empty when there are none. */
  readonly serverSamples: readonly ServerSample[]
  /** What was seen of the machine; absent when it was not watched. */
  readonly telemetry?: Telemetry
}

/**
 * Reads a results directory, but for its records; a file inside it will do as its name.
 *
 * @throws UserError when it is not one, or was made by another version of the format
 */
export async function readRun(path: string): Promise<StoredRun> {
  const directory =
    basename(path) === runFiles.run || basename(path) === runFiles.summary ? dirname(path) : path
  const run = (await readJson(join(directory, runFiles.run))) as RunLog
  if (!runLogSchema.safeParse(run).success) {
    throw new UserError(
      `${join(directory, runFiles.run)} is not a run log this version can read.`,
      {
        remedy: 'Use the version of baremark that wrote it.',
      },
    )
  }
  const [pricing, certificate, serverSamples, telemetry] = await Promise.all([
    readPricing(directory),
    readCertificateOf(directory),
    readServerMetrics(join(directory, runFiles.serverMetrics)),
    readTelemetryOf(directory, run),
  ])
  return {
    directory,
    run,
    eachRecord: (visit) => eachRecord(join(directory, runFiles.records), visit),
    pricing,
    certificate,
    serverSamples,
    telemetry,
  }
}

async function readCertificateOf(directory: string): Promise<Certificate | undefined> {
  const file = join(directory, runFiles.certificate)
  return (await exists(file)) ? readCertificate(file) : undefined
}

/** What a run was priced with; nothing where that is not stored. @throws UserError for a file of another version */
export async function readPricing(directory: string): Promise<Pricing | undefined> {
  const file = join(directory, runFiles.pricing)
  if (!(await exists(file))) return undefined
  const pricing = pricingSchema.safeParse(await readJson(file))
  if (pricing.success) return pricing.data
  throw new UserError(`${file} is not what this version can read.`, {
    remedy:
      'Use the version of baremark that wrote it, or remove the file to price with the default scenario.',
  })
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT' || systemErrorCode(cause) === 'ENOTDIR') {
      const isGroup = await exists(join(dirname(file), GROUP_FILE))
      throw new UserError(`No ${basename(file)} in ${dirname(file)}.`, {
        remedy: isGroup
          ? 'It is the folder of a group of runs: name one of the folders in it.'
          : 'Is it a results directory?',
        cause,
      })
    }
    throw new UserError(`Cannot read ${file}: ${messageOf(cause)}`, {
      remedy: 'The file is damaged or not readable.',
      cause,
    })
  }
}
