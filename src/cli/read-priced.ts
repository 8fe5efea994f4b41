import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../errors.ts'
import type { Imported } from '../measure/imports/imported.ts'
import type { Catalogue } from '../price/catalogue.ts'
import type { CostReport } from '../price/cost-report.ts'
import { subjectOfGroup } from '../price/group-subject.ts'
import { priceSubject } from '../price/price-subject.ts'
import type { Scenario } from '../price/scenario.ts'
import { type Subject, statedSubject, subjectOfImport } from '../price/subject.ts'
import { frontLines } from '../report/front-matter.ts'
import { groupReport } from '../report/group-report.ts'
import { importedNotice, subjectNotice } from '../report/imported.ts'
import { plainText } from '../report/plain-text.ts'
import { type PricedGroup, pricedGroupNotice } from '../report/priced-group.ts'
import type { Report } from '../report/report.ts'
import { exists } from '../verify/file-exists.ts'
import { groupDirectory } from '../verify/read-group.ts'
import { readImported } from '../verify/read-imported.ts'
import { type Pricing, readPricing, readRun, runFiles } from '../verify/read-run.ts'
import { readSummary } from '../verify/read-summary.ts'
import { loadCatalogue, loadScenario, type PriceFlags } from './catalogue.ts'
import { findRuns } from './group.ts'
import type { Io } from './io.ts'
import { type PricedRun, pricedRun, priceStored, pricingWith } from './recompute.ts'

/** Something measured, and what it costs under a scenario. */
export interface Priced {
  /** As the user named it. */
  readonly path: string
  readonly subject: Subject
  readonly scenario: Scenario
  readonly catalogue: Catalogue
  readonly cost: CostReport
  /** What must be read before any figure. */
  readonly notices: readonly string[]
  /** Of a run of ours. */
  readonly report?: Report
  /** Of a group of runs. */
  readonly group?: PricedGroup
  /** Runs of ours that it rests on: one, or those of a group that tell figures. */
  readonly runs: readonly Pick<Report, 'run' | 'summary'>[]
  /** What it was priced with when it was measured. */
  readonly stored?: Scenario
  /** Of another tool's result. */
  readonly imported?: Imported
}

/**
 * Prices whatever a path holds: a results directory, the summary of one, a group of runs, or another tool's result.
 *
 * @throws UserError when it is none of them
 */
export async function readPriced(path: string, flags: PriceFlags, io: Io): Promise<Priced> {
  const group = await groupFolder(path)
  if (group !== undefined) return pricedGroup(path, group, flags, io)
  const directory = await runDirectory(path)
  if (directory !== undefined) {
    const priced = await priceStored(await readRun(directory), flags, io)
    return ofRun(path, priced, [])
  }
  const summary = (await isFile(path)) ? await readSummary(path) : undefined
  if (summary !== undefined) {
    const priced = pricedRun(summary, await pricingWith(flags, undefined))
    return ofRun(path, priced, [FROM_SUMMARY])
  }
  return pricedImport(path, flags, io)
}

/** A throughput that nobody measured, under a scenario. @throws UserError */
export async function pricedStated(
  outputTokensPerS: number,
  inputTokensPerS: number | undefined,
  flags: PriceFlags,
): Promise<Priced> {
  const today = new Date().toISOString().slice(0, 'YYYY-MM-DD'.length)
  const subject = statedSubject(outputTokensPerS, inputTokensPerS, today)
  const [scenario, catalogue] = await Promise.all([loadScenario(flags), loadCatalogue()])
  const cost = priceSubject(subject, scenario, catalogue)
  return {
    path: subject.what,
    subject,
    scenario,
    catalogue,
    cost,
    notices: subjectNotice(subject, cost),
    runs: [],
  }
}

function ofRun(path: string, priced: PricedRun, before: readonly string[]): Priced {
  const { report } = priced
  const notices = [...before, ...frontLines(report)]
  return { path, ...priced, cost: report.cost, notices, runs: [report] }
}

/** Several runs of one thing: as they were priced, where all of them were so alike, or under other assumptions. @throws UserError */
async function pricedGroup(
  path: string,
  directory: string,
  flags: PriceFlags,
  io: Io,
): Promise<Priced> {
  const { group, found } = await findRuns(directory, io)
  const report = groupReport(group, found)
  const subject = subjectOfGroup(group, found, report.summary)
  const folders = found.flatMap(({ run, ...each }) =>
    run ? [join(directory, each.directory)] : [],
  )
  const stored = await pricingOfAll(directory, folders, flags)
  const { scenario, catalogue } = await pricingWith(flags, stored)
  const runs = found.flatMap(({ run }) => run ?? [])
  const known = { path, subject, catalogue, runs, stored: stored?.scenario }
  return ofGroup(known, { report, found }, scenario)
}

function ofGroup(
  known: Omit<Priced, 'scenario' | 'cost' | 'notices' | 'group'>,
  group: PricedGroup,
  scenario: Scenario,
): Priced {
  const cost = priceSubject(known.subject, scenario, known.catalogue)
  return { ...known, group, scenario, cost, notices: pricedGroupNotice(group, cost) }
}

/**
 * What every run of a group was priced with; nothing where none was.
 *
 * @throws UserError where they were not all priced with the same, and no scenario is named in its place
 */
async function pricingOfAll(
  group: string,
  directories: readonly string[],
  { scenario }: PriceFlags,
): Promise<Pricing | undefined> {
  const pricings: (Pricing | undefined)[] = []
  for (const directory of directories) pricings.push(await readPricing(directory))
  if (new Set(pricings.map((pricing) => JSON.stringify(pricing))).size <= 1) return pricings[0]
  if (scenario !== undefined) return undefined
  throw new UserError(`The runs of ${plainText(group)} were not all priced with the same.`, {
    remedy: 'Say with --scenario what they are to be priced with.',
  })
}

/** The same measurement under another scenario. @throws UserError */
export function pricedAs(priced: Priced, scenario: Scenario): Priced {
  const { path, subject, catalogue, report, group, imported, stored, notices, runs } = priced
  if (report !== undefined) {
    const again = pricedRun(report, { scenario, catalogue })
    return { ...ofRun(path, again, notices.filter(isOfSummary)), stored }
  }
  if (group !== undefined)
    return ofGroup({ path, subject, catalogue, stored, runs }, group, scenario)
  const cost = priceSubject(subject, scenario, catalogue)
  const lines =
    imported === undefined ? subjectNotice(subject, cost) : importedNotice(imported, cost)
  return { path, subject, scenario, catalogue, cost, notices: lines, imported, runs }
}

const FROM_SUMMARY =
  'FROM A SUMMARY: its records are not there, so its figures were not computed again.'

function isOfSummary(line: string): boolean {
  return line === FROM_SUMMARY
}

/** The folder of a group that a path is, or is a report or the log of. */
async function groupFolder(path: string): Promise<string | undefined> {
  const isSummary = basename(path) === runFiles.summary
  return (
    (await groupDirectory(path)) ?? (isSummary ? await groupDirectory(dirname(path)) : undefined)
  )
}

/** The results directory that a path is, or is a file of; nothing where it is anything else. */
export async function runDirectory(path: string): Promise<string | undefined> {
  if (await exists(join(path, runFiles.run))) return path
  const names: readonly string[] = [runFiles.run, runFiles.summary]
  if (!names.includes(basename(path))) return undefined
  return (await exists(join(dirname(path), runFiles.run))) ? dirname(path) : undefined
}

/** Whether a path is a file that is there. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/**
 * Another tool's result, telling what of a folder is none.
 *
 * @throws UserError where nothing is one, or they are of several tools
 */
export async function readOneImported(path: string, io: Pick<Io, 'stderr'>): Promise<Imported> {
  const { imported, skipped } = await readImported(path)
  for (const { file, why } of skipped) io.stderr(`Left out ${plainText(file)}: ${plainText(why)}\n`)
  const [first, ...others] = imported
  if (first === undefined || others.length > 0)
    throw new UserError(`${path} holds results of ${imported.length} tools.`, {
      remedy: 'Name the file of one of them.',
    })
  return first
}

async function pricedImport(path: string, flags: PriceFlags, io: Io): Promise<Priced> {
  const first = await readOneImported(path, io)
  const subject = subjectOfImport(first)
  const [scenario, catalogue] = await Promise.all([loadScenario(flags), loadCatalogue()])
  const cost = priceSubject(subject, scenario, catalogue)
  return {
    path,
    subject,
    scenario,
    catalogue,
    cost,
    notices: importedNotice(first, cost),
    imported: first,
    runs: [],
  }
}
