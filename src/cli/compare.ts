import { exitCodes, UserError } from '../errors.ts'
import { type Comparison, compareSides } from '../measure/compare.ts'
import { type NoiseFloor, noiseFloor } from '../measure/compare-self.ts'
import { type CompareResult, incomparableLines } from '../report/compare-document.ts'
import { compareJson, compareMarkdown, compareText } from '../report/compare-formats.ts'
import { runsAt } from './group.ts'
import type { Io } from './io.ts'
import { readCompared, readSides } from './read-compared.ts'

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
  const sides = await readSides(lists, (path) => readCompared(path, io))
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
        remedy:
          "Name results directories or other tools' result files: `baremark compare A B`, or `compare A1,A2,A3 B1,B2,B3`.",
      },
    )
  }
  const runs = await pathsOf(aa, io)
  if (given.length === 0 && runs.length >= 2) return [runs]
  throw new UserError('--aa takes 2 or more runs of one thing, and nothing beside it.', {
    remedy: 'Name them with commas: `baremark compare --aa R1,R2,R3`, or the folder of a group.',
  })
}

/** Paths of results, a group's folder standing for those of its runs. @throws UserError for an empty name */
export async function pathsOf(list: string, io: Io): Promise<string[]> {
  const paths = list.split(',').map((path) => path.trim())
  if (!paths.includes('')) return (await Promise.all(paths.map((path) => runsAt(path, io)))).flat()
  throw new UserError(`"${list}" names nothing between two commas.`, {
    remedy: 'Write A1,A2,A3 without spaces.',
  })
}

function refuseIncomparable(result: Comparison | NoiseFloor): void {
  if (!result.forced) return
  const sides = 'sides' in result ? result.sides : [{ name: 'A', runs: result.runs }]
  const isPartlyTold = sides.some(({ runs }) =>
    runs.some(({ verdict }) => verdict === 'NOT JUDGED'),
  )
  const orUntold = isPartlyTold ? ', or nothing says that they measure the same' : ''
  throw new UserError(
    `These runs measure different things${orUntold}: ${incomparableLines(result.differences, sides).join('. ')}.`,
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
