import type { Imported } from '../measure/imports/imported.ts'
import type { CostReport } from '../price/cost-report.ts'
import type { Scenario } from '../price/scenario.ts'
import type { Subject } from '../price/subject.ts'
import { unrealNotices } from './compare-document.ts'
import { costCharts } from './cost-charts.ts'
import { pricingBasisAt } from './facts.ts'
import { partNotices } from './front-matter.ts'
import { groupStamp } from './group-html.ts'
import { chartFigure } from './html.ts'
import { costSection } from './html-cost.ts'
import { listUnder } from './html-measured.ts'
import { htmlPage } from './html-page.ts'
import { bulletList, htmlSection, htmlTable, paragraph } from './html-table.ts'
import { importedTable } from './imported.ts'
import { html, type Markup } from './markup.ts'
import { plainText } from './plain-text.ts'
import type { PricedGroup } from './priced-group.ts'
import { drawCharts } from './render-svg.ts'

/** What a page about prices alone is made of. */
interface PricedPage {
  readonly subject: Subject
  readonly scenario: Scenario
  readonly cost: CostReport
  /** What must be read before any figure: its verdict, the reasons, and warnings after them. */
  readonly notices: readonly string[]
  /** Of a group of runs. */
  readonly group?: PricedGroup
  /** Of another tool's result: the subject's loads as its file tells them. */
  readonly imported?: Imported
  /** Of this program. */
  readonly version: string
}

/** What is priced and what that comes to, as one file like a run's report: for whatever is no single run. */
export async function pricedHtml(page: PricedPage): Promise<string> {
  const { subject, scenario, cost, group, imported, version } = page
  // Words that a picture keeps where it is cut out of the page.
  const stamp = group === undefined ? subject.verdict : groupStamp(group.report).join(', ')
  const label = subject.points.find(({ level }) => level === cost.pricedLevel)?.label
  const origin = {
    stamp,
    context: `${plainText(subject.what)}. Scenario ${plainText(scenario.name)}.`,
  }
  const pictures = await drawCharts(costCharts(cost, origin), stamp)
  return htmlPage({
    title: `${plainText(scenario.name)}: ${plainText(subject.what)}`,
    stamp,
    notices: unrealOf(page),
    content: html`${verdictBox(page)}<header>
<p class="eyebrow">What it costs: scenario ${scenario.name}</p>
<h1>${subject.what}</h1>
${scenario.description === undefined ? undefined : paragraph(scenario.description)}</header>
${imported && measuredSection(imported)}${costSection(cost, pricingBasisAt(cost, label), html`${pictures.map(chartFigure)}`)}<footer>baremark ${version}${
      subject.date === undefined ? '' : `, prices as of ${subject.date}`
    }</footer>
`,
  }).markup
}

/** Of a group whose runs were of no real model. */
function unrealOf({ group }: PricedPage): string[] {
  return unrealNotices(group?.report.summary.runs.flatMap(({ facts }) => facts ?? []) ?? [])
}

/** What was not judged, or is not whole, looks as doubtful as what was judged so. */
function verdictBox(page: PricedPage): Markup {
  const { verdict, what } = page.subject
  const banners = unrealOf(page)
  const { others, warnings } = partNotices(page.notices)
  const [headline = `${verdict}: ${what}`, ...reasons] = others
    .filter((line) => !banners.includes(line))
    .map((line) => line.replace(/^Reason: /, ''))
    .sort((a, b) => Number(b.startsWith(verdict)) - Number(a.startsWith(verdict)))
  const look = verdict === 'NOT JUDGED' || verdict === 'PARTIAL' ? 'DEGRADED' : verdict
  return html`<div class="verdict ${look}">
<h2>${headline}</h2>
${listUnder('Reasons', reasons)}${listUnder('Warnings', warnings)}</div>
`
}

function measuredSection(imported: Imported): Markup {
  const {
    headings,
    rows,
    notes: [first = '', ...others],
  } = importedTable(imported)
  return htmlSection(
    'What the file tells',
    htmlTable(
      'Loads',
      headings.map((heading, i) => ({ heading, numeric: i > 0 })),
      rows,
    ),
    html`<p class="small">${first}</p>
`,
    others.length === 0 ? undefined : bulletList(others),
  )
}
