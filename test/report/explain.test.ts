import { describe, expect, test } from 'vitest'
import type { CostFigure } from '../../src/price/cost-report.ts'
import { figuresAtLevel, priceSubject } from '../../src/price/price-subject.ts'
import { subjectOfRun } from '../../src/price/subject.ts'
import { explain, explanationJson, explanationText } from '../../src/report/explain.ts'
import { explanationSchema } from '../../src/report/price-schemas.ts'
import { catalogue, measuredRun, scenario } from '../price/fixtures.ts'

const { run, summary } = measuredRun(100)
const subject = subjectOfRun(run, summary)
const { figures } = priceSubject(subject, scenario(), catalogue)
const explained = (path: string, depth = 2) => {
  const explanation = explain(figures, path, depth)
  if (explanation.kind !== 'figure') throw new Error('a folder')
  return explanation
}
const text = (path: string, depth = 2) => explanationText(explain(figures, path, depth), [], depth)

const result = (path: string, formula: string, from: string[], value = 1): CostFigure => ({
  path,
  label: path,
  unit: 'USD',
  value,
  formula,
  from,
})
const input = (path: string, value?: number): CostFigure => ({
  path,
  label: path,
  unit: 'USD',
  value,
  origin: 'quote',
  source: 'a test',
})
const numbers = (formula: string, values: Record<string, number | undefined>) => {
  const inputs = Object.entries(values).map(([path, value]) => input(path, value))
  const all = [...inputs, result('r', formula, Object.keys(values))]
  const explanation = explain(all, 'r', 1)
  return explanation.kind === 'figure' ? explanation.figure.withNumbers : undefined
}

describe('a number of the report', () => {
  test('has its formula with the numbers put in', () => {
    expect(explained('options.own.lines.support.usdPerYear').figure.withNumbers).toBe(
      '1 x 8,760 x 0.1',
    )
    expect(explained('options.own.usdPerMillionOutputTokens').figure.withNumbers).toBe(
      '3,854.4 / (12,614,400,000 / 1e6)',
    )
  })

  test('is followed down to sources as far as asked', () => {
    const shallow = explained('options.own.usdPerYear', 1).behind.map(({ path }) => path)
    expect(shallow).toEqual([
      'options.own.lines.servers.usdPerYear',
      'options.own.lines.electricity.usdPerYear',
      'options.own.lines.support.usdPerYear',
    ])
    const deep = explained('options.own.usdPerYear', 20).behind
    const price = deep.find(({ path }) => path === 'options.own.serverPriceUsd')
    expect(price).toMatchObject({ source: 'a test', date: '2026-11-01', origin: 'quote' })
    expect(deep.some(({ path }) => path === 'measured.outputTokensPerS')).toBe(true)
  })

  test('says for each input who says so, and when', () => {
    expect(text('options.own.lines.support.usdPerYear', 1)).toContain(
      [
        '  options.own.supportRatioPerYear = 0.1 ratio of price (Support a year)',
        '      quote: a test (2026-11-01)',
      ].join('\n'),
    )
  })

  test('is told once where it is met again, and every line fits a terminal', () => {
    const told = text('options.own.usdPerMillionOutputTokens', 20)
    expect(told).toContain('as above')
    for (const line of told.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  test('that is unknown says what is not known', () => {
    const cost = priceSubject(
      subject,
      scenario({ scenario: { hardwareProfile: undefined } }),
      catalogue,
    )
    const unknown = explain(cost.figures, 'options.own.usdPerYear', 20)
    const told = explanationText(unknown, [], 20)
    expect(told).toMatch(/options\.own\.usdPerYear = n\/a/)
    expect(told).toContain('not known; the hardware has no price in its profile')
  })
})

test('every number of a report can be explained, and every input has a source', () => {
  for (const figure of figures) {
    const explanation = explain(figures, figure.path, 30)
    expect(explanation.kind).toBe('figure')
    const inputs = explanation.kind === 'figure' ? [explanation.figure, ...explanation.behind] : []
    for (const each of inputs) expect(each.source ?? each.formula, each.path).toBeTruthy()
    expect(inputs.some(({ source }) => source !== undefined)).toBe(true)
  }
})

describe('numbers in a formula', () => {
  test('stand for names by the last parts of their paths', () => {
    expect(numbers('a x b.c / 2', { 'x.a': 3, 'y.b.c': 4 })).toBe('3 x 4 / 2')
    expect(numbers('lines.cached-input + 1', { 'o.lines.cached-input.usdPerYear': 5 })).toBe(
      '5 + 1',
    )
    expect(numbers('(1 - a) x a', { 'x.a': -2 })).toBe('(1 - (-2)) x (-2)')
  })

  test('do not stand for words of a sentence', () => {
    expect(numbers('1 where there are servers in it', { 'x.servers': 7 })).toBeUndefined()
    expect(
      numbers('ceil(servers / racks) of all servers here', { 'x.servers': 7, 'x.racks': 2 }),
    ).toBe('ceil(7 / 2) of all servers here')
  })

  test('do not stand for a name that two paths share', () => {
    expect(numbers('a.usd + b.usd', { 'x.a.usd': 1, 'x.b.usd': 2 })).toBe('1 + 2')
    expect(numbers('usd x 2', { 'x.a.usd': 1, 'x.b.usd': 2 })).toBeUndefined()
  })

  test('of a sum are its terms, and of an unknown there are none', () => {
    expect(numbers('sum of the lines, in their order', { 'x.a': 1, 'x.b': 2.5 })).toBe('1 + 2.5')
    expect(numbers('a + b', { 'x.a': 1, 'x.b': undefined })).toBeUndefined()
  })
})

test('a path above numbers lists them; one that is near is told; any other tells where to look', () => {
  const below = explain(figures, 'options.rent', 1)
  expect(
    below.kind === 'folder' && below.figures.every(({ path }) => path.startsWith('options.rent.')),
  ).toBe(true)
  expect(() => explain(figures, 'options.own.usdPerMilionOutputTokens', 1)).toThrow(
    'no number called options.own.usdPerMilionOutputTokens',
  )
  try {
    explain(figures, 'options.own.usdPerMilionOutputTokens', 1)
  } catch (error) {
    expect((error as { remedy: string }).remedy).toMatch(
      /^Did you mean options\.own\.usdPerMillionOutputTokens/,
    )
  }
})

test('for programs both kinds are what their schema says', () => {
  for (const path of ['options.own.usdPerYear', 'options.own']) {
    const json = JSON.parse(explanationJson(explain(figures, path, 3), ['a notice']))
    expect(explanationSchema.safeParse(json).error).toBeUndefined()
  }
})

test('a level has figures of its own, and a level that was not measured has none', () => {
  const own = figuresAtLevel(subject, 0, scenario(), catalogue)
  expect(own.find(({ path }) => path === 'measured.outputTokensPerS')?.value).toBe(800)
  expect(() => figuresAtLevel(subject, 5, scenario(), catalogue)).toThrow('no level 5')
})
