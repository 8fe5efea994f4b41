import { loadDataset } from './dataset.ts'
import type { WorkloadData } from './plan.ts'
import { loadTrace } from './trace.ts'
import type { CountTokens } from './vet-words.ts'
import type { Workload } from './workload.ts'

/**
 * Reads the files of a workload, once, before the load; nothing where it has none.
 *
 * @param messages whether the API takes conversations
 * @throws UserError for a file that cannot be used
 */
export async function loadWorkloadData(
  workload: Workload,
  options: {
    readonly seed: number
    readonly messages: boolean
    readonly countTokens?: CountTokens
  },
): Promise<WorkloadData | undefined> {
  switch (workload.kind) {
    case 'synthetic':
    case 'shared-prefix':
    case 'multi-turn':
      return undefined
    case 'dataset':
      return { kind: 'dataset', dataset: await loadDataset(workload, options) }
    case 'trace':
      return { kind: 'trace', trace: await loadTrace(workload) }
  }
}
