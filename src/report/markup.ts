import { plainText } from './plain-text.ts'

/** Text that is already HTML. Whatever else is put into a page is escaped. */
export interface Markup {
  readonly markup: string
}

type Part = string | Markup | readonly Markup[] | undefined

/** A piece of a page. Strings in it are escaped, other pieces are not, `undefined` is nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const markup = strings.reduce((page, text, i) => page + textOf(parts[i - 1]) + text)
  return { markup }
}

/** For the style sheet and for pictures that this room drew itself; never for text from outside. */
export function trustedMarkup(markup: string): Markup {
  return { markup }
}

/** Makes any text safe as content and as a quoted attribute of HTML or SVG. */
export function escapeMarkup(text: string): string {
  return plainText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function textOf(part: Part): string {
  if (part === undefined) return ''
  if (typeof part === 'string') return escapeMarkup(part)
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('')
}
