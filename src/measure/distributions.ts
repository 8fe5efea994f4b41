import { ratio } from '../arithmetic.ts'
import { MS_PER_S } from '../units.ts'
import { createColumn } from './column.ts'
import { createGapHistogram } from './gap-histogram.ts'
import { createBatchedMean } from './intervals.ts'
import {
  interChunkGapsUs,
  interTokenUs,
  type RequestMetricName,
  requestMetrics,
} from './metrics.ts'
import { distributionOf } from './quantile.ts'
import type { Distribution, OperatingPoint } from './summary.ts'
import type { Tally } from './tally.ts'
import { isCompleted } from './throughput.ts'

type Distributions = Pick<
  OperatingPoint,
  | 'ttftMs'
  | 'ttftFromSentMs'
  | 'ttfvMs'
  | 'tpotMs'
  | 'interChunkMs'
  | 'itlMs'
  | 'latencyMs'
  | 'latenessMs'
  | 'inputTokens'
  | 'outputTokens'
  | 'tokenSource'
  | 'tokensPerSPerUser'
>

/** Over completed requests of the measured phase: a column for each metric, unknowns left out. */
export function startDistributions(): Tally<Distributions> {
  const columns = Object.entries(requestMetrics).map(([name, { of }]) => ({
    name: name as RequestMetricName,
    of,
    column: createColumn(),
    inOrder: createBatchedMean(),
  }))
  const gaps = createGapHistogram()
  const itl = createGapHistogram()
  let allCounted = true
  return {
    add: (record) => {
      if (record.phase !== 'measured' || !isCompleted(record)) return
      for (const { of, column, inOrder } of columns) {
        const value = of(record)
        if (value === undefined) continue
        column.add(value)
        inOrder.add(value)
      }
      const gapsUs = interChunkGapsUs(record)
      for (const us of gapsUs) gaps.add(us)
      for (const us of interTokenUs(gapsUs, record)) itl.add(us)
      if ((record.usage?.outputTokens ?? 0) === 0) allCounted = false
    },
    finish: () => {
      const metrics = Object.fromEntries(
        columns.map(({ name, column, inOrder }) => [
          name,
          { ...distributionOf(column.samples()), meanInterval: inOrder.interval() },
        ]),
      ) as Record<RequestMetricName, Distribution>
      const ifAny = (metric: Distribution): Distribution | undefined =>
        metric.n > 0 ? metric : undefined
      return {
        ...metrics,
        ttfvMs: ifAny(metrics.ttfvMs),
        latenessMs: ifAny(metrics.latenessMs),
        interChunkMs: distributionOf(gaps.samples()),
        itlMs: ifAny(distributionOf(itl.samples())),
        tokenSource: allCounted ? 'usage' : 'chunks',
        tokensPerSPerUser: ratio(MS_PER_S, metrics.tpotMs.p50.value),
      }
    },
  }
}
