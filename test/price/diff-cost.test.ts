import { describe, expect, test } from 'vitest'
import { diffCosts, type OptionChange } from '../../src/price/diff-cost.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { subjectOfRun } from '../../src/price/subject.ts'
import { documentMarkdown, documentText } from '../../src/report/compare-formats.ts'
import { costDiffDocument, costDiffJson, sharedNotices } from '../../src/report/cost-diff.ts'
import { costDiffSchema } from '../../src/report/price-schemas.ts'
import { type Changes, catalogue, figure, measuredRun, scenario } from './fixtures.ts'

const hundred = measuredRun(100)
const side = (name: string, changes: Changes = {}, measured = hundred) => {
  const subject = subjectOfRun(measured.run, measured.summary)
  return { name, subject, cost: priceSubject(subject, scenario(changes), catalogue) }
}
const option = (options: readonly OptionChange[], id: string) =>
  options.find((each) => each.option === id)
const rowOf = (rows: OptionChange['lines'], end: string) =>
  rows.find(({ path }) => path.endsWith(end))

describe('two scenarios on one run', () => {
  // Servers: 8,760 USD over 5 years in place of 4 are 1,752 in place of 2,190 a year: 438 less. Support and electricity stay: the bill of
  // 3,854.40 falls to 3,416.40, by 11.36 %.
  const diff = diffCosts(side('a'), side('b', { own: { lifeYears: figure(5) } }))

  test('differ in the one input that differs, with its source', () => {
    expect(diff.inputs).toEqual([
      {
        path: 'options.own.lifeYears',
        label: 'Life of a server',
        unit: 'years',
        change: 'changed',
        before: { value: 4, origin: 'quote', source: 'a test', date: '2026-11-01' },
        after: { value: 5, origin: 'quote', source: 'a test', date: '2026-11-01' },
      },
    ])
  })

  test('differ in one line of one bill, and its totals', () => {
    const own = option(diff.options, 'own')
    expect(own?.change).toBe('changed')
    const servers = rowOf(own?.lines ?? [], 'servers.usdPerYear')
    expect(servers?.difference).toBeCloseTo(-438, 9)
    expect(servers?.differenceRatio).toBeCloseTo(-0.2, 12)
    expect(rowOf(own?.lines ?? [], 'support.usdPerYear')).toMatchObject({
      change: 'same',
      difference: 0,
    })
    const bill = rowOf(own?.totals ?? [], 'own.usdPerYear')
    expect(bill?.difference).toBeCloseTo(-438, 9)
    expect(bill?.differenceRatio).toBeCloseTo(-438 / 3854.4, 12)
  })

  test('leave other options as they are', () => {
    expect(option(diff.options, 'rent')?.change).toBe('same')
    expect(option(diff.options, 'api')?.change).toBe('same')
  })

  test('are told with a sign and a share', () => {
    const text = documentText(costDiffDocument(diff, []))
    expect(text).toContain('options.own.lifeYears: 5 years'.replace('5', '4'))
    expect(text).toMatch(/~ Servers\s+\$2,190\s+\$1,752\s+-\$438\.00 \(-20 %\)/)
    expect(text).toMatch(/~ Whole bill\s+\$3,854\s+\$3,416\s+-\$438\.00 \(-11\.4 %\)/)
    expect(text).toMatch(/= api\s/)
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
    expect(documentMarkdown(costDiffDocument(diff, []))).toContain('| A | B | difference |')
    expect(costDiffSchema.safeParse(JSON.parse(costDiffJson(diff, ['n']))).error).toBeUndefined()
  })
})

describe('an option that only one side has', () => {
  const options = {
    own: {
      kind: 'owned',
      lifeYears: figure(4),
      residualRatio: figure(0),
      supportRatioPerYear: figure(0.1),
      pueRatio: figure(1.5),
      electricity: 'grid',
    },
  }
  const fewer = side('fewer', { options })
  const diff = diffCosts(fewer, side('more'))

  test('adds all of itself, and its inputs are not told one by one', () => {
    const rent = option(diff.options, 'rent')
    // 3 USD an hour around the clock.
    expect(rent).toMatchObject({ change: 'added', nameBefore: undefined })
    expect(rowOf(rent?.totals ?? [], 'rent.usdPerYear')?.difference).toBeCloseTo(26_280, 6)
    expect(diff.inputs).toEqual([])
  })

  test('takes itself away in the other direction', () => {
    const back = diffCosts(side('more'), fewer)
    const rent = option(back.options, 'rent')
    expect(rent?.change).toBe('removed')
    expect(rowOf(rent?.totals ?? [], 'rent.usdPerYear')?.difference).toBeCloseTo(-26_280, 6)
  })
})

test('a line that only one side has adds its value, and an unknown makes no difference of a number', () => {
  const yearly = [{ id: 'audit', what: 'Audit', usdPerYear: figure(500), per: 'site' }]
  const diff = diffCosts(side('a'), side('b', { own: { yearly } }))
  const audit = rowOf(option(diff.options, 'own')?.lines ?? [], 'audit.usdPerYear')
  expect(audit).toMatchObject({ change: 'added', difference: 500 })
  expect(audit?.before).toBeUndefined()
  const unknown = diffCosts(side('a'), side('b', { scenario: { hardwareProfile: undefined } }))
  const own = option(unknown.options, 'own')
  expect(rowOf(own?.totals ?? [], 'own.usdPerYear')?.after).toBeUndefined()
  expect(rowOf(own?.totals ?? [], 'own.usdPerYear')?.difference).toBeUndefined()
})

test('the same value of another source is told as such, and of another run it is not', () => {
  const restated = diffCosts(
    side('a'),
    side('b', { own: { lifeYears: figure(4, { source: 'old' }) } }),
  )
  expect(restated.inputs.map(({ path, change }) => [path, change])).toEqual([
    ['options.own.lifeYears', 'restated'],
  ])
  expect(option(restated.options, 'own')?.change).toBe('same')
  const other = measuredRun(100, { runId: 'other' })
  expect(diffCosts(side('a'), side('b', {}, other)).inputs).toEqual([])
})

test('two runs of other speeds under a share of a server are bills for other amounts, and said to be', () => {
  const diff = diffCosts(side('a'), side('b', {}, measuredRun(50)))
  expect(diff.inputs.map(({ path }) => path)).toContain('measured.outputTokensPerS')
  expect(costDiffDocument(diff, []).notices[0]).toContain('DIFFERENT DEMANDS')
})

test('an excluded option is not the cheapest, and why it is excluded is told', () => {
  const strict = { scenario: { requirements: { airGap: true } } }
  const diff = diffCosts(side('a'), side('b', strict))
  expect(diff.before.cheapest).toBe('own')
  expect(diff.after.cheapest).toBeUndefined()
  const document = costDiffDocument(diff, [])
  const own = document.blocks.find(({ title }) => title.startsWith('own: '))
  expect(own?.lines.join(' ')).toContain('In B it fails airGap')
})

test('what both sides say is said once', () => {
  expect(sharedNotices(['x', 'y'], ['y', 'z'])).toEqual(['A: x', 'y', 'B: z'])
})

test('a price held against itself differs in nothing', () => {
  const diff = diffCosts(side('a'), side('a'))
  expect(diff.inputs).toEqual([])
  expect(new Set(diff.options.map(({ change }) => change))).toEqual(new Set(['same']))
})
