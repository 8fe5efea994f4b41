import { UserError } from '../errors.ts'
import type { ApiName } from '../load/api-names.ts'
import type { Slo } from '../load/benchmark.ts'
import { type Benchmark, benchmarkSchema, type Load } from '../load/benchmark.ts'

/** What the flags of `run` say about the benchmark. */
export interface BenchmarkFlags {
  readonly api?: string
  readonly concurrency?: number[]
  readonly requestRate?: number[]
  readonly arrivals?: 'constant' | 'poisson' | 'gamma'
  readonly burstiness?: number
  readonly maxInFlight?: number
  readonly thinkTime?: number
  readonly duration?: number
  readonly requests?: number
  readonly warmup?: number
  readonly drain?: number
  readonly isl?: number
  readonly osl?: number
  readonly limit?: number
  readonly goodput?: Slo
  readonly seed?: number
}

/**
 * The benchmark with the flags in force. A bound given by flag replaces the file's bounds, so that
 * `--requests 100` means 100 requests whatever duration the file has.
 *
 * @throws UserError when flags contradict each other, or nothing bounds the run
 */
export function withFlags(benchmark: Benchmark, flags: BenchmarkFlags): Benchmark {
  const bounded = flags.duration !== undefined || flags.requests !== undefined
  const merged = benchmarkSchema.safeParse({
    ...benchmark,
    api: (flags.api ?? benchmark.api) as ApiName,
    workload: workloadWithFlags(benchmark.workload, flags),
    load: loadWithFlags(benchmark.load, flags),
    warmupS: flags.warmup ?? benchmark.warmupS,
    drainS: flags.drain ?? benchmark.drainS,
    durationS: bounded ? flags.duration : benchmark.durationS,
    requests: bounded ? flags.requests : benchmark.requests,
    slo: flags.goodput ?? benchmark.slo,
    seed: flags.seed ?? benchmark.seed,
  })
  if (merged.success) return merged.data
  const issue = merged.error.issues[0]
  throw new UserError(`${issue?.path.join('.')}: ${issue?.message}`, {
    remedy: 'Correct the flag.',
  })
}

function workloadWithFlags(
  workload: Benchmark['workload'],
  { isl, osl, limit }: BenchmarkFlags,
): Benchmark['workload'] {
  switch (workload.kind) {
    case 'synthetic':
    case 'shared-prefix':
      if (limit !== undefined) throw notOf('--limit', workload.kind)
      return {
        ...workload,
        inputTokens: isl ?? workload.inputTokens,
        outputTokens: osl ?? workload.outputTokens,
      }
    case 'multi-turn':
      if (limit !== undefined) throw notOf('--limit', workload.kind)
      if (isl !== undefined) throw notOf('--isl', workload.kind)
      return { ...workload, outputTokens: osl ?? workload.outputTokens }
    case 'dataset':
      if (isl !== undefined) throw notOf('--isl', workload.kind)
      return {
        ...workload,
        limit: limit ?? workload.limit,
        outputTokens: osl ?? workload.outputTokens,
      }
    case 'trace':
      if (isl !== undefined) throw notOf('--isl', workload.kind)
      if (osl !== undefined) throw notOf('--osl', workload.kind)
      return { ...workload, limit: limit ?? workload.limit }
  }
}

function notOf(flag: string, kind: string): UserError {
  return new UserError(`${flag} does not apply to a ${kind} workload.`, {
    remedy: 'Leave it out, or change the workload in its file.',
  })
}

function loadWithFlags(load: Load, flags: BenchmarkFlags): Load {
  const { concurrency, requestRate, arrivals, maxInFlight, thinkTime, burstiness } = flags
  if (concurrency && requestRate) {
    throw new UserError('--concurrency and --request-rate are two kinds of load.', {
      remedy:
        'Give one: a number of users that wait for answers, or a rate that does not. --max-in-flight limits a rate.',
    })
  }
  if (concurrency || (load.kind === 'closed' && !requestRate)) {
    refuseOpenFlags(flags)
    const closed = load.kind === 'closed' ? load : undefined
    return {
      kind: 'closed',
      concurrency: concurrency ?? closed?.concurrency ?? [1],
      thinkS: thinkTime ?? closed?.thinkS,
    }
  }
  if (thinkTime !== undefined) throw onlyFor('--think-time', 'users', '--concurrency')
  const open = load.kind === 'closed' ? undefined : load
  const timetable = open?.kind === 'ramp' || open?.kind === 'trace' ? open : undefined
  if (timetable && !requestRate && arrivals === undefined && burstiness === undefined)
    return { ...timetable, maxInFlight: maxInFlight ?? timetable.maxInFlight }
  const steady = open?.kind === 'ramp' || open?.kind === 'trace' ? undefined : open
  if (timetable && !requestRate)
    throw onlyFor(
      burstiness === undefined ? '--arrivals' : '--burstiness',
      'a rate',
      '--request-rate',
    )
  const shared = {
    ratePerS: requestRate ?? steady?.ratePerS ?? [1],
    maxInFlight: maxInFlight ?? open?.maxInFlight,
  }
  const kind = burstiness !== undefined ? 'gamma' : (arrivals ?? steady?.kind ?? 'poisson')
  switch (kind) {
    case 'constant':
    case 'poisson':
      return { kind, ...shared }
    case 'gamma':
      return { kind, ...shared, shape: burstiness ?? (steady?.kind === 'gamma' ? steady.shape : 1) }
  }
}

function refuseOpenFlags({ arrivals, maxInFlight, burstiness }: BenchmarkFlags): void {
  if (arrivals !== undefined) throw onlyFor('--arrivals', 'a rate', '--request-rate')
  if (maxInFlight !== undefined) throw onlyFor('--max-in-flight', 'a rate', '--request-rate')
  if (burstiness !== undefined) throw onlyFor('--burstiness', 'a rate', '--request-rate')
}

function onlyFor(flag: string, what: string, remedy: string): UserError {
  return new UserError(`${flag} needs ${what}.`, { remedy: `Give ${remedy} too.` })
}
