import { type Benchmark, benchmarkSchema } from '../load/benchmark.ts'
import type { SweepPlan } from '../load/search-plan.ts'
import { readYamlFile } from '../yaml-file.ts'
import type { Io } from './io.ts'
import { withFlags } from './overrides.ts'
import { type RunFlags, runBenchmark } from './run.ts'
import {
  axisOf,
  MAX_USERS,
  outsideFlag,
  type RangeFlags,
  sayTime,
  withRange,
} from './search-flags.ts'

interface SweepFlags extends RunFlags, RangeFlags {}

/** GuideLLM and vLLM take 10; one doubling to 512 users alone is as many. */
const DEFAULT_LEVELS = 12
/** Twice the load for a twentieth more is more waiting and hardly more work. */
const MIN_GAIN_RATIO = 0.05

/** `baremark sweep`. @throws UserError */
export async function sweepCommand(file: string, flags: SweepFlags, io: Io): Promise<number> {
  const { benchmark, plan } = planSweep(await readYamlFile(file, benchmarkSchema), flags)
  const { levels } = plan
  if (levels.chosen === 'by-search') {
    // Rates come after a climb over users.
    const climb = plan.axis === 'users' ? 0 : doublings(levels.lowest, levels.highest)
    sayTime(benchmark, climb + levels.maxLevels, io)
  }
  return runBenchmark(file, benchmark, flags, io, plan)
}

/** Levels from one number of users to another by doubling, both of them included. */
function doublings(lowest: number, highest: number): number {
  return 1 + Math.ceil(Math.log2(highest / lowest))
}

/** The benchmark and the levels that it is to be swept over. @throws UserError */
export function planSweep(
  file: Benchmark,
  flags: SweepFlags,
): { benchmark: Benchmark; plan: SweepPlan } {
  const { concurrency, requestRate, from, to } = flags
  if (concurrency || requestRate) {
    for (const flag of ['over', 'from', 'to', 'maxLevels'] as const) {
      if (flags[flag] !== undefined)
        throw outsideFlag(flag, 'the levels are all given: leave one of the two out')
    }
    return givenLevels(withFlags(file, flags))
  }
  const axis = axisOf(file, flags)
  const maxLevels = flags.maxLevels ?? DEFAULT_LEVELS
  if (axis === 'rate' && (from !== undefined || to !== undefined)) {
    if (from === undefined || to === undefined)
      throw outsideFlag(
        from === undefined ? 'to' : 'from',
        'a sweep over rates needs both --from and --to, or neither',
      )
    return givenLevels(withFlags(file, { ...flags, requestRate: geometric(from, to, maxLevels) }))
  }
  const range = { lowest: from ?? 1, highest: to ?? MAX_USERS }
  const { benchmark, lowest, highest } = withRange(file, flags, axis, range)
  return {
    benchmark,
    plan: {
      question: 'sweep',
      axis,
      levels: {
        chosen: 'by-search',
        lowest,
        highest,
        maxLevels,
        minGainRatio: MIN_GAIN_RATIO,
      },
    },
  }
}

function givenLevels(benchmark: Benchmark): { benchmark: Benchmark; plan: SweepPlan } {
  const axis = benchmark.load.kind === 'closed' ? 'users' : 'rate'
  return { benchmark, plan: { question: 'sweep', axis, levels: { chosen: 'by-user' } } }
}

/** From one to the other, a constant ratio apart. @throws UserError */
function geometric(from: number, to: number, count: number): number[] {
  if (!(from < to)) throw outsideFlag('from', 'it must be lower than --to')
  if (count < 2) throw outsideFlag('maxLevels', 'two rates are the fewest between --from and --to')
  const rates = Array.from({ length: count }, (_, i) =>
    Number((from * (to / from) ** (i / (count - 1))).toPrecision(4)),
  )
  return [...new Set(rates)]
}
