import type { CountSource, TokenAgreement, TokenDirection } from '../measure/summary.ts'
import { formatCount, formatPercent, notAvailable } from './format.ts'
import type { Report } from './report.ts'
import type { TextTable } from './server-facts.ts'

const sourceNames: Readonly<Record<CountSource, string>> = {
  usage: 'usage',
  tokenizer: 'tokenizer',
  'server-timings': 'server timings',
  chunks: 'chunks',
  'server-counters': 'server counters',
}

/** The tokens of the run, a row a source; nothing where nobody counted. */
export function tokenTable({ summary: { tokens } }: Report): TextTable | undefined {
  if (tokens.counts.length === 0) return undefined
  const sources = [...new Set(tokens.counts.map(({ source }) => source))]
  const cells = (source: CountSource, direction: TokenDirection): string[] => {
    const found = tokens.counts.find(
      (each) => each.source === source && each.direction === direction,
    )
    return [formatCount(found?.tokens), found ? requestsText(found.requests) : '']
  }
  return {
    note: 'Over the whole run, warm-up and drain included.',
    headings: ['Source', 'output', 'of', 'input', 'of'],
    rows: sources.map((source) => [
      sourceNames[source],
      ...cells(source, 'output'),
      ...cells(source, 'input'),
    ]),
  }
}

function requestsText(requests: number | undefined): string {
  return requests === undefined ? 'all who asked' : `${formatCount(requests)} requests`
}

/** A line for each pair of sources, and one for what was counted apart. */
export function tokenLines({ summary: { tokens } }: Report): string[] {
  return [...tokens.agreement.map(agreementLine), ...partLines(tokens)]
}

const outcomes: Readonly<Record<TokenAgreement['outcome'], string>> = {
  agree: 'agree',
  'within-bounds': 'within what can be known',
  differ: 'DIFFER',
  'not-comparable': 'not comparable',
}

function agreementLine({
  direction,
  sources,
  tokens,
  ratio,
  outcome,
  why,
}: TokenAgreement): string {
  const [a, b] = sources.map((source, i) => `${sourceNames[source]} ${formatCount(tokens[i])}`)
  // As many digits as tell 1 % from what is just over it.
  const share = ratio === undefined ? notAvailable : ratio.toFixed(3)
  const because = why === undefined ? '' : `, as ${why}`
  return `${capital(direction)}: ${a}, ${b}, ratio ${share}: ${outcomes[outcome]}${because}.`
}

function partLines({
  counts,
  reasoningTokens,
  cachedInputTokens,
}: Report['summary']['tokens']): string[] {
  const line = (tokens: number | undefined, direction: TokenDirection, what: string): string[] => {
    if (tokens === undefined) return []
    const all = counts.find((each) => each.direction === direction && each.source === 'usage')
    const share = all?.tokens ? ` (${formatPercent(tokens / all.tokens)})` : ''
    return [`Of the ${direction} tokens, ${formatCount(tokens)} ${what}${share}, by the answers.`]
  }
  return [
    ...line(reasoningTokens, 'output', 'were reasoning'),
    ...line(cachedInputTokens, 'input', 'came from the prefix cache'),
  ]
}

/** Whether the counts say more than that one source counted. */
export function tokensAreTelling({ summary: { tokens } }: Report): boolean {
  const { counts, agreement, reasoningTokens, cachedInputTokens } = tokens
  return (
    counts.some(({ source }) => source === 'server-counters') ||
    agreement.some(({ outcome }) => outcome === 'differ') ||
    reasoningTokens !== undefined ||
    cachedInputTokens !== undefined
  )
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
