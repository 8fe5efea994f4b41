import { UserError } from '../errors.ts'
import { rivals, startRivalView } from '../measure/as/index.ts'
import type { Rival } from '../measure/as/rival.ts'
import type { RivalFormat } from '../report/rival-view.ts'
import { readRun } from '../verify/read-run.ts'
import type { Io } from './io.ts'
import { recomputeStored } from './recompute.ts'

/**
 * A stored run by the definitions of another tool, ours beside them; the records are read once for both.
 *
 * @throws UserError when there is no such tool, or it is no results directory
 */
export async function renderAs(
  path: string,
  tool: string,
  { render }: RivalFormat,
  io: Io,
): Promise<string> {
  const rival = rivalNamed(tool)
  const stored = await readRun(path)
  const tally = startRivalView(rival, stored.run)
  const report = await recomputeStored(
    {
      ...stored,
      eachRecord: (visit) =>
        stored.eachRecord((record) => {
          tally.add(record)
          visit(record)
        }),
    },
    {},
    io,
  )
  return render(report, tally.finish(report.summary.points))
}

function rivalNamed(tool: string): Rival {
  const rival = rivals.find(({ name }) => name === tool)
  if (rival) return rival
  throw new UserError(`There is no tool "${tool}" whose definitions are known.`, {
    remedy: `Use one of: ${rivals.map(({ name }) => name).join(', ')}.`,
  })
}
