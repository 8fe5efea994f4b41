import { messageOf } from '../../errors.ts'
import { within } from '../deadline.ts'
import type { TelemetryDevice } from './sample.ts'
import type { NotUsed } from './sampler-messages.ts'
import type { OpenSource, SamplerWorld, TelemetrySource } from './source.ts'

/** A source in use, and where its devices begin in the recording's list. */
export interface UsedSource {
  readonly name: string
  readonly source: OpenSource
  readonly firstDevice: number
}

export interface OpenedSources {
  readonly used: readonly UsedSource[]
  readonly devices: readonly TelemetryDevice[]
  readonly notUsed: readonly NotUsed[]
}

/** A driver that must first be loaded takes seconds; who waits for the sampler gives it ten. */
const OPEN_MS = 5_000
/** All of a group together: within what the sampler is given to come up. */
const GROUP_MS = 8_000

/** Opens, of each group of alternatives, the first that can be opened. Never rejects. */
export async function openSources(
  groups: readonly (readonly TelemetrySource[])[],
  world: SamplerWorld,
): Promise<OpenedSources> {
  const opened = await Promise.all(groups.map((group) => openFirst(group, world)))
  const used: UsedSource[] = []
  const devices: TelemetryDevice[] = []
  for (const { found } of opened) {
    if (found === undefined) continue
    used.push({ ...found, firstDevice: devices.length })
    devices.push(...found.source.devices)
  }
  return { used, devices, notUsed: opened.flatMap(({ notUsed }) => notUsed) }
}

async function openFirst(
  group: readonly TelemetrySource[],
  world: SamplerWorld,
): Promise<{ found?: { name: string; source: OpenSource }; notUsed: readonly NotUsed[] }> {
  const notUsed: NotUsed[] = []
  const endMs = world.nowMs() + GROUP_MS
  for (const candidate of group) {
    const limitMs = Math.min(OPEN_MS, endMs - world.nowMs())
    const result = limitMs > 0 ? await openOne(candidate, world, limitMs) : { none: 'no time left' }
    if (!('none' in result)) return { found: { name: candidate.name, source: result }, notUsed }
    notUsed.push({ source: candidate.name, reason: result.none })
  }
  return { notUsed }
}

async function openOne(
  source: TelemetrySource,
  world: SamplerWorld,
  limitMs: number,
): Promise<OpenSource | { readonly none: string }> {
  try {
    const opening = source.open(world)
    const result = await within(limitMs, opening)
    if (result.kind === 'done') return result.value
    // It may come up yet: then it is closed again, beside the one in use.
    opening.then((late) => ('none' in late ? undefined : late.close())).catch(() => {})
    return { none: `no answer in ${Math.round(limitMs)} ms` }
  } catch (error) {
    return { none: messageOf(error) }
  }
}
