import type { Benchmark, LoadLevel } from '../../../src/load/benchmark.ts'
import type { RequestRecord } from '../../../src/load/record.ts'
import { runLevel } from '../../../src/load/run-level.ts'
import type { SearchPlan } from '../../../src/load/search-plan.ts'
import { shareLevel } from '../../../src/load/shared-level.ts'
import { nextLevel, summarizeSearch } from '../../../src/measure/search/search.ts'
import type { SearchSummary } from '../../../src/measure/search/search-summary.ts'
import type { OperatingPoint } from '../../../src/measure/summary.ts'
import { seededRandom } from '../../../src/random.ts'
import { type SimulatedOptions, simulatedEngine } from '../../../src/serve/simulated.ts'
import { virtualClock } from '../../load/virtual-clock.ts'
import { levelLog, operatingPoint } from '../records.ts'

/** A server by its law, what is asked of it, and the tokens of a request. */
export interface VirtualWorld {
  readonly law: Partial<SimulatedOptions>
  readonly benchmark: Benchmark
  readonly inputTokens: number
  readonly outputTokens: number
  readonly seed: number
}

/**
 * One level: the real scheduler of load puts requests to the real simulated engine, both on one clock
 * that jumps, and their records go through the code that sums up a run.
 */
async function measureVirtually(
  { law, benchmark, inputTokens, outputTokens, seed }: VirtualWorld,
  level: number,
  load: LoadLevel,
): Promise<OperatingPoint> {
  const clock = virtualClock()
  const engine = simulatedEngine({ ...law, seed: 1000 * seed + level, clock })
  const records: RequestRecord[] = []
  const underWay = new Set<AbortController>()
  const prompt = Array.from({ length: inputTokens }, () => 'word').join(' ')
  const ask = async (phase: RequestRecord['phase'], dueMs: number | undefined): Promise<void> => {
    const sentMs = clock.nowMs()
    const chunkMs: number[] = []
    // One signal for all would be searched through for each.
    const cancelling = new AbortController()
    underWay.add(cancelling)
    const asked = { prompt, maxTokens: outputTokens, minTokens: outputTokens, seed: records.length }
    for await (const _ of engine.generate({ ...asked, signal: cancelling.signal }))
      chunkMs.push(clock.nowMs())
    underWay.delete(cancelling)
    const endMs = clock.nowMs()
    const isWhole = chunkMs.length === outputTokens
    records.push({
      id: records.length,
      level,
      phase,
      dueMs,
      sentMs,
      chunkMs,
      endMs: isWhole ? endMs : undefined,
      closedMs: endMs,
      outcome: isWhole ? { kind: 'completed' } : { kind: 'cancelled' },
      usage: { inputTokens, outputTokens },
    })
  }
  const result = await clock.run(
    runLevel(
      {
        ...benchmark,
        load,
        random: seededRandom(seed, `arrivals-${level}`),
        startMs: 0,
        shard: { index: 0, count: 1 },
      },
      {
        clock,
        issue: (phase, dueMs, onEnd) => void ask(phase, dueMs).then(() => onEnd(true)),
        cancelAll: () => {
          for (const each of underWay) each.abort()
        },
        shared: shareLevel(1),
        signal: new AbortController().signal,
      },
    ),
  )
  await engine.close()
  return operatingPoint(levelLog({ ...result, level, load }), records, benchmark)
}

/** A whole search, level by level as `baremark slo` and `baremark sweep` do it. */
export async function searchVirtually(
  plan: SearchPlan,
  world: VirtualWorld,
): Promise<{ search: SearchSummary; points: OperatingPoint[] }> {
  const points: OperatingPoint[] = []
  for (;;) {
    const load = nextLevel(plan, world.benchmark.load, points)
    if (load === undefined) return { search: summarizeSearch(plan, points), points }
    points.push(await measureVirtually(world, points.length, load))
  }
}
