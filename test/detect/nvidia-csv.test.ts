import { expect, test } from 'vitest'
import { readingValue } from '../../src/detect/reading.ts'
import { readComputeApps, readRows } from '../../src/detect/vendors/nvidia/csv.ts'
import { readKnownFields } from '../../src/detect/vendors/nvidia.ts'

const power = ['name', 'power.draw', 'memory.used']

function valuesOf(csv: string, names = power) {
  const { gpus, strangeLines } = readRows(names, csv)
  return {
    strangeLines,
    values: gpus.map(({ readings }) => [
      readingValue(readings.name),
      readingValue(readings.powerW),
      readingValue(readings.vramUsedMib),
    ]),
  }
}

test('aliases in the help are fields too, and words in quotes are not', () => {
  const help = [
    '"name" or "gpu_name"\r',
    'The name. "Full" for all products.\r',
    '"0: Default" means several contexts are allowed.\r',
    '"clocks.current.sm" or "clocks.sm"\r',
  ]
  expect([...readKnownFields(help.join('\n'))]).toEqual([
    'name',
    'gpu_name',
    'clocks.current.sm',
    'clocks.sm',
  ])
})

test('line ends and marks of Windows are no part of a value', () => {
  expect(valuesOf('\uFEFFA, 1.5, 1\r\nB, 2.5, 2\r\n\r\n')).toEqual({
    values: [
      ['A', 1.5, 1],
      ['B', 2.5, 2],
    ],
    strangeLines: [],
  })
})

test('terminal codes are no part of a value', () => {
  expect(valuesOf('\u001b[4mA\u001b[0m, 1, 1\u0007\n').values).toEqual([['A', 1, 1]])
})

test('a decimal comma makes one value unknown, and moves none into another’s place', () => {
  expect(valuesOf('A, 71,50, 12\n').values).toEqual([['A', undefined, 12]])
  const { gpus } = readRows(power, 'A, 71,50, 12\n')
  expect(gpus[0]?.readings.powerW).toMatchObject({ reason: 'nvidia-smi says 71,50' })
})

test('a row of too few or too many cells is none', () => {
  const { values, strangeLines } = valuesOf('A, 1\nA, 1, 2, 3\nA,1,2\n')
  expect(values).toEqual([])
  expect(strangeLines).toHaveLength(3)
})

test('an empty cell in the middle of a row keeps its place', () => {
  expect(valuesOf('A, , 3\n').values).toEqual([['A', undefined, 3]])
})

test('a value in another unit is not taken for one in ours', () => {
  expect(valuesOf('A, 1500 mW, 8 GiB\n').values).toEqual([['A', undefined, undefined]])
  expect(valuesOf('A, 1.5 W, 8 MiB\n').values).toEqual([['A', 1.5, 8]])
})

test.each(['nan', 'inf', '1e3', '0x10', '1.2.3', '--1'])('"%s" is no number', (said) => {
  expect(valuesOf(`A, ${said}, 1\n`).values).toEqual([['A', undefined, 1]])
})

test('a program’s name may hold commas, blanks and folders', () => {
  const csv =
    '2140, C:\\Program Files, Old\\My Tool.exe, [N/A], GPU-a, 00000000:0C:00.0\r\n' +
    '17, /opt/a/serve --port 80, 12, GPU-a, 00000000:0C:00.0\r\n' +
    'No running processes found\r\n'
  const { apps, strangeLines } = readComputeApps(csv)
  expect(apps.map(({ process }) => process)).toEqual([
    { pid: 2140, name: 'My Tool.exe' },
    { pid: 17, name: 'serve', usedMib: 12 },
  ])
  expect(apps.map(({ gpu }) => readingValue(gpu.readings.pciAddress))).toEqual([
    '0000:0c:00.0',
    '0000:0c:00.0',
  ])
  expect(strangeLines).toEqual(['No running processes found'])
})
