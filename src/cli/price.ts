import { exitCodes, UserError } from '../errors.ts'
import { packageVersion } from '../package-files.ts'
import { buildLedger } from '../price/build-ledger.ts'
import type { CostFigure, CostReport } from '../price/cost-report.ts'
import { diffCosts } from '../price/diff-cost.ts'
import { choosePoint } from '../price/operating-point.ts'
import { figuresAtLevel, priceSubject } from '../price/price-subject.ts'
import { quickPrice } from '../price/quick.ts'
import { type Subject, withShapesOf } from '../price/subject.ts'
import { solveFor } from '../price/uncertainty/indifference.ts'
import { documentMarkdown, documentText } from '../report/compare-formats.ts'
import { costDiffDocument, costDiffJson, sharedNotices } from '../report/cost-diff.ts'
import { explain, explanationJson, explanationText } from '../report/explain.ts'
import { partNotices } from '../report/front-matter.ts'
import { pricedImportText, pricedSubjectText } from '../report/imported.ts'
import { reportFormats } from '../report/index.ts'
import { pricedGroupText } from '../report/priced-group.ts'
import { pricedJson } from '../report/priced-json.ts'
import { quickJson, quickText } from '../report/quick-price.ts'
import { solvedJson, solvedText } from '../report/solved.ts'
import type { PriceFlags } from './catalogue.ts'
import type { FormatFlags } from './compare.ts'
import type { Io } from './io.ts'
import { type Priced, pricedStated, readPriced } from './read-priced.ts'
import { writeReport } from './report.ts'
import type { Question } from './values.ts'

interface PriceCommandFlags extends PriceFlags, FormatFlags {
  readonly html: boolean
  readonly output?: string
  readonly explain?: string
  readonly depth: number
  readonly solve?: Question
  readonly diff?: readonly string[]
  readonly with?: readonly string[]
  readonly throughput?: number
  readonly inputThroughput?: number
  readonly hourly?: number
  readonly utilisation?: number
}

/** `baremark price`. @throws UserError */
export async function priceCommand(
  path: string | undefined,
  flags: PriceCommandFlags,
  io: Io,
): Promise<number> {
  const text = await printed(path, flags, io)
  if (flags.output === undefined) io.stdout(text)
  else await writeReport(flags.output, text)
  return exitCodes.valid
}

async function printed(
  path: string | undefined,
  flags: PriceCommandFlags,
  io: Io,
): Promise<string> {
  refuseMixed(path, flags)
  if (flags.hourly !== undefined) return quick(flags)
  if (flags.diff !== undefined) return diff(path, flags.diff, flags, io)
  const priced = await pricedOf(path, flags, io)
  refuseUnservable(priced)
  if (flags.explain !== undefined) return explained(priced, flags.explain, flags)
  if (flags.solve !== undefined) return solved(priced, flags.solve, flags)
  if (flags.html) return pageOf(priced)
  if (!flags.json) return reportText(priced)
  return pricedJson(priced.cost, priced.notices)
}

/**
 * A report of a run warns of it, as a measurement must not be lost for it; who asks for a price is told that there is none.
 *
 * @throws UserError where no load that was measured met the limits
 */
function refuseUnservable({ subject, cost }: Priced): void {
  if (cost.pricedLevel !== undefined || !subject.hasSlo) return
  throw new UserError(
    `demand: no demand can be served within the SLO of ${subject.what}: ${cost.pricedLevelReason}; expected at least one level that does.`,
    {
      remedy:
        'Measure lower loads, or run again with limits that can be met (--goodput). `baremark report` shows the run as it is.',
    },
  )
}

async function pricedOf(
  path: string | undefined,
  flags: PriceCommandFlags,
  io: Io,
): Promise<Priced> {
  if (path !== undefined) return withOthers(await readPriced(path, flags, io), flags, io)
  if (flags.throughput !== undefined)
    return pricedStated(flags.throughput, flags.inputThroughput, flags)
  throw new UserError('There is nothing to price.', {
    remedy:
      "Name a results directory, the folder of a group of runs, a summary.json or another tool's result; or give --throughput, with --hourly or --scenario.",
  })
}

/**
 * Priced again with what other runs of the same machine tell of loads of other shapes: from them a regression finds what a token of each
 * kind takes.
 */
async function withOthers(priced: Priced, flags: PriceCommandFlags, io: Io): Promise<Priced> {
  if (flags.with === undefined) return priced
  const others: Subject[] = []
  for (const path of flags.with) others.push((await readPriced(path, flags, io)).subject)
  const subject = withShapesOf(priced.subject, others)
  const cost = priceSubject(subject, priced.scenario, priced.catalogue)
  const { report } = priced
  return { ...priced, subject, cost, report: report && { ...report, cost } }
}

/** Flags that mean nothing beside each other. @throws UserError */
function refuseMixed(path: string | undefined, flags: PriceCommandFlags): void {
  const { throughput, hourly, inputThroughput, utilisation, scenario } = flags
  const stated = [throughput, hourly, inputThroughput, utilisation].some(isGiven)
  const asked = (['diff', 'explain', 'solve'] as const).filter((name) => isGiven(flags[name]))
  if (asked.length > 1)
    throw new UserError(`${asked.map((name) => `--${name}`).join(' and ')} are two questions.`, {
      remedy: 'Ask one of them.',
    })
  if (flags.md && flags.diff === undefined)
    throw new UserError('--md is a format of --diff.', {
      remedy: 'For a whole report in Markdown use `baremark report RUN --format md`.',
    })
  if (flags.html) refuseWithPage(asked.length > 0 || flags.json || hourly !== undefined)
  if (!stated) return
  if (path !== undefined || flags.diff !== undefined)
    throw new UserError('A throughput that is stated is priced without any run.', {
      remedy: 'Leave out the run, or --throughput and what belongs to it.',
    })
  if (throughput === undefined || (hourly === undefined) === (scenario === undefined))
    throw new UserError('A stated throughput is priced by the hour or under a scenario.', {
      remedy:
        'Give --throughput in output tokens per second, and either --hourly in USD or --scenario.',
    })
  const other = hourly === undefined ? { utilisation } : underScenario(flags)
  const [useless] = Object.entries(other).find(([, value]) => isGiven(value)) ?? []
  if (useless !== undefined)
    throw new UserError(
      `--${useless} means nothing ${hourly === undefined ? 'under a scenario, where it follows from the demand' : 'beside --hourly'}.`,
      { remedy: 'Leave it out.' },
    )
}

/** @throws UserError */
function refuseWithPage(hasOther: boolean): void {
  if (!hasOther) return
  throw new UserError('--html is the page of a whole price.', {
    remedy: 'Leave out --json, --hourly and what asks for one part of it; or leave out --html.',
  })
}

function isGiven(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0)
}

function underScenario({ set, hardware, gpus, explain: asked, solve }: PriceCommandFlags) {
  return { set, hardware, gpus, explain: asked, solve }
}

function quick({
  throughput = 0,
  hourly = 0,
  inputThroughput,
  utilisation,
  json,
}: PriceCommandFlags) {
  const figures = quickPrice({
    outputTokensPerS: throughput,
    inputTokensPerS: inputThroughput,
    usdPerHour: hourly,
    utilisationRatio: utilisation,
  })
  return json ? quickJson(figures) : quickText(figures)
}

/** A run's whole report; of what has no records, what is known of it and its prices. */
async function pageOf(priced: Priced): Promise<string> {
  const format = reportFormats.find(({ name }) => name === 'html')
  if (priced.report !== undefined && format !== undefined) return format.render(priced.report)
  const { pricedHtml } = await import('../report/html-price.ts')
  return pricedHtml({ ...priced, version: packageVersion() })
}

/** A run has its whole report; another tool's result what its file tells. */
/** A run has its whole report; a group of runs and another tool's result what is said of them before their prices. */
async function reportText(priced: Priced): Promise<string> {
  const { report, group, imported, subject, cost, notices } = priced
  if (group !== undefined) return pricedGroupText(group, subject, cost)
  if (imported !== undefined) return pricedImportText(imported, cost)
  if (report === undefined) return pricedSubjectText(subject, cost)
  const text = reportFormats.find(({ name }) => name === 'text')
  const first = notices.filter((line) => line.startsWith('FROM A SUMMARY'))
  return [...first, (await text?.render(report)) ?? ''].join('\n')
}

function explained(priced: Priced, path: string, { json, depth }: PriceCommandFlags): string {
  const { figures, inLevel, about } = figuresOf(priced, path)
  const explanation = explain(figures, inLevel, depth)
  const notices = [...partNotices(priced.notices).others, ...about]
  return json ? explanationJson(explanation, notices) : explanationText(explanation, notices, depth)
}

/** What one input would have to be for two options to cost the same. */
function solved(
  { subject, scenario, catalogue, notices }: Priced,
  { path, optionA, optionB }: Question,
  { json }: PriceCommandFlags,
): string {
  const { point } = choosePoint(subject)
  const ledger = buildLedger(subject, point, scenario, catalogue)
  const answer = solveFor(ledger, path, optionA, optionB)
  const told = partNotices(notices).others
  return json ? solvedJson(answer, told) : solvedText(answer, told)
}

/** `levels.2.usdPerMillionOutputTokens` is a number of that level's own ledger. */
function figuresOf(
  { subject, scenario, catalogue, cost }: Priced,
  path: string,
): { figures: readonly CostFigure[]; inLevel: string; about: readonly string[] } {
  const [, level, name] = /^levels\.(\d+)\.(.+)$/.exec(path) ?? []
  if (level === undefined || name === undefined)
    return { figures: cost.figures, inLevel: path, about: [] }
  const point = subject.points.find((each) => each.level === Number(level))
  return {
    figures: figuresAtLevel(subject, Number(level), scenario, catalogue),
    inLevel: inLevelPath(name, cost),
    about: [`Priced at level ${level}, ${point?.label ?? ''}, alone.`],
  }
}

/** A level is priced as the first machines of one's own. */
function inLevelPath(name: string, { options }: CostReport): string {
  const own = options.find(({ kind }) => kind === 'owned' || kind === 'colocated')
  return name.includes('.') || own === undefined ? name : `options.${own.id}.${name}`
}

/** Two scenarios on one measurement, or two measurements. */
async function diff(
  path: string | undefined,
  given: readonly string[],
  flags: PriceCommandFlags,
  io: Io,
): Promise<string> {
  const [first, second, ...more] = given
  if (first === undefined || second === undefined || more.length > 0)
    throw new UserError(`--diff takes two, and ${given.length} are given.`, {
      remedy:
        'Write `baremark price RUN --diff A.yaml B.yaml` for two scenarios, or `baremark price --diff RUN1 RUN2` for two runs.',
    })
  if (path !== undefined && flags.scenario !== undefined)
    throw new UserError('--diff of two scenarios needs no --scenario.', { remedy: 'Leave it out.' })
  if (flags.json && flags.md)
    throw new UserError('--json and --md are two formats.', { remedy: 'Choose one of them.' })
  const side = (name: string) =>
    path === undefined
      ? readPriced(name, flags, io)
      : readPriced(path, { ...flags, scenario: name }, io)
  const before = await side(first)
  const after = await side(second)
  const notices = sharedNotices(before.notices, after.notices)
  const result = diffCosts(
    { name: first, subject: before.subject, cost: before.cost },
    { name: second, subject: after.subject, cost: after.cost },
  )
  if (flags.json) return costDiffJson(result, notices)
  const document = costDiffDocument(result, notices)
  return flags.md ? documentMarkdown(document) : documentText(document)
}
