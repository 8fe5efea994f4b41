import { z } from 'zod'
import { setUpSchema } from './compare-schema.ts'
import type { CostDiffJson } from './cost-diff.ts'
import { costFigureSchema, costSchema, exclusionSchema, originSchema } from './cost-schema.ts'
import type { Plain, Same } from './json-schema.ts'
import type { PricedJson } from './priced-json.ts'
import type { ProcurementJson } from './procurement.ts'
import type { StatedPriceJson } from './quick-price.ts'
import type { SolvedJson } from './solved.ts'

const notice = z.array(z.string()).describe('What must be read before any figure')
const verdict = z.enum(['VALID', 'DEGRADED', 'PARTIAL', 'INVALID', 'NOT JUDGED'])
const figure = (what: string) => z.number().optional().describe(what)

const diffSide = z.strictObject({
  name: z.string().describe('A file of a scenario, or a measurement, as it was named'),
  what: z.string(),
  verdict,
  scenario: z.string(),
  cheapest: z.string().optional().describe('Id of the option that costs least a year'),
})

const inputSide = z.strictObject({
  value: figure('Absent where it is unknown'),
  origin: originSchema.optional(),
  source: z.string().optional(),
  date: z.string().optional(),
  formula: z.string().optional().describe('Where this side works it out'),
})

const figureChange = z.strictObject({
  path: z.string(),
  label: z.string(),
  unit: z.string(),
  change: z.enum(['added', 'removed', 'changed', 'same']),
  before: figure('Absent where it is unknown, or not there'),
  after: figure('Absent where it is unknown, or not there'),
  difference: figure('After less before'),
  differenceRatio: figure('Of what was before'),
})

/** What `baremark price --diff --json` prints. */
export const costDiffSchema = z.strictObject({
  notice,
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-cost-diff'),
  before: diffSide,
  after: diffSide,
  inputs: z.array(
    z.strictObject({
      path: z.string(),
      label: z.string(),
      unit: z.string(),
      change: z.enum(['added', 'removed', 'changed', 'restated']),
      before: inputSide.optional(),
      after: inputSide.optional(),
    }),
  ),
  options: z.array(
    z.strictObject({
      option: z.string(),
      change: z.enum(['added', 'removed', 'changed', 'same']),
      nameBefore: z.string().optional(),
      nameAfter: z.string().optional(),
      lines: z.array(figureChange).describe('Of its bill'),
      totals: z.array(figureChange),
      excludedBefore: z.array(exclusionSchema),
      excludedAfter: z.array(exclusionSchema),
    }),
  ),
})

/** What `baremark procure --json` prints. */
export const procurementSchema = z.strictObject({
  notice,
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-procurement'),
  scenario: z.string(),
  option: z.string().describe('Id of the option by which a machine is bought and run'),
  outputTokensPerDay: z.number(),
  forced: z.boolean().describe('Held against each other although they measure different things'),
  differences: setUpSchema.differences,
  candidates: z.array(
    z.strictObject({
      name: z.string().describe('In this document: A, B ...'),
      path: z.string(),
      what: z.string(),
      machine: z.string(),
      verdict,
      pricedAt: z.string().optional().describe('The load level'),
      meetsSlo: z.boolean().optional().describe('Absent where no SLO was set or can be judged'),
      outputTokensPerSPerServer: figure('Output tokens a second of one server'),
      servers: figure('Whole servers, spares included'),
      gpus: figure('GPUs'),
      racks: figure('Racks'),
      rackUnits: figure('Height of all servers, rack units of 44.45 mm'),
      utilisationRatio: figure('Mean load / all servers'),
      capexUsd: figure('All that is bought at first, USD, before any residual value'),
      usdPerYear: figure('Whole bill, USD a year'),
      usdPerMillionOutputTokens: figure('Whole bill on the output tokens, USD'),
      fullLoadPowerKw: figure('All servers under full load, without cooling, kW'),
      boardsOnly: z.boolean().describe('Price or power are of the boards alone: lower bounds'),
      standing: z.enum(['undominated', 'dominated', 'apart', 'unknown']),
      dominatedBy: z.array(z.string()),
      why: z.array(z.string()),
    }),
  ),
})

const explainedSchema = costFigureSchema.extend({
  withNumbers: z.string().optional().describe('The formula with the numbers put in'),
})

/** What `baremark price --explain --json` prints: a number and what is behind it, or all below a path. */
export const explanationSchema = z.union([
  z.strictObject({
    schemaVersion: z.literal(1),
    kind: z.literal('baremark-explanation'),
    notice,
    path: z.string(),
    figure: explainedSchema,
    behind: z.array(explainedSchema).describe('Each after those it follows from'),
  }),
  z.strictObject({
    schemaVersion: z.literal(1),
    kind: z.literal('baremark-explanation'),
    notice,
    path: z.string(),
    figures: z.array(costFigureSchema),
  }),
])

/** What `baremark price --json` prints: the `cost` of a report, with what must be read before it. */
export const pricedSchema = costSchema.extend({
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-price'),
  notice,
})

/** What `baremark price --solve --json` prints. */
export const indifferenceSchema = z.strictObject({
  notice,
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-indifference'),
  input: z.string().describe('Path of the input that was sought'),
  label: z.string(),
  unit: z.string(),
  value: figure('What it is'),
  optionA: z.string(),
  optionB: z.string(),
  low: figure('Low end of where it was sought'),
  high: figure('High end of where it was sought'),
  outcome: z
    .enum(['at', 'never', 'same', 'unknown'])
    .describe('same: they cost the same whatever it is; unknown: a bill is'),
  places: z.array(
    z.strictObject({
      value: z.number(),
      jumps: z.boolean().describe('Their bills step over each other there, instead of meeting'),
      cheaperBelow: z.string().optional(),
      cheaperAbove: z.string().optional(),
    }),
  ),
  dearer: z.string().optional().describe('Id of the option that stays dearer'),
  explanation: z.string(),
})

/** What `baremark price --throughput --hourly --json` prints. */
export const statedPriceSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-stated-price'),
  notice,
  leavesOut: z.array(z.string()),
  figures: z.array(costFigureSchema),
})

/** The same as a JSON Schema, for programs that are not written in TypeScript. */
export function priceJsonSchema(schema: z.ZodType, name: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema)
  return {
    $schema,
    $id: `urn:baremark:schema:${name.replaceAll(' ', '-')}:1`,
    title: `baremark ${name}`,
    description: 'Prices. An absent key is an unknown value, never zero.',
    ...rest,
  }
}

/** Do not compile when a schema and its type differ, be it in one optional key. */
true satisfies Same<Plain<z.output<typeof costDiffSchema>>, Plain<CostDiffJson>>
true satisfies Same<Plain<z.output<typeof procurementSchema>>, Plain<ProcurementJson>>
true satisfies Same<Plain<z.output<typeof pricedSchema>>, Plain<PricedJson>>
true satisfies Same<Plain<z.output<typeof indifferenceSchema>>, Plain<SolvedJson>>
true satisfies Same<Plain<z.output<typeof statedPriceSchema>>, Plain<StatedPriceJson>>
