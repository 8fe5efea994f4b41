import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parsePrometheus } from '../../src/load/prometheus.ts'

/** Series as plain values. */
const read = (text: string) =>
  parsePrometheus(text).series.map(({ name, labels, value }) => [
    name,
    Object.fromEntries(labels),
    value,
  ])

describe('a line of metrics', () => {
  test.each([
    ['up 1', 'up', {}, 1],
    ['up{} 1', 'up', {}, 1],
    ['a:b_c{x="1",y="2"} 3.5', 'a:b_c', { x: '1', y: '2' }, 3.5],
    ['a { x = "1" , y="2", } 3', 'a', { x: '1', y: '2' }, 3],
    ['a\t{x="1"}\t3', 'a', { x: '1' }, 3],
    ['a{x="}{,=#"} 3', 'a', { x: '}{,=#' }, 3],
    ['a{x="say \\"hi\\"\\\\n\\n."} 3', 'a', { x: 'say "hi"\\n\n.' }, 3],
    ['a{x=""} 3', 'a', { x: '' }, 3],
    ['a{__proto__="1"} 3', 'a', Object.fromEntries([['__proto__', '1']]), 3],
    ['a 3 1712345678901', 'a', {}, 3],
    ['a{x="1"} 3 1712345678.901', 'a', { x: '1' }, 3],
    ['a_bucket{le="0.5"} 17 # {trace_id="abc"} 0.43 1520879607.789', 'a_bucket', { le: '0.5' }, 17],
    ['a 1.15891634176e+011', 'a', {}, 115_891_634_176],
    ['a -2.5E-3', 'a', {}, -0.0025],
    ['a .5', 'a', {}, 0.5],
    ['a 5.', 'a', {}, 5],
    ['a +Inf', 'a', {}, Number.POSITIVE_INFINITY],
    ['a Inf', 'a', {}, Number.POSITIVE_INFINITY],
    ['a -Inf', 'a', {}, Number.NEGATIVE_INFINITY],
    ['a NaN', 'a', {}, Number.NaN],
    ['{"a.b", x="1"} 3', 'a.b', { x: '1' }, 3],
    ['{"a.b"} 3', 'a.b', {}, 3],
    ['a{"x.y"="1"} 3', 'a', { 'x.y': '1' }, 3],
  ])('%s', (line, name, labels, value) => {
    expect(read(line)).toEqual([[name, labels, value]])
    expect(parsePrometheus(`${line}\r\n`).unreadableLines).toBe(0)
  })

  test.each([
    'a',
    'a{x="1"}',
    'a one',
    'a 0x10',
    'a 1 2 3',
    'a{x="1" 3',
    'a{x="1"y="2"} 3',
    'a{x=1} 3',
    'a{x} 3',
    'a{x="1\\"} 3',
    '1a 3',
    '<html> 1',
    '{x="1"} 3',
    'a{x="x="x="x="',
  ])('%s is none, and is counted', (line) => {
    expect(parsePrometheus(`good 1\n${line}\ngood 2`)).toMatchObject({
      series: [{ value: 1 }, { value: 2 }],
      unreadableLines: 1,
    })
  })

  test('comments, empty lines and the end mark of OpenMetrics are no series', () => {
    expect(parsePrometheus('# HELP a b\n# TYPE a counter\n# UNIT a s\n\n#\n# EOF\n')).toEqual({
      series: [],
      unreadableLines: 0,
    })
  })

  test('what is not wanted is not looked at', () => {
    const { series, unreadableLines } = parsePrometheus(
      'a 1\nbad{ 1\nb 2\n{"a"} 3',
      (n) => n === 'a',
    )
    expect(series.map(({ value }) => value)).toEqual([1, 3])
    expect(unreadableLines).toBe(0)
  })

  test('a page without an end costs no more than its length', () => {
    const labels = 'x="1",'.repeat(100_000)
    expect(parsePrometheus(`a{${labels} 1`).unreadableLines).toBe(1)
  })
})

const fixtures =
  process.env.BAREMARK_FIXTURES ??
  fileURLToPath(new URL('../../../shared/fixtures', import.meta.url))
const metrics = join(fixtures, 'server-metrics')

describe.skipIf(!existsSync(metrics))('captures of real servers', () => {
  test.each([
    // Lines that are neither empty nor a comment.
    ['nim-1.0-llama31-8b.abridged.prom', 46],
    ['vllm-v0-2024-06-opt125m.abridged.prom', 29],
    ['triton-19.09-onnx.metrics.txt', 22],
  ])('%s is read to the last line', (file, count) => {
    const text = readFileSync(join(metrics, file), 'utf8')
    const parsed = parsePrometheus(text)
    expect(parsed.unreadableLines).toBe(0)
    expect(parsed.series).toHaveLength(count)
  })
})
