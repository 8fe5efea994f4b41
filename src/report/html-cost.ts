import type { CostOption, CostReport, DecisionCriterion } from '../price/cost-report.ts'
import {
  allocationRefusals,
  allocationTable,
  assumptions,
  billLines,
  breakEvenTable,
  decisionRows,
  figureTable,
  fleetText,
  investmentTable,
  type OptionRow,
  optionRows,
  requirementLines,
} from './cost-facts.ts'
import { sentence } from './facts.ts'
import { formatNumber, formatStated, formatUsd, notAvailable } from './format.ts'
import { bulletList, htmlSection, htmlTable, paragraph } from './html-table.ts'
import { html, type Markup } from './markup.ts'
import { shorten } from './plain-text.ts'

/**
 * What the tokens cost, why, and on what assumptions.
 *
 * @param basis what load is priced and for which demand
 * @param chart the pictures
 */
export function costSection(cost: CostReport, basis: string, chart: Markup): Markup {
  return htmlSection(
    'Cost',
    paragraph(basis),
    cost.options.length === 0 ? paragraph('No option was priced.') : optionTable(cost),
    html`<p class="small">The prices of a token put the whole bill on the tokens named: they are alternatives and never add up.</p>
`,
    cost.breakEvens.length === 0 ? undefined : breakEvens(cost),
    cost.comparisons.length === 0 ? undefined : investments(cost),
    html`<div class="charts">
${chart}</div>
`,
    decisionTable(cost),
    moreTables(cost),
    ...cost.options.filter(({ lines }) => lines.length > 0).map((option) => billOf(cost, option)),
    assumptionTable(cost),
  )
}

function optionTable(cost: CostReport): Markup {
  const numeric = true
  return htmlTable(
    'Options',
    [
      { heading: 'Option' },
      { heading: 'USD per M output tokens', numeric },
      { heading: 'the same, at full use', numeric },
      { heading: 'USD per M of all tokens', numeric },
      { heading: 'USD a year', numeric },
      { heading: 'Machines', numeric },
      { heading: 'Mean kW', numeric },
    ],
    optionRows(cost).map((row) => [
      optionName(row),
      html`<strong>${formatUsd(row.usdPerMillionOutputTokens)}</strong>`,
      hasMachinesOfItsOwn(row.option) ? formatUsd(row.fullUseUsdPerMillionOutputTokens) : '',
      formatUsd(row.usdPerMillionTotalTokens),
      formatUsd(row.usdPerYear),
      fleetText(row),
      row.meanPowerKw === undefined ? '' : formatNumber(row.meanPowerKw),
    ]),
  )
}

function breakEvens(cost: CostReport): Markup {
  const { headings, rows } = breakEvenTable(cost)
  const columns = headings.map((heading, i) => ({ heading, numeric: i > 0 }))
  return html`<h3>When one option beats another</h3>
${htmlTable('Break-evens', columns, rows)}
<p class="small">Volumes are output tokens a day, in whole servers; never and always hold for the volumes of the chart.</p>
`
}

function investments(cost: CostReport): Markup {
  const { headings, rows } = investmentTable(cost)
  const columns = headings.map((heading, i) => ({ heading, numeric: i > 0 }))
  return html`<h3>What an investment is worth</h3>
${htmlTable('Investments', columns, rows)}
`
}

/** Tables that few read and an auditor asks for. */
function moreTables(cost: CostReport): Markup {
  const figures = figureTable(cost)
  const allocation = allocationTable(cost)
  const numeric = (headings: readonly string[]) =>
    headings.map((heading, i) => ({ heading, numeric: i > 0 }))
  return html`${
    figures.rows.length === 0
      ? undefined
      : html`<h3>Option by option</h3>
${htmlTable('Figures of the options', numeric(figures.headings), figures.rows)}`
  }${
    allocation.rows.length === 0
      ? undefined
      : html`<h3>One bill, shared between kinds of tokens</h3>
${htmlTable('Allocation', numeric(allocation.headings), allocation.rows)}
<p class="small">Each way adds up to the bill; how far they are apart is how far such a share can be trusted. ${allocationRefusals(cost).join(' ')}</p>
`
  }`
}

const criterionWords: Readonly<Record<DecisionCriterion, string>> = {
  cost: 'Cost',
  performance: 'Performance',
  security: 'Security',
  control: 'Control',
}

/** Nothing is ranked here that nobody asked to be ranked. */
function decisionTable(cost: CostReport): Markup | undefined {
  const rows = decisionRows(cost)
  if (rows.length === 0) return undefined
  const names = cost.decision.options.map(({ option }) => option)
  const requirements = requirementLines(cost)
  return html`<h3>The decision, side by side</h3>
${htmlTable(
  'Decision',
  [{ heading: 'Fact' }, ...names.map((heading) => ({ heading }))],
  rows.map(({ criterion, label, cells }) => [
    html`<span class="kind">${criterionWords[criterion]}</span> ${label}`,
    ...cells,
  ]),
)}${
  requirements.length === 0
    ? undefined
    : html`<h3>What requirements cost</h3>
${bulletList(requirements)}`
}`
}

function hasMachinesOfItsOwn({ kind }: CostOption): boolean {
  return kind !== 'api' && kind !== 'hybrid'
}

function optionName({ option: { id, name, kind, missing, excluded } }: OptionRow): Markup {
  const why = missing.map(
    (text) => html`<br><span class="absent">${notAvailable}: ${sentence(text)}</span>`,
  )
  const out = excluded.map(
    ({ requirement, why: reason }) =>
      html`<br><span class="status fail">EXCLUDED</span> <span class="absent">${requirement}: ${sentence(reason)}</span>`,
  )
  return html`<strong>${id}</strong>: ${name} <span class="kind">${kind}</span>${why}${out}`
}

function billOf(cost: CostReport, option: CostOption): Markup {
  const columns = [
    { heading: 'Line' },
    { heading: 'USD a year', numeric: true },
    { heading: 'Formula' },
  ]
  const rows = billLines(cost, option).map(({ label, value, formula }) => [
    label,
    formatUsd(value),
    formula ?? '',
  ])
  const usdPerYear = optionRows(cost).find((row) => row.option.id === option.id)?.usdPerYear
  const total = [
    html`<strong>Total</strong>`,
    html`<strong>${formatUsd(usdPerYear)}</strong>`,
    usdPerYear === undefined ? 'a line is unknown, and therefore the total' : 'sum of the lines',
  ]
  return html`<h3>A year of ${option.name}</h3>
${htmlTable(`Bill of ${shorten(option.name, 60)}`, columns, [...rows, total])}`
}

function assumptionTable(cost: CostReport): Markup {
  return html`<h3>Assumptions</h3>
${htmlTable(
  'Assumptions',
  [
    { heading: 'Input' },
    { heading: 'Value', numeric: true },
    { heading: 'Unit' },
    { heading: 'Kind' },
    { heading: 'Source' },
    { heading: 'Date' },
    { heading: 'Note' },
  ],
  assumptions(cost).map(({ path, label, value, unit, origin, source, date, note }) => [
    html`${label}<br><span class="absent">${path}</span>`,
    formatStated(value),
    unit,
    origin === 'placeholder' ? html`<span class="status fail">PLACEHOLDER</span>` : (origin ?? ''),
    source ?? '',
    html`<span class="nowrap">${date ?? 'not given'}</span>`,
    note ?? '',
  ]),
)}`
}
