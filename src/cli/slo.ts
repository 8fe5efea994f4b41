import { UserError } from '../errors.ts'
import { type Benchmark, benchmarkSchema } from '../load/benchmark.ts'
import type { Limit, LoadAxis, SloPlan } from '../load/search-plan.ts'
import { hasSlo } from '../measure/goodput.ts'
import { neededRequests } from '../measure/search/limits.ts'
import { GOOD_RATIO } from '../price/slo.ts'
import { limitText } from '../report/search-facts.ts'
import { readYamlFile } from '../yaml-file.ts'
import type { Io } from './io.ts'
import { readModelLimits } from './limits.ts'
import { type RunFlags, runBenchmark } from './run.ts'
import {
  axisOf,
  MAX_USERS,
  outsideFlag,
  type RangeFlags,
  sayTime,
  withRange,
} from './search-flags.ts'

interface SloFlags extends RunFlags, RangeFlags {
  readonly slo?: Limit[]
  readonly modelLimits?: string
  /** Ratio. */
  readonly resolution?: number
  readonly confirm: number
}

const DEFAULT_LEVELS = 30
const DEFAULT_RESOLUTION_RATIO = 0.02
/** Near the limit looks contradict each other, and the search steps down; after so many the server is too unsteady to tell. */
const MAX_CANDIDATES = 5
/** How far a search over rates may go down and up from where it starts: ten times by two. */
const RATE_RANGE = 1024
const MAX_RATE_PER_S = 100_000

/** `baremark slo`. @throws UserError */
export async function sloCommand(file: string, flags: SloFlags, io: Io): Promise<number> {
  const read = await readYamlFile(file, benchmarkSchema)
  const published =
    flags.modelLimits === undefined ? undefined : await readModelLimits(flags.modelLimits)
  const { benchmark, plan } = planSlo(read, flags, published)
  const { durationS = 0 } = benchmark
  const { minDurationS = 0 } = published ?? {}
  if (durationS < minDurationS)
    io.stderr(
      `Note: ${flags.modelLimits} asks for ${minDurationS} s or more; levels last ${durationS} s.\n`,
    )
  sayTime(benchmark, plan.maxLevels, io)
  sayNeeds(plan, io)
  return runBenchmark(file, benchmark, flags, io, plan)
}

/**
 * The benchmark, and the search for the highest load at which limits hold.
 *
 * @throws UserError when there is no limit, or flags contradict each other
 */
export function planSlo(
  file: Benchmark,
  flags: SloFlags,
  published?: Pick<SloPlan, 'limits' | 'limitsFrom'>,
): { benchmark: Benchmark; plan: SloPlan } {
  const axis = sloAxis(file, flags)
  const start = startOf(file, flags, axis)
  const rangeOf = {
    users: { lowest: 1, highest: MAX_USERS },
    rate: { lowest: start / RATE_RANGE, highest: Math.min(start * RATE_RANGE, MAX_RATE_PER_S) },
  }[axis]
  const range = { lowest: flags.from ?? rangeOf.lowest, highest: flags.to ?? rangeOf.highest }
  const { benchmark, lowest, highest } = withRange(file, flags, axis, range)
  if (start < lowest || start > highest)
    throw new UserError(`The search is to begin at ${start}, outside ${lowest} to ${highest}.`, {
      remedy: 'Correct --from, --to, --concurrency or --request-rate.',
    })
  const limits = limitsOf(benchmark, flags, published)
  return {
    benchmark,
    plan: {
      question: 'slo',
      axis,
      limits,
      limitsFrom: published?.limitsFrom,
      start,
      lowest,
      highest,
      resolutionRatio: flags.resolution ?? (axis === 'users' ? 0 : DEFAULT_RESOLUTION_RATIO),
      confirmations: flags.confirm,
      maxCandidates: MAX_CANDIDATES,
      maxLevels: flags.maxLevels ?? DEFAULT_LEVELS,
    },
  }
}

function sloAxis(file: Benchmark, flags: SloFlags): LoadAxis {
  const given = flags.concurrency ? 'users' : flags.requestRate ? 'rates' : undefined
  if (given !== undefined && flags.over !== undefined && flags.over !== given)
    throw outsideFlag('over', `the search is to begin with ${given}`)
  return axisOf(file, { over: given ?? flags.over })
}

function startOf(
  { load }: Benchmark,
  { concurrency, requestRate, from, to }: SloFlags,
  axis: LoadAxis,
): number {
  const given = concurrency ?? requestRate
  if (given && given.length > 1) {
    throw new UserError('A search begins at one load.', {
      remedy: 'Give one number; --from and --to say how far it may go.',
    })
  }
  const isSteady = load.kind === 'constant' || load.kind === 'poisson' || load.kind === 'gamma'
  const ofFile =
    axis === 'users' ? (from ?? 1) : isSteady ? Math.min(...load.ratePerS) : (from ?? 1)
  return given?.[0] ?? Math.min(Math.max(ofFile, from ?? ofFile), to ?? ofFile)
}

/** Those that are set by flag; without any, the benchmark's own limits on a request, of which most must be good. */
function limitsOf(
  { slo, requests }: Benchmark,
  flags: SloFlags,
  published?: Pick<SloPlan, 'limits'>,
): Limit[] {
  const asked = [...(flags.slo ?? []), ...(published?.limits ?? [])]
  const hasGoodput = asked.some(({ kind }) => kind === 'goodput')
  const adds = !hasGoodput && (flags.goodput !== undefined || asked.length === 0) && hasSlo(slo)
  const limits: Limit[] = adds ? [...asked, { kind: 'goodput', atLeastRatio: GOOD_RATIO }] : asked
  if (limits.length === 0) {
    throw new UserError('There is no limit to search under.', {
      remedy:
        'Give --slo "ttft p99 <= 2000, tpot p99 <= 200", --goodput "ttft:500 tpot:50", or --model-limits mlperf:llama3.1-8b/server.',
    })
  }
  if (hasGoodput && !hasSlo(slo)) {
    throw new UserError('goodput needs limits that a request must meet to be good.', {
      remedy: 'Give --goodput "ttft:500 tpot:50", or slo in the benchmark.',
    })
  }
  for (const limit of limits) {
    const needed = neededRequests(limit)
    if (requests !== undefined && requests < needed)
      throw new UserError(
        `A level of ${requests} requests can never show that it keeps to ${limitText(limit)}: that takes ${needed}.`,
        { remedy: `Give --requests ${needed} or more, or a --duration.` },
      )
  }
  return limits
}

function sayNeeds({ limits, confirmations, maxCandidates }: SloPlan, io: Io): void {
  const needed = Math.max(...limits.map(neededRequests))
  io.stderr(
    `Search: ${limits.map(limitText).join(', ')}; a level needs ${needed} requests in its window to be judged.\n` +
      `Search: ${1 + confirmations} looks at the load found, at most ${maxCandidates} loads put to that; fixed now.\n`,
  )
}
