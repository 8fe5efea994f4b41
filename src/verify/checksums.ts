import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { runFiles } from './read-run.ts'

/** Checksums of the files of a results directory, in the format of `sha256sum`. */
export async function checksumsOf(directory: string): Promise<string> {
  const names = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== runFiles.checksums)
    .map(({ name }) => name)
    .sort()
  const lines: string[] = []
  for (const name of names) lines.push(`${await sha256(join(directory, name))}  ${name}\n`)
  return lines.join('')
}

/** How a file compares with its checksum. */
export interface ChecksumResult {
  readonly file: string
  readonly status: 'same' | 'changed' | 'missing'
}

/** Compares files with the checksums stored beside them; nothing when none are stored. */
export async function compareChecksums(directory: string): Promise<ChecksumResult[] | undefined> {
  const text = await readFile(join(directory, runFiles.checksums), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const results: ChecksumResult[] = []
  for (const line of text.split('\n')) {
    const [, expected, file] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? []
    if (expected === undefined || file === undefined) continue
    const actual = await sha256(join(directory, file)).catch(() => undefined)
    results.push({
      file,
      status: actual === undefined ? 'missing' : actual === expected ? 'same' : 'changed',
    })
  }
  return results
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
