import type { Maybe } from '../../arithmetic.ts'
import { seededRandom } from '../../random.ts'
import type { CostFigure, CostOption, CostUncertainty, TornadoBar } from '../cost-report.ts'
import type { Ledger, Values } from '../ledger.ts'
import type { Scenario } from '../scenario.ts'
import { cheapestShares, quantilesOf, type Simulation } from './monte-carlo.ts'
import { simulateLedger, uncertainInputs } from './simulate-ledger.ts'
import { tornado } from './tornado.ts'

/** 5 % of the draws lie below the low end, 5 % above the high one. */
const TAIL_RATIO = 0.05
const quantileNames = { low: TAIL_RATIO, median: 0.5, high: 1 - TAIL_RATIO } as const
type QuantileName = keyof typeof quantileNames

type Options = readonly Pick<CostOption, 'id' | 'kind' | 'excluded'>[]

/**
 * What the uncertain inputs do to the price: quantiles of each option over seeded draws of all of them, the share of draws in which each
 * is the cheapest, and a tornado of the first option with machines of one's own, else of the first. Nothing where no option that is known
 * rests on an uncertain input.
 *
 * @param values of the ledger as it is
 */
export function costUncertainty(
  ledger: Ledger,
  values: Values,
  options: Options,
  { draws, seed }: Scenario['uncertainty'],
): { uncertainty: CostUncertainty; figures: CostFigure[] } | undefined {
  const known = options.filter(({ id }) => values.get(priceOf(id)) !== undefined)
  const inputs = uncertainInputs(
    ledger,
    known.map(({ id }) => priceOf(id)),
  )
  const about = known.find(({ kind }) => kind === 'owned' || kind === 'colocated') ?? known[0]
  if (about === undefined || inputs.length === 0) return undefined
  const simulation = simulateLedger(
    ledger,
    known.map(({ id }) => priceOf(id)),
    draws,
    (path) => seededRandom(seed, path),
  )
  const how = `${draws} draws of the uncertain inputs, seed ${seed}`
  const swings = tornadoFigures(ledger, about.id)
  return {
    uncertainty: {
      draws,
      seed,
      inputs: inputs.map(({ path }) => path),
      options: known.map(({ id }) => optionPaths(id)),
      leftOut: options.filter((option) => !known.includes(option)).map(({ id }) => id),
      tornado: { option: about.id, base: priceOf(about.id), bars: swings.bars },
    },
    figures: [
      ...known.flatMap(({ id }) => quantileFigures(ledger, id, simulation, how)),
      ...shareFigures(ledger, known, simulation, how),
      ...swings.figures,
    ],
  }
}

/** What is drawn: the whole bill on the output tokens. */
function priceOf(id: string): string {
  return `options.${id}.usdPerMillionOutputTokens`
}

function pathOf(id: string, name: QuantileName | 'cheapestRatio'): string {
  return `uncertainty.options.${id}.${name}`
}

function optionPaths(option: string): CostUncertainty['options'][number] {
  return {
    option,
    low: pathOf(option, 'low'),
    median: pathOf(option, 'median'),
    high: pathOf(option, 'high'),
    cheapest: pathOf(option, 'cheapestRatio'),
  }
}

function quantileFigures(
  ledger: Ledger,
  id: string,
  { outputs }: Simulation<string, string>,
  how: string,
): CostFigure[] {
  const names = Object.keys(quantileNames) as QuantileName[]
  const found = quantilesOf(
    outputs[priceOf(id)] as Float64Array,
    names.map((name) => quantileNames[name]),
  )
  return names.map((name, index) => {
    const quantile = `${Math.round(quantileNames[name] * 100)} % quantile`
    return {
      path: pathOf(id, name),
      label: `Whole bill on the output tokens, ${quantile}`,
      unit: 'USD/M output tokens',
      value: found[index],
      formula: `${quantile} of usdPerMillionOutputTokens over ${how}, by nearest rank`,
      from: [priceOf(id), ...uncertainInputs(ledger, [priceOf(id)]).map(({ path }) => path)],
    }
  })
}

/** An option that is excluded is never bought, however cheap: it has no share, and takes none from the others. */
function shareFigures(
  ledger: Ledger,
  known: Options,
  { outputs }: Simulation<string, string>,
  how: string,
): CostFigure[] {
  const ranked = known.filter(({ excluded }) => excluded.length === 0).map(({ id }) => priceOf(id))
  const shares: Readonly<Record<string, Maybe>> = cheapestShares(
    Object.fromEntries(ranked.map((path) => [path, outputs[path] as Float64Array])),
    known.filter(({ kind }) => kind === 'hybrid').map(({ id }) => priceOf(id)),
  )
  const from = [...ranked, ...uncertainInputs(ledger, ranked).map(({ path }) => path)]
  return known.map(({ id, excluded }) => ({
    path: pathOf(id, 'cheapestRatio'),
    label: 'Probability that it is the cheapest',
    unit: 'ratio',
    value: shares[priceOf(id)],
    formula: `share of ${how}, in which usdPerMillionOutputTokens is the least of the options that meet every requirement; a mix that comes out as one of its parts is that part`,
    from,
    note: excluded.length > 0 ? 'not ranked: it does not meet every requirement' : undefined,
  }))
}

function tornadoFigures(
  ledger: Ledger,
  option: string,
): { bars: TornadoBar[]; figures: CostFigure[] } {
  const wanted = priceOf(option)
  const byPath = new Map(ledger.rows.map((row) => [row.path, row]))
  const swings = tornado(ledger, wanted, TAIL_RATIO).bars.map((swing) => {
    const at = (name: string) => `uncertainty.tornado.${swing.input}.${name}`
    const end = (name: 'lowInput' | 'highInput', p: number): CostFigure => ({
      path: at(name),
      label: `${byPath.get(swing.input)?.label}, ${Math.round(p * 100)} % quantile`,
      unit: byPath.get(swing.input)?.unit ?? '',
      value: swing[name],
      formula: `${Math.round(p * 100)} % quantile of ${swing.input}`,
      from: [swing.input],
    })
    const moved = (name: 'atLow' | 'atHigh', input: 'lowInput' | 'highInput'): CostFigure => ({
      path: at(name),
      label: 'Whole bill on the output tokens',
      unit: 'USD/M output tokens',
      value: swing[name],
      formula: `${wanted} with ${swing.input} at ${input}, all else as it is`,
      from: [wanted, at(input)],
    })
    const bar: TornadoBar = {
      input: swing.input,
      lowInput: at('lowInput'),
      highInput: at('highInput'),
      atLow: at('atLow'),
      atHigh: at('atHigh'),
    }
    return {
      bar,
      figures: [
        end('lowInput', TAIL_RATIO),
        end('highInput', 1 - TAIL_RATIO),
        moved('atLow', 'lowInput'),
        moved('atHigh', 'highInput'),
      ],
    }
  })
  return { bars: swings.map(({ bar }) => bar), figures: swings.flatMap(({ figures }) => figures) }
}
