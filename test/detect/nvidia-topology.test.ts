import { expect, test } from 'vitest'
import { readingValue } from '../../src/detect/reading.ts'
import {
  readMigProfiles,
  readNvLinks,
  readTopology,
  topologyOf,
} from '../../src/detect/vendors/nvidia/topology.ts'

/** Self-written: two GPUs, two network cards, underlined header, and the field too many before `N/A`. */
const withCards = [
  '\t\u001b[4mGPU0\tGPU1\tNIC0\tNIC1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\u001b[0m',
  'GPU0\t X \tNV18\tPXB\tSYS\t0-55,112-167\t0\t\tN/A',
  'GPU1\tNV18\t X \tSYS\tPXB\t56-111,168-223\t1\t\tN/A',
  'NIC0\tPXB\tSYS\t X \tSYS\t\t\t\t',
  'NIC1\tSYS\tPXB\tSYS\t X \t\t\t\t',
  '',
  'Legend:',
  '',
  '  X    = Self',
  '  NV#  = Connection traversing a bonded set of # NVLinks',
  '',
  'NIC Legend:',
  '',
  '  NIC0: mlx5_0',
  '',
].join('\n')

function brief(output: string) {
  return readTopology(output)?.map(({ index, links, numaNode }) => [
    index,
    links.join(' '),
    readingValue(numaNode),
  ])
}

test.each([
  ['Linux', withCards],
  ['Windows', `\uFEFF${withCards.replaceAll('\n', '\r\n')}`],
])(
  'links between GPUs are read and those to network cards are not, as %s has them',
  (_, output) => {
    expect(brief(output)).toEqual([
      [0, 'X NV18', 0],
      [1, 'NV18 X', 1],
    ])
  },
)

test('an old driver has no column for the GPU’s own node', () => {
  const output =
    '\tGPU0\tGPU1\tmlx5_0\tCPU Affinity\tNUMA Affinity\nGPU0\t X \tPHB\tSYS\t0-7\t0\nGPU1\tPHB\t X \tSYS\t0-7\t0\n'
  expect(brief(output)).toEqual([
    [0, 'X PHB', 0],
    [1, 'PHB X', 0],
  ])
})

test('an older one does not tell of nodes at all', () => {
  const output = '\tGPU0\tCPU Affinity\nGPU0\t X \t0-7\n'
  expect(readTopology(output)?.[0]?.numaNode).toMatchObject({ reason: 'this driver does not tell' })
})

test.each([
  ['0-1', 'nvidia-smi says 0-1'],
  ['', 'nvidia-smi says nothing'],
  ['N/A', 'nvidia-smi says N/A'],
])('a GPU near "%s" has no node of its own, not node 0', (cell, reason) => {
  const output = `\tGPU0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\nGPU0\t X \t0-7\t${cell}\t\tN/A\n`
  expect(readTopology(output)?.[0]?.numaNode).toMatchObject({ status: 'absent', reason })
})

test.each([
  '',
  'Failed to initialize NVML: Driver/library version mismatch',
  '\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tSYS\t0-7\n',
  '\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \nGPU1\tSYS\t X \t0-7\n',
])('%j is no matrix', (output) => {
  expect(readTopology(output)).toBeUndefined()
})

test('a GPU without an address keeps the tool’s own name', () => {
  const rows = readTopology(withCards) ?? []
  expect(topologyOf(rows, (index) => (index === 0 ? '0000:1b:00.0' : undefined))).toMatchObject({
    value: { gpus: ['0000:1b:00.0', 'GPU1'] },
  })
})

test.each([
  ['\t Link 0: 25 GB/s\n\t Link 1: 25.781 GB/s\n', 2, 50.781],
  ['\t Link 0: <inactive>\n\t Link 1: <inactive>\n', 0, undefined],
  ['Device does not have or support Nvlink\n', 0, undefined],
  ['NVML: Unable to retrieve Nvlink information as all links are inActive\n', 0, undefined],
  ['Nvlink queries are not supported for Devices in MIG mode\n', undefined, undefined],
  ['Unable to retrieve NVLink information: GPU is lost\n', undefined, undefined],
  ['', undefined, undefined],
])('links %j are %s with %s GB/s', (words, links, gbPerS) => {
  const told = readNvLinks(`GPU 0: NVIDIA H100 (UUID: GPU-aa)\n${words}`).get('GPU-aa')
  expect(readingValue(told?.gpuLinks)).toBe(links)
  expect(readingValue(told?.gpuLinkGbPerS)).toBe(gbPerS)
})

test('parts are listed under their GPU', () => {
  const output = `GPU 0: NVIDIA A100 (UUID: GPU-aa)\r
  MIG 1g.5gb      Device  0: (UUID: MIG-GPU-aa/7/0)\r
GPU 1: NVIDIA A100 (UUID: GPU-bb)\r
  MIG 1c.3g.20gb  Device  0: (UUID: MIG-cc)\r
`
  expect(readMigProfiles(output)).toEqual(
    new Map([
      ['GPU-aa', new Map([[0, '1g.5gb']])],
      ['GPU-bb', new Map([[0, '1c.3g.20gb']])],
    ]),
  )
})
