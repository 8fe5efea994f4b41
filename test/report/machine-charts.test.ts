import { expect, test } from 'vitest'
import type { DeviceTimeline } from '../../src/measure/machine-figures.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'
import { chartsOf } from '../../src/report/charts.ts'
import { renderCharts } from '../../src/report/render-svg.ts'
import type { Report } from '../../src/report/report.ts'
import { sampleReport, throttledReport, toldReport } from './sample-report.ts'

test('a machine that was not watched has no picture', () => {
  expect(idsOf(toldReport())).not.toContain('machine-power')
  expect(idsOf(sampleReport())).toEqual(expect.arrayContaining(['machine-power', 'machine-heat']))
})

test('each GPU has a line, up to eight, and a name', async () => {
  const svg = await svgOf(throttledReport(), 'machine-power')
  for (let place = 0; place < 8; place += 1) expect(svg).toContain(`>GPU ${place}<`)
  expect(linesIn(svg)).toBe(8)
})

test('more than eight are a mean and a band, and the chart says so', async () => {
  const report = withTwins(throttledReport())
  const svg = await svgOf(report, 'machine-power')
  expect(linesIn(svg)).toBe(1)
  expect(svg).toContain('mark-area')
  expect(svg).toContain('Mean of 9 devices')
})

test('the band lies between the least and the most, and its line at their mean', () => {
  const { spec } = drawn(withTwins(throttledReport()), 'machine-power')
  // 455, 460, 448, 512, 451, 449, 462, 458 W and 455 W again: 4,150 W / 9.
  const row = rowsIn(spec, 'least').find(({ s }) => s === 40)
  expect(row).toMatchObject({ least: 448, most: 512 })
  expect(row?.value).toBeCloseTo(4150 / 9, 9)
})

test('a GPU that does not serve the model is not drawn', async () => {
  const report = throttledReport()
  const points = report.summary.points.map(
    (point): OperatingPoint => ({
      ...point,
      machine: point.machine && {
        ...point.machine,
        devices: point.machine.devices.map((each) => ({ ...each, serving: each.device !== 3 })),
      },
    }),
  )
  const svg = await svgOf({ ...report, summary: { ...report.summary, points } }, 'machine-power')
  expect(linesIn(svg)).toBe(7)
  expect(svg).not.toContain('>GPU 3<')
})

test('a limit that all share is a line, limits that differ are none', () => {
  expect(JSON.stringify(drawn(sampleReport(), 'machine-power').spec)).toContain('"limit":700')
  const report = throttledReport()
  const gpus = report.run.hardware.gpus.map((gpu, place) =>
    place === 2
      ? { ...gpu, powerLimitEnforcedW: { status: 'ok', value: 500, source: 'x' } as const }
      : gpu,
  )
  const hardware = { ...report.run.hardware, gpus }
  const other = { ...report, run: { ...report.run, hardware } }
  expect(JSON.stringify(drawn(other, 'machine-power').spec)).not.toContain('"limit"')
})

test('a limit far above the power is told and not drawn', () => {
  const report = changed(sampleReport(), (moment) => ({ ...moment, powerW: 90 }))
  const { notes, spec } = drawn(report, 'machine-power')
  expect(notes).toContain('The power limit of 700 W is far above the chart.')
  expect(JSON.stringify(spec)).not.toContain('"limit"')
})

test('a line breaks where nobody looked', () => {
  const report = sampleReport()
  const timelines = report.summary.machine?.timelines.map((timeline) => ({
    ...timeline,
    moments: timeline.moments.filter(({ atMs }) => atMs < 200_000 || atMs > 300_000),
  }))
  const { spec } = drawn(withTimelines(report, timelines), 'machine-power')
  // Looks at 190 s and 310 s, 12 usual steps apart: half way between nothing is known.
  expect(rowsIn(spec, 'value').filter(({ value }) => value === null)).toEqual([
    expect.objectContaining({ s: 250 }),
  ])
})

test('of several GPUs the hottest and the slowest are drawn, each on its own scale', async () => {
  const { spec } = drawn(throttledReport(), 'machine-heat')
  const text = JSON.stringify(spec)
  expect(text).toContain('"s":40,"value":89,"series":"Hottest, °C"')
  expect(text).toContain('"s":40,"value":1095,"series":"Lowest SM clock, MHz"')
  expect(spec).toMatchObject({ resolve: { scale: { y: 'independent' } } })
})

test('temperature alone has a picture too', async () => {
  const report = changed(sampleReport(), ({ atMs, temperatureC }) => ({ atMs, temperatureC }))
  expect(idsOf(report)).not.toContain('machine-power')
  const svg = await svgOf(report, 'machine-heat')
  expect(svg).not.toContain('SM clock')
  expect(svg).not.toMatch(/NaN|undefined|null|Infinity/)
})

function idsOf(report: Report): string[] {
  return chartsOf(report).map(({ id }) => id)
}

function drawn(report: Report, id: string) {
  const chart = chartsOf(report).find((each) => each.id === id)
  if (chart?.kind !== 'drawn') throw new Error(`no chart ${id}`)
  return chart
}

async function svgOf(report: Report, id: string): Promise<string> {
  const pictures = await renderCharts(report)
  return pictures.find(({ chart }) => chart.id === id)?.svg ?? ''
}

/** Lines of data: one path a series. */
function linesIn(svg: string): number {
  const marks = svg.match(/<g class="mark-line role-mark[\s\S]*?<\/g>/g) ?? []
  return (marks.join('').match(/<path/g) ?? []).length
}

function rowsIn(spec: unknown, column: string): Record<string, unknown>[] {
  const { layer } = spec as { layer: { data?: { values: Record<string, unknown>[] } }[] }
  const values = layer.map(({ data }) => data?.values ?? [])
  return (
    values.find(([row]) => row !== undefined && 's' in row && column in row && !('text' in row)) ??
    []
  )
}

function withTimelines(report: Report, timelines: readonly DeviceTimeline[] | undefined): Report {
  const { machine } = report.summary
  if (machine === undefined || timelines === undefined) throw new Error('the sample was watched')
  return { ...report, summary: { ...report.summary, machine: { ...machine, timelines } } }
}

type Moment = DeviceTimeline['moments'][number]

function changed(report: Report, change: (moment: Moment) => Moment): Report {
  const timelines = report.summary.machine?.timelines.map((timeline) => ({
    ...timeline,
    moments: timeline.moments.map(change),
  }))
  return withTimelines(report, timelines)
}

/** With a ninth GPU that does as the first. */
function withTwins(report: Report): Report {
  const { points, machine } = report.summary
  const [first] = machine?.timelines ?? []
  if (machine === undefined || first === undefined) throw new Error('the sample was watched')
  const more = points.map((point): OperatingPoint => {
    const [device] = point.machine?.devices ?? []
    if (point.machine === undefined || device === undefined) return point
    const { pciAddress: _, ...twin } = { ...device, id: 'twin', device: 99 }
    return { ...point, machine: { ...point.machine, devices: [...point.machine.devices, twin] } }
  })
  const timelines = [...machine.timelines, { ...first, id: 'twin' }]
  return withTimelines({ ...report, summary: { ...report.summary, points: more } }, timelines)
}
