import type { Maybe } from '../arithmetic.ts'
import type { OperatingPoint } from '../measure/summary.ts'
import { fleetText, optionRows, ownOption } from './cost-facts.ts'
import { identityFacts, pricedPoint, pricingBasis, sentence, systemLine } from './facts.ts'
import {
  formatDate,
  formatInterval,
  formatMs,
  formatNumber,
  formatPercentile,
  formatUsd,
  notAvailable,
  shownValue,
} from './format.ts'
import { frontMatter, stampOf } from './front-matter.ts'
import { costSection } from './html-cost.ts'
import { energySection } from './html-energy.ts'
import { configurationSection, hardwareSection, methodSection } from './html-machine.ts'
import {
  clientSection,
  errorSection,
  gateSection,
  levelSection,
  listUnder,
  percentileSection,
  rooflineSection,
  searchSection,
  serverSection,
  steadySection,
  tokenSection,
} from './html-measured.ts'
import { htmlPage } from './html-page.ts'
import { factList, htmlSection, paragraph } from './html-table.ts'
import { html, type Markup, trustedMarkup } from './markup.ts'
import { type ChartPicture, renderCharts } from './render-svg.ts'
import type { Report, ReportFormat } from './report.ts'

/** One file to read, print or attach: no script, no font, no request to anywhere. */
export const htmlFormat: ReportFormat = {
  name: 'html',
  fileName: 'report.html',
  render: renderHtml,
}

async function renderHtml(report: Report): Promise<string> {
  const pictures = await renderCharts(report)
  const [bill, server, machine, others] = places.map((place) =>
    pictures.filter(({ chart }) => placeOf(chart.id) === place).map(chartFigure),
  )
  const sections = [
    levelSection(report),
    searchSection(report),
    steadySection(report),
    rooflineSection(report),
    htmlSection(
      'Charts',
      html`<div class="charts">
${others}</div>
`,
    ),
    percentileSection(report),
    gateSection(report),
    errorSection(report),
    serverSection(report, html`<div class="charts">${server}</div>`),
    energySection(report, html`<div class="charts">${machine}</div>`),
    tokenSection(report),
    clientSection(report),
    costSection(report.cost, pricingBasis(report), html`${bill}`),
    hardwareSection(report),
    configurationSection(report),
    methodSection(report),
  ]
  return pageOf(
    report,
    sections.flatMap((section) => section ?? []),
  ).markup
}

/** Sections that show charts, and how the ids of these begin; those of no other stand by themselves. */
const places = ['cost', 'server', 'machine', 'load'] as const

function placeOf(id: string): (typeof places)[number] {
  return places.find((place) => id === place || id.startsWith(`${place}-`)) ?? 'load'
}

function pageOf(report: Report, sections: readonly Markup[]): Markup {
  const { run } = report
  return htmlPage({
    title: systemLine(run),
    stamp: stampOf(report),
    notices: frontMatter(report).notices,
    content: html`${verdictBox(report)}${headerOf(report)}${headlines(report)}${sections}<footer>${run.tool.name} ${run.tool.version}, ${formatDate(run.epoch)}, run ${run.runId}</footer>
`,
  })
}

function verdictBox(report: Report): Markup {
  const { verdict, verdictLine, fitnessLine, instrumentLine, reasons, warnings } =
    frontMatter(report)
  return html`<div class="verdict ${verdict}">
<h2>${verdictLine}</h2>
${listUnder('Reasons', reasons)}${paragraph(fitnessLine)}${paragraph(instrumentLine)}${listUnder('Warnings', warnings)}</div>
`
}

function headerOf(report: Report): Markup {
  const { run } = report
  return html`<header>
<p class="eyebrow">Inference benchmark report: ${run.config.benchmark.name}</p>
<h1>${systemLine(run)}</h1>
${factList(identityFacts(report))}</header>
`
}

interface Headline {
  readonly label: string
  readonly value: string
  readonly detail: string
}

function headlines(report: Report): Markup {
  const stamp = stampOf(report)
  const tiles = headlinesOf(report).map(
    ({
      label,
      value,
      detail,
    }) => html`<div class="kpi"><div class="label">${label}</div><div class="value">${value}</div><div class="detail">${detail}</div></div>
`,
  )
  return html`${
    stamp === ''
      ? undefined
      : html`<p class="stamp">${stamp}</p>
`
  }<div class="kpis ${report.summary.verdict}-figures">
${tiles}</div>
`
}

function headlinesOf(report: Report): Headline[] {
  const { cost, summary } = report
  const fastest = fastestPoint(summary.points)
  const priced = pricedPoint(report)
  const option = ownOption(cost) ?? cost.options[0]
  const row = optionRows(cost).find((each) => each.option.id === option?.id)
  const name = option?.name ?? 'no option was priced'
  const p95 = priced?.ttftMs.p95
  return [
    {
      label: 'Highest output throughput',
      value: withUnit(fastest?.outputTokensPerS, 'tok/s'),
      detail: fastest ? `at ${fastest.label}` : 'not measured at any load',
    },
    {
      label: 'Priced at',
      value: priced?.label ?? notAvailable,
      detail: sentence(cost.pricedLevelReason),
    },
    {
      label: 'Per million output tokens, at demand',
      value: formatUsd(row?.usdPerMillionOutputTokens),
      detail: row === undefined ? name : `${name}; ${fleetText(row)}`,
    },
    {
      label: 'Per million output tokens at full use',
      value: formatUsd(row?.fullUseUsdPerMillionOutputTokens),
      detail: name,
    },
    {
      label: 'TTFT p95 at the priced level',
      value: formatMs(p95 && shownValue(p95)),
      detail: p95 ? intervalText(p95) : 'no level is priced',
    },
  ]
}

function intervalText(percentile: OperatingPoint['ttftMs']['p95']): string {
  return shownValue(percentile) === undefined
    ? formatPercentile(percentile)
    : `95 % interval ${formatInterval(percentile, formatMs)}`
}

function fastestPoint(points: readonly OperatingPoint[]): OperatingPoint | undefined {
  const measured = points.filter(({ outputTokensPerS }) => outputTokensPerS !== undefined)
  const best = Math.max(...measured.map(({ outputTokensPerS = 0 }) => outputTokensPerS))
  return measured.find(({ outputTokensPerS }) => outputTokensPerS === best)
}

function withUnit(value: Maybe, unit: string): string {
  return value === undefined ? notAvailable : `${formatNumber(value)} ${unit}`
}

/** A picture with what is to be said of it, or why there is none. */
export function chartFigure({ chart, svg }: ChartPicture): Markup {
  if (chart.kind === 'left-out' || svg === undefined) {
    const why = chart.kind === 'left-out' ? chart.why : ''
    return html`<p class="small">Chart left out: ${chart.description} ${why}</p>
`
  }
  const notes =
    chart.notes.length === 0 ? undefined : html`<figcaption>${chart.notes.join(' ')}</figcaption>`
  return html`<figure>${trustedMarkup(svg)}
${notes}</figure>
`
}
