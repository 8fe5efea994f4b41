import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type FitFlags, fitCommand } from '../../src/cli/fit.ts'
import { modelShape } from '../../src/detect/fit/model-shape.ts'
import { type Fit, fitModel } from '../../src/detect/fit/vram-fit.ts'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import type { Hardware } from '../../src/detect/hardware.ts'
import { absent, ok } from '../../src/detect/reading.ts'
import { baremark } from '../cli/program.ts'
import { gpuWith, hostWith } from './machines.ts'
import * as models from './model-configs.ts'

const GIB = 2 ** 30

/** A GPU of so many GiB, all of it for the server, with nothing but weights and cache in it. */
const bare = (gib: number) => ({ bytesPerGpu: gib * GIB, usableRatio: 1, overheadBytesPerGpu: 0 })

function fits(fit: Fit): Extract<Fit, { kind: 'fits' }> {
  if (fit.kind !== 'fits') throw new Error(`does not fit: ${fit.kind}`)
  return fit
}

test('what vLLM logged for Llama-3-8B on an H100 comes out: 53.29 GiB for the cache', () => {
  // vllm-project/vllm, pull request 10511: 79.22 GiB at 0.90, weights 14.96 GiB, activations 1.26 GiB
  // and 1.79 GiB beside PyTorch.
  const plan = { bytesPerGpu: 79.22 * GIB, usableRatio: 0.9, overheadBytesPerGpu: 3.05 * GIB }
  const shape = modelShape(models.llama31x8b)
  const one = fits(fitModel(shape, plan, { gpus: 1, contextTokens: 8192 }))
  expect((one.weightBytes / GIB).toFixed(2)).toBe('14.96')
  expect((one.cacheBytes / GIB).toFixed(2)).toBe('53.29')
  const two = fits(fitModel(shape, plan, { gpus: 2, contextTokens: 8192 }))
  expect((two.weightBytes / GIB).toFixed(2)).toBe('7.48')
})

test('what SGLang logged for Qwen3-235B on four H100 comes out: 16.46 GiB for 367,404 tokens', () => {
  // vllm-project/vllm, issue 21348: "#tokens: 367404, K size: 8.23 GB, V size: 8.23 GB" on each GPU.
  const large = {
    ...models.qwen3x30b,
    hidden_size: 4096,
    moe_intermediate_size: 1536,
    num_attention_heads: 64,
    num_hidden_layers: 94,
  }
  const shape = modelShape(large)
  expect(shape.parameters).toBe(235_093_634_560)
  const fit = fits(fitModel(shape, bare(141), { gpus: 4, contextTokens: 367_404 }))
  expect((fit.sequenceBytes / GIB / 2).toFixed(2)).toBe('8.23')
})

test('only whole sequences count', () => {
  // A sequence of 8192 tokens takes 8192 · 128 KiB = 1 GiB; 16,060,522,496 bytes of weights are 14.957... GiB.
  const shape = modelShape(models.llama31x8b)
  const sequences = (gib: number) => {
    const fit = fitModel(shape, bare(gib), { gpus: 1, contextTokens: 8192 })
    return fits(fit).sequences
  }
  expect(sequences(15.9)).toBe(0)
  expect(sequences(15.96)).toBe(1)
  expect(sequences(24)).toBe(9)
})

test('a model that is too large says how much each GPU lacks', () => {
  const shape = modelShape(models.llama31x70b)
  const fit = fitModel(shape, bare(80), { gpus: 1, contextTokens: 8192 })
  expect(fit).toEqual({
    kind: 'too-large',
    gpus: 1,
    weightBytes: 141_107_412_992,
    missingBytes: 141_107_412_992 - 80 * GIB,
  })
  expect(fitModel(shape, bare(80), { gpus: 2, contextTokens: 8192 }).kind).toBe('fits')
})

test('two GPUs hold half the cache of a sequence each, but of latent attention all of it', () => {
  const bytesOn = (config: object, gpus: number) =>
    fits(fitModel(modelShape({ ...config }), bare(2000), { gpus, contextTokens: 1000 }))
      .sequenceBytes
  expect(bytesOn(models.llama31x8b, 2)).toBe(bytesOn(models.llama31x8b, 1) / 2)
  expect(bytesOn(models.deepseekV3, 8)).toBe(bytesOn(models.deepseekV3, 1))
  expect(bytesOn(models.deepseekV3, 8)).toBe(70_272_000)
})

test('four KV heads on eight GPUs are copied: no GPU holds less than one', () => {
  // Qwen3-30B-A3B: 48 layers · 2 · 1 head · 128 · 2 bytes.
  const shape = modelShape(models.qwen3x30b)
  const onFour = fits(fitModel(shape, bare(80), { gpus: 4, contextTokens: 1 }))
  const onEight = fits(fitModel(shape, bare(80), { gpus: 8, contextTokens: 1 }))
  expect([onFour.sequenceBytes, onEight.sequenceBytes]).toEqual([24_576, 24_576])
})

test('heads that do not divide are not split', () => {
  // Qwen2.5-7B has 28 heads and 4 KV heads.
  const shape = modelShape(models.qwen25x7b)
  const on = (gpus: number) => fitModel(shape, bare(80), { gpus, contextTokens: 1 })
  expect(on(8)).toMatchObject({
    kind: 'cannot-split',
    why: '28 attention heads do not divide by 8',
  })
  expect(on(7)).toMatchObject({
    kind: 'cannot-split',
    why: '4 KV heads do not divide among 7 GPUs',
  })
  expect(on(4).kind).toBe('fits')
})

test('of an unknown model it is unknown what fits, and never nothing', () => {
  const fit = fitModel(modelShape({ model_type: 'jamba' }), bare(80), { gpus: 1, contextTokens: 1 })
  expect(fit).toEqual({ kind: 'unknown', gpus: 1, missing: ['the architecture "jamba"'] })
})

async function fileOf(config: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-fit-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'config.json')
  await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config))
  return file
}

const defaults: FitFlags = {
  context: 8192,
  kvBytes: 2,
  memoryRatio: 0.9,
  overheadGib: 3,
  json: false,
}

function machine(gpus: readonly Gpu[], memoryTotalMib?: number): () => Promise<Hardware> {
  const host = hostWith(
    memoryTotalMib === undefined ? {} : { memoryTotalMib: ok(memoryTotalMib, 'test') },
  )
  const topology = absent('nobody says', 'test')
  return async () => ({
    detectedAt: '2026-11-23T10:00:00.000Z',
    host,
    gpus,
    topology,
    tools: [],
    hwHash: '',
    stateHash: '',
  })
}

async function fitOn(detect: () => Promise<Hardware>, config: unknown, flags = defaults) {
  let stdout = ''
  const io = { stdout: (text: string) => (stdout += text) }
  await fitCommand(await fileOf(config), flags, io, detect)
  return stdout
}

const card = gpuWith({
  name: ok('NVIDIA H100 80GB HBM3', 'test'),
  vramTotalMib: ok(81_559, 'test'),
  vramReservedMib: ok(439, 'test'),
})

test('the cards of this machine, for people', async () => {
  expect(await fitOn(machine([card, card]), models.llama31x70b)).toMatchInlineSnapshot(`
    "Model: llama
      Parameters  70,553,706,496
      Weights     131 GiB, 2 bytes a parameter
      KV cache    320 KiB a token, 2.50 GiB for 8,192

    Memory: 79.2 GiB a GPU (2 × NVIDIA H100 80GB HBM3, in this machine)
      GPUs  Weights each      Cache each  Sequences of 8,192
         1       131 GiB  63.1 GiB short                none
         2      65.7 GiB        2.59 GiB                   2
         4      32.9 GiB        35.4 GiB                  56
         8      16.4 GiB        51.9 GiB                 165

    On 2 GPUs 2 sequences of 8,192 tokens fit at once.
    Assumed: the server takes 0.9 of the memory, 3 GiB of it on each GPU for other than weights and cache, and 2 bytes a number in the cache.
    "
  `)
})

test('what the driver keeps of the memory is not there for the server', async () => {
  const printed = JSON.parse(
    await fitOn(machine([card]), models.llama31x8b, { ...defaults, json: true }),
  )
  expect(printed.memory).toMatchObject({ bytesPerGpu: 81_120 * 2 ** 20, gpus: 1 })
  expect(printed.model).toMatchObject({ parameters: 8_030_261_248, kvBytesPerToken: 131_072 })
  expect(printed.fits.map(({ gpus }: Fit) => gpus)).toEqual([1, 2, 4, 8])
})

test('of cards that differ the smallest counts, and a GPU inside the processor does not', async () => {
  const small = gpuWith({ vramTotalMib: ok(24_576, 'test') })
  const inside = gpuWith({ memoryUnified: ok(true, 'test') }, 'intel')
  const flags = { ...defaults, json: true }
  const printed = JSON.parse(
    await fitOn(machine([card, small, card, inside], 65_536), models.llama31x8b, flags),
  )
  expect(printed.memory).toMatchObject({ bytesPerGpu: 24 * GIB, gpus: 3 })
  expect(printed.fits.map(({ gpus }: Fit) => gpus)).toEqual([1, 2, 3, 4, 8])
})

test("a Mac's GPU has the machine's memory, or what somebody lets it have", async () => {
  const flags = { ...defaults, json: true }
  const m3 = gpuWith({ memoryUnified: ok(true, 'test') }, 'apple')
  const limited = gpuWith(
    { memoryUnified: ok(true, 'test'), memoryLimitMib: ok(114_688, 'test') },
    'apple',
  )
  const bytes = async (gpu: Gpu) =>
    JSON.parse(await fitOn(machine([gpu], 131_072), models.llama31x8b, flags)).memory.bytesPerGpu
  expect(await bytes(m3)).toBe(128 * GIB)
  expect(await bytes(limited)).toBe(112 * GIB)
})

test('without a GPU it asks for the memory, and does not make one up', async () => {
  await expect(fitOn(machine([]), models.llama31x8b)).rejects.toMatchObject({
    exitCode: 3,
    remedy: expect.stringContaining('--vram-gib'),
  })
})

test('the program: memory stated, one number of GPUs', async () => {
  const file = await fileOf(models.deepseekV3)
  const { exitCode, stdout, stderr } = await baremark([
    'fit',
    file,
    '--vram-gib',
    '141',
    '--gpus',
    '8',
    '--context',
    '32768',
  ])
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(stdout).toMatchInlineSnapshot(`
    "Model: deepseek_v3
      Parameters  671,026,419,200, 37,552,297,472 of them for each token
      Weights     627 GiB, 1.00317 bytes a parameter
      KV cache    68.6 KiB a token, 2.14 GiB for 32,768

    Memory: 141 GiB a GPU (as stated)
      GPUs  Weights each  Cache each  Sequences of 32,768
         8      78.4 GiB    45.5 GiB                   21

    On 8 GPUs 21 sequences of 32,768 tokens fit at once.
    Assumed: the server takes 0.9 of the memory, 3 GiB of it on each GPU for other than weights and cache, and 2 bytes a number in the cache. Not counted: the layers for multi-token prediction.
    "
  `)
})

test('the program: a profile stands for hardware that is not here, with the GB of its data sheet', async () => {
  const argv = ['fit', await fileOf(models.llama31x8b), '--hardware', 'h100-sxm', '--json']
  const { exitCode, stdout } = await baremark(argv)
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout).memory).toMatchObject({
    bytesPerGpu: 80e9,
    of: 'NVIDIA H100 SXM 80 GB',
  })
})

test('the program: a model may be told by flags alone', async () => {
  const sizes = [
    '--parameters',
    '8030261248',
    '--layers',
    '32',
    '--kv-heads',
    '8',
    '--head-size',
    '128',
  ]
  const { stdout } = await baremark(['fit', ...sizes, '--weights-bytes', '1', '--vram-gib', '24'])
  expect(stdout).toContain('8,030,261,248')
  expect(stdout).toContain('128 KiB a token')
})

test.each<[string, unknown, readonly string[], number, RegExp]>([
  ['no such file', undefined, ['/nowhere/config.json'], 2, /No such file/],
  ['no JSON', 'model: llama', [], 2, /is no JSON/],
  ['a list', '[]', [], 2, /describes no model/],
  ['no model', undefined, [], 2, /Which model is not said/],
  [
    'an unknown profile',
    models.llama31x8b,
    ['--hardware', 'h1000'],
    2,
    /no hardware profile "h1000"/,
  ],
  [
    'a profile without GPU',
    models.llama31x8b,
    ['--hardware', 'generic-cpu-host'],
    2,
    /tells a GPU/,
  ],
  ['a share of 2', models.llama31x8b, ['--memory-ratio', '2', '--vram-gib', '1'], 2, /up to 1/],
])('the program refuses %s and says what to do', async (_what, config, args, code, said) => {
  const file = config === undefined ? [] : [await fileOf(config)]
  const { exitCode, stderr, stdout } = await baremark(['fit', ...file, ...args])
  expect(exitCode).toBe(code)
  expect(stderr).toMatch(said)
  expect(stdout).toBe('')
})

test('a name in the file that would steer the terminal is printed harmless', async () => {
  const argv = ['fit', await fileOf({ model_type: 'a\u001b[2Jb\nc' }), '--vram-gib', '80']
  const { stdout } = await baremark(argv)
  expect(stdout).not.toContain('\u001b')
  expect(stdout.split('\n')[0]).toMatch(/^Model: a.*b.*c$/)
})

test('an unknown model is an answer that says what is missing', async () => {
  const argv = ['fit', await fileOf({ model_type: 'jamba' }), '--vram-gib', '80']
  const { exitCode, stdout } = await baremark(argv)
  expect(exitCode).toBe(0)
  expect(stdout).toContain('What fits is unknown, for want of: the architecture "jamba".')
  expect(stdout).not.toMatch(/NaN|undefined|Infinity/)
})
