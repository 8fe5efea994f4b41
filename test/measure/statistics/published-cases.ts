import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

// Published figures lie outside the repository: where they are missing, nothing of them is tested.
const folder =
  process.env.BAREMARK_CASES ?? fileURLToPath(new URL('../../../../shared/cases', import.meta.url))

/** A case as its file has it. Its parts differ from file to file. */
export interface PublishedCase {
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: the files are read by no schema, only by their tests.
  readonly [part: string]: any
}

/** A file of published statistics; undefined where it is not there. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export function publishedFile(name: string): any {
  const file = join(folder, 'stats', name)
  return existsSync(file) ? parse(readFileSync(file, 'utf8')) : undefined
}

/** Its cases whose id `wanted` finds; none where the file is missing. */
export function publishedCases(name: string, wanted = /(?:)/): PublishedCase[] {
  const cases: PublishedCase[] = publishedFile(name)?.cases ?? []
  return cases.filter(({ id }) => wanted.test(id))
}
