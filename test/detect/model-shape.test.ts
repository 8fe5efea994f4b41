import { expect, test } from 'vitest'
import { kvBytesOfSequence } from '../../src/detect/fit/kv-cache.ts'
import type { ModelConfig } from '../../src/detect/fit/model-config.ts'
import { modelShape } from '../../src/detect/fit/model-shape.ts'
import * as models from './model-configs.ts'

// Published counts: of safetensors files on huggingface.co, where nothing else is said.
test.each<[string, ModelConfig, number]>([
  ['Llama-3.1-8B', models.llama31x8b, 8_030_261_248],
  ['Llama-3.1-70B', models.llama31x70b, 70_553_706_496],
  ['Llama-3.2-1B, one table for input and output', models.llama32x1b, 1_235_814_400],
  ['Mistral-7B-v0.1', models.mistral7b, 7_241_732_096],
  ['Qwen2.5-7B, with biases of queries, keys and values', models.qwen25x7b, 7_615_616_512],
  ['Qwen3-0.6B, with norms of queries and keys', models.qwen3x06b, 596_049_920],
  ['Qwen3-30B-A3B', models.qwen3x30b, 30_532_122_624],
  ['Qwen1.5-MoE-A2.7B, with a gated shared expert', models.qwen15moe, 14_315_784_192],
  ['Mixtral-8x7B', models.mixtral8x7b, 46_702_792_704],
  ['Gemma-2-9B, with four norms a layer', models.gemma2x9b, 9_241_705_984],
  ['Gemma-3-1B', models.gemma3x1b, 999_885_952],
  ['Phi-2, with biases everywhere', models.phi2, 2_779_683_840],
  ['Phi-3-mini', models.phi3mini, 3_821_079_552],
  ['GPT-2, by its old names', models.gpt2, 124_439_808],
  ['DeepSeek-V2-Lite, without narrow queries', models.deepseekV2Lite, 15_706_484_224],
  ['DeepSeek-V3 without the layer for multi-token prediction', models.deepseekV3, 671_026_419_200],
  ['gpt-oss-20b, with biased experts and sinks', models.gptOss20b, 20_914_757_184],
])('%s: the parameters are those published', (_name, config, parameters) => {
  expect(modelShape(config).parameters).toBe(parameters)
})

test('gpt-oss-120b is its small sister with more layers and experts', () => {
  const large = { ...models.gptOss20b, num_hidden_layers: 36, num_local_experts: 128 }
  expect(modelShape(large).parameters).toBe(116_829_156_672)
})

// Qwen3 and DeepSeek as their makers round them, 3.3 and 37 billion; Mixtral 12.9 billion.
test.each<[string, ModelConfig, number]>([
  // 46,702,792,704 - 32 layers · 6 idle experts · 3 · 4096 · 14,336.
  ['Mixtral-8x7B', models.mixtral8x7b, 12_879_925_248],
  // 30,532,122,624 - 48 · 120 · 3 · 2048 · 768.
  ['Qwen3-30B-A3B', models.qwen3x30b, 3_353_032_704],
  // 671,026,419,200 - 58 · 248 · 3 · 7168 · 2048.
  ['DeepSeek-V3', models.deepseekV3, 37_552_297_472],
  ['Llama-3.1-8B, which has no experts', models.llama31x8b, 8_030_261_248],
])('%s: those that take part in a token', (_name, config, active) => {
  expect(modelShape(config).activeParameters).toBe(active)
})

test('what a roofline needs is there, by the names of the field', () => {
  const { layers, hiddenSize, attentionHeads, kvHeads, headSize, vocabulary, bytesPerWeight } =
    modelShape(models.llama31x8b)
  expect({
    layers,
    hiddenSize,
    attentionHeads,
    kvHeads,
    headSize,
    vocabulary,
    bytesPerWeight,
  }).toEqual({
    layers: 32,
    hiddenSize: 4096,
    attentionHeads: 32,
    kvHeads: 8,
    headSize: 128,
    vocabulary: 128_256,
    bytesPerWeight: 2,
  })
})

test.each<[string, ModelConfig, number]>([
  // 32 layers · 2 · 8 heads · 128 · 2 bytes.
  ['grouped heads', models.llama31x8b, 131_072],
  // 61 layers · (512 + 64) · 2 bytes: the keys and values of no head.
  ['latent attention', models.deepseekV3, 70_272],
  // 12 layers · 2 · 12 heads · 64 · 2 bytes.
  ['a head each', models.gpt2, 36_864],
])('the KV cache of a token: %s', (_what, config, bytes) => {
  expect(modelShape(config).kvBytesPerToken).toBe(bytes)
})

test('an 8-bit cache is half of it', () => {
  expect(modelShape(models.llama31x8b, { kvBytesPerElement: 1 }).kvBytesPerToken).toBe(65_536)
})

test.each<[string, ModelConfig, readonly [layers: number, windowTokens?: number][]]>([
  ['every sixth layer of Gemma 3 is full: 6, 12, 18, 24 of 26', models.gemma3x1b, [[4], [22, 512]]],
  ['every second of Gemma 2', models.gemma2x9b, [[21], [21, 4096]]],
  ['gpt-oss lists its layers', models.gptOss20b, [[12], [12, 128]]],
  ['all of Mistral-7B-v0.1 have a window', models.mistral7b, [[32, 4096]]],
  ['a window that nobody asked for is none', models.qwen25x7b, [[28]]],
  [
    'one that is asked for is of the layers from max_window_layers on',
    { ...models.qwen25x7b, use_sliding_window: true, max_window_layers: 21 },
    [[21], [7, 131_072]],
  ],
])('windows: %s', (_what, config, expected) => {
  const groups = modelShape(config).kvGroups?.filter((group) => group.layers > 0) ?? []
  const windows = groups.map(({ layers, windowTokens }) => [layers, windowTokens])
  expect(windows.sort((a, b) => (a[1] ?? 0) - (b[1] ?? 0))).toEqual(
    expected.map(([layers, windowTokens]) => [layers, windowTokens]),
  )
})

test('a layer with a window keeps no more than its window', () => {
  // A layer keeps 2 · 1 head · 256 · 2 = 1024 bytes a token: 4 · 8192 + 22 · 512 tokens of them.
  const groups = modelShape(models.gemma3x1b).kvGroups ?? []
  expect(kvBytesOfSequence(groups, 8192)).toBe(45_088_768)
  expect(kvBytesOfSequence(groups, 512)).toBe(26 * 512 * 1024)
})

test("the text part of a model that sees is counted, by its class's sizes, and the rest is named", () => {
  const shape = modelShape(models.gemma3x4b)
  // 262,208 · 2560 for the table, 34 layers of 2560 · (8 + 2·4 + 8) · 256 + 3 · 2560 · 10,240
  // + 4 · 2560 + 2 · 256, and the last norm of 2560.
  expect(shape.parameters).toBe(3_880_263_168)
  expect(shape.weightBytes).toBe(2 * 3_880_263_168)
  expect(shape.uncounted).toEqual(['vision_config'])
})

test('a layer for multi-token prediction is named, not counted', () => {
  expect(modelShape(models.deepseekV3).uncounted).toEqual(['the layers for multi-token prediction'])
})

const GIB = 2 ** 30

test('MXFP4 shrinks the experts and nothing else: 12.8 and 60.8 GiB, as the gpt-oss card says', () => {
  const small = modelShape(models.gptOss20b)
  // 19,110,297,600 weights of experts at 4 bits and an 8-bit scale for 32; 1,804,459,584 at 2 bytes.
  expect(small.weightBytes).toBe(19_110_297_600 * 0.53125 + 1_804_459_584 * 2)
  expect(((small.weightBytes ?? 0) / GIB).toFixed(1)).toBe('12.8')
  const large = { ...models.gptOss20b, num_hidden_layers: 36, num_local_experts: 128 }
  expect(((modelShape(large).weightBytes ?? 0) / GIB).toFixed(1)).toBe('60.8')
})

const quantised = (config: ModelConfig, quantization_config: object): ModelConfig => ({
  ...config,
  quantization_config,
})

// Of Llama-3.1-8B 6,979,321,856 weights are in matrices of layers: 32 · (2 · 4096 · (4096 + 1024) + 3 · 4096 · 14,336).
test.each<[string, object, number]>([
  [
    'FP8 by blocks of 128 · 128',
    { quant_method: 'fp8', weight_block_size: [128, 128] },
    1 + 4 / 16_384,
  ],
  ['FP8 without blocks', { quant_method: 'fp8' }, 1],
  // 4 bits, and for 128 weights a scale of 2 bytes and a zero point of 4 bits.
  ['GPTQ', { quant_method: 'gptq', bits: 4, group_size: 128 }, 0.5 + 2.5 / 128],
  ['AWQ of 64', { quant_method: 'awq', bits: 4, group_size: 64 }, 0.5 + 2.5 / 64],
  ['GPTQ by rows', { quant_method: 'gptq', bits: 8, group_size: -1 }, 1],
  ['bitsandbytes in 8 bits', { quant_method: 'bitsandbytes', load_in_8bit: true }, 1],
  ['bitsandbytes in 4 bits', { quant_method: 'bitsandbytes', load_in_4bit: true }, 0.5 + 4 / 64],
  [
    'compressed-tensors',
    {
      quant_method: 'compressed-tensors',
      config_groups: { group_0: { weights: { num_bits: 8, type: 'float', strategy: 'channel' } } },
      ignore: ['lm_head'],
    },
    1,
  ],
  [
    'NVFP4',
    {
      quant_method: 'compressed-tensors',
      config_groups: { group_0: { weights: { num_bits: 4, type: 'float', group_size: 16 } } },
      ignore: ['lm_head'],
    },
    0.5 + 1 / 16,
  ],
])('%s shrinks the matrices of layers, and tables and norms stay', (_what, told, bytesEach) => {
  const { weightBytes } = modelShape(quantised(models.llama31x8b, told))
  const rest = 8_030_261_248 - 6_979_321_856
  expect(weightBytes).toBeCloseTo(6_979_321_856 * bytesEach + rest * 2, 0)
})

test.each<[string, ModelConfig, string]>([
  ['an architecture nobody described here', { model_type: 'jamba' }, 'the architecture "jamba"'],
  [
    "the name of an object's own method",
    { model_type: 'constructor' },
    'the architecture "constructor"',
  ],
  ['no architecture', {}, 'model_type'],
  ['no width', { ...models.llama31x8b, hidden_size: undefined }, 'hidden_size'],
  ['a text where a number belongs', { ...models.llama31x8b, vocab_size: '128256' }, 'vocab_size'],
  ['half a layer', { ...models.llama31x8b, num_hidden_layers: 31.5 }, 'num_hidden_layers'],
  [
    'no number of experts',
    { ...models.mixtral8x7b, num_local_experts: undefined },
    'num_local_experts',
  ],
])('of %s the parameters are unknown, and it says what is missing', (_what, config, gap) => {
  const { parameters, weightBytes, gaps } = modelShape(config)
  expect(parameters).toBeUndefined()
  expect(weightBytes).toBeUndefined()
  expect(gaps).toContain(gap)
})

test('layers of a kind without keys and values make the cache unknown', () => {
  const hybrid = {
    ...models.qwen3x06b,
    num_hidden_layers: 2,
    layer_types: ['linear_attention', 'full_attention'],
  }
  const { kvGroups, kvBytesPerToken, gaps } = modelShape(hybrid)
  expect([kvGroups, kvBytesPerToken]).toEqual([undefined, undefined])
  expect(gaps).toContain('the cache of layers of type "linear_attention"')
})

test.each<[string, ModelConfig]>([
  ['a data type it does not know', { ...models.llama31x8b, torch_dtype: 'float6' }],
  ['no data type', { ...models.llama31x8b, torch_dtype: undefined }],
  ['a method it does not know', quantised(models.llama31x8b, { quant_method: 'aqlm' })],
  [
    'matrices that are left out one by one',
    quantised(models.llama31x8b, {
      quant_method: 'fbgemm_fp8',
      modules_to_not_convert: ['model.layers.0.mlp.down_proj'],
    }),
  ],
])('with %s the bytes are unknown and the parameters are not', (_what, config) => {
  const { parameters, weightBytes, bytesPerWeight } = modelShape(config)
  expect(parameters).toBe(8_030_261_248)
  expect([weightBytes, bytesPerWeight]).toEqual([undefined, undefined])
})

test('what somebody states goes before the file, and fills in for an architecture not known', () => {
  const stated = {
    parameters: 52_000_000_000,
    layers: 4,
    kvHeads: 8,
    headSize: 128,
    bytesPerWeight: 2,
  }
  const { parameters, weightBytes, kvBytesPerToken, activeParameters, gaps } = modelShape(
    { model_type: 'jamba', num_hidden_layers: 32 },
    stated,
  )
  expect({ parameters, weightBytes, kvBytesPerToken, activeParameters, gaps }).toEqual({
    parameters: 52_000_000_000,
    weightBytes: 104_000_000_000,
    // 4 · 2 · 8 · 128 · 2.
    kvBytesPerToken: 16_384,
    activeParameters: undefined,
    gaps: [],
  })
})

test('whatever one line of a file says, each figure is a number of at least 0, or unknown', () => {
  const files = Object.entries(models).flatMap(([name, config]) =>
    Object.keys(config).map((key) => ({ name, key, config })),
  )
  const values = [undefined, null, 'text', -1, 0, 1e12, 0.5, [], {}, true]
  for (const { name, key, config } of files) {
    for (const value of values) {
      const shape = modelShape({ ...config, [key]: value })
      const { parameters, activeParameters, weightBytes, bytesPerWeight, kvBytesPerToken } = shape
      const figures = [parameters, activeParameters, weightBytes, bytesPerWeight, kvBytesPerToken]
      const strange = figures.filter(
        (figure) => !(figure === undefined || (figure >= 0 && figure < Infinity)),
      )
      expect(strange, `${name} with ${key} of ${JSON.stringify(value)}`).toEqual([])
    }
  }
})
