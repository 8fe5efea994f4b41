import type { CompareBlock } from './compare-document.ts'
import { unrealNotices } from './compare-document.ts'
import { formatDate } from './format.ts'
import { groupDocument } from './group-document.ts'
import type { GroupReport } from './group-report.ts'
import { htmlPage } from './html-page.ts'
import { bulletList, factList, htmlSection, htmlTable } from './html-table.ts'
import { html, type Markup } from './markup.ts'

/** One file to read, print or attach. */
export function groupHtml(report: GroupReport): string {
  const { group, subject, summary } = report
  const unreal = unrealNotices(summary.runs.flatMap((run) => run.facts ?? []))
  // The first block is what the head of the page says.
  const {
    notices,
    blocks: [head, ...blocks],
  } = groupDocument(report)
  const [verdict = '', ...reasons] = notices.filter((notice) => !unreal.includes(notice))
  const title = subject.find(({ name }) => name === 'System')?.text ?? group.benchmark
  return htmlPage({
    title: `${title}, several runs`,
    stamp: groupStamp(report).join(', '),
    notices: unreal,
    content: html`<div class="verdict ${verdictClass(report)}">
<h2>${verdict}</h2>
${reasons.length === 0 ? undefined : bulletList(reasons)}</div>
<header>
<p class="eyebrow">Inference benchmark report: ${head?.title}</p>
<h1>${title}</h1>
${factList(subject.filter(({ name }) => name !== 'System').map(({ name, text }) => [name, text]))}</header>
${blocks.map(sectionOf)}<footer>${group.tool.name} ${group.tool.version}, ${formatDate(group.startedAt)}, group ${group.groupId}</footer>
`,
  }).markup
}

/** The words that must stay with any part that may be cut out of the report. */
export function groupStamp({ summary }: GroupReport): string[] {
  const facts = summary.runs.flatMap((run) => run.facts ?? [])
  return [
    ...(facts.some(({ simulated }) => simulated) ? ['SIMULATED'] : []),
    ...(facts.some(({ weights }) => weights === 'random') ? ['RANDOM WEIGHTS'] : []),
    ...(summary.verdict === 'VALID' ? [] : [summary.verdict]),
  ]
}

/** A group that is not whole looks as doubtful as one that is. */
function verdictClass({ summary: { verdict } }: GroupReport): string {
  return verdict === 'PARTIAL' ? 'DEGRADED' : verdict
}

function sectionOf({ title, table, lines }: CompareBlock): Markup {
  return htmlSection(
    title,
    table &&
      htmlTable(
        title,
        table.headings.map((heading, i) => ({ heading, numeric: i > 0 })),
        table.rows,
      ),
    lines.length === 0 ? undefined : bulletList(lines),
  )
}
