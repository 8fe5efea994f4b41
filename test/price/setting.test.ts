import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { type CostReport, figureFinder } from '../../src/price/cost-report.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { withSettings } from '../../src/price/setting.ts'
import { subjectOfRun } from '../../src/price/subject.ts'
import { type Changes, catalogue, figure, measuredRun, scenario } from './fixtures.ts'

const { run, summary } = measuredRun(100)

const set = (setting: string, changes: Changes = {}) => {
  const [path = '', text = ''] = setting.split('=')
  return withSettings(scenario(changes), [{ path, text }])
}

const priced = (setting: string, changes: Changes = {}): CostReport =>
  priceSubject(subjectOfRun(run, summary), set(setting, changes), catalogue)

const refusal = (setting: string, changes: Changes = {}): string => {
  try {
    priced(setting, changes)
  } catch (error) {
    if (error instanceof UserError) return `${error.message} ${error.remedy}`
    throw error
  }
  return ''
}

describe('a value set by its path', () => {
  test('takes the place of a figure, and says who set it', () => {
    const find = figureFinder(priced('options.own.lifeYears=5'))
    expect(find('options.own.lifeYears')).toMatchObject({
      value: 5,
      origin: 'choice',
      source: 'options.own.lifeYears=5, set on the command line',
    })
    // 8,760 USD over five years in place of four.
    expect(find('options.own.lines.servers.usdPerYear')?.value).toBeCloseTo(1752, 9)
  })

  test('is told among the warnings, and by the name of the scenario', () => {
    const report = priced('options.own.serversPerRack=8')
    expect(report.scenario).toBe('test, changed')
    expect(report.warnings.find(({ kind }) => kind === 'set-by-hand')?.text).toContain(
      'options.own.serversPerRack=8',
    )
  })

  test('loses the range of what it replaces', () => {
    const range = { low: 3, high: 5 }
    const own = { lifeYears: figure(4, { range }) }
    const before = priceSubject(subjectOfRun(run, summary), scenario({ own }), catalogue)
    expect(figureFinder(before)('options.own.lifeYears')?.uncertain).toBeDefined()
    const after = priced('options.own.lifeYears=4.5', { own })
    expect(figureFinder(after)('options.own.lifeYears')?.uncertain).toBeUndefined()
  })

  test('may be a word or a list', () => {
    expect(set('capitalMethod=straight-line').capitalMethod).toBe('straight-line')
    expect(set('requirements.dataResidency=DE,FR').requirements.dataResidency).toEqual(['DE', 'FR'])
    expect(set('requirements.airGap=true').requirements.airGap).toBe(true)
  })

  test('may be one that the file leaves out', () => {
    const find = figureFinder(priced('options.own.insuranceRatioPerYear=0.01'))
    expect(find('options.own.lines.insurance.usdPerYear')?.value).toBeCloseTo(87.6, 9)
  })

  test('reaches an item of a list by its id', () => {
    const capex = [
      { id: 'network', what: 'Switch', usd: figure(100), per: 'site', lifeYears: figure(1) },
    ]
    const find = figureFinder(priced('options.own.capex.network.usd=300', { own: { capex } }))
    expect(find('options.own.lines.network.usdPerYear')?.value).toBeCloseTo(300, 9)
  })

  test('gives the demand in tokens in place of a share', () => {
    for (const path of ['demand.amount.outputTokensPerDay', 'demand.outputTokensPerDay']) {
      const find = figureFinder(priced(`${path}=864e5`))
      expect(find('demand.meanOutputTokensPerS')?.value).toBe(1000)
    }
  })

  test('replaces a price of the catalogue, and says which', () => {
    const find = figureFinder(priced('options.api.tariff.usdPerMillionOutputTokens=1'))
    expect(find('options.api.tariff.usdPerMillionOutputTokens')).toMatchObject({
      value: 1,
      source:
        'options.api.tariff.usdPerMillionOutputTokens=1, set on the command line, in place of 4 USD/M tokens of a test',
    })
    // 400 tokens/s for a year are 12,614.4 M.
    expect(find('options.api.lines.output.usdPerYear')?.value).toBeCloseTo(12_614.4, 6)
  })

  test('is refused by the rules of the place', () => {
    expect(refusal('demand.amount.ratio=45')).toContain('a ratio, not per cent')
    expect(refusal('options.own.maintenanceRatio=5')).toContain('a ratio, not per cent')
    expect(refusal('options.own.pueRatio=0.9')).toContain('from 1 to 4')
    expect(refusal('options.own.lifeYears=four')).toContain('"four" is none')
    expect(refusal('options.own.gpusPerServer=1.5')).toContain('options.own.gpusPerServer=1.5')
    expect(refusal('capitalMethod=other')).toContain('annuity')
    expect(refusal('options.api.batchRatio=45')).toContain('from 0 to 1')
    expect(refusal('options.api.tariff.usdPerMillionOutputTokens=-1')).toContain('from 0')
  })

  test('needs a path that there is: others are told', () => {
    expect(refusal('options.own.lifeYear=4')).toContain('Did you mean options.own.lifeYears')
    expect(refusal('options.nobody.lifeYears=4')).toContain('options.own.lifeYears')
    expect(refusal('nonsense=4')).toContain('neither a value of the scenario nor a number')
    expect(refusal('nonsense=word')).toContain('The scenario has no nonsense')
    expect(refusal('options.own=4')).toContain('options.own.lifeYears')
  })

  test('is no result, no measurement, and nothing that follows from others', () => {
    expect(refusal('options.api.usdPerMillionOutputTokens=1')).toContain(
      'options.api.tariff.usdPerMillionOutputTokens',
    )
    expect(refusal('measured.outputTokensPerS=1e6')).toContain('was measured')
    expect(refusal('demand.peakToMeanRatio=3')).toContain('follows from the scenario')
  })
})

test('a scenario without settings is the scenario', () => {
  const given = scenario()
  expect(withSettings(given, [])).toBe(given)
})

test('a scenario may state a price of its own in place of the catalogue’s, with its source', () => {
  const overrides = {
    'options.api.tariff.usdPerMillionOutputTokens': figure(2, { kind: 'contract' }),
  }
  const given = scenario({ scenario: { overrides } })
  const report = priceSubject(subjectOfRun(run, summary), given, catalogue)
  expect(figureFinder(report)('options.api.tariff.usdPerMillionOutputTokens')).toMatchObject({
    value: 2,
    origin: 'contract',
    date: '2026-11-01',
  })
  expect(report.warnings.map(({ kind }) => kind)).not.toContain('set-by-hand')
  // Levels are priced by the same figures.
  expect(report.options.map(({ id }) => id)).toEqual(['own', 'rent', 'api'])
})
