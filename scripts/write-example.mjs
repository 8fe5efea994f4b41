// Runs the quickstart, keeps it as results/example-quickstart, and puts its table and first chart into the README.
// With --keep the example stays as it is and only the README and the example's reports are made again.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checksumsOf } from '../dist/verify/checksums.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const example = join(root, 'results', 'example-quickstart')
const baremark = join(root, 'dist', 'bin.js')

if (!process.argv.includes('--keep')) {
  const out = mkdtempSync(join(root, 'results', 'new-'))
  execFileSync(process.execPath, [baremark, 'quickstart', '--out', out], { stdio: 'inherit' })
  rmSync(example, { recursive: true, force: true })
  renameSync(join(out, readdirSync(out)[0]), example)
  rmSync(out, { recursive: true })
} else {
  const formats = { md: 'report.md', csv: 'report.csv', html: 'report.html', json: 'summary.json' }
  for (const [format, name] of Object.entries(formats)) {
    execFileSync(process.execPath, [
      baremark,
      'report',
      example,
      '--format',
      format,
      '--output',
      join(example, name),
    ])
  }
  writeFileSync(join(example, 'SHA256SUMS'), await checksumsOf(example))
}

const markdown = readFileSync(join(example, 'report.md'), 'utf8')
const [chart] = /<svg[\s\S]*?<\/svg>/.exec(readFileSync(join(example, 'report.html'), 'utf8'))
// A page may be dark; the chart's ink is not.
writeFileSync(
  join(root, 'docs', 'quickstart-chart.svg'),
  `${chart.replace('<svg ', '<svg style="background:#fff" ')}\n`,
)

const notices = markdown.slice(0, markdown.indexOf('\nWarnings:')).trim()
const [table] = /^\| Load [\s\S]*?(?=\n\n)/m.exec(markdown)
const [priced] = /^Priced at .*$/m.exec(markdown)
const shown = [
  '<!-- example:begin -->',
  notices,
  table.trim(),
  priced,
  '![Output tokens per second against users](docs/quickstart-chart.svg)',
  '<!-- example:end -->',
].join('\n\n')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
writeFileSync(
  join(root, 'README.md'),
  readme.replace(/<!-- example:begin -->[\s\S]*<!-- example:end -->/, () => shown),
)
