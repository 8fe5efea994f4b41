import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import { checkNames } from '../../src/price/catalogue.ts'
import { type CostReport, figureFinder } from '../../src/price/cost-report.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { subjectOfRun } from '../../src/price/subject.ts'
import { runLog } from '../measure/records.ts'
import { type Changes, catalogue, figure, measuredRun, scenario } from './fixtures.ts'

const hundred = measuredRun(100)
const price = (changes: Changes = {}, measured = hundred): CostReport =>
  priceSubject(subjectOfRun(measured.run, measured.summary), scenario(changes), catalogue)
const value = (report: CostReport, path: string): number | undefined =>
  figureFinder(report)(path)?.value
const own = (report: CostReport, name: string) => value(report, `options.own.${name}`)
const line = (report: CostReport, name: string) => own(report, `lines.${name}.usdPerYear`)

describe('one bill, by hand', () => {
  // 100 requests in a second: 800 output and 1,600 input tokens per second. Half of it is wanted: 34.56 M a day.
  // Servers: 8,760 USD / 4 years = 2,190. Electricity: (0.2 + 0.5 x 0.8) kW x 8,760 h x 1.5 x 0.10 = 788.40.
  // Support: 10 % of 8,760 = 876. Together 3,854.40 USD a year, 0.44 an hour.
  const report = price()

  test('the demand is half of what the server made, the whole week alike', () => {
    expect(value(report, 'demand.outputTokensPerDay')).toBe(400 * 86_400)
    expect(value(report, 'demand.peakToMeanRatio')).toBe(1)
    expect(own(report, 'servers')).toBe(1)
    expect(own(report, 'utilisationRatio')).toBe(0.5)
  })

  test('the year', () => {
    expect(report.options[0]?.lines).toEqual(['servers', 'electricity', 'support'])
    expect(line(report, 'servers')).toBeCloseTo(2190, 9)
    expect(line(report, 'electricity')).toBeCloseTo(788.4, 9)
    expect(line(report, 'support')).toBeCloseTo(876, 9)
    expect(own(report, 'usdPerYear')).toBeCloseTo(3854.4, 9)
    expect(own(report, 'usdPerHour')).toBeCloseTo(0.44, 12)
  })

  test('the million output tokens: 0.44 USD / (400 x 3,600 / 1e6 = 1.44 M) = 0.30556', () => {
    expect(own(report, 'usdPerMillionOutputTokens')).toBeCloseTo(0.44 / 1.44, 10)
  })

  test('the million of all tokens: 0.44 USD / 4.32 M', () => {
    expect(own(report, 'usdPerMillionTotalTokens')).toBeCloseTo(0.44 / 4.32, 10)
  })

  test('at full use: 0.25 + 0.15 + 0.10 = 0.50 USD for 2.88 M', () => {
    expect(own(report, 'atFullUse.usdPerMillionOutputTokens')).toBeCloseTo(0.5 / 2.88, 10)
  })

  test('a request of 8 output tokens, and tokens for a dollar', () => {
    expect(own(report, 'usdPerRequest')).toBeCloseTo((0.44 / 1.44e6) * 8, 14)
    expect(own(report, 'outputTokensPerUsd')).toBeCloseTo(1.44e6 / 0.44, 3)
  })

  test('power: 0.6 kW of the machine x 1.5', () => {
    expect(own(report, 'meanPowerKw')).toBeCloseTo(0.9, 12)
    expect(own(report, 'energyKwhPerYear')).toBeCloseTo(7884, 9)
  })

  test('rented: 3 USD an hour, idle or not', () => {
    expect(value(report, 'options.rent.usdPerHour')).toBeCloseTo(3, 12)
    expect(value(report, 'options.rent.usdPerMillionOutputTokens')).toBeCloseTo(3 / 1.44, 10)
  })

  test('the API: 4 USD a million out, and the 2 M in that go with it at 1 USD', () => {
    expect(value(report, 'options.api.usdPerMillionOutputTokens')).toBeCloseTo(6, 10)
    expect(value(report, 'options.api.usdPerMillionTotalTokens')).toBeCloseTo(2, 10)
  })

  test('straight line instead of an annuity is the same without interest, and less with it', () => {
    const at10 = { scenario: { costOfCapitalRatioPerYear: figure(0.1) } }
    const straight = { scenario: { ...at10.scenario, capitalMethod: 'straight-line' } }
    expect(line(price(straight), 'servers')).toBeCloseTo(2190, 9)
    expect(line(price(at10), 'servers')).toBeGreaterThan(2190)
  })
})

describe('a demand with a peak', () => {
  // Twelve hours at 1.5 of the mean and twelve at 0.5: mean 400, peak 600 tokens/s; a server makes 800.
  const hourWeights = Array.from({ length: 24 }, (_, hour) => (hour < 12 ? 3 : 1))

  test('is carried by whole servers, a spare and what maintenance takes out', () => {
    const busy = price({
      demand: { hourWeights, peak: { kind: 'factor', withinHourFactor: figure(2) } },
      own: { spareServers: 1, maintenanceRatio: figure(0.1) },
    })
    // 600 x 2 / 800 = 1.5: 2 serve; 2 / 0.9 = 2.2: 3, and the spare.
    expect(own(busy, 'servingServers')).toBe(2)
    expect(own(busy, 'servers')).toBe(4)
    expect(own(busy, 'utilisationRatio')).toBe(0.125)
  })

  test('is followed by rented machines hour by hour, but never to none', () => {
    const followed = price({
      demand: {
        amount: { kind: 'output-tokens-per-day', outputTokensPerDay: figure(800 * 86_400) },
        hourWeights,
      },
      rent: { scaling: 'follow-load' },
    })
    // 1,200 tokens/s need 2 machines for twelve hours, 400 need 1.
    expect(value(followed, 'options.rent.servers')).toBe(1.5)
    expect(value(followed, 'options.rent.usdPerHour')).toBeCloseTo(4.5, 12)
  })

  test('by the Poisson quantile of NVIDIA: 224 where 200 come on average', () => {
    const report = price({
      demand: {
        amount: { kind: 'output-tokens-per-day', outputTokensPerDay: figure(200 * 8 * 86_400) },
        outputTokensPerRequest: figure(8),
        peak: { kind: 'poisson', quantile: 0.95, perS: 1 },
      },
    })
    expect(value(report, 'demand.withinHourFactor')).toBeCloseTo(224 / 200, 12)
  })
})

describe('a mix of machines and an API', () => {
  // 1,600 tokens/s by day and 160 by night (mean 880): by day 2 servers, of which one would stand idle at night.
  const options = {
    own: {
      kind: 'owned',
      lifeYears: figure(4),
      residualRatio: figure(0),
      pueRatio: figure(1.5),
      electricity: 'grid',
      serverPriceUsd: figure(400_000),
    },
    api: { kind: 'api', api: 'api' },
    mix: { kind: 'hybrid', base: 'own', api: 'api' },
  }
  const hourWeights = Array.from({ length: 24 }, (_, hour) => (hour < 12 ? 10 : 1))
  const demand = {
    amount: { kind: 'output-tokens-per-day', outputTokensPerDay: figure(880 * 86_400) },
    hourWeights,
  }
  const report = price({ options, demand })
  const mix = (name: string) => value(report, `options.mix.${name}`)

  test('buys one server where a second costs more than the tokens it would save', () => {
    // A server costs 100,000 USD a year and a little power. The second would carry 800 tokens/s for twelve hours: 12,614 M
    // a year at 6 USD are 75,686 USD. The first carries 800 by day and 160 by night: 15,137 M, 90,824 USD: less than it costs.
    expect(mix('servers')).toBe(0)
    expect(mix('usdPerYear')).toBeCloseTo(value(report, 'options.api.usdPerYear') ?? 0, 6)
    const cheaper = price({
      options: { ...options, own: { ...options.own, serverPriceUsd: figure(330_000) } },
      demand,
    })
    expect(value(cheaper, 'options.mix.servers')).toBe(1)
    // One server, 480 of 880 tokens/s: power 0.2 + 0.6 x 0.8 = 0.68 kW; the rest, 400 tokens/s, from the API.
    expect(value(cheaper, 'options.mix.baseOutputTokensPerS')).toBeCloseTo(480, 9)
    const electricity = 0.68 * 8760 * 1.5 * 0.1
    expect(value(cheaper, 'options.mix.usdPerYear')).toBeCloseTo(
      82_500 + electricity + 400 * 31.536 * 6,
      6,
    )
  })

  test('is all machines where they are cheap, and then pays no API', () => {
    const cheap = price({
      options: { ...options, own: { ...options.own, serverPriceUsd: figure(8760) } },
      demand,
    })
    expect(value(cheap, 'options.mix.servers')).toBe(2)
    expect(value(cheap, 'options.mix.usdPerYear')).toBe(value(cheap, 'options.own.usdPerYear'))
  })
})

describe('colocation, by hand', () => {
  const colo = (parts: object) => ({
    colo: {
      kind: 'colocated',
      lifeYears: figure(4),
      residualRatio: figure(0),
      colocation: 'rack',
      serversPerRack: 1,
      ...parts,
    },
  })

  test('1 kW at 200 USD a month, a quarter more where the rack is dense, and what comes with it', () => {
    const report = price({
      options: colo({
        dense: { aboveKwPerRack: figure(0.5), surchargeRatio: figure(0.25) },
        crossConnects: { count: figure(2), usdEachPerMonth: figure(300) },
        remoteHands: { hoursPerMonth: figure(3), usdPerHour: figure(150) },
      }),
    })
    const at = (name: string) => value(report, `options.colo.lines.${name}.usdPerYear`)
    expect(at('colocation')).toBeCloseTo(200 * 12 * 1.25, 9)
    expect(at('cross-connects')).toBe(7200)
    expect(at('remote-hands')).toBe(5400)
    expect(report.options[0]?.lines).not.toContain('electricity')
  })

  test('3 boxes in racks of 2: the full rack is dense and pays a quarter more, the other does not', () => {
    const report = price({
      demand: {
        amount: { kind: 'output-tokens-per-day', outputTokensPerDay: figure(2.5 * 800 * 86_400) },
      },
      options: colo({
        serversPerRack: 2,
        dense: { aboveKwPerRack: figure(1.5), surchargeRatio: figure(0.25) },
      }),
    })
    expect(value(report, 'options.colo.servers')).toBe(3)
    expect(value(report, 'options.colo.lines.colocation.usdPerYear')).toBeCloseTo(
      (2 * 1.25 + 1) * 200 * 12,
      9,
    )
  })
})

describe('cost of capital and residual value', () => {
  test('at 10 % over 2 years, 1,000 USD cost 576.19 a year', () => {
    // 1,000 x 0.1 / (1 - 1.1^-2) = 576.1905; here the box costs 8,760.
    const report = price({
      own: { lifeYears: figure(2) },
      scenario: { costOfCapitalRatioPerYear: figure(0.1) },
    })
    expect(line(report, 'servers')).toBeCloseTo(8.76 * 576.1904762, 5)
  })

  test('a fifth left at the end without interest saves a fifth', () => {
    expect(line(price({ own: { residualRatio: figure(0.2) } }), 'servers')).toBeCloseTo(1752, 9)
  })
})

describe('an unknown price makes the answer unknown, not cheap', () => {
  const remote = measuredRun(100, { target: { ...runLog().target, loopback: false } })
  const unnamed = { scenario: { hardwareProfile: undefined }, rent: { rental: undefined } }

  test('hardware that is elsewhere and not named has no price', () => {
    const report = price(unnamed, remote)
    expect(own(report, 'usdPerYear')).toBeUndefined()
    expect(own(report, 'usdPerMillionOutputTokens')).toBeUndefined()
    expect(report.options[0]?.missing.join()).toContain('options.own.serverPriceUsd')
    expect(report.levels[0]?.usdPerMillionOutputTokens).toBeUndefined()
    expect(report.warnings.map(({ kind }) => kind)).toContain('no-hardware-profile')
  })

  test('GPUs of the client say nothing of a server elsewhere', () => {
    const gpus = [{ name: { status: 'ok', value: 'Test GPU 80GB', source: 't' } } as Gpu]
    const run = { ...remote.run, hardware: { ...remote.run.hardware, gpus } }
    expect(own(price(unnamed, { ...remote, run }), 'usdPerYear')).toBeUndefined()
  })

  test('a level without throughput has no price', () => {
    const report = price({}, measuredRun(0))
    expect(report.pricedLevel).toBeUndefined()
    expect(own(report, 'usdPerMillionOutputTokens')).toBeUndefined()
    expect(report.options[0]?.missing.join()).toContain('no load level could be priced')
  })
})

describe('detected GPUs', () => {
  const gpu = { name: { status: 'ok', value: 'Test GPU 80GB', source: 't' } } as Gpu
  const withGpus = (n: number) => {
    const run = {
      ...hundred.run,
      hardware: { ...hundred.run.hardware, gpus: Array.from({ length: n }, () => gpu) },
    }
    return { ...hundred, run }
  }
  const detected = { scenario: { hardwareProfile: undefined }, rent: { rental: undefined } }

  test('are bought as whole servers: 4 deployments of 2 fit one of 8', () => {
    const report = price(detected, withGpus(2))
    expect(own(report, 'serverPriceUsd')).toBe(320_000)
    expect(own(report, 'outputTokensPerSPerServer')).toBe(3200)
    expect(value(report, 'demand.outputTokensPerDay')).toBe(0.5 * 3200 * 86_400)
    expect(own(report, 'utilisationRatio')).toBe(0.5)
    expect(line(report, 'servers')).toBeCloseTo(80_000, 8)
  })

  test('that take two servers together are bought in pairs', () => {
    const report = price(
      { ...detected, scenario: { ...detected.scenario, units: 16 } },
      withGpus(16),
    )
    expect(own(report, 'serversPerDeployment')).toBe(2)
    expect(own(report, 'outputTokensPerSPerServer')).toBe(400)
    expect(own(report, 'servers')).toBe(2)
  })

  test('are counted without the processor’s own graphics', () => {
    const graphics = { integrated: { status: 'ok', value: true, source: 't' } } as Gpu
    const { run } = withGpus(2)
    const hardware = { ...run.hardware, gpus: [graphics, ...run.hardware.gpus] }
    const report = price(detected, { ...hundred, run: { ...run, hardware } })
    expect(value(report, 'measured.units')).toBe(2)
  })

  test('are rented at the median offer, neither the dearest nor the cheapest', () => {
    // For 2 GPUs, whole instances only: 80, 2 x 4 and 16 USD an hour on demand; the committed price is no rival.
    const report = price(detected, withGpus(2))
    expect(value(report, 'options.rent.rentUsdPerHour')).toBe(16)
  })

  test('idle at the power of load where nothing better is known, and it is said', () => {
    const report = price(detected, withGpus(1))
    expect(own(report, 'idlePowerW')).toBe(5600)
    expect(figureFinder(report)('options.own.idlePowerW')?.formula).toContain('upper bound')
  })
})

describe('the operating point', () => {
  test('under an SLO that is met, is priced', () => {
    const met = measuredRun(100, {}, { ttftMs: 100 })
    expect(price({}, met)).toMatchObject({ pricedLevel: 0, levels: [{ meetsSlo: true }] })
  })

  test('under an SLO that nobody meets, is none', () => {
    const report = price({}, measuredRun(100, {}, { ttftMs: 99 }))
    expect(report.pricedLevel).toBeUndefined()
    expect(report.levels[0]?.meetsSlo).toBe(false)
    expect(report.warnings.map(({ kind }) => kind)).toContain('slo-unreachable')
    expect(own(report, 'usdPerMillionOutputTokens')).toBeUndefined()
  })

  test('without an SLO is the highest throughput, and the reader is told', () => {
    expect(price().warnings.map(({ kind }) => kind)).toContain('no-slo')
  })
})

describe('the rent compared with', () => {
  test('is of the same hardware: the offer of another is left aside', () => {
    const report = price({ scenario: { hardwareProfile: 'gpu', units: 8 } })
    expect(report.options.find(({ kind }) => kind === 'rented')?.name).toBe('p middle, on-demand')
  })

  test('is that of whole instances where only those can be had', () => {
    const one = price({ scenario: { hardwareProfile: 'gpu', units: 1 }, rent: { rental: 'dear' } })
    expect(value(one, 'options.rent.rentUsdPerHour')).toBe(80)
  })
})

describe('doubts about the money', () => {
  const kinds = (changes: Changes): string[] => price(changes).warnings.map(({ kind }) => kind)
  const gpu = { scenario: { hardwareProfile: 'gpu', units: 1 } }

  test('a price of over 90 days at the date of the run is stale', () => {
    expect(kinds({ api: { api: 'old-api' } })).toContain('stale-price')
    expect(kinds({})).not.toContain('stale-price')
  })

  test('hardware that was named and not seen is told', () => {
    expect(kinds(gpu)).toContain('hardware-declared')
    expect(kinds({})).not.toContain('hardware-declared')
  })

  test('a board’s power limit is not the power of a server', () => {
    expect(kinds(gpu)).toContain('board-power-only')
    expect(kinds({})).not.toContain('board-power-only')
  })

  test('a placeholder is nobody’s quote', () => {
    const placeholder = { own: { lifeYears: figure(4, { kind: 'placeholder' }) } }
    expect(kinds(placeholder)).toContain('placeholder-price')
    expect(kinds({})).not.toContain('placeholder-price')
  })

  test('a mix of tokens that was not measured is told', () => {
    expect(kinds({ demand: { inputPerOutputToken: figure(10) } })).toContain('mix-not-measured')
    expect(kinds({ demand: { inputPerOutputToken: figure(2.1) } })).not.toContain(
      'mix-not-measured',
    )
  })
})

describe('a requirement', () => {
  test('excludes what does not meet it, and what does not say', () => {
    const report = price({
      scenario: { requirements: { dataResidency: ['EU'] } },
      own: { control: { dataLocation: 'DE' } },
      rent: { control: { dataLocation: 'US' } },
    })
    const [mine, rented, api] = report.options
    expect(mine?.excluded).toEqual([])
    expect(rented?.excluded).toEqual([
      { requirement: 'dataResidency', why: 'where data is processed: US, not EU' },
    ])
    expect(api?.excluded[0]?.why).toBe('nobody says where data is processed')
  })

  test('is met by a member of the union', () => {
    const report = price({
      scenario: { requirements: { dataResidency: ['EU'] } },
      rent: { control: { dataLocation: 'DE' } },
    })
    expect(report.options[1]?.excluded).toEqual([])
  })
})

describe('a scenario', () => {
  test.each([
    [
      'hardwareProfile',
      { scenario: { hardwareProfile: 'no' } },
      'There is no hardware profile "no".',
    ],
    ['api', { api: { api: 'no' } }, 'options.api.api: there is no api price "no"'],
    ['rental', { rent: { rental: 'no' } }, 'options.rent.rental: there is no rental price "no"'],
  ])('that names an unknown %s is refused before anything runs', (_, changes, message) => {
    expect(() => checkNames(scenario(changes), catalogue)).toThrow(message)
  })

  test.each([
    [
      'a share over 1',
      { demand: { amount: { kind: 'share-of-server', ratio: figure(45) } } },
      'a ratio, not per cent, from 0.0001 to 1',
    ],
    ['a PUE under 1', { own: { pueRatio: figure(0.9) } }, 'a ratio from 1 to 4'],
    [
      'a source that is not declared',
      { own: { lifeYears: figure(4, { source: 'nobody' }) } },
      'no source',
    ],
    [
      'a mix of what is no option',
      { options: { mix: { kind: 'hybrid', base: 'a', api: 'b' } } },
      'expected the id of an option',
    ],
    [
      'a range that does not hold its value',
      { own: { lifeYears: figure(4, { range: { low: 5, high: 6 } }) } },
      'expected a range that holds the value',
    ],
  ])('with %s is refused', (_, changes, message) => {
    expect(() => scenario(changes)).toThrow(message)
  })
})

describe('whatever the figures', () => {
  const anyScenario = fc.record({
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    years: fc.double({ min: 0.5, max: 10, noNaN: true }),
    rate: fc.double({ min: 0, max: 0.3, noNaN: true }),
    residual: fc.double({ min: 0, max: 0.9, noNaN: true }),
  })

  test('the lines add up to the bill', () => {
    fc.assert(
      fc.property(anyScenario, ({ share, years, rate, residual }) => {
        const report = price({
          demand: { amount: { kind: 'share-of-server', ratio: figure(share) } },
          own: { lifeYears: figure(years), residualRatio: figure(residual) },
          scenario: { costOfCapitalRatioPerYear: figure(rate) },
        })
        for (const { id, lines } of report.options) {
          const at = (name: string) => value(report, `options.${id}.${name}`) ?? Number.NaN
          const total = lines.reduce((sum, name) => sum + at(`lines.${name}.usdPerYear`), 0)
          expect(Math.abs(total / at('usdPerYear') - 1)).toBeLessThan(1e-12)
        }
      }),
      { numRuns: 60 },
    )
  })
})

test('a power that is stated is not said to be unmeasured where some of it was measured', () => {
  const textOf = (measured: typeof hundred) =>
    price({}, measured).warnings.find(({ kind }) => kind === 'stated-power')?.text
  expect(textOf(hundred)).toBe('Power is stated, not measured.')
  const points = (status: 'ok' | 'partial') =>
    hundred.summary.points.map((point) => ({
      ...point,
      machine: {
        devices: [],
        scopes: [{ scope: 'gpu' as const, devices: 1, status, meanPowerW: 300 }],
      },
    }))
  const watched = (status: 'ok' | 'partial') => ({
    ...hundred,
    summary: { ...hundred.summary, points: points(status) },
  })
  expect(textOf(watched('ok'))).toMatch(/is stated; what was measured while the load ran/)
  expect(textOf(watched('partial'))).toBe('Power is stated, not measured.')
})

test('power that was measured at the plug of the whole machine is what the bill is made of', () => {
  const points = hundred.summary.points.map((point) => ({
    ...point,
    machine: {
      devices: [],
      scopes: [
        {
          scope: 'wall' as const,
          devices: 1,
          status: 'ok' as const,
          meanPowerW: 600,
          idlePowerW: 100,
        },
      ],
    },
  }))
  const report = price({}, { ...hundred, summary: { ...hundred.summary, points } })
  // (0.1 + 0.5 x 0.5) kW x 8,760 h x 1.5 x 0.10 USD.
  expect(line(report, 'electricity')).toBeCloseTo(0.35 * 8760 * 0.15, 9)
  expect(report.warnings.map(({ kind }) => kind)).not.toContain('stated-power')
})
