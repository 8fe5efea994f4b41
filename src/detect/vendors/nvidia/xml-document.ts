/** An element of a document. Text and children never mix in what `nvidia-smi` prints. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  readonly text: string
}

/** A document, and what is wrong with it. Elements that were not closed are left out, but for the root. */
export interface XmlDocument {
  readonly root?: XmlElement
  readonly problem?: string
}

interface OpenElement {
  name: string
  attributes: Record<string, string>
  children: XmlElement[]
  text: string
}

/**
 * Reads the one kind of document that `nvidia-smi -q -x` prints: elements, attributes, text and the five
 * named entities. No CDATA, no namespaces. What stands before and after the root is passed over: the
 * tool puts warnings there.
 */
export function readXml(output: string): XmlDocument {
  const open: OpenElement[] = []
  for (const [token] of output.matchAll(/<[^<>]*>|[^<]+|</g)) {
    const document = take(token, open)
    if (document !== undefined) return document
  }
  return ended(open, open.length === 0 ? 'no XML' : 'the XML ends in the middle')
}

/** Takes a tag or a piece of text, and returns the document once it has ended. */
function take(token: string, open: OpenElement[]): XmlDocument | undefined {
  if (token.startsWith('<!') || token.startsWith('<?')) return undefined
  if (token.startsWith('</')) return close(token.slice(2, -1).trim(), open)
  const innermost = open.at(-1)
  if (!token.startsWith('<')) {
    if (innermost !== undefined) innermost.text += token
    return undefined
  }
  const element = opened(token)
  if (element === undefined) return ended(open, `${token.slice(0, 20)} is no tag`)
  open.push(element)
  return token.endsWith('/>') ? close(element.name, open) : undefined
}

/** An element joins its parent only when it is closed, so that none is taken for whole that is not. */
function close(name: string, open: OpenElement[]): XmlDocument | undefined {
  if (open.at(-1)?.name !== name) return ended(open, `</${name}> closes nothing`)
  const element = open.pop()
  if (element === undefined) return undefined
  const parent = open.at(-1)
  if (parent === undefined) return { root: closed(element) }
  parent.children.push(closed(element))
  return undefined
}

/** The words at a path of names, through the first of each name. */
export function textAt(element: XmlElement, path: string): string | undefined {
  const found = elementAt(element, path)
  return found === undefined || found.children.length > 0 ? undefined : found.text
}

export function elementAt(element: XmlElement, path: string): XmlElement | undefined {
  let at: XmlElement | undefined = element
  for (const name of path.split('/')) at = at?.children.find((child) => child.name === name)
  return at
}

function opened(tag: string): OpenElement | undefined {
  const name = /^<([A-Za-z_][\w.-]*)/.exec(tag)?.[1]
  if (name === undefined || !tag.endsWith('>')) return undefined
  const pairs = [...tag.matchAll(/([\w.-]+)\s*=\s*"([^"]*)"/g)]
  const attributes = pairs.map(([, key = '', value = '']) => [key, withoutEntities(value)])
  return { name, attributes: Object.fromEntries(attributes), children: [], text: '' }
}

function closed(element: OpenElement): XmlElement {
  return { ...element, text: withoutEntities(element.text).trim() }
}

function ended(open: readonly OpenElement[], problem: string): XmlDocument {
  const root = open[0]
  return root === undefined ? { problem } : { root: closed(root), problem }
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

function withoutEntities(text: string): string {
  return text.replace(/&(\w+);/g, (entity, name: string) => entities[name] ?? entity)
}
