import { exitCodes, UserError } from '../errors.ts'
import { type Comparison, compareSides } from '../measure/compare.ts'
import type { ComparedRun } from '../measure/compare-metrics.ts'
import { type NoiseFloor, noiseFloor } from '../measure/compare-self.ts'
import { type CompareResult, incomparableLines } from '../report/compare-document.ts'
import { compareJson, compareMarkdown, compareText } from '../report/compare-formats.ts'
import { comparedRun } from '../verify/compared-run.ts'
import { isAddedUntilNarrow, runsAt } from './group.ts'
import type { Io } from './io.ts'
import { recomputeReport } from './recompute.ts'

/** How a result is printed; text where neither is asked for. */
export interface FormatFlags {
  readonly json: boolean
  readonly md: boolean
}

interface CompareFlags extends FormatFlags {
  readonly force: boolean
  readonly aa?: string
}

/** Sides have letters for names. */
const MOST_SIDES = 26

/**
 * `baremark compare`: exit code 0 whatever it finds; what runs may be worse by is a policy's to say.
 *
 * @throws UserError for runs that measure different things, unless forced
 */
export async function compareCommand(
  given: readonly string[],
  flags: CompareFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags)
  const lists = await sidesOf(given, flags.aa, io)
  const sides = await readSides(lists, io)
  const result = flags.aa === undefined ? compareSides(sides) : noiseFloor(sides.flat())
  if (!flags.force) refuseIncomparable(result)
  io.stdout(format(result))
  return exitCodes.valid
}

async function sidesOf(
  given: readonly string[],
  aa: string | undefined,
  io: Io,
): Promise<string[][]> {
  if (aa === undefined) {
    if (given.length >= 2 && given.length <= MOST_SIDES)
      return Promise.all(given.map((list) => pathsOf(list, io)))
    throw new UserError(
      `A comparison is of 2 to ${MOST_SIDES} sides, and ${given.length} are given.`,
      {
        remedy: 'Name results directories: `baremark compare A B`, or `compare A1,A2,A3 B1,B2,B3`.',
      },
    )
  }
  const runs = await pathsOf(aa, io)
  if (given.length === 0 && runs.length >= 2) return [runs]
  throw new UserError('--aa takes 2 or more runs of one thing, and nothing beside it.', {
    remedy: 'Name them with commas: `baremark compare --aa R1,R2,R3`, or the folder of a group.',
  })
}

/** Results directories, a group's folder standing for those of its runs. @throws UserError for an empty name */
export async function pathsOf(list: string, io: Io): Promise<string[]> {
  const paths = list.split(',').map((path) => path.trim())
  if (!paths.includes('')) return (await Promise.all(paths.map((path) => runsAt(path, io)))).flat()
  throw new UserError(`"${list}" names no results directory between two commas.`, {
    remedy: 'Write A1,A2,A3 without spaces.',
  })
}

/**
 * Computes every run again from its records, one after the other: there may be more of them than fit into memory.
 *
 * @throws UserError for a run given twice, which would pass for a run without chance
 */
export async function readSides(
  lists: readonly (readonly string[])[],
  io: Io,
): Promise<ComparedRun[][]> {
  const seen = new Map<string, string>()
  const sides: ComparedRun[][] = []
  for (const paths of lists) {
    const side: ComparedRun[] = []
    for (const path of paths) {
      const run = {
        ...comparedRun(path, await recomputeReport(path, {}, io)),
        addedUntilNarrow: await isAddedUntilNarrow(path),
      }
      refuseRepeated(run, seen)
      side.push(run)
    }
    sides.push(side)
  }
  return sides
}

function refuseRepeated({ path, run }: ComparedRun, seen: Map<string, string>): void {
  const identity = `${run.runId} ${run.epoch}`
  const before = seen.get(identity)
  if (before !== undefined) {
    throw new UserError(`${path} and ${before} are the same run, ${run.runId}.`, {
      remedy: 'Name each run once.',
    })
  }
  seen.set(identity, path)
}

function refuseIncomparable(result: Comparison | NoiseFloor): void {
  if (!result.forced) return
  const sides = 'sides' in result ? result.sides : [{ name: 'A', runs: result.runs }]
  throw new UserError(
    `These runs measure different things: ${incomparableLines(result.differences, sides).join('. ')}.`,
    { remedy: 'Compare runs of the same work; --force compares them all the same and says so.' },
  )
}

/** @throws UserError for two formats at once */
export function formatOf({ json, md }: FormatFlags): (result: CompareResult) => string {
  if (json && md)
    throw new UserError('--json and --md are two formats.', { remedy: 'Choose one of them.' })
  if (json) return compareJson
  return md ? compareMarkdown : compareText
}
