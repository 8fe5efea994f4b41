import { z } from 'zod'
import { headlineMetricNames } from './compare-metrics.ts'

/** What a gate lets pass: how much worse than the baseline each metric may be. */
export const gatePolicySchema = z.strictObject({
  schemaVersion: z.literal(1),
  rules: z
    .array(
      z.strictObject({
        metric: z.enum(headlineMetricNames),
        level: z
          .string()
          .min(1)
          .default('all')
          .describe('Load level as reports name it, such as "8 users"; all for each of them'),
        maxWorseRatio: z
          .number()
          .min(1)
          .describe(
            'How many times worse it may be: 1.05 lets 5 % pass, in whichever direction worse is',
          ),
        needSignificance: z
          .boolean()
          .describe(
            'true: only a difference that several runs a side show to be no chance counts; false: the ratio alone',
          ),
      }),
    )
    .min(1),
})

export type GatePolicy = z.infer<typeof gatePolicySchema>
export type GatePolicyRule = GatePolicy['rules'][number]
