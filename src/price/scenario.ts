import { z } from 'zod'
import { figureSchema, sourceSchema, undeclaredSources } from '../figure.ts'

const between = (low: number, high: number, what: string) =>
  figureSchema.refine(({ value }) => value >= low && value <= high, {
    path: ['value'],
    message: `expected ${what} from ${low} to ${high}`,
  })

/**
 * What somebody assumes about owning and running the hardware: what a file in `scenarios/` may say.
 * Ratios are from 0 to 1; prices of electricity, rent and APIs are named entries of `price-sheets/`.
 */
export const scenarioSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: z.string().min(1),
    description: z.string().optional(),
    sources: z.record(z.string(), sourceSchema),
    hardwareProfile: z
      .string()
      .optional()
      .describe('Id of a hardware profile; without it, the one that matches the detected GPUs'),
    units: z
      .int()
      .positive()
      .optional()
      .describe('Units that serve the model; without it, all detected GPUs'),
    utilisationRatio: between(0.001, 1, 'a ratio').describe(
      'Share of the capacity that is really used, around the clock',
    ),
    lifeYears: between(0.5, 20, 'years').describe('Years until the hardware is replaced'),
    residualRatio: between(0, 1, 'a ratio').describe(
      'Share of the price that is left at the end of its life',
    ),
    costOfCapitalRatioPerYear: between(0, 1, 'a ratio').describe(
      'Interest a year on the money bound in the hardware',
    ),
    supportRatioPerYear: between(0, 1, 'a ratio').describe(
      'Support and maintenance a year, as a share of the price',
    ),
    pueRatio: between(1, 4, 'a ratio').describe(
      'Power drawn by the building / power drawn by the machines',
    ),
    electricity: z.string().describe('Id of an electricity price'),
    rental: z
      .string()
      .optional()
      .describe('Id of a rental price; without it, the median on-demand one for the hardware'),
    api: z.string().describe('Id of an API price'),
  })
  .superRefine((scenario, context) => {
    for (const source of undeclaredSources(scenario, scenario.sources)) {
      context.addIssue({
        code: 'custom',
        path: ['sources'],
        message: `no source "${source}" is declared under sources`,
      })
    }
  })

export type Scenario = z.infer<typeof scenarioSchema>
