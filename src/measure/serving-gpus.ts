import { product } from '../arithmetic.ts'
import type { RunLog } from '../load/run-log.ts'

/** How many GPUs serve the model, and how that is known. */
export interface ServingGpuCount {
  readonly count: number
  readonly how: string
}

/**
 * GPUs that serve the model: as stated; else as its processes were found on them; else as the server says it
 * was started, where it tells of every way to share a model out. The GPUs of the machine are no answer: they need
 * not all serve.
 */
export function servingGpus({ config, telemetry, target }: RunLog): ServingGpuCount | undefined {
  if (config.gpus !== undefined) return { count: config.gpus, how: 'as stated' }
  const serving = telemetry?.kind === 'recorded' ? telemetry.serving : undefined
  if (serving?.kind === 'known' && serving.pciAddresses.length > 0)
    return { count: serving.pciAddresses.length, how: serving.how }
  const { tensorParallel, pipelineParallel, dataParallel } = target.server?.launch ?? {}
  const count = product([tensorParallel?.value, pipelineParallel?.value, dataParallel?.value])
  return count === undefined || count < 1
    ? undefined
    : { count, how: 'tensor x pipeline x data parallel, as the server tells' }
}
