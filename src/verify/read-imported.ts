import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { messageOf, systemErrorCode, UserError } from '../errors.ts'
import type { Imported } from '../measure/imports/imported.ts'
import {
  documentsOf,
  formatOf,
  importDocuments,
  joined,
  notRecognised,
} from '../measure/imports/index.ts'
import type { JsonValue } from '../measure/imports/json-text.ts'
import { readTextFile } from '../yaml-file.ts'

/** What results of other tools under a path come to, and what of the path is none. */
export interface ReadImported {
  /** One a tool, with the points of all its files. */
  readonly imported: readonly Imported[]
  /** Files of a folder that hold no result of a known format, or cannot be read, and why. */
  readonly skipped: readonly { readonly file: string; readonly why: string }[]
}

const RESULT_EXTENSIONS = ['.json', '.jsonl', '.ndjson', '.csv', '.md', '.txt', '.yaml', '.yml']

/** Folders below this depth are not looked into: a sweep is a folder of folders, hardly deeper. */
const MAX_DEPTH = 4

interface Found {
  readonly file: string
  readonly documents: readonly JsonValue[]
}

/**
 * Reads the result of another tool: one file, or all of a folder and its folders. Files that lie in one
 * folder are read together, as some tools spread a run over several.
 *
 * @throws UserError when nothing is there, nothing of it is a result of a known format, or one named file
 * is broken
 */
export async function readImported(path: string): Promise<ReadImported> {
  const isFolder = await isDirectory(path)
  if (!isFolder) {
    const imported = importDocuments(await documentsIn(path))
    if (imported.length === 0) throw notRecognised(path)
    return { imported, skipped: [] }
  }
  const { found, skipped } = await readFolder(path)
  const folders = new Set(found.map(({ file }) => dirname(file)))
  const imported = joined(
    [...folders].flatMap((folder) =>
      importDocuments(
        found.filter(({ file }) => dirname(file) === folder).flatMap(({ documents }) => documents),
      ),
    ),
  )
  if (imported.length === 0) throw notRecognised(path)
  return { imported, skipped }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    const missing = systemErrorCode(cause) === 'ENOENT'
    throw new UserError(
      missing ? `No such file or folder: ${path}` : `Cannot read ${path}: ${messageOf(cause)}`,
      { remedy: missing ? 'Check the path.' : 'Check the path and its permissions.', cause },
    )
  }
}

async function readFolder(
  folder: string,
): Promise<{ found: readonly Found[]; skipped: ReadImported['skipped'] }> {
  const found: Found[] = []
  const skipped: { file: string; why: string }[] = []
  for (const file of await filesIn(folder, 0)) {
    try {
      const documents = await documentsIn(file)
      if (documents.some(formatOf)) found.push({ file, documents })
      else skipped.push({ file, why: 'no result of a known format' })
    } catch (error) {
      // One broken file of many is told of, and does not hide the others.
      if (!(error instanceof UserError)) throw error
      skipped.push({ file, why: error.message })
    }
  }
  return { found, skipped }
}

/** Sorted by name, so that the points of a sweep come in the same order everywhere. */
async function filesIn(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const sorted = entries.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  const files: string[] = []
  for (const entry of sorted) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && depth < MAX_DEPTH) files.push(...(await filesIn(path, depth + 1)))
    else if (mayHoldResult(entry)) files.push(path)
  }
  return files
}

const mayHoldResult = (entry: Dirent): boolean =>
  entry.isFile() && RESULT_EXTENSIONS.includes(extname(entry.name).toLowerCase())

async function documentsIn(file: string): Promise<JsonValue[]> {
  const text = await readTextFile(file)
  try {
    const documents = documentsOf(text)
    return documents.length > 0 ? documents : await yamlDocuments(text)
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause
    throw new UserError(`${file}: ${cause.message}`, { remedy: cause.remedy, cause })
  }
}

/** Only llm-d writes YAML, which is read when a text is nothing else; broken YAML is no YAML here. */
async function yamlDocuments(text: string): Promise<JsonValue[]> {
  if (!/^version:/m.test(text)) return []
  const { parseDocument } = await import('yaml')
  // Times of 0.2 are dates to YAML 1.1 only; the reader is of 1.2, where they stay text.
  const document = parseDocument(text)
  return document.errors.length > 0 ? [] : [document.toJS() as JsonValue]
}
