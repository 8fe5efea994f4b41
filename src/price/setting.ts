import type { z } from 'zod'
import { UserError } from '../errors.ts'
import { type Figure, figureSchema } from '../figure.ts'
import { didYouMean } from './near-paths.ts'
import { COMMAND_LINE, type Scenario, scenarioSchema } from './scenario.ts'

/** One value that somebody gives in place of a scenario's, by its path: `options.own.lifeYears` and `4`. */
export interface Setting {
  readonly path: string
  readonly text: string
}

/** What was set by hand, in words; empty for a scenario as its file has it. */
export function settingsOf({ sources }: Scenario): string[] {
  return Object.entries(sources)
    .filter(([key]) => key.startsWith(COMMAND_LINE))
    .map(([, { title }]) => title)
}

/**
 * A scenario with values set by hand, checked by its schema again. The path of a figure sets its value, whose source is then the
 * command line and whose range is gone; any other path sets a plain value. Items of a list go by their `id`. A path that no scenario has
 * becomes one of its `overrides`, for figures of the catalogue.
 *
 * @throws UserError for a value that cannot be
 */
export function withSettings(scenario: Scenario, settings: readonly Setting[]): Scenario {
  if (settings.length === 0) return scenario
  const changed = settings.reduce(withSetting, scenario)
  return { ...changed, name: `${scenario.name}, changed` }
}

type Keys = readonly (string | number)[]

function withSetting(before: Scenario, given: Setting): Scenario {
  const setting = { ...given, path: aliases[given.path] ?? given.path }
  const scenario = withSource(before, setting)
  const keys = keysOf(scenario, setting.path)
  if (keys === undefined) return overridden(scenario, setting)
  const found = valueAt(scenario, keys)
  let refusal: string | undefined
  for (const value of candidates(found, setting)) {
    const parsed = scenarioSchema.safeParse(withValue(scenario, keys, value))
    if (parsed.success) return parsed.data
    refusal ??= refusalOf(parsed.error, keys, found !== undefined)
  }
  if (refusal === undefined) return overridden(scenario, setting)
  throw new UserError(`${setting.path}=${setting.text}: ${refusal}.`, {
    remedy: 'The schemas/ folder describes every key of a scenario.',
  })
}

/** Paths of figures that a scenario has under another name. */
const aliases: Readonly<Record<string, string>> = {
  'demand.outputTokensPerDay': 'demand.amount.outputTokensPerDay',
  'finance.costOfCapitalRatioPerYear': 'costOfCapitalRatioPerYear',
}

function withSource(scenario: Scenario, { path, text }: Setting): Scenario {
  const title = `${path}=${text}, set on the command line`
  return { ...scenario, sources: { ...scenario.sources, [COMMAND_LINE + path]: { title } } }
}

/** Keys from the scenario down to a value, which itself need not be there; nothing where what would hold it is not. */
function keysOf(scenario: Scenario, path: string): Keys | undefined {
  const names = path.split('.')
  const amount = amountKinds[path]
  if (amount !== undefined) return ['demand', 'amount']
  const keys: (string | number)[] = []
  let holder: unknown = scenario
  for (const name of names) {
    if (typeof holder !== 'object' || holder === null) return undefined
    const key = Array.isArray(holder) ? indexOf(holder, name) : name
    if (key === undefined) return undefined
    keys.push(key)
    holder = own(holder, key)
  }
  return keys
}

/** What the demand is given as: another way of giving it takes the place of the one in the file. */
const amountKinds: Readonly<Record<string, string>> = {
  'demand.amount.outputTokensPerDay': 'output-tokens-per-day',
  'demand.amount.ratio': 'share-of-server',
}

function indexOf(items: readonly unknown[], name: string): number | undefined {
  const index = items.findIndex((item) => (item as { id?: unknown } | null)?.id === name)
  if (index >= 0) return index
  return /^\d+$/.test(name) && Number(name) < items.length ? Number(name) : undefined
}

function own(holder: object, key: string | number): unknown {
  return Object.hasOwn(holder, key) ? (holder as Record<string | number, unknown>)[key] : undefined
}

function valueAt(scenario: Scenario, keys: Keys): unknown {
  return keys.reduce<unknown>((holder, key) => own(holder as object, key), scenario)
}

/** What a text may mean at a place, the likeliest first. @throws UserError where it cannot be meant */
function candidates(found: unknown, { path, text }: Setting): unknown[] {
  const number = numberOf(text)
  const figure = (value: number): Figure => ({
    value,
    source: COMMAND_LINE + path,
    kind: 'choice',
  })
  const kind = amountKinds[path]
  if (kind !== undefined) {
    const key = path.split('.').at(-1) as string
    return [{ kind, [key]: figure(needNumber(path, text, number)) }]
  }
  if (figureSchema.safeParse(found).success) return [figure(needNumber(path, text, number))]
  switch (typeof found) {
    case 'number':
      return [needNumber(path, text, number)]
    case 'string':
      return [text]
    case 'boolean':
      return [text === 'true' ? true : text === 'false' ? false : text]
    default:
      if (found !== undefined && !isList(found)) throw isPart(path, found as object)
      return [
        ...(number === undefined ? [] : [figure(number), number]),
        ...(text === 'true' ? [true] : text === 'false' ? [false] : []),
        text,
        text.split(',').map((part) => numberOf(part) ?? part),
      ]
  }
}

/** Of plain values, not of items. */
function isList(found: unknown): boolean {
  return Array.isArray(found) && found.every((item) => typeof item !== 'object')
}

function isPart(path: string, found: object): UserError {
  const names = Array.isArray(found)
    ? found.map((item: { readonly id?: string }, index) => item.id ?? index)
    : Object.keys(found)
  return new UserError(`${path} is a part of the scenario, not a value.`, {
    remedy:
      names.length === 0
        ? 'It is empty: add to it in the scenario file.'
        : `Set what is in it: ${names.map((name) => `${path}.${name}`).join(', ')}.`,
  })
}

function numberOf(text: string): number | undefined {
  const number = Number(text)
  return text.trim() !== '' && Number.isFinite(number) ? number : undefined
}

function needNumber(path: string, text: string, number: number | undefined): number {
  if (number !== undefined) return number
  throw new UserError(`${path} is a number, and "${text}" is none.`, {
    remedy: 'Write digits with a point, such as 0.45 or 2e9.',
  })
}

function withValue(holder: unknown, [key, ...rest]: Keys, value: unknown): unknown {
  if (key === undefined) return value
  if (Array.isArray(holder))
    return holder.map((item, index) => (index === key ? withValue(item, rest, value) : item))
  const inner = own(holder as object, key)
  return { ...(holder as object), [key]: withValue(inner, rest, value) }
}

/** Why a value is refused; nothing where the place would take another sort of value, or there is no such place. */
function refusalOf({ issues }: z.ZodError, keys: Keys, isThere: boolean): string | undefined {
  const place = keys.join('.')
  const telling = issues.find(
    (issue) =>
      issue.code !== 'unrecognized_keys' &&
      (isThere || !isOtherSort(issue) || !place.startsWith(issue.path.join('.'))),
  )
  return telling?.message.replace(/\.$/, '')
}

/** Not so for a number that is not whole. */
function isOtherSort(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && (issue.expected as string) !== 'int'
}

function overridden(scenario: Scenario, { path, text }: Setting): Scenario {
  const value = numberOf(text)
  if (value === undefined)
    throw new UserError(`The scenario has no ${path}.`, {
      remedy: `${didYouMean(path, leavesOf(scenario))}A path is that of a value in the scenario, or of a number of the report.`,
    })
  const figure: Figure = { value, source: COMMAND_LINE + path, kind: 'choice' }
  return { ...scenario, overrides: { ...scenario.overrides, [path]: figure } }
}

/** Paths of all values of a scenario that can be set. */
function leavesOf(scenario: Scenario): string[] {
  const { sources: _, ...parts } = scenario
  return leaves(parts, [])
}

function leaves(value: unknown, path: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null || figureSchema.safeParse(value).success)
    return [path.join('.')]
  const entries = Array.isArray(value)
    ? value.map((item, index) => [String((item as { id?: string })?.id ?? index), item] as const)
    : Object.entries(value)
  return entries.flatMap(([key, inner]) => leaves(inner, [...path, key]))
}
