import { UserError } from '../../errors.ts'
import { findEntry } from '../catalogue.ts'
import { forwardPrices } from '../finance/falling-prices.ts'
import { figureRow, type ModelContext } from '../options/context.ts'

/** Paths of the price of a year later / the price, by what is bought; absent where nobody tells of a market. */
export interface MarketPaths {
  readonly api?: string
  readonly rent?: string
}

/**
 * Rows `market.*`: how prices of APIs and rents go on. As the scenario states; else, of rents, as a seller's own commitments for one
 * year and for three imply: prices at which both are worth the same. They fall where the longer one is cheaper an hour, and rise
 * where it is dearer.
 *
 * @throws UserError for commitments that are none, or of unlike hardware
 */
export function marketRows(context: ModelContext): MarketPaths {
  const { market, sources } = context.scenario
  const { apiPriceRatioPerYear: api, rentPriceRatioPerYear: rent, commitments } = market
  const stated = (name: string, label: string, figure: typeof api) =>
    figure && figureRow(context, { path: `market.${name}`, label, unit: 'ratio' }, figure, sources)
  return {
    api: stated('apiPriceRatioPerYear', 'Price of an API a year later / its price', api),
    rent:
      stated('rentPriceRatioPerYear', 'Rent a year later / rent', rent) ??
      (commitments && commitmentRows(context, commitments)),
  }
}

type Commitments = NonNullable<ModelContext['scenario']['market']['commitments']>

function commitmentRows(context: ModelContext, commitments: Commitments): string {
  const oneYear = commitmentRow(context, commitments, 'oneYear', '1-year')
  const threeYear = commitmentRow(context, commitments, 'threeYear', '3-year')
  requireSameHardware(context, commitments)
  const from = [oneYear, threeYear]
  const row = (
    path: string,
    label: string,
    unit: string,
    formula: string,
    of: 'ratioPerYear' | 'year2' | 'year3',
  ) =>
    context.ledger.result({
      path: `market.${path}`,
      label,
      unit,
      formula,
      from,
      work: ([one = 0, three = 0]) =>
        one > 0 && three > 0 ? forwardPrices(one, three)[of] : undefined,
    })
  const ratio = row(
    'rentPriceRatioPerYear',
    'Rent a year later / rent, as commitments imply',
    'ratio',
    'the positive q of 1 + q + q^2 = 3 x threeYearUsdPerUnitHour / oneYearUsdPerUnitHour',
    'ratioPerYear',
  )
  for (const year of [2, 3] as const)
    row(
      `commitments.year${year}UsdPerUnitHour`,
      `Rent of year ${year}, as commitments imply`,
      'USD/h/unit',
      `oneYearUsdPerUnitHour x rentPriceRatioPerYear${year === 3 ? '^2' : ''}`,
      `year${year}`,
    )
  return ratio
}

/** By the unit, as the two may be of different numbers of them. */
function commitmentRow(
  context: ModelContext,
  commitments: Commitments,
  key: 'oneYear' | 'threeYear',
  commitment: '1-year' | '3-year',
): string {
  const path = `market.commitments.${key}`
  const { entry, sources } = findEntry(context.catalogue, 'rental', commitments[key], path)
  if (entry.commitment !== commitment) {
    throw new UserError(`${path}: "${entry.id}" is ${entry.commitment}, not ${commitment}.`, {
      remedy: `Name a rental price with a commitment of ${commitment}.`,
    })
  }
  const { value, range } = entry.usdPerHour
  return figureRow(
    context,
    {
      path: `${path}UsdPerUnitHour`,
      label: `Rent under a commitment, ${commitment}`,
      unit: 'USD/h/unit',
      note: `${entry.provider} ${entry.sku}${entry.gpus === 1 ? '' : `; ${value} USD / ${entry.gpus}`}`,
    },
    {
      ...entry.usdPerHour,
      value: value / entry.gpus,
      range: range && { ...range, low: range.low / entry.gpus, high: range.high / entry.gpus },
    },
    sources,
  )
}

function requireSameHardware({ catalogue }: ModelContext, commitments: Commitments): void {
  const hardware = (id: string) =>
    findEntry(catalogue, 'rental', id, 'market.commitments').entry.hardwareProfile
  const [one, three] = [hardware(commitments.oneYear), hardware(commitments.threeYear)]
  if (one === three) return
  throw new UserError(`market.commitments: one year is of ${one}, three years are of ${three}.`, {
    remedy:
      'Name two prices of the same hardware: only their difference in time tells of a market.',
  })
}
