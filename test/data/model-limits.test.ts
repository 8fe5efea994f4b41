import { expect, test } from 'vitest'
import { undeclaredSources } from '../../src/figure.ts'
import { modelLimitNames, modelLimitsSchema } from '../../src/measure/search/model-limits.ts'
import { packageRoot } from '../../src/package-files.ts'
import { readYamlFile } from '../../src/yaml-file.ts'
import { publishedFile } from '../measure/statistics/published-cases.ts'

const file = await readYamlFile(`${packageRoot}/model-limits/mlperf.yaml`, modelLimitsSchema)

test('every limit is above 0, and its source declared and dated', () => {
  expect(undeclaredSources(file, file.sources)).toEqual([])
  for (const { ttftMs, tpotMs, latencyMs } of file.limits) {
    const figures = [ttftMs, tpotMs, latencyMs].filter((figure) => figure !== undefined)
    expect(figures.length).toBeGreaterThan(0)
    for (const { value } of figures) expect(value).toBeGreaterThan(0)
  }
})

test('no model has two sets of limits for a scenario', () => {
  const names = modelLimitNames(file)
  expect(new Set(names).size).toBe(names.length)
})

test('interactive is never laxer than server', () => {
  for (const { model, scenario, ttftMs, tpotMs } of file.limits) {
    if (scenario !== 'interactive') continue
    const server = file.limits.find((each) => each.model === model && each.scenario === 'server')
    expect(ttftMs?.value).toBeLessThanOrEqual(server?.ttftMs?.value ?? 0)
    expect(tpotMs?.value).toBeLessThanOrEqual(server?.tpotMs?.value ?? 0)
  }
})

const published: { cases: Published[] } | undefined = publishedFile('mlperf-llm-constraints.yaml')

interface Published {
  readonly model: string
  readonly scenario: string
  readonly ttft_ms?: number
  readonly tpot_ms?: number
  readonly e2e_ms?: number
}

test.skipIf(published === undefined)('are those published, one for one', () => {
  expect(
    file.limits.map(({ model, scenario, ttftMs, tpotMs, latencyMs }) => [
      `${model}/${scenario}`,
      ttftMs?.value,
      tpotMs?.value,
      latencyMs?.value,
    ]),
  ).toEqual(
    published?.cases.map(({ model, scenario, ttft_ms, tpot_ms, e2e_ms }) => [
      `${model}/${scenario}`,
      ttft_ms,
      tpot_ms,
      e2e_ms,
    ]),
  )
})
