/** Reads server-sent events from bytes, however they are split. */
export interface SseReader {
  readonly push: (bytes: Buffer) => void
}

const LF = 10
const CR = 13
const BOM = '\uFEFF'
const EMPTY = Buffer.alloc(0)

/**
 * Lines end with LF, CRLF or CR; comments and fields other than `data` are skipped; several data
 * lines of one event are joined by LF; an event ends with an empty line (WHATWG HTML, section 9.2.6).
 * An event that the stream never finished is not reported.
 */
export function createSseReader(onEvent: (data: string) => void): SseReader {
  let pending: Buffer = EMPTY
  let data: string | undefined
  let skipLf = false
  let first = true

  const line = (text: string): void => {
    const clean = first && text.startsWith(BOM) ? text.slice(1) : text
    first = false
    if (clean === '') {
      const event = data
      data = undefined
      if (event !== undefined) onEvent(event)
    } else if (clean.startsWith('data') && (clean.length === 4 || clean[4] === ':')) {
      const value = clean.slice(clean[5] === ' ' ? 6 : 5)
      data = data === undefined ? value : `${data}\n${value}`
    }
  }

  const push = (bytes: Buffer): void => {
    const all = pending.length > 0 ? Buffer.concat([pending, bytes]) : bytes
    let from = 0
    if (skipLf && all.length > 0) {
      skipLf = false
      if (all[0] === LF) from = 1
    }
    let cr = all.indexOf(CR, from)
    for (;;) {
      const lf = all.indexOf(LF, from)
      if (cr >= 0 && cr < from) cr = all.indexOf(CR, from)
      const end = nearest(lf, cr)
      if (end < 0) break
      line(all.toString('utf8', from, end))
      from = end + 1
      if (end === cr) {
        // The LF of a CRLF may only come with the next read.
        if (from === all.length) skipLf = true
        else if (all[from] === LF) from++
      }
    }
    pending = from === all.length ? EMPTY : Buffer.from(all.subarray(from))
  }

  return { push }
}

function nearest(a: number, b: number): number {
  if (a < 0) return b
  return b < 0 ? a : Math.min(a, b)
}
