import { z } from 'zod'
import { figureKindSchema } from '../figure.ts'
import { allocationMethods } from '../price/cost-report.ts'

const path = z.string().describe('Path of a figure')
const optionId = z.string().describe('Id of an option')
const requirement = z.enum([
  'dataResidency',
  'airGap',
  'operatorJurisdiction',
  'certifications',
  'dataClass',
])

const uncertainSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('value'), value: z.number() }),
    z.strictObject({ kind: z.literal('uniform'), low: z.number(), high: z.number() }),
    z.strictObject({
      kind: z.literal('triangular'),
      low: z.number(),
      mode: z.number(),
      high: z.number(),
    }),
    z.strictObject({
      kind: z.enum(['normal', 'lognormal']),
      low: z.number(),
      high: z.number(),
      confidenceRatio: z.number().describe('Probability that the value lies from low to high'),
      least: z.number().optional(),
      most: z.number().optional(),
    }),
  ])
  .describe('What is known of an input besides its value')

export const originSchema = z.enum([...figureKindSchema.options, 'measured', 'detected'])

export const costFigureSchema = z
  .strictObject({
    path,
    label: z.string(),
    unit: z.string(),
    value: z.number().optional().describe('Absent where it is unknown'),
    origin: originSchema.optional().describe('Of an input: how far its source may be trusted'),
    source: z.string().optional(),
    date: z.string().optional(),
    note: z.string().optional(),
    uncertain: uncertainSchema.optional(),
    formula: z.string().optional().describe('Of a result'),
    from: z.array(path).optional().describe('Of a result: what it is worked from'),
    part: z
      .enum(['machines', 'energy', 'site', 'services', 'people', 'rent', 'tokens'])
      .optional()
      .describe('Of a line of a bill: what kind of cost it is'),
  })
  .meta({ id: 'costFigure', description: 'One number of a price, and where it comes from' })

export const exclusionSchema = z.strictObject({ requirement, why: z.string() })

const optionSchema = z.strictObject({
  id: optionId,
  kind: z.enum(['owned', 'colocated', 'rented', 'api', 'hybrid']),
  name: z.string(),
  lines: z.array(z.string()).describe('Ids of the lines of its bill, in the order of the sum'),
  missing: z.array(z.string()).describe('Why a figure is missing'),
  excluded: z
    .array(exclusionSchema)
    .describe('Requirements that it does not meet, or does not say that it meets'),
})

const breakEvenSchema = z.strictObject({
  option: optionId,
  against: optionId,
  axis: z.enum(['volume', 'utilisation', 'months']),
  market: z.enum(['flat', 'declining']),
  outcome: z.enum(['at', 'band', 'never', 'always', 'unknown']),
  at: z.array(path),
  date: z.string().optional().describe('Of a break-even in months, ISO'),
  explanation: z.string(),
})

const comparisonSchema = z.strictObject({
  option: optionId,
  against: optionId,
  market: z.enum(['flat', 'declining']),
  irr: z.enum(['one', 'none', 'several', 'unknown']),
  irrs: z.array(path).describe('Of all internal rates of return'),
  payback: z.enum(['after', 'never', 'unknown']),
  discountedPayback: z.enum(['after', 'never', 'unknown']),
  explanation: z.string(),
})

const curveSchema = z.strictObject({
  axis: z.enum(['volume', 'utilisation']),
  unit: z.string(),
  valueUnit: z.string(),
  formula: z.string(),
  x: z.array(z.number()),
  series: z.array(
    z.strictObject({ option: optionId, x: z.array(z.number()), values: z.array(z.number()) }),
  ),
})

const uncertaintySchema = z.strictObject({
  draws: z.int(),
  seed: z.int(),
  inputs: z.array(path),
  leftOut: z.array(optionId).describe('Their bill is unknown'),
  options: z.array(
    z.strictObject({ option: optionId, low: path, median: path, high: path, cheapest: path }),
  ),
  tornado: z.strictObject({
    option: optionId,
    base: path,
    bars: z.array(
      z.strictObject({ input: path, lowInput: path, highInput: path, atLow: path, atHigh: path }),
    ),
  }),
})

const factsSchema = z.array(
  z.strictObject({ label: z.string(), text: z.string().optional(), path: path.optional() }),
)

const decisionSchema = z.strictObject({
  options: z.array(
    z.strictObject({
      option: optionId,
      facts: z.strictObject({
        cost: factsSchema,
        performance: factsSchema,
        security: factsSchema,
        control: factsSchema,
      }),
      score: path.optional(),
    }),
  ),
  requirements: z.array(
    z.strictObject({
      requirement,
      removes: z.array(optionId),
      cheapest: optionId.optional(),
      cheapestWithout: optionId.optional(),
      usdPerYear: path.optional(),
      lines: z.array(path),
    }),
  ),
  requirementsUsdPerYear: path.optional().describe('What all requirements cost together'),
})

/** `cost` of a report: exactly a `CostReport`. */
export const costSchema = z.strictObject({
  scenario: z.string(),
  pricedLevel: z.int().nonnegative().optional(),
  pricedLevelReason: z.string(),
  options: z.array(optionSchema),
  levels: z.array(
    z.strictObject({
      level: z.int().nonnegative(),
      usdPerMillionOutputTokens: z
        .number()
        .optional()
        .describe('USD per million output tokens, of the first machines of one’s own'),
      usdPerMillionTotalTokens: z.number().optional().describe('USD per million of all tokens'),
      meetsSlo: z.boolean().optional(),
    }),
  ),
  breakEvens: z.array(breakEvenSchema),
  comparisons: z
    .array(comparisonSchema)
    .describe('Options that buy machines against options that buy none, over the horizon'),
  curves: z.array(curveSchema),
  allocationRefused: z.array(
    z.strictObject({ option: optionId, method: z.enum(allocationMethods), why: z.string() }),
  ),
  uncertainty: uncertaintySchema.optional(),
  decision: decisionSchema,
  figures: z.array(costFigureSchema).describe('Every number, each after those it follows from'),
  warnings: z.array(
    z.strictObject({
      kind: z.enum([
        'placeholder-price',
        'stale-price',
        'board-price-only',
        'board-power-only',
        'hardware-declared',
        'price-does-not-apply',
        'no-slo',
        'slo-unreachable',
        'stated-power',
        'no-hardware-profile',
        'not-comparable',
        'invalid-run',
        'not-judged',
        'mix-not-measured',
        'set-by-hand',
        'unreal',
      ]),
      text: z.string(),
    }),
  ),
})
