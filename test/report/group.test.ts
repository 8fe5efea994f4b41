import { describe, expect, test } from 'vitest'
import { groupFormats } from '../../src/report/group-formats.ts'
import type { GroupReport } from '../../src/report/group-report.ts'
import { groupReportSchema } from '../../src/report/group-schema.ts'
import { cutGroup, sampleGroup, simulatedGroup } from './sample-group.ts'

const rendered = (name: string, report: GroupReport): string =>
  groupFormats.find((format) => format.name === name)?.render(report) ?? ''

describe.each(groupFormats)('$name', ({ fileName, render }) => {
  test('of three runs is as on file', async () => {
    await expect(render(sampleGroup())).toMatchFileSnapshot(`../golden/group/${fileName}`)
  })

  test('is the same every time', () => {
    expect(render(sampleGroup())).toBe(render(sampleGroup()))
  })

  test('says SIMULATED and RANDOM WEIGHTS before any figure', () => {
    const text = render(simulatedGroup())
    const figure = Math.max(text.indexOf('102.5'), text.indexOf('order-statistics'), 1_000)
    for (const word of ['SIMULATED', 'RANDOM WEIGHTS']) {
      expect(text.indexOf(word)).toBeGreaterThanOrEqual(0)
      expect(text.indexOf(word)).toBeLessThan(figure)
    }
  })
})

test.each(['text', 'md'])('%s of a group that was interrupted is as on file', async (name) => {
  const fileName = groupFormats.find((format) => format.name === name)?.fileName
  await expect(rendered(name, cutGroup())).toMatchFileSnapshot(`../golden/group-cut/${fileName}`)
})

test.each([sampleGroup, cutGroup, simulatedGroup])('%o in JSON is what its schema says', (make) => {
  const parsed = groupReportSchema.safeParse(JSON.parse(rendered('json', make())))
  expect(parsed.error).toBeUndefined()
})

test.each([sampleGroup, cutGroup, simulatedGroup])('%o fits into 100 columns', (make) => {
  const lines = rendered('text', make()).split('\n')
  expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(100)
})

test('what comes from outside is text in every format', () => {
  const hostile = '=1+1|<b>\u001b[31m'
  const report = sampleGroup()
  const { group, summary } = report
  const runs = summary.runs.map((run) => ({ ...run, directory: hostile }))
  const bad: GroupReport = {
    ...report,
    subject: [{ name: 'Model', text: hostile }],
    group: { ...group, benchmark: hostile, groupId: hostile },
    summary: { ...summary, runs },
  }
  for (const name of ['text', 'md', 'csv', 'html'])
    expect(rendered(name, bad), name).not.toContain('\u001b')
  expect(rendered('html', bad)).not.toContain('<b>')
  expect(rendered('md', bad)).not.toContain('<b>')
  expect(rendered('csv', bad)).not.toMatch(/(^|,)=/m)
})

test('a name of a folder outside the group is none', () => {
  const { group } = sampleGroup()
  const member = groupReportSchema.shape.group.shape.runs
  for (const directory of ['..', '.', '../x', 'a/b', 'a\\b', ''])
    expect(member.safeParse([{ directory, seed: 1 }]).success, directory).toBe(false)
  expect(member.safeParse(group.runs).success).toBe(true)
})
