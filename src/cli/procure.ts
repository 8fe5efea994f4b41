import { exitCodes, UserError } from '../errors.ts'
import { measuredProfile } from '../price/catalogue.ts'
import { type Candidate, optionToBuy, type Procurement, procure } from '../price/procure.ts'
import { documentMarkdown, documentText } from '../report/compare-formats.ts'
import { differenceLines, procurementDocument, procurementJson } from '../report/procurement.ts'
import { exists } from '../verify/file-exists.ts'
import { loadScenario, type PriceFlags } from './catalogue.ts'
import type { FormatFlags } from './compare.ts'
import type { Io } from './io.ts'
import { type Priced, pricedAs, readPriced } from './read-priced.ts'
import { parseCount } from './values.ts'

interface ProcureFlags extends FormatFlags, Pick<PriceFlags, 'set'> {
  readonly scenario: string
  readonly option?: string
  readonly force: boolean
}

/** Candidates have letters for names. */
const MOST_CANDIDATES = 26

/**
 * `baremark procure`: exit code 0 whatever it finds.
 *
 * @throws UserError for measurements of different things, unless forced
 */
export async function procureCommand(
  given: readonly string[],
  flags: ProcureFlags,
  io: Io,
): Promise<number> {
  if (flags.json && flags.md)
    throw new UserError('--json and --md are two formats.', { remedy: 'Choose one of them.' })
  if (given.length < 2 || given.length > MOST_CANDIDATES)
    throw new UserError(
      `Candidates are 2 to ${MOST_CANDIDATES}, and ${given.length} ${given.length === 1 ? 'is' : 'are'} given.`,
      { remedy: 'Name a measurement for each: `baremark procure A B --scenario FILE`.' },
    )
  const scenario = await loadScenario({ scenario: flags.scenario, set: flags.set })
  optionToBuy(scenario, flags.option)
  const priced: Priced[] = []
  for (const text of given) priced.push(await readCandidate(text, flags, io))
  refuseRepeated(priced)
  const candidates = priced.map(candidateOf)
  const result = procure(candidates, scenario, flags.option)
  if (result.forced && !flags.force) refuseIncomparable(result)
  const notices = priced.flatMap(({ notices: lines }, index) =>
    lines.map((line) => `${nameOf(index)}: ${line}`),
  )
  io.stdout(print(result, shared(notices, priced.length), flags))
  return exitCodes.valid
}

function print(result: Procurement, notices: readonly string[], { json, md }: FormatFlags): string {
  if (json) return procurementJson(result, notices)
  const document = procurementDocument(result, notices)
  return md ? documentMarkdown(document) : documentText(document)
}

function nameOf(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index)
}

/** What is said of several candidates is said once, with all their names. */
function shared(lines: readonly string[], count: number): string[] {
  const names = new Map<string, string[]>()
  for (const line of lines) {
    const [, name = '', text = ''] = /^([A-Z]): (.*)$/s.exec(line) ?? []
    names.set(text, [...(names.get(text) ?? []), name])
  }
  return [...names].map(([text, whose]) =>
    whose.length === count ? text : `${whose.join(', ')}: ${text}`,
  )
}

/**
 * A measurement, priced as the machine that it was made on: the one named after `@`, else the one that it was priced as when it was
 * made, else the one that was seen, else the scenario's.
 *
 * @throws UserError
 */
async function readCandidate(text: string, flags: ProcureFlags, io: Io): Promise<Priced> {
  const { path, hardware, gpus } = await machineNamed(text)
  const asked = await readPriced(path, { scenario: flags.scenario, set: flags.set }, io)
  const { scenario, subject, catalogue, stored } = asked
  const seen = { ...scenario, hardwareProfile: undefined }
  const hardwareProfile =
    hardware ??
    stored?.hardwareProfile ??
    measuredProfile(subject, seen, catalogue)?.id ??
    scenario.hardwareProfile
  const units = gpus ?? stored?.units ?? scenario.units
  return pricedAs(asked, { ...scenario, hardwareProfile, units })
}

/** `RUN`, `RUN@profile` or `RUN@profile:8`. */
async function machineNamed(
  text: string,
): Promise<{ path: string; hardware?: string; gpus?: number }> {
  const at = text.lastIndexOf('@')
  if (at < 0 || (await exists(text))) return { path: text }
  const [hardware, gpus] = text.slice(at + 1).split(':')
  return {
    path: text.slice(0, at),
    hardware,
    gpus: gpus === undefined ? undefined : parseCount(gpus),
  }
}

/** @throws UserError for one measurement named twice: it would be its own rival */
function refuseRepeated(priced: readonly Priced[]): void {
  const seen = new Map<string, string>()
  for (const each of priced) {
    const identities = identitiesOf(each)
    const before = identities.map((identity) => seen.get(identity)).find((path) => path)
    if (before !== undefined)
      throw new UserError(`${each.path} and ${before} are the same measurement.`, {
        remedy: 'Name each candidate once, and no run beside the group that it is of.',
      })
    for (const identity of identities) seen.set(identity, each.path)
  }
}

function identitiesOf({ path, runs }: Priced): string[] {
  return runs.length === 0 ? [path] : runs.map(({ run }) => `${run.runId} ${run.epoch}`)
}

function candidateOf({ path, subject, cost, runs, imported }: Priced, index: number): Candidate {
  // Runs of a group that measured different things make it INVALID, and so any of the others stands for all.
  const run = runs.find(({ run: { state } }) => state === 'complete') ?? runs[0]
  return {
    name: nameOf(index),
    path,
    subject,
    cost,
    run: run && { run: run.run, summary: run.summary },
    model: imported?.points[0]?.model,
  }
}

function refuseIncomparable({ differences }: Procurement): void {
  throw new UserError(
    `These candidates were measured at different things: ${differenceLines(differences).join('. ')}.`,
    {
      remedy:
        'Measure all of them with the same benchmark and model; --force holds them against each other all the same and says so.',
    },
  )
}
