import { expect, test } from 'vitest'
import type { Imported } from '../../src/measure/imports/imported.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { statedSubject, subjectOfImport } from '../../src/price/subject.ts'
import { catalogue, scenario } from './fixtures.ts'

const imported: Imported = {
  tool: { name: 'vLLM', version: '0.9' },
  format: 'vllm',
  clockStart: 'sent',
  points: [
    {
      label: 'one',
      date: '2026-11-20 10:00',
      requests: {},
      outputTokensPerS: 800,
      inputTokensPerS: 1600,
      requestsPerS: 100,
      gpu: { name: 'Test GPU 80GB', count: 2 },
      metrics: {},
    },
  ],
  cannotTell: [],
  notes: [],
}

test('another tool’s result is priced by the hardware that it names, and as not judged', () => {
  const parts = { scenario: { hardwareProfile: undefined }, rent: { rental: undefined } }
  const report = priceSubject(subjectOfImport(imported), scenario(parts), catalogue)
  const find = figureFinder(report)
  expect(find('measured.units')?.value).toBe(2)
  expect(find('measured.outputTokensPerS')).toMatchObject({ value: 800, date: '2026-11-20' })
  expect(find('options.own.outputTokensPerSPerServer')?.value).toBe(3200)
  expect(report.warnings.map(({ kind }) => kind)).toContain('not-judged')
  expect(report.warnings.map(({ kind }) => kind)).toContain('no-slo')
})

test('a stated throughput costs the same as a measured one, and is said to be only stated', () => {
  const report = priceSubject(statedSubject(800, 1600, undefined), scenario(), catalogue)
  expect(figureFinder(report)('options.own.usdPerYear')?.value).toBeCloseTo(3854.4, 9)
  expect(figureFinder(report)('measured.outputTokensPerS')?.origin).toBe('choice')
  expect(report.warnings.find(({ kind }) => kind === 'not-judged')?.text).toContain('stated')
})
