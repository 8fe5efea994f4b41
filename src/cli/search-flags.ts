import { UserError } from '../errors.ts'
import type { Benchmark } from '../load/benchmark.ts'
import type { LoadAxis } from '../load/search-plan.ts'
import type { Io } from './io.ts'
import { type BenchmarkFlags, withFlags } from './overrides.ts'

/** What the flags of `sweep` and `slo` say about the levels to look for. */
export interface RangeFlags {
  readonly over?: 'users' | 'rates'
  readonly from?: number
  readonly to?: number
  readonly maxLevels?: number
}

/** Users up to which a search goes unless told otherwise: what a process may open files for on most machines. */
export const MAX_USERS = 512

const flagNames = { over: '--over', from: '--from', to: '--to', maxLevels: '--max-levels' } as const

/** @param why the rest of the sentence that begins with the flag's name */
export function outsideFlag(flag: keyof RangeFlags, why: string): UserError {
  return new UserError(`${flagNames[flag]}: ${why}.`, { remedy: 'Correct the flags.' })
}

/** What is varied: by flag, else what the benchmark's load is. @throws UserError */
export function axisOf({ load }: Benchmark, { over }: RangeFlags): LoadAxis {
  if (over !== undefined) return over === 'users' ? 'users' : 'rate'
  switch (load.kind) {
    case 'closed':
      return 'users'
    case 'constant':
    case 'poisson':
    case 'gamma':
      return 'rate'
    case 'ramp':
    case 'trace':
      throw new UserError(`A load of kind ${load.kind} has no one number to vary.`, {
        remedy: 'Say with --over what to put in its place: users or rates.',
      })
  }
}

/** The benchmark with a range of loads, from which limits of this machine and what to expect are judged. @throws UserError */
export function withRange(
  file: Benchmark,
  flags: BenchmarkFlags & RangeFlags,
  axis: LoadAxis,
  { lowest, highest }: { readonly lowest: number; readonly highest: number },
): { benchmark: Benchmark; lowest: number; highest: number } {
  if (lowest > highest) throw outsideFlag('from', 'it must not be higher than --to')
  if (axis === 'rate') {
    const { load } = file
    const isSteady = load.kind === 'constant' || load.kind === 'poisson' || load.kind === 'gamma'
    const requestRate = flags.requestRate ?? (isSteady ? load.ratePerS : [1])
    return { benchmark: withFlags(file, { ...flags, requestRate }), lowest, highest }
  }
  for (const [flag, size] of [['from', lowest] as const, ['to', highest] as const])
    if (!Number.isInteger(size)) throw outsideFlag(flag, 'users are whole')
  // More users than requests would leave some with nothing to do.
  const requests = flags.duration === undefined ? (flags.requests ?? file.requests) : flags.requests
  const most =
    flags.to === undefined ? Math.max(lowest, Math.min(highest, requests ?? highest)) : highest
  const concurrency = lowest === most ? [lowest] : [lowest, most]
  return { benchmark: withFlags(file, { ...flags, concurrency }), lowest, highest: most }
}

/** How long it may take, so that nobody is taken by surprise. */
export function sayTime(
  { warmupS, durationS, drainS }: Benchmark,
  maxLevels: number,
  io: Io,
): void {
  const most = `at most ${maxLevels} load levels`
  const time =
    durationS === undefined
      ? ''
      : `, ${Math.ceil((maxLevels * (warmupS + durationS)) / 60)} min and the wait for last answers (up to ${drainS} s a level)`
  io.stderr(`Search: ${most}${time}. Ctrl-C keeps what was measured.\n`)
}
