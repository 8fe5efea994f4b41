import { describe, expect, test } from 'vitest'
import { type AcceleratorFacts, acceleratorOf } from '../../src/detect/accelerator.ts'
import type { ModelConfig } from '../../src/detect/fit/model-config.ts'
import { modelFacts } from '../../src/detect/fit/model-facts.ts'
import type { HardwareProfile } from '../../src/detect/hardware-profile.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { RunLog } from '../../src/load/run-log.ts'
import type { LaunchConfiguration } from '../../src/load/server-identity.ts'
import { type ModelWork, startModelWork } from '../../src/measure/model-work.ts'
import { type RooflineInputs, rooflineInputs, rooflineOf } from '../../src/measure/roofline.ts'
import { summarize } from '../../src/measure/summarize.ts'
import * as models from '../detect/model-configs.ts'
import { benchmark, levelLog, record, runLog, shifted } from './records.ts'
import { simulateLevel } from './simulated-level.ts'

const figure = (value: number) => ({ value, source: 'data sheet', date: '2026-04-03' })
const h100: AcceleratorFacts = {
  profile: 'h100-sxm',
  name: 'NVIDIA H100 SXM 80 GB',
  unit: 'gpu',
  how: 'stated',
  bandwidthGbPerS: figure(3350),
  bf16DenseTflops: figure(989),
  fp8DenseTflops: figure(1979),
}

interface SetUp {
  readonly model?: ModelConfig
  readonly accelerator?: AcceleratorFacts | 'none'
  readonly gpus?: number
  readonly launch?: LaunchConfiguration
  readonly workload?: object
}

function runOf({ model = models.llama31x8b, ...given }: SetUp = {}): RunLog {
  const { accelerator = h100, gpus = 1, launch, workload } = given
  const { config, target } = runLog()
  return runLog({
    config: {
      ...config,
      gpus: gpus === 0 ? undefined : gpus,
      benchmark: benchmark({ ...(workload ? { workload } : {}) }),
    },
    target: {
      ...target,
      ...(launch ? { server: { kind: 'vllm', proof: 'test', launch } } : {}),
    },
    roofline: {
      model: modelFacts(model, 'sha'),
      ...(accelerator === 'none' ? {} : { accelerator }),
    },
  })
}

function inputsOf(setUp?: SetUp): RooflineInputs {
  const inputs = rooflineInputs(runOf(setUp))
  if (inputs === undefined) throw new Error('no roofline')
  return inputs
}

const told = <T>(value: T) => ({ value, source: 'test' })

/**
 * So many answers side by side, 100 tokens in and 201 out: 200 steps. Contexts of 101 to 300 tokens are 40,100 an answer;
 * reading a prompt makes 100 x 101 / 2 = 5,050 pairs. Llama-3.1-8B has 32 layers and 65,536 numbers in the cache a token.
 */
function workOf(batch: number, layers = 32, numbers = 65_536): ModelWork {
  return {
    decodeTokens: 200 * batch,
    steps: 200,
    firstTokens: batch,
    promptTokens: 100 * batch,
    decodePairs: 40_100 * layers * batch,
    promptPairs: 5050 * layers * batch,
    kvNumbersRead: 40_100 * numbers * batch,
  }
}

describe('Llama-3.1-8B on an H100, billed by hand', () => {
  // 8,030,261,248 weights, of which the embeddings are 128,256 x 4096 = 525,336,576, and the output head as many.
  // A step reads all but the embeddings, 2 bytes each: 15,009,849,344 bytes.
  test('one answer, 2 s: 1,503.6 GB/s are 44.9 % of the bandwidth, 2.2 TFLOP/s 0.22 % of the peak', () => {
    const roofline = rooflineOf(workOf(1), 2, inputsOf())
    const bytes = 200 * 15_009_849_344 + 40_100 * 65_536 * 2
    expect(bytes / 2).toBe(1_503_612_928_000)
    expect(roofline.batch).toBe(1)
    expect(roofline.stepsPerS).toBe(100)
    expect(roofline.bytesPerS).toEqual({ low: bytes / 2, high: bytes / 2 })
    expect(roofline.memoryRatio?.low).toBeCloseTo(1503.612928 / 3350, 12)
    // 300 tokens through 6,979,588,096 weights of the layers, 201 through the head; 32 heads x 2 x (128 + 128) for a pair.
    const flops = 2 * 6_979_588_096 * 300 + 2 * 525_336_576 * 201 + 16_384 * 32 * (40_100 + 5050)
    expect(roofline.flopsPerS).toBe(flops / 2)
    expect(roofline.computeRatio).toBeCloseTo(flops / 2 / 989e12, 12)
    expect(roofline.computeRatio).toBeCloseTo(0.002236, 6)
    expect(roofline.bound).toBe('neither')
  })

  test('64 answers, 1.9 s: weights are read once for all, the cache of each: 52.4 %, bound by memory', () => {
    const roofline = rooflineOf(workOf(64), 1.9, inputsOf())
    const bytes = 200 * 15_009_849_344 + 64 * 40_100 * 131_072
    expect(bytes).toBe(3_338_353_049_600)
    expect(roofline.batch).toBe(64)
    expect(roofline.memoryRatio?.high).toBeCloseTo(bytes / 1.9 / 3.35e12, 12)
    expect(roofline.memoryRatio?.high).toBeCloseTo(0.5245, 4)
    // 64 times the operations of one: 283.05 TFLOP in 1.9 s.
    expect(roofline.computeRatio).toBeCloseTo((64 * 4_422_609_764_352) / 1.9 / 989e12, 12)
    expect(roofline.bound).toBe('memory')
  })

  test('reading prompts all the time is bound by arithmetic', () => {
    const prompts = 40 * 8192
    const work = {
      ...workOf(1),
      decodeTokens: 40,
      steps: 40,
      firstTokens: 40,
      promptTokens: prompts,
      promptPairs: 40 * 32 * ((8192 * 8193) / 2),
      decodePairs: 0,
      kvNumbersRead: 0,
    }
    const { computeRatio = 0, memoryRatio, bound } = rooflineOf(work, 10, inputsOf())
    // 327,680 tokens x 13.96 GFLOP are 4.574 PFLOP, attention 0.704 PFLOP: 0.528 PFLOP/s of 0.989.
    expect(computeRatio).toBeCloseTo(0.5337, 3)
    expect(memoryRatio?.high).toBeLessThan(0.05)
    expect(bound).toBe('compute')
  })

  test('twice the GPUs have twice the roof; whether they hold one copy or two is an interval', () => {
    const one = rooflineOf(workOf(64), 1.9, inputsOf())
    const shared = rooflineOf(
      workOf(64),
      1.9,
      inputsOf({ gpus: 2, launch: { tensorParallel: told(2) } }),
    )
    expect(shared.memoryRatio?.low).toBeCloseTo((one.memoryRatio?.low ?? 0) / 2, 12)
    expect(shared.memoryRatio?.high).toBe(shared.memoryRatio?.low)
    const untold = rooflineOf(workOf(64), 1.9, inputsOf({ gpus: 2 }))
    const ofWeights = (200 * 15_009_849_344) / 1.9 / 6.7e12
    expect(untold.memoryRatio?.low).toBe(shared.memoryRatio?.low)
    expect(untold.memoryRatio?.high).toBeCloseTo((shared.memoryRatio?.low ?? 0) + ofWeights, 12)
    expect(untold.computeRatio).toBeCloseTo((one.computeRatio ?? 0) / 2, 12)
  })

  test('a second copy without an answer reads nothing', () => {
    const { memoryRatio } = rooflineOf(workOf(1), 2, inputsOf({ gpus: 2 }))
    expect(memoryRatio?.high).toBe(memoryRatio?.low)
  })

  test('keys and values of FP8, as the server tells, are half the bytes', () => {
    const fp8 = rooflineOf(workOf(64), 2, inputsOf({ launch: { kvCacheType: told('fp8_e4m3') } }))
    const bytes = 200 * 15_009_849_344 + 64 * 40_100 * 65_536
    expect(fp8.bytesPerS?.low).toBe(bytes / 2)
  })
})

describe('experts', () => {
  // Mixtral-8x7B: of 8 experts a token is sent to 2. All experts: 32 x 8 x 3 x 4096 x 14,336 weights of 2 bytes.
  const experts = 32 * 8 * 3 * 4096 * 14_336 * 2
  const fixed = 2 * (46_702_792_704 - 32_000 * 4096) - experts
  const setUp = { model: models.mixtral8x7b, gpus: 2, launch: { tensorParallel: told(2) } }

  test('one answer reads those of one token', () => {
    const { bytesPerS } = rooflineOf({ ...workOf(1), kvNumbersRead: 0 }, 1, inputsOf(setUp))
    const bytes = 200 * (fixed + experts / 4)
    expect(bytesPerS).toEqual({ low: bytes, high: bytes })
  })

  test('three answers read between those of one and three times as many, sixteen at most all', () => {
    const three = rooflineOf({ ...workOf(3), kvNumbersRead: 0 }, 1, inputsOf(setUp)).bytesPerS
    expect(three?.low).toBe(200 * (fixed + experts / 4))
    expect(three?.high).toBe(200 * (fixed + (3 * experts) / 4))
    const sixteen = rooflineOf({ ...workOf(16), kvNumbersRead: 0 }, 1, inputsOf(setUp)).bytesPerS
    expect(sixteen?.high).toBe(200 * (fixed + experts))
  })

  test('operations are those of the experts a token is sent to', () => {
    // 12,879,925,248 take part in a token; without two tables of 32,000 x 4096.
    const work = { ...workOf(1), decodePairs: 0, promptPairs: 0 }
    const { flopsPerS } = rooflineOf(work, 1, inputsOf(setUp))
    const table = 32_000 * 4096
    expect(flopsPerS).toBe(2 * (12_879_925_248 - 2 * table) * 300 + 2 * table * 201)
  })
})

describe('what is unknown', () => {
  const of = (setUp: SetUp) => {
    const inputs = inputsOf(setUp)
    return { ...rooflineOf(workOf(4), 2, inputs), missing: inputs.basis.missing.join('; ') }
  }

  test('the hardware: bytes and operations are told, and no share of anything', () => {
    const { bytesPerS, flopsPerS, memoryRatio, computeRatio, bound, missing } = of({
      accelerator: 'none',
    })
    expect(bytesPerS).toBeDefined()
    expect(flopsPerS).toBeDefined()
    expect([memoryRatio, computeRatio, bound]).toEqual([undefined, undefined, undefined])
    expect(missing).toContain('--hardware')
  })

  test('how many GPUs serve: neither bytes nor shares', () => {
    const { bytesPerS, memoryRatio, computeRatio, missing } = of({ gpus: 0 })
    expect([bytesPerS, memoryRatio, computeRatio]).toEqual([undefined, undefined, undefined])
    expect(missing).toContain('--gpus')
  })

  test('a peak that the profile does not have', () => {
    const { bf16DenseTflops: _, ...noPeak } = h100
    const { memoryRatio, computeRatio, missing } = of({ accelerator: noPeak })
    expect(memoryRatio).toBeDefined()
    expect(computeRatio).toBeUndefined()
    expect(missing).toBe('the dense bf16 peak of NVIDIA H100 SXM 80 GB: its profile does not tell')
  })

  test('an architecture that is not known', () => {
    const { batch, bytesPerS, flopsPerS, missing } = of({ model: { model_type: 'mamba' } })
    expect(batch).toBe(4)
    expect([bytesPerS, flopsPerS]).toEqual([undefined, undefined])
    expect(missing).toContain('the architecture "mamba"')
  })

  test('weights that the server has quantised and config.json has not', () => {
    const { bytesPerS, computeRatio, missing } = of({ launch: { quantisation: told('fp8') } })
    expect([bytesPerS, computeRatio]).toEqual([undefined, undefined])
    expect(missing).toContain('the server says fp8')
    expect(of({ launch: { quantisation: told('none') } }).bytesPerS).toBeDefined()
  })

  test('steps, where the server drafts tokens; operations of the tokens stay', () => {
    const launch = { speculativeDecoding: told('eagle') }
    const { batch, memoryRatio, computeRatio, missing } = of({ launch })
    expect([batch, memoryRatio]).toEqual([undefined, undefined])
    expect(computeRatio).toBeDefined()
    expect(missing).toContain('eagle')
  })

  test('steps, where only the counters of the server tell that it drafts', () => {
    const inputs = rooflineInputs(runOf(), true)
    expect(inputs && rooflineOf(workOf(4), 2, inputs).memoryRatio).toBeUndefined()
    expect(inputs?.basis.missing).toEqual([
      'steps, and so MBU: the server drafts tokens (by its counters)',
    ])
  })

  test('a type of cache that nobody has heard of', () => {
    const { bytesPerS, missing } = of({ launch: { kvCacheType: told('turbo3') } })
    expect(bytesPerS).toBeUndefined()
    expect(missing).toContain('turbo3')
  })

  test('a run whose model nobody described has no roofline at all', () => {
    const { points, roofline } = summarize(runLog({ levels: [levelLog()] }), [record()])
    expect(roofline).toBeUndefined()
    expect(points[0]?.roofline).toBeUndefined()
  })
})

describe('the number type that peaks are of', () => {
  test.each<[string, ModelConfig, string | undefined]>([
    ['16-bit weights', models.llama31x8b, 'bf16'],
    ['FP8 weights and activations', models.deepseekV3, 'fp8'],
    [
      '4-bit weights that are made 16 bits before',
      quantised({ quant_method: 'awq', bits: 4, group_size: 128 }),
      'bf16',
    ],
    ['8-bit integers', quantised({ quant_method: 'bitsandbytes', load_in_8bit: true }), undefined],
    ['4-bit floats, which depend on the GPU', models.gptOss20b, undefined],
    ['32-bit weights', models.gemma2x9b, undefined],
  ])('%s', (_what, config, type) => {
    expect(modelFacts(config, 'sha').computeType).toBe(type)
  })

  function quantised(quantization_config: object): ModelConfig {
    return { ...models.llama31x8b, quantization_config }
  }

  test('holds FP8 against the FP8 peak', () => {
    const { basis } = inputsOf({ model: models.deepseekV3, gpus: 8 })
    expect(basis.computeFlopsPerS).toBe(8 * 1979e12)
  })
})

describe('what it computes on', () => {
  const profile = (id: string, match: string[]): HardwareProfile => ({
    schemaVersion: 1,
    id,
    name: id,
    vendor: 'nvidia',
    unit: 'gpu',
    match,
    sources: { sheet: { title: 'A data sheet', date: '2026-01-02' } },
    bandwidthGbPerS: { value: 3350, source: 'sheet', kind: 'specification' },
    prices: [],
  })
  const profiles = [profile('here', ['GPU A']), profile('elsewhere', ['GPU B'])]
  const gpu = { name: { status: 'ok', value: 'GPU A', source: 'test' } }
  const hardware = { gpus: [gpu] } as unknown as Parameters<typeof acceleratorOf>[0]

  test('is what was found in the machine that serves, whatever the run is priced as', () => {
    expect(acceleratorOf(hardware, true, 'elsewhere', profiles)).toEqual({
      profile: 'here',
      name: 'here',
      unit: 'gpu',
      how: 'detected',
      bandwidthGbPerS: { value: 3350, source: 'A data sheet', date: '2026-01-02' },
    })
  })

  test('is what was stated where the server is elsewhere, and else unknown', () => {
    const stated = acceleratorOf(hardware, false, 'elsewhere', profiles)
    expect(stated).toMatchObject({ profile: 'elsewhere', how: 'stated' })
    expect(acceleratorOf(hardware, false, undefined, profiles)).toBeUndefined()
  })
})

describe('more than there is', () => {
  test('is a warning, and is not clipped', () => {
    // 1,000 tokens in half a second, one by one: 15 GB each are 30 TB/s.
    const chunkMs = Array.from({ length: 1001 }, (_, i) => i / 2)
    const usage = { inputTokens: 16, outputTokens: 1001 }
    const fast = record({ chunkMs, endMs: 500, closedMs: 500, usage })
    const run = runOf()
    const summary = summarize({ ...run, levels: [levelLog({ windowEndMs: 1000 })] }, [fast])
    expect(summary.points[0]?.roofline?.memoryRatio?.low).toBeCloseTo(
      (1000 * 15_009_849_344 + (17 + 1016) * 500 * 131_072) / 3.35e12,
      6,
    )
    expect(summary.points[0]?.roofline?.bound).toBeUndefined()
    expect(summary.warnings.find(({ kind }) => kind === 'over-roofline')?.text).toMatch(
      /^1 user: its tokens would have taken 4\.\d\d of the memory bandwidth there is\./,
    )
  })
})

describe('the work of a window', () => {
  /** 201 chunks of a token each, the first at 50 ms, then one every 10 ms. */
  const one = record({
    sentMs: 0,
    chunkMs: Array.from({ length: 201 }, (_, i) => 50 + 10 * i),
    endMs: 2050,
    closedMs: 2050,
    usage: { inputTokens: 100, outputTokens: 201 },
  })
  const window = { startMs: 0, endMs: 2100 }
  const layers = [{ layers: 32, numbersPerToken: 2048 }]
  const workOfRecords = (records: readonly RequestRecord[], mayShare = false, of = layers) => {
    const tally = startModelWork(window, of, mayShare)
    for (const each of records) tally.add(each)
    return tally.finish()
  }

  test('one answer and 64 in step are the work billed above', () => {
    expect(workOfRecords([one])).toEqual(workOf(1))
    const many = workOfRecords(Array.from({ length: 64 }, (_, id) => ({ ...one, id })))
    expect(many).toEqual({ ...workOf(64), steps: expect.closeTo(200, 6) })
  })

  test('a layer with a window looks back no further', () => {
    const windowed = [{ layers: 1, numbersPerToken: 2, windowTokens: 150 }]
    // Contexts 101 to 149 in full, then 151 times 150; a prompt of 100 fits.
    const pairs = (49 * (101 + 149)) / 2 + 151 * 150
    expect(workOfRecords([one], false, windowed as typeof layers)).toMatchObject({
      decodePairs: pairs,
      kvNumbersRead: 2 * pairs,
      promptPairs: 5050,
    })
  })

  test('what a cache knew of a prompt is not read', () => {
    const cached = { ...one, usage: { inputTokens: 100, outputTokens: 201, cachedInputTokens: 64 } }
    expect(workOfRecords([cached])).toMatchObject({
      promptTokens: 36,
      promptPairs: 32 * (5050 - (64 * 65) / 2),
    })
  })

  test('where prompts may begin alike and no answer tells of a cache, what was read is unknown', () => {
    expect(workOfRecords([one], true)).toMatchObject({
      promptTokens: undefined,
      promptPairs: undefined,
    })
    const cold = { ...one, usage: { inputTokens: 100, outputTokens: 201, cachedInputTokens: 0 } }
    expect(workOfRecords([cold, one], true).promptTokens).toBe(200)
  })

  test('tokens outside the window, and those of failed requests, are not in it', () => {
    const failed = {
      ...one,
      endMs: undefined,
      outcome: { kind: 'failed', failure: 'connection-reset', detail: '' } as const,
    }
    expect(workOfRecords([failed]).decodeTokens).toBe(0)
    expect(workOfRecords([shifted(one, -1000)])).toMatchObject({
      decodeTokens: 106,
      firstTokens: 0,
      promptTokens: 0,
    })
  })

  test('chunks of several tokens hold them all but the first of the answer', () => {
    const lumps = { ...one, chunkMs: Array.from({ length: 20 }, (_, i) => 50 + 100 * i) }
    const { decodeTokens, decodePairs } = workOfRecords([
      { ...lumps, usage: { inputTokens: 100, outputTokens: 200 } },
    ])
    expect(decodeTokens).toBeCloseTo(199, 9)
    // Contexts of 101 to 299.
    expect(decodePairs).toBeCloseTo((32 * 199 * (101 + 299)) / 2, 6)
  })
})

describe('steps of the simulated engine, which are known', () => {
  const law = {
    prefillTokensPerS: 20_000,
    decodeBaseMs: 20,
    decodePerSequenceMs: 1,
    slots: 16,
    jitterRatio: 0.02,
  }

  test.each([
    ['16 users in step', { kind: 'closed', concurrency: 16 }, 0],
    ['16 users out of step', { kind: 'closed', concurrency: 16 }, 4],
    ['1 user', { kind: 'closed', concurrency: 1 }, 0],
    ['few arrivals', { kind: 'poisson', ratePerS: 1 }, 0],
    ['many arrivals', { kind: 'poisson', ratePerS: 12 }, 2],
  ] as const)('%s', async (_what, load, warmupS) => {
    const lengths = { inputTokens: 100, outputTokens: 40 }
    const { records, result } = await simulateLevel({
      law,
      load,
      ...lengths,
      warmupS,
      durationS: 30,
      seed: 3,
    })
    const window = { startMs: result.windowStartMs, endMs: result.windowEndMs }
    const tally = startModelWork(window, undefined, false)
    for (const each of records) tally.add(each)
    // Tokens of one step come at one moment of the clock.
    const moments = records.flatMap(({ chunkMs }) => chunkMs.slice(1))
    const inside = moments.filter((ms) => ms >= window.startMs && ms < window.endMs)
    const truth = new Set(inside).size
    expect(Math.abs(tally.finish().steps / truth - 1)).toBeLessThan(0.05)
  })
})
