import type { CostLine, CostOption } from '../price/cost-report.ts'
import { breakEvenLine, pricingBasis, sentence } from './facts.ts'
import { formatPercent, formatStated, formatUsd, notAvailable } from './format.ts'
import { bulletList, htmlSection, htmlTable, paragraph } from './html-table.ts'
import { html, type Markup } from './markup.ts'
import { shorten } from './plain-text.ts'
import type { Report } from './report.ts'

/** What the tokens cost, why, and on what assumptions. `chart` is the picture of an hourly bill. */
export function costSection(report: Report, chart: Markup): Markup {
  const { cost } = report
  return htmlSection(
    'Cost',
    paragraph(pricingBasis(report)),
    cost.options.length === 0 ? paragraph('No option was priced.') : optionTable(report),
    html`<p class="small">The prices of a token put the whole bill on the tokens named: they are alternatives and never add up. The split shares one bill between input and output tokens.</p>
<h3>When owning pays</h3>
`,
    cost.breakEvens.length === 0
      ? paragraph('There is nothing to compare an owned option with.')
      : bulletList(cost.breakEvens.map(breakEvenLine)),
    chart,
    ...cost.options.filter(({ lines }) => lines.length > 0).map(billOf),
    assumptionTable(report),
  )
}

function optionTable({ cost }: Report): Markup {
  const numeric = true
  return htmlTable(
    'Options',
    [
      { heading: 'Option' },
      { heading: 'USD an hour', numeric },
      { heading: `USD per M output tokens, at ${formatPercent(cost.utilisation)}`, numeric },
      { heading: 'the same, at full use', numeric },
      { heading: 'USD per M of all tokens', numeric },
      { heading: 'Split: per M input', numeric },
      { heading: 'Split: per M output', numeric },
    ],
    cost.options.map((option) => [
      optionName(option),
      option.kind === 'api' ? 'by the token' : formatUsd(option.usdPerHour),
      html`<strong>${formatUsd(option.prices.usdPerMillionOutputTokens)}</strong>`,
      formatUsd(option.pricesAtFullUse.usdPerMillionOutputTokens),
      formatUsd(option.prices.usdPerMillionTotalTokens),
      ...splitPrices(option),
    ]),
  )
}

function optionName({ name, kind, missing }: CostOption): Markup {
  const why = missing.map(
    (text) => html`<br><span class="absent">${notAvailable}: ${sentence(text)}</span>`,
  )
  return html`${name} <span class="kind">${kind}</span>${why}`
}

/** An API has a price list of its own, so there is no bill to split. */
function splitPrices({ kind, prices: { split } }: CostOption): string[] {
  if (kind === 'api' && split === undefined) return ['price list', 'price list']
  return [formatUsd(split?.usdPerMillionInputTokens), formatUsd(split?.usdPerMillionOutputTokens)]
}

function billOf({ name, lines, usdPerHour }: CostOption): Markup {
  const columns = [
    { heading: 'Component' },
    { heading: 'USD an hour', numeric: true },
    { heading: 'Formula' },
  ]
  const rows = lines.map(({ label, usdPerHour, formula }: CostLine) => [
    label,
    formatUsd(usdPerHour),
    formula,
  ])
  const total = [
    html`<strong>Total</strong>`,
    html`<strong>${formatUsd(usdPerHour)}</strong>`,
    usdPerHour === undefined ? 'a line is unknown, and therefore the total' : 'sum of the lines',
  ]
  return html`<h3>An hour of ${name}</h3>
${htmlTable(`Bill of ${shorten(name, 60)}`, columns, [...rows, total])}`
}

function assumptionTable({ cost }: Report): Markup {
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
  cost.assumptions.map(({ name, value, unit, kind, source, date, note }) => [
    name,
    formatStated(value),
    unit,
    kind === 'placeholder' ? html`<span class="status fail">PLACEHOLDER</span>` : kind,
    source,
    html`<span class="nowrap">${date ?? 'not given'}</span>`,
    note ?? '',
  ]),
)}`
}
