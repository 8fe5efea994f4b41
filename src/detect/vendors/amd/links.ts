import type { GpuReadings } from '../../gpu-fields.ts'
import { absent, ok } from '../../reading.ts'

const MB_PER_GB = 1000

/** What leads from one GPU to another over xGMI: one link's bandwidth and all links' together, one way. */
export interface XgmiLink {
  readonly minMbPerS: number | undefined
  readonly maxMbPerS: number | undefined
}

/**
 * Links of a GPU to all others. The kernel gives one link's bandwidth as the least and that of all
 * links to the same GPU as the most (kfd_crat.c), so their ratio is the number of links.
 */
export function linksOf(
  links: readonly XgmiLink[],
  source: string,
): Pick<GpuReadings, 'gpuLinks' | 'gpuLinkGbPerS'> {
  const bandwidths = links.flatMap(({ maxMbPerS }) =>
    maxMbPerS === undefined || maxMbPerS === 0 ? [] : [maxMbPerS],
  )
  const mbPerS = bandwidths.reduce((sum, each) => sum + each, 0)
  const complete = links.length > 0 && bandwidths.length === links.length
  return {
    gpuLinks: ok(
      links.reduce((sum, link) => sum + linkCount(link), 0),
      source,
    ),
    gpuLinkGbPerS: complete
      ? ok(mbPerS / MB_PER_GB, source)
      : absent(
          links.length === 0 ? 'there is no such link' : `${source} gives no bandwidth`,
          source,
        ),
  }
}

function linkCount({ minMbPerS, maxMbPerS }: XgmiLink): number {
  if (minMbPerS === undefined || maxMbPerS === undefined || minMbPerS === 0) return 1
  return Math.max(1, Math.round(maxMbPerS / minMbPerS))
}
