import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readTelemetry } from '../detect/telemetry/read-telemetry.ts'
import type { Telemetry } from '../detect/telemetry/sample.ts'
import { onRunClock, readWallMeter } from '../detect/telemetry/wall-meter.ts'
import { messageOf, UserError } from '../errors.ts'
import type { RunLog } from '../load/run-log.ts'
import { exists } from './file-exists.ts'

/** Names of the files that hold what was seen of the machine. */
export const telemetryFiles = {
  telemetry: 'telemetry.jsonl',
  /** The log of an external meter, as it was handed in. */
  wallMeter: 'wall-meter.log',
  wallMeterAbout: 'wall-meter.json',
} as const

/** What the log of an external meter does not say of itself. */
export interface WallMeterFile {
  readonly schemaVersion: 1
  /** Added to the meter's times to have the machine's, ms. */
  readonly offsetMs: number
  /** Of a log that tells local times. */
  readonly utcOffsetMinutes?: number
}

const wallMeterSchema = z.strictObject({
  schemaVersion: z.literal(1),
  offsetMs: z.number(),
  utcOffsetMinutes: z.number().optional(),
})

/**
 * What was seen of the machine, by the sampler and by an external meter.
 *
 * @returns undefined when nothing was
 * @throws UserError when a file is there that cannot be read
 */
export async function readTelemetryOf(
  directory: string,
  run: RunLog,
): Promise<Telemetry | undefined> {
  const [sampled, meter] = [await readSampled(directory), await readMeter(directory, run)]
  if (meter === undefined) return sampled
  const { devices = [], readings = [], ...rest } = sampled ?? NOTHING_SAMPLED
  return {
    ...rest,
    devices: [...devices, meter.device],
    readings: [...readings, meter.readings],
  }
}

const NOTHING_SAMPLED: Telemetry = {
  periodMs: 0,
  devices: [],
  notUsed: [],
  readings: [],
  lost: [],
  unreadableLines: 0,
}

async function readSampled(directory: string): Promise<Telemetry | undefined> {
  const file = join(directory, telemetryFiles.telemetry)
  if (!(await exists(file))) return undefined
  const telemetry = readTelemetry(await readFile(file, 'utf8'))
  if ('unreadable' in telemetry) throw notReadable(file, telemetry.unreadable)
  return telemetry
}

async function readMeter(
  directory: string,
  { epoch }: RunLog,
): Promise<ReturnType<typeof onRunClock> | undefined> {
  const file = join(directory, telemetryFiles.wallMeter)
  if (!(await exists(file))) return undefined
  const { offsetMs, utcOffsetMinutes } = await readAbout(
    join(directory, telemetryFiles.wallMeterAbout),
  )
  const log = readWallMeter(await readFile(file, 'utf8'), { utcOffsetMinutes })
  return onRunClock(log, { epoch, offsetMs })
}

async function readAbout(file: string): Promise<WallMeterFile> {
  try {
    return wallMeterSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    throw notReadable(file, messageOf(error))
  }
}

function notReadable(file: string, why: string): UserError {
  return new UserError(`${file} cannot be read: ${why}.`, {
    remedy:
      'Use the version of baremark that wrote it, or remove the file to have the figures without it.',
  })
}
