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
    workload: {
      ...benchmark.workload,
      inputTokens: flags.isl ?? benchmark.workload.inputTokens,
      outputTokens: flags.osl ?? benchmark.workload.outputTokens,
    },
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
  const shared = {
    ratePerS: requestRate ?? open?.ratePerS ?? [1],
    maxInFlight: maxInFlight ?? open?.maxInFlight,
  }
  const kind = burstiness !== undefined ? 'gamma' : (arrivals ?? open?.kind ?? 'poisson')
  switch (kind) {
    case 'constant':
    case 'poisson':
      return { kind, ...shared }
    case 'gamma':
      return { kind, ...shared, shape: burstiness ?? (open?.kind === 'gamma' ? open.shape : 1) }
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
