import type { Maybe } from '../../arithmetic.ts'
import { MS_PER_S } from '../../units.ts'
import type { JsonObject, JsonValue } from './json-text.ts'

type Found = JsonValue | undefined

/** What lies at a path of keys; undefined where nothing does. */
export function at(value: Found, ...path: readonly string[]): Found {
  let found: Found = value
  for (const key of path) {
    const inside: JsonObject | readonly JsonValue[] | undefined = isContainer(found)
      ? found
      : undefined
    if (inside === undefined || !Object.hasOwn(inside, key)) return undefined
    found = (inside as JsonObject)[key]
  }
  return found
}

const isContainer = (value: Found): value is JsonObject | readonly JsonValue[] =>
  typeof value === 'object' && value !== null

export function isObject(value: Found): value is JsonObject {
  return isContainer(value) && !Array.isArray(value)
}

/** A finite number, also one written as text, as tables and some configurations have it. */
export function numberAt(value: Found, ...path: readonly string[]): Maybe {
  const found = at(value, ...path)
  const number =
    typeof found === 'string' && /^\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?\s*$/.test(found)
      ? Number(found)
      : found
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** A text that is not empty. */
export function textAt(value: Found, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' && found.trim() !== '' ? found.trim() : undefined
}

export function objectAt(value: Found, ...path: readonly string[]): JsonObject | undefined {
  const found = at(value, ...path)
  return isObject(found) ? found : undefined
}

/** A list; empty where there is none. */
export function listAt(value: Found, ...path: readonly string[]): readonly JsonValue[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

/** The objects of a list; empty where there is none. */
export function objectsAt(value: Found, ...path: readonly string[]): JsonObject[] {
  return listAt(value, ...path).filter(isObject)
}

/** As `ratio` and its kin: unknown stays unknown. */
export function scaled(value: Maybe, factor: number): Maybe {
  return value === undefined ? undefined : value * factor
}

/** The object without the keys whose values are unknown; undefined when none is left. */
export function knownOnly<T extends object>(parts: T): T | undefined {
  const entries = Object.entries(parts).filter(([, value]) => value !== undefined)
  return entries.length > 0 ? (Object.fromEntries(entries) as T) : undefined
}

/** ISO 8601 UTC of seconds since 1970; undefined where there is no such date. */
export function isoDate(secondsSince1970: Maybe): string | undefined {
  const date = new Date((secondsSince1970 ?? Number.NaN) * MS_PER_S)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
