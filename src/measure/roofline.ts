import { difference, type Maybe, product, ratio, sum } from '../arithmetic.ts'
import type { AcceleratorFacts, AcceleratorFigure } from '../detect/accelerator.ts'
import type { ModelFacts } from '../detect/fit/model-facts.ts'
import type { RunLog } from '../load/run-log.ts'
import type { LaunchConfiguration } from '../load/server-identity.ts'
import type { Workload } from '../load/workloads/workload.ts'
import type { ModelWork } from './model-work.ts'
import { type ServingGpuCount, servingGpus } from './serving-gpus.ts'
import type { Bounds, Roofline, RooflineBasis } from './summary.ts'

const BYTES_PER_GB = 1e9
const FLOPS_PER_TFLOP = 1e12
/** A product and a sum. */
const FLOPS_PER_WEIGHT = 2
/** Of a roof. Ours, as nobody draws the line: a server under half of both roofs waits for something else. */
const BOUND_RATIO = 0.5

/** All that the roofline of a level needs beside its records. */
export interface RooflineInputs {
  /** Without what the server contradicts. */
  readonly model: ModelFacts
  readonly basis: RooflineBasis
  /** Whether a step brings each answer one token: not so where the server drafts tokens. */
  readonly tokenAStep: boolean
  /** Whether prompts may begin alike. */
  readonly promptsMayShare: boolean
}

/**
 * Nothing where no model was described.
 *
 * @param drafts whether the server counts drafted tokens, which it does where it drafts some
 */
export function rooflineInputs(run: RunLog, drafts = false): RooflineInputs | undefined {
  if (run.roofline === undefined) return undefined
  const { accelerator } = run.roofline
  const launch = run.target.server?.launch ?? {}
  const contradicted = isContradicted(run.roofline.model, launch)
  const model = contradicted ? withoutWeights(run.roofline.model) : run.roofline.model
  const gpus = accelerator?.unit === 'host' ? oneHost : servingGpus(run)
  const compute = peakOf(accelerator, model)
  const { value: kvBytesPerNumber, how: kvHow } = kvBytes(launch)
  const method = launch.speculativeDecoding?.value ?? (drafts ? 'by its counters' : 'none')
  const tokenAStep = method === 'none'
  const promptsMayShare = mayShare(run.config.benchmark.workload)
  const basis: RooflineBasis = {
    accelerator: accelerator?.name,
    units: gpus?.count,
    memoryBytesPerS: product([gpus?.count, accelerator?.bandwidthGbPerS?.value, BYTES_PER_GB]),
    computeType: model.computeType,
    computeFlopsPerS: product([gpus?.count, compute?.value, FLOPS_PER_TFLOP]),
    kvBytesPerNumber,
    copies: copiesOf(gpus, launch),
    missing: [
      ...missingOfMachine(accelerator, gpus, model),
      ...model.gaps.map((gap) => `of config.json: ${gap}`),
      ...(contradicted
        ? [`bytes of a weight: the server says ${launch.quantisation?.value}, config.json does not`]
        : []),
      ...(kvBytesPerNumber === undefined
        ? [`bytes of a number in a KV cache of type "${launch.kvCacheType?.value}"`]
        : []),
      ...(tokenAStep ? [] : [`steps, and so MBU: the server drafts tokens (${method})`]),
    ],
    assumptions: assumptionsOf({ model, accelerator, gpus, kvHow, launch, promptsMayShare }),
  }
  return { model, basis, tokenAStep, promptsMayShare }
}

const oneHost: ServingGpuCount = { count: 1, how: 'one machine' }

/**
 * How near a level came to the roofs of its machine (Williams, Waterman and Patterson, CACM 52, 2009).
 *
 * MBU: bytes that decoding must read / peak bandwidth (Databricks, "LLM Inference Performance Engineering: Best
 * Practices", 2023), of weights once a step and of keys and values at each token's own context. MFU: operations that
 * the tokens need / dense peak (Chowdhery et al., PaLM, arXiv 2204.02311, appendix B; a forward pass alone: 2 a weight
 * and the attention's). Figures over 1 stay as they are: something is not what it was said to be.
 */
export function rooflineOf(
  work: ModelWork,
  windowS: number,
  { model, basis, tokenAStep }: RooflineInputs,
): Roofline {
  const steps = tokenAStep && work.steps > 0 ? work.steps : undefined
  const batch = ratio(work.decodeTokens, steps)
  const bytesPerS = bytesOf(work, { steps, batch, windowS }, model, basis)
  const flopsPerS = ratio(flopsOf(work, model), windowS)
  const memoryRatio = scaled(bytesPerS, basis.memoryBytesPerS)
  const computeRatio = ratio(flopsPerS, basis.computeFlopsPerS)
  return {
    batch,
    stepsPerS: ratio(steps, windowS),
    bytesPerS,
    flopsPerS,
    memoryRatio,
    computeRatio,
    bound: boundOf(memoryRatio, computeRatio),
  }
}

/** Whether more is said to have been done than can be done. */
export function isOverRoof({ memoryRatio, computeRatio }: Roofline): boolean {
  return Math.max(memoryRatio?.low ?? 0, computeRatio ?? 0) > 1
}

function boundOf(memory: Bounds | undefined, compute: Maybe): Roofline['bound'] {
  if (Math.max(memory?.low ?? 0, compute ?? 0) > 1) return undefined
  if (memory && memory.low >= BOUND_RATIO && memory.low >= (compute ?? 0)) return 'memory'
  if (compute !== undefined && compute >= BOUND_RATIO && compute > (memory?.high ?? 0))
    return 'compute'
  if (memory === undefined || compute === undefined) return undefined
  return memory.high < BOUND_RATIO && compute < BOUND_RATIO ? 'neither' : undefined
}

interface Steps {
  readonly steps: Maybe
  readonly batch: Maybe
  readonly windowS: number
}

/** Weights once a step of each copy, and what was read of the cache. */
function bytesOf(
  work: ModelWork,
  { steps, batch, windowS }: Steps,
  model: ModelFacts,
  { copies, kvBytesPerNumber }: RooflineBasis,
): Bounds | undefined {
  const ofCache = product([work.kvNumbersRead, kvBytesPerNumber])
  const ofWeights = (copyCount: Maybe, perStep: Maybe): Maybe =>
    product([copyCount, steps, perStep])
  // A copy without an answer does not step.
  const least = atMost(copies?.low, batch)
  const most = atMost(copies?.high, batch)
  const weights = weightsOfStep(model, ratio(batch, most))
  const low = ratio(sum([ofWeights(least, weights?.low), ofCache]), windowS)
  const high = ratio(sum([ofWeights(most, weights?.high), ofCache]), windowS)
  return low === undefined || high === undefined ? undefined : { low, high }
}

function atMost(value: Maybe, limit: Maybe): Maybe {
  return value === undefined || limit === undefined ? undefined : Math.min(value, limit)
}

/**
 * Bytes that one step reads: all weights but the tables of which it takes a row, and of the experts of a layer at
 * least those of one token, at most as many for each answer in it.
 */
function weightsOfStep(model: ModelFacts, batch: Maybe): Bounds | undefined {
  const { weightBytes, lookupBytes, expertBytes, experts, expertsPerToken } = model
  const fixed = difference(difference(weightBytes, lookupBytes), expertBytes)
  if (fixed === undefined || batch === undefined) return undefined
  if (expertBytes === 0) return { low: fixed, high: fixed }
  const share = ratio(expertsPerToken, experts)
  if (share === undefined || expertBytes === undefined) return undefined
  return {
    low: fixed + expertBytes * share,
    high: fixed + expertBytes * Math.min(1, share * batch),
  }
}

/** Each token passes the weights once, a token that is put out the output head too; and attention. */
function flopsOf(work: ModelWork, model: ModelFacts): Maybe {
  const body = difference(
    difference(model.activeParameters, model.lookupParameters),
    model.headParameters,
  )
  return sum([
    product([FLOPS_PER_WEIGHT, body, sum([work.promptTokens, work.decodeTokens])]),
    product([FLOPS_PER_WEIGHT, model.headParameters, work.firstTokens + work.decodeTokens]),
    product([model.attentionFlopsPerPair, sum([work.decodePairs, work.promptPairs])]),
  ])
}

function scaled(bounds: Bounds | undefined, peak: Maybe): Bounds | undefined {
  const low = ratio(bounds?.low, peak)
  const high = ratio(bounds?.high, peak)
  return low === undefined || high === undefined ? undefined : { low, high }
}

const peakNames = { bf16: 'bf16DenseTflops', fp8: 'fp8DenseTflops' } as const

function peakOf(
  accelerator: AcceleratorFacts | undefined,
  { computeType }: ModelFacts,
): AcceleratorFigure | undefined {
  return computeType && accelerator?.[peakNames[computeType]]
}

/** Words of servers for weights that are not quantised. */
const plainTypes = ['none', 'auto', 'bf16', 'bfloat16', 'f16', 'fp16', 'float16', 'half']

function isContradicted({ quantised }: ModelFacts, { quantisation }: LaunchConfiguration): boolean {
  return !quantised && !plainTypes.includes((quantisation?.value ?? 'none').toLowerCase())
}

function withoutWeights(model: ModelFacts): ModelFacts {
  const { weightBytes: _, lookupBytes: __, expertBytes: ___, computeType: ____, ...rest } = model
  return rest
}

const KV_BYTES: Readonly<Record<string, number>> = {
  auto: 2,
  bf16: 2,
  bfloat16: 2,
  f16: 2,
  fp16: 2,
  float16: 2,
  half: 2,
  f32: 4,
  fp32: 4,
  float32: 4,
  fp8: 1,
  fp8_e4m3: 1,
  fp8_e5m2: 1,
  float8_e4m3fn: 1,
  int8: 1,
}

function kvBytes({ kvCacheType }: LaunchConfiguration): { value: Maybe; how: string } {
  const word = kvCacheType?.value.toLowerCase()
  if (word === undefined) return { value: 2, how: '2 bytes: assumed, as the server does not tell' }
  const value = Object.hasOwn(KV_BYTES, word) ? KV_BYTES[word] : undefined
  const bytes = value === undefined ? 'an unknown number of bytes' : `${value} bytes`
  return { value, how: `${bytes}: the server tells ${word}` }
}

/**
 * Copies of the model, or stages of a pipeline, that step by themselves: each reads its weights for the answers it
 * has. Between one and as many as there are GPUs where it is not told.
 */
function copiesOf(
  gpus: ServingGpuCount | undefined,
  { tensorParallel, pipelineParallel, dataParallel }: LaunchConfiguration,
): Bounds | undefined {
  const told = product([pipelineParallel?.value, dataParallel?.value])
  const copies = told ?? ratio(gpus?.count, tensorParallel?.value)
  if (copies !== undefined && copies >= 1) return { low: copies, high: copies }
  return gpus && { low: 1, high: gpus.count }
}

function mayShare(workload: Workload): boolean {
  switch (workload.kind) {
    case 'synthetic':
    case 'dataset':
      return workload.uniquePrefix === false
    case 'shared-prefix':
    case 'multi-turn':
    case 'trace':
      return true
  }
}

function missingOfMachine(
  accelerator: AcceleratorFacts | undefined,
  gpus: ServingGpuCount | undefined,
  { computeType }: ModelFacts,
): string[] {
  const missing: string[] = []
  if (accelerator === undefined)
    missing.push('what the server computes on: no hardware profile is known for it (--hardware)')
  else if (accelerator.bandwidthGbPerS === undefined)
    missing.push(`the memory bandwidth of ${accelerator.name}: its profile does not tell`)
  if (gpus === undefined) missing.push('how many GPUs serve (--gpus)')
  if (computeType === undefined)
    missing.push('in which number type the model computes: config.json does not settle it')
  else if (accelerator && accelerator[peakNames[computeType]] === undefined)
    missing.push(`the dense ${computeType} peak of ${accelerator.name}: its profile does not tell`)
  return missing
}

interface Grounds {
  readonly model: ModelFacts
  readonly accelerator: AcceleratorFacts | undefined
  readonly gpus: ServingGpuCount | undefined
  readonly kvHow: string
  readonly launch: LaunchConfiguration
  readonly promptsMayShare: boolean
}

function assumptionsOf(grounds: Grounds): string[] {
  const { model, accelerator, gpus, kvHow, launch, promptsMayShare } = grounds
  const copies = copiesOf(gpus, launch)
  const { experts, expertsPerToken, uncounted } = model
  return [
    ...(accelerator ? [machineText(accelerator, gpus)] : []),
    'Decoding reads all weights once a step, but for tables of which a token takes a row, and each answer’s keys and values at its context. Reading prompts, writes, and what several GPUs read alike are not counted.',
    `Each number of keys and values takes ${kvHow}.`,
    ...(experts === undefined
      ? []
      : [
          `Of ${experts} experts a layer a step reads between those of one token, ${expertsPerToken ?? 'a number unknown'}, and as many for each answer in it.`,
        ]),
    ...(copies && copies.low < copies.high
      ? [`How ${copies.high} GPUs share the model is not told: from one copy to ${copies.high}.`]
      : []),
    'Operations are 2 for each weight that a token passes (the output head only where a token is put out), and attention’s 2 heads (key size + value size) for each pair of tokens and layer.',
    ...(promptsMayShare
      ? [
          'Prompts may begin alike: what a cache knew of them is taken from the answers, and where none tells, operations are unknown.',
        ]
      : [
          'No two prompts begin alike, so all of each is read but what the answers say was cached.',
        ]),
    ...(uncounted.length === 0 ? [] : [`Weights not counted: ${uncounted.join(', ')}.`]),
  ]
}

function machineText(accelerator: AcceleratorFacts, gpus: ServingGpuCount | undefined): string {
  const { name, how, bandwidthGbPerS, bf16DenseTflops, fp8DenseTflops } = accelerator
  const peaks = [
    peakText(bandwidthGbPerS, 'GB/s'),
    peakText(bf16DenseTflops, 'TFLOP/s of dense bf16'),
    peakText(fp8DenseTflops, 'TFLOP/s of dense fp8'),
  ].flat()
  const number = gpus ? `${gpus.count} x ${name} (${how}; ${gpus.how})` : `${name} (${how})`
  return `${number}, each ${peaks.length === 0 ? 'of unknown peaks' : peaks.join(', ')}.`
}

function peakText(figure: AcceleratorFigure | undefined, unit: string): string[] {
  if (figure === undefined) return []
  const date = figure.date === undefined ? '' : `, ${figure.date}`
  return [`${figure.value} ${unit} (${figure.source}${date})`]
}
