import { resolve } from 'node:path'
import { loadDataset } from './dataset.ts'
import type { WorkloadData } from './plan.ts'
import { loadTrace } from './trace.ts'
import type { CountTokens } from './vet-words.ts'
import type { Workload } from './workload.ts'

/** What reading a workload's files depends on. */
export interface DataOptions {
  readonly seed: number
  /** Where their paths begin. */
  readonly folder: string
  /** Whether the API takes conversations. */
  readonly messages: boolean
  readonly countTokens?: CountTokens
}

/** Reads the files of a workload, once, before the load; nothing where it has none. @throws UserError for a file that cannot be used */
export async function loadWorkloadData(
  workload: Workload,
  options: DataOptions,
): Promise<WorkloadData | undefined> {
  switch (workload.kind) {
    case 'synthetic':
    case 'shared-prefix':
    case 'multi-turn':
      return undefined
    case 'dataset': {
      const file = resolve(options.folder, workload.file)
      return { kind: 'dataset', dataset: await loadDataset({ ...workload, file }, options) }
    }
    case 'trace': {
      const file = resolve(options.folder, workload.file)
      return { kind: 'trace', trace: await loadTrace({ ...workload, file }) }
    }
  }
}
