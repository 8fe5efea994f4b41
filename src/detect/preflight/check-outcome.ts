import type { Gpu } from '../gpu-fields.ts'
import { readingValue } from '../reading.ts'

/** What a check found wrong. */
interface Complaint {
  /** What is so, with figures, and what it does to a run. */
  readonly text: string
  readonly remedy?: string
}

/** How a check went. All empty and false: the machine has nothing that the check is about. */
export interface Outcome {
  readonly complaints: readonly Complaint[]
  /** What could not be looked at, and why. */
  readonly notChecked: readonly string[]
  /** All was looked at, and is as it should be. */
  readonly fine: boolean
}

export const fine: Outcome = { complaints: [], notChecked: [], fine: true }
export const besideThePoint: Outcome = { complaints: [], notChecked: [], fine: false }

export function complain(text: string, remedy?: string): Outcome {
  return { complaints: [{ text, remedy }], notChecked: [], fine: false }
}

export function notChecked(reason: string): Outcome {
  return { complaints: [], notChecked: [reason], fine: false }
}

/** What a look at one GPU came to; nothing when the check is not about such a GPU. */
export type GpuLook = 'fine' | { readonly wrong: string } | { readonly unknown: string } | undefined

/** Looks at each GPU. Those of which the same is to be said are named together. */
export function eachGpu(
  gpus: readonly Gpu[],
  check: {
    readonly look: (gpu: Gpu) => GpuLook
    /** What it does to a run. */
    readonly so: string
    readonly remedy?: (those: readonly Gpu[]) => string | undefined
  },
): Outcome {
  const wrong = new Map<string, Gpu[]>()
  const unknown = new Map<string, Gpu[]>()
  let looks = 0
  for (const gpu of gpus) {
    const look = check.look(gpu)
    if (look === undefined) continue
    looks++
    if (look === 'fine') continue
    const [among, what] = 'wrong' in look ? [wrong, look.wrong] : [unknown, look.unknown]
    among.set(what, [...(among.get(what) ?? []), gpu])
  }
  return {
    complaints: [...wrong].map(([what, those]) => ({
      text: `${namesOf(those)}: ${what}. ${check.so}`,
      remedy: check.remedy?.(those),
    })),
    notChecked: [...unknown].map(([reason, those]) => `${namesOf(those)}: ${reason}`),
    fine: looks > 0 && wrong.size + unknown.size === 0,
  }
}

/** `GPU 0 (NVIDIA H200)`, `GPUs 0, 1 (NVIDIA H200)`. */
function namesOf(gpus: readonly Gpu[]): string {
  const models = [...new Set(gpus.map((gpu) => readingValue(gpu.name) ?? gpu.vendor))]
  const numbers = gpus.map(({ index }) => index).join(', ')
  return `${gpus.length === 1 ? 'GPU' : 'GPUs'} ${numbers} (${models.join(', ')})`
}
