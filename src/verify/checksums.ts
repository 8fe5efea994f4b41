import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { runFiles } from './read-run.ts'

/**
 * Checksums of the files of a results directory, in the format of `sha256sum`.
 *
 * @param below further files, in folders of it, with `/` in their names
 */
export async function checksumsOf(
  directory: string,
  below: readonly string[] = [],
): Promise<string> {
  const names = [...(await filesOf(directory)), ...below]
  const lines: string[] = []
  for (const name of names) lines.push(`${await sha256(join(directory, name))}  ${name}\n`)
  return lines.join('')
}

/** How a file compares with its checksum; `unlisted` has none. */
export interface ChecksumResult {
  readonly file: string
  readonly status: 'same' | 'changed' | 'missing' | 'unlisted'
}

/** Compares every file of the directory with the checksums stored beside it; nothing when none are stored. */
export async function compareChecksums(directory: string): Promise<ChecksumResult[] | undefined> {
  const text = await readFile(join(directory, runFiles.checksums), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const stored = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, sum, file] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? []
    if (sum !== undefined && file !== undefined) stored.set(file, sum)
  }
  const names = [...new Set([...stored.keys(), ...(await filesOf(directory))])].sort()
  return Promise.all(names.map((file) => compareOne(directory, file, stored.get(file))))
}

async function compareOne(
  directory: string,
  file: string,
  expected: string | undefined,
): Promise<ChecksumResult> {
  if (expected === undefined) return { file, status: 'unlisted' }
  const actual = await sha256(join(directory, file)).catch(() => undefined)
  return {
    file,
    status: actual === undefined ? 'missing' : actual === expected ? 'same' : 'changed',
  }
}

async function filesOf(directory: string): Promise<string[]> {
  return (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== runFiles.checksums)
    .map(({ name }) => name)
    .sort()
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
