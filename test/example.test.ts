import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { RequestRecord } from '../src/load/record.ts'
import { figureFinder } from '../src/price/cost-report.ts'
import type { Report } from '../src/report/report.ts'
import { verifyRun } from '../src/verify/verify-run.ts'
import { baremark } from './cli/program.ts'
import { decodeLine } from './load/decode-line.ts'

const results = fileURLToPath(new URL('../results/', import.meta.url))
const examples = readdirSync(results).filter((name) => name.startsWith('example-'))

const readText = (example: string, name: string): string =>
  readFileSync(join(results, example, name), 'utf8')
const readReport = (example: string): Report =>
  JSON.parse(readText(example, 'summary.json')) as Report
const readRecords = (example: string): RequestRecord[] =>
  readText(example, 'requests.jsonl').trimEnd().split('\n').map(decodeLine)

describe('the quickstart, recomputed from its journal with nothing but arithmetic', () => {
  const example = 'example-quickstart'
  const { run, summary, cost } = readReport(example)
  const records = readRecords(example)
  const level = summary.points.length - 1
  const point = summary.points[level]
  const log = run.levels[level]
  const measured = records.filter((record) => record.level === level && record.phase === 'measured')
  const ascending = (values: number[]): number[] => values.sort((a, b) => a - b)
  const rank = (values: number[], share: number): number | undefined =>
    values[Math.ceil(share * values.length) - 1]

  test('one request: its first token, and its time per token', () => {
    const one = measured[0]
    if (!one || one.sentMs === undefined) throw new Error('the example holds no measured request')
    const [first = Number.NaN] = one.chunkMs
    const last = one.chunkMs.at(-1) ?? Number.NaN
    const ttftMs = first - one.sentMs
    // 32 tokens: 31 gaps from the first to the last.
    expect(one.usage?.outputTokens).toBe(32)
    const tpotMs = (last - first) / 31
    expect(ttftMs).toBeGreaterThan(0)
    expect(tpotMs).toBeGreaterThan(0)
    expect(ttftMs).toBeGreaterThanOrEqual(point?.ttftMs.min ?? Number.NaN)
    expect(ttftMs).toBeLessThanOrEqual(point?.ttftMs.max ?? Number.NaN)
    expect(tpotMs).toBeLessThanOrEqual(point?.tpotMs.max ?? Number.NaN)
  })

  test('the median and p95 of the first token', () => {
    const ttftMs = ascending(
      measured.map((record) => (record.chunkMs[0] ?? 0) - (record.sentMs ?? 0)),
    )
    expect(point?.ttftMs.p50.value).toBe(rank(ttftMs, 0.5))
    expect(point?.ttftMs.p95.value).toBe(rank(ttftMs, 0.95))
  })

  test('the median time per output token', () => {
    const tpotMs = ascending(
      measured.map(
        ({ chunkMs, usage }) =>
          ((chunkMs.at(-1) ?? 0) - (chunkMs[0] ?? 0)) / ((usage?.outputTokens ?? 0) - 1),
      ),
    )
    expect(point?.tpotMs.p50.value).toBe(rank(tpotMs, 0.5))
  })

  test('the gaps between chunks, to the microsecond', () => {
    const gapsUs = ascending(
      measured.flatMap(({ chunkMs }) =>
        chunkMs.slice(1).map((ms, i) => Math.round(1000 * (ms - (chunkMs[i] ?? 0)))),
      ),
    )
    const { interChunkMs } = point ?? {}
    expect(interChunkMs?.n).toBe(gapsUs.length)
    expect(interChunkMs?.p50.value).toBe((rank(gapsUs, 0.5) ?? 0) / 1000)
    expect(interChunkMs?.p99.value).toBe((rank(gapsUs, 0.99) ?? 0) / 1000)
    expect(interChunkMs?.max).toBe((gapsUs.at(-1) ?? 0) / 1000)
    const totalUs = gapsUs.reduce((sum, us) => sum + us, 0)
    expect(interChunkMs?.mean).toBe(totalUs / (1000 * gapsUs.length))
  })

  // One token a chunk: the server streams token by token, so tokens inside the window are chunks inside it.
  const windowS = ((log?.windowEndMs ?? 0) - (log?.windowStartMs ?? 0)) / 1000
  const inside = records
    .filter((record) => record.level === level)
    .flatMap(({ chunkMs }) => chunkMs)
    .filter((ms) => ms >= (log?.windowStartMs ?? 0) && ms < (log?.windowEndMs ?? 0)).length

  test('the throughput', () => {
    expect(point?.tokensPerChunk).toBe(1)
    expect(point?.outputTokensPerS).toBeCloseTo(inside / windowS, 9)
  })

  test('the price of a million output tokens', () => {
    const input = (name: string): number => {
      const { value } = figureFinder(cost)(name) ?? {}
      if (value === undefined) throw new Error(`no ${name}`)
      return value
    }
    const own = (name: string): number => input(`options.own.${name}`)
    const price = own('serverPriceUsd')
    const r = input('finance.costOfCapitalRatioPerYear')
    const n = own('lifeYears')
    const u = 0.45
    const capital =
      ((price - (price * own('residualRatio')) / (1 + r) ** n) * r) / (1 - (1 + r) ** -n)
    const meanW = own('idlePowerW') + u * (own('loadPowerW') - own('idlePowerW'))
    const electricity = (meanW / 1000) * 8760 * own('pueRatio') * own('electricityUsdPerKwh')
    const support = price * own('supportRatioPerYear')
    const millionsPerYear = ((inside / windowS) * 8760 * 3600 * u) / 1e6
    const expected = (capital + electricity + support) / millionsPerYear
    expect(cost.levels[level]?.usdPerMillionOutputTokens).toBeCloseTo(expected, 9)
  })
})

describe.each(examples)('results/%s', (example) => {
  test('is unchanged, and its figures follow from its records', async () => {
    const { checksums, figures } = await verifyRun(join(results, example))
    expect(checksums?.filter(({ status }) => status !== 'same')).toEqual([])
    expect(figures).toBe('same')
  })

  test.each([
    ['md', 'report.md'],
    ['csv', 'report.csv'],
    ['html', 'report.html'],
  ])('its %s report is what this version writes', async (format, name) => {
    const { stdout } = await baremark(['report', join(results, example), '--format', format])
    expect(stdout).toBe(readText(example, name))
  })
})
