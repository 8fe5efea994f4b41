import { describe, expect, test } from 'vitest'
import { parseLimits } from '../../src/cli/limit-text.ts'
import { readModelLimits } from '../../src/cli/limits.ts'
import { planSlo } from '../../src/cli/slo.ts'
import { planSweep } from '../../src/cli/sweep.ts'
import { UserError } from '../../src/errors.ts'
import { benchmark } from '../measure/records.ts'

const remedyOf = async (work: () => unknown): Promise<string> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof UserError) return `${error.message} ${error.remedy}`
    throw error
  }
  return 'nothing was wrong'
}

describe('limits as text', () => {
  const shared = { kind: 'percentile', isStrict: false, needsEarlyStopping: false }

  test('percentiles of times in ms, and the share of good requests', () => {
    expect(
      parseLimits('ttft p99 <= 2000, TPOT p95 < 50ms, latency p50 <= 1.5s, goodput >= 95 %'),
    ).toEqual([
      { ...shared, metric: 'ttftMs', p: 99, limitMs: 2000 },
      { ...shared, metric: 'tpotMs', p: 95, limitMs: 50, isStrict: true },
      { ...shared, metric: 'latencyMs', p: 50, limitMs: 1500 },
      { kind: 'goodput', atLeastRatio: 0.95 },
    ])
    expect(parseLimits('e2el p90<=10')).toMatchObject([{ metric: 'latencyMs', p: 90 }])
  })

  test.each([
    'ttft',
    'ttft p98 <= 1',
    'ttft p99 >= 1',
    'ttft p99 <= 0',
    'goodput >= 1',
    'goodput <= 0.5',
    'ttft p99 <= 5 min',
    'speed p50 <= 1',
  ])('%s is refused, with what may be written', async (text) => {
    expect(await remedyOf(() => parseLimits(text))).toMatch(/is not a limit.*NAME pNN <= MS/)
  })
})

describe('published limits', () => {
  test('are p99, strict and with early stopping, as MLPerf has them', async () => {
    const { limits, limitsFrom, minDurationS } = await readModelLimits(
      'mlperf:llama3.1-8b/interactive',
    )
    const shared = { kind: 'percentile', p: 99, isStrict: true, needsEarlyStopping: true }
    expect(limits).toEqual([
      { ...shared, metric: 'ttftMs', limitMs: 500 },
      { ...shared, metric: 'tpotMs', limitMs: 30 },
    ])
    expect(minDurationS).toBe(600)
    expect(limitsFrom.notes.join()).toContain('Not an MLPerf result')
  })

  test('on which sources disagree say so', async () => {
    const { limits, limitsFrom } = await readModelLimits('mlperf:gpt-oss-120b/interactive')
    expect(limits).toMatchObject([{ limitMs: 2000 }, { limitMs: 15 }])
    expect(limitsFrom.notes.at(-1)).toMatch(
      /disagree on TPOT: 15 ms by .*constants.py.*, which is used, and 20 ms by .*inference_rules/,
    )
  })

  test('of an unknown name are refused with the names there are', async () => {
    expect(await remedyOf(() => readModelLimits('mlperf:llama9/server'))).toContain(
      'llama2-70b/server',
    )
    expect(await remedyOf(() => readModelLimits('specs:x/y'))).toContain('SET of mlperf')
    expect(await remedyOf(() => readModelLimits('mlperf'))).toContain('It has: ')
  })
})

const urls = {
  url: '',
  apiKeyEnv: '',
  insecure: false,
  out: '',
  telemetry: false,
  rest: 0,
} as never
const flags = (parts: object): never => ({ ...(urls as object), confirm: 2, ...parts }) as never
const tpot = parseLimits('tpot p95 <= 50')
const open = benchmark({ load: { kind: 'poisson', ratePerS: [2, 4] } })

describe('a search under limits', () => {
  test('is over users from one to 512, or over rates from the first of the file', () => {
    expect(planSlo(benchmark(), flags({ slo: tpot })).plan).toMatchObject({
      axis: 'users',
      start: 1,
      lowest: 1,
      highest: 512,
      resolutionRatio: 0,
    })
    expect(planSlo(open, flags({ slo: tpot })).plan).toMatchObject({
      axis: 'rate',
      start: 2,
      lowest: 2 / 1024,
      highest: 2048,
      resolutionRatio: 0.02,
    })
  })

  test('takes its start from the flag for users or for a rate', () => {
    expect(planSlo(open, flags({ slo: tpot, concurrency: [8] })).plan).toMatchObject({
      axis: 'users',
      start: 8,
    })
    expect(planSlo(benchmark(), flags({ slo: tpot, requestRate: [3] })).plan).toMatchObject({
      axis: 'rate',
      start: 3,
    })
  })

  test('with limits on requests alone asks for 95 % of good ones', () => {
    const slo = { ttftMs: 500 }
    const goodput = { kind: 'goodput', atLeastRatio: 0.95 }
    expect(planSlo(benchmark({ slo }), flags({})).plan.limits).toEqual([goodput])
    expect(planSlo(benchmark(), flags({ goodput: slo, slo: tpot })).plan.limits).toEqual([
      ...tpot,
      goodput,
    ])
    expect(planSlo(benchmark({ slo }), flags({ slo: tpot })).plan.limits).toEqual(tpot)
  })

  test.each<[string, object, RegExp]>([
    ['without any limit', {}, /no limit to search under.*--slo/],
    [
      'for goodput without limits on requests',
      { slo: parseLimits('goodput >= 0.9') },
      /goodput needs limits/,
    ],
    ['from two loads', { slo: tpot, concurrency: [1, 2] }, /begins at one load/],
    ['outside its range', { slo: tpot, concurrency: [8], to: 4 }, /begin at 8, outside 1 to 4/],
    ['over half a user', { slo: tpot, from: 0.5 }, /users are whole/],
    ['in a range upside down', { slo: tpot, from: 8, to: 4 }, /must not be higher/],
    [
      'of levels too small to judge',
      { slo: tpot, requests: 100, to: 8 },
      /100 requests can never show.*130/,
    ],
    ['over what it does not begin with', { slo: tpot, over: 'rates', concurrency: [8] }, /--over/],
  ])('%s is refused', async (_, parts, why) => {
    expect(await remedyOf(() => planSlo(benchmark(), flags(parts)))).toMatch(why)
  })
})

describe('a sweep', () => {
  test('finds its levels from one user to 512, and no more users than requests', () => {
    expect(planSweep(benchmark(), flags({})).plan.levels).toMatchObject({
      lowest: 1,
      highest: 512,
      maxLevels: 12,
    })
    const { plan, benchmark: ranged } = planSweep(benchmark(), flags({ requests: 40 }))
    expect(plan.levels).toMatchObject({ highest: 40 })
    expect(ranged.load).toMatchObject({ concurrency: [1, 40] })
  })

  test('takes levels that are given, or rates between two bounds', () => {
    const given = planSweep(benchmark(), flags({ concurrency: [1, 3] }))
    expect(given.plan).toEqual({ question: 'sweep', axis: 'users', levels: { chosen: 'by-user' } })
    const bounds = planSweep(open, flags({ from: 1, to: 16, maxLevels: 5 }))
    expect(bounds.plan).toMatchObject({ axis: 'rate', levels: { chosen: 'by-user' } })
    expect(bounds.benchmark.load).toMatchObject({ ratePerS: [1, 2, 4, 8, 16] })
  })

  test('of rates without bounds begins with users', () => {
    const { plan, benchmark: swept } = planSweep(open, flags({}))
    expect(plan).toMatchObject({ axis: 'rate', levels: { chosen: 'by-search', lowest: 1 } })
    expect(swept.load.kind).toBe('poisson')
  })

  test.each<[string, object, RegExp]>([
    ['given levels and a range', { concurrency: [1], to: 4 }, /--to: the levels are all given/],
    ['one bound of two', { over: 'rates', from: 1 }, /--from: a sweep over rates needs both/],
    ['bounds upside down', { over: 'rates', from: 4, to: 1 }, /must be lower/],
    ['one rate between two', { over: 'rates', from: 1, to: 4, maxLevels: 1 }, /two rates/],
  ])('%s are refused', async (_, parts, why) => {
    expect(await remedyOf(() => planSweep(benchmark(), flags(parts)))).toMatch(why)
  })

  test('a ramp has no one number to vary, unless told what', async () => {
    const ramp = benchmark({ load: { kind: 'ramp', stages: [{ forS: 1, ratePerS: 1 }] } })
    expect(await remedyOf(() => planSweep(ramp, flags({})))).toContain('--over')
    expect(planSweep(ramp, flags({ over: 'users' })).benchmark.load).toMatchObject({
      kind: 'closed',
    })
  })
})
