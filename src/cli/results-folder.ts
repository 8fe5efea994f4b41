import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.ts'
import { diskError } from '../load/journal.ts'

/**
 * Makes the directory of one run, `<out>/<time>-<name>`; a number is added where that exists.
 *
 * @throws UserError when the disk refuses
 */
export async function makeRunDirectory(
  out: string,
  epoch: string,
  name: string,
): Promise<{ runId: string; directory: string }> {
  const base = `${epoch.slice(0, 19).replaceAll(':', '-')}Z-${name}`
  try {
    await mkdir(out, { recursive: true })
    for (let copy = 1; ; copy++) {
      const runId = copy === 1 ? base : `${base}-${copy}`
      const directory = join(out, runId)
      if (await madeNew(directory)) return { runId, directory }
    }
  } catch (cause) {
    throw diskError(out, cause)
  }
}

async function madeNew(directory: string): Promise<boolean> {
  try {
    await mkdir(directory)
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Writes a file whole or not at all: what is half-written never has the file's name.
 *
 * @throws UserError when the disk refuses
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const half = `${file}.tmp`
  try {
    await writeFile(half, text)
    await rename(half, file)
  } catch (cause) {
    await rm(half, { force: true }).catch(() => {})
    throw diskError(file, cause)
  }
}

export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeWhole(file, `${JSON.stringify(value, undefined, 2)}\n`)
}
