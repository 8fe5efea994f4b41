import { expect, test } from 'vitest'
import { startLoadMeter } from '../../src/measure/instrument-load.ts'
import { record } from './records.ts'

test('streams and events/s of a window come from records given one at a time', () => {
  const meter = startLoadMeter({ startMs: 1000, endMs: 3000 })
  meter.add(record({ phase: 'warm-up', sentMs: 0, chunkMs: [900, 1000, 1500], closedMs: 1500 }))
  meter.add(record({ sentMs: 1500, chunkMs: [2000, 3000], closedMs: 3500 }))
  meter.add(record({ sentMs: undefined, chunkMs: [], closedMs: 2000 }))
  // 500 ms of one and 1,500 of the other in 2,000 ms; 1000, 1500 and 2000 in 2 s.
  expect(meter.finish()).toEqual({ streams: 1, eventsPerS: 1.5 })
})

test('a window of no length has no load', () => {
  expect(startLoadMeter({ startMs: 5, endMs: 5 }).finish()).toEqual({})
})
