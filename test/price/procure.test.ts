import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Figure } from '../../src/figure.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { type Candidate, type JudgedCandidate, procure } from '../../src/price/procure.ts'
import { type Subject, statedSubject, subjectOfRun } from '../../src/price/subject.ts'
import { documentMarkdown, documentText } from '../../src/report/compare-formats.ts'
import { procurementSchema } from '../../src/report/price-schemas.ts'
import { procurementDocument, procurementJson } from '../../src/report/procurement.ts'
import { type Changes, catalogue, figure, measuredRun, scenario } from './fixtures.ts'

/** 1,800 output tokens a second around the clock. */
const demand = {
  amount: { kind: 'output-tokens-per-day', outputTokensPerDay: figure(1800 * 86_400) },
}
const wanted = (changes: Changes = {}) => scenario({ demand, ...changes })

/** Of some figures a candidate's own: everything else is as in the scenario. */
function candidate(name: string, subject: Subject, changes: Changes = {}): Candidate {
  return { name, path: name, subject, cost: priceSubject(subject, wanted(changes), catalogue) }
}

function ofRun(name: string, perS: number, slo: object = {}, changes: Changes = {}): Candidate {
  const measured = measuredRun(perS, { runId: name }, slo)
  return {
    ...candidate(name, subjectOfRun(measured.run, measured.summary), changes),
    run: { run: measured.run, summary: measured.summary },
  }
}

const byName = (candidates: readonly JudgedCandidate[], name: string) =>
  candidates.find((each) => each.name === name)

describe('machines for 1,800 tokens a second, by hand', () => {
  // A makes 800 a second: 3 boxes at 8,760 USD are 26,280 USD and 3 kW under load, in one rack. B makes 400: 5 boxes, 2 racks.
  const result = procure([ofRun('A', 100), ofRun('B', 50)], wanted(), undefined)

  test('whole servers, what they cost at first, their power and their room', () => {
    expect(byName(result.candidates, 'A')).toMatchObject({
      servers: 3,
      capexUsd: 26_280,
      fullLoadPowerKw: 3,
      racks: 1,
      utilisationRatio: 0.75,
      outputTokensPerSPerServer: 800,
      machine: 'Test box',
      standing: 'undominated',
    })
    expect(byName(result.candidates, 'B')).toMatchObject({ servers: 5, capexUsd: 43_800, racks: 2 })
  })

  test('the bill: 3 x 2,190 + 3 x 876 + (3 x 0.2 + 2.25 x 0.8) kW x 8,760 h x 1.5 x 0.10', () => {
    const usd = byName(result.candidates, 'A')?.usdPerYear
    expect(usd).toBeCloseTo(6570 + 2628 + 2.4 * 8760 * 0.15, 6)
  })

  test('the slower one is dominated by the faster', () => {
    expect(byName(result.candidates, 'B')).toMatchObject({
      standing: 'dominated',
      dominatedBy: ['A'],
    })
  })

  test('are told in text, Markdown and JSON', () => {
    const text = documentText(procurementDocument(result, ['A: Warning: Cost: doubt']))
    expect(text).toMatch(
      /^A\s+3\s+\$26,280\s+\$12,352\s+\$0\.218\s+3\.00\s+1\s+n\/a\s+75 %\s+none/m,
    )
    expect(text).toContain('B: DOMINATED by A.')
    expect(text).toContain('A: Cost: doubt')
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
    expect(documentMarkdown(procurementDocument(result, []))).toContain('| A | 3 |')
    const json = JSON.parse(procurementJson(result, ['notice']))
    expect(procurementSchema.safeParse(json).error).toBeUndefined()
  })
})

test('what is bought for a site or a rack is part of what is bought at first', () => {
  const capex = [
    { id: 'switch', what: 'Switch', usd: figure(500), per: 'rack', lifeYears: figure(5) },
    { id: 'setup', what: 'Set-up', usd: figure(1000), per: 'site', lifeYears: figure(5) },
  ]
  const changes = { own: { capex } }
  const result = procure(
    [ofRun('A', 100, {}, changes), ofRun('B', 50, {}, changes)],
    wanted(changes),
    undefined,
  )
  // 3 boxes, 1 rack; 5 boxes, 2 racks.
  expect(result.candidates.map(({ capexUsd }) => capexUsd)).toEqual([27_780, 45_800])
})

describe('the height of machines', () => {
  const high = (rackUnits: number) => ({ own: { rackUnitsPerServer: figure(rackUnits) } })
  // 3 boxes each, of 2, 8 and nobody knows how many rack units: all else is the same.
  const low = ofRun('A', 100, {}, high(2))
  const tall = ofRun('B', 100, {}, high(8))
  const unknown = ofRun('C', 100)

  test('is servers x rack units, and the taller of two that are else alike is dominated', () => {
    const { candidates } = procure([low, tall], wanted(), undefined)
    expect(byName(candidates, 'A')).toMatchObject({ rackUnits: 6, standing: 'undominated' })
    expect(byName(candidates, 'B')).toMatchObject({ rackUnits: 24, dominatedBy: ['A'] })
  })

  test('that is not known of one is held against neither, and is told', () => {
    const result = procure([tall, unknown], wanted(), undefined)
    expect(result.candidates.map(({ standing }) => standing)).toEqual([
      'undominated',
      'undominated',
    ])
    expect(byName(result.candidates, 'C')?.rackUnits).toBeUndefined()
    const text = documentText(procurementDocument(result, []))
    expect(text).toContain('U is not known of C: state rackUnitsPerServer')
    expect(text).toMatch(/^B .* 1\s+24\s+75 %/m)
    const json = JSON.parse(procurementJson(result, []))
    expect(procurementSchema.safeParse(json).error).toBeUndefined()
  })

  test('does not save a machine that is worse in all that is known', () => {
    const { candidates } = procure([unknown, ofRun('B', 50, {}, high(2))], wanted(), undefined)
    expect(byName(candidates, 'B')).toMatchObject({ standing: 'dominated', dominatedBy: ['C'] })
  })

  test('is that of the profile for the very server of its price, and of no other', () => {
    const gpu = catalogue.profiles.find(({ id }) => id === 'gpu')
    const prices = gpu?.prices.map((price) =>
      price.per === 'server' ? { ...price, rackUnits: figure(6) as Figure } : price,
    )
    const profiles = gpu && prices ? [{ ...gpu, prices }] : []
    const heightOf = (own: object) => {
      const changes = {
        scenario: { hardwareProfile: 'gpu', units: 4 },
        own,
        rent: { rental: 'middle' },
      }
      const cost = priceSubject(low.subject, wanted(changes), { ...catalogue, profiles })
      return figureFinder(cost)('options.own.rackUnitsPerServer')?.value
    }
    expect(heightOf({})).toBe(6)
    expect(heightOf({ gpusPerServer: 4 })).toBeUndefined()
    expect(heightOf({ rackUnitsPerServer: figure(5) })).toBe(5)
  })

  test('that no rack has room for is refused, with what to state', () => {
    const own = { rackUnitsPerServer: figure(20), serversPerRack: 4 }
    expect(() => ofRun('A', 100, {}, { own })).toThrow('4 servers of 20 rack units are 80 high')
    expect(() => wanted({ own: { rackUnitsPerServer: figure(356) } })).toThrow(
      'expected rack units from 0.25 to 48; given 356: 356 mm are 8.01 rack units',
    )
  })
})

describe('what is not ranked', () => {
  const slo = { ttftMs: 1e6 }
  const impossible = { ttftMs: 0.001 }

  test('what misses its SLO is apart, dominates nobody and has no figures', () => {
    const result = procure(
      [ofRun('A', 100, impossible), ofRun('B', 50, impossible)],
      wanted(),
      'own',
    )
    expect(result.candidates.map(({ standing }) => standing)).toEqual(['apart', 'apart'])
    expect(byName(result.candidates, 'A')?.servers).toBeUndefined()
    expect(byName(result.candidates, 'A')?.why.join()).toContain('SLO')
  })

  test('an INVALID run is apart and dominates nobody, however good it looks', () => {
    const good = ofRun('A', 100)
    const invalid = { ...good, subject: { ...good.subject, verdict: 'INVALID' as const } }
    const result = procure([invalid, ofRun('B', 50)], wanted(), undefined)
    expect(byName(result.candidates, 'A')).toMatchObject({ standing: 'apart' })
    expect(byName(result.candidates, 'B')).toMatchObject({ standing: 'undominated' })
  })

  test('what no SLO was set for dominates nothing that met one', () => {
    const met = ofRun('B', 50, slo)
    const result = procure(
      [candidate('A', statedSubject(5000, 10_000, undefined)), met],
      wanted(),
      undefined,
    )
    expect(byName(result.candidates, 'B')).toMatchObject({
      meetsSlo: true,
      standing: 'undominated',
    })
    expect(byName(result.candidates, 'A')).toMatchObject({ standing: 'undominated' })
  })

  test('a machine without a known price is not ranked, and what is missing is told', () => {
    const nameless = { scenario: { hardwareProfile: undefined } }
    const result = procure([ofRun('A', 100, {}, nameless), ofRun('B', 50)], wanted(), undefined)
    expect(byName(result.candidates, 'A')?.standing).toBe('unknown')
    expect(byName(result.candidates, 'A')?.why.length).toBeGreaterThan(0)
    expect(byName(result.candidates, 'B')?.standing).toBe('undominated')
  })

  test('boards without the machine around them dominate no whole machine', () => {
    const whole = ofRun('B', 50)
    const cheap = ofRun('A', 100)
    const boards = {
      ...cheap,
      cost: {
        ...cheap.cost,
        warnings: [{ kind: 'board-price-only' as const, text: 'boards alone' }],
      },
    }
    expect(byName(procure([boards, whole], wanted(), undefined).candidates, 'B')?.standing).toBe(
      'undominated',
    )
  })
})

describe('measurements of different things', () => {
  test('other models, other workloads and other limits are differences', () => {
    const a = ofRun('A', 100)
    const other = ofRun('B', 100, { ttftMs: 1e6 })
    const labels = procure([a, other], wanted(), undefined).differences.map(({ label }) => label)
    expect(labels).toContain('slo.ttftMs')
    const model = ofRun('B', 100)
    const renamed = model.run && {
      ...model,
      run: {
        ...model.run,
        run: { ...model.run.run, target: { ...model.run.run.target, model: 'another' } },
      },
    }
    const result = procure([a, renamed ?? model], wanted(), undefined)
    expect(result.differences.map(({ label }) => label)).toContain('Model')
    expect(result.forced).toBe(true)
    expect(procurementDocument(result, []).notices[0]).toContain('FORCED')
  })

  test('another mix of tokens in an import is one, a mix within a tenth is none', () => {
    const run = ofRun('A', 100)
    const mix = (inputTokensPerS: number) =>
      procure(
        [run, candidate('B', statedSubject(800, inputTokensPerS, undefined))],
        wanted(),
        undefined,
      ).differences.map(({ label }) => label)
    expect(mix(1600)).toEqual([])
    expect(mix(1700)).toEqual([])
    expect(mix(3200)).toEqual(['Input tokens for an output token'])
  })

  test('the same run twice differs in nothing', () => {
    expect(procure([ofRun('A', 100), ofRun('B', 100)], wanted(), undefined).forced).toBe(false)
  })
})

test('a demand that is a share of each machine, one machine for all, or no machine is refused', () => {
  const both = [ofRun('A', 100), ofRun('B', 50)]
  expect(() => procure(both, scenario(), undefined)).toThrow('another demand for every candidate')
  expect(() => procure(both, wanted({ own: { hardwareProfile: 'box' } }), undefined)).toThrow(
    'for all candidates',
  )
  expect(() => procure(both, wanted(), 'rent')).toThrow('no option rent')
  const options = { api: { kind: 'api', api: 'api' } }
  expect(() => procure(both, wanted({ options }), undefined)).toThrow('owned or colocated')
})

test('nothing that is dominated dominates alone: some undominated machine always does', () => {
  const rates = fc.array(fc.integer({ min: 20, max: 400 }), { minLength: 2, maxLength: 4 })
  fc.assert(
    fc.property(rates, (given) => {
      const { candidates } = procure(
        given.map((perS, i) => candidate(String(i), statedSubject(perS * 8, perS * 16, undefined))),
        wanted(),
        undefined,
      )
      const best = candidates.filter(({ standing }) => standing === 'undominated')
      expect(best.length).toBeGreaterThan(0)
      for (const { standing, dominatedBy } of candidates)
        if (standing === 'dominated')
          expect(dominatedBy.some((name) => best.some((each) => each.name === name))).toBe(true)
    }),
    { seed: 7, numRuns: 30 },
  )
})
