/** The WHATWG rules, word for word, on a whole stream: decode, split into lines, dispatch. */
export function interpret(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/)
  lines.pop()
  const events: string[] = []
  let buffer = ''
  for (const line of lines) {
    if (line === '') {
      if (buffer !== '') events.push(buffer.replace(/\n$/, ''))
      buffer = ''
      continue
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') buffer += `${value}\n`
  }
  return events
}
