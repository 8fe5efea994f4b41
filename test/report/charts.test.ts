import { expect, test, vi } from 'vitest'
import { frontierOf } from '../../src/measure/frontier.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'
import { chartsOf } from '../../src/report/charts.ts'
import { billLines, ownOption } from '../../src/report/cost-facts.ts'
import { textWidth } from '../../src/report/font-widths.ts'
import { reportFormats } from '../../src/report/index.ts'
import { renderCharts } from '../../src/report/render-svg.ts'
import type { Report } from '../../src/report/report.ts'
import {
  emptyReport,
  openLoopReport,
  sampleReport,
  simulatedReport,
  toldReport,
  unknownPriceReport,
  variants,
} from './sample-report.ts'

test.each(Object.keys(variants))('charts of "%s" hold no number that is none', async (variant) => {
  for (const { svg } of await renderCharts((variants[variant] ?? sampleReport)())) {
    if (svg !== undefined) expect(svg).not.toMatch(/NaN|undefined|null|Infinity/)
  }
})

test('the same report gives the same bytes, and nothing is logged', async () => {
  const logged = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'log'), vi.spyOn(console, 'error')]
  const once = await renderCharts(sampleReport())
  const again = await renderCharts(sampleReport())
  expect(again.map(({ svg }) => svg)).toEqual(once.map(({ svg }) => svg))
  for (const spy of logged) expect(spy).not.toHaveBeenCalled()
})

test('a withheld percentile is not drawn, and the chart says so', () => {
  const chart = chartOf(sampleReport(), 'ttft')
  if (chart.kind !== 'drawn') throw new Error('expected a chart')
  const withheld = valuesIn(chart.spec).find(({ load, series }) => load === 1 && series === 'p95')
  expect(withheld).toMatchObject({ value: null, low: null, high: null })
  expect(chart.notes).toEqual(['p95 at 1 user not drawn: needs 130, has 77.'])
})

test('a percentile that is withheld and yet holds a value is shown nowhere', async () => {
  const report = sampleReport()
  const p95 = { p: 95, n: 97, value: 987_654.25, low: 987_600, high: 987_700, withheldUntilN: 130 }
  const points = report.summary.points.map((point) => ({
    ...point,
    ttftMs: { ...point.ttftMs, p95 },
  }))
  const doubtful = { ...report, summary: { ...report.summary, points } }
  for (const { name, render } of reportFormats) {
    if (name !== 'json') expect(await render(doubtful), name).not.toMatch(/987,?[67]|988 s/)
  }
  const chart = chartOf(doubtful, 'ttft')
  if (chart.kind !== 'drawn') throw new Error('expected a chart')
  expect(JSON.stringify(valuesIn(chart.spec))).not.toMatch(/987[67]/)
})

test('one drawn point for each known percentile, and no line across a withheld one', async () => {
  const report = sampleReport()
  const points = report.summary.points.map(
    (point): OperatingPoint =>
      point.level === 2
        ? { ...point, ttftMs: { ...point.ttftMs, p95: { p: 95, n: 9, withheldUntilN: 130 } } }
        : point,
  )
  const svg = await svgOf({ ...report, summary: { ...report.summary, points } }, 'ttft')
  // p50 at four levels, p95 at 2 and 8 users.
  const marks = svg.split('role-legend')[0]?.match(/<g class="mark-symbol role-mark.*?<\/g>/g) ?? []
  expect(marks.join('').match(/<path/g)).toHaveLength(6)
  const lines = svg.match(/<g class="mark-line role-mark.*?<\/g>/g)?.join('') ?? ''
  const p95 = lines.match(/ d="([^"]*)"/g)?.at(-1) ?? ''
  expect(p95).not.toMatch(/L/)
})

test('lines are straight between what was measured, but for fronts, whose curve never overshoots', () => {
  for (const chart of chartsOf(sampleReport())) {
    if (chart.kind !== 'drawn') continue
    const spec = JSON.stringify(chart.spec)
    expect(spec).not.toMatch(/basis|cardinal|natural|step/)
    expect(/monotone/.test(spec)).toBe(chart.id.startsWith('frontier'))
  }
})

test('the chart of a front says which levels lie on it', () => {
  const { run, summary, cost } = sampleReport()
  // The second level as slow for its user as the third is, and slower in all.
  const points = summary.points.map((point) =>
    point.level === 1 ? { ...point, tokensPerSPerUser: 150 } : point,
  )
  const beaten = { ...summary, points, frontier: frontierOf(points) }
  const notesOf = (report: Report) =>
    chartsOf(report).flatMap((chart) =>
      chart.id === 'frontier' && chart.kind === 'drawn' ? chart.notes : [],
    )
  expect(notesOf({ schemaVersion: 1, run, summary: beaten, cost })[0]).toBe(
    'Not on the curve, as another level equals or beats it on both: 2 users. Between levels the curve is interpolated.',
  )
  expect(notesOf(sampleReport())[0]).toBe(
    'All levels drawn lie on the curve. Between levels the curve is interpolated.',
  )
})

test('a chart without a drawable point is left out, with the reason', () => {
  const charts = chartsOf(emptyReport())
  const leftOut = charts.filter(({ kind }) => kind === 'left-out')
  expect(leftOut.map(({ id }) => id)).toEqual([
    'throughput',
    'ttft',
    'tpot',
    'frontier',
    'cost-options',
    'cost-bills',
    'cost-volume',
    'cost-utilisation',
    'cost-tornado',
    'cost',
  ])
  for (const chart of leftOut) expect(chart).toHaveProperty('why', expect.stringMatching(/\.$/))
})

async function drawn(report: Report) {
  const pictures = await renderCharts(report)
  return pictures.filter(({ chart }) => chart.kind === 'drawn')
}

test('every chart carries the stamp of its report, in the picture and in its name', async () => {
  for (const { svg } of await drawn(simulatedReport())) {
    expect(svg).toMatch(/>SIMULATED, DEGRADED</)
    expect(svg).toMatch(/<title>SIMULATED, DEGRADED\./)
  }
})

test('every picture has a role and a name', async () => {
  for (const { svg } of await drawn(sampleReport())) {
    expect(svg).toMatch(/^<svg[^>]* role="img" aria-label="[^"]+"><title>[^<]+<\/title>/)
  }
})

test('a limit near the measurements is drawn, one far above is told', async () => {
  const report = openLoopReport()
  expect(await svgOf(report, 'ttft')).toContain('>limit 120 ms<')
  const tpot = chartOf(report, 'tpot')
  expect(tpot).toHaveProperty('notes', ['The limit of 25 ms is far above the chart.'])
})

test('an unknown line of the bill is n/a in the chart, and so is the total', async () => {
  const svg = await svgOf(unknownPriceReport(), 'cost')
  expect(svg).toContain('>n/a<')
  expect(svg).toContain('Cost of a year: n/a')
  expect(chartOf(unknownPriceReport(), 'cost')).toHaveProperty('notes', [
    'Servers: unknown, and therefore the total.',
    'Support and maintenance: unknown, and therefore the total.',
  ])
})

test('the chart of the bill keeps the order of the bill', () => {
  const report = sampleReport()
  const chart = chartOf(report, 'cost')
  if (chart.kind !== 'drawn') throw new Error('expected a chart')
  const own = ownOption(report.cost)
  const labels = own && billLines(report.cost, own).map(({ label }) => label)
  expect(valuesIn(chart.spec).map(({ label }) => label)).toEqual(labels)
})

test('many levels are on a logarithmic axis, and the axis says so', () => {
  const report = sampleReport()
  const concurrencies = [1, 16, 64, 256]
  const points = report.summary.points.map(
    (point, i): OperatingPoint => ({
      ...point,
      load: { kind: 'closed', concurrency: concurrencies[i] ?? 1 },
    }),
  )
  const wide = chartOf({ ...report, summary: { ...report.summary, points } }, 'throughput')
  expect(JSON.stringify(wide)).toContain('Concurrent users (log scale)')
  expect(JSON.stringify(chartOf(report, 'throughput'))).not.toContain('log scale')
})

test('the width of text is that of Helvetica', () => {
  // H 722 + e 556 + l 222 + l 222 + o 556 = 2278 thousandths of an em; in bold 722+556+278+278+611.
  expect(textWidth('Hello', 10)).toBeCloseTo(22.78, 9)
  expect(textWidth('Hello', 10, true)).toBeCloseTo(24.45, 9)
  expect(textWidth('é', 10)).toBe(textWidth('e', 10))
})

test('the server’s load is drawn over time, with the measured windows under it', async () => {
  const chart = chartOf(toldReport(), 'server-requests')
  if (chart.kind !== 'drawn') throw new Error('expected a chart')
  // 10 s of warm-up, then 120 s, twice.
  expect(valuesIn(chart.spec)).toEqual([
    { start: 10, end: 130, text: '1 user' },
    { start: 140, end: 260, text: '2 users' },
  ])
  const svg = await svgOf(toldReport(), 'server-requests')
  expect(svg.match(/>[12] users?</g)).toEqual(['>1 user<', '>2 users<'])
  expect(svg).toContain('>waiting<')
  expect(await svgOf(toldReport(), 'server-kv-cache')).toContain('>100%<')
})

test('a server that told nothing, or not all, has no picture of it', () => {
  expect(chartsOf(sampleReport()).map(({ id }) => id)).not.toContain('server-requests')
  const { summary, ...rest } = toldReport()
  const serverTimeline = summary.serverTimeline?.map(({ atMs, running }) => ({ atMs, running }))
  const ids = chartsOf({ ...rest, summary: { ...summary, serverTimeline } }).map(({ id }) => id)
  expect(ids).toContain('server-requests')
  expect(ids).not.toContain('server-kv-cache')
})

function chartOf(report: Report, id: string) {
  const chart = chartsOf(report).find((each) => each.id === id)
  if (!chart) throw new Error(`no chart ${id}`)
  return chart
}

async function svgOf(report: Report, id: string): Promise<string> {
  const pictures = await renderCharts(report)
  return pictures.find(({ chart }) => chart.id === id)?.svg ?? ''
}

function valuesIn(spec: unknown): Record<string, unknown>[] {
  const { layer } = spec as { layer: { data: { values: Record<string, unknown>[] } }[] }
  return layer[0]?.data.values ?? []
}
