import { join } from 'node:path'
import { detectHardware } from '../detect/detect-hardware.ts'
import { kvBytesOfSequence } from '../detect/fit/kv-cache.ts'
import type { ModelConfig } from '../detect/fit/model-config.ts'
import { type ModelShape, modelShape } from '../detect/fit/model-shape.ts'
import { type Fit, fitModel, type MemoryPlan } from '../detect/fit/vram-fit.ts'
import type { Gpu } from '../detect/gpu-fields.ts'
import type { Hardware } from '../detect/hardware.ts'
import { loadHardwareProfiles } from '../detect/hardware-profile.ts'
import { readingValue } from '../detect/reading.ts'
import { exitCodes, UserError } from '../errors.ts'
import { packageRoot } from '../package-files.ts'
import { formatCount, formatNumber, formatStated, notAvailable } from '../report/format.ts'
import { plainText } from '../report/plain-text.ts'
import { BYTES_PER_GIB, BYTES_PER_KIB, BYTES_PER_MIB } from '../units.ts'
import type { Io } from './io.ts'
import { readModelConfig } from './model-config.ts'

/** What the flags of `baremark fit` say. */
export interface FitFlags {
  readonly gpus?: number
  readonly vramGib?: number
  readonly hardware?: string
  readonly context: number
  readonly kvBytes: number
  readonly weightsBytes?: number
  readonly parameters?: number
  readonly layers?: number
  readonly kvHeads?: number
  readonly headSize?: number
  readonly memoryRatio: number
  readonly overheadGib: number
  readonly json: boolean
}

/** Where the model is to fit: the memory of one GPU, whose it is, and how many there are. */
interface Place {
  readonly bytesPerGpu: number
  readonly what: string
  readonly gpus?: number
}

const USUAL_COUNTS = [1, 2, 4, 8]
/** Profiles give what the data sheet says: powers of ten, the lower reading of its GB. */
const BYTES_PER_GB = 1e9

/**
 * `baremark fit`: how many sequences of a model fit into GPUs. That it does not fit is an answer too.
 *
 * @throws UserError when there is no memory to fit it into, or the file cannot be read
 */
export async function fitCommand(
  file: string | undefined,
  flags: FitFlags,
  io: Pick<Io, 'stdout'>,
  detect: () => Promise<Hardware> = detectHardware,
): Promise<number> {
  const shape = modelShape(await readConfig(file, flags), statedIn(flags))
  const place = await findPlace(flags, detect)
  const plan = {
    bytesPerGpu: place.bytesPerGpu,
    usableRatio: flags.memoryRatio,
    overheadBytesPerGpu: flags.overheadGib * BYTES_PER_GIB,
  }
  const fits = countsOf(flags, place).map((gpus) =>
    fitModel(shape, plan, { gpus, contextTokens: flags.context }),
  )
  const answer = { shape, place, plan, fits }
  io.stdout(flags.json ? asJson(answer, flags) : asText(answer, flags))
  return exitCodes.valid
}

interface Answer {
  readonly shape: ModelShape
  readonly place: Place
  readonly plan: MemoryPlan
  readonly fits: readonly Fit[]
}

function countsOf({ gpus }: FitFlags, place: Place): readonly number[] {
  if (gpus !== undefined) return [gpus]
  return [...new Set([...USUAL_COUNTS, place.gpus ?? 1])].sort((a, b) => a - b)
}

function statedIn(flags: FitFlags) {
  return {
    parameters: flags.parameters,
    layers: flags.layers,
    kvHeads: flags.kvHeads,
    headSize: flags.headSize,
    bytesPerWeight: flags.weightsBytes,
    kvBytesPerElement: flags.kvBytes,
  }
}

/** Without a file the model is what the flags say. */
async function readConfig(file: string | undefined, flags: FitFlags): Promise<ModelConfig> {
  if (file !== undefined) return (await readModelConfig(file)).config
  const { parameters, layers, kvHeads, headSize, weightsBytes } = flags
  if (![parameters, layers, kvHeads, headSize, weightsBytes].includes(undefined)) return {}
  throw new UserError('Which model is not said.', {
    remedy:
      'Name its config.json, or give all of --parameters, --layers, --kv-heads, --head-size and --weights-bytes.',
  })
}

async function findPlace(flags: FitFlags, detect: () => Promise<Hardware>): Promise<Place> {
  if (flags.vramGib !== undefined) {
    return { bytesPerGpu: flags.vramGib * BYTES_PER_GIB, what: 'as stated' }
  }
  return flags.hardware === undefined ? placeHere(await detect()) : placeOf(flags.hardware)
}

async function placeOf(id: string): Promise<Place> {
  const profiles = await loadHardwareProfiles(join(packageRoot, 'hardware-profiles'))
  const usable = profiles.filter(({ unit, memoryGb }) => unit === 'gpu' && memoryGb !== undefined)
  const profile = usable.find((each) => each.id === id)
  if (profile?.memoryGb === undefined) {
    throw new UserError(`There is no hardware profile "${id}" that tells a GPU's memory.`, {
      remedy: `Use one of: ${usable.map((each) => each.id).join(', ')}.`,
    })
  }
  return { bytesPerGpu: profile.memoryGb.value * BYTES_PER_GB, what: profile.name }
}

/** The cards of this machine; without cards, the memory that its processor's GPU shares. */
function placeHere({ gpus, host }: Hardware): Place {
  const cards = gpus.filter((gpu) => readingValue(gpu.memoryUnified) !== true)
  const memories = cards.map(usableMib).filter((mib) => mib !== undefined)
  if (memories.length > 0) {
    // They hold equal parts, so the smallest counts.
    const bytesPerGpu = Math.min(...memories) * BYTES_PER_MIB
    return { bytesPerGpu, what: `${namesOf(cards)}, in this machine`, gpus: memories.length }
  }
  const [shared] = gpus.filter((gpu) => readingValue(gpu.memoryUnified) === true)
  const sharedMib =
    shared && (readingValue(shared.memoryLimitMib) ?? readingValue(host.memoryTotalMib))
  if (shared !== undefined && sharedMib !== undefined) {
    const what = `${namesOf([shared])}, in this machine, whose memory it shares`
    return { bytesPerGpu: sharedMib * BYTES_PER_MIB, what, gpus: 1 }
  }
  throw new UserError('No GPU of this machine tells how much memory it has.', {
    remedy:
      'Say it with --vram-gib, such as --vram-gib 80, or name hardware with --hardware, such as --hardware h100-sxm.',
    exitCode: exitCodes.setup,
  })
}

/** Without what the driver keeps: programs are not shown that. */
function usableMib(gpu: Gpu): number | undefined {
  const total = readingValue(gpu.vramTotalMib)
  return total === undefined ? undefined : total - (readingValue(gpu.vramReservedMib) ?? 0)
}

function namesOf(gpus: readonly Gpu[]): string {
  const names = new Set(gpus.map((gpu) => readingValue(gpu.name) ?? `a GPU of ${gpu.vendor}`))
  const count = gpus.length === 1 ? '' : `${gpus.length} × `
  return `${count}${[...names].join(' and ')}`
}

function asJson({ shape, place, plan, fits }: Answer, flags: FitFlags): string {
  const told = { model: shape, memory: { ...plan, of: place.what, gpus: place.gpus } }
  return `${JSON.stringify({ ...told, contextTokens: flags.context, fits }, null, 2)}\n`
}

function asText({ shape, place, plan, fits }: Answer, flags: FitFlags): string {
  const rows = fits.map((fit) => rowOf(fit))
  const header = [
    'GPUs',
    'Weights each',
    'Cache each',
    `Sequences of ${formatCount(flags.context)}`,
  ]
  const blocks = [
    modelLines(shape, flags),
    [
      `Memory: ${gib(plan.bytesPerGpu)} a GPU (${plainText(place.what)})`,
      ...table([header, ...rows]),
    ],
    [sentence(fits, place, flags), assumptions(shape, flags)],
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function modelLines(shape: ModelShape, flags: FitFlags): string[] {
  const { parameters, activeParameters, bytesPerWeight, kvGroups } = shape
  const active =
    activeParameters === parameters || activeParameters === undefined
      ? ''
      : `, ${formatCount(activeParameters)} of them for each token`
  const perWeight =
    bytesPerWeight === undefined ? '' : `, ${formatStated(bytesPerWeight)} bytes a parameter`
  const sequence =
    kvGroups === undefined
      ? ''
      : `, ${gib(kvBytesOfSequence(kvGroups, flags.context))} for ${formatCount(flags.context)}`
  return [
    `Model: ${plainText(shape.architecture ?? 'as stated')}`,
    `  Parameters  ${formatCount(parameters)}${active}`,
    `  Weights     ${gib(shape.weightBytes)}${perWeight}`,
    `  KV cache    ${kib(shape.kvBytesPerToken)} a token${sequence}`,
  ]
}

function rowOf(fit: Fit): string[] {
  const { gpus } = fit
  switch (fit.kind) {
    case 'fits':
      return [`${gpus}`, gib(fit.weightBytes), gib(fit.cacheBytes), formatCount(fit.sequences)]
    case 'too-large':
      return [`${gpus}`, gib(fit.weightBytes), `${gib(fit.missingBytes)} short`, 'none']
    case 'cannot-split':
      return [`${gpus}`, notAvailable, notAvailable, fit.why]
    case 'unknown':
      return [`${gpus}`, notAvailable, notAvailable, notAvailable]
  }
}

/** Of the GPUs that are here or were asked for; else of the fewest that do. */
function sentence(fits: readonly Fit[], place: Place, flags: FitFlags): string {
  const wanted = flags.gpus ?? place.gpus
  const fit =
    fits.find(({ gpus }) => gpus === wanted) ??
    fits.find((each) => each.kind === 'fits' && each.sequences > 0) ??
    fits.at(-1)
  if (fit === undefined) return ''
  const on = fit.gpus === 1 ? 'On 1 GPU' : `On ${fit.gpus} GPUs`
  const each = `${formatCount(flags.context)} tokens`
  switch (fit.kind) {
    case 'fits':
      return fit.sequences === 0
        ? `${on} the weights fit, but not one sequence of ${each}.`
        : `${on} ${fit.sequences === 1 ? '1 sequence' : `${formatCount(fit.sequences)} sequences`} of ${each} fit at once.`
    case 'too-large':
      return `${on} the model does not fit: each lacks ${gib(fit.missingBytes)}.`
    case 'cannot-split':
      return `${on} the model cannot be split: ${fit.why}.`
    case 'unknown':
      return `What fits is unknown, for want of: ${plainText(fit.missing.join(', '))}.`
  }
}

function assumptions({ uncounted }: ModelShape, flags: FitFlags): string {
  const left = uncounted.length === 0 ? '' : ` Not counted: ${uncounted.join(', ')}.`
  return `Assumed: the server takes ${formatStated(flags.memoryRatio)} of the memory, ${formatStated(flags.overheadGib)} GiB of it on each GPU for other than weights and cache, and ${formatStated(flags.kvBytes)} bytes a number in the cache.${left}`
}

function gib(bytes: number | undefined): string {
  return bytes === undefined ? notAvailable : `${formatNumber(bytes / BYTES_PER_GIB)} GiB`
}

function kib(bytes: number | undefined): string {
  return bytes === undefined ? notAvailable : `${formatNumber(bytes / BYTES_PER_KIB)} KiB`
}

/** Columns as wide as their widest cell, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows.map(
    (row) => `  ${row.map((cell, column) => cell.padStart(widthOf(column))).join('  ')}`,
  )
}
