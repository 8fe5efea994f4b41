import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readWallMeter } from '../detect/telemetry/wall-meter.ts'
import { exitCodes, messageOf, UserError } from '../errors.ts'
import { formatCount, formatMs } from '../report/format.ts'
import { readRun, runFiles } from '../verify/read-run.ts'
import type { WallMeterFile } from '../verify/read-telemetry.ts'
import { rewriteGroupOf } from './group.ts'
import type { Io } from './io.ts'
import { recomputeReport } from './recompute.ts'
import { writeJson, writeWhole } from './results-folder.ts'
import { writeReports } from './write-reports.ts'

interface MeterFlags {
  /** How many ms the meter's clock is behind the machine's. */
  readonly meterOffset: number
  /** Of a log that tells local times. */
  readonly utcOffset?: number
}

/**
 * `baremark meter`: puts the log of an external power meter beside a run, as it is, and writes the run's
 * reports again with the energy at the plug in them.
 *
 * @throws UserError
 */
export async function meterCommand(
  path: string,
  file: string,
  flags: MeterFlags,
  io: Io,
): Promise<number> {
  const { directory, run } = await readRun(path)
  const text = await readLog(file)
  const about: WallMeterFile = {
    schemaVersion: 1,
    offsetMs: flags.meterOffset,
    utcOffsetMinutes: flags.utcOffset,
  }
  const { readings, periodMs, gaps, skippedLines } = readWallMeter(text, about)
  await writeWhole(join(directory, runFiles.wallMeter), text)
  await writeJson(join(directory, runFiles.wallMeterAbout), about)
  const report = await recomputeReport(directory, {}, io)
  await writeReports(report, directory)
  await rewriteGroupOf(directory, io)
  const skipped = skippedLines === 0 ? '' : `, ${formatCount(skippedLines)} lines left out`
  const holes = gaps.length === 0 ? '' : `, ${formatCount(gaps.length)} gaps`
  io.stdout(
    `${formatCount(readings.length)} readings, one every ${formatMs(periodMs)}${holes}${skipped}\n`,
  )
  for (const { label, machine } of report.summary.points) {
    const wall = machine?.scopes.find(({ scope }) => scope === 'wall')
    io.stdout(`${label}: ${wallText(wall)}\n`)
  }
  io.stdout(`Run ${run.runId}: its reports have been written again.\n`)
  return exitCodes.valid
}

function wallText(
  wall:
    | { readonly meanPowerW?: number; readonly status: string; readonly reason?: string }
    | undefined,
): string {
  if (wall === undefined) return 'the meter tells nothing of it'
  if (wall.meanPowerW === undefined) return `no figure (${wall.reason ?? wall.status})`
  return `${wall.meanPowerW.toFixed(1)} W at the plug${wall.status === 'ok' ? '' : ` (${wall.reason ?? wall.status})`}`
}

async function readLog(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new UserError(`Cannot read ${file}: ${messageOf(cause)}`, {
      remedy: 'Check the path and its permissions.',
      cause,
    })
  }
}
