/**
 * What the shards of one load level share, in memory that all threads see: the requests and places that
 * are left, and how far each shard has come, so that the coordinator can look without asking. Whole
 * numbers of 32 bits: a level of 2,000 million chunks is beyond it.
 */
export interface SharedLevel {
  /** To hand to another thread. */
  readonly memory: SharedArrayBuffer
  /** Takes one of the measured requests; false when `limit` were taken. */
  readonly takeRequest: (limit: number) => boolean
  /** Takes a place for a request under way; false when `limit` are taken. */
  readonly takePlace: (limit: number) => boolean
  readonly leavePlace: () => void
  readonly ofShard: (shard: number) => ShardCells
}

/** How far a shard has come; it alone writes. */
export interface ShardCells {
  readonly set: (cell: ShardCell, value: number) => void
  readonly get: (cell: ShardCell) => number
}

/** `beats` grows while the shard's thread lives; `reads` and `chunks` while anything comes. */
const shardCells = { issued: 0, ended: 1, errors: 2, chunks: 3, reads: 4, beats: 5 } as const
type ShardCell = keyof typeof shardCells

const REQUESTS_TAKEN = 0
const PLACES_TAKEN = 1
/** Cells a shard has to itself: a whole line of the processor's cache, so that shards do not slow each other down. */
const SHARD_STRIDE = 32

/** @param memory of a level that another thread made; its own when absent */
export function shareLevel(
  shards: number,
  memory = new SharedArrayBuffer(4 * SHARD_STRIDE * (1 + shards)),
): SharedLevel {
  const cells = new Int32Array(memory)
  const take = (cell: number, limit: number): boolean => {
    if (Atomics.add(cells, cell, 1) < limit) return true
    Atomics.sub(cells, cell, 1)
    return false
  }
  return {
    memory,
    takeRequest: (limit) => take(REQUESTS_TAKEN, limit),
    takePlace: (limit) => take(PLACES_TAKEN, limit),
    leavePlace: () => void Atomics.sub(cells, PLACES_TAKEN, 1),
    ofShard: (shard) => {
      const first = SHARD_STRIDE * (1 + shard)
      return {
        set: (cell, value) => Atomics.store(cells, first + shardCells[cell], value),
        get: (cell) => Atomics.load(cells, first + shardCells[cell]),
      }
    },
  }
}
