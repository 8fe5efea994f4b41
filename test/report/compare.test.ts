import { expect, test } from 'vitest'
import { compareSides } from '../../src/measure/compare.ts'
import { compareMarkdown, compareText } from '../../src/report/compare-formats.ts'
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
