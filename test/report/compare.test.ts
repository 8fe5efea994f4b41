import { describe, expect, test } from 'vitest'
import { compareSides } from '../../src/measure/compare.ts'
import type { Imported } from '../../src/measure/imports/imported.ts'
import { compareJson, compareMarkdown, compareText } from '../../src/report/compare-formats.ts'
import { comparedImport, told } from '../measure/compared-imports.ts'
import { comparedRun } from '../measure/compared-runs.ts'
import { runLog } from '../measure/records.ts'

const longestLine = (text: string): number =>
  Math.max(...text.split('\n').map((line) => [...line].length))

test('figures of many digits and four runs a side still fit into 100 columns', () => {
  const runs = (from: number, by: number) =>
    [0.2, 1, 1.5, 3].map((x, i) =>
      comparedRun(from + i, [
        { outputTokensPerS: 250_000 * x * by, ttftP95Ms: 123_456 * x, usd: 0.000_123_4 * x },
      ]),
    )
  const text = compareText(compareSides([runs(0, 1), runs(4, 1.001)]))
  expect(text).toContain('no detectable difference')
  expect(longestLine(text)).toBeLessThanOrEqual(100)
})

test('text from outside can neither start a line nor a table cell of its own', () => {
  const hostile = 'x\n| **y** |\u001b[31m<b>'
  const target = { ...runLog().target, model: hostile }
  const run = (n: number) => ({ ...comparedRun(n, [{ usd: 1 }], { target }), path: hostile })
  const result = compareSides([[run(0)], [run(1)]])
  expect(compareText(result)).not.toContain('\u001b')
  expect(compareText(result)).not.toMatch(/^\| \*\*y/m)
  const markdown = compareMarkdown(result)
  expect(markdown).not.toContain('<b>')
  expect(markdown).not.toContain('| **y** |')
})

test('runs that are DEGRADED for one reason share a line, and a fourth reason is counted', () => {
  const summary = { verdict: 'DEGRADED' as const, reasons: ['one', 'two', 'three', 'four'] }
  const run = (n: number) => comparedRun(n, [{ usd: 1 }], { summary })
  expect(compareText(compareSides([[run(0)], [run(1)]]))).toMatch(
    /^DEGRADED: runs A, B\. One\. Two\. Three\. And 1 more\.\n/i,
  )
})

describe("other tools' results", () => {
  const metrics = { tpotMs: told(123_456.7, 234_567.8, 'The first token is part of it.') }
  const point = { outputTokensPerS: 250_000, metrics }
  const other = (by: number, parts: Partial<Imported> = {}) =>
    comparedImport([{ ...point, outputTokensPerS: 250_000 * by }], parts)
  const three = [other(1), other(1.01), other(1.02)]

  test('are said to be NOT JUDGED before any figure, with the tool and what its file does not tell', () => {
    for (const print of [compareText, compareMarkdown, compareJson]) {
      const text = print(compareSides([three, [other(2)]]))
      expect(text).toMatch(
        /^[^\d]*NOT JUDGED: A1, A2, A3, B, imported from Other 1\.2: the records are not there/,
      )
      expect(text).toContain('What the file does not tell: the GPU')
    }
  })

  test('have NOT JUDGED over each table, too, where a word may say better', () => {
    const text = compareText(compareSides([three, [other(2), other(2.02), other(2.04)]]))
    expect(text).toContain('8 users: B against A, NOT JUDGED:')
    expect(text).toMatch(/Output tokens\/s \* .* better$/m)
    expect(text).toContain('nothing of whether they may')
  })

  test('have one star by a definition that all share, and two where the sides have several', () => {
    const ours = comparedRun(0, [{ point: { label: '8 users', wholeRunOutputTokensPerS: 9 } }])
    const one = compareText(compareSides([three, [other(2)]]))
    expect(one).toContain('TPOT p95, ms * ')
    expect(one).toContain('* TPOT p50, ms; TPOT p95, ms (A, B): The first token is part of it.')
    const mixed = compareText(compareSides([[ours], [other(2)]]))
    expect(mixed).toContain('Output tokens/s ** ')
    expect(mixed).toContain('* Output tokens/s (A): Over the whole level')
    expect(mixed).toContain('* Output tokens/s (B): Over the whole run.')
  })

  test('tell how many of their requests failed, or that nobody knows', () => {
    const failing = comparedImport([{ ...point, requests: { completed: 97, failed: 3 } }])
    const text = compareText(compareSides([[failing], [other(2)]]))
    expect(text).toContain('failed requests: 3, NOT JUDGED')
    expect(text).toContain('failed requests: n/a, NOT JUDGED')
  })

  test('still fit into 100 columns', () => {
    const text = compareText(compareSides([three, [other(1), other(1.7), other(2.9)]]))
    expect(longestLine(text)).toBeLessThanOrEqual(100)
  })

  test('can neither start a line nor a table cell of their own', () => {
    const hostile = 'x\n| **y** |\u001b[31m<b>'
    const parts = { tool: { name: hostile, version: hostile }, notes: [hostile] }
    const side = comparedImport(
      [{ ...point, model: hostile, label: hostile, date: hostile }],
      parts,
    )
    const result = compareSides([[side], [other(2)]])
    expect(compareText(result)).not.toContain('\u001b')
    expect(compareText(result)).not.toMatch(/^\| \*\*y/m)
    expect(compareMarkdown(result)).not.toContain('<b>')
    expect(compareMarkdown(result)).not.toContain('| **y** |')
  })

  test('at no load of the first side leave nothing to compare, and that is said', () => {
    const elsewhere = comparedImport([{ ...point, load: { kind: 'unlimited' } }])
    const text = compareText(compareSides([three, [elsewhere]]))
    expect(text).toContain('nothing can be held against it')
  })
})

test('the summary of a run without its records says so before any figure', () => {
  const run = { ...comparedRun(0, [{ usd: 1 }]), withoutRecords: true }
  expect(compareText(compareSides([[run], [comparedRun(1, [{ usd: 1 }])]]))).toMatch(
    /^FROM A SUMMARY: the records of A are not there/,
  )
})
