import { z } from 'zod'
import type { RunGroup } from '../load/run-group.ts'
import { headlineMetricNames } from '../measure/compare-metrics.ts'
import { compareJsonSchema, runFactsSchema, setUpSchema } from './compare-schema.ts'
import type { GroupDocument } from './group-formats.ts'
import { count, type Plain, type Same, toolSchema } from './json-schema.ts'

const figure = (what: string) => z.number().optional().describe(what)

/** Of a folder inside the group's, and never of one elsewhere. */
const folderName = z.string().regex(/^(?!\.\.?$)[^/\\]+$/, 'expected the name of a folder')

const memberSchema = {
  directory: folderName.describe("The run's folder inside the group's"),
  seed: z.int().describe("Drawn from the benchmark's by the run's number"),
}

/** `group.json` of a group folder. */
export const runGroupSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-group'),
  groupId: z.string(),
  tool: toolSchema,
  startedAt: z.string().describe('ISO 8601 UTC'),
  benchmark: z.string().describe('Its name'),
  seed: z.int().describe("The benchmark's"),
  plan: z.strictObject({
    runs: count.describe('With `until`, the most'),
    pauseS: z.number().describe('Rest between two runs'),
    until: z
      .strictObject({
        kind: z.literal('interval'),
        withinRatio: z
          .number()
          .describe(
            'Of output tokens/s at every level: both ends at most this far from the median',
          ),
        looksAfter: z.array(count).describe('Runs after which the intervals are looked at'),
      })
      .optional(),
  }),
  state: z.enum(['running', 'ended']).describe('`running` is what a crash leaves behind'),
  stopped: z.string().optional().describe('Why it ended before the plan was done'),
  runs: z.array(z.strictObject(memberSchema)),
})

const metricSchema = z.strictObject({
  metric: z.enum(headlineMetricNames),
  label: z.string(),
  better: z.enum(['higher', 'lower']),
  figures: z.array(z.strictObject({ run: z.string(), value: z.number() })),
  median: figure('Of the runs that have it'),
  min: figure('The least'),
  max: figure('The most'),
  interval: z
    .strictObject({
      low: z.number(),
      high: z.number(),
      method: z.enum(['log-t', 'order-statistics']),
      confidence: z.number().describe('Asked for by log-t, reached by order-statistics'),
    })
    .optional()
    .describe('Where the median of ever so many runs lies'),
  withinRatio: figure('How far its further end is from the median, as a share of that'),
  spreadRatio: figure('Standard deviation of the logarithm over runs'),
  why: z.string().optional().describe('Why there is no interval, or no figure'),
})

const scatterSchema = z
  .strictObject({
    runs: count,
    ownWithinRatio: z.number().describe("Half of a run's own 95 % interval / its figure, median"),
    spreadRatio: z.number().describe('Standard deviation of the logarithm over runs'),
    timesExpected: z.number().describe('That / what the own intervals lead to expect'),
    pValue: z.number().describe('Chance of as much, were there only what is within runs: F test'),
  })
  .describe('Output tokens/s: what runs say of themselves against how they differ')

/** What `summary.json` of a group folder and `baremark report GROUP --format json` hold. */
export const groupReportSchema = z.strictObject({
  notice: z.array(z.string()).describe('What must be read before any figure'),
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-group-report'),
  subject: z
    .array(z.strictObject({ name: z.string(), text: z.string() }))
    .describe('What was measured, by the first run that tells'),
  group: runGroupSchema,
  summary: z.strictObject({
    verdict: z.enum(['VALID', 'DEGRADED', 'PARTIAL', 'INVALID']),
    reasons: z.array(z.string()),
    runs: z.array(
      z.strictObject({
        name: z.string().describe('R1, R2 ... in the order in which they were made'),
        ...memberSchema,
        state: z.enum(['running', 'complete', 'partial', 'absent']),
        facts: runFactsSchema.optional(),
        why: z.string().optional().describe('Why there is nothing of it'),
      }),
    ),
    completeRuns: count,
    wantedRuns: count.describe('With looks, as many as it took, or the most'),
    mixed: z
      .array(z.string())
      .describe('In what runs that went to their end measured different things'),
    unfit: z.array(z.string()).describe('Why it is not fit to publish; empty when it is'),
    confidence: z.number().describe('Of each interval'),
    looks: z
      .array(
        z.strictObject({
          afterRuns: count,
          reached: z.boolean(),
          level: z.string().optional().describe('Whose interval reaches furthest'),
          withinRatio: figure('How far that is from its median, as a share of it'),
          why: z.string().optional().describe('Why there was no interval to look at'),
        }),
      )
      .optional()
      .describe('Absent where the number of runs was fixed'),
    differences: setUpSchema.differences,
    machineChanges: setUpSchema.machineChanges,
    notes: z.array(
      z.strictObject({
        kind: z.enum(['one-run', 'few-runs', 'mixed-runs', 'stopped-by-width']),
        text: z.string(),
      }),
    ),
    levels: z.array(
      z.strictObject({
        label: z.string(),
        metrics: z.array(metricSchema),
        scatter: scatterSchema.optional(),
      }),
    ),
  }),
})

/** The same as a JSON Schema, for programs that are not written in TypeScript. */
export function groupJsonSchema(): object {
  return {
    ...compareJsonSchema(groupReportSchema, 'group report'),
    description: 'Several runs of one thing. An absent key is an unknown value, never zero.',
  }
}

/** Do not compile when a schema and its type differ, be it in one optional key. */
true satisfies Same<Plain<z.output<typeof runGroupSchema>>, Plain<RunGroup>>
true satisfies Same<Plain<z.output<typeof groupReportSchema>>, Plain<GroupDocument>>
