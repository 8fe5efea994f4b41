import { z } from 'zod'
import {
  figureSchema,
  sourceSchema,
  undatedMessage,
  undatedPrices,
  undeclaredSources,
} from '../figure.ts'
import {
  amountFigure,
  between,
  demandChargeFigure,
  gridFigure,
  outageRatioFigure,
  positiveRatioFigure,
  pueFigure,
  rackFigure,
  rackUnitsFigure,
  ratioFigure,
  usdFigure,
  yearsFigure,
} from './bounds.ts'

/** Keys of sources that are somebody's word of this moment begin so; files say of when theirs is. */
export const COMMAND_LINE = 'command line: '

const idSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'expected lower-case letters, digits and dashes')

/** Lines that every bill may have, and the prefixes of those of a mix: an item of that name would be taken for one of them. */
const takenIds = new Set([
  'servers',
  'electricity',
  'demand-charge',
  'coincident-peak',
  'space',
  'colocation',
  'cross-connects',
  'remote-hands',
  'support',
  'insurance',
  'rent',
  'input',
  'cached-input',
  'output',
])

const itemIdSchema = idSchema.refine((id) => !takenIds.has(id) && !/^(base|api)-/.test(id), {
  error: ({ input }) =>
    `expected another name: ${JSON.stringify(input)} is, or could be, that of a line which bills have anyway`,
})

function someAbove0(weights: object): boolean {
  return Object.values(weights).some((weight) => weight > 0)
}

const perSchema = z
  .enum(['server', 'gpu', 'rack', 'site'])
  .describe('What it is bought for: so many of it are needed')

const placeSchema = z
  .string()
  .regex(
    /^([A-Z]{2}|EEA|premises)$/,
    'expected a country by its two letters (DE), EU, EEA or premises',
  )

const becauseSchema = z
  .enum(['dataResidency', 'airGap', 'operatorJurisdiction', 'certifications', 'dataClass'])
  .optional()
  .describe('The requirement that causes it; without that requirement it is not bought')

const capexItemSchema = z.strictObject({
  id: itemIdSchema,
  what: z.string().min(1),
  usd: usdFigure,
  per: perSchema,
  lifeYears: yearsFigure,
  residualRatio: ratioFigure.optional().describe('Share of the price left at the end; 0 if absent'),
  because: becauseSchema,
})

const yearlyItemSchema = z.strictObject({
  id: itemIdSchema,
  what: z.string().min(1),
  usdPerYear: usdFigure,
  per: perSchema,
  because: becauseSchema,
})

const staffItemSchema = z.strictObject({
  id: itemIdSchema,
  what: z.string().min(1),
  fte: amountFigure.describe('Full-time people'),
  per: z.enum(['server', 'gpu', 'site']),
  usdPerFteYear: usdFigure.describe('With all that an employer pays'),
  because: becauseSchema,
})

/** What costs every kind of option may have beside its own. */
const extras = {
  name: z.string().min(1).optional(),
  yearly: z.array(yearlyItemSchema).default([]).describe('Licences, links, audits: by the year'),
  staff: z.array(staffItemSchema).default([]),
  control: z
    .strictObject({
      dataLocation: placeSchema
        .optional()
        .describe('Where data is processed: a country by its two letters, EU, EEA or premises'),
      operatorJurisdiction: z
        .string()
        .regex(
          /^([A-Z]{2}|EEA|own)$/,
          'expected a country by its two letters (DE), EU, EEA, or own for yourself',
        )
        .optional()
        .describe('Whose law the operator answers to, as dataLocation; own for yourself'),
      airGapped: z.boolean().optional(),
      certifications: z.array(z.string()).optional(),
      dataClasses: z.array(z.string()).optional().describe('Classes of data it may hold'),
      ttftP95Ms: amountFigure.optional().describe('Stated, where it is not what was measured'),
      tokensPerSPerUser: amountFigure.optional().describe('Stated likewise'),
    })
    .default({})
    .describe('What is known of who can get at the data, and how fast it answers'),
}

const demandChargeSchema = z.strictObject({
  usdPerKwMonth: demandChargeFigure.describe('For the highest interval of a month'),
  intervalMinutes: z.union([z.literal(15), z.literal(30)]),
  ratchetRatio: ratioFigure
    .optional()
    .describe('Share of the highest demand of the last 11 months that is billed at least'),
  earlierPeakKw: amountFigure.optional().describe('That highest demand, before these machines'),
})

const coincidentPeakSchema = z.strictObject({
  usdPerKwYear: usdFigure,
  hours: z
    .array(z.int().min(0).max(23))
    .min(1)
    .describe('Hours of a weekday in which the grid peaks; the mean power in them is billed'),
})

/** What machines of one's own have wherever they stand. */
const machine = {
  ...extras,
  hardwareProfile: z.string().optional().describe("Id of a hardware profile; else the scenario's"),
  gpusPerServer: z.int().positive().optional().describe("Else by the profile's server price"),
  serverPriceUsd: usdFigure.optional().describe("A quote; else the profile's price"),
  serverPowerW: z
    .strictObject({
      load: amountFigure.optional(),
      idle: amountFigure.optional(),
      enforcedCapW: amountFigure
        .optional()
        .describe('The most that a power cap lets the server draw'),
    })
    .default({})
    .describe('At the plug, of a whole server; else measured, else by the profile'),
  lifeYears: yearsFigure.describe('Years until the servers are replaced'),
  residualRatio: ratioFigure.describe('Share of the price that is left at the end of its life'),
  supportRatioPerYear: ratioFigure.optional().describe('Of the price of the servers'),
  insuranceRatioPerYear: ratioFigure.optional().describe('Of the price of all that is bought'),
  capex: z.array(capexItemSchema).default([]).describe('Network, racks, spare parts, set-up'),
  spareServers: z.int().nonnegative().default(0).describe('Beyond those that serve: 1 for N+1'),
  maintenanceRatio: outageRatioFigure.optional().describe('Share of the time a server is out'),
  serversPerRack: z.int().positive().default(4),
  rackUnitsPerServer: rackUnitsFigure
    .optional()
    .describe(
      "Height of a server in rack units (44.45 mm), of nodes in one chassis their share; else by the profile's server price",
    ),
}

const onPremisesSchema = z.strictObject({
  kind: z.literal('owned'),
  ...machine,
  electricity: z.string().describe('Id of an electricity price'),
  pueRatio: pueFigure.describe('Power of the building / power of the machines'),
  demandCharge: demandChargeSchema.optional(),
  coincidentPeak: coincidentPeakSchema.optional(),
  spaceUsdPerRackMonth: rackFigure.optional(),
  gridGPerKwh: gridFigure.optional().describe('gCO2e per kWh of the grid, location-based'),
  waterLPerKwh: amountFigure.optional().describe('Litres evaporated per kWh of the machines'),
  embodiedKgPerServer: amountFigure.optional().describe('kgCO2e of making one server'),
})

const colocatedSchema = z.strictObject({
  kind: z.literal('colocated'),
  ...machine,
  colocation: z.string().describe('Id of a colocation price, USD per kW and month, never a year'),
  contractedKwPerServer: amountFigure.optional().describe('Else the power of a server under load'),
  dense: z
    .strictObject({ aboveKwPerRack: amountFigure, surchargeRatio: amountFigure })
    .optional()
    .describe('What racks above a power cost on top'),
  electricity: z
    .string()
    .optional()
    .describe('Id of an electricity price, where energy is billed beside the space'),
  pueRatio: pueFigure.optional().describe('By which metered energy is multiplied'),
  crossConnects: z.strictObject({ count: amountFigure, usdEachPerMonth: usdFigure }).optional(),
  remoteHands: z.strictObject({ hoursPerMonth: amountFigure, usdPerHour: usdFigure }).optional(),
  gridGPerKwh: gridFigure.optional(),
  waterLPerKwh: amountFigure.optional(),
  embodiedKgPerServer: amountFigure.optional(),
})

const rentedSchema = z.strictObject({
  kind: z.literal('rented'),
  ...extras,
  hardwareProfile: z.string().optional(),
  rental: z
    .string()
    .optional()
    .describe('Id of a rental price; without it, the median on-demand one for the hardware'),
  scaling: z
    .enum(['always-on', 'follow-load'])
    .default('always-on')
    .describe(
      'Rented around the clock, or hour by hour as the demand asks; a commitment pays for idle',
    ),
  discountRatio: ratioFigure.optional(),
  availabilityRatio: between(0.01, 1, 'a ratio')
    .optional()
    .describe('Share of the time that spot machines are there; as many more are rented'),
})

const apiSchema = z.strictObject({
  kind: z.literal('api'),
  ...extras,
  api: z.string().describe('Id of an API price'),
  batchShareRatio: ratioFigure
    .optional()
    .describe('Share of the requests that can wait for a batch'),
})

const hybridSchema = z.strictObject({
  kind: z.literal('hybrid'),
  ...extras,
  base: idSchema.describe(
    'Option that serves the base: owned, colocated or rented around the clock',
  ),
  api: idSchema.describe('Option of an API that takes the rest'),
})

const optionSchema = z.discriminatedUnion('kind', [
  onPremisesSchema,
  colocatedSchema,
  rentedSchema,
  apiSchema,
  hybridSchema,
])

const demandSchema = z.strictObject({
  amount: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('output-tokens-per-day'),
        outputTokensPerDay: between(1, Number.MAX_VALUE, 'tokens'),
      }),
      z.strictObject({
        kind: z.literal('share-of-server'),
        ratio: positiveRatioFigure,
      }),
    ])
    .describe(
      'Mean over the week: tokens, or, where nobody knows them, a share of what one server was measured to make',
    ),
  inputPerOutputToken: amountFigure
    .optional()
    .describe('Input tokens, cached ones too, for each output token; else as measured'),
  cachedInputRatio: ratioFigure.optional().describe('Of the input tokens; else as measured'),
  outputTokensPerRequest: amountFigure.optional().describe('Else as measured'),
  hourWeights: z
    .array(z.number().nonnegative())
    .length(24)
    .refine(someAbove0, 'expected an hour with a weight above 0')
    .optional()
    .describe('From midnight; absent is as much at night as by day'),
  weekdayWeights: z
    .array(z.number().nonnegative())
    .length(7)
    .refine(someAbove0, 'expected a day with a weight above 0')
    .optional()
    .describe('From Monday'),
  trace: z
    .strictObject({
      bucketS: z.number().positive(),
      outputTokens: z
        .array(z.number().nonnegative())
        .min(1)
        .refine(someAbove0, 'expected a bucket with tokens'),
    })
    .optional()
    .describe('Tokens of buckets of equal length, in place of weights; only proportions count'),
  growthRatioPerYear: between(-0.9, 10, 'a ratio').optional().describe('0.5: half as much again'),
  peak: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('factor'),
        withinHourFactor: between(1, 100, 'a factor'),
      }),
      z.strictObject({
        kind: z.literal('poisson'),
        quantile: z.number().min(0.5).max(0.999999),
        perS: z
          .number()
          .positive()
          .default(60)
          .describe('Seconds over which capacity may even out'),
      }),
    ])
    .optional()
    .describe('What an hourly curve averages away: a factor, or the quantile of Poisson arrivals'),
  users: amountFigure.optional().describe('People who cause it'),
})

const requirementsSchema = z
  .strictObject({
    dataResidency: z.array(placeSchema).min(1).optional().describe('Places where data may be'),
    airGap: z.literal(true).optional(),
    operatorJurisdiction: z
      .array(placeSchema)
      .min(1)
      .optional()
      .describe('Whose law an operator may answer to; others could be made to hand data over'),
    certifications: z.array(z.string()).min(1).optional().describe('All of them'),
    dataClass: z.string().optional().describe('Class of the data, e.g. health'),
  })
  .default({})
  .describe('Hard gates: an option that does not meet one, or does not say, is not ranked')

/** What somebody assumes about demand, options, money and control: what a file in `scenarios/` may say. */
export const scenarioSchema = z
  .strictObject({
    schemaVersion: z.literal(2, {
      error: ({ input }) =>
        input === 1
          ? 'expected 2. To change a scenario of version 1: utilisationRatio becomes demand.amount with kind share-of-server and a ratio; lifeYears, residualRatio, supportRatioPerYear, pueRatio and electricity go into an option of kind owned under options, rental into one of kind rented, api into one of kind api; costOfCapitalRatioPerYear stays. scenarios/default.yaml is so written'
          : 'expected 2',
    }),
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
      .describe('GPUs, or hosts without one, that were measured; without it, all detected ones'),
    horizonYears: z
      .int()
      .min(1)
      .max(15)
      .default(5)
      .describe('Years that investments are judged by'),
    costOfCapitalRatioPerYear: ratioFigure.describe('Interest a year on the money bound'),
    capitalMethod: z.enum(['annuity', 'straight-line']).default('annuity'),
    demand: demandSchema,
    options: z
      .record(idSchema, optionSchema)
      .refine((options) => Object.keys(options).length > 0, 'expected at least one option'),
    requirements: requirementsSchema,
    overrides: z
      .record(z.string(), figureSchema)
      .optional()
      .describe(
        'Figures in place of those of the catalogue, by their paths in a report, e.g. options.api.tariff.usdPerMillionOutputTokens by a contract',
      ),
    allocation: z
      .strictObject({
        outputToInputPriceRatio: amountFigure.optional().describe("Else the first API's prices"),
        cachedToInputPriceRatio: amountFigure.optional(),
        prefillJPerInputToken: amountFigure.optional(),
        decodeJPerOutputToken: amountFigure.optional(),
      })
      .default({})
      .describe('What shares a bill between input, cached and output tokens, beside measurements'),
    market: z
      .strictObject({
        apiPriceRatioPerYear: between(0.01, 3, 'a ratio')
          .optional()
          .describe('Price of an API a year later / its price: 0.7 falls by 30 %'),
        rentPriceRatioPerYear: between(0.01, 3, 'a ratio').optional(),
        commitments: z
          .strictObject({ oneYear: z.string(), threeYear: z.string() })
          .optional()
          .describe('Ids of rental prices whose difference implies the decline of rents'),
      })
      .default({}),
    revenue: z
      .discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('per-million-output-tokens'),
          usdPerMillionOutputTokens: usdFigure,
        }),
        z.strictObject({
          kind: z.literal('per-seat'),
          usdPerSeatMonth: usdFigure,
          seats: amountFigure,
        }),
      ])
      .optional()
      .describe('What is earned with it'),
    weights: z
      .partialRecord(
        z.enum(['cost', 'performance', 'security', 'control']),
        z.number().nonnegative(),
      )
      .refine(someAbove0, 'expected a weight above 0')
      .optional()
      .describe('For a weighted decision; without them nothing is scored'),
    uncertainty: z
      .strictObject({
        draws: z.int().min(1).max(1_000_000).default(10_000),
        seed: z.int().default(1),
      })
      .default({ draws: 10_000, seed: 1 }),
  })
  .superRefine((scenario, context) => {
    for (const source of undeclaredSources(scenario, scenario.sources)) {
      context.addIssue({
        code: 'custom',
        path: ['sources'],
        message: `no source "${source}" is declared under sources`,
      })
    }
    for (const { path, source } of undatedPrices(scenario, scenario.sources)) {
      if (source.startsWith(COMMAND_LINE)) continue
      context.addIssue({ code: 'custom', path: [...path], message: undatedMessage(source) })
    }
    for (const [id, option] of Object.entries(scenario.options)) {
      for (const { path, message } of powerIssues(option))
        context.addIssue({ code: 'custom', path: ['options', id, ...path], message })
      for (const { path, message } of hybridIssues(option, scenario.options))
        context.addIssue({ code: 'custom', path: ['options', id, ...path], message })
      for (const message of repeatedItems(option))
        context.addIssue({ code: 'custom', path: ['options', id], message })
    }
  })

function hybridIssues(
  option: ScenarioOption,
  options: Readonly<Record<string, ScenarioOption>>,
): { path: string[]; message: string }[] {
  if (option.kind !== 'hybrid') return []
  const base = options[option.base]
  const baseFits =
    base?.kind === 'owned' ||
    base?.kind === 'colocated' ||
    (base?.kind === 'rented' && base.scaling === 'always-on')
  return [
    ...(baseFits
      ? []
      : [
          {
            path: ['base'],
            message:
              'expected the id of an option that is owned, colocated or rented around the clock',
          },
        ]),
    ...(options[option.api]?.kind === 'api'
      ? []
      : [{ path: ['api'], message: 'expected the id of an option of kind api' }]),
  ]
}

function powerIssues(option: ScenarioOption): { path: string[]; message: string }[] {
  if (option.kind !== 'owned' && option.kind !== 'colocated') return []
  const { load, enforcedCapW } = option.serverPowerW
  const above = (key: 'load' | 'idle', limit: number | undefined, what: string) => {
    const watts = option.serverPowerW[key]?.value
    if (watts === undefined || limit === undefined || watts <= limit) return []
    const message = `expected W at the plug of one server, at most ${what} of ${limit}; given ${watts}`
    return [{ path: ['serverPowerW', key, 'value'], message }]
  }
  return [
    ...above('load', enforcedCapW?.value, 'the enforced cap'),
    ...above('idle', load?.value ?? enforcedCapW?.value, load ? 'its load' : 'the enforced cap'),
  ]
}

function repeatedItems(option: ScenarioOption): string[] {
  const items = [
    ...option.yearly,
    ...option.staff,
    ...(option.kind === 'owned' || option.kind === 'colocated' ? option.capex : []),
  ]
  const ids = items.map(({ id }) => id)
  return ids.filter((id, i) => ids.indexOf(id) < i).map((id) => `two items are called ${id}`)
}

export type Scenario = z.infer<typeof scenarioSchema>
export type ScenarioOption = z.infer<typeof optionSchema>
export type MachineOption = Extract<ScenarioOption, { kind: 'owned' | 'colocated' }>
export type OptionOf<K extends ScenarioOption['kind']> = Extract<ScenarioOption, { kind: K }>
export type Requirement = keyof Scenario['requirements']
