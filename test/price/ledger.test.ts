import { describe, expect, test } from 'vitest'
import { compileLedger, rowsBehind, startLedger, workOut } from '../../src/price/ledger.ts'

/** a = 2, b unknown, sum = a + 3, deep = sum x a, blind = a + b. */
function smallLedger() {
  const { input, result, ledger } = startLedger()
  const number = (path: string, value?: number) =>
    input({ path, label: path, unit: 'USD', value, origin: 'choice', source: 'a test' })
  const from = (
    path: string,
    paths: string[],
    work: (values: readonly number[]) => number | undefined,
  ) => result({ path, label: path, unit: 'USD', formula: path, from: paths, work })
  number('a', 2)
  number('b')
  from('sum', ['a'], ([a = 0]) => a + 3)
  from('deep', ['sum', 'a'], ([sum = 0, a = 0]) => sum * a)
  from('blind', ['a', 'b'], ([a = 0, b = 0]) => a + b)
  from('endless', ['a'], ([a = 0]) => 1 / (a - 2))
  return ledger()
}

describe('a ledger', () => {
  const ledger = smallLedger()

  test('is worked in order, and what an unknown is in is unknown', () => {
    expect(Object.fromEntries(workOut(ledger))).toEqual({
      a: 2,
      b: undefined,
      sum: 5,
      deep: 10,
      blind: undefined,
      endless: undefined,
    })
  })

  test('is worked again with an input, or a result, replaced', () => {
    expect(workOut(ledger, new Map([['a', 4]])).get('deep')).toBe(28)
    expect(workOut(ledger, new Map([['sum', 1]])).get('deep')).toBe(2)
    expect(workOut(ledger, new Map([['b', 1]])).get('blind')).toBe(3)
  })

  test('tells what is behind a row, itself included', () => {
    expect(rowsBehind(ledger, ['deep']).map(({ path }) => path)).toEqual(['a', 'sum', 'deep'])
  })

  test('compiled gives what it gives worked, NaN for unknown', () => {
    const work = compileLedger(ledger, ['a'], ['deep', 'blind', 'a'])
    expect([...work([4])]).toEqual([28, Number.NaN, 4])
    expect([...work([2])]).toEqual([10, Number.NaN, 2])
    expect([...compileLedger(ledger, ['a', 'b'], ['blind'])([1, 5])]).toEqual([6])
  })

  test('refuses a path that is taken, and a row worked from one that is not there yet', () => {
    const { input, result } = startLedger()
    const row = { label: 'x', unit: 'USD' }
    input({ ...row, path: 'x', value: 1, origin: 'choice', source: 'a test' })
    expect(() =>
      input({ ...row, path: 'x', value: 2, origin: 'choice', source: 'a test' }),
    ).toThrow('two rows of the ledger are called x')
    expect(() => result({ ...row, path: 'y', formula: 'z', from: ['z'], work: () => 1 })).toThrow(
      'y is worked from z, no row',
    )
  })
})
