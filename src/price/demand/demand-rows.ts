import { type Maybe, ratio } from '../../arithmetic.ts'
import { scaledFigure } from '../../figure.ts'
import { DAYS_PER_YEAR, HOURS_PER_DAY, S_PER_HOUR } from '../../units.ts'
import { priceToDefend } from '../catalogue.ts'
import type { LedgerInput } from '../ledger.ts'
import { choiceRow, figureRow, type ModelContext, unknownRow } from '../options/context.ts'
import type { Scenario } from '../scenario.ts'
import type { PointFigure, PricedPoint } from '../subject.ts'
import { loadDuration } from './load-duration.ts'
import { type LoadShape, peakToMean, shapeOf } from './load-shape.ts'
import { poissonQuantile } from './poisson.ts'
import { yearOfDemand } from './profile.ts'

const S_PER_DAY = HOURS_PER_DAY * S_PER_HOUR

/** When tokens are wanted, by the weights or the trace of a scenario. @throws UserError for weights that are all 0 */
export function demandShape({ demand }: Scenario): LoadShape {
  if (demand.trace) {
    const hours = demand.trace.bucketS / S_PER_HOUR
    return shapeOf(
      loadDuration(demand.trace.outputTokens.map((tokensPerS) => ({ tokensPerS, hours }))),
    )
  }
  return shapeOf(yearOfDemand({ tokensPerDay: S_PER_DAY, ...weightsOf(demand) }))
}

function weightsOf({ hourWeights, weekdayWeights }: Scenario['demand']) {
  return { hourWeights, weekdayWeights }
}

/**
 * What was measured: rows `measured.*`. The throughput brings the interval of its run, or between its runs; the mix of tokens stands on its own rows, as it
 * does not change when the throughput is a little other than it was seen.
 */
export function measuredRows(context: ModelContext, unitsSource: string, unitsNote?: string): void {
  const { ledger, subject, point, units } = context
  const measured = (path: PointFigure, label: string, unit: string, value: Maybe) =>
    ledger.input({
      path: `measured.${path}`,
      label,
      unit,
      value,
      origin: subject.kind === 'stated' ? 'choice' : 'measured',
      source: point ? `${subject.what}, ${point.label}` : subject.what,
      date: subject.date,
      note: point?.how?.[path],
      ...(path === 'outputTokensPerS' && point ? throughputLaw(point) : {}),
    })
  measured('outputTokensPerS', 'Output tokens/s', 'tokens/s', point?.outputTokensPerS)
  measured('inputTokensPerS', 'Input tokens/s', 'tokens/s', point?.inputTokensPerS)
  measured('requestsPerS', 'Requests/s', 'requests/s', point?.requestsPerS)
  measured('cachedInputRatio', 'Input tokens that were cached', 'ratio', point?.cachedInputRatio)
  measured(
    'inputPerOutputToken',
    'Input tokens for an output token',
    'ratio',
    ratio(point?.inputTokensPerS, point?.outputTokensPerS),
  )
  measured(
    'outputTokensPerRequest',
    'Output tokens of a request',
    'tokens',
    ratio(point?.outputTokensPerS, point?.requestsPerS),
  )
  if (point?.ttftP95Ms !== undefined) measured('ttftP95Ms', 'TTFT p95', 'ms', point.ttftP95Ms)
  if (point?.tokensPerSPerUser !== undefined)
    measured('tokensPerSPerUser', 'Output tokens/s for a user', 'tokens/s', point.tokensPerSPerUser)
  ledger.input({
    path: 'measured.units',
    label: 'Units that made them together',
    unit: 'units',
    value: units,
    origin: subject.kind === 'stated' ? 'choice' : 'detected',
    source: unitsSource,
    note: unitsNote,
  })
}

/**
 * How the throughput of another run may lie: by the interval of its run, or where there are several by that between them, which is one of
 * ratios. That inside a run knows of nothing that is the same throughout a run, and is no stand-in for the other.
 */
function throughputLaw({
  interval,
  betweenRuns,
  how,
}: PricedPoint): Pick<LedgerInput, 'uncertain' | 'note'> {
  if (betweenRuns !== undefined) {
    const { low, high, confidenceRatio, how: law } = betweenRuns
    return {
      uncertain: { kind: 'lognormal', low, high, confidenceRatio },
      note: [how?.outputTokensPerS, law].filter(Boolean).join('; '),
    }
  }
  if (interval === undefined || interval.low <= 0) return {}
  return {
    uncertain: { kind: 'normal', ...interval, confidenceRatio: INTERVAL_CONFIDENCE, least: 0 },
    note: 'the 95 % interval is within this run',
  }
}

/** Of throughputs, as `Distribution` has it. */
const INTERVAL_CONFIDENCE = 0.95

/** What is wanted: rows `demand.*`. */
export function demandRows(context: ModelContext): void {
  const { ledger, scenario, shape } = context
  const { demand, sources } = scenario
  amountRow(context)
  choiceRow(
    context,
    {
      path: 'demand.peakToMeanRatio',
      label: 'Highest hour / mean hour',
      unit: 'ratio',
      note: demand.trace ? 'of the trace' : 'of the weights of hours and weekdays',
    },
    peakToMean(shape),
  )
  measuredOr(context, 'inputPerOutputToken', 'Input tokens for an output token', 'ratio')
  cachedRow(context)
  measuredOr(context, 'outputTokensPerRequest', 'Output tokens of a request', 'tokens')
  ledger.result({
    path: 'demand.meanOutputTokensPerS',
    label: 'Output tokens/s wanted, mean',
    unit: 'tokens/s',
    formula: 'outputTokensPerDay / 86,400 s',
    from: ['demand.outputTokensPerDay'],
    work: ([perDay = 0]) => perDay / S_PER_DAY,
  })
  withinHourRow(context, 'demand.withinHourFactor', 'demand.meanOutputTokensPerS')
  const yearly = (
    path: string,
    label: string,
    formula: string,
    from: string[],
    work: (values: readonly number[]) => Maybe,
  ) => ledger.result({ path: `demand.${path}`, label, unit: 'per year', formula, from, work })
  yearly(
    'outputTokensPerYear',
    'Output tokens a year',
    'outputTokensPerDay x 365',
    ['demand.outputTokensPerDay'],
    ([d = 0]) => d * DAYS_PER_YEAR,
  )
  yearly(
    'inputTokensPerYear',
    'Input tokens a year, not cached',
    'outputTokensPerYear x inputPerOutputToken x (1 - cachedInputRatio)',
    ['demand.outputTokensPerYear', 'demand.inputPerOutputToken', 'demand.cachedInputRatio'],
    ([output = 0, mix = 0, cached = 0]) => output * mix * (1 - cached),
  )
  yearly(
    'cachedInputTokensPerYear',
    'Cached input tokens a year',
    'outputTokensPerYear x inputPerOutputToken x cachedInputRatio',
    ['demand.outputTokensPerYear', 'demand.inputPerOutputToken', 'demand.cachedInputRatio'],
    ([output = 0, mix = 0, cached = 0]) => output * mix * cached,
  )
  yearly(
    'totalTokensPerYear',
    'All tokens a year',
    'inputTokensPerYear + cachedInputTokensPerYear + outputTokensPerYear',
    ['demand.inputTokensPerYear', 'demand.cachedInputTokensPerYear', 'demand.outputTokensPerYear'],
    ([input = 0, cached = 0, output = 0]) => input + cached + output,
  )
  yearly(
    'requestsPerYear',
    'Requests a year',
    'outputTokensPerYear / outputTokensPerRequest',
    ['demand.outputTokensPerYear', 'demand.outputTokensPerRequest'],
    ([output = 0, each = 0]) => output / each,
  )
  if (demand.users)
    figureRow(
      context,
      { path: 'demand.users', label: 'Users', unit: 'users' },
      demand.users,
      sources,
    )
  if (demand.growthRatioPerYear)
    figureRow(
      context,
      { path: 'demand.growthRatioPerYear', label: 'Growth of demand', unit: 'ratio/year' },
      demand.growthRatioPerYear,
      sources,
    )
  else
    choiceRow(
      context,
      {
        path: 'demand.growthRatioPerYear',
        label: 'Growth of demand',
        unit: 'ratio/year',
        note: 'none stated',
      },
      0,
    )
}

function amountRow(context: ModelContext): void {
  const { scenario, point, profile, units } = context
  const { amount } = scenario.demand
  const row = {
    path: 'demand.outputTokensPerDay',
    label: 'Output tokens wanted a day, mean of the week',
    unit: 'tokens/day',
  }
  switch (amount.kind) {
    case 'output-tokens-per-day':
      figureRow(context, row, amount.outputTokensPerDay, scenario.sources)
      return
    case 'share-of-server': {
      // The demand is what it is: it does not move with the throughput, uncertain as that is.
      const price = priceToDefend(profile)
      const perServer = price?.per === 'server' ? price.unitsPerServer : undefined
      const deployments =
        perServer === undefined || units === undefined
          ? 1
          : Math.max(1, Math.floor(perServer / units))
      const scale = (point?.outputTokensPerS ?? Number.NaN) * deployments * S_PER_DAY
      if (Number.isNaN(scale)) {
        unknownRow(context.ledger, row)
        return
      }
      const { value } = amount.ratio
      figureRow(
        context,
        {
          ...row,
          note: `${value} of what one server was measured to make, taken as fixed: ${value} x ${point?.outputTokensPerS} tokens/s x ${deployments} x 86,400 s`,
        },
        scaledFigure(amount.ratio, scale),
        scenario.sources,
      )
      return
    }
  }
}

function measuredOr(
  context: ModelContext,
  key: 'inputPerOutputToken' | 'outputTokensPerRequest',
  label: string,
  unit: string,
): void {
  const { ledger, scenario } = context
  const stated = scenario.demand[key]
  const row = { path: `demand.${key}`, label, unit }
  if (stated) {
    figureRow(context, row, stated, scenario.sources)
    return
  }
  ledger.result({
    ...row,
    formula: `measured.${key}`,
    from: [`measured.${key}`],
    work: ([value]) => value,
  })
}

/** Where neither the scenario nor the run tells, nothing is cached: the dear assumption for every option alike. */
function cachedRow(context: ModelContext): void {
  const { ledger, scenario, point } = context
  const row = {
    path: 'demand.cachedInputRatio',
    label: 'Input tokens that are cached',
    unit: 'ratio',
  }
  if (scenario.demand.cachedInputRatio)
    figureRow(context, row, scenario.demand.cachedInputRatio, scenario.sources)
  else if (point?.cachedInputRatio === undefined)
    choiceRow(context, { ...row, note: 'not told by the run, and none stated: taken as none' }, 0)
  else
    ledger.result({
      ...row,
      formula: 'measured.cachedInputRatio',
      from: ['measured.cachedInputRatio'],
      work: ([cached]) => cached,
    })
}

/** Row of the peak inside an hour, for a mean demand. */
export function withinHourRow(
  context: ModelContext,
  path: string,
  meanOutputTokensPerS: string,
): string {
  const { ledger, scenario } = context
  const { peak } = scenario.demand
  const row = {
    path,
    label: 'Peak inside an hour / mean of that hour',
    unit: 'ratio',
  }
  switch (peak?.kind) {
    case undefined:
      return choiceRow(context, { ...row, note: 'none stated: hours are taken as even' }, 1)
    case 'factor':
      return figureRow(context, row, peak.withinHourFactor, scenario.sources)
    case 'poisson': {
      const { quantile, perS } = peak
      return ledger.result({
        ...row,
        formula: `quantile ${quantile} of Poisson arrivals in ${perS} s of the highest hour / their mean`,
        from: [meanOutputTokensPerS, 'demand.peakToMeanRatio', 'demand.outputTokensPerRequest'],
        work: ([mean = 0, peakRatio = 0, perRequest = 0]) => {
          const arrivals = (mean * peakRatio * perS) / perRequest
          return arrivals > 0 && Number.isFinite(arrivals)
            ? Math.max(1, poissonQuantile(arrivals, quantile) / arrivals)
            : undefined
        },
      })
    }
  }
}
