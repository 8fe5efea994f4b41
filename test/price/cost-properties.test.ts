import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildLedger } from '../../src/price/build-ledger.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import { type Ledger, type LedgerInput, type Values, workOut } from '../../src/price/ledger.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { type RandomCase, randomCase } from './random-scenario.ts'

const RUNS = { numRuns: 150, seed: 20261130 }
const FEWER = { numRuns: 30, seed: 20261130 }
/** Whole reports, with draws and break-evens. */
const REPORTS = { numRuns: 12, seed: 20261130 }
/** What sums of some dozen terms may be off by. */
const ROUNDING = 1e-9

function ledgerOf({ subject, scenario, catalogue }: RandomCase): Ledger {
  return buildLedger(subject, subject.points[0], scenario, catalogue)
}

const inputsOf = (ledger: Ledger) =>
  ledger.rows.filter((row): row is LedgerInput => row.kind === 'input')

const isMoney = ({ unit }: { unit: string }) => unit.startsWith('USD')

function billsOf(values: Values, { scenario }: RandomCase): Map<string, number> {
  return new Map(
    Object.keys(scenario.options).map((id) => {
      const usd = values.get(`options.${id}.usdPerYear`)
      if (usd === undefined) throw new Error(`the bill of ${id} is unknown`)
      return [id, usd]
    }),
  )
}

function expectNotBelow(high: Map<string, number>, low: Map<string, number>, what: string): void {
  for (const [id, usd] of low)
    expect(high.get(id), `${id}, ${what}`).toBeGreaterThanOrEqual(usd * (1 - ROUNDING))
}

describe('whatever the scenario', () => {
  test('every bill is known, and what it comes to', () => {
    fc.assert(
      fc.property(randomCase, (each) => {
        for (const usd of billsOf(workOut(ledgerOf(each)), each).values())
          expect(usd).toBeGreaterThanOrEqual(0)
      }),
      RUNS,
    )
  })

  test('no bill rises with throughput, at the same demand', () => {
    fc.assert(
      fc.property(randomCase, fc.double({ min: 1, max: 20, noNaN: true }), (each, factor) => {
        const ledger = ledgerOf(each)
        const values = workOut(ledger)
        const path = 'measured.outputTokensPerS'
        const faster = new Map([[path, (values.get(path) ?? 0) * factor]])
        expectNotBelow(
          billsOf(values, each),
          billsOf(workOut(ledger, faster), each),
          `${factor} times as fast`,
        )
      }),
      RUNS,
    )
  })

  test('no bill falls with any price', () => {
    fc.assert(
      fc.property(randomCase, fc.double({ min: 1, max: 3, noNaN: true }), (each, factor) => {
        const ledger = ledgerOf(each)
        const before = billsOf(workOut(ledger), each)
        for (const { path, value = 0 } of inputsOf(ledger).filter(isMoney)) {
          const dearer = new Map([[path, value * factor + 0.01]])
          expectNotBelow(billsOf(workOut(ledger, dearer), each), before, path)
        }
      }),
      FEWER,
    )
  })

  test('a mix is never dearer than the better of its two parts', () => {
    fc.assert(
      fc.property(randomCase, (each) => {
        const bills = billsOf(workOut(ledgerOf(each)), each)
        for (const [mix, base] of [
          ['mix', 'own'],
          ['rent-mix', 'rent'],
        ] as const) {
          const better = Math.min(bills.get(base) ?? 0, bills.get('api') ?? 0)
          expect(bills.get(mix)).toBeLessThanOrEqual(better * (1 + ROUNDING))
        }
      }),
      RUNS,
    )
  })

  test('twice every price is twice every amount of money, and nothing else', () => {
    fc.assert(
      fc.property(randomCase, (each) => {
        const ledger = ledgerOf(each)
        const before = workOut(ledger)
        const doubled = new Map(
          inputsOf(ledger)
            .filter(isMoney)
            .map(({ path, value }) => [path, value === undefined ? undefined : 2 * value]),
        )
        const after = workOut(ledger, doubled)
        for (const row of ledger.rows) {
          const value = before.get(row.path)
          if (value === undefined) expect(after.get(row.path), row.path).toBeUndefined()
          // Doubling is exact in binary.
          else if (isMoney(row)) expect(after.get(row.path), row.path).toBe(2 * value)
          else if (row.unit !== 'tokens/USD') expect(after.get(row.path), row.path).toBe(value)
          else expect(after.get(row.path), row.path).toBe(value / 2)
        }
      }),
      RUNS,
    )
  })

  test('an input that is not known makes exactly what is worked from it unknown', () => {
    fc.assert(
      fc.property(randomCase, fc.nat(), (each, chosen) => {
        const ledger = ledgerOf(each)
        const before = workOut(ledger)
        const inputs = inputsOf(ledger)
        const blank = inputs[chosen % inputs.length] as LedgerInput
        const after = workOut(ledger, new Map([[blank.path, undefined]]))
        const behind = new Set([blank.path])
        for (const row of ledger.rows) {
          if (row.kind === 'result' && row.from.some((path) => behind.has(path)))
            behind.add(row.path)
          const expected = behind.has(row.path) ? undefined : before.get(row.path)
          expect(after.get(row.path), `${row.path} without ${blank.path}`).toBe(expected)
        }
      }),
      RUNS,
    )
  })
})

describe('every number of a cost report', () => {
  test('has an origin and a source, or a formula and rows before it that it is worked from', () => {
    fc.assert(
      fc.property(randomCase, ({ subject, scenario, catalogue }) => {
        const { figures } = priceSubject(subject, scenario, catalogue)
        const before = new Set<string>()
        for (const { path, label, unit, origin, source, formula, from } of figures) {
          expect(before.has(path), `${path} twice`).toBe(false)
          expect(label, path).not.toBe('')
          expect(unit, path).not.toBe('')
          if (formula === undefined) {
            expect(origin, path).toBeDefined()
            expect(source, path).toBeTruthy()
          } else {
            expect(origin, path).toBeUndefined()
            expect(from?.length, path).toBeGreaterThan(0)
            for (const each of from ?? [])
              expect(before.has(each), `${path} from ${each}`).toBe(true)
          }
          before.add(path)
        }
      }),
      REPORTS,
    )
  })

  test('is a figure, but for numbers of levels, draws, the seed and curves', () => {
    fc.assert(
      fc.property(randomCase, ({ subject, scenario, catalogue }) => {
        const { figures: _, curves: __, ...report } = priceSubject(subject, scenario, catalogue)
        const find = figureFinder({ figures: _ })
        const allowed = /^(pricedLevel|levels\.\d+\.level|uncertainty\.(draws|seed))$/
        for (const [path, value] of numbersIn(report)) {
          if (allowed.test(path)) continue
          // What a level costs is told twice.
          expect(find(path)?.value, path).toBe(value)
        }
      }),
      REPORTS,
    )
  })

  test('is found by the paths that the rest of the report names', () => {
    fc.assert(
      fc.property(randomCase, ({ subject, scenario, catalogue }) => {
        const report = priceSubject(subject, scenario, catalogue)
        const find = figureFinder(report)
        const { uncertainty } = report
        const named = [
          ...report.options.flatMap(({ id, lines }) =>
            lines.map((line) => `options.${id}.lines.${line}.usdPerYear`),
          ),
          ...report.breakEvens.flatMap(({ at }) => at),
          ...(uncertainty?.inputs ?? []),
          ...(uncertainty?.options ?? []).flatMap(({ option: _, ...paths }) =>
            Object.values(paths),
          ),
          ...(uncertainty?.tornado.bars ?? []).flatMap((bar) => Object.values(bar)),
        ]
        for (const path of named) expect(find(path), path).toBeDefined()
      }),
      REPORTS,
    )
  })

  test('is the same bytes for the same run, scenario and prices', () => {
    fc.assert(
      fc.property(randomCase, ({ subject, scenario, catalogue }) => {
        const [one, other] = [0, 1].map(() =>
          JSON.stringify(priceSubject(subject, scenario, catalogue)),
        )
        expect(one).toBe(other)
      }),
      { ...REPORTS, numRuns: 3 },
    )
  })
})

/** Every number anywhere in a value, with the keys that lead to it. */
function numbersIn(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) =>
    numbersIn(each, path === '' ? key : `${path}.${key}`),
  )
}
