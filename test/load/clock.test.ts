import { expect, test } from 'vitest'
import { startClock } from '../../src/load/clock.ts'

test('the clock starts near 0 and never goes back', () => {
  const { clock } = startClock()
  let earlierMs = 0
  expect(clock.nowMs()).toBeLessThan(1_000)
  for (let i = 0; i < 1_000; i++) {
    const nowMs = clock.nowMs()
    expect(nowMs).toBeGreaterThanOrEqual(earlierMs)
    earlierMs = nowMs
  }
})

test('the epoch is the wall time of zero, in UTC', () => {
  const before = Date.now()
  const { epoch } = startClock()
  expect(new Date(epoch).toISOString()).toBe(epoch)
  expect(Date.parse(epoch)).toBeGreaterThanOrEqual(before)
  expect(Date.parse(epoch)).toBeLessThanOrEqual(Date.now())
})

test('a sleep never ends early', async () => {
  const { clock } = startClock()
  for (let i = 0; i < 20; i++) {
    const dueMs = clock.nowMs() + i * 0.7
    await clock.sleepUntil(dueMs)
    expect(clock.nowMs()).toBeGreaterThanOrEqual(dueMs)
  }
})

test('sleeps that overlap end in the order they are due', async () => {
  const { clock } = startClock()
  const startMs = clock.nowMs()
  const woken: number[] = []
  const sleep = async (ms: number): Promise<void> => {
    await clock.sleepUntil(startMs + ms)
    woken.push(ms)
  }
  await Promise.all([sleep(40), sleep(0), sleep(20)])
  expect(woken).toEqual([0, 20, 40])
})

test('a sleep until the past ends at once', async () => {
  const { clock } = startClock()
  let timerFired = false
  const timer = setTimeout(() => {
    timerFired = true
  }, 0)
  await clock.sleepUntil(clock.nowMs() - 5_000)
  clearTimeout(timer)
  expect(timerFired).toBe(false)
})

test.each([
  ['long', 60_000],
  ['short enough to be polled for', 1],
])('an abort ends a sleep that is %s at once', async (_, ms) => {
  const { clock } = startClock()
  const stop = new AbortController()
  let awake = false
  const sleeping = clock.sleepUntil(clock.nowMs() + ms, stop.signal).then(() => {
    awake = true
  })
  stop.abort()
  await Promise.resolve()
  await Promise.resolve()
  expect(awake).toBe(true)
  await sleeping
})

test('a signal that is already aborted lets nobody sleep', async () => {
  const { clock } = startClock()
  await clock.sleepUntil(clock.nowMs() + 60_000, AbortSignal.abort())
  expect(clock.nowMs()).toBeLessThan(30_000)
})
