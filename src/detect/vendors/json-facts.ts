/** An object of a tool's JSON, of which nothing is believed yet. */
export type Facts = Readonly<Record<string, unknown>>

/** The object that a tool printed; undefined where it printed none. */
export function objectIn(output: string): Facts | undefined {
  try {
    const value: unknown = JSON.parse(output)
    return isFacts(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isFacts(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of a list; none where it is no list. */
export function listOf(value: unknown): readonly Facts[] {
  return Array.isArray(value) ? value.filter(isFacts) : []
}
