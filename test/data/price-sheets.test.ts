import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadHardwareProfiles } from '../../src/detect/hardware-profile.ts'
import { UserError } from '../../src/errors.ts'
import { type Figure, figureSchema, undeclaredSources } from '../../src/figure.ts'
import { packageRoot } from '../../src/package-files.ts'
import { ageDays, type PriceEntry, priceSheetSchema } from '../../src/price/price-sheet.ts'
import { parseYaml, readYamlFile } from '../../src/yaml-file.ts'

const folder = join(packageRoot, 'price-sheets')
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const sheets = await Promise.all(
  files.map(async (name) => ({
    name,
    sheet: await readYamlFile(join(folder, name), priceSheetSchema),
  })),
)
const entries = sheets.flatMap(({ sheet }) => sheet.entries)
const profiles = await loadHardwareProfiles(join(packageRoot, 'hardware-profiles'))

test('there are enough alternatives to compare with', () => {
  const count = (kind: PriceEntry['kind']) => entries.filter((entry) => entry.kind === kind).length
  expect(count('api')).toBeGreaterThanOrEqual(8)
  expect(count('rental')).toBeGreaterThanOrEqual(8)
  expect(count('electricity')).toBeGreaterThanOrEqual(2)
  expect(count('colocation')).toBeGreaterThanOrEqual(2)
})

test('no two entries share an id', () => {
  const ids = entries.map(({ id }) => id)
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
})

test.each(sheets)(
  '$name: every price is above 0, and its source declared and dated',
  ({ sheet }) => {
    expect(undeclaredSources(sheet, sheet.sources)).toEqual([])
    for (const figure of figuresIn(sheet.entries)) {
      expect(figure.value).toBeGreaterThan(0)
      expect(sheet.sources[figure.source]?.date).toBeDefined()
    }
  },
)

test('every rental is of hardware that has a profile', () => {
  const ids = new Set(profiles.map(({ id }) => id))
  for (const entry of entries) {
    if (entry.kind === 'rental') expect(ids).toContain(entry.hardwareProfile)
  }
})

test('what is rented by the GPU is priced for one', () => {
  for (const entry of entries) {
    if (entry.kind === 'rental' && entry.billed === 'per-gpu') expect(entry.gpus).toBe(1)
  }
})

test('a cached input token never costs more than a fresh one', () => {
  for (const entry of entries) {
    if (entry.kind !== 'api' || entry.usdPerMillionCachedInputTokens === undefined) continue
    const { usdPerMillionCachedInputTokens, usdPerMillionInputTokens } = entry
    expect(usdPerMillionCachedInputTokens.value).toBeLessThanOrEqual(usdPerMillionInputTokens.value)
  }
})

test('a token of a longer prompt never costs less, and steps of one model are one entry', () => {
  const stepped = entries.flatMap((entry) =>
    entry.kind === 'api' && entry.longContext ? [{ ...entry, long: entry.longContext }] : [],
  )
  expect(stepped.map(({ id }) => id)).toContain('openai-gpt-5.6-sol')
  for (const { long, usdPerMillionInputTokens, usdPerMillionOutputTokens } of stepped) {
    expect(long.usdPerMillionInputTokens.value).toBeGreaterThan(usdPerMillionInputTokens.value)
    expect(long.usdPerMillionOutputTokens.value).toBeGreaterThan(usdPerMillionOutputTokens.value)
  }
})

test('a batch is cheaper than requests that are answered at once', () => {
  const ratios = entries.flatMap((entry) =>
    entry.kind === 'api' && entry.batchRatio ? [entry.batchRatio.value] : [],
  )
  expect(ratios.length).toBeGreaterThanOrEqual(3)
  for (const ratio of ratios) expect(ratio).toBeLessThan(1)
})

test('a machine without a GPU can be rented, at a price that is marked as nobody’s', () => {
  const entry = entries.find(({ id }) => id === 'placeholder-cpu-vm')
  expect(entry).toMatchObject({
    kind: 'rental',
    hardwareProfile: 'generic-cpu-host',
    usdPerHour: { value: 0.1, kind: 'placeholder' },
  })
})

test('an unknown key is refused at its place', () => {
  const text = `schemaVersion: 1
sources:
  eia: { title: EIA, date: '2026-04' }
entries:
  - kind: electricity
    id: here
    where: here
    usdPerKwh: { value: 0.1, source: eia, kind: survey }
    usdPerKwhAtNight: 0.05
`
  const error = thrownBy(() => parseYaml(text, 'mine.yaml', priceSheetSchema))
  expect(error).toBeInstanceOf(UserError)
  expect(String(error)).toMatch(
    /mine\.yaml:9:\d+: entries\.0\.usdPerKwhAtNight: unknown key "usdPerKwhAtNight"$/,
  )
})

test('a price of an undeclared source is refused by the name of that source', () => {
  const text = `schemaVersion: 1
sources: {}
entries:
  - kind: colocation
    id: here
    where: here
    usdPerKwMonth: { value: 150, source: hearsay, kind: street }
`
  expect(() => parseYaml(text, 'mine.yaml', priceSheetSchema)).toThrow(
    /^mine\.yaml:4:5: entries\.0: no source "hearsay" is declared/,
  )
})

test.each([
  // From the day itself.
  ['2026-11-13', '2026-11-23', 10],
  ['2026-11-23', '2026-11-23', 0],
  // From the last day of the month, quarter, half and year.
  ['2026-10', '2026-11-23', 23],
  ['2024-02', '2024-03-01', 1],
  ['2026-Q3', '2026-10-01', 1],
  ['2026-H1', '2026-07-02', 2],
  ['2024-H2', '2025-12-31', 365],
  ['2025', '2026-01-31', 31],
  // What is not over yet is of today.
  ['2026', '2026-11-23', 0],
  ['2026-Q4', '2026-11-23', 0],
  // Times of day do not count.
  ['2026-11-22', '2026-11-23T23:59:59.999Z', 1],
])('a price of %s is on %s %i days old', (source, now, days) => {
  expect(ageDays(source, now)).toBe(days)
})

test('a price without a date is of unknown age', () => {
  expect(ageDays(undefined, '2026-11-23')).toBeUndefined()
  expect(ageDays('recently', '2026-11-23')).toBeUndefined()
})

function figuresIn(value: unknown): Figure[] {
  const figure = figureSchema.safeParse(value)
  if (figure.success) return [figure.data]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(figuresIn) : []
}

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}
