import { type Figure, figureSchema } from '../figure.ts'

/** What a value outside its bounds probably is, in words; nothing where nobody can tell. */
type Guess = (value: number) => string | undefined

/** A figure whose value and range lie within bounds. The error says what was expected, what was given, and what that looks like. */
export function between(low: number, high: number, what: string, guess?: Guess) {
  return bounded(low, high, what, guess, () => false)
}

/** As `between`, but whoever has it in writing may be outside, short of a price below nothing. */
function unlessContract(low: number, high: number, what: string, guess: Guess) {
  return bounded(low, high, what, guess, ({ kind }) => kind === 'contract' || kind === 'quote')
}

function bounded(
  low: number,
  high: number,
  what: string,
  guess: Guess | undefined,
  exempt: (figure: Figure) => boolean,
) {
  const limits = high === Number.MAX_VALUE ? `of ${low} or more` : `from ${low} to ${high}`
  return figureSchema.superRefine((figure, context) => {
    const { value, range } = figure
    const [least, most] = exempt(figure) ? [0, Number.MAX_VALUE] : [low, high]
    const outside = (each: number) => each < least || each > most
    const given = [value, range?.low, range?.high].find(
      (each) => each !== undefined && outside(each),
    )
    if (given === undefined) return
    const hint = guess?.(given)
    context.addIssue({
      code: 'custom',
      path: [given === value ? 'value' : 'range'],
      message: `expected ${what} ${limits}; given ${given}${hint ? `: ${hint}` : ''}`,
    })
  })
}

/** What is a little over 1 may be either. */
const perCent: Guess = (value) =>
  value >= 2 && value <= 100 ? `${value} % is ${Number((value / 100).toPrecision(12))}` : undefined

/** Shares are ratios, never per cent. */
export const ratioFigure = between(0, 1, 'a ratio, not per cent,', perCent)

/** A share that is never nothing. */
export const positiveRatioFigure = between(0.0001, 1, 'a ratio, not per cent,', perCent)

/** A share of the time that is never all of it: with nothing left there is no capacity. */
export const outageRatioFigure = between(0, 0.9, 'a ratio, not per cent,', perCent)

export const usdFigure = between(0, Number.MAX_VALUE, 'USD')

export const amountFigure = between(0, Number.MAX_VALUE, 'an amount')

export const yearsFigure = between(0.5, 30, 'years', (value) =>
  value > 30 ? `${value} months are ${Number((value / 12).toPrecision(3))} years` : undefined,
)

/** A building draws at least what its machines draw. Above 4 it is a typing mistake. */
export const pueFigure = between(1, 4, 'a ratio', (value) =>
  value < 1 ? 'a building draws at least what its machines draw' : undefined,
)

const yearly: Guess = (value) =>
  `a price a year would be ${Number((value / 12).toPrecision(4))} a month; where a contract or quote of yours does say so, give it that kind`

/**
 * Published prices a kW and month go from 110 (Atlanta, 2026) to 300 (Silicon Valley, 2026) and 30 % more for dense racks. One page prints
 * 450 to 900 a year.
 */
export const colocationFigure = unlessContract(10, 400, 'USD per kW and month', (value) =>
  value > 400 ? yearly(value) : undefined,
)

/** Published demand charges go from a few USD to over 20 a kW and month. */
export const demandChargeFigure = unlessContract(0, 100, 'USD per kW and month', yearly)

/** Published racks cost 600 to 1,500 USD a month, without their power. */
export const rackFigure = unlessContract(0, 6000, 'USD per rack and month', yearly)

/** Of EIA-310, in which cabinets and data sheets count. */
const MM_PER_RACK_UNIT = 44.45

/** Servers are 1 to 10 rack units high, a machine that is a cabinet of its own up to 48; nodes that share a chassis have a part of it. */
export const rackUnitsFigure = between(0.25, 48, 'rack units', (value) =>
  value > 48
    ? `${value} mm are ${Number((value / MM_PER_RACK_UNIT).toPrecision(3))} rack units`
    : undefined,
)

/** No grid's price is near 2 USD. */
export const electricityFigure = between(0, 2, 'USD per kWh', (value) =>
  value > 2 && value <= 200 ? `${value} cents are ${value / 100} USD` : undefined,
)

const LEAST_TOKEN_PRICE = 0.001

/** USD a million tokens: published ones go from 0.002 to 600. Nothing at all is a price too. */
export const tokenPriceFigure = between(0, 2000, 'USD per million tokens').superRefine(
  ({ value }, context) => {
    if (value === 0 || value >= LEAST_TOKEN_PRICE) return
    context.addIssue({
      code: 'custom',
      path: ['value'],
      message: `expected USD per million tokens, 0 or at least ${LEAST_TOKEN_PRICE}; given ${value}: is it the price of a token, or of a thousand?`,
    })
  },
)

/** gCO2e a kWh: no grid has under 1, and coal has about 1,000. */
export const gridFigure = between(0, 2000, 'gCO2e per kWh').superRefine(({ value }, context) => {
  if (value === 0 || value >= 1) return
  context.addIssue({
    code: 'custom',
    path: ['value'],
    message: `expected gCO2e per kWh, 0 or at least 1; given ${value}: ${value} kg are ${value * 1000} g`,
  })
})
