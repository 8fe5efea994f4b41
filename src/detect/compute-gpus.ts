import type { Gpu } from './gpu-fields.ts'
import type { Hardware } from './hardware.ts'
import { readingValue } from './reading.ts'
import { isPassedThrough } from './vendors/pci.ts'

/**
 * The GPUs that a server on this machine can compute on, as far as can be told: without those that a
 * virtual machine has, without shares of others, and without the processor's own graphics where there
 * is a card beside it.
 */
export function computeGpus({ gpus }: Pick<Hardware, 'gpus'>): readonly Gpu[] {
  const ours = gpus.filter(
    (gpu) => !isPassedThrough(gpu) && readingValue(gpu.virtualFunction) !== true,
  )
  const cards = ours.filter((gpu) => readingValue(gpu.integrated) !== true)
  return cards.length > 0 ? cards : ours
}
