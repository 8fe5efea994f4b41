import type { RequestRecord } from '../../src/load/record.ts'

/** A record of a completed request: sent at 0, its two chunks at 20 and 30 ms, closed at 31 ms. */
export function sampleRecord(parts: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: 0,
    level: 0,
    phase: 'measured',
    sentMs: 0,
    firstByteMs: 10,
    chunkMs: [20, 30],
    endMs: 31,
    closedMs: 31,
    outcome: { kind: 'completed' },
    httpStatus: 200,
    ...parts,
  }
}
