import { expect, test } from 'vitest'
import { priceSubject } from '../../src/price/price-subject.ts'
import { subjectOfRun } from '../../src/price/subject.ts'
import { comparedRun } from '../../src/verify/compared-run.ts'
import { catalogue, measuredRun, scenario } from '../price/fixtures.ts'

test('shares of a server that only the order of arithmetic tells apart are one ground for a price', () => {
  const { run, summary } = measuredRun(100)
  const cost = priceSubject(subjectOfRun(run, summary), scenario(), catalogue)
  const utilised = (value: number) => ({
    ...cost,
    figures: cost.figures.map((figure) =>
      figure.path === 'options.own.utilisationRatio' ? { ...figure, value } : figure,
    ),
  })
  const basis = (value: number) =>
    comparedRun('a', { schemaVersion: 1, run, summary, cost: utilised(value) }).price?.basis
  expect(basis(0.44999999999999996)).toEqual(basis(0.45))
  expect(basis(0.4501)).not.toEqual(basis(0.45))
})
