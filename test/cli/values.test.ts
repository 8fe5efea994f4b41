import { describe, expect, test } from 'vitest'
import { resolveAliases } from '../../src/cli/aliases.ts'
import { withFlags } from '../../src/cli/overrides.ts'
import {
  parseCount,
  parseCounts,
  parsePort,
  parseRates,
  parseSeconds,
  parseSeed,
  parseSlo,
} from '../../src/cli/values.ts'
import { benchmark } from '../measure/records.ts'

describe('values of flags', () => {
  test.each([
    ['60s', 60],
    ['2m', 120],
    ['500ms', 0.5],
    ['1h', 3600],
    ['1.5', 1.5],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseSeconds(text)).toBe(seconds)
  })

  test.each(['', '-1s', 'soon', '1d', '1,5'])('"%s" is no duration', (text) => {
    expect(() => parseSeconds(text)).toThrow('is not a duration')
  })

  test('a list of counts', () => {
    expect(parseCounts('1, 2,8')).toEqual([1, 2, 8])
    expect(() => parseCounts('1,,2')).toThrow('whole number')
    expect(() => parseCount('1.5')).toThrow('whole number')
  })

  test('rates may be fractions, but not 0 and not infinite', () => {
    expect(parseRates('0.5,4')).toEqual([0.5, 4])
    expect(() => parseRates('0')).toThrow('over 0')
    expect(() => parseRates('inf')).toThrow('no timetable')
  })

  test('seeds may be negative, ports may be 0', () => {
    expect(parseSeed('-3')).toBe(-3)
    expect(parsePort('0')).toBe(0)
    expect(() => parsePort('65536')).toThrow('port')
  })

  test('limits by the names that other tools use', () => {
    const all = { ttftMs: 200, tpotMs: 50, latencyMs: 5000 }
    expect(parseSlo('ttft:200 tpot:50 e2el:5000')).toEqual(all)
    expect(parseSlo('time_to_first_token:200,inter_token_latency:50,request_latency:5000')).toEqual(
      all,
    )
    expect(() => parseSlo('ttfb:200')).toThrow('NAME:MS')
    expect(() => parseSlo('ttft:0')).toThrow('NAME:MS')
  })
})

describe('flags of other tools', () => {
  test('are understood, with and without =', () => {
    expect(
      resolveAliases([
        'run',
        'b.yaml',
        '--max-concurrency',
        '4',
        '--num-prompts=100',
        '--target',
        'http://x',
      ]),
    ).toEqual(['run', 'b.yaml', '--concurrency', '4', '--requests=100', '--url', 'http://x'])
  })

  test('are left alone where they are values', () => {
    expect(resolveAliases(['run', '--model', 'max-concurrency', '--', '--rate'])).toEqual([
      'run',
      '--model',
      'max-concurrency',
      '--',
      '--rate',
    ])
  })
})

describe('flags over a benchmark', () => {
  const file = benchmark({ requests: 50, load: { kind: 'constant', ratePerS: [1] } })

  test('no flags change nothing', () => {
    expect(withFlags(file, {})).toEqual(file)
  })

  test('a bound by flag replaces the bounds of the file', () => {
    expect(withFlags(file, { requests: 7 })).toMatchObject({ requests: 7, durationS: undefined })
    expect(withFlags(file, { duration: 9 })).toMatchObject({ requests: undefined, durationS: 9 })
  })

  test('concurrency makes a closed loop, a rate an open one', () => {
    expect(withFlags(file, { concurrency: [3] }).load).toEqual({ kind: 'closed', concurrency: [3] })
    expect(withFlags(benchmark(), { requestRate: [2] }).load).toEqual({
      kind: 'poisson',
      ratePerS: [2],
    })
    expect(withFlags(file, { requestRate: [2] }).load).toEqual({ kind: 'constant', ratePerS: [2] })
    expect(withFlags(file, { burstiness: 0.5, maxInFlight: 8 }).load).toEqual({
      kind: 'gamma',
      ratePerS: [1],
      shape: 0.5,
      maxInFlight: 8,
    })
    expect(withFlags(benchmark(), { thinkTime: 2 }).load).toMatchObject({
      kind: 'closed',
      thinkS: 2,
    })
    expect(withFlags(file, { arrivals: 'poisson' }).load).toEqual({
      kind: 'poisson',
      ratePerS: [1],
    })
  })

  test('both at once are refused', () => {
    expect(() => withFlags(file, { concurrency: [1], requestRate: [1] })).toThrow(
      'two kinds of load',
    )
    expect(() => withFlags(benchmark(), { arrivals: 'poisson' })).toThrow('needs a rate')
    expect(() => withFlags(benchmark(), { maxInFlight: 2 })).toThrow('needs a rate')
    expect(() => withFlags(file, { thinkTime: 2 })).toThrow('needs users')
  })
})
