/**
 * Latencies as a closed loop would have seen them without coordinated omission: each that lasted longer
 * than the interval at which requests were meant stands also for those not sent meanwhile, which would
 * have waited one interval less each (HdrHistogram recordValueWithExpectedInterval). A repair of data
 * already spoilt; measuring from when a request was due needs none.
 *
 * @param expectedInterval in the unit of the values, above 0
 */
export function correctedForOmission(
  values: readonly number[],
  expectedInterval: number,
): number[] {
  if (!(expectedInterval > 0)) throw new RangeError(`interval of ${expectedInterval}`)
  const corrected: number[] = []
  for (const value of values) {
    corrected.push(value)
    for (let k = 1; value - k * expectedInterval >= expectedInterval; k++)
      corrected.push(value - k * expectedInterval)
  }
  return corrected
}
