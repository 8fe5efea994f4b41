import { z } from 'zod'
import { sourceSchema, undatedMessage, undatedPrices, undeclaredSources } from '../figure.ts'
import { HOURS_PER_DAY, MS_PER_S, S_PER_HOUR } from '../units.ts'
import {
  colocationFigure,
  electricityFigure,
  ratioFigure,
  tokenPriceFigure,
  usdFigure,
} from './bounds.ts'

const idSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected lower-case letters, digits, dots and dashes')

const dateSchema = z.iso.date()

const apiPriceSchema = z
  .strictObject({
    kind: z.literal('api'),
    id: idSchema,
    provider: z.string().min(1),
    model: z.string().min(1),
    usdPerMillionInputTokens: tokenPriceFigure,
    usdPerMillionCachedInputTokens: tokenPriceFigure.optional(),
    usdPerMillionOutputTokens: tokenPriceFigure,
    batchRatio: ratioFigure
      .optional()
      .describe('What a request in a batch costs of its price, e.g. 0.5'),
    contextLimitTokens: z
      .int()
      .positive()
      .optional()
      .describe('Longest prompt that the prices hold for'),
    longContext: z
      .strictObject({
        aboveInputTokens: z.int().positive(),
        usdPerMillionInputTokens: tokenPriceFigure,
        usdPerMillionCachedInputTokens: tokenPriceFigure.optional(),
        usdPerMillionOutputTokens: tokenPriceFigure,
      })
      .optional()
      .describe('Prices of a request whose prompt is longer than that, for all its tokens'),
    from: dateSchema.optional().describe('First day of the prices'),
    to: dateSchema.optional().describe('Day on which they ended'),
  })
  .describe('A public API, billed by the token')

const rentalPriceSchema = z
  .strictObject({
    kind: z.literal('rental'),
    id: idSchema,
    provider: z.string().min(1),
    sku: z.string().min(1),
    hardwareProfile: z.string().min(1).describe('Id of the hardware profile that is rented'),
    gpus: z.int().positive().describe('Units of that profile in the rental'),
    usdPerHour: usdFigure.describe('For all of them together'),
    commitment: z.enum(['on-demand', '1-year', '3-year', 'spot', 'capacity-block']),
    billed: z
      .enum(['per-gpu', 'per-instance'])
      .describe('Whether any number can be rented, or only whole instances'),
  })
  .describe('A rented machine, billed by the hour')

const electricityPriceSchema = z
  .strictObject({
    kind: z.literal('electricity'),
    id: idSchema,
    where: z.string().min(1),
    usdPerKwh: electricityFigure,
  })
  .describe('A price of electricity')

const colocationPriceSchema = z
  .strictObject({
    kind: z.literal('colocation'),
    id: idSchema,
    where: z.string().min(1),
    usdPerKwMonth: colocationFigure.describe('Per kW of contracted power and month'),
  })
  .describe('A price of space, power delivery and cooling in somebody else’s data centre')

const priceEntrySchema = z.discriminatedUnion('kind', [
  apiPriceSchema,
  rentalPriceSchema,
  electricityPriceSchema,
  colocationPriceSchema,
])

/** What alternatives and running costs are quoted at: what a file in `price-sheets/` may say. */
export const priceSheetSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    sources: z.record(z.string(), sourceSchema),
    entries: z.array(priceEntrySchema),
  })
  .superRefine((sheet, context) => {
    for (const [index, entry] of sheet.entries.entries()) {
      for (const source of undeclaredSources(entry, sheet.sources)) {
        const message = `no source "${source}" is declared under sources`
        context.addIssue({ code: 'custom', path: ['entries', index], message })
      }
    }
    for (const { path, source } of undatedPrices(sheet, sheet.sources))
      context.addIssue({ code: 'custom', path: [...path], message: undatedMessage(source) })
    for (const [index, entry] of sheet.entries.entries()) {
      const message = entry.kind === 'rental' ? rentIssue(entry) : undefined
      if (message)
        context.addIssue({ code: 'custom', path: ['entries', index, 'usdPerHour'], message })
    }
  })

export type PriceSheet = z.infer<typeof priceSheetSchema>
export type PriceEntry = z.infer<typeof priceEntrySchema>
export type ApiPrice = z.infer<typeof apiPriceSchema>
export type RentalPrice = z.infer<typeof rentalPriceSchema>

/** Dearest GPU-hour of any list so far: 17.80 USD (8 x B300 on demand, December 2025). */
const MOST_USD_PER_GPU_HOUR = 60

function rentIssue({ usdPerHour, gpus }: RentalPrice): string | undefined {
  const perGpu = usdPerHour.value / gpus
  if (perGpu <= MOST_USD_PER_GPU_HOUR) return undefined
  return `expected USD an hour for all of gpus together, up to ${MOST_USD_PER_GPU_HOUR} for each; given ${usdPerHour.value} for ${gpus}: is gpus the number in the whole machine?`
}

const MS_PER_DAY = HOURS_PER_DAY * S_PER_HOUR * MS_PER_S

/**
 * Whole days from a source's date to `now`. A year, half, quarter or month counts from its last
 * day, and what ends after `now` is 0 days old. Unknown without a date.
 *
 * @param now ISO 8601 date, or date and time
 */
export function ageDays(sourceDate: string | undefined, now: string): number | undefined {
  const sourceMs = sourceDate === undefined ? undefined : lastDayMs(sourceDate)
  const nowMs = Date.parse(now.slice(0, 'YYYY-MM-DD'.length))
  if (sourceMs === undefined || Number.isNaN(nowMs)) return undefined
  return Math.max(0, (nowMs - sourceMs) / MS_PER_DAY)
}

function lastDayMs(date: string): number | undefined {
  const match = /^(\d{4})(?:-(?:(\d{2})(?:-(\d{2}))?|Q([1-4])|H([12])))?$/.exec(date)
  if (match === null) return undefined
  const [, year, month, day, quarter, half] = match
  if (day !== undefined) return Date.UTC(Number(year), Number(month) - 1, Number(day))
  return Date.UTC(Number(year), lastMonth(month, quarter, half), 0)
}

/** 1 to 12: with day 0 of the month after it, which `Date.UTC` counts from 0, it gives the month's last day. */
function lastMonth(month?: string, quarter?: string, half?: string): number {
  if (month !== undefined) return Number(month)
  if (quarter !== undefined) return Number(quarter) * 3
  return half === undefined ? 12 : Number(half) * 6
}
