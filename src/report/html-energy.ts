import { notAvailable } from './format.ts'
import { bulletList, type HtmlCell, htmlSection, htmlTable } from './html-table.ts'
import { deviceTable, energyTable, scopeTable, sensorTable, watchLines } from './machine-facts.ts'
import { html, type Markup } from './markup.ts'
import type { Report } from './report.ts'
import type { TextTable } from './server-facts.ts'

/** Power, energy and throttling of the machine under load, with pictures; nothing where nothing was recorded. */
export function energySection(report: Report, pictures: Markup): Markup | undefined {
  const levels = energyTable(report)
  const scopes = scopeTable(report)
  const lines = watchLines(report)
  if (levels === undefined && scopes === undefined && lines.length === 0) return undefined
  return htmlSection(
    'Energy, and the machine under load',
    lines.length === 0 ? undefined : bulletList(lines),
    pictures,
    ...partOf('By load level', levels),
    ...partOf('Energy by scope', scopes),
    ...partOf('How it was measured', sensorTable(report)),
    ...partOf('Devices under load', deviceTable(report)),
  )
}

function partOf(title: string, table: TextTable | undefined): Markup[] {
  if (table === undefined) return []
  const isTall = table.rows.length > MOST_ROWS
  const columns = table.headings.map((heading, i) => ({
    heading,
    numeric: i > 0 && table.rows.every((cells) => isFigure(cells[i] ?? '')),
  }))
  const rows = table.rows.map((cells) => cells.map(cellOf))
  const inside = htmlTable(title, columns, rows)
  return [
    html`<h3>${title}</h3>
`,
    isTall ? html`<div class="tall">${inside}</div>` : inside,
    html`<p class="small">${table.note}</p>
`,
  ]
}

/** More would be a page of their own. */
const MOST_ROWS = 16

function isFigure(text: string): boolean {
  return text.startsWith(notAvailable) || /^[-\d>]/.test(text)
}

/** A reason and a sensor may be long, and break into lines where a figure does not. */
function cellOf(text: string): HtmlCell {
  if (text.startsWith(`${notAvailable} (`)) return html`<span class="why absent">${text}</span>`
  return text.length > LONG_TEXT ? html`<span class="why">${text}</span>` : text
}

const LONG_TEXT = 24
