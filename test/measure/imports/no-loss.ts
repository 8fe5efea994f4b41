import { expect } from 'vitest'
import { formatOf } from '../../../src/measure/imports/index.ts'
import type { JsonObject, JsonValue } from '../../../src/measure/imports/json-text.ts'
import { eachLeaf, fateOf } from '../../../src/measure/imports/keys.ts'
import { at, isObject } from '../../../src/measure/imports/values.ts'

/**
 * Every value of the documents is either taken or left out on purpose, and that is true of what the reader
 * does: changing a value that is said to be taken changes the result, changing one left out does not.
 *
 * @param shadowed values of this file that would be taken, but are not needed here
 */
export function expectNoLoss(
  documents: readonly JsonValue[],
  shadowed: readonly string[] = [],
): void {
  const copies = structuredClone(documents).filter(isObject)
  const [first] = copies
  const format = first && formatOf(first)
  expect(format, 'a known format').toBeDefined()
  if (!format) return
  const readAgain = (): string => JSON.stringify(format.read(copies))
  const before = readAgain()
  const wrong: string[] = []
  for (const document of copies) {
    const paths: string[][] = []
    eachLeaf(document, (path) => paths.push([...path]))
    for (const path of paths) {
      const fate = fateOf(path, format.keys)
      const changes = othersThan(at(document, ...path)).some((other) =>
        withChanged(document, path, other, () => readAgain() !== before),
      )
      const isShadowed = fateOf(path, { taken: shadowed, leftOut: [] }) === 'taken'
      const isRight =
        fate === 'taken' ? changes !== isShadowed : fate === 'left-out' && !changes && !isShadowed
      if (!isRight) wrong.push(`${path.join('.')} is ${fate}, and ${changes ? 'used' : 'not used'}`)
    }
  }
  expect(wrong).toEqual([])
}

function withChanged<T>(
  document: JsonObject,
  path: readonly string[],
  other: JsonValue,
  of: () => T,
): T {
  const holder = at(document, ...path.slice(0, -1)) as Record<string, JsonValue | undefined>
  const key = path.at(-1) ?? ''
  const kept = holder[key]
  holder[key] = other
  try {
    return of()
  } finally {
    holder[key] = kept
  }
}

/** Values that differ from one in a way that a reader of it would notice, at least by one of them. */
function othersThan(value: JsonValue | undefined): JsonValue[] {
  if (Array.isArray(value))
    return value.length === 0 ? [[7], ['x']] : [value.map((item) => othersThan(item)[0] ?? null)]
  switch (typeof value) {
    case 'number':
      return [value * 1.5 + 1, 0]
    case 'boolean':
      return [!value]
    case 'string':
      return [`${value}x`, 's', '7', '', 'warmup']
    default:
      return [7, 'x']
  }
}
