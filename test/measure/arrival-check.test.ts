import { expect, test } from 'vitest'
import { arrivalsMs, arrivalsRandom } from '../../src/load/arrivals.ts'
import type { LoadLevel } from '../../src/load/benchmark.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import { startArrivalCheck } from '../../src/measure/arrival-check.ts'
import { randomExponential, seededRandom } from '../../src/random.ts'
import { benchmark, levelLog, record } from './records.ts'

const check = (load: LoadLevel, records: readonly RequestRecord[], startMs = 0) => {
  const { add, finish } = startArrivalCheck(levelLog({ load, level: 3, startMs }), benchmark())
  for (const each of records) add(each)
  return finish()
}
const poisson = { kind: 'poisson', ratePerS: 20 } as const
const due = (dueMs: number, sentMs = dueMs, id = 0) => record({ id, dueMs, sentMs })

test('four gaps by hand: the largest share that lies before a gap on one side and not on the other', () => {
  // Due gaps 10, 10, 10, 10; sent gaps 10, 30, 0, 0.
  const sent = [0, 10, 40, 40, 40]
  const found = check(
    { kind: 'trace', speed: 1 },
    sent.map((sentMs, i) => due(10 * i, sentMs, i)),
  )
  // Up to 0: two of four sent gaps, no due one. From 10 on: three of four against all.
  expect(found?.distance(0)).toBe(0.5)
  // Within 10 ms of each other 0 and 10 are alike, and 30 is not.
  expect(found?.distance(10)).toBe(0.25)
  expect(found?.distance(20)).toBe(0)
  expect(found).toMatchObject({ gaps: 4, distanceLimit: expect.closeTo(1.6276 / 2, 4) })
})

test('what is sent as it was due has no distance, and is due by the seed at the level’s start', () => {
  const timetable = arrivalsMs(poisson, arrivalsRandom(1, 3))
  const records = Array.from({ length: 500 }, (_, id) => {
    const dueMs = Math.round(1000 * (250 + (timetable.next().value ?? 0))) / 1000
    return due(dueMs, dueMs, id)
  })
  const found = check(poisson, records, 250)
  expect(found?.distance(0)).toBe(0)
  expect(found?.notOfSeed).toBe(0)
  // Half a second later none is, but by chance.
  expect(check(poisson, records, 750)?.notOfSeed).toBeGreaterThan(495)
  // One that was moved by a millisecond is one.
  const [first, ...others] = records
  const moved = first && { ...first, dueMs: (first.dueMs ?? 0) + 1 }
  expect(check(poisson, moved ? [moved, ...others] : [], 250)?.notOfSeed).toBe(1)
})

test('gaps of half the mean are found in 200 of 200 runs of 400', () => {
  let found = 0
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed)
    let dueMs = 0
    let sentMs = 0
    const records = Array.from({ length: 400 }, (_, id) => {
      dueMs += randomExponential(random, 50)
      sentMs += randomExponential(random, 25)
      return due(dueMs, sentMs, id)
    })
    const { distance, distanceLimit = 0 } = check({ kind: 'trace', speed: 1 }, records) ?? {}
    if ((distance?.(1) ?? 0) > distanceLimit) found++
  }
  expect(found).toBe(200)
})

test('warm-up, what never left and users do not count', () => {
  const warm = { ...due(1), phase: 'warm-up' as const }
  expect(check(poisson, [warm, { ...due(2), sentMs: undefined }, due(3)])).toBeUndefined()
  expect(check({ kind: 'closed', concurrency: 1 }, [due(1), due(2)])).toBeUndefined()
})
