import type { Imported } from '../measure/imports/imported.ts'
import { toSummary } from '../measure/imports/to-summary.ts'
import type { CostReport } from '../price/cost-report.ts'
import type { Scenario } from '../price/scenario.ts'
import type { Subject } from '../price/subject.ts'
import { costCharts } from './cost-charts.ts'
import { pricingBasisAt } from './facts.ts'
import { chartFigure } from './html.ts'
import { costSection } from './html-cost.ts'
import { listUnder } from './html-measured.ts'
import { htmlPage } from './html-page.ts'
import { bulletList, htmlSection, htmlTable, paragraph } from './html-table.ts'
import { importedTable, warningLines } from './imported.ts'
import { html, type Markup } from './markup.ts'
import { plainText } from './plain-text.ts'
import { drawCharts } from './render-svg.ts'

/** What a page about prices alone is made of. */
interface PricedPage {
  readonly subject: Subject
  readonly scenario: Scenario
  readonly cost: CostReport
  /** Of another tool's result: the subject's loads as its file tells them. */
  readonly imported?: Imported
  /** Of this program. */
  readonly version: string
}

/** What is priced and what that comes to, as one file like a run's report: for what has no records to make one of. */
export async function pricedHtml(page: PricedPage): Promise<string> {
  const { subject, scenario, cost, imported, version } = page
  const label = subject.points.find(({ level }) => level === cost.pricedLevel)?.label
  const origin = {
    stamp: subject.verdict,
    context: `${plainText(subject.what)}. Scenario ${plainText(scenario.name)}.`,
  }
  const pictures = await drawCharts(costCharts(cost, origin), origin.stamp)
  return htmlPage({
    title: `${plainText(scenario.name)}: ${plainText(subject.what)}`,
    stamp: subject.verdict,
    notices: [],
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

/** What has no records was not judged, and looks as doubtful as what was judged so. */
function verdictBox({ subject, cost, imported }: PricedPage): Markup {
  const reasons = imported === undefined ? [] : toSummary(imported).reasons
  const look = subject.verdict === 'NOT JUDGED' ? 'DEGRADED' : subject.verdict
  return html`<div class="verdict ${look}">
<h2>${subject.verdict}: ${subject.what}</h2>
${listUnder('Reasons', reasons)}${listUnder('Warnings', warningLines(cost))}</div>
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
