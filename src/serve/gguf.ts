/** A typed value of GGUF metadata. */
export type GgufValue =
  | { readonly type: 'u32' | 'i32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly values: readonly string[] }
  | { readonly type: 'i32s'; readonly values: readonly number[] }

/** A tensor to be written. `shape` has the dimension that is contiguous in memory first. */
export interface GgufTensor {
  readonly name: string
  readonly type: 'f32' | 'f16'
  readonly shape: readonly number[]
  readonly values: Float32Array
}

export interface GgufModel {
  readonly metadata: Readonly<Record<string, GgufValue>>
  readonly tensors: readonly GgufTensor[]
}

/** Tensor data, and each tensor in it, starts at a multiple of this many bytes. */
const GGUF_ALIGNMENT_BYTES = 32

const GGUF_VERSION = 3

/** Numbers by which the format names its types. */
const valueTypes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const
const tensorTypes = { f32: 0, f16: 1 } as const
const bytesPerElement = { f32: 4, f16: 2 } as const

/** The bytes of a GGUF file, version 3, little-endian: header, metadata, tensor table, tensor data. */
export function encodeGguf(model: GgufModel): Uint8Array {
  const head = Buffer.concat(headParts(model))
  const parts: Uint8Array[] = [head, padding(head.length)]
  for (const tensor of model.tensors) {
    const data = tensorBytes(tensor)
    parts.push(data, padding(data.length))
  }
  return Buffer.concat(parts)
}

function headParts({ metadata, tensors }: GgufModel): Uint8Array[] {
  const entries = Object.entries(metadata)
  const parts = [Buffer.from('GGUF'), u32(GGUF_VERSION), u64(tensors.length), u64(entries.length)]
  for (const [key, value] of entries) parts.push(string(key), encodeValue(value))
  let offset = 0
  for (const tensor of tensors) {
    parts.push(tensorEntry(tensor, offset))
    offset += aligned(tensor.values.length * bytesPerElement[tensor.type])
  }
  return parts
}

function tensorEntry({ name, type, shape }: GgufTensor, offset: number): Buffer {
  const dimensions = [u32(shape.length), ...shape.map(u64)]
  return Buffer.concat([string(name), ...dimensions, u32(tensorTypes[type]), u64(offset)])
}

function encodeValue(value: GgufValue): Buffer {
  switch (value.type) {
    case 'u32':
      return Buffer.concat([u32(valueTypes.u32), u32(value.value)])
    case 'i32':
      return Buffer.concat([u32(valueTypes.i32), i32(value.value)])
    case 'f32':
      return Buffer.concat([u32(valueTypes.f32), f32(value.value)])
    case 'bool':
      return Buffer.concat([u32(valueTypes.bool), Buffer.from([value.value ? 1 : 0])])
    case 'string':
      return Buffer.concat([u32(valueTypes.string), string(value.value)])
    case 'strings':
      return encodeArray(valueTypes.string, value.values.map(string))
    case 'i32s':
      return encodeArray(valueTypes.i32, value.values.map(i32))
  }
}

function encodeArray(type: number, items: readonly Buffer[]): Buffer {
  return Buffer.concat([u32(valueTypes.array), u32(type), u64(items.length), ...items])
}

function tensorBytes({ type, values }: GgufTensor): Buffer {
  const buffer = Buffer.alloc(values.length * bytesPerElement[type])
  values.forEach((value, index) => {
    if (type === 'f32') buffer.writeFloatLE(value, index * 4)
    else buffer.writeUInt16LE(toFloat16(value), index * 2)
  })
  return buffer
}

const float32 = new Float32Array(1)
const float32Bits = new Uint32Array(float32.buffer)

/**
 * Bits of the IEEE half-precision number nearest to `value`, ties away from zero. Too large becomes
 * infinite, smaller than the smallest normal number (6.1e-5) becomes zero.
 */
export function toFloat16(value: number): number {
  float32[0] = value
  // Half a unit of the last half-precision place, added before the rest is cut off, rounds.
  const bits = ((float32Bits[0] ?? 0) + 0x1000) >>> 0
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15
  if (exponent <= 0) return sign
  if (exponent >= 31) return sign | 0x7c00
  return sign | (exponent << 10) | ((bits >>> 13) & 0x3ff)
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / GGUF_ALIGNMENT_BYTES) * GGUF_ALIGNMENT_BYTES
}

function padding(bytes: number): Uint8Array {
  return new Uint8Array(aligned(bytes) - bytes)
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

function i32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32LE(value)
  return buffer
}

function f32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeFloatLE(value)
  return buffer
}

function u64(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(value))
  return buffer
}
