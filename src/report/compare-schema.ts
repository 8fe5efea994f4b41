import { z } from 'zod'
import type { Comparison } from '../measure/compare.ts'
import { differenceGroups } from '../measure/compare-facets.ts'
import type { GateResult } from '../measure/compare-gate.ts'
import { headlineMetricNames } from '../measure/compare-metrics.ts'
import type { NoiseFloor } from '../measure/compare-self.ts'
import type { CompareJson } from './compare-formats.ts'
import { count, type Plain, type Same } from './json-schema.ts'

const metric = z.enum(headlineMetricNames)
const figure = (what: string) => z.number().optional().describe(what)
const runNames = z.array(z.string()).describe('Names of runs in this document')

export const runFactsSchema = z.strictObject({
  name: z.string().describe('In this document: A for one run, A1, A2 for several'),
  path: z.string(),
  runId: z.string(),
  epoch: z.string().describe('ISO 8601 UTC'),
  model: z.string(),
  verdict: z.enum(['VALID', 'DEGRADED', 'INVALID']),
  reasons: z.array(z.string()),
  simulated: z.boolean(),
  weights: z.enum(['random', 'trained']).optional(),
  withoutRecords: z
    .boolean()
    .optional()
    .describe('Of a summary that lies without its records: not computed again'),
})

const comparedFactsSchema = z.union([
  runFactsSchema,
  z
    .strictObject({
      name: z.string(),
      path: z.string(),
      tool: z.strictObject({ name: z.string(), version: z.string().optional() }),
      date: z.string().optional().describe('As the file has it, in an unknown time zone'),
      model: z.string().optional(),
      failedRequests: count.optional().describe('At all its loads together'),
      verdict: z.literal('NOT JUDGED'),
      cannotTell: z.array(z.string()).describe('What comparing asks and its file does not tell'),
      notes: z.array(z.string()).describe("How the tool's way differs from ours"),
    })
    .describe("Another tool's result"),
])

const definitions = z
  .array(z.strictObject({ runs: runNames, text: z.string() }))
  .optional()
  .describe('Where figures are by another definition than ours, or ours is what is nearest to it')

export const setUpSchema = {
  notice: z.array(z.string()).describe('What must be read before any figure'),
  differences: z
    .array(
      z.strictObject({
        group: z.enum(differenceGroups),
        label: z.string(),
        comparable: z.boolean().describe('False where such runs measure different things'),
        values: z.array(
          z.strictObject({
            runs: runNames,
            value: z.string().optional(),
            unknown: z.boolean().optional().describe('The file does not tell it'),
          }),
        ),
      }),
    )
    .describe('What is not the same in all runs'),
  machineChanges: z
    .array(
      z.strictObject({ group: z.enum(['hardware', 'set-up']), runs: runNames, text: z.string() }),
    )
    .describe("Against the first run's machine"),
  notes: z.array(
    z.strictObject({
      kind: z.enum([
        'not-interleaved',
        'mixed-side',
        'few-runs',
        'stopped-by-width',
        'untold',
        'levels-left-out',
      ]),
      text: z.string(),
    }),
  ),
}

const alpha = z.number().describe('Chance of any false finding in the whole document')
const power = z.number().describe('Chance to find the smallest ratios told')
const tests = count.describe('That the adjustment by Holm is over')
const forced = z.boolean().describe('Compared although the runs measure different things')
const adjustedPValue = figure('Of the logarithms by Welch, adjusted by Holm')

/** What `baremark compare --json` prints. */
export const comparisonSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-comparison'),
  forced,
  sides: z.array(z.strictObject({ name: z.string(), runs: z.array(comparedFactsSchema) })),
  ...setUpSchema,
  alpha,
  power,
  minimumEffectRatio: z.number().describe('Smallest difference that is called better or worse'),
  tests,
  levels: z.array(
    z.strictObject({
      label: z.string(),
      side: z.string().describe('Held against the first side'),
      metrics: z.array(
        z.strictObject({
          metric,
          label: z.string(),
          better: z.enum(['higher', 'lower']),
          runs: z.tuple([count, count]).describe('Of each side that have it'),
          before: figure('Geometric mean over runs of the first side'),
          after: figure('Geometric mean over runs of this side'),
          ratio: figure('after / before'),
          low: figure('Lower end of its 95 % interval, not adjusted'),
          high: figure('Upper end of its 95 % interval, not adjusted'),
          pValue: figure('Of the logarithms by Welch, two-sided'),
          adjustedPValue,
          mannWhitneyP: figure('Exact and two-sided, not adjusted; absent for too few runs'),
          smallestRatio: figure('Above 1; would have been found with the chance `power`'),
          word: z.enum(['better', 'worse', 'no-detectable-difference', 'not-enough-runs']),
          why: z.string().optional().describe('Why there is no ratio, or no word on it'),
          definitions,
        }),
      ),
    }),
  ),
})

/** What `baremark compare --aa --json` prints. */
export const noiseFloorSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-noise-floor'),
  forced,
  runs: z.array(comparedFactsSchema),
  ...setUpSchema,
  alpha,
  power,
  tests,
  levels: z.array(
    z.strictObject({
      label: z.string(),
      metrics: z.array(
        z.strictObject({
          metric,
          label: z.string(),
          runs: count.describe('That have it'),
          mean: figure('Geometric mean over runs'),
          min: z.number().optional(),
          max: z.number().optional(),
          spreadRatio: figure('Standard deviation of the logarithm over runs'),
          floors: z.array(z.strictObject({ runsPerSide: count, smallestRatio: z.number() })),
          why: z.string().optional(),
          definitions,
        }),
      ),
    }),
  ),
})

/** What `baremark gate --json` prints. */
export const gateResultSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-gate'),
  outcome: z.enum(['pass', 'regression', 'not-judged', 'invalid']),
  baseline: z.array(runFactsSchema),
  candidate: z.array(runFactsSchema),
  ...setUpSchema,
  alpha,
  tests,
  rules: z.array(
    z.strictObject({
      metric,
      label: z.string(),
      level: z.string(),
      maxWorseRatio: z.number(),
      needSignificance: z.boolean(),
      worseRatio: figure('Over 1 is worse than the baseline, whichever direction that is'),
      low: figure('Lower end of its 95 % interval, not adjusted'),
      high: figure('Upper end of its 95 % interval, not adjusted'),
      adjustedPValue,
      smallestRatio: figure('Smallest worsening that would have been found 4 times in 5'),
      outcome: z.enum(['pass', 'regression', 'not-judged']),
      why: z.string(),
    }),
  ),
})

/** The same as a JSON Schema, for programs that are not written in TypeScript. */
export function compareJsonSchema(schema: z.ZodType, name: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema)
  return {
    $schema,
    $id: `urn:baremark:schema:${name.replaceAll(' ', '-')}:1`,
    title: `baremark ${name}`,
    description: 'Runs held against each other. An absent key is an unknown value, never zero.',
    ...rest,
  }
}

/** Do not compile when a schema and its type differ, be it in one optional key. */
true satisfies Same<Plain<z.output<typeof comparisonSchema>>, Plain<CompareJson<Comparison>>>
true satisfies Same<Plain<z.output<typeof noiseFloorSchema>>, Plain<CompareJson<NoiseFloor>>>
true satisfies Same<Plain<z.output<typeof gateResultSchema>>, Plain<CompareJson<GateResult>>>
