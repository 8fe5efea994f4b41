import type { KeyLists } from './imported.ts'
import type { JsonValue } from './json-text.ts'
import { isObject } from './values.ts'

/**
 * Visits every value of a document that holds no others; a list of plain values is one of them. The path is
 * the same array each time, for files have a million: copy it to keep it.
 */
export function eachLeaf(
  value: JsonValue,
  visit: (path: readonly string[]) => void,
  path: string[] = [],
): void {
  const isLeaf = Array.isArray(value) ? !value.some(isObject) : !isObject(value)
  if (isLeaf) {
    visit(path)
    return
  }
  for (const [key, inner] of Object.entries(value as object)) {
    path.push(key)
    eachLeaf(inner, visit, path)
    path.pop()
  }
}

/** What becomes of a value of a file: `taken` goes before `leftOut` where both lists name it. */
export function fateOf(path: readonly string[], { taken, leftOut }: KeyLists): Fate {
  if (taken.some((pattern) => matches(path, pattern))) return 'taken'
  return leftOut.some((pattern) => matches(path, pattern)) ? 'left-out' : 'unknown'
}

type Fate = 'taken' | 'left-out' | 'unknown'

/** Keys of documents that this version does not know, each once, list positions as `*`. */
export function unknownKeys(documents: readonly JsonValue[], keys: KeyLists): string[] {
  const unknown = new Set<string>()
  const known = new Set<string>()
  const note = (path: readonly string[]): void => {
    const name = path.map((key) => (/^\d+$/.test(key) ? '*' : key)).join('.')
    if (known.has(name) || unknown.has(name)) return
    if (fateOf(path, keys) === 'unknown') unknown.add(name)
    else known.add(name)
  }
  for (const document of documents) eachLeaf(document, note)
  return [...unknown]
}

function matches(path: readonly string[], pattern: string): boolean {
  const segments = segmentsOf(pattern)
  const open = segments.at(-1) === '**'
  const fixed = open ? segments.slice(0, -1) : segments
  if (open ? path.length < fixed.length : path.length !== fixed.length) return false
  return fixed.every((segment, i) => segmentRegex(segment).test(path[i] ?? ''))
}

/** Dots inside braces belong to a key, e.g. `{p0.1,p99.9}`. */
const segmentsOf = (pattern: string): string[] => pattern.match(/(?:\{[^}]*\}|[^.])+/g) ?? []

const regexes = new Map<string, RegExp>()

function segmentRegex(segment: string): RegExp {
  const kept = regexes.get(segment)
  if (kept) return kept
  const source = segment
    .replaceAll(/[\\^$+?.()|[\]]/g, '\\$&')
    .replaceAll(/\{([^}]*)\}/g, (_, names: string) => `(?:${names.replaceAll(',', '|')})`)
    .replaceAll('*', '.*')
  const regex = new RegExp(`^${source}$`)
  regexes.set(segment, regex)
  return regex
}
