import { expect, test } from 'vitest'
import { csvFormat } from '../../src/report/csv.ts'
import { htmlFormat } from '../../src/report/html.ts'
import { markdownFormat } from '../../src/report/markdown.ts'
import { textFormat } from '../../src/report/text.ts'
import { hostileReport } from './sample-report.ts'

const script = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

test('a script in a name stays text in HTML, in its charts and in its head', async () => {
  const page = await htmlFormat.render(hostileReport(script))
  expect(page).not.toMatch(/<script|<img/i)
  expect(page).toContain('&lt;script&gt;')
})

test('nothing from outside ends the comment, the style sheet or an attribute', async () => {
  const page = await htmlFormat.render(hostileReport(`--></style>'"><b>${'x'.repeat(400)}`))
  expect(page).not.toMatch(/<b>/)
  expect(page.match(/<\/style>/g)).toHaveLength(1)
})

test('a script or a pipe in a name stays text in Markdown', async () => {
  const text = await markdownFormat.render(hostileReport(`a|b ${script} @everyone https://x.y`))
  expect(text).not.toMatch(/<script|<img/i)
  expect(text).not.toMatch(/[^\\]\|b/)
  expect(text).not.toMatch(/@everyone|https:\/\//)
  const rows = text.split('\n').filter((line) => line.startsWith('| '))
  for (const [first, ...others] of tablesOf(rows)) {
    for (const row of others) expect(cellsOf(row)).toBe(cellsOf(first ?? ''))
  }
})

test.each(['=cmd()', '+1', '-1', '@SUM(A1)'])(
  'a spreadsheet does not run %s as a formula',
  async (formula) => {
    const text = await csvFormat.render(hostileReport(formula))
    for (const line of text.split('\r\n').slice(0, -1)) {
      for (const cell of line.split(/[,;]/)) expect(cell.trim()).not.toMatch(/^"?[=+@]|^"?-[^0-9.]/)
    }
    expect(text).toContain(`'${formula}`)
  },
)

test('a spreadsheet that splits a comment into cells finds no formula there', async () => {
  const text = await csvFormat.render(hostileReport('one, =cmd(); @SUM(A1),+1'))
  const comments = text.split('\r\n').filter((line) => line.startsWith('#'))
  expect(comments.join()).toContain("one, '=cmd(); '@SUM(A1),'+1")
})

test('quotes and commas in a CSV field are quoted as RFC 4180 asks', async () => {
  const text = await csvFormat.render(hostileReport('a "b", c\r\nd'))
  expect(text).toContain('"a ""b"", c d"')
  const lines = text.split('\r\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(lines).toHaveLength(2)
  expect(text).not.toMatch(/[^\r]\n/)
})

test('a CSV row has a cell for every column', async () => {
  const text = await csvFormat.render(hostileReport('plain'))
  const [header = '', row = ''] = text.split('\r\n').filter((line) => !line.startsWith('#'))
  const columns = header.split(',')
  // Quoted fields hold commas of their own.
  expect(row.replace(/"(?:[^"]|"")*"/g, '').split(',')).toHaveLength(columns.length)
  expect(new Set(columns).size).toBe(columns.length)
})

test('a terminal is sent no escape sequence and no line of its own', async () => {
  const text = await textFormat.render(
    hostileReport('a\u001b[31mred\u001b[0m\r\nVALID\u202eb\u0007'),
  )
  expect(text).not.toMatch(/(?!\n)\p{Cc}|\p{Cf}/u)
  expect(text).not.toMatch(/^VALID/m)
})

test('text for a terminal keeps to 100 columns, whatever it is given', async () => {
  for (const text of ['w'.repeat(500), 'short', 'many words '.repeat(60)]) {
    const lines = (await textFormat.render(hostileReport(text))).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
  }
})

function tablesOf(rows: readonly string[]): string[][] {
  const tables: string[][] = []
  rows.forEach((row, i) => {
    if (rows[i + 1]?.startsWith('| ---')) tables.push([])
    tables.at(-1)?.push(row)
  })
  return tables
}

function cellsOf(row: string): number {
  return row.replaceAll('\\|', '').split('|').length
}
