import { describe, expect, test } from 'vitest'
import type { PercentileLimit } from '../../../src/load/search-plan.ts'
import { checkLimit, neededRequests } from '../../../src/measure/search/limits.ts'
import { serviceOf } from '../../../src/measure/search/service.ts'
import { sloTrial } from '../../../src/measure/search/slo.ts'
import type { OperatingPoint } from '../../../src/measure/summary.ts'
import { failedGate, pointWith, sloPlan } from './trials.ts'

const p95: PercentileLimit = {
  kind: 'percentile',
  metric: 'ttftMs',
  p: 95,
  limitMs: 500,
  isStrict: false,
  needsEarlyStopping: false,
}

/** So many requests at 100 ms, and the others at another time. */
const times = (n: number, slow = 0, slowMs = 1_000): number[] =>
  Array.from({ length: n }, (_, i) => (i < slow ? slowMs : 100))

const outcome = (limit: PercentileLimit, ttftMs: readonly number[]): string =>
  checkLimit(limit, pointWith(ttftMs)).outcome

describe('a limit on a percentile', () => {
  test('holds at the limit itself, unless it is strict', () => {
    expect(outcome({ ...p95, limitMs: 100 }, times(200))).toBe('held')
    expect(outcome({ ...p95, limitMs: 100, isStrict: true }, times(200))).toBe('missed')
    expect(outcome({ ...p95, limitMs: 99 }, times(200))).toBe('missed')
  })

  test('under its sample floor holds nothing, however low', () => {
    expect(outcome(p95, times(129))).toBe('too-few-samples')
    expect(outcome(p95, times(130))).toBe('held')
    expect(outcome({ ...p95, p: 99 }, times(661))).toBe('too-few-samples')
    expect(outcome({ ...p95, p: 99 }, times(662))).toBe('held')
  })

  test('is missed under the floor too, where a lower percentile is already over it', () => {
    expect(outcome(p95, times(20, 11))).toBe('missed')
    expect(outcome(p95, times(20, 9))).toBe('too-few-samples')
  })

  test('is not told where there is no such time at all', () => {
    expect(outcome(p95, [])).toBe('not-told')
  })

  test('with early stopping needs proof: of 459 requests at p99 not one may be over, and of 662 one', () => {
    const proven = { ...p95, p: 99 as const, needsEarlyStopping: true }
    // The estimate is the t-th slowest, t = 1 from 662 requests on: the slowest of all.
    expect(outcome(proven, times(700))).toBe('held')
    expect(outcome(proven, times(700, 1))).toBe('not-proven')
    expect(outcome(proven, times(700, 8))).toBe('missed')
    expect(outcome({ ...proven, needsEarlyStopping: false }, times(700, 1))).toBe('held')
  })
})

describe('a limit on goodput', () => {
  const limit = { kind: 'goodput', atLeastRatio: 0.95 } as const
  const point = (goodRatio: number, issued: number): OperatingPoint => {
    const base = pointWith(times(200))
    return {
      ...base,
      requests: { ...base.requests, issued },
      goodput: { slo: { ttftMs: 500 }, goodRatio },
    }
  }

  test('needs as many requests as the percentile of that share', () => {
    expect(neededRequests(limit)).toBe(130)
    expect(checkLimit(limit, point(1, 129)).outcome).toBe('too-few-samples')
    expect(checkLimit(limit, point(0.95, 130)).outcome).toBe('held')
    expect(checkLimit(limit, point(0.949, 130)).outcome).toBe('missed')
  })

  test('is missed by few requests too, where most of them were not good', () => {
    expect(checkLimit(limit, point(0.4, 20)).outcome).toBe('missed')
  })

  test('is not told where no limit on a request was set', () => {
    expect(checkLimit(limit, pointWith(times(200))).outcome).toBe('not-told')
  })
})

describe('whether a level says something about the server', () => {
  const good = pointWith(times(200))
  test.each<[string, Partial<OperatingPoint>, string]>([
    ['nothing failed', {}, 'served'],
    ['a doubt is no reason', { gates: [failedGate('window-length', 'degraded')] }, 'served'],
    ['requests failed', { gates: [failedGate('error-budget')] }, 'beyond'],
    ['the queue grew', { gates: [failedGate('steady-state')] }, 'beyond'],
    ['too many were cut off', { gates: [failedGate('given-up')] }, 'beyond'],
    ['the client was late', { gates: [failedGate('schedule-kept')] }, 'unusable'],
    ['the GPU was hot', { gates: [failedGate('thermal-throttling')] }, 'unusable'],
    ['a gate that nobody thought of', { gates: [failedGate('anything-else')] }, 'unusable'],
    [
      'the client was late and requests failed',
      { gates: [failedGate('error-budget'), failedGate('schedule-kept')] },
      'unusable',
    ],
    ['never sent in closed loop', { gates: [failedGate('all-sent')] }, 'unusable'],
    [
      'never sent, as many were under way as the load allows',
      {
        load: { kind: 'poisson', ratePerS: 1, maxInFlight: 2 },
        gates: [failedGate('all-sent')],
      },
      'beyond',
    ],
    ['the server failed all the time', { ended: 'too-many-failures' }, 'beyond'],
    ['a thread died', { ended: 'worker-died' }, 'unusable'],
    [
      'the client had no file left',
      {
        gates: [failedGate('error-budget')],
        errors: [{ kind: 'too-many-open-files', side: 'client', count: 3, example: '' }],
      },
      'unusable',
    ],
  ])('%s', (_, parts, kind) => {
    expect(serviceOf({ ...good, ...parts })).toMatchObject({
      kind,
      endsSearch: kind === 'unusable' && parts.ended === 'worker-died',
    })
  })

  test('a server that answers nothing, and an interrupt, end the search', () => {
    const nothing = { ...good, requests: { ...good.requests, completed: 0 } }
    expect(serviceOf(nothing)).toMatchObject({ kind: 'unusable', endsSearch: true })
    expect(serviceOf({ ...good, ended: 'interrupted' })).toMatchObject({ endsSearch: true })
  })
})

describe('a level of a search under limits', () => {
  const plan = sloPlan()
  test('whose server gave way misses, though its percentiles look well', () => {
    const point = pointWith(times(200), { gates: [failedGate('steady-state')] })
    expect(sloTrial(plan, point, 8)).toMatchObject({ standing: 'missed' })
  })

  test('that cannot be used neither holds nor misses, whatever its percentiles', () => {
    const gates = [failedGate('schedule-kept')]
    expect(sloTrial(plan, pointWith(times(200), { gates }), 8).standing).toBe('unusable')
    expect(sloTrial(plan, pointWith(times(200, 100), { gates }), 8).standing).toBe('unusable')
  })

  test('whose window was too short for its requests can miss, but not hold', () => {
    const gates = [failedGate('window-covers-requests')]
    expect(sloTrial(plan, pointWith(times(200), { gates }), 8).standing).toBe('unusable')
    expect(sloTrial(plan, pointWith(times(200, 100), { gates }), 8).standing).toBe('missed')
  })

  test('holds where every limit does', () => {
    const both = sloPlan({ limits: [p95, { ...p95, p: 50, limitMs: 99 }] })
    expect(sloTrial(plan, pointWith(times(200)), 8).standing).toBe('held')
    expect(sloTrial(both, pointWith(times(200)), 8).standing).toBe('missed')
  })
})
