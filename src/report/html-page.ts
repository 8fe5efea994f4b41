import { styleSheet } from './html-style.ts'
import { html, type Markup, trustedMarkup } from './markup.ts'

/** What a page is made of, beside its style. */
interface PageParts {
  readonly title: string
  /** Printed at the top of every sheet of paper; empty for a complete, valid result of a real model. */
  readonly stamp: string
  /** Banners before anything else. */
  readonly notices: readonly string[]
  readonly content: Markup
}

/** A whole page: no script, no font, no request to anywhere. */
export function htmlPage({ title, stamp, notices, content }: PageParts): Markup {
  const stamped = `${stamp === '' ? '' : `${stamp}: `}${title}`
  // The notices stand on the very first line too, for who opens the file as text.
  const first =
    notices.length === 0 ? undefined : html`<!-- ${notices.join(' ').replaceAll('-', ' ')} -->`
  return html`<!doctype html>${first}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${stamped} - baremark</title>
<style>
${trustedMarkup(styleSheet(stamp))}</style>
</head>
<body>
${notices.map(
  (notice) => html`<div class="notice" role="note">${notice}</div>
`,
)}<main>
${content}</main>
</body>
</html>
`
}
