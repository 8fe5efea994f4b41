/**
 * Text from outside (names, error messages) as one harmless line: no terminal escapes, no line
 * breaks, no invisible or direction-changing characters.
 */
export function plainText(text: string): string {
  return text
    .replace(/\p{Cc}\[[\d;?]*[A-Za-z]/gu, '')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
}

/** Cuts text that may be any length, such as what a server answered. */
export function shorten(text: string, length: number): string {
  const characters = [...plainText(text)]
  return characters.length <= length
    ? characters.join('')
    : `${characters.slice(0, length - 1).join('')}…`
}
