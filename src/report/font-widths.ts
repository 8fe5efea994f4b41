/** The fonts of every page and chart; the first three share their advance widths. */
export const fontFamily = "Helvetica, Arial, 'Liberation Sans', sans-serif"

/**
 * Width of a line of text, from the advance widths of Helvetica. It lets a chart be laid out
 * where there is no screen to measure on.
 */
export function textWidth(text: string, fontSize: number, bold = false): number {
  let units = 0
  // An accent adds no width, so it is taken off.
  for (const character of text.normalize('NFD').replace(/\p{M}/gu, '')) {
    units += (bold ? boldWidths : regularWidths).get(character) ?? fallbackWidth(character)
  }
  return (units / UNITS_PER_EM) * fontSize
}

const UNITS_PER_EM = 1000

/** Ideographs fill the em; other letters not in the table are about as wide as a digit. */
function fallbackWidth(character: string): number {
  return (character.codePointAt(0) ?? 0) >= 0x2e80 ? UNITS_PER_EM : 600
}

const characters = [
  ' !"#$%&\'()*+,-./',
  '0123456789:;<=>?',
  '@ABCDEFGHIJKLMNO',
  'PQRSTUVWXYZ[\\]^_',
  '`abcdefghijklmno',
  'pqrstuvwxyz{|}~',
  '–—·×°…€≤≥',
].join('')

const regularWidths = widthsOf([
  [278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278],
  [556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556],
  [1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778],
  [667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556],
  [333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556],
  [556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584],
  [556, 1000, 278, 584, 400, 1000, 556, 549, 549],
])

const boldWidths = widthsOf([
  [278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278],
  [556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611],
  [975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778],
  [667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556],
  [333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611],
  [611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584],
  [556, 1000, 278, 584, 400, 1000, 556, 549, 549],
])

function widthsOf(rows: readonly (readonly number[])[]): ReadonlyMap<string, number> {
  const widths = rows.flat()
  return new Map([...characters].map((character, i) => [character, widths[i] ?? 0]))
}
