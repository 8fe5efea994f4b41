import type { SloPlan } from '../../load/search-plan.ts'
import type { OperatingPoint } from '../summary.ts'
import { checkLimit } from './limits.ts'
import type {
  LimitCheck,
  Looks,
  NotBracketed,
  SearchStep,
  SloOutcome,
  SloStanding,
  SloTrial,
} from './search-summary.ts'
import { isOnlyTooShort, serviceOf } from './service.ts'

/** What a level says about the limits of a search. */
export function sloTrial(plan: SloPlan, point: OperatingPoint, size: number): SloTrial {
  const checks = plan.limits.map((limit) => checkLimit(limit, point))
  const { level, outputTokensPerS } = point
  return { level, size, ...standingOf(point, checks), checks, outputTokensPerS }
}

function standingOf(
  point: OperatingPoint,
  checks: readonly LimitCheck[],
): Pick<SloTrial, 'standing' | 'service' | 'why' | 'endsSearch'> {
  const service = serviceOf(point)
  const missed = checks.some(({ outcome }) => outcome === 'missed')
  const of = (standing: SloStanding, why: string) => ({
    standing,
    service: service.kind,
    why,
    endsSearch: service.endsSearch,
  })
  switch (service.kind) {
    case 'beyond':
      return of('missed', service.why)
    case 'unusable':
      // A window shorter than its requests makes latencies look too good, and never too bad.
      return missed && isOnlyTooShort(point)
        ? of('missed', 'over a limit')
        : of('unusable', service.why)
    case 'served': {
      if (missed) return of('missed', 'over a limit')
      if (checks.some(({ outcome }) => outcome === 'not-told'))
        return of('unusable', 'what a limit is set on was not told')
      if (checks.some(({ outcome }) => outcome === 'too-few-samples'))
        return of('too-few-samples', 'too few requests')
      if (checks.some(({ outcome }) => outcome === 'not-proven'))
        return of('not-proven', 'not for sure')
      return of('held', '')
    }
  }
}

/** Looks at the lowest load before it is said that none can be served: one bad level is no proof. */
const LOOKS_AT_LOWEST = 2

/** What a search does after the levels so far: always the same after the same. */
export function nextSloStep(plan: SloPlan, trials: readonly SloTrial[]): SearchStep {
  const { next } = decide(plan, trials)
  if (next === undefined || trials.at(-1)?.endsSearch || trials.length >= plan.maxLevels)
    return { kind: 'done' }
  return { kind: 'level', axis: plan.axis, size: next }
}

/** What the levels of a search come to, whether it came to its end or was stopped. */
export function sloOutcome(plan: SloPlan, trials: readonly SloTrial[]): SloOutcome {
  const decided = decide(plan, trials)
  if (decided.next === undefined) return decided.outcome
  const why =
    trials.length >= plan.maxLevels && !trials.at(-1)?.endsSearch
      ? 'levels-used-up'
      : 'stopped-early'
  return notBracketed(why, readTrials(trials))
}

type Decision =
  | { readonly next: number }
  | { readonly next?: undefined; readonly outcome: SloOutcome }

/**
 * Bracketing by doubling or halving, then bisection, then confirmation.
 *
 * A load holds when every look at it held, and no lower load ever missed: where looks contradict each
 * other the worse one counts, so noise can make the answer lower and never higher. `low` is the highest
 * load that holds, or, where none does, the highest of which too little is known to tell.
 */
function decide(plan: SloPlan, trials: readonly SloTrial[]): Decision {
  const known = readTrials(trials)
  const { held, low, high } = known
  const end = (why: NotBracketed): Decision => ({ outcome: notBracketed(why, known) })
  if (trials.length === 0) return { next: plan.start }
  if (failedCandidates(trials) >= plan.maxCandidates) return end('not-confirmed')
  if (high === undefined) {
    if (low !== undefined && low < plan.highest) return { next: Math.min(2 * low, plan.highest) }
    return end(held === undefined ? 'too-few-samples' : 'highest-load-holds')
  }
  if (low === undefined) return downward(plan, trials, high, known)
  const middle = between(plan, low, high)
  if (middle !== undefined) return { next: middle }
  if (held === undefined) return end('too-few-samples')
  return confirm(plan, trials, { held, high }, known)
}

function downward(
  plan: SloPlan,
  trials: readonly SloTrial[],
  high: number,
  known: Known,
): Decision {
  if (high > plan.lowest) return { next: Math.max(halfOf(plan, high), plan.lowest) }
  const at = looksAt(trials, high)
  const standings = trials.filter(({ size }) => size === high).map(({ standing }) => standing)
  if (standings.includes('unusable')) return { outcome: notBracketed('unusable-level', known) }
  if (at.looks < LOOKS_AT_LOWEST) return { next: high }
  return standings.every((standing) => standing === 'missed')
    ? { outcome: { kind: 'unreachable', at } }
    : { outcome: notBracketed('not-confirmed', known) }
}

/** The load found is looked at again, and once more the one just above it. */
function confirm(
  { confirmations }: SloPlan,
  trials: readonly SloTrial[],
  { held, high }: { readonly held: number; readonly high: number },
  known: Known,
): Decision {
  const at = looksAt(trials, held)
  const above = looksAt(trials, high)
  if (!standingsAt(trials, high).some(isNoPass))
    return { outcome: notBracketed(whyNotMissed(trials, high), known) }
  if (at.looks < 2) return { next: held }
  if (above.looks < 2) return { next: high }
  if (at.looks < 1 + confirmations) return { next: held }
  return { outcome: { kind: 'found', at, above, ...figuresAt(trials, held) } }
}

/** A rule that asks for proof is not kept where there is none, so such a load can be the upper end of a bracket. */
function isNoPass(standing: SloStanding): boolean {
  return standing === 'missed' || standing === 'not-proven'
}

function whyNotMissed(trials: readonly SloTrial[], size: number): NotBracketed {
  return standingsAt(trials, size).includes('unusable') ? 'unusable-level' : 'too-few-samples'
}

function standingsAt(trials: readonly SloTrial[], size: number): SloStanding[] {
  return trials.filter((trial) => trial.size === size).map(({ standing }) => standing)
}

/** What the levels so far say about the axis. */
interface Known {
  readonly trials: readonly SloTrial[]
  /** The highest load that holds. */
  readonly held?: number
  /** That, or else the highest that had too few samples. */
  readonly low?: number
  /** The lowest load above it that does not hold. */
  readonly high?: number
}

function readTrials(trials: readonly SloTrial[]): Known {
  const sizes = [...new Set(trials.map(({ size }) => size))].sort((a, b) => a - b)
  const standings = new Map(sizes.map((size) => [size, standingsAt(trials, size)]))
  const all = (size: number, standing: SloStanding): boolean =>
    standings.get(size)?.every((each) => each === standing) ?? false
  const isBad = (size: number): boolean =>
    standings.get(size)?.some((each) => each === 'missed' || each === 'unusable') ?? false
  const ceiling = sizes.find(isBad) ?? Number.POSITIVE_INFINITY
  const under = sizes.filter((size) => size < ceiling)
  const held = under.findLast((size) => all(size, 'held'))
  const low = held ?? under.at(-1)
  const high = sizes.find((size) => size > (low ?? Number.NEGATIVE_INFINITY) && !all(size, 'held'))
  return { trials, held, low, high }
}

/** Loads of which the first look held and a later one did not. */
function failedCandidates(trials: readonly SloTrial[]): number {
  const first = new Map<number, SloStanding>()
  const failed = new Set<number>()
  for (const { size, standing } of trials) {
    const before = first.get(size)
    if (before === undefined) first.set(size, standing)
    else if (before === 'held' && standing !== 'held') failed.add(size)
  }
  return failed.size
}

/** Unknown where the bracket is as narrow as it is to be. Users are whole, and the middle of rates is geometric. */
function between(
  { axis, resolutionRatio }: SloPlan,
  low: number,
  high: number,
): number | undefined {
  switch (axis) {
    case 'users':
      return high - low <= Math.max(1, resolutionRatio * low)
        ? undefined
        : Math.floor((low + high) / 2)
    case 'rate': {
      if (high / low <= 1 + resolutionRatio) return undefined
      const middle = Math.sqrt(low * high)
      const short = Number(middle.toPrecision(4))
      return short > low && short < high ? short : middle
    }
  }
}

function halfOf({ axis }: SloPlan, size: number): number {
  return axis === 'users' ? Math.max(1, Math.floor(size / 2)) : size / 2
}

function looksAt(trials: readonly SloTrial[], size: number): Looks {
  const standings = standingsAt(trials, size)
  const held = standings.filter((standing) => standing === 'held').length
  return { size, held, looks: standings.length }
}

/** The level that stands for a load, and how far its looks lie apart. */
function figuresAt(trials: readonly SloTrial[], size: number) {
  const looks = trials
    .filter((trial) => trial.size === size)
    .toSorted((a, b) => (a.outputTokensPerS ?? 0) - (b.outputTokensPerS ?? 0))
  const median = looks[Math.floor((looks.length - 1) / 2)]
  const [low, high] = [looks[0]?.outputTokensPerS, looks.at(-1)?.outputTokensPerS]
  return {
    level: median?.level ?? 0,
    outputTokensPerS: low === undefined || high === undefined ? undefined : { low, high },
  }
}

function notBracketed(why: NotBracketed, { trials, held, high }: Known): SloOutcome {
  return {
    kind: 'not-bracketed',
    why,
    heldAt: held === undefined ? undefined : looksAt(trials, held),
    level: held === undefined ? undefined : figuresAt(trials, held).level,
    notHeldAt: high === undefined ? undefined : looksAt(trials, high),
  }
}
