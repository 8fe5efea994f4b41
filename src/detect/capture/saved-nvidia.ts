import { type Gpu, gpuOf } from '../gpu-fields.ts'
import { absent, ok, readingValue } from '../reading.ts'
import { readRows } from '../vendors/nvidia/csv.ts'
import { joinedGpus } from '../vendors/nvidia/join.ts'
import { readTableGpus } from '../vendors/nvidia/nvidia-table.ts'
import { readTextGpus } from '../vendors/nvidia/nvidia-text.ts'
import {
  readMigProfiles,
  readNvLinks,
  readTopology,
  topologyOf,
} from '../vendors/nvidia/topology.ts'
import { linesOf, TOOL, text } from '../vendors/nvidia/values.ts'
import { readXmlGpus, type XmlGpu } from '../vendors/nvidia/xml.ts'
import { partitionsOf } from '../vendors/nvidia.ts'
import type { ReadOutput } from './read-output.ts'

/** `nvidia-smi -q -x`. */
export function readNvidiaXml(output: string): ReadOutput {
  return ofBlocks(readXmlGpus(output), '-q -x')
}

/** `nvidia-smi -q`, `-a`. */
export function readNvidiaText(output: string): ReadOutput {
  return ofBlocks(readTextGpus(output), '-q')
}

function ofBlocks(
  read: { readonly gpus: readonly XmlGpu[]; readonly problem?: string },
  call: string,
): ReadOutput {
  const gpus = joinedGpus([], read.gpus).map(({ gpu, block }) => {
    const partitions = partitionsOf(block, undefined)
    const source = `${TOOL} ${call} mig_devices`
    return {
      ...gpu,
      partitions:
        partitions.status === 'ok'
          ? { ...partitions, source }
          : absent(`${TOOL} ${call} told nothing of it`, source),
    }
  })
  return { gpus, ...(read.problem === undefined ? {} : { problem: read.problem }) }
}

/** A bare `nvidia-smi`. */
export function readNvidiaTable(output: string): ReadOutput {
  return { gpus: readTableGpus(output) }
}

const CSV_TITLE =
  '(?:index|count|name|uuid|serial|timestamp|pstate|compute_cap|(?:gpu|driver|vbios|persistence|compute)_[a-z]+|[a-z_]+(?:\\.\\w+)+)(?: \\[[\\w%/]+\\])?'

/** Two titles or more: one word on a line is found in any text. */
export const CSV_HEADING = new RegExp(`^(?:${CSV_TITLE}, )+${CSV_TITLE}$`, 'm')

/** Columns of `--query-gpu=... --format=csv` have titles such as `memory.total [MiB]`. */
export function readNvidiaCsv(output: string): ReadOutput {
  const lines = linesOf(output)
  const start = lines.findIndex((line) => CSV_HEADING.test(line))
  const names = (lines[start] ?? '').split(', ').map((title) => title.replace(/ \[.*\]$/, ''))
  const { gpus, strangeLines } = readRows(names, lines.slice(start + 1).join('\n'))
  const problem = strangeLines[0]
  return {
    gpus: joinedGpus(gpus, []).map(({ gpu }) => gpu),
    ...(problem === undefined ? {} : { problem: `not understood: ${problem}` }),
  }
}

/** `nvidia-smi -L` and `nvlink -s`: names and UUIDs, parts, links. */
export function readNvidiaList(output: string): ReadOutput {
  const links = readNvLinks(output)
  const profiles = readMigProfiles(output)
  const gpus = linesOf(output).flatMap((line): Gpu[] => {
    const [, index, name = '', uuid = ''] =
      /^GPU (\d+): (.*) \(UUID: (GPU-[^)]+)\)$/.exec(line) ?? []
    if (index === undefined) return []
    const source = `${TOOL} -L`
    const named = text(name)
    const told = links.get(uuid)
    const parts = [...(profiles.get(uuid)?.values() ?? [])].map((profile) => ({ profile }))
    const readings = {
      ...(named === undefined ? {} : { name: ok(named, source) }),
      uuid: ok(uuid, source),
      ...(parts.length > 0 ? { partitions: ok(parts, source) } : {}),
      ...(told !== undefined && /Link \d+:/.test(output) ? told : {}),
    }
    return [
      gpuOf('nvidia', Number(index), readings, { reason: 'this list does not tell it', source }),
    ]
  })
  return { gpus }
}

/** `nvidia-smi topo -m`. */
export function readNvidiaTopology(output: string): ReadOutput {
  const rows = readTopology(output)
  if (rows === undefined) return { gpus: [], problem: 'the matrix is not whole' }
  const otherwise = { reason: `${TOOL} topo -m does not tell it`, source: `${TOOL} topo -m` }
  const gpus = rows.map(({ index, numaNode }) => gpuOf('nvidia', index, { numaNode }, otherwise))
  const topology = readingValue(topologyOf(rows, () => undefined))
  return { gpus, ...(topology === undefined ? {} : { topology }) }
}
