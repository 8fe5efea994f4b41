import { expect, test } from 'vitest'
import { throughputAt } from '../../src/measure/frontier.ts'
import type { CurvePoint } from '../../src/measure/monotone-cubic.ts'
import { usdPerMillionTokensAt } from '../../src/price/frontier/front.ts'
import { usdPerMillionTokens } from '../../src/price/unit-cost.ts'

const front: CurvePoint[] = [
  [10, 800],
  [20, 600],
  [40, 200],
]

test('the cost on a front is the rate over the throughput there, so the two never contradict each other', () => {
  for (const wanted of [10, 13, 29, 40]) {
    expect(usdPerMillionTokensAt(front, wanted, 2)).toBe(
      usdPerMillionTokens(2, throughputAt(front, wanted), 1),
    )
  }
  // Half-way between 800 and 600 on this line it is 700: 2 / 2.52.
  expect(usdPerMillionTokensAt(front.slice(0, 2), 15, 2)).toBeCloseTo(2 / 2.52, 12)
})

test('outside the measured ends there is no cost', () => {
  expect(usdPerMillionTokensAt(front, 50, 2)).toBeUndefined()
})
