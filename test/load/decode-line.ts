import type { RequestRecord } from '../../src/load/record.ts'

/** A line of `requests.jsonl`, as docs/method.md gives it. */
type Line = Omit<RequestRecord, 'chunkMs'> & { readonly chunkGapsUs: readonly number[] }

/** A line's record without the product's own reader: each gap is added to the time before it. */
export function decodeLine(text: string): RequestRecord {
  const { chunkGapsUs, ...head } = JSON.parse(text) as Line
  const chunkMs: number[] = []
  let us = 0
  for (const gapUs of chunkGapsUs) {
    us += gapUs
    chunkMs.push(us / 1000)
  }
  return { ...head, chunkMs }
}
