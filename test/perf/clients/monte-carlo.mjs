// Draws of a five-option scenario in a process of their own: how long they take, what memory that needs, and a digest of every number.
import { createHash } from 'node:crypto'
import { built, orders } from './harness.mjs'

const { scenarioSchema } = await built('price/scenario.js')
const { priceSheetSchema } = await built('price/price-sheet.js')
const { statedSubject } = await built('price/subject.js')
const { buildLedger } = await built('price/build-ledger.js')
const { simulateLedger, uncertainInputs } = await built('price/uncertainty/simulate-ledger.js')
const { cheapestShares, quantilesOf } = await built('price/uncertainty/monte-carlo.js')
const { seededRandom } = await built('random.js')

const sources = { s: { title: 'the bench', date: '2026-11-01' } }
const figure = (value, low, high, law = 'triangular') => ({
  value,
  source: 's',
  kind: 'quote',
  ...(low === undefined ? {} : { range: { low, high, law } }),
})

const catalogue = {
  profiles: [
    {
      schemaVersion: 1,
      id: 'gpu',
      name: 'GPU',
      vendor: 'bench',
      unit: 'gpu',
      match: ['GPU'],
      sources,
      prices: [
        {
          per: 'server',
          unitsPerServer: 8,
          usd: figure(320_000, 280_000, 400_000),
          what: 'server',
        },
      ],
      powerW: { load: figure(1200), idle: figure(250) },
    },
  ],
  sheets: [
    priceSheetSchema.parse({
      schemaVersion: 1,
      sources,
      entries: [
        { kind: 'electricity', id: 'grid', where: 'here', usdPerKwh: figure(0.15, 0.1, 0.25) },
        { kind: 'colocation', id: 'colo', where: 'there', usdPerKwMonth: figure(184, 150, 280) },
        {
          kind: 'rental',
          id: 'rent',
          provider: 'p',
          sku: '8 GPUs',
          hardwareProfile: 'gpu',
          gpus: 8,
          usdPerHour: figure(24, 16, 40),
          commitment: 'on-demand',
          billed: 'per-instance',
        },
        {
          kind: 'api',
          id: 'api',
          provider: 'p',
          model: 'm',
          usdPerMillionInputTokens: figure(0.3, 0.1, 0.5),
          usdPerMillionOutputTokens: figure(1.2, 0.5, 2.5, 'lognormal'),
        },
      ],
    }),
  ],
}

const machine = {
  lifeYears: figure(4, 3, 6),
  residualRatio: figure(0.15, 0.05, 0.3),
  supportRatioPerYear: figure(0.12),
  insuranceRatioPerYear: figure(0.01),
  capex: [
    {
      id: 'network',
      what: 'Network',
      usd: figure(30_000, 20_000, 50_000),
      per: 'server',
      lifeYears: figure(5),
    },
    { id: 'racks', what: 'Racks', usd: figure(5000), per: 'rack', lifeYears: figure(10) },
  ],
  spareServers: 1,
  staff: [
    {
      id: 'operators',
      what: 'Operators',
      fte: figure(0.5, 0.25, 1),
      per: 'site',
      usdPerFteYear: figure(150_000),
    },
  ],
}

/** Five options, a week of 168 different hours, and the throughput, the demand and 14 figures more that are uncertain. */
const scenario = scenarioSchema.parse({
  schemaVersion: 2,
  name: 'bench',
  sources,
  hardwareProfile: 'gpu',
  units: 8,
  costOfCapitalRatioPerYear: figure(0.1, 0.07, 0.13),
  demand: {
    amount: {
      kind: 'output-tokens-per-day',
      outputTokensPerDay: figure(600_000_000, 400_000_000, 900_000_000),
    },
    inputPerOutputToken: figure(3),
    outputTokensPerRequest: figure(400),
    hourWeights: Array.from(
      { length: 24 },
      (_, hour) => 1.2 + Math.sin((hour * Math.PI) / 12 + 0.1),
    ),
    weekdayWeights: [1, 1.05, 1.1, 1.08, 0.93, 0.4, 0.35],
    peak: { kind: 'factor', withinHourFactor: figure(1.3, 1.1, 1.6) },
  },
  options: {
    own: {
      kind: 'owned',
      ...machine,
      electricity: 'grid',
      pueRatio: figure(1.4, 1.2, 1.6),
      demandCharge: { usdPerKwMonth: figure(15), intervalMinutes: 15 },
      spaceUsdPerRackMonth: figure(800),
    },
    colo: { kind: 'colocated', ...machine, colocation: 'colo' },
    rent: { kind: 'rented', rental: 'rent' },
    api: { kind: 'api', api: 'api' },
    mix: { kind: 'hybrid', base: 'own', api: 'api' },
  },
})

const base = statedSubject(5000, undefined, '2026-11-30')
const subject = {
  ...base,
  points: [{ ...base.points[0], interval: { low: 4800, high: 5200 } }],
}

const MIB_IN_KIB = 1024
const MS_PER_S = 1000
const US_PER_S = 1e6
const QUANTILES = [0.05, 0.5, 0.95]

const ledger = buildLedger(subject, subject.points[0], scenario, catalogue)
const options = Object.keys(scenario.options)
const wanted = options.map((id) => `options.${id}.usdPerMillionOutputTokens`)

const cpuBefore = process.cpuUsage()
const started = performance.now()
const { inputs, outputs } = simulateLedger(ledger, wanted, orders.draws, (path) =>
  seededRandom(orders.seed, path),
)
const quantiles = wanted.map((path) => quantilesOf(outputs[path], QUANTILES))
const shares = cheapestShares(outputs, ['options.mix.usdPerMillionOutputTokens'])
const tookMs = performance.now() - started
const { user, system } = process.cpuUsage(cpuBefore)

const hash = createHash('sha256')
for (const column of [...Object.values(inputs), ...Object.values(outputs)]) hash.update(column)
const result = {
  draws: orders.draws,
  options: options.length,
  uncertainInputs: uncertainInputs(ledger, wanted).length,
  seconds: tookMs / MS_PER_S,
  cpuSeconds: (user + system) / US_PER_S,
  peakResidentMib: process.resourceUsage().maxRSS / MIB_IN_KIB,
  digest: hash.update(JSON.stringify([quantiles, shares])).digest('hex'),
}
process.stdout.write(JSON.stringify(result), () => process.exit(0))
