import { z } from 'zod'

/** ISO date of a source: a day, a month, a half or quarter, or a year, as precise as the source is. */
const sourceDateSchema = z
  .string()
  .regex(
    /^\d{4}(-(0[1-9]|1[0-2])(-\d{2})?|-(Q[1-4]|H[12]))?$/,
    'expected YYYY, YYYY-MM, YYYY-MM-DD, YYYY-Qn or YYYY-Hn',
  )

/** Where figures come from. A figure names its source by key. */
export const sourceSchema = z.strictObject({
  title: z.string().min(1),
  date: sourceDateSchema.optional(),
  url: z.string().optional(),
})

/** How far a figure may be trusted. A `placeholder` is nobody's quote: reports warn of it. */
export const figureKindSchema = z.enum([
  'specification',
  'list',
  'street',
  'used',
  'tender',
  'survey',
  'study',
  'quote',
  'contract',
  'choice',
  'placeholder',
])

/**
 * What is known of a figure besides its value. `uniform`: anything between is as likely. `triangular`: the value is the likeliest.
 * `normal` and `lognormal`: low and high hold it with 90 %, in equal shares beyond.
 */
const rangeSchema = z
  .strictObject({
    low: z.number(),
    high: z.number(),
    law: z.enum(['uniform', 'triangular', 'normal', 'lognormal']).default('triangular'),
  })
  .refine(({ low, high }) => low <= high, { message: 'expected the low end first' })
  .refine(({ low, law }) => law !== 'lognormal' || low > 0, {
    path: ['low'],
    message: 'expected a number above 0 for a lognormal range',
  })

/** A number somebody stated, with the key of its source. */
export const figureSchema = z
  .strictObject(
    {
      value: z.number(),
      source: z.string().min(1),
      kind: figureKindSchema,
      range: rangeSchema.optional().describe('How far the value is uncertain'),
      note: z.string().optional(),
    },
    {
      error: ({ code, input }) =>
        code === 'invalid_type'
          ? `expected { value, source, kind }, for a number alone has neither source nor date; given ${JSON.stringify(input)}`
          : undefined,
    },
  )
  .refine(({ value, range }) => !range || (range.low <= value && value <= range.high), {
    path: ['range'],
    message: 'expected a range that holds the value',
  })

export type Source = z.infer<typeof sourceSchema>
export type FigureKind = z.infer<typeof figureKindSchema>
export type Figure = z.infer<typeof figureSchema>

/** So many times a figure, its range with it. */
export function scaledFigure(figure: Figure, scale: number): Figure {
  const { value, range } = figure
  return {
    ...figure,
    value: value * scale,
    range: range && { ...range, low: range.low * scale, high: range.high * scale },
  }
}

/** Keys of figures anywhere inside `value` whose source is not declared in `sources`. */
export function undeclaredSources(value: unknown, sources: Record<string, Source>): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => undeclaredSources(item, sources))
  if (typeof value !== 'object' || value === null) return []
  const figure = figureSchema.safeParse(value)
  if (figure.success) return figure.data.source in sources ? [] : [figure.data.source]
  return Object.values(value).flatMap((item) => undeclaredSources(item, sources))
}

/** Where a figure is, and the key of its source. */
export interface PlacedSource {
  readonly path: readonly PropertyKey[]
  readonly source: string
}

/** Prices anywhere inside `value` whose source is declared without a date: a price of no day is no price. A key that says USD holds a price. */
export function undatedPrices(
  value: unknown,
  sources: Readonly<Record<string, Source>>,
  path: readonly PropertyKey[] = [],
): PlacedSource[] {
  if (typeof value !== 'object' || value === null) return []
  const figure = figureSchema.safeParse(value)
  if (figure.success) {
    const { source } = figure.data
    const undated = sources[source] !== undefined && sources[source].date === undefined
    return undated && /usd/i.test(String(path.at(-1))) ? [{ path, source }] : []
  }
  const entries: [PropertyKey, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value)
  return entries.flatMap(([key, item]) => undatedPrices(item, sources, [...path, key]))
}

/** What is wrong with such a price. */
export function undatedMessage(source: string): string {
  return `expected a dated price: its source "${source}" has no date under sources`
}
