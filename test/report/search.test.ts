import { describe, expect, test } from 'vitest'
import { describeLevel } from '../../src/load/benchmark.ts'
import type { SearchPlan } from '../../src/load/search-plan.ts'
import { countedPoints, summarizeSearch } from '../../src/measure/search/search.ts'
import type { SearchSummary } from '../../src/measure/search/search-summary.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'
import { choosePoint } from '../../src/price/operating-point.ts'
import { subjectOfRun } from '../../src/price/subject.ts'
import { chartsOf } from '../../src/report/charts.ts'
import { csvFormat } from '../../src/report/csv.ts'
import { htmlFormat } from '../../src/report/html.ts'
import { reportFormats } from '../../src/report/index.ts'
import { reportSchema } from '../../src/report/json-schema.ts'
import { markdownFormat } from '../../src/report/markdown.ts'
import type { Report } from '../../src/report/report.ts'
import { trialLine } from '../../src/report/search-facts.ts'
import { textFormat } from '../../src/report/text.ts'
import { failedGate, sloPlan, sweepPlan } from '../measure/search/trials.ts'
import { sampleReport } from './sample-report.ts'

const slo = { ttftMs: 200 }

/** The sample's levels, as if a search had run them. */
function searched(plan: SearchPlan, points: readonly OperatingPoint[]): Report {
  const { run, summary, cost } = sampleReport()
  const benchmark = { ...run.config.benchmark, slo }
  const logs = points.flatMap((point) => {
    const log = run.levels.find(({ load }) => describeLevel(load) === point.label)
    return log ? [{ ...log, level: point.level }] : []
  })
  return {
    schemaVersion: 1,
    run: { ...run, config: { ...run.config, benchmark, search: plan }, levels: logs },
    summary: { ...summary, points, search: summarizeSearch(plan, points) },
    cost,
  }
}

const sample = sampleReport().summary.points.map(
  (point): OperatingPoint => ({ ...point, goodput: { slo, goodRatio: 0.975 } }),
)
/** Its last level a load at which the server gave way. */
const givingWay = sample.map((point, i) =>
  i === sample.length - 1 ? { ...point, gates: [failedGate('error-budget')] } : point,
)
const usersOf = (points: readonly OperatingPoint[]): number[] =>
  points.map(({ load }) => (load.kind === 'closed' ? load.concurrency : 0))

/** That, with the last but one looked at three times. */
function sloPoints(): OperatingPoint[] {
  const [first, second, third, beyond] = givingWay
  if (!first || !second || !third || !beyond) throw new Error('the sample has four levels')
  return [first, second, third, beyond, third, beyond, third].map((point, level) => ({
    ...point,
    level,
  }))
}

const [lowest = 0, highest = 0] = [usersOf(sample)[0], usersOf(sample).at(-1)]
const limits = sloPlan({
  start: lowest,
  lowest,
  highest,
  // As wide as the sample's levels are apart.
  resolutionRatio: 100,
  limits: [
    {
      kind: 'percentile',
      metric: 'ttftMs',
      p: 50,
      limitMs: 5_000,
      isStrict: false,
      needsEarlyStopping: false,
    },
    { kind: 'goodput', atLeastRatio: 0.5 },
  ],
  limitsFrom: {
    name: 'set:model/interactive',
    title: 'A set of limits',
    sources: [{ title: 'its rules', date: '2026-08-20' }],
    notes: ['Not their result.'],
  },
})

const sweepReport = () => searched(sweepPlan({ levels: { chosen: 'by-user' } }), givingWay)
const sloReport = () => searched(limits, sloPoints())

describe.each([textFormat, markdownFormat])('$name', ({ fileName, render }) => {
  test('of a sweep is as on file', async () => {
    const text = await render(sweepReport())
    await expect(text).toMatchFileSnapshot(`../golden/sweep/${fileName}`)
  })

  test('of a search under limits is as on file', async () => {
    const text = await render(sloReport())
    await expect(text).toMatchFileSnapshot(`../golden/slo/${fileName}`)
  })
})

test.each(reportFormats)(
  '$name tells the answer, and nothing of a search where there was none',
  async ({ name, render }) => {
    const word = name === 'csv' ? /,true,/ : name === 'json' ? /"search"/ : /the knee is at/i
    expect(await render(sweepReport())).toMatch(word)
    if (name !== 'csv') expect(await render(sampleReport())).not.toMatch(word)
  },
)

test('both are what the schema says', () => {
  for (const report of [sweepReport(), sloReport()]) {
    const plain: unknown = JSON.parse(JSON.stringify({ notice: ['x'], ...report }))
    expect(reportSchema.safeParse(plain).error).toBeUndefined()
  }
})

test('the chart has a line at the knee, and none where no search was', () => {
  const specOf = (report: Report): string => {
    const chart = chartsOf(report).find(({ id }) => id === 'throughput')
    return chart?.kind === 'drawn' ? JSON.stringify(chart.spec) : ''
  }
  expect(specOf(sweepReport())).toContain('"text":"knee"')
  expect(specOf(sloReport())).toContain('limits hold up to here')
  expect(specOf(sampleReport())).not.toContain('"text":"knee"')
})

test('charts of a sweep over rates leave out the users that it began with', () => {
  const rates = sample.map(
    (point, i): OperatingPoint => ({
      ...point,
      level: sample.length + i,
      load: { kind: 'poisson', ratePerS: i + 1 },
      label: `${i + 1} req/s Poisson`,
    }),
  )
  const report = searched(sweepPlan({ axis: 'rate' }), [...sample, ...rates])
  const chart = chartsOf(report).find(({ id }) => id === 'throughput')
  const spec = chart?.kind === 'drawn' ? JSON.stringify(chart.spec) : ''
  expect(spec).toContain('"load":4')
  expect(spec).not.toContain(`"load":${highest}`)
})

test('a spreadsheet has the result of each level, and marks one as the answer', async () => {
  const rows = (await csvFormat.render(sloReport()))
    .split('\r\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replaceAll(/"[^"]*"/g, 'quoted').split(','))
  const column = (name: string) => rows.slice(1).map((row) => row[rows[0]?.indexOf(name) ?? -1])
  expect(column('search_result')).toEqual([
    'held',
    'held',
    'held',
    'missed',
    'held',
    'missed',
    'held',
  ])
  expect(column('is_search_answer').filter((cell) => cell === 'true')).toHaveLength(1)
})

describe('what rests on a search', () => {
  const chosen = (points: readonly OperatingPoint[], search?: SearchSummary) => {
    const { run } = sampleReport()
    return choosePoint(subjectOfRun(run, { points, verdict: 'VALID', search }))
  }

  test('is priced at the load found, and at none where none was', () => {
    const { summary } = sloReport()
    const { point } = chosen(summary.points, summary.search)
    // The third of the four levels, though the fourth has more throughput.
    expect(point?.label).toBe(sample[2]?.label)
    const nothing = summarizeSearch(
      { ...limits, limits: [{ ...limits.limits[0], limitMs: 1e-3 } as never] },
      sample,
    )
    expect(nothing).toMatchObject({ outcome: { kind: 'not-bracketed' } })
    expect(chosen(sample, nothing).point).toBeUndefined()
  })

  test('a level that held below a search that did not end is a bound, and said to be one', () => {
    const cut = summarizeSearch(limits, sample.slice(0, 2))
    const { point, reason } = chosen(sample.slice(0, 2), cut)
    expect(point?.level).toBe(1)
    expect(reason).toContain('more may be possible')
  })

  test('the verdict is of the looks at the load found, not of what lies beyond it', () => {
    const { summary } = sloReport()
    expect(countedPoints(summary.points, summary.search).map(({ level }) => level)).toEqual([
      2, 4, 6,
    ])
    expect(countedPoints(summary.points, undefined)).toBe(summary.points)
  })

  test('a sweep never prices a level at which the server gave way', () => {
    const search = summarizeSearch(sweepPlan({ levels: { chosen: 'by-user' } }), givingWay)
    expect(chosen(givingWay, search).point?.level).not.toBe(givingWay.at(-1)?.level)
    expect(chosen(sample).point?.level).toBe(sample.at(-1)?.level)
  })
})

test('who watches is told of each level what it came to', () => {
  const { summary } = sloReport()
  const { search, points } = summary
  if (!search) throw new Error('there is a search')
  expect(trialLine(search, points[2])).toMatch(/^ {2}held: TTFT p50 .* ms, goodput /)
  expect(trialLine(search, points[3])).toContain('missed (error-budget is bad, limit good)')
})

test('the page says in its own section what the search found', async () => {
  expect(await htmlFormat.render(sloReport())).toContain('<h2>What the search found</h2>')
})
