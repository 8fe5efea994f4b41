import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { benchmarkSchema } from '../../src/load/benchmark.ts'
import { mostTokens } from '../../src/load/workloads/sizes.ts'
import { readYamlFile } from '../../src/yaml-file.ts'

const folder = fileURLToPath(new URL('../../benchmarks', import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

describe.each(files)('%s', (name) => {
  const file = join(folder, name)

  test('is a benchmark under its own name, says in a sentence what for, and is completed by editors', async () => {
    const benchmark = await readYamlFile(file, benchmarkSchema)
    expect(`${benchmark.name}.yaml`).toBe(name)
    expect(benchmark.description).toMatch(/^[A-Z\d].{20,}\.$/)
    expect(readFileSync(file, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/schemas\/benchmark\.schema\.json\n/,
    )
  })

  test('fits into a context of 32,768 tokens, and of 1,024 where it is for a laptop', async () => {
    const { workload } = await readYamlFile(file, benchmarkSchema)
    expect(mostTokens(workload)).toBeLessThanOrEqual(name.startsWith('smoke-') ? 1_024 : 32_768)
  })

  test('runs no longer than half a minute a level where it is for a laptop', async () => {
    const { warmupS, durationS = 0 } = await readYamlFile(file, benchmarkSchema)
    if (name.startsWith('smoke-')) expect(warmupS + durationS).toBeLessThanOrEqual(30)
  })
})
