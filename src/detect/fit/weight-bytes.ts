import { type Maybe, product, sum } from '../../arithmetic.ts'

type Facts = Readonly<Record<string, unknown>>

const BITS_PER_BYTE = 8
/** Scales of GPTQ, AWQ and compressed-tensors are 16-bit. */
const GROUP_SCALE_BYTES = 2
const FP32_BYTES = 4
/** bitsandbytes keeps a scale for 64 weights, and with double quantisation 8 bits of it and an fp32 for 256 scales. */
const BNB_BLOCK = 64
const BNB_DOUBLE_BLOCK = 256
/** OCP microscaling: an 8-bit exponent for 32 weights. NVFP4: an 8-bit scale for 16. */
const MX_BLOCK = 32
const NVFP4_BLOCK = 16

/** Parameters of a model by what quantisation does with them. */
export interface ParameterParts {
  /** Matrices of the attention. */
  readonly attention: Maybe
  /** Matrices of the layers' MLPs that every token passes: dense ones and shared experts. */
  readonly dense: Maybe
  /** Matrices of all routed experts. */
  readonly experts: Maybe
  /** Embeddings, output head, norms, biases, routers: seldom quantised. */
  readonly rest: Maybe
}

/** Bytes of all weights, or what keeps them unknown. */
export interface WeightBytes {
  readonly bytes: Maybe
  /** Of the routed experts among them. */
  readonly expertBytes: Maybe
  /** Of one weight that is not quantised. */
  readonly bytesPerPlainWeight: Maybe
  readonly gaps: readonly string[]
}

/**
 * Bytes of the weights: quantised parts times bytes per weight with the scales of its groups, and the
 * rest in the file's data type. Scales of a whole row or matrix are left out: they are under 0.1 %.
 */
export function weightBytes(config: Facts, parts: ParameterParts): WeightBytes {
  const restBytes = typeBytes(config)
  const gaps = restBytes === undefined ? ['torch_dtype (bytes of a weight)'] : []
  const told = config.quantization_config
  const plain = { bytesPerPlainWeight: restBytes }
  const unknown = { ...plain, bytes: undefined, expertBytes: undefined }
  if (!isFacts(told)) {
    const all = sum([parts.attention, parts.dense, parts.experts, parts.rest])
    const expertBytes = product([parts.experts, restBytes])
    return { ...plain, bytes: product([all, restBytes]), expertBytes, gaps }
  }
  const method = quantisation(told)
  if (method === undefined) {
    return { ...unknown, gaps: [...gaps, `the quantisation "${String(told.quant_method)}"`] }
  }
  const kept = keptParts(told)
  if (kept === undefined) {
    return { ...unknown, gaps: [...gaps, 'which matrices are left unquantised'] }
  }
  const bytesOf = (part: QuantisedPart) => {
    const quantised = !kept.has(part) && (part === 'experts' || !method.expertsOnly)
    return product([parts[part], quantised ? method.bytes : restBytes])
  }
  const all = [
    bytesOf('attention'),
    bytesOf('dense'),
    bytesOf('experts'),
    product([parts.rest, restBytes]),
  ]
  return { ...plain, bytes: sum(all), expertBytes: bytesOf('experts'), gaps }
}

/** Number type whose dense peak the matrices of a model are held against. */
export type ComputeType = 'bf16' | 'fp8'

/**
 * In which type a model's matrices are multiplied, as its file says: weight-only quantisation is undone before, so
 * 16 bits; FP8 where activations are FP8 too. Unknown for what depends on the GPU (4-bit floats) or is neither.
 */
export function computeType(config: Facts): ComputeType | undefined {
  const told = config.quantization_config
  if (!isFacts(told)) return typeBytes(config) === 2 ? 'bf16' : undefined
  switch (told.quant_method) {
    case 'fp8':
    case 'fbgemm_fp8':
      return 'fp8'
    case 'gptq':
    case 'awq':
      return 'bf16'
    case 'bitsandbytes':
      return bitsAndBytes(told)?.bytes === 1 ? undefined : 'bf16'
    case 'compressed-tensors':
      return compressedType(told)
    case 'modelopt':
      return told.quant_algo === 'FP8' ? 'fp8' : undefined
    default:
      return undefined
  }
}

function compressedType(told: Facts): ComputeType | undefined {
  const groups = isFacts(told.config_groups) ? Object.values(told.config_groups) : []
  const [group] = groups
  if (groups.length !== 1 || !isFacts(group)) return undefined
  const { input_activations: activations } = group
  if (activations === null || activations === undefined) return 'bf16'
  if (!isFacts(activations)) return undefined
  return activations.type === 'float' && activations.num_bits === 8 ? 'fp8' : undefined
}

type QuantisedPart = 'attention' | 'dense' | 'experts'

const bytesOfType: Readonly<Record<string, number>> = {
  float32: 4,
  bfloat16: 2,
  float16: 2,
  float8_e4m3fn: 1,
}

/** `torch_dtype`, of newer files `dtype`. */
function typeBytes(config: Facts): Maybe {
  const name = String(config.torch_dtype ?? config.dtype).replace('torch.', '')
  return Object.hasOwn(bytesOfType, name) ? bytesOfType[name] : undefined
}

interface Quantisation {
  readonly bytes: number
  readonly expertsOnly?: boolean
}

function quantisation(told: Facts): Quantisation | undefined {
  switch (told.quant_method) {
    case 'fp8':
    case 'fbgemm_fp8':
      return { bytes: 1 + blockScaleBytes(told.weight_block_size) }
    case 'gptq':
    case 'awq':
      return groupwise(told.bits, told.group_size, { zeroPoints: true })
    case 'bitsandbytes':
      return bitsAndBytes(told)
    case 'mxfp4':
      return { bytes: 4 / BITS_PER_BYTE + 1 / MX_BLOCK, expertsOnly: true }
    case 'compressed-tensors':
      return compressedTensors(told)
    case 'modelopt':
      return modelOpt(told)
    default:
      return undefined
  }
}

/** A block of rows and columns has one fp32 scale. */
function blockScaleBytes(block: unknown): number {
  if (!Array.isArray(block)) return 0
  const weights = block.reduce((all: number, side: unknown) => all * Number(side), 1)
  return weights > 0 ? FP32_BYTES / weights : 0
}

/** A group has a scale and, of these methods, a zero point as wide as a weight. */
function groupwise(
  bits: unknown,
  groupSize: unknown,
  { zeroPoints }: { readonly zeroPoints: boolean },
): Quantisation | undefined {
  if (typeof bits !== 'number') return undefined
  const own = bits / BITS_PER_BYTE
  // -1 or nothing: one group is a whole row.
  if (typeof groupSize !== 'number' || groupSize <= 0) return { bytes: own }
  return { bytes: own + (GROUP_SCALE_BYTES + (zeroPoints ? own : 0)) / groupSize }
}

function bitsAndBytes(told: Facts): Quantisation | undefined {
  if (told.load_in_8bit === true || told._load_in_8bit === true) return { bytes: 1 }
  if (told.load_in_4bit !== true && told._load_in_4bit !== true) return undefined
  const scale =
    told.bnb_4bit_use_double_quant === true ? 1 + FP32_BYTES / BNB_DOUBLE_BLOCK : FP32_BYTES
  return { bytes: 4 / BITS_PER_BYTE + scale / BNB_BLOCK }
}

/** Of groups with several schemes it cannot be told from this file which matrix has which. */
function compressedTensors(told: Facts): Quantisation | undefined {
  const groups = isFacts(told.config_groups) ? Object.values(told.config_groups) : []
  const [group] = groups
  if (groups.length !== 1 || !isFacts(group) || !isFacts(group.weights)) return undefined
  const { num_bits: bits, group_size: groupSize, symmetric } = group.weights
  if (bits === 4 && group.weights.type === 'float')
    return { bytes: 4 / BITS_PER_BYTE + 1 / NVFP4_BLOCK }
  return groupwise(bits, groupSize, { zeroPoints: symmetric === false })
}

function modelOpt(told: Facts): Quantisation | undefined {
  if (told.quant_algo === 'FP8') return { bytes: 1 }
  if (told.quant_algo === 'NVFP4') return { bytes: 4 / BITS_PER_BYTE + 1 / NVFP4_BLOCK }
  return undefined
}

/** The parts that a list of exceptions keeps as they are; unknown when it names single matrices. */
function keptParts(told: Facts): ReadonlySet<QuantisedPart> | undefined {
  const lists = [
    told.modules_to_not_convert,
    told.ignore,
    told.ignored_layers,
    told.exclude_modules,
  ]
  const kept = new Set<QuantisedPart>()
  for (const name of lists.flatMap((list) => (Array.isArray(list) ? list.map(String) : []))) {
    if (/lm_head|embed|norm|router|gate$|vision|visual|multi_modal|^(re:)?\.\*gate\$?$/.test(name))
      continue
    if (!/(^|\*\.|\.\*)self_attn\*?$/.test(name)) return undefined
    kept.add('attention')
  }
  return kept
}

function isFacts(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
