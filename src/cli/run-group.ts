import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExitCode, exitCodes, messageOf, UserError } from '../errors.ts'
import { type RunGroup, type RunGroupPlan, seedOfRun } from '../load/run-group.ts'
import { spreadsReachable } from '../measure/group-looks.ts'
import { intervalPlan } from '../measure/group-metrics.ts'
import { formatCount, formatPercent } from '../report/format.ts'
import { lookLine } from '../report/group-document.ts'
import { groupFormats } from '../report/group-formats.ts'
import type { GroupReport } from '../report/group-report.ts'
import { plainText } from '../report/plain-text.ts'
import type { Report } from '../report/report.ts'
import { MS_PER_S } from '../units.ts'
import { readGroup } from '../verify/read-group.ts'
import { GROUP_FILE } from '../verify/read-run.ts'
import { thisTool } from './certificate-store.ts'
import { recomputeGroup, writeGroupReports } from './group.ts'
import type { Io } from './io.ts'
import { interruptCode, type RunPlan, runOnce } from './pipeline.ts'
import { makeRunDirectory, writeJson } from './results-folder.ts'

/** What was made of a group, and why no more. */
interface Made {
  /** By the names of the runs' folders. */
  readonly reports: ReadonlyMap<string, Report>
  readonly stopped?: unknown
}

/**
 * The same run several times, each with a results directory of its own inside one folder, and what they come to
 * together. What stops a run ends the group, and what was measured until then is reported.
 *
 * @throws UserError for what the user can fix, where not even one run was made
 */
export async function runGroup(plan: RunPlan, repeats: RunGroupPlan, io: Io): Promise<ExitCode> {
  const startedAt = new Date().toISOString()
  const { benchmark } = plan
  const { runId: groupId, directory } = await makeRunDirectory(
    plan.out,
    startedAt,
    `${benchmark.name}-runs`,
  )
  const group: RunGroup = {
    schemaVersion: 1,
    kind: 'baremark-group',
    groupId,
    tool: thisTool(),
    startedAt,
    benchmark: benchmark.name,
    seed: benchmark.seed,
    plan: repeats,
    state: 'running',
    runs: [],
  }
  await writeJson(join(directory, GROUP_FILE), group)
  tellLooks(repeats, io)
  const { reports, stopped } = await makeRuns({ ...plan, out: directory }, group, io)
  if (reports.size === 0) return endWithout(directory, stopped, io)
  // It names no run while it is not ended: those in its folder are its own.
  const { group: made } = await readGroup(directory)
  const ended: RunGroup = {
    ...made,
    state: 'ended',
    ...(stopped === undefined ? {} : { stopped: whyStopped(stopped, io) }),
  }
  await writeJson(join(directory, GROUP_FILE), ended)
  const report = await recomputeGroup(directory, io, reports)
  await writeGroupReports(report, directory)
  for (const { name, render } of groupFormats) if (name === 'text') io.stdout(render(report))
  io.stdout(`\nResults: ${directory}\nReport:  ${join(directory, 'report.html')}\n`)
  return exitCodeOf(report, io)
}

/** What the looks can reach, while there is still time to plan otherwise. */
function tellLooks(repeats: RunGroupPlan, io: Io): void {
  const { until } = repeats
  if (until === undefined) return
  const { confidence } = intervalPlan(repeats)
  const reachable = spreadsReachable(until, confidence)
    .map(
      ({ afterRuns, spreadRatio }) => `${formatCount(afterRuns)} (${formatPercent(spreadRatio)})`,
    )
    .join(', ')
  io.stderr(
    `Note: looks=${until.looksAfter.length}, each at ${formatPercent(confidence)}. In brackets the spread from run to run at which ±${formatPercent(until.withinRatio)} is just reached, after runs: ${reachable}.\n`,
  )
}

async function makeRuns(plan: RunPlan, group: RunGroup, io: Io): Promise<Made> {
  const { runs, pauseS, until } = group.plan
  const reports = new Map<string, Report>()
  const stderr = sayingOnce(io)
  for (let run = 1; run <= runs; run++) {
    try {
      if (run > 1) await pause(pauseS, io)
      const seed = seedOfRun(group.seed, run)
      io.stderr(`Run ${run} of ${until ? 'at most ' : ''}${runs}, seed ${seed} ...\n`)
      // Signals of their own: what a run hangs on one is gone with it.
      const own = { ...io, stderr, signal: AbortSignal.any([io.signal]) }
      const benchmark = { ...plan.benchmark, seed }
      const { report, directory } = await runOnce({ ...plan, benchmark }, own)
      reports.set(basename(directory), report)
      io.stderr(`Run ${run}: ${report.summary.verdict}, ${report.run.state}, ${directory}\n`)
      io.signal.throwIfAborted()
    } catch (stopped) {
      if (!io.signal.aborted && !(stopped instanceof UserError)) throw stopped
      return { reports, stopped }
    }
    if (until && (await isEnough(plan.out, reports, io))) break
  }
  return { reports }
}

/** What every run warns of is said with the first of them. */
function sayingOnce(io: Io): Io['stderr'] {
  const said = new Set<string>()
  return (text) => {
    if (!/^(Warning|Note): /.test(text)) return io.stderr(text)
    if (!said.has(text)) io.stderr(text)
    said.add(text)
  }
}

/** Cut short by an interrupt. */
async function pause(seconds: number, io: Io): Promise<void> {
  if (seconds === 0) return
  io.stderr(`Pause of ${seconds} s ...\n`)
  await sleep(seconds * MS_PER_S, undefined, { signal: io.signal })
}

/** Whether this was the time for a look, and the look found what was asked for. By the report that will say so. */
async function isEnough(
  directory: string,
  reports: ReadonlyMap<string, Report>,
  io: Io,
): Promise<boolean> {
  const { group, summary } = await recomputeGroup(directory, io, reports)
  const look = summary.looks?.at(-1)
  if (look?.afterRuns !== reports.size || group.plan.until === undefined) return false
  io.stderr(`${lookLine(look, formatPercent(group.plan.until.withinRatio))}\n`)
  return look.reached
}

/** Not one run came to an end of its own: nothing is kept, but what a run may have written. */
async function endWithout(directory: string, stopped: unknown, io: Io): Promise<ExitCode> {
  const { group } = await readGroup(directory)
  if (group.runs.length === 0) await rm(directory, { recursive: true })
  if (!io.signal.aborted) throw stopped
  io.stderr('Interrupted before anything was measured.\n')
  return interruptCode(io)
}

function whyStopped(stopped: unknown, io: Io): string {
  if (io.signal.aborted) return 'interrupted'
  const why = messageOf(stopped)
  io.stderr(`${plainText(why)}\n`)
  return why
}

function exitCodeOf({ summary }: GroupReport, io: Io): ExitCode {
  if (io.signal.aborted) return interruptCode(io)
  if (summary.verdict === 'INVALID') return exitCodes.invalid
  if (summary.verdict === 'PARTIAL') return exitCodes.partial
  const isReached = summary.looks?.some(({ reached }) => reached) ?? true
  return isReached ? exitCodes.valid : exitCodes.threshold
}
