import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Inputs, publishedFormulas } from './published-formulas.ts'

// What others published, with the inputs they published beside it. The cases lie outside the repository: where they are
// missing, nothing is tested here, and the worked examples in the other tests of this folder stand for them.
const folder =
  process.env.BAREMARK_TCO_CASES ??
  fileURLToPath(new URL('../../../shared/cases/tco', import.meta.url))

interface Check {
  readonly formula: string
  readonly label?: string
  readonly inputs: Inputs
  readonly expected: Readonly<Record<string, number | null>>
  readonly recomputed: Readonly<Record<string, number | null>>
  readonly tolerance: { readonly abs?: number; readonly rel?: number }
}

interface Case {
  readonly id: string
  readonly status: 'complete' | 'partial' | 'derived' | 'erratum'
  readonly checks: readonly Check[]
}

const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yaml')) : []
const cases = files.map((file) => parse(readFileSync(join(folder, file), 'utf8')) as Case)

/** What a case records of its source's mistakes: ours has to differ from it. */
const mistakes: Readonly<Record<string, string>> = {
  'interp_two_point.source_algorithm': 'linear_correct',
}

/** Cases carry a second value, recomputed from their inputs in another language, to six decimals. */
const RECOMPUTED = { rel: 2e-4, abs: 1e-6 }

function expectWithin(value: number | undefined, expected: number | null, allowed: number): void {
  if (expected === null) {
    expect(value).toBeUndefined()
    return
  }
  expect(value).toBeDefined()
  expect(Math.abs((value as number) - expected)).toBeLessThanOrEqual(allowed)
}

function checkOne({ formula, inputs, expected, recomputed, tolerance }: Check): void {
  const evaluate = publishedFormulas[formula]
  if (!evaluate) throw new Error(`no function of ours stands for the formula ${formula}`)
  const values = evaluate(inputs)
  for (const [name, published] of Object.entries(expected)) {
    const ours = mistakes[`${formula}.${name}`]
    if (ours !== undefined) {
      expect(values[ours]).not.toBeCloseTo(published as number, 6)
      continue
    }
    expect(Object.keys(values)).toContain(name)
    const size = Math.abs(published ?? 0)
    expectWithin(values[name], published, Math.max(tolerance.abs ?? 0, (tolerance.rel ?? 0) * size))
    const again = recomputed[name] ?? null
    expectWithin(values[name], again, RECOMPUTED.abs + RECOMPUTED.rel * Math.abs(again ?? 0))
  }
}

describe.skipIf(cases.length === 0)('what others published comes out', () => {
  for (const { id, status, checks } of cases) {
    test(`${id} (${status}, ${checks.length})`, () => {
      expect(checks.length).toBeGreaterThan(0)
      for (const check of checks) {
        expect(Object.keys(check.expected), check.label).not.toHaveLength(0)
        checkOne(check)
      }
    })
  }

  test('every formula in the table is one that a case names', () => {
    const named = new Set(cases.flatMap(({ checks }) => checks.map(({ formula }) => formula)))
    expect(Object.keys(publishedFormulas).filter((formula) => !named.has(formula))).toEqual([])
  })

  test('a case is not passed by a formula that is a little wrong', () => {
    const wrong = cases.flatMap(({ checks }) =>
      checks.map((check) => ({ ...check, expected: nudged(check.expected) })),
    )
    const passed = wrong.filter((check) => {
      try {
        checkOne({ ...check, tolerance: { rel: 0 } })
        return true
      } catch {
        return false
      }
    })
    expect(passed.map(({ formula }) => formula)).toEqual([])
  })
})

function nudged(expected: Check['expected']): Check['expected'] {
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [
      name,
      value === null ? 0 : value * 1.05 + 1e-3,
    ]),
  )
}
