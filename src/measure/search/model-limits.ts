import { z } from 'zod'
import { type Figure, figureSchema, sourceSchema } from '../../figure.ts'
import { type Limit, limitPercentiles, type SloPlan } from '../../load/search-plan.ts'

const timesSchema = {
  ttftMs: figureSchema.optional(),
  tpotMs: figureSchema.optional(),
  latencyMs: figureSchema.optional(),
}

/** Limits that somebody has published for models: a file in `model-limits/`. */
export const modelLimitsSchema = z.strictObject({
  schemaVersion: z.literal(1),
  title: z.string().min(1),
  notes: z.array(z.string()).default([]).describe('What must be said with every use of them'),
  sources: z.record(z.string(), sourceSchema.required({ date: true })),
  percentile: z.literal(limitPercentiles).describe('That must be within each limit'),
  isStrict: z.boolean().describe('true: under the limit; false: at most the limit'),
  needsEarlyStopping: z
    .boolean()
    .describe("true: MLPerf's early-stopping estimate must be within it too"),
  minDurationS: figureSchema.optional().describe('Shortest run that the publisher accepts'),
  limits: z
    .array(
      z.strictObject({
        model: z.string().min(1),
        scenario: z.string().min(1),
        ...timesSchema,
        disputed: z
          .strictObject(timesSchema)
          .optional()
          .describe('Other figures that a source gives for the same limit'),
      }),
    )
    .min(1),
})

export type ModelLimits = z.infer<typeof modelLimitsSchema>
type Entry = ModelLimits['limits'][number]

/** Limits ready for a search, and where they come from. */
type ChosenLimits = Required<Pick<SloPlan, 'limits' | 'limitsFrom'>>

/** The names in a file, as `model/scenario`. */
export function modelLimitNames({ limits }: ModelLimits): string[] {
  return limits.map(({ model, scenario }) => `${model}/${scenario}`)
}

/**
 * The limits of a model in a scenario, with what disagrees about them.
 *
 * @param entryName `model/scenario`
 * @param asked how they were asked for, to be told with them
 * @returns nothing where the file has no such name
 */
export function chooseModelLimits(
  file: ModelLimits,
  entryName: string,
  asked: string,
): ChosenLimits | undefined {
  const index = modelLimitNames(file).indexOf(entryName)
  const entry = file.limits[index]
  if (entry === undefined) return undefined
  const limits = metricNames.flatMap((metric): Limit[] => {
    const figure = entry[metric]
    const { percentile: p, isStrict, needsEarlyStopping } = file
    return figure
      ? [{ kind: 'percentile', metric, p, limitMs: figure.value, isStrict, needsEarlyStopping }]
      : []
  })
  const used = new Set(figuresOf(entry).map(({ source }) => source))
  const sources = Object.entries(file.sources)
    .filter(([key]) => used.has(key))
    .map(([, { title, date }]) => ({ title, date }))
  const notes = [...file.notes, ...disputes(file, entry)]
  return { limits, limitsFrom: { name: asked, title: file.title, sources, notes } }
}

const metricNames = ['ttftMs', 'tpotMs', 'latencyMs'] as const
const labels = { ttftMs: 'TTFT', tpotMs: 'TPOT', latencyMs: 'latency' } as const

function figuresOf({ disputed = {}, ...entry }: Entry): Figure[] {
  return metricNames.flatMap((metric) => [entry[metric] ?? [], disputed[metric] ?? []].flat())
}

function disputes({ sources }: ModelLimits, { disputed = {}, ...entry }: Entry): string[] {
  return metricNames.flatMap((metric) => {
    const other = disputed[metric]
    const own = entry[metric]
    if (!other || !own) return []
    const named = ({ source }: Figure) => sources[source]?.title ?? source
    return [
      `The sources disagree on ${labels[metric]}: ${own.value} ms by ${named(own)}, which is used, and ${other.value} ms by ${named(other)}.`,
    ]
  })
}
