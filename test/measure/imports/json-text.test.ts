import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonValues } from '../../../src/measure/imports/json-text.ts'

describe('what Python writes beyond JSON', () => {
  test('NaN and the infinities are numbers', () => {
    expect(jsonValues('{"a": NaN, "b": [Infinity, -Infinity]}')).toEqual([
      { a: Number.NaN, b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] },
    ])
  })

  test('inside a text they stay words', () => {
    const said = 'NaN, "Infinity": -Infinity \\'
    expect(jsonValues(`{"said": ${JSON.stringify(said)}, "x": NaN}`)).toEqual([
      { said, x: Number.NaN },
    ])
  })

  test.each(['nan', 'inf', '+Infinity', 'None', 'True', '01', '1.', '.5', '0x1', "'a'"])(
    '%s is no value',
    (text) => {
      expect(() => jsonValues(`{"a": NaN, "b": ${text}}`)).toThrow(/Not JSON at line 1, column 17/)
    },
  )
})

test('whatever JSON holds is read beside a NaN as the engine reads it', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(jsonValues(`[NaN, ${text}]`)).toEqual([[Number.NaN, JSON.parse(text)]])
    }),
  )
})

describe('several values', () => {
  test('one a line, one after another, or over several lines', () => {
    const three = [{ a: 1 }, { a: 2 }, { a: 3 }]
    expect(jsonValues('{"a":1}\n{"a":2}\r\n\n{"a":3}\n')).toEqual(three)
    expect(jsonValues('{"a":1}{"a":2} {\n"a":\n3}')).toEqual(three)
  })

  test('a byte order mark comes before them', () => {
    expect(jsonValues('\uFEFF{"a": Infinity}\n{"a": 2}')).toEqual([
      { a: Number.POSITIVE_INFINITY },
      { a: 2 },
    ])
  })
})

describe('what is broken', () => {
  test.each([
    ['{"a": NaN,\n "b" 1}', 'line 2, column 6'],
    ['{"a": NaN,}', 'line 1, column 11'],
    ['[NaN 1]', 'line 1, column 6'],
    ['{"a": NaN}\n{"a": "cut of', 'line 2, column 7'],
    ['["a\nb", NaN]', 'line 1, column 2'],
  ])('%j is told with its place', (text, place) => {
    expect(() => jsonValues(text)).toThrow(`Not JSON at ${place}`)
  })

  test('nesting without end does not run out of stack', () => {
    expect(() => jsonValues('[NaN,'.repeat(100_000))).toThrow(/nested more than 200 deep/)
  })

  test('a key named __proto__ is a key', () => {
    const [value] = jsonValues('{"__proto__": {"polluted": NaN}}')
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect((value as { polluted?: number }).polluted).toBeUndefined()
  })
})

test('a text of megabytes is read', () => {
  const long = 'x\\"'.repeat(1_000_000)
  const [value] = jsonValues(`{"a": NaN, "text": "${long}"}`)
  expect((value as { text: string }).text).toHaveLength(2_000_000)
})
