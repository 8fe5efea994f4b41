import { type Load, type LoadLevel, levelsOf } from './benchmark.ts'
import type { AxisLoad } from './search-plan.ts'

/** The axis that a level lies on and where; nothing for one that has no one size. */
export function axisLoadOf(level: LoadLevel): AxisLoad | undefined {
  switch (level.kind) {
    case 'closed':
      return { axis: 'users', size: level.concurrency }
    case 'constant':
    case 'poisson':
    case 'gamma':
      return { axis: 'rate', size: level.ratePerS }
    case 'ramp':
    case 'trace':
      return undefined
  }
}

/** The load level of a size, in all else as the benchmark says; Poisson arrivals where it says nothing of them. */
export function levelAt(load: Load, { axis, size }: AxisLoad): LoadLevel {
  switch (axis) {
    case 'users':
      return {
        kind: 'closed',
        concurrency: size,
        thinkS: load.kind === 'closed' ? load.thinkS : undefined,
      }
    case 'rate': {
      const isSteady = load.kind === 'constant' || load.kind === 'poisson' || load.kind === 'gamma'
      const open = isSteady ? load : ({ kind: 'poisson' } as const)
      const [level] = levelsOf({ ...open, ratePerS: [size] })
      return level ?? { kind: 'poisson', ratePerS: size }
    }
  }
}
