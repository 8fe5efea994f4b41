import fc from 'fast-check'
import { hardwareProfileSchema } from '../../src/detect/hardware-profile.ts'
import type { Catalogue } from '../../src/price/catalogue.ts'
import { priceSheetSchema } from '../../src/price/price-sheet.ts'
import { type Scenario, scenarioSchema } from '../../src/price/scenario.ts'
import { type Subject, statedSubject } from '../../src/price/subject.ts'

/** A load that was measured, what is wanted, and what it may cost: all that a price is made from. */
export interface RandomCase {
  readonly subject: Subject
  readonly scenario: Scenario
  readonly catalogue: Catalogue
}

const sources = { s: { title: 'chance', date: '2026-11-01' } }

/** A figure between two ends, in steps so that shrinking ends at plain numbers; now and then with a range. */
function figure(low: number, high: number, least = low, most = high) {
  const steps = 1000
  const at = (step: number) => low + ((high - low) * step) / steps
  return fc
    .record({
      step: fc.nat({ max: steps }),
      spread: fc.option(fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 200 })), { freq: 3 }),
      law: fc.constantFrom('uniform', 'triangular', 'normal'),
    })
    .map(({ step, spread, law }) => {
      const value = at(step)
      const range = spread && {
        low: Math.max(least, at(step - spread[0])),
        high: Math.min(most, at(step + spread[1])),
        law,
      }
      return { value, source: 's', kind: 'quote', ...(range ? { range } : {}) }
    })
}

const usd = (high: number) => figure(0, high)
const share = (high = 1) => figure(0, high, 0, 1)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

/** Items of a list, each with an id of its own. */
function items<T extends object>(name: string, item: fc.Arbitrary<T>) {
  return fc
    .array(item, { maxLength: 2 })
    .map((all) => all.map((each, i) => ({ id: `${name}-${i}`, what: `${name} ${i}`, ...each })))
}

const anyCount = fc.constantFrom('server', 'gpu', 'rack', 'site')

const extras = {
  yearly: items('yearly', fc.record({ usdPerYear: usd(20_000), per: anyCount })),
  staff: items(
    'staff',
    fc.record({
      fte: figure(0, 2),
      per: fc.constantFrom('server', 'gpu', 'site'),
      usdPerFteYear: usd(200_000),
    }),
  ),
}

/** Power under load is never under idle power: machines that draw less when they work are not what this model is of. */
const power = fc
  .tuple(figure(100, 3000), figure(3000, 12_000))
  .map(([idle, load]) => ({ idle: noRange(idle), load: noRange(load) }))

function noRange<T extends { range?: object }>({ range: _, ...rest }: T) {
  return rest
}

const machine = {
  ...extras,
  gpusPerServer: fc.integer({ min: 1, max: 8 }),
  serverPriceUsd: maybe(usd(400_000)),
  serverPowerW: power,
  lifeYears: figure(2, 8),
  residualRatio: share(0.5),
  supportRatioPerYear: maybe(share(0.2)),
  insuranceRatioPerYear: maybe(share(0.05)),
  capex: items(
    'capex',
    fc.record({
      usd: usd(50_000),
      per: anyCount,
      lifeYears: figure(2, 15),
      residualRatio: maybe(share(0.5)),
    }),
  ),
  spareServers: fc.integer({ min: 0, max: 2 }),
  maintenanceRatio: maybe(share(0.3)),
  serversPerRack: fc.integer({ min: 1, max: 6 }),
}

const owned = fc.record({
  kind: fc.constant('owned'),
  ...machine,
  electricity: fc.constant('grid'),
  pueRatio: figure(1, 2, 1),
  demandCharge: maybe(
    fc.record({
      usdPerKwMonth: usd(30),
      intervalMinutes: fc.constantFrom(15, 30),
      ratchetRatio: maybe(share()),
      earlierPeakKw: maybe(figure(0, 100)),
    }),
  ),
  coincidentPeak: maybe(
    fc.record({ usdPerKwYear: usd(200), hours: fc.constantFrom([17], [9, 17, 18]) }),
  ),
  spaceUsdPerRackMonth: maybe(usd(3000)),
  gridGPerKwh: maybe(figure(10, 800)),
  waterLPerKwh: maybe(figure(0, 3)),
  embodiedKgPerServer: maybe(figure(500, 5000)),
})

const colocated = fc.record({
  kind: fc.constant('colocated'),
  ...machine,
  colocation: fc.constant('colo'),
  contractedKwPerServer: maybe(figure(1, 15)),
  dense: maybe(fc.record({ aboveKwPerRack: figure(5, 30), surchargeRatio: share(0.5) })),
  electricity: fc.constantFrom(undefined, 'grid'),
  pueRatio: figure(1, 2, 1),
  crossConnects: maybe(fc.record({ count: figure(0, 4), usdEachPerMonth: usd(500) })),
  remoteHands: maybe(fc.record({ hoursPerMonth: figure(0, 10), usdPerHour: usd(300) })),
})

const rented = (scaling: fc.Arbitrary<string>) =>
  fc.record({
    kind: fc.constant('rented'),
    ...extras,
    rental: fc.constantFrom('by-gpu', 'by-instance'),
    scaling,
    discountRatio: maybe(share(0.5)),
    availabilityRatio: maybe(figure(0.5, 1, 0.1, 1)),
  })

const api = fc.record({
  kind: fc.constant('api'),
  ...extras,
  api: fc.constant('api'),
  batchShareRatio: maybe(share()),
})

const weights = (length: number) =>
  fc
    .array(fc.nat({ max: 10 }), { minLength: length, maxLength: length })
    .filter((all) => all.some((weight) => weight > 0))

/** From a hundredth of what was measured to twenty times it. */
const demand = (tokensPerS: number) =>
  fc.record({
    amount: figure(0.01, 20).map((multiple) => ({
      kind: 'output-tokens-per-day',
      outputTokensPerDay: {
        ...noRange(multiple),
        value: Math.max(1, multiple.value * tokensPerS * 86_400),
      },
    })),
    inputPerOutputToken: figure(0, 20),
    cachedInputRatio: maybe(share()),
    outputTokensPerRequest: figure(1, 2000),
    hourWeights: maybe(weights(24)),
    weekdayWeights: maybe(weights(7)),
    trace: fc.option(fc.record({ bucketS: fc.constant(60), outputTokens: weights(12) }), {
      nil: undefined,
      freq: 5,
    }),
    peak: fc.oneof(
      fc.constant(undefined),
      figure(1, 3, 1).map((withinHourFactor) => ({ kind: 'factor', withinHourFactor })),
      fc.constantFrom(0.95, 0.999).map((quantile) => ({ kind: 'poisson', quantile, perS: 1 })),
    ),
    users: maybe(figure(1, 10_000)),
  })

const sheet = fc
  .record({
    usdPerKwh: usd(0.5),
    usdPerKwMonth: usd(300),
    usdPerHour: usd(100),
    usdPerMillionInputTokens: usd(5),
    usdPerMillionCachedInputTokens: maybe(usd(2)),
    usdPerMillionOutputTokens: usd(20),
    batchRatio: share(),
  })
  .map(({ usdPerKwh, usdPerKwMonth, usdPerHour, ...prices }) => ({
    schemaVersion: 1,
    sources,
    entries: [
      { kind: 'electricity', id: 'grid', where: 'here', usdPerKwh },
      { kind: 'colocation', id: 'colo', where: 'there', usdPerKwMonth },
      ...(['per-gpu', 'per-instance'] as const).map((billed) => ({
        kind: 'rental',
        id: billed === 'per-gpu' ? 'by-gpu' : 'by-instance',
        provider: 'p',
        sku: billed,
        hardwareProfile: 'gpu',
        gpus: 8,
        usdPerHour,
        commitment: 'on-demand',
        billed,
      })),
      { kind: 'api', id: 'api', provider: 'p', model: 'm', ...withoutUnknown(prices) },
    ],
  }))

function withoutUnknown<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

const serverPrice = usd(400_000)

/** Valid scenarios with machines of one's own, in colocation, rented around the clock and by the hour, an API and two mixes. */
export const randomCase: fc.Arbitrary<RandomCase> = fc
  .integer({ min: 10, max: 20_000 })
  .chain((tokensPerS) =>
    fc.record({
      tokensPerS: fc.constant(tokensPerS),
      interval: fc.boolean(),
      units: fc.integer({ min: 1, max: 16 }),
      price: serverPrice,
      sheet,
      scenario: fc.record({
        costOfCapitalRatioPerYear: share(0.2),
        capitalMethod: fc.constantFrom('annuity', 'straight-line'),
        demand: demand(tokensPerS),
        options: fc.record({
          own: owned,
          colo: colocated,
          rent: rented(fc.constant('always-on')),
          burst: rented(fc.constant('follow-load')),
          api,
          mix: fc.constant({ kind: 'hybrid', base: 'own', api: 'api' }),
          'rent-mix': fc.constant({ kind: 'hybrid', base: 'rent', api: 'api' }),
        }),
      }),
    }),
  )
  .map(({ tokensPerS, interval, units, price, sheet: prices, scenario }) => {
    const stated = statedSubject(tokensPerS, 2 * tokensPerS, '2026-11-30')
    const spread = { low: tokensPerS * 0.95, high: tokensPerS * 1.05 }
    return {
      subject: {
        ...stated,
        points: stated.points.map((point) => (interval ? { ...point, interval: spread } : point)),
      },
      scenario: scenarioSchema.parse(
        withoutUnknown({
          schemaVersion: 2,
          name: 'random',
          sources,
          hardwareProfile: 'gpu',
          units,
          uncertainty: { draws: 50, seed: 1 },
          ...scenario,
        }),
      ),
      catalogue: {
        profiles: [
          hardwareProfileSchema.parse({
            schemaVersion: 1,
            id: 'gpu',
            name: 'GPU',
            vendor: 'v',
            unit: 'gpu',
            match: ['GPU'],
            sources,
            prices: [{ per: 'server', unitsPerServer: 8, usd: price, what: 'server' }],
          }),
        ],
        sheets: [priceSheetSchema.parse(prices)],
      },
    }
  })
