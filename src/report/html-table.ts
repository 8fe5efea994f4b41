import type { Fact } from './facts.ts'
import { html, type Markup } from './markup.ts'

export interface HtmlColumn {
  readonly heading: string
  /** Set to the right, with figures of equal width. */
  readonly numeric?: boolean
}

export type HtmlCell = string | Markup

/** A table that scrolls inside itself, so that the page never does. The first column names the row. */
export function htmlTable(
  label: string,
  columns: readonly HtmlColumn[],
  rows: readonly (readonly HtmlCell[])[],
): Markup {
  const head = columns.map(
    (column) => html`<th scope="col"${numericClass(column)}>${column.heading}</th>`,
  )
  return scrollBox(
    label,
    html`<thead><tr>${head}</tr></thead>
<tbody>${rows.map((row) => htmlRow(columns, row))}</tbody>`,
  )
}

export function htmlRow(columns: readonly HtmlColumn[], row: readonly HtmlCell[]): Markup {
  const cells = row.map((cell, i) =>
    i === 0
      ? html`<th scope="row">${cell}</th>`
      : html`<td${numericClass(columns[i])}>${cell}</td>`,
  )
  return html`<tr>${cells}</tr>
`
}

/** Reachable by keyboard, because it may have to be scrolled. */
export function scrollBox(label: string, table: Markup): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table>
${table}</table></div>
`
}

/** Names and texts, for what is not a table of figures. */
export function factList(facts: readonly Fact[]): Markup {
  const items = facts.map(
    ([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>
`,
  )
  return html`<dl class="facts">
${items}</dl>
`
}

export function htmlSection(title: string, ...content: readonly (Markup | undefined)[]): Markup {
  const body = content.flatMap((piece) => piece ?? [])
  return html`<section>
<h2>${title}</h2>
${body}</section>
`
}

export function paragraph(text: string): Markup {
  return html`<p>${text}</p>
`
}

export function bulletList(items: readonly string[]): Markup {
  return html`<ul>
${items.map(
  (item) => html`<li>${item}</li>
`,
)}</ul>
`
}

function numericClass(column: HtmlColumn | undefined): Markup | undefined {
  return column?.numeric ? html` class="num"` : undefined
}
