import type { Maybe } from '../arithmetic.ts'
import type { Bounds, OperatingPoint, Roofline } from '../measure/summary.ts'
import { formatNumber, formatPercent, notAvailable } from './format.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'
import type { TextTable } from './server-facts.ts'

export const rooflineTitle = 'How near the server came to what its hardware can do'

const BYTES_PER_GB = 1e9
const FLOPS_PER_TFLOP = 1e12

/** A level a row; nothing where the model was not described. */
export function rooflineTable({ summary }: Report): TextTable | undefined {
  const points = summary.points.filter(({ roofline }) => roofline !== undefined)
  if (summary.roofline === undefined || points.length === 0) return undefined
  return {
    note: 'MBU: model bandwidth utilisation, bytes that decoding must read / peak bandwidth. MFU: model FLOPs utilisation, operations the tokens need / dense peak. Bound: a roof of which at least half was reached; neither: host, scheduler, links between GPUs, or too little load.',
    headings: ['Load', 'Batch', 'Steps/s', 'GB/s read', 'MBU', 'TFLOP/s', 'MFU', 'Bound'],
    rows: points.map(rowOf),
  }
}

function rowOf({ label, roofline = {} }: OperatingPoint): string[] {
  const { batch, stepsPerS, bytesPerS, memoryRatio, flopsPerS, computeRatio, bound } = roofline
  return [
    plainText(label),
    formatNumber(batch),
    formatNumber(stepsPerS),
    boundsText(bytesPerS, (bytes) => formatNumber(scaled(bytes, BYTES_PER_GB))),
    boundsText(memoryRatio, formatPercent),
    formatNumber(scaled(flopsPerS, FLOPS_PER_TFLOP)),
    formatPercent(computeRatio),
    bound === undefined ? whyNoBound(roofline) : bound,
  ]
}

function whyNoBound({ memoryRatio, computeRatio }: Roofline): string {
  return memoryRatio === undefined || computeRatio === undefined ? notAvailable : 'not clear'
}

function scaled(value: Maybe, by: number): Maybe {
  return value === undefined ? undefined : value / by
}

function boundsText(bounds: Bounds | undefined, format: (value: Maybe) => string): string {
  if (bounds === undefined) return notAvailable
  const [low, high] = [format(bounds.low), format(bounds.high)]
  return low === high ? low : `${low} to ${high}`
}

/** What keeps figures unknown, and what was taken for granted; empty where the model was not described. */
export function rooflineLines({ summary: { roofline } }: Report): string[] {
  if (roofline === undefined) return []
  return [
    ...roofline.missing.map((what) => `Unknown: ${plainText(what)}.`),
    ...roofline.assumptions.map((text) => plainText(text)),
  ]
}
