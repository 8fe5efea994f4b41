import type { RequestRecord } from '../../src/load/record.ts'

/** The line of a journal that holds a record, put together in the plainest way. */
export function lineOf({ chunkMs, ...head }: RequestRecord): Buffer {
  const us = chunkMs.map((ms) => Math.round(ms * 1000))
  const chunkGapsUs = us.map((each, i) => each - (us[i - 1] ?? 0))
  const json = JSON.stringify({ ...head, chunkGapsUs })
  return Buffer.from(`${json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}\n`)
}
