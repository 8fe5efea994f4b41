/** One line of a metrics page. The value may be NaN or infinite. */
export interface MetricSeries {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

export interface ParsedMetrics {
  readonly series: readonly MetricSeries[]
  /** Lines that are neither a comment nor a series. */
  readonly unreadableLines: number
}

/**
 * Reads Prometheus' text format and OpenMetrics': https://prometheus.io/docs/instrumenting/exposition_formats
 * Time stamps and exemplars are passed over, and what cannot be read is counted.
 *
 * @param wanted which names to read; the labels of others are not looked at
 */
export function parsePrometheus(
  text: string,
  wanted: (name: string) => boolean = () => true,
): ParsedMetrics {
  const series: MetricSeries[] = []
  let unreadableLines = 0
  for (const line of lines(text)) {
    if (line === '' || line.startsWith('#')) continue
    const name = /^[^\s{]*/.exec(line)?.[0] ?? ''
    if (name !== '' && !wanted(name)) continue
    const read = parseSeries(line, name)
    if (read === undefined) unreadableLines += 1
    else if (wanted(read.name)) series.push(read)
  }
  return { series, unreadableLines }
}

/** Without an array of all lines: a page can hold thousands, of which few matter. */
function* lines(text: string): Generator<string> {
  let start = 0
  while (start < text.length) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    yield text.slice(start, end).trim()
    start = end + 1
  }
}

const NAME = /^[A-Za-z_:][\w:.]*$/

function parseSeries(line: string, nameBefore: string): MetricSeries | undefined {
  let name = nameBefore
  let labels: Map<string, string> = new Map()
  let rest = line.slice(name.length).trimStart()
  if (rest.startsWith('{')) {
    const set = parseLabels(rest)
    if (set === undefined) return undefined
    labels = set.labels
    name ||= set.quotedName ?? ''
    rest = rest.slice(set.length)
  }
  const value = parseValue(rest)
  const named = NAME.test(name) || (nameBefore === '' && name !== '')
  return named && value !== undefined ? { name, labels, value } : undefined
}

const LABEL = /\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*))\s*(?:=\s*"((?:[^"\\]|\\.)*)")?\s*(,?)/y

/** A set in braces. A quoted text without a value is the name of the metric, as of Prometheus 3. */
function parseLabels(
  text: string,
): { labels: Map<string, string>; quotedName?: string; length: number } | undefined {
  const labels = new Map<string, string>()
  let quotedName: string | undefined
  let position = 1
  for (;;) {
    const closing = /\s*\}/y
    closing.lastIndex = position
    if (closing.test(text)) return { labels, quotedName, length: closing.lastIndex }
    LABEL.lastIndex = position
    const match = LABEL.exec(text)
    if (match === null) return undefined
    const [, quoted, plain, value, comma] = match
    position = LABEL.lastIndex
    if (comma === '' && text[position] !== '}') return undefined
    const key = plain ?? unescaped(quoted ?? '')
    if (value !== undefined) labels.set(key, unescaped(value))
    else if (quoted !== undefined) quotedName = key
    else return undefined
  }
}

function unescaped(text: string): string {
  return text.includes('\\')
    ? text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    : text
}

const VALUE = /^\s*([^\s#]+)(?:\s+[-+\d.eE]+)?\s*(?:#.*)?$/
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i

function parseValue(text: string): number | undefined {
  const word = VALUE.exec(text)?.[1]
  if (word === undefined) return undefined
  if (NUMBER.test(word)) return Number(word)
  if (/^nan$/i.test(word)) return Number.NaN
  const infinite = /^([-+]?)inf(?:inity)?$/i.exec(word)
  if (!infinite) return undefined
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}
