import { describe, expect, test } from 'vitest'
import type { LoadLevel } from '../../src/load/benchmark.ts'
import {
  type Certificate,
  certificateUse,
  chooseCertificate,
  errorAt,
  judgeCertificate,
  type Measurer,
} from '../../src/measure/instrument-certificate.ts'
import { calibratedLevel, calibratedUsers, certificate, measurer } from './certificates.ts'

describe('a certificate is used for a run of the same machine, Node and version only', () => {
  test('another patch of Node and hours between them do not matter', () => {
    const made = certificate()
    expect(judgeCertificate(measurer(), made)).toEqual({ kind: 'applies', certificate: made })
  })

  const client = { cpuModel: 'Test CPU', cores: 8 }
  const tool = measurer().tool
  test.each<[string, Partial<Measurer>, Partial<Certificate>, string]>([
    [
      'another minor of Node',
      { tool: { ...tool, node: 'v24.20.9' } },
      {},
      'it is of Node v24.21.3, this is v24.20.9',
    ],
    [
      'another version',
      { tool: { ...tool, version: '0.2.0' } },
      {},
      'it is of baremark 0.1.0, this is 0.2.0',
    ],
    [
      'another CPU',
      { client: { ...client, cpuModel: 'Other' } },
      {},
      'it is of Test CPU with 8 cores, this is Other with 8 cores',
    ],
    [
      'fewer cores',
      { client: { ...client, cores: 1 } },
      {},
      'it is of Test CPU with 8 cores, this is Test CPU with 1 core',
    ],
    [
      'a run that does not say its CPU',
      { client: undefined },
      {},
      'the model of the CPU is not known',
    ],
    [
      'a machine that does not say its CPU',
      {},
      { machine: { cores: 8 } },
      'the model of the CPU is not known',
    ],
    ['91 days', { epoch: '2027-02-22T09:00:00.000Z' }, {}, 'it is 91 days old, 90 are allowed'],
    ['a later day', {}, { date: '2026-11-24T00:00:00.000Z' }, 'it is dated after the run'],
    ['problems of its own', {}, { problems: ['chunks were lost'] }, 'its two sides did not agree'],
  ])('%s makes it stale', (_what, of, parts, why) => {
    const made = certificate(parts)
    expect(judgeCertificate(measurer(of), made)).toEqual({
      kind: 'none',
      reason: `the certificate of ${made.date.slice(0, 10)} is stale: ${why}; run \`baremark calibrate\` again`,
    })
  })

  test('90 days to the hour is not too old', () => {
    const epoch = '2027-02-21T08:00:00.000Z'
    expect(judgeCertificate(measurer({ epoch }), certificate()).kind).toBe('applies')
  })

  test('none at all is told with the remedy', () => {
    expect(judgeCertificate(measurer(), undefined)).toEqual({
      kind: 'none',
      reason: 'no certificate: run `baremark calibrate`',
    })
  })

  test('a summary names it by what it is of, and not by its figures', () => {
    expect(certificateUse(judgeCertificate(measurer(), certificate()))).toEqual({
      kind: 'applies',
      date: '2026-11-23T08:00:00.000Z',
      node: 'v24.21.3',
      version: '0.1.0',
      cpuModel: 'Test CPU',
      cores: 8,
      arrival: 'spread',
    })
  })
})

const users = (concurrency: number): LoadLevel => ({ kind: 'closed', concurrency })
const poisson = (ratePerS: number): LoadLevel => ({ kind: 'poisson', ratePerS })
const applies = (parts: Partial<Certificate> = {}) =>
  ({ kind: 'applies', certificate: certificate(parts) }) as const

describe('the error at a load is that of the smallest calibrated level that is no smaller', () => {
  test.each([
    [1, 50, '1 user'],
    [1, 51, '16 users'],
    [2, 10, '16 users'],
    [16, 801, '64 users'],
    [64, 3200, '64 users'],
  ])('%d users and %d events/s: %s', (concurrency, eventsPerS, calibratedAt) => {
    const error = errorAt({ load: users(concurrency), streams: 1, eventsPerS }, applies())
    expect(error).toMatchObject({ kind: 'certified', calibratedAt })
  })

  test('it is copied whole, with the load it was measured at', () => {
    const level = calibratedUsers(16, 800)
    const error = errorAt({ load: users(16), streams: 16, eventsPerS: 700 }, applies())
    expect(error).toEqual({
      kind: 'certified',
      calibratedAt: '16 users',
      calibratedStreams: 16,
      calibratedEventsPerS: 800,
      delayMs: level.error.delayMs,
      ttftErrorMs: level.error.ttftErrorMs,
      gapErrorMs: level.error.gapErrorMs,
    })
  })

  test('in open loop it is of a rate, and holds the lateness', () => {
    const level = calibratedLevel(poisson(20), { streams: 21, eventsPerS: 1000 })
    const open = { load: poisson(18), streams: 20, eventsPerS: 900 }
    expect(errorAt(open, applies({ levels: [level] }))).toMatchObject({
      calibratedAt: '20 req/s Poisson',
      latenessMs: { p50: { value: 0.05 } },
    })
  })
})

describe('beyond what was calibrated there is no error, but the calibration to run', () => {
  const why = (load: LoadLevel, streams: number, eventsPerS: number, parts = {}) => {
    const error = errorAt({ load, streams, eventsPerS }, applies(parts))
    return error.kind === 'unknown' ? error.reason : error
  }

  test('more users', () => {
    // 12,500 x 1.1 / 500 is 27.5.
    expect(why(users(500), 499.7, 12_500)).toBe(
      'this level had 500 streams, calibrated up to 64: run `baremark calibrate --concurrency 500 --chunks-per-s 28`',
    )
  })

  test('more events than any level', () => {
    // 3,600 x 1.1 / 8 is 495, in two digits and not less 500.
    expect(why(users(8), 8, 3600)).toBe(
      'this level had 3600 events/s, calibrated up to 3200: run `baremark calibrate --concurrency 8 --chunks-per-s 500`',
    )
  })

  test('as many of each, but never at once', () => {
    const levels = [calibratedUsers(64, 640), calibratedUsers(4, 4000)]
    expect(why(users(60), 60, 3000, { levels })).toBe(
      'no calibrated level had as much of everything as this one: run `baremark calibrate --concurrency 60 --chunks-per-s 55`',
    )
  })

  test('another kind of loop', () => {
    // 40 requests under way: with answers of 1 s that is 44 a second with the margin; 50 chunks/s each.
    expect(why(poisson(4), 40, 2000)).toBe(
      'this level is open loop, which the certificate has none of: run `baremark calibrate --request-rate 44 --chunks-per-s 50`',
    )
  })

  test('more requests under way than at the calibrated rate', () => {
    const levels = [calibratedLevel(poisson(20), { streams: 21, eventsPerS: 1000 })]
    expect(why(poisson(4), 40, 900, { levels })).toBe(
      'this level had 40 streams on average, calibrated up to 21: run `baremark calibrate --request-rate 44 --chunks-per-s 23`',
    )
  })

  test('a calibrated level that stopped early, or paired no chunk, covers nothing', () => {
    const whole = calibratedUsers(16, 800)
    const { error } = whole
    const levels = [
      { ...whole, ended: 'interrupted' as const },
      { ...whole, error: { ...error, delayMs: { ...error.delayMs, n: 0 } } },
    ]
    expect(why(users(1), 1, 10, { levels })).toMatch('which the certificate has none of')
  })

  test('a level whose own load is unknown', () => {
    expect(errorAt({ load: users(1) }, applies())).toEqual({
      kind: 'unknown',
      reason: 'the load of this level is not known',
    })
  })

  test('and without a certificate the reason is why there is none', () => {
    const none = { kind: 'none', reason: 'because' } as const
    const error = errorAt({ load: users(1), streams: 1, eventsPerS: 1 }, none)
    expect(error).toEqual({ kind: 'unknown', reason: 'because' })
  })
})

describe('of several certificates', () => {
  const made = (date: string, most: number, parts: Partial<Certificate> = {}) => ({
    certificate: certificate({
      date: `2026-${date}T00:00:00.000Z`,
      levels: [calibratedUsers(most, 50 * most)],
      ...parts,
    }),
  })
  const old = made('09-01', 256)
  const recent = made('11-20', 4)
  const newestOfAll = made('11-22', 8, { machine: { cpuModel: 'Other', cores: 8 } })
  const kept = [recent, newestOfAll, old]
  const load = (...concurrency: number[]) => ({ kind: 'closed' as const, concurrency })

  test.each([
    ['the newest that reaches the load', load(1, 4), recent],
    ['an older one where only that reaches it', load(1, 64), old],
    ['the newest that fits where none reaches it', load(1000), recent],
    [
      'the newest that fits for another kind of loop',
      { kind: 'poisson' as const, ratePerS: [2] },
      recent,
    ],
  ])('%s is chosen', (_what, planned, expected) => {
    expect(chooseCertificate(kept, measurer(), planned)).toBe(expected)
  })

  test('where none fits the newest is, to be told why not', () => {
    const elsewhere = measurer({ client: { cpuModel: 'Third', cores: 2 } })
    expect(chooseCertificate(kept, elsewhere, load(1))).toBe(newestOfAll)
  })

  test('of none there is none', () => {
    expect(chooseCertificate([], measurer(), load(1))).toBeUndefined()
  })
})
