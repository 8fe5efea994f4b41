import type { Figure } from '../figure.ts'
import type { Hardware } from './hardware.ts'
import { type HardwareProfile, profileOf } from './hardware-profile.ts'

/** A figure of a hardware profile, with the title of its source. */
export interface AcceleratorFigure {
  readonly value: number
  readonly source: string
  readonly date?: string
}

/** What a server computes on, as far as speed follows from it, from a hardware profile. */
export interface AcceleratorFacts {
  /** Id of the profile. */
  readonly profile: string
  readonly name: string
  readonly unit: 'gpu' | 'host'
  /** Found in the machine that serves, or named by the user. */
  readonly how: 'detected' | 'stated'
  readonly bandwidthGbPerS?: AcceleratorFigure
  /** Without sparsity. */
  readonly bf16DenseTflops?: AcceleratorFigure
  readonly fp8DenseTflops?: AcceleratorFigure
}

/**
 * What the server computes on: what was found where it runs on this machine, else what the user named. What was
 * found comes first: a run may be priced as if on other hardware, and is measured on this.
 *
 * @param statedId of a profile; one that does not exist says nothing here
 */
export function acceleratorOf(
  hardware: Pick<Hardware, 'gpus'>,
  isServer: boolean,
  statedId: string | undefined,
  profiles: readonly HardwareProfile[],
): AcceleratorFacts | undefined {
  const detected = isServer ? profileOf(hardware, profiles) : undefined
  if (detected !== undefined) return factsOf(detected, 'detected')
  const stated = profiles.find(({ id }) => id === statedId)
  return stated && factsOf(stated, 'stated')
}

function factsOf(profile: HardwareProfile, how: AcceleratorFacts['how']): AcceleratorFacts {
  const { id, name, unit, bandwidthGbPerS, bf16DenseTflops, fp8DenseTflops } = profile
  const sourced = (figure: Figure | undefined): AcceleratorFigure | undefined => {
    if (figure === undefined) return undefined
    const { title = figure.source, date } = profile.sources[figure.source] ?? {}
    return { value: figure.value, source: title, date }
  }
  return {
    profile: id,
    name,
    unit,
    how,
    bandwidthGbPerS: sourced(bandwidthGbPerS),
    bf16DenseTflops: sourced(bf16DenseTflops),
    fp8DenseTflops: sourced(fp8DenseTflops),
  }
}
