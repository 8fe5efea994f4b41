import type { ComparedImport } from '../../src/measure/compare-metrics.ts'
import type {
  Imported,
  ImportedDistribution,
  ImportedPoint,
} from '../../src/measure/imports/imported.ts'
import { toSummary } from '../../src/measure/imports/to-summary.ts'

/** 200 samples of which a tool tells its own p50 and p95. */
export function told(p50: number, p95: number, differs?: string): ImportedDistribution {
  const percentiles = [
    { p: 50, value: p50 },
    { p: 95, value: p95 },
  ]
  return { key: 'key', differs, n: 200, percentiles }
}

/** What a tool called Other says of points: 8 users unless they say otherwise, and nothing else that they do not say. */
export function comparedImport(
  points: readonly Partial<ImportedPoint>[],
  parts: Partial<Imported> = {},
): ComparedImport {
  const imported: Imported = {
    tool: { name: 'Other', version: '1.2' },
    format: 'other',
    clockStart: 'sent',
    points: points.map((point) => ({
      label: '',
      load: { kind: 'closed', concurrency: 8 },
      requests: {},
      metrics: {},
      ...point,
    })),
    cannotTell: ['the GPU'],
    throughput: 'Over the whole run.',
    notes: ['Over the whole run.', 'It counts chunks.'],
    ...parts,
  }
  return { path: 'other.json', imported, summary: toSummary(imported) }
}
