import { UserError } from '../errors.ts'
import type { CostFigure } from '../price/cost-report.ts'
import { didYouMean } from '../price/near-paths.ts'
import { formatStated, notAvailable } from './format.ts'
import { refuseNonNumbers } from './json.ts'
import { plainText } from './plain-text.ts'
import { wrap } from './text.ts'

/** A number, and its formula with the numbers put in: absent for an input, and where one is unknown. */
interface ExplainedFigure extends CostFigure {
  readonly withNumbers?: string
}

/** One number of a price and what it is worked from; or all numbers below a path that is none. */
export type Explanation =
  | {
      readonly kind: 'figure'
      readonly figure: ExplainedFigure
      /** What is behind it down to the depth asked for, in an order in which each follows from those before it. */
      readonly behind: readonly ExplainedFigure[]
    }
  | { readonly kind: 'folder'; readonly path: string; readonly figures: readonly CostFigure[] }

/**
 * Explains a figure.
 *
 * @param depth how many steps down: 1 is what it is directly worked from
 * @throws UserError with near misses for a path under which there is nothing
 */
export function explain(figures: readonly CostFigure[], path: string, depth: number): Explanation {
  const byPath = new Map(figures.map((figure) => [figure.path, figure]))
  const figure = byPath.get(path)
  if (figure === undefined) return explainFolder(figures, path)
  const wanted = new Map<string, number>()
  reach(figure, depth, byPath, wanted)
  const explained = (each: CostFigure) => ({ ...each, withNumbers: withNumbers(each, byPath) })
  return {
    kind: 'figure',
    figure: explained(figure),
    behind: figures.filter(({ path: each }) => wanted.has(each)).map(explained),
  }
}

function explainFolder(figures: readonly CostFigure[], path: string): Explanation {
  const below = figures.filter((each) => each.path.startsWith(`${path}.`))
  if (below.length > 0) return { kind: 'folder', path, figures: below }
  const paths = figures.map((each) => each.path)
  const folders = paths.flatMap((each) => foldersOf(each))
  throw new UserError(`The report has no number called ${path}.`, {
    remedy: `${didYouMean(path, [...paths, ...folders])}Ask for ${[...new Set(folders.filter((each) => each.split('.').length <= 2))].join(', ')} to see all below it.`,
  })
}

function foldersOf(path: string): string[] {
  const names = path.split('.')
  return names.slice(0, -1).map((_, index) => names.slice(0, index + 1).join('.'))
}

type ByPath = ReadonlyMap<string, ExplainedFigure>

/** A figure follows from those before it only, so that this ends. @param reached paths, and how much further it went from them */
function reach(
  { from = [] }: CostFigure,
  depth: number,
  byPath: ByPath,
  reached: Map<string, number>,
): void {
  if (depth === 0) return
  for (const path of from) {
    const figure = byPath.get(path)
    if (figure === undefined || (reached.get(path) ?? -1) >= depth - 1) continue
    reached.set(path, depth - 1)
    reach(figure, depth - 1, byPath, reached)
  }
}

/** A formula with the values of what it names put in. */
function withNumbers(
  { formula, from = [], value }: CostFigure,
  byPath: ByPath,
): string | undefined {
  if (formula === undefined || value === undefined) return undefined
  const values = from.map((path) => byPath.get(path)?.value)
  if (values.includes(undefined)) return undefined
  if (formula.startsWith('sum of')) return values.map(formatStated).join(' + ')
  const names = namesOf(from)
  const text = formula.replace(NAME, (name, offset: number) => {
    const path = names.get(name)
    return path !== undefined && isOperand(formula, name, offset)
      ? inFormula(byPath.get(path)?.value)
      : name
  })
  return text === formula ? undefined : text
}

/** Names as formulas have them: `servers`, `capex.network.usd`, `lines.cached-input`. */
const NAME = /[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*/g

/** Paths by their last parts; by those that several have, none. A line of a bill goes without its unit. */
function namesOf(from: readonly string[]): Map<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const path of new Set(from)) {
    for (const name of [...endsOf(path), ...endsOf(path.replace(/\.usdPerYear$/, ''))]) {
      if (names.has(name) && names.get(name) !== path) taken.add(name)
      names.set(name, path)
    }
  }
  for (const name of taken) names.delete(name)
  return names
}

function endsOf(path: string): string[] {
  const parts = path.split('.')
  return parts.map((_, index) => parts.slice(index).join('.'))
}

/** A plain word such as `servers` is a number only where a formula calculates with it. */
function isOperand(formula: string, name: string, offset: number): boolean {
  if (/[A-Z.]/.test(name)) return true
  const before = formula.slice(0, offset)
  const after = formula.slice(offset + name.length)
  return /(^|[(/=+,]|[ ]x|-)\s*$/.test(before) && /^\s*($|[)/+,;]|x |- )/.test(after)
}

function inFormula(value: number | undefined): string {
  const text = formatStated(value)
  return text.startsWith('-') ? `(${text})` : text
}

/** A figure to six digits, with its unit. */
export function exactText({ value, unit }: Pick<CostFigure, 'value' | 'unit'>): string {
  return value === undefined ? notAvailable : `${formatStated(value)} ${unit}`
}

/** Where an input comes from, on one line; empty for a result. */
export function provenanceText({
  origin,
  source,
  date,
  note,
  value,
}: Pick<CostFigure, 'origin' | 'source' | 'date' | 'note' | 'value'>): string {
  if (origin === undefined) return ''
  if (value === undefined) return [source, note].filter(Boolean).join('; ')
  const dated = date === undefined ? source : `${source} (${date})`
  return `${origin}: ${[dated, note].filter(Boolean).join('; ')}`
}

/** For a terminal: the figure, its formula, and the tree of what it is worked from. */
export function explanationText(
  explanation: Explanation,
  notices: readonly string[],
  depth: number,
): string {
  const lines =
    explanation.kind === 'folder'
      ? folderLines(explanation.figures)
      : figureLines(explanation, depth)
  const head = notices.flatMap((notice) => wrap(notice, '', '  '))
  return `${[...(head.length === 0 ? [] : [...head, '']), ...lines].join('\n')}\n`
}

function folderLines(figures: readonly CostFigure[]): string[] {
  return figures.flatMap((figure) =>
    wrap(`${figure.path} = ${exactText(figure)} (${plainText(figure.label)})`, '', '    '),
  )
}

function figureLines(
  { figure, behind }: Extract<Explanation, { kind: 'figure' }>,
  depth: number,
): string[] {
  const byPath = new Map([...behind, figure].map((each) => [each.path, each]))
  return treeLines(figure, 0, depth, byPath, new Set())
}

function treeLines(
  figure: ExplainedFigure,
  indent: number,
  depth: number,
  byPath: ByPath,
  told: Set<string>,
): string[] {
  const margin = '  '.repeat(indent)
  const head = `${figure.path} = ${exactText(figure)}`
  if (told.has(figure.path)) return wrap(`${head}, as above`, margin, `${margin}    `)
  const say = (text: string) => wrap(text, `${margin}    `, `${margin}      `)
  const { formula, from = [], withNumbers: numbers } = figure
  if (depth > 0 || from.length === 0) told.add(figure.path)
  const deeper = depth > 0 ? from : []
  return [
    ...wrap(`${head} (${plainText(figure.label)})`, margin, `${margin}    `),
    ...(formula === undefined ? say(provenanceText(figure)) : say(`= ${formula}`)),
    ...(numbers === undefined ? [] : say(`= ${numbers}`)),
    ...(from.length > 0 && depth === 0 ? say(`from ${from.join(', ')}`) : []),
    ...deeper.flatMap((path) => {
      const next = byPath.get(path)
      return next === undefined ? [] : treeLines(next, indent + 1, depth - 1, byPath, told)
    }),
  ]
}

/** For programs. */
export function explanationJson(explanation: Explanation, notices: readonly string[]): string {
  const document = {
    schemaVersion: 1,
    kind: 'baremark-explanation',
    notice: notices,
    ...(explanation.kind === 'folder'
      ? { path: explanation.path, figures: explanation.figures }
      : {
          path: explanation.figure.path,
          figure: explanation.figure,
          behind: explanation.behind,
        }),
  }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
