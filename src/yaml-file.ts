import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { messageOf, systemErrorCode, UserError } from './errors.ts'

/**
 * Reads one YAML file through its schema.
 *
 * @throws UserError naming `file:line:column` and what was expected
 */
export async function readYamlFile<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  return parseYaml(await readTextFile(file), file, schema)
}

/** Reads a text file; a file that cannot be read is the user's to fix. */
export async function readTextFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const missing = systemErrorCode(cause) === 'ENOENT'
    throw new UserError(
      missing ? `No such file: ${file}` : `Cannot read ${file}: ${messageOf(cause)}`,
      {
        remedy: missing ? 'Check the path.' : 'Check the path and its permissions.',
        cause,
      },
    )
  }
}

/** As `readYamlFile`, from text already at hand; `file` is only named in errors. */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>): T {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const syntax = document.errors[0]
  if (syntax) {
    throw new UserError(`${place(file, lines, syntax.pos[0])}: ${syntax.message}`, {
      remedy: 'Correct the YAML at that place.',
    })
  }
  const parsed = schema.safeParse(plain(document, file))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (!issue) throw parsed.error
  const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const path = unknownKey === undefined ? issue.path : [...issue.path, unknownKey]
  const dotted = path.join('.')
  const what = unknownKey === undefined ? issue.message : `unknown key "${unknownKey}"`
  throw new UserError(
    `${place(file, lines, offsetOf(document, path, unknownKey !== undefined))}: ${dotted || 'file'}: ${what}`,
    {
      remedy: 'Correct or remove it; the schemas/ folder describes every key.',
    },
  )
}

/** Aliases can point nowhere, or blow up. */
function plain(document: Document, file: string): unknown {
  try {
    return document.toJS()
  } catch (cause) {
    throw new UserError(`${file}: ${messageOf(cause)}`, { remedy: 'Correct its aliases.', cause })
  }
}

function place(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset)
  return `${file}:${line}:${col}`
}

type Document = ReturnType<typeof parseDocument>

/** Offset of an unknown key itself, or of the deepest value on the path that exists. */
function offsetOf(document: Document, path: readonly PropertyKey[], isKey: boolean): number {
  if (isKey) return keyOffset(document, path) ?? 0
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true) as Ranged | undefined
    const offset = node?.range?.[0]
    if (offset !== undefined) return offset
  }
  return document.contents?.range?.[0] ?? 0
}

interface Ranged {
  readonly range?: readonly number[] | null
}

function keyOffset(document: Document, path: readonly PropertyKey[]): number | undefined {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
  const pairs = (parent as { items?: { key?: Ranged & { value?: unknown } }[] } | undefined)?.items
  return pairs?.find(({ key }) => String(key?.value) === String(path.at(-1)))?.key?.range?.[0]
}
