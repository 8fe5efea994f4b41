import { expect, test } from 'vitest'
import { z } from 'zod'
import { jsonFormat } from '../../src/report/json.ts'
import { reportJsonSchema, reportSchema } from '../../src/report/json-schema.ts'
import { hostileReport, sampleReport, variants } from './sample-report.ts'

const schemaText = `${JSON.stringify(reportJsonSchema(), undefined, 2)}\n`
const published = z.fromJSONSchema(JSON.parse(schemaText))

test('the published schema is as on file', async () => {
  await expect(schemaText).toMatchFileSnapshot('../golden/report.schema.json')
})

test.each(Object.keys(variants))('both schemas accept the JSON of "%s"', async (variant) => {
  const document = JSON.parse(await jsonFormat.render((variants[variant] ?? sampleReport)()))
  expect(reportSchema.safeParse(document).error).toBeUndefined()
  expect(published.safeParse(document).error).toBeUndefined()
})

test('reading a document back loses nothing', async () => {
  const document = JSON.parse(await jsonFormat.render(hostileReport('x')))
  expect(reportSchema.parse(document)).toEqual(document)
})

test.each([
  ['at the top', (document: Document) => ({ ...document, extra: 1 })],
  ['in the run', (document: Document) => ({ ...document, run: { ...document.run, extra: 1 } })],
  [
    'in a percentile',
    (document: Document) => {
      const copy = structuredClone(document)
      Object.assign(copy.summary.points[0]?.ttftMs.p50 ?? {}, { extra: 1 })
      return copy
    },
  ],
])('both schemas refuse an unknown key %s', async (_, change) => {
  const document = change(JSON.parse(await jsonFormat.render(sampleReport())))
  expect(reportSchema.safeParse(document).success).toBe(false)
  expect(published.safeParse(document).success).toBe(false)
})

test('both schemas refuse null for an unknown value', async () => {
  const document = JSON.parse(await jsonFormat.render(sampleReport()))
  document.summary.points[0].outputTokensPerS = null
  expect(reportSchema.safeParse(document).success).toBe(false)
  expect(published.safeParse(document).success).toBe(false)
})

test('JSON puts the notice first and leaves unknown keys out', async () => {
  const text = await jsonFormat.render(variants.empty?.() ?? sampleReport())
  expect(Object.keys(JSON.parse(text))).toEqual([
    'notice',
    'schemaVersion',
    'run',
    'summary',
    'cost',
  ])
  expect(text).not.toMatch(/\bnull\b/)
})

test('a report that holds a number that is none is our mistake, and is not written', () => {
  const { cost, ...rest } = sampleReport()
  const broken = { ...rest, cost: { ...cost, pricedLevel: Number.NaN } }
  expect(() => jsonFormat.render(broken)).toThrow('NaN under "pricedLevel"')
})

type Document = z.output<typeof reportSchema>
