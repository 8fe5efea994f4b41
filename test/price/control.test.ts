import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CostReport,
  type DecisionCriterion,
  figureFinder,
} from '../../src/price/cost-report.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { subjectOfRun } from '../../src/price/subject.ts'
import { type Changes, catalogue, figure, measuredRun, scenario } from './fixtures.ts'

// 800 output tokens/s were measured and half of them are wanted. A year costs 3,854.40 USD owned, 26,280 rented, and by the API
// 400 x 31.536 M tokens x 6 USD = 75,686.40.
const OWN = 3854.4
const RENT = 26_280
const API = 75_686.4

const hundred = measuredRun(100)
const subject = subjectOfRun(hundred.run, hundred.summary)
const price = (changes: Changes = {}): CostReport =>
  priceSubject(subject, scenario(changes), catalogue)
const value = (report: CostReport, path: string): number | undefined =>
  figureFinder(report)(path)?.value
const excluded = (report: CostReport, id: string) =>
  report.options.find((option) => option.id === id)?.excluded
const facts = (report: CostReport, id: string, criterion: DecisionCriterion) =>
  Object.fromEntries(
    (report.decision.options.find(({ option }) => option === id)?.facts[criterion] ?? []).map(
      ({ label, text, path }) => [label, text ?? path],
    ),
  )

describe('a gate', () => {
  const gate = (requirements: object, control: object, id = 'own') =>
    excluded(price({ scenario: { requirements }, [id]: { control } }), id)

  test.each([
    [['EU'], 'DE'],
    [['EEA'], 'NO'],
    [['EEA'], 'EU'],
    [['US', 'EU'], 'FR'],
    [['premises'], 'premises'],
  ])('on data in %s lets data in %s pass', (dataResidency, dataLocation) => {
    expect(gate({ dataResidency }, { dataLocation })).toEqual([])
  })

  test.each([
    [['DE'], 'EU', 'where data is processed: EU, not DE'],
    [['EU'], 'NO', 'where data is processed: NO, not EU'],
    [['EU'], 'GB', 'where data is processed: GB, not EU'],
    [['EU'], undefined, 'nobody says where data is processed'],
    [
      ['EU'],
      'premises',
      'where data is processed: premises, not EU (say in which country the premises are)',
    ],
  ])('on data in %s stops data in %s', (dataResidency, dataLocation, why) => {
    expect(gate({ dataResidency }, { dataLocation })).toEqual([
      { requirement: 'dataResidency', why },
    ])
  })

  test('on the law of others lets yourself pass, and an operator of the union', () => {
    const requirements = { operatorJurisdiction: ['EU'] }
    expect(gate(requirements, { operatorJurisdiction: 'own' })).toEqual([])
    expect(gate(requirements, { operatorJurisdiction: 'IE' }, 'rent')).toEqual([])
    expect(gate(requirements, { operatorJurisdiction: 'US' }, 'rent')).toEqual([
      {
        requirement: 'operatorJurisdiction',
        why: 'whose law its operator answers to: US, not EU',
      },
    ])
  })

  test('on networks takes neither a no nor silence for a yes', () => {
    const requirements = { airGap: true }
    expect(gate(requirements, { airGapped: true })).toEqual([])
    expect(gate(requirements, { airGapped: false })?.[0]?.why).toBe(
      'it is not cut off from networks',
    )
    expect(gate(requirements, {})?.[0]?.why).toBe('nobody says that it is cut off from networks')
  })

  test('on a level lets a higher one of the same ladder pass, and no other', () => {
    const requirements = { certifications: ['SEAL-2', 'ISO 27001'] }
    expect(gate(requirements, { certifications: ['SEAL-3', 'ISO 27001'] })).toEqual([])
    expect(gate(requirements, { certifications: ['SEAL-1', 'ISO 27001'] })?.[0]?.why).toBe(
      'nobody says that it has SEAL-2',
    )
    expect(gate({ certifications: ['SEAL-1'] }, { certifications: ['IL6'] })).toHaveLength(1)
  })

  test('on a class of data wants it named', () => {
    expect(gate({ dataClass: 'health' }, { dataClasses: ['health'] })).toEqual([])
    expect(gate({ dataClass: 'health' }, { dataClasses: ['public'] })?.[0]?.why).toBe(
      'nobody says that it may hold health data',
    )
  })

  test('stops a mix where it stops either part, and says which', () => {
    const usual = scenario()
    const options = {
      own: { ...usual.options.own, control: { dataLocation: 'DE' } },
      api: { ...usual.options.api, control: { dataLocation: 'US' } },
      mix: { kind: 'hybrid', base: 'own', api: 'api' },
    }
    const report = price({ options, scenario: { requirements: { dataResidency: ['EU'] } } })
    expect(excluded(report, 'mix')).toEqual([
      { requirement: 'dataResidency', why: 'api: where data is processed: US, not EU' },
    ])
  })
})

describe('what is bought because of a requirement', () => {
  const bought = {
    control: { airGapped: true, dataClasses: ['health'] },
    // 250, 1,000 and 500 USD a year.
    capex: [
      {
        id: 'spares',
        what: 'spares',
        usd: figure(1000),
        per: 'site',
        lifeYears: figure(4),
        because: 'airGap',
      },
    ],
    staff: [
      {
        id: 'carrier',
        what: 'carrier',
        fte: figure(0.1),
        per: 'site',
        usdPerFteYear: figure(10_000),
        because: 'airGap',
      },
    ],
    yearly: [
      { id: 'audit', what: 'audit', usdPerYear: figure(500), per: 'site', because: 'dataClass' },
    ],
  }
  const under = (requirements: object) => price({ own: bought, scenario: { requirements } })

  test('is in no bill without it, nor among its inputs', () => {
    const report = under({})
    expect(report.options[0]?.lines).toEqual(['servers', 'electricity', 'support'])
    expect(value(report, 'options.own.usdPerYear')).toBeCloseTo(OWN, 9)
    expect(report.figures.filter(({ path }) => /spares|carrier|audit/.test(path))).toEqual([])
  })

  test('is a line of the bill with it', () => {
    const report = under({ airGap: true })
    expect(report.options[0]?.lines).toEqual([
      'servers',
      'spares',
      'electricity',
      'support',
      'carrier',
    ])
    expect(value(report, 'options.own.usdPerYear')).toBeCloseTo(OWN + 1250, 9)
    expect(value(report, 'options.own.boundUsd')).toBe(9760)
  })

  test('is what the requirement costs where the same option is cheapest without it', () => {
    const report = under({ airGap: true })
    expect(report.decision.requirements).toEqual([
      {
        requirement: 'airGap',
        removes: ['rent', 'api'],
        cheapest: 'own',
        cheapestWithout: 'own',
        usdPerYear: 'requirements.airGap.usdPerYear',
        lines: ['options.own.lines.spares.usdPerYear', 'options.own.lines.carrier.usdPerYear'],
      },
    ])
    expect(value(report, 'requirements.airGap.usdPerYear')).toBeCloseTo(1250, 9)
    expect(report.decision.requirementsUsdPerYear).toBe('requirements.airGap.usdPerYear')
  })

  test('is priced for each requirement alone, and for all of them together', () => {
    const report = under({ airGap: true, dataClass: 'health' })
    expect(value(report, 'requirements.airGap.usdPerYear')).toBeCloseTo(1250, 9)
    expect(value(report, 'requirements.dataClass.usdPerYear')).toBeCloseTo(500, 9)
    expect(value(report, 'requirements.together.usdPerYear')).toBeCloseTo(1750, 9)
    expect(report.decision.requirementsUsdPerYear).toBe('requirements.together.usdPerYear')
  })

  test('leaves without it even where its figure was put in by hand', () => {
    const overrides = { 'options.own.yearly.audit.usdPerYear': figure(700) }
    const report = price({
      own: bought,
      scenario: { requirements: { airGap: true, dataClass: 'health' }, overrides },
    })
    expect(value(report, 'requirements.dataClass.usdPerYear')).toBeCloseTo(700, 9)
    expect(value(report, 'requirements.airGap.usdPerYear')).toBeCloseTo(1250, 9)
  })

  test('comes with its parts in a mix, under their names', () => {
    const usual = scenario()
    const options = {
      own: { ...usual.options.own, ...bought },
      api: { ...usual.options.api, control: { airGapped: true } },
      mix: { kind: 'hybrid', base: 'own', api: 'api' },
    }
    const report = price({ options, scenario: { requirements: { airGap: true } } })
    const lines = report.decision.requirements[0]?.lines
    expect(lines).toContain('options.mix.lines.base-spares.usdPerYear')
    for (const path of lines ?? []) expect(value(report, path)).toBeGreaterThanOrEqual(0)
  })
})

describe('the price of a requirement', () => {
  test('is the way to the next cheapest option where it removes the cheapest', () => {
    const report = price({
      scenario: { requirements: { dataResidency: ['EU'] } },
      rent: { control: { dataLocation: 'DE' } },
      own: { control: { dataLocation: 'US' } },
    })
    expect(report.decision.requirements[0]).toMatchObject({
      removes: ['own', 'api'],
      cheapest: 'rent',
      cheapestWithout: 'own',
      lines: [],
    })
    expect(value(report, 'requirements.dataResidency.usdPerYear')).toBeCloseTo(RENT - OWN, 6)
  })

  test('is nothing of one of two that bar the same options, and shows in both together', () => {
    const report = price({
      scenario: { requirements: { dataResidency: ['EU'], operatorJurisdiction: ['EU'] } },
      rent: { control: { dataLocation: 'DE', operatorJurisdiction: 'DE' } },
    })
    expect(value(report, 'requirements.dataResidency.usdPerYear')).toBe(0)
    expect(value(report, 'requirements.operatorJurisdiction.usdPerYear')).toBe(0)
    expect(value(report, 'requirements.together.usdPerYear')).toBeCloseTo(RENT - OWN, 6)
  })

  test('is unknown where nothing meets it', () => {
    const report = price({ scenario: { requirements: { airGap: true } } })
    expect(report.decision.requirements[0]).toMatchObject({
      removes: ['own', 'rent', 'api'],
      cheapest: undefined,
      cheapestWithout: 'own',
      usdPerYear: undefined,
    })
  })

  test('says which options have no bill and could be cheaper', () => {
    const report = price({
      scenario: { requirements: { dataResidency: ['EU'] } },
      rent: { control: { dataLocation: 'DE' } },
      api: { control: { dataLocation: 'DE' }, batchShareRatio: figure(1) },
    })
    expect(figureFinder(report)('requirements.dataResidency.cheapestUsdPerYear')?.note).toBe(
      'without api, whose bill is not known',
    )
  })

  test('is never negative, for a requirement only takes options away and buys more', () => {
    const usd = fc.double({ min: 0, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(usd, usd, fc.boolean(), fc.boolean(), (spare, server, own, rent) => {
        const report = price({
          scenario: { requirements: { airGap: true, dataClass: 'health' } },
          own: {
            serverPriceUsd: figure(server),
            yearly: [
              { id: 'x', what: 'x', usdPerYear: figure(spare), per: 'site', because: 'airGap' },
            ],
            control: { airGapped: true, dataClasses: own ? ['health'] : [] },
          },
          rent: { control: { airGapped: rent, dataClasses: ['health'] } },
        })
        for (const name of ['airGap', 'dataClass', 'together'])
          expect(value(report, `requirements.${name}.usdPerYear`) ?? 0).toBeGreaterThanOrEqual(0)
      }),
      { seed: 7, numRuns: 40 },
    )
  })
})

describe('a decision', () => {
  const report = price({
    own: { control: { dataLocation: 'DE', operatorJurisdiction: 'own', airGapped: true } },
    rent: { control: { ttftP95Ms: figure(250) } },
    scenario: { requirements: { dataResidency: ['EU'] } },
  })

  test('lays out what was measured for what runs on it, and says that an API was not', () => {
    expect(facts(report, 'own', 'performance')['TTFT p95']).toBe('not known at the priced load')
    expect(facts(report, 'rent', 'performance')['TTFT p95']).toBe('options.rent.ttftP95Ms')
    expect(facts(report, 'api', 'performance')['TTFT p95']).toBe('not measured here')
    expect(facts(report, 'own', 'performance')['Output tokens/s for a user']).toBe(
      'measured.tokensPerSPerUser',
    )
    expect(value(report, 'measured.tokensPerSPerUser')).toBeGreaterThan(0)
  })

  test('tells money bound, who operates, how long prices hold, and how to leave', () => {
    expect(value(report, facts(report, 'own', 'cost')['Money bound'] ?? '')).toBe(8760)
    expect(facts(report, 'rent', 'cost')['Money bound']).toBe('none')
    expect(facts(report, 'own', 'control')).toMatchObject({
      'Operated by': 'you',
      'Cut off from networks': 'yes',
      'Left of the price of servers': 'options.own.residualRatio',
    })
    expect(facts(report, 'rent', 'control')).toMatchObject({
      'Cut off from networks': 'not stated',
      'Prices are fixed': 'no',
      'Can be left': 'at any hour',
    })
    expect(facts(report, 'api', 'control')).toMatchObject({
      'Operated by': 'p',
      'Tied to': 'm, as its provider serves it',
    })
  })

  test('tells each gate with its reason', () => {
    expect(facts(report, 'own', 'security')['Required: data stays in place']).toBe('met')
    expect(facts(report, 'rent', 'security')['Required: data stays in place']).toBe(
      'not met: nobody says where data is processed',
    )
  })

  test('scores nothing unless weights are given', () => {
    expect(report.decision.options.map(({ score }) => score)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(report.figures.filter(({ path }) => /score|weights/.test(path))).toEqual([])
  })

  test('every path in it is a figure of the report, and every figure has a provenance', () => {
    const find = figureFinder(report)
    for (const { facts: each } of report.decision.options)
      for (const { path, text } of Object.values(each).flat()) {
        expect((path === undefined) !== (text === undefined)).toBe(true)
        if (path !== undefined) expect(find(path), path).toBeDefined()
      }
    for (const { path, origin, source, formula, from } of report.figures)
      expect(
        (origin !== undefined && source !== undefined) || (formula !== undefined && !!from),
        path,
      ).toBe(true)
    for (const { from = [] } of report.figures)
      for (const path of from) expect(find(path), path).toBeDefined()
  })
})

describe('a weighted decision', () => {
  test('scores cost by its logarithm, from the cheapest at 1 to the dearest at 0', () => {
    const report = price({ scenario: { weights: { cost: 5 } } })
    expect(value(report, 'options.own.score.cost')).toBe(1)
    expect(value(report, 'options.api.score.cost')).toBeCloseTo(0, 12)
    expect(value(report, 'options.rent.score.weighted')).toBeCloseTo(
      1 - Math.log(RENT / OWN) / Math.log(API / OWN),
      12,
    )
  })

  test('weighs what is stated of security against cost: (3 x 1 + 1 x 1/4) / 4', () => {
    const report = price({
      scenario: { weights: { cost: 3, security: 1 } },
      own: { control: { dataLocation: 'DE' } },
    })
    expect(value(report, 'options.own.score.security')).toBe(0.25)
    expect(value(report, 'options.own.score.weighted')).toBeCloseTo(0.8125, 12)
    expect(figureFinder(report)('options.own.score.security')?.note).toContain(
      '1 of 4 stated facts: says where data is processed.',
    )
    expect(value(report, 'options.rent.score.security')).toBe(0)
  })

  test('has no score where performance counts and an API says nothing of its own', () => {
    const known = { control: { ttftP95Ms: figure(100), tokensPerSPerUser: figure(50) } }
    const silent = price({ scenario: { weights: { performance: 1 } }, own: known, rent: known })
    expect(silent.decision.options.map(({ score }) => score)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    const slow = { control: { ttftP95Ms: figure(200), tokensPerSPerUser: figure(25) } }
    const told = price({
      scenario: { weights: { performance: 1 } },
      own: known,
      rent: known,
      api: slow,
    })
    expect(value(told, 'options.own.score.weighted')).toBe(1)
    // Twice the wait and half the speed.
    expect(value(told, 'options.api.score.weighted')).toBe(0.5)
  })

  test('leaves out what a requirement bars', () => {
    const report = price({
      scenario: { weights: { cost: 1 }, requirements: { dataResidency: ['EU'] } },
      rent: { control: { dataLocation: 'DE' } },
    })
    expect(report.decision.options.map(({ score }) => score)).toEqual([
      undefined,
      'options.rent.score.weighted',
      undefined,
    ])
    expect(value(report, 'options.rent.score.weighted')).toBe(1)
  })
})

test('the chance of being cheapest is a fact where something is uncertain', () => {
  const report = price({ own: { lifeYears: figure(4, { range: { low: 3, high: 6 } }) } })
  const path = facts(report, 'own', 'cost')['Chance of being cheapest'] ?? ''
  expect(value(report, path)).toBeGreaterThan(0.9)
})
