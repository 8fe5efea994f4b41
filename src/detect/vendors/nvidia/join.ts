import { type Gpu, gpuOf, withFallback } from '../../gpu-fields.ts'
import { readingValue } from '../../reading.ts'
import { anyOf, type GpuAccount } from './csv.ts'
import { TOOL } from './values.ts'
import type { XmlGpu } from './xml.ts'

/** A GPU as rows and XML have it together, and its XML. */
export interface JoinedGpu {
  readonly gpu: Gpu
  readonly block: XmlGpu | undefined
}

/**
 * Rows joined with the XML of the same GPU, and the XML that no row is of. Beside rows, XML that tells
 * neither address nor UUID is left out: it would be a GPU counted twice.
 */
export function joinedGpus(
  rows: readonly GpuAccount[],
  blocks: readonly XmlGpu[],
): readonly JoinedGpu[] {
  const alone = rows.length === 1 && blocks.length === 1
  const joined = rows.map((row, place) => {
    const block = blocks.find((block) => areSame(row, block, alone))
    return { gpu: gpuOfBoth(row.index ?? place, row, block), block }
  })
  const others = blocks.flatMap((block, place) => {
    const known = rows.some((row) => areSame(row, block, alone))
    const nameless = rows.length > 0 && !isNamed(block)
    return known || nameless ? [] : [{ gpu: gpuOfBoth(place, undefined, block), block }]
  })
  return [...joined, ...others]
}

function isNamed({ readings: { pciAddress, uuid } }: GpuAccount): boolean {
  return pciAddress?.status === 'ok' || uuid?.status === 'ok'
}

/**
 * Whether two accounts are of one GPU: by address, else by UUID, for an index is no name. A GPU that is
 * `alone` in both is the same where neither is told.
 */
export function areSame(
  one: GpuAccount,
  other: Pick<GpuAccount, 'readings'>,
  alone: boolean,
): boolean {
  for (const name of ['pciAddress', 'uuid'] as const) {
    const mine = readingValue(one.readings[name])
    const yours = readingValue(other.readings[name])
    if (mine !== undefined && yours !== undefined) return mine === yours
  }
  return alone
}

function gpuOfBoth(index: number, row: GpuAccount | undefined, block: XmlGpu | undefined): Gpu {
  const reason = block === undefined ? `${TOOL} -q -x was not read` : `${TOOL} does not tell`
  const otherwise = { reason, source: TOOL }
  const fromXml = block?.readings ?? {}
  const gpu = withFallback(
    gpuOf('nvidia', index, { ...fromXml, ...row?.readings }, otherwise),
    gpuOf('nvidia', index, fromXml, otherwise),
  )
  const repairs = [row, block].flatMap((account) => account?.readings.memoryRepairPending ?? [])
  return { ...gpu, memoryRepairPending: anyOf(repairs, gpu.memoryRepairPending) }
}
