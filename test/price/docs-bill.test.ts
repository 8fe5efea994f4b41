import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadHardwareProfiles } from '../../src/detect/hardware-profile.ts'
import { packageRoot } from '../../src/package-files.ts'
import { figureFinder } from '../../src/price/cost-report.ts'
import { priceSheetSchema } from '../../src/price/price-sheet.ts'
import { priceSubject } from '../../src/price/price-subject.ts'
import { scenarioSchema } from '../../src/price/scenario.ts'
import { statedSubject } from '../../src/price/subject.ts'
import { parseYaml, readYamlFile } from '../../src/yaml-file.ts'

const text = readFileSync(join(packageRoot, 'docs', 'tco.md'), 'utf8')
const sheets = join(packageRoot, 'price-sheets')

const yaml = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
const report = priceSubject(
  statedSubject(4000, undefined, '2026-11-30'),
  parseYaml(yaml, 'docs/tco.md', scenarioSchema),
  {
    profiles: await loadHardwareProfiles(join(packageRoot, 'hardware-profiles')),
    sheets: await Promise.all(
      readdirSync(sheets).map((name) => readYamlFile(join(sheets, name), priceSheetSchema)),
    ),
  },
)

/** Rows of the table whose third column is the path of a figure. */
const rows = [...text.matchAll(/^\|([^|]*)\|([^|]*)\| `([^`]+)` \| ([\d,.]+) \|$/gm)].map(
  ([, step = '', , path = '', value = '']) => ({ step: step.trim(), path, value }),
)

test('the table of the worked bill is found whole', () => {
  expect(rows).toHaveLength(18)
})

test.each(rows)('$step: $path is $value', ({ path, value }) => {
  const decimals = /\.(\d+)$/.exec(value)?.[1]?.length ?? 0
  const printed = Number(value.replaceAll(',', ''))
  const worked = figureFinder(report)(path)?.value
  expect(worked).toBeDefined()
  expect(Number(worked?.toFixed(decimals))).toBe(printed)
})

test('the six lines of the table are the whole bill', () => {
  const own = report.options.find(({ id }) => id === 'own')
  const inTable = rows.flatMap(
    ({ path }) => /^options\.own\.lines\.(.*)\.usdPerYear$/.exec(path)?.[1] ?? [],
  )
  expect(inTable.toSorted()).toEqual(own?.lines.toSorted())
})
