import { z } from 'zod'
import { differenceGroups } from '../measure/compare-set-up.ts'
import type { CostDiffJson } from './cost-diff.ts'
import { costFigureSchema, exclusionSchema, originSchema } from './cost-schema.ts'
import type { Plain, Same } from './json-schema.ts'
import type { ProcurementJson } from './procurement.ts'

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
  differences: z.array(
    z.strictObject({
      group: z.enum(differenceGroups),
      label: z.string(),
      comparable: z.boolean(),
      values: z.array(z.strictObject({ runs: z.array(z.string()), value: z.string().optional() })),
    }),
  ),
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
