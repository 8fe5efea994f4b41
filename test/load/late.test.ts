import { expect, test } from 'vitest'
import { startClock } from '../../src/load/clock.ts'

test('someone who is always late does not keep answers, timers and signals out', async () => {
  const { clock } = startClock()
  let heard = false
  setImmediate(() => {
    heard = true
  })
  for (let i = 0; i < 64; i++) await clock.sleepUntil(-1)
  expect(heard).toBe(true)
})
