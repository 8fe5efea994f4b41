import { UserError } from '../errors.ts'
import type { Slo } from '../load/benchmark.ts'
import { type ApiName, type Benchmark, benchmarkSchema, type Load } from '../load/benchmark.ts'

/** What the flags of `run` say about the benchmark. */
export interface BenchmarkFlags {
  readonly api?: string
  readonly concurrency?: number[]
  readonly requestRate?: number[]
  readonly arrivals?: string
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

function loadWithFlags(load: Load, { concurrency, requestRate, arrivals }: BenchmarkFlags): Load {
  if (concurrency && requestRate) {
    throw new UserError('--concurrency and --request-rate are two kinds of load.', {
      remedy: 'Give one: a number of users that wait for answers, or a rate that does not.',
    })
  }
  if (concurrency) return { kind: 'closed', concurrency }
  const openKind = load.kind === 'closed' ? 'poisson' : load.kind
  const kind = arrivals === undefined ? openKind : arrivalKind(arrivals)
  if (requestRate) return { kind, ratePerS: requestRate }
  if (arrivals === undefined) return load
  if (load.kind === 'closed') {
    throw new UserError('--arrivals needs a rate.', { remedy: 'Give --request-rate too.' })
  }
  return { ...load, kind }
}

function arrivalKind(text: string): 'constant' | 'poisson' {
  if (text === 'constant' || text === 'poisson') return text
  throw new UserError(`"${text}" is not an arrival process.`, {
    remedy: 'Use constant or poisson.',
  })
}
