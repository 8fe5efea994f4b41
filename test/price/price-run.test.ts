import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import type { CostOption, CostReport } from '../../src/price/cost-report.ts'
import { checkNames } from '../../src/price/inputs.ts'
import { priceRun } from '../../src/price/price-run.ts'
import { runLog } from '../measure/records.ts'
import { catalogue, figure, measuredRun, scenario } from './fixtures.ts'

const hundred = measuredRun(100)
const price = (parts: object = {}, measured = hundred): CostReport =>
  priceRun(measured.run, measured.summary, scenario(parts), catalogue)
const option = (report: CostReport, kind: CostOption['kind']): CostOption => {
  const found = report.options.find((each) => each.kind === kind)
  if (!found) throw new Error(`no ${kind} option`)
  return found
}

describe('one bill, by hand', () => {
  // 100 requests in a second: 800 output and 1,600 input tokens per second. Half used.
  // Capital: 8,760 USD / 4 years / 8,760 h = 0.25 USD/h.
  // Electricity: (0.2 + 0.5 x 0.8) kW x 1.5 x 0.10 USD/kWh = 0.09 USD/h.
  // Support: 876 USD a year / 8,760 h = 0.10 USD/h. Together 0.44 USD/h.
  const report = price()
  const owned = option(report, 'owned')

  test('the hour', () => {
    expect(owned.lines.map(({ component }) => component)).toEqual([
      'capital',
      'electricity',
      'support',
    ])
    expect(owned.lines.map(({ usdPerHour }) => usdPerHour?.toFixed(12))).toEqual([
      '0.250000000000',
      '0.090000000000',
      '0.100000000000',
    ])
    expect(owned.usdPerHour).toBeCloseTo(0.44, 12)
  })

  test('the million output tokens: 0.44 USD / (800 x 3,600 x 0.5 / 1e6 = 1.44 M) = 0.30556', () => {
    expect(owned.prices.usdPerMillionOutputTokens).toBeCloseTo(0.44 / 1.44, 10)
  })

  test('the million of all tokens: 0.44 USD / 4.32 M', () => {
    expect(owned.prices.usdPerMillionTotalTokens).toBeCloseTo(0.44 / 4.32, 10)
  })

  test('shared 4 to 1, as the API prices output and input: 2.88 M x p + 1.44 M x 4p = 0.44', () => {
    expect(owned.prices.split?.usdPerMillionInputTokens).toBeCloseTo(0.44 / 8.64, 10)
    expect(owned.prices.split?.usdPerMillionOutputTokens).toBeCloseTo((4 * 0.44) / 8.64, 10)
  })

  test('at full use: 0.25 + 0.15 + 0.10 = 0.50 USD for 2.88 M', () => {
    expect(owned.pricesAtFullUse.usdPerMillionOutputTokens).toBeCloseTo(0.5 / 2.88, 10)
  })

  test('rented: 3 USD an hour, idle or not', () => {
    expect(option(report, 'rented').usdPerHour).toBe(3)
    expect(option(report, 'rented').prices.usdPerMillionOutputTokens).toBeCloseTo(3 / 1.44, 10)
  })

  test('the API: 4 USD a million out, and the 2 M in that go with it at 1 USD', () => {
    expect(option(report, 'api').prices.usdPerMillionOutputTokens).toBeCloseTo(6, 10)
    expect(option(report, 'api').prices.usdPerMillionTotalTokens).toBeCloseTo(2, 10)
  })

  test('break-even with the API: (0.25 + 0.03 + 0.10) / (17.28 - 0.12) of capacity', () => {
    // A full hour is 2.88 M output tokens x 6 USD = 17.28 USD; idle power costs 0.03, full power 0.15 USD/h.
    const even = report.breakEvens[0]
    expect(even?.outcome).toBe('at')
    expect(even?.value).toBeCloseTo(0.38 / 17.16, 10)
    expect(even?.outputTokensPerDay).toBeCloseTo((800 * 86_400 * 0.38) / 17.16, 4)
  })

  test('break-even with the rent: 8,760 USD / ((3 - 0.19) x 730) = 4.27 months', () => {
    const even = report.breakEvens.find(({ kind }) => kind === 'months')
    expect(even?.value).toBeCloseTo(8760 / (2.81 * 730), 10)
  })
})

describe('cost of capital and residual value', () => {
  test('at 10 % over 2 years, 1,000 USD cost 576.19 a year', () => {
    // 1,000 x 0.1 / (1 - 1.1^-2) = 576.1905; here the box costs 8,760, so its hour costs 0.5761905.
    const owned = option(
      price({ lifeYears: figure(2), costOfCapitalRatioPerYear: figure(0.1) }),
      'owned',
    )
    expect(owned.lines[0]?.usdPerHour).toBeCloseTo(0.5761904762, 9)
  })

  test('a fifth left at the end without interest saves a fifth', () => {
    expect(option(price({ residualRatio: figure(0.2) }), 'owned').lines[0]?.usdPerHour).toBeCloseTo(
      0.2,
      12,
    )
  })
})

describe('an unknown price makes the answer unknown, not cheap', () => {
  const remote = measuredRun(100, { target: { ...runLog().target, loopback: false } })
  const unnamed = { hardwareProfile: undefined, rental: undefined }

  test('hardware that is elsewhere and not named has no price', () => {
    const report = price(unnamed, remote)
    const owned = option(report, 'owned')
    expect(owned.usdPerHour).toBeUndefined()
    expect(owned.prices.usdPerMillionOutputTokens).toBeUndefined()
    expect(owned.missing).toContain('the hardware has no price in its profile')
    expect(report.levels[0]?.usdPerMillionOutputTokens).toBeUndefined()
    expect(report.breakEvens.map(({ outcome }) => outcome)).toEqual([
      'unknown',
      'unknown',
      'unknown',
    ])
    expect(report.warnings.map(({ kind }) => kind)).toContain('no-hardware-profile')
  })

  test('GPUs of the client say nothing of a server elsewhere', () => {
    const gpus = [{ name: { status: 'ok', value: 'Test GPU 80GB', source: 't' } } as Gpu]
    const run = { ...remote.run, hardware: { ...remote.run.hardware, gpus } }
    expect(option(price(unnamed, { ...remote, run }), 'owned').usdPerHour).toBeUndefined()
  })

  test('a level without throughput has no price', () => {
    const nothing = measuredRun(0)
    const report = price({}, nothing)
    expect(report.pricedLevel).toBeUndefined()
    expect(option(report, 'owned').usdPerHour).toBeCloseTo(0.44, 12)
    expect(option(report, 'owned').prices.usdPerMillionOutputTokens).toBeUndefined()
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
  const detected = { hardwareProfile: undefined, rental: undefined }

  test('cost their share of a server, not of a bare board', () => {
    const report = price(detected, withGpus(2))
    const unit = report.assumptions.find(({ name }) => name === 'unitPriceUsd')
    expect(unit?.value).toBe(40_000)
    expect(unit?.note).toContain('1/8 of a server at 320000 USD')
    // 80,000 USD / 4 years / 8,760 h.
    expect(option(report, 'owned').lines[0]?.usdPerHour).toBeCloseTo(80_000 / 35_040, 10)
  })

  test('are counted without the processor’s own graphics', () => {
    const graphics = { integrated: { status: 'ok', value: true, source: 't' } } as Gpu
    const { run } = withGpus(2)
    const hardware = { ...run.hardware, gpus: [graphics, ...run.hardware.gpus] }
    const report = price(detected, { ...hundred, run: { ...run, hardware } })
    expect(report.assumptions.find(({ name }) => name === 'units')?.value).toBe(2)
  })

  test('are rented at the median offer, neither the dearest nor the cheapest', () => {
    // For 2 GPUs, whole instances only: 80, 2 x 4 and 16 USD an hour on demand; the committed price is no rival.
    expect(option(price(detected, withGpus(2)), 'rented').usdPerHour).toBe(16)
  })

  test('can be fewer than the machine has', () => {
    expect(
      option(price({ ...detected, units: 1 }, withGpus(8)), 'owned').lines[0]?.usdPerHour,
    ).toBeCloseTo(40_000 / 35_040, 10)
  })

  test('idle at the power of load where nothing better is known, and it is said', () => {
    const idle = price(detected, withGpus(1)).assumptions.find(({ name }) => name === 'idlePowerW')
    expect(idle?.value).toBe(700)
    expect(idle?.note).toContain('upper bound')
  })
})

describe('break-even', () => {
  test('is never reached when the API is cheaper than even full hardware', () => {
    const slow = measuredRun(1)
    expect(price({}, slow).breakEvens[0]?.outcome).toBe('never')
  })

  test('is never reached when running costs more than rent', () => {
    const report = price({
      supportRatioPerYear: figure(1),
      pueRatio: figure(4),
      rental: 'box-vm',
      electricity: 'grid',
      lifeYears: figure(1),
    })
    expect(report.breakEvens.find(({ kind }) => kind === 'months')?.outcome).toBe('at')
    const dear = price({
      hardwareProfile: 'gpu',
      units: 8,
      rental: 'box-vm',
      supportRatioPerYear: figure(1),
    })
    expect(dear.breakEvens.find(({ kind }) => kind === 'months')?.outcome).toBe('never')
  })
})

describe('the operating point', () => {
  test('under an SLO that is met, is priced', () => {
    const met = measuredRun(100, {}, { ttftMs: 100 })
    expect(price({}, met)).toMatchObject({ pricedLevel: 0, levels: [{ meetsSlo: true }] })
  })

  test('under an SLO that nobody meets, is none', () => {
    const missed = measuredRun(100, {}, { ttftMs: 99 })
    const report = price({}, missed)
    expect(report.pricedLevel).toBeUndefined()
    expect(report.levels[0]?.meetsSlo).toBe(false)
    expect(report.warnings.map(({ kind }) => kind)).toContain('slo-unreachable')
    expect(option(report, 'owned').prices.usdPerMillionOutputTokens).toBeUndefined()
  })

  test('without an SLO is the highest throughput, and the reader is told', () => {
    expect(price().warnings.map(({ kind }) => kind)).toContain('no-slo')
  })
})

describe('the rent compared with', () => {
  test('is of the same hardware: the offer of another is left aside', () => {
    const report = price({ hardwareProfile: 'gpu', units: 8, rental: 'box-vm' })
    expect(option(report, 'rented').name).toBe('p middle, on-demand')
  })

  test('is that of whole instances where only those can be had', () => {
    const one = price({ hardwareProfile: 'gpu', units: 1, rental: 'dear' })
    expect(option(one, 'rented').usdPerHour).toBe(80)
  })
})

describe('doubts about the money', () => {
  const kinds = (parts: object): string[] => price(parts).warnings.map(({ kind }) => kind)

  test('a price of over 90 days at the date of the run is stale', () => {
    expect(kinds({ api: 'old-api' })).toContain('stale-price')
    expect(kinds({})).not.toContain('stale-price')
  })

  test('hardware that was named and not seen is told', () => {
    expect(kinds({ hardwareProfile: 'gpu', units: 1 })).toContain('hardware-declared')
    expect(kinds({})).not.toContain('hardware-declared')
  })

  test('a board’s power limit is not the power of a server', () => {
    expect(kinds({ hardwareProfile: 'gpu', units: 1 })).toContain('board-power-only')
    expect(kinds({})).not.toContain('board-power-only')
  })

  test('a placeholder is nobody’s quote', () => {
    expect(kinds({ lifeYears: figure(4, { kind: 'placeholder' }) })).toContain('placeholder-price')
    expect(kinds({})).not.toContain('placeholder-price')
  })
})

describe('a scenario', () => {
  test.each([
    ['hardwareProfile', { hardwareProfile: 'no' }, 'There is no hardware profile "no".'],
    ['api', { api: 'no' }, 'There is no api price "no" in the price sheets.'],
    ['rental', { rental: 'no' }, 'There is no rental price "no" in the price sheets.'],
  ])('that names an unknown %s is refused before anything runs', (_, parts, message) => {
    expect(() => checkNames(scenario(parts), catalogue)).toThrow(message)
  })

  test.each([
    ['a utilisation over 1', { utilisationRatio: figure(45) }],
    ['a PUE under 1', { pueRatio: figure(0.9) }],
    ['a source that is not declared', { lifeYears: figure(4, { source: 'nobody' }) }],
  ])('with %s is refused', (_, parts) => {
    expect(() => scenario(parts)).toThrow()
  })
})

describe('whatever the figures', () => {
  const anyScenario = fc.record({
    utilisation: fc.double({ min: 0.01, max: 1, noNaN: true }),
    years: fc.double({ min: 0.5, max: 10, noNaN: true }),
    rate: fc.double({ min: 0, max: 0.3, noNaN: true }),
    residual: fc.double({ min: 0, max: 0.9, noNaN: true }),
    perS: fc.integer({ min: 1, max: 60 }),
  })
  type Any = { utilisation: number; years: number; rate: number; residual: number; perS: number }
  const priced = ({ utilisation, years, rate, residual, perS }: Any): CostOption =>
    option(
      price(
        {
          utilisationRatio: figure(utilisation),
          lifeYears: figure(years),
          costOfCapitalRatioPerYear: figure(rate),
          residualRatio: figure(residual),
        },
        measuredRun(perS),
      ),
      'owned',
    )

  test('the lines add up to the total and the split to the bill', () => {
    fc.assert(
      fc.property(anyScenario, (any) => {
        const owned = priced(any)
        const total = owned.lines.reduce(
          (sum, { usdPerHour }) => sum + (usdPerHour ?? Number.NaN),
          0,
        )
        expect(Math.abs(total / (owned.usdPerHour ?? 0) - 1)).toBeLessThan(1e-12)
        const hours = (3600 * any.utilisation) / 1e6
        const split = owned.prices.split
        const back =
          16 * any.perS * hours * (split?.usdPerMillionInputTokens ?? 0) +
          8 * any.perS * hours * (split?.usdPerMillionOutputTokens ?? 0)
        expect(Math.abs(back / total - 1)).toBeLessThan(1e-9)
      }),
      { numRuns: 60 },
    )
  })

  test('more throughput is cheaper, and a longer residual never dearer', () => {
    fc.assert(
      fc.property(anyScenario, (any) => {
        const now = priced(any).prices.usdPerMillionOutputTokens ?? Number.NaN
        expect(
          priced({ ...any, perS: any.perS + 1 }).prices.usdPerMillionOutputTokens,
        ).toBeLessThan(now)
        expect(
          priced({ ...any, residual: any.residual + 0.1 }).prices.usdPerMillionOutputTokens,
        ).toBeLessThan(now)
      }),
      { numRuns: 40 },
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
      machine: { devices: [], scopes: [{ scope: 'gpu' as const, devices: 1, status }] },
    }))
  const watched = (status: 'ok' | 'partial') => ({
    ...hundred,
    summary: { ...hundred.summary, points: points(status) },
  })
  expect(textOf(watched('ok'))).toMatch(/^The power in the bill is stated; what was measured/)
  expect(textOf(watched('partial'))).toBe('Power is stated, not measured.')
})
