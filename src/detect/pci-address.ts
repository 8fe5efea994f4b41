/**
 * A PCI address as everything here is joined by it: lower case, the domain in four digits or more, as the
 * kernel has it. Tools print four or eight, in either case. Undefined when it is none.
 */
export function pciAddressOf(text: string | undefined): string | undefined {
  const said = text?.trim().toLowerCase() ?? ''
  const match = /^([\da-f]{4,8}):([\da-f]{2}:[\da-f]{2}\.[\da-f])$/.exec(said)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  return `${Number.parseInt(match[1], 16).toString(16).padStart(4, '0')}:${match[2]}`
}
