import type { Topology } from '../../hardware.ts'
import { absent, ok, type Reading } from '../../reading.ts'
import { linesOf, noValue, quantity, readWords, TOOL, withoutCodes } from './values.ts'

const TOPO = `${TOOL} topo -m`
const NVLINK = `${TOOL} nvlink -s`

/** What `nvidia-smi topo -m` says of a GPU, by the index it gives it. */
export interface TopologyRow {
  readonly index: number
  /** How it reaches each GPU, itself included, in the order of rows. */
  readonly links: readonly string[]
  readonly numaNode: Reading<number>
}

/**
 * The matrix of `nvidia-smi topo -m`, network cards left out; undefined where there is none. Rows hold
 * one field more than the header, and that only in newer drivers, so columns are counted from the left.
 */
export function readTopology(output: string): TopologyRow[] | undefined {
  const lines = withoutCodes(output).split('\n')
  const start = lines.findIndex((line) => /^\s+GPU\d+\b/.test(line))
  const header = (lines[start] ?? '').split('\t').map((title) => title.trim())
  const numaColumn = header.indexOf('NUMA Affinity')
  const gpuColumns = header.flatMap((title, column) => (/^GPU\d+$/.test(title) ? [column] : []))
  const rows = lines.slice(start + 1).flatMap((line) => {
    const cells = line.split('\t').map((cell) => cell.trim())
    const index = /^GPU(\d+)$/.exec(cells[0] ?? '')?.[1]
    if (index === undefined) return []
    const links = gpuColumns.map((column) => cells[column] ?? '')
    return [{ index: Number(index), links, numaNode: readNumaNode(cells[numaColumn]) }]
  })
  const whole = rows.every(({ links }) => links.every((link) => link !== ''))
  return start < 0 || rows.length !== gpuColumns.length || !whole ? undefined : rows
}

/** A GPU may be near several nodes, `0-1`: then it has no node of its own. */
function readNumaNode(cell: string | undefined): Reading<number> {
  if (cell === undefined) return absent('this driver does not tell', TOPO)
  return readWords(cell, quantity(''), TOPO)
}

/** Rows by PCI address, in the tool's order; by the tool's own name where the address is not known. */
export function topologyOf(
  rows: readonly TopologyRow[],
  addressOf: (index: number) => string | undefined,
): Reading<Topology> {
  const gpus = rows.map(({ index }) => addressOf(index) ?? `GPU${index}`)
  return ok({ gpus, links: rows.map(({ links }) => links) }, TOPO)
}

/** Links of one GPU that are up, and what they carry together. */
export interface NvLinks {
  readonly gpuLinks: Reading<number>
  readonly gpuLinkGbPerS: Reading<number>
}

/** What `nvidia-smi nvlink -s` says, by UUID of the GPU. */
export function readNvLinks(output: string): Map<string, NvLinks> {
  return new Map(blocksOf(output).map(({ uuid, lines }) => [uuid, nvLinksOf(lines)]))
}

function nvLinksOf(lines: readonly string[]): NvLinks {
  const links = lines.flatMap((line) => /^Link \d+: (.*)$/.exec(line)?.[1] ?? [])
  const speeds = links.flatMap((link) => quantity('GB/s')(link) ?? [])
  const inactive = links.filter((link) => /^<?inactive>?$/i.test(link))
  const words = lines[0] ?? ''
  // Links that are told to be down, or not to be there, are none; that they cannot be asked is no answer.
  const none = /does not have|all links are inactive/i.test(words) || inactive.length > 0
  if (speeds.length === 0) {
    const gpuLinks = none ? ok(0, NVLINK) : noValue(words, NVLINK)
    return { gpuLinks, gpuLinkGbPerS: absent(none ? 'no link is up' : reasonOf(gpuLinks), NVLINK) }
  }
  const gbPerS = Math.round(speeds.reduce((sum, speed) => sum + speed, 0) * MB_PER_GB) / MB_PER_GB
  return { gpuLinks: ok(speeds.length, NVLINK), gpuLinkGbPerS: ok(gbPerS, NVLINK) }
}

/** Speeds come in thousandths of a GB/s: sums are rid of what binary fractions add. */
const MB_PER_GB = 1000

function reasonOf(reading: Reading<unknown>): string {
  return reading.status === 'absent' ? reading.reason : ''
}

/** Names of a GPU's parts in `nvidia-smi -L`, such as `3g.40gb`, by the GPU's UUID and the part's number. */
export function readMigProfiles(output: string): Map<string, Map<number, string>> {
  return new Map(
    blocksOf(output).map(({ uuid, lines }) => {
      const parts = lines.flatMap((line) => {
        const [, profile, index] = /^MIG (\S+)\s+Device\s+(\d+):/.exec(line) ?? []
        return profile === undefined ? [] : [[Number(index), profile] as const]
      })
      return [uuid, new Map(parts)]
    }),
  )
}

/** Lines under each `GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-...)`. */
function blocksOf(output: string): { readonly uuid: string; readonly lines: string[] }[] {
  const blocks: { uuid: string; lines: string[] }[] = []
  for (const line of linesOf(output)) {
    const uuid = /^GPU \d+: .*\(UUID: (GPU-[^)]+)\)$/.exec(line)?.[1]
    if (uuid === undefined) blocks.at(-1)?.lines.push(line)
    else blocks.push({ uuid, lines: [] })
  }
  return blocks
}
