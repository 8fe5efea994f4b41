import { z } from 'zod'

const positive = z.number().positive()
const positiveInteger = z.int().positive()

/** Percentiles that a limit may be put on: those that every distribution has. */
export const limitPercentiles = [50, 90, 95, 99] as const

/** One thing that must hold at a load. */
const limitSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('percentile'),
    metric: z.enum(['ttftMs', 'tpotMs', 'latencyMs']),
    p: z.literal(limitPercentiles).describe('Per cent'),
    limitMs: positive,
    isStrict: z.boolean().describe('true: under the limit; false: at most the limit'),
    needsEarlyStopping: z
      .boolean()
      .describe("true: MLPerf's early-stopping estimate of the percentile must be within it too"),
  }),
  z.strictObject({
    kind: z.literal('goodput'),
    atLeastRatio: z
      .number()
      .gt(0)
      .lt(1)
      .describe('Share of the requests that meet every limit of the benchmark'),
  }),
])

/** Where limits were taken from, where the user did not write them down. */
const limitsFromSchema = z.strictObject({
  name: z.string().describe('As asked for'),
  title: z.string(),
  sources: z.array(z.strictObject({ title: z.string(), date: z.string() })),
  notes: z.array(z.string()).describe('What disagrees with them, and what they do not cover'),
})

const axisSchema = z
  .enum(['users', 'rate'])
  .describe('What is varied: users that wait for answers, or requests per second')

/**
 * What load levels a run is to find by itself, and for what. All that could be chosen after a look at
 * the results is fixed here, before the first request.
 */
export const searchPlanSchema = z
  .discriminatedUnion('question', [
    z
      .strictObject({
        question: z.literal('sweep'),
        axis: axisSchema,
        levels: z.discriminatedUnion('chosen', [
          z.strictObject({ chosen: z.literal('by-user') }),
          z.strictObject({
            chosen: z.literal('by-search'),
            lowest: positiveInteger.describe('Users of the first level'),
            highest: positiveInteger.describe('Most users'),
            maxLevels: positiveInteger.describe('Most levels of the axis'),
            minGainRatio: positive.describe(
              'Twice the users bring less than this share more: saturated',
            ),
          }),
        ]),
      })
      .describe('How throughput and latency change with load'),
    z
      .strictObject({
        question: z.literal('slo'),
        axis: axisSchema,
        limits: z.array(limitSchema).min(1),
        limitsFrom: limitsFromSchema.optional(),
        start: positive.describe('First load tried'),
        lowest: positive.describe('Lowest load that may be tried'),
        highest: positive.describe('Highest load that may be tried'),
        resolutionRatio: z
          .number()
          .nonnegative()
          .describe('Width of the final bracket / its lower end; users: at least one user'),
        confirmations: positiveInteger.describe('Further looks at the load found'),
        maxCandidates: positiveInteger.describe('Most loads that are put to confirmation'),
        maxLevels: positiveInteger.describe('Most levels in all'),
      })
      .describe('The highest load at which limits hold'),
  ])
  .meta({ id: 'searchPlan', description: 'Load levels that a run finds by itself' })

export type SearchPlan = z.infer<typeof searchPlanSchema>
export type SweepPlan = Extract<SearchPlan, { question: 'sweep' }>
export type SloPlan = Extract<SearchPlan, { question: 'slo' }>
export type Limit = SloPlan['limits'][number]
export type PercentileLimit = Extract<Limit, { kind: 'percentile' }>
export type LoadAxis = SearchPlan['axis']

/** Whether the levels are found while the run goes on, and not all known before it. */
export function findsLevels(plan: SearchPlan | undefined): plan is SearchPlan {
  return plan !== undefined && !(plan.question === 'sweep' && plan.levels.chosen === 'by-user')
}

/** One load on an axis: so many users, or so many requests per second. */
export interface AxisLoad {
  readonly axis: LoadAxis
  readonly size: number
}
