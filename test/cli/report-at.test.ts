import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { baremark } from './program.ts'

const run = fileURLToPath(new URL('../../results/example-quickstart', import.meta.url))
const { summary } = JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8')) as Report
const [slow, fast] = summary.frontier
const label = (level: number | undefined): string | undefined =>
  summary.points.find((point) => point.level === level)?.label

describe('report --at', () => {
  test('between two levels tells a number between theirs, and says that it was not measured', async () => {
    const [from = 0, to = 0] = [slow?.tokensPerSPerUser, fast?.tokensPerSPerUser]
    const ran = await baremark(['report', run, '--at', `${(from + to) / 2} tok/s/user`])
    expect(ran.exitCode).toBe(0)
    expect(ran.stdout).toMatch(/^RANDOM WEIGHTS/)
    const text = ran.stdout.replaceAll(/\s+/g, ' ')
    expect(text).toContain(`INTERPOLATED between ${label(slow?.level)} and ${label(fast?.level)}`)
    expect(text).toContain('a GPU unknown, as it is unknown how many serve')
  })

  test('at a measured level tells what was measured', async () => {
    const at = `${slow?.tokensPerSPerUser} tok/s/user`
    const ran = await baremark(['report', run, '--at', at, '--format', 'json'])
    const { reading, notice } = JSON.parse(ran.stdout)
    expect(notice[0]).toMatch(/^RANDOM WEIGHTS/)
    expect(reading).toEqual({
      kind: 'measured',
      level: slow?.level,
      outputTokensPerS: slow?.outputTokensPerS,
    })
  })

  test('outside says so, and no number', async () => {
    const ran = await baremark(['report', run, '--at', 'TTFT p95 0.001 ms'])
    expect(ran.exitCode).toBe(0)
    expect(ran.stdout).toContain('At TTFT p95 of 0.001 ms: no number, as it is outside what was')
    expect(ran.stdout).not.toContain('output tok/s')
  })

  test('a percentile that no level has enough requests for is told as such', async () => {
    const ran = await baremark(['report', run, '--at', 'tpot p99 5 ms'])
    expect(ran.stdout).toContain('no number: no load level has both')
  })

  test.each([
    [['--at', 'fast'], 'is not a place such as "60 tok/s/user"'],
    [['--at', '60 tok/s/user', '--as', 'vllm'], '--as and --at are two reports'],
    [['--at', '60 tok/s/user', '--format', 'html'], 'Use one of: text, json'],
  ])('%j is refused', async (flags, why) => {
    const ran = await baremark(['report', run, ...flags])
    expect(ran.exitCode).toBe(2)
    expect(ran.stderr).toContain(why)
  })
})
