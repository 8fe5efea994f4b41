import { expect, test } from 'vitest'
import { encodeGguf, toFloat16 } from '../../src/serve/gguf.ts'

test('a small file is what the format says, byte for byte', () => {
  const bytes = encodeGguf({
    metadata: {
      a: { type: 'u32', value: 7 },
      b: { type: 'strings', values: ['x', 'é'] },
    },
    tensors: [
      { name: 't', type: 'f16', shape: [2, 1], values: Float32Array.of(1, -2) },
      { name: 'n', type: 'f32', shape: [1], values: Float32Array.of(0.5) },
    ],
  })
  const u64 = (value: number) => [value, 0, 0, 0, 0, 0, 0, 0]
  const u32 = (value: number) => [value, 0, 0, 0]
  const head = [
    ...Buffer.from('GGUF'),
    ...u32(3),
    ...u64(2), // tensors
    ...u64(2), // metadata entries
    ...[...u64(1), 0x61, ...u32(4), ...u32(7)],
    ...[...u64(1), 0x62, ...u32(9), ...u32(8), ...u64(2)],
    ...[...u64(1), 0x78, ...u64(2), 0xc3, 0xa9],
    ...[...u64(1), 0x74, ...u32(2), ...u64(2), ...u64(1), ...u32(1), ...u64(0)],
    ...[...u64(1), 0x6e, ...u32(1), ...u64(1), ...u32(0), ...u64(32)],
  ]
  const dataStart = Math.ceil(head.length / 32) * 32
  expect([...bytes.subarray(0, head.length)]).toEqual(head)
  expect([...bytes.subarray(head.length, dataStart)].every((byte) => byte === 0)).toBe(true)
  // 1 is 0x3c00 and -2 is 0xc000 in half precision; 0.5 is 0x3f000000 in single.
  expect([...bytes.subarray(dataStart, dataStart + 4)]).toEqual([0x00, 0x3c, 0x00, 0xc0])
  expect([...bytes.subarray(dataStart + 32, dataStart + 36)]).toEqual([0, 0, 0, 0x3f])
  expect(bytes.length).toBe(dataStart + 64)
})

test.each([
  [0, 0x0000],
  [-0, 0x8000],
  [1, 0x3c00],
  [-1.5, 0xbe00],
  [65504, 0x7bff],
  [65520, 0x7c00], // nearest would be 65536, which is out of range
  [1e9, 0x7c00],
  [1 + 2 ** -10, 0x3c01],
  [1 + 2 ** -11, 0x3c01], // half way, away from zero
  [1 + 2 ** -12, 0x3c00],
  [2 - 2 ** -12, 0x4000], // rounds into the next power of two
  [2 ** -14, 0x0400],
  [1e-6, 0x0000],
])('%s in half precision is %i', (value, bits) => {
  expect(toFloat16(value)).toBe(bits)
})
