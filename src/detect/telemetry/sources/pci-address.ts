/** Lower case with the domain in four digits: NVIDIA prints eight, the kernel and other tools four. */
export function pciAddressOf(text: string | undefined): string | undefined {
  const match = /^([\da-f]{4,8}):([\da-f]{2}:[\da-f]{2}\.[\da-f])$/.exec(text?.toLowerCase() ?? '')
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  return `${Number.parseInt(match[1], 16).toString(16).padStart(4, '0')}:${match[2]}`
}
