import { setMaxListeners } from 'node:events'
import type { LoadLevel } from '../../src/load/benchmark.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import { endedAsMeant } from '../../src/load/record.ts'
import {
  type LevelPlan,
  type LevelResult,
  type LevelWorld,
  runLevel,
} from '../../src/load/run-level.ts'
import { shareLevel } from '../../src/load/shared-level.ts'
import { seededRandom } from '../../src/random.ts'
import { type SimulatedOptions, simulatedEngine } from '../../src/serve/simulated.ts'
import { virtualClock } from '../load/virtual-clock.ts'
import { record } from './records.ts'

/** A load level on the simulated engine, on a clock that does not wait. */
export interface SimulatedLevel {
  readonly law: Partial<SimulatedOptions>
  readonly load: LoadLevel
  readonly inputTokens: number
  readonly outputTokens: number
  readonly warmupS?: number
  readonly durationS: number
  readonly seed: number
}

/** The records of a level that the real scheduler ran against the simulated engine, without sockets between. */
export async function simulateLevel(given: SimulatedLevel): Promise<{
  readonly result: LevelResult
  readonly records: readonly RequestRecord[]
}> {
  const { law, load, seed } = given
  const clock = virtualClock()
  const engine = simulatedEngine({ ...law, seed, clock })
  const records: RequestRecord[] = []
  const leaving = new AbortController()
  setMaxListeners(0, leaving.signal)
  let issued = 0
  const answer = async (id: number, phase: RequestRecord['phase'], dueMs: number | undefined) => {
    const sentMs = clock.nowMs()
    const chunkMs: number[] = []
    const request = {
      prompt: 'w '.repeat(given.inputTokens),
      maxTokens: given.outputTokens,
      minTokens: 0,
      seed: id,
      signal: leaving.signal,
    }
    for await (const _piece of engine.generate(request)) chunkMs.push(clock.nowMs())
    const endMs = clock.nowMs()
    const { aborted } = leaving.signal
    const ended = record({
      id,
      phase,
      dueMs,
      sentMs,
      firstByteMs: chunkMs[0],
      chunkMs,
      endMs: aborted ? undefined : endMs,
      closedMs: endMs,
      outcome: { kind: aborted ? 'cancelled' : 'completed' },
      requestedInputTokens: given.inputTokens,
      requestedOutputTokens: given.outputTokens,
      usage: aborted
        ? undefined
        : { inputTokens: given.inputTokens, outputTokens: given.outputTokens },
    })
    records.push(ended)
    return ended
  }
  const issue: LevelWorld['issue'] = (phase, dueMs, onEnd) => {
    void answer(issued++, phase, dueMs).then(({ outcome }) => onEnd(endedAsMeant(outcome)))
  }
  const plan: LevelPlan = {
    load,
    warmupS: given.warmupS ?? 0,
    durationS: given.durationS,
    drainS: 30,
    random: seededRandom(seed, 'arrivals'),
    startMs: 0,
    shard: { index: 0, count: 1 },
  }
  const world: LevelWorld = {
    clock,
    issue,
    cancelAll: () => leaving.abort(),
    shared: shareLevel(1),
    signal: new AbortController().signal,
  }
  const result = await clock.run(runLevel(plan, world))
  const closed = engine.close()
  await clock.run(closed)
  return { result, records }
}

type Speeds = Pick<SimulatedOptions, 'prefillTokensPerS' | 'decodeBaseMs' | 'decodePerSequenceMs'>

interface Lengths {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Output tokens/s of k users in a closed loop, by the laws in docs/reference-server.md. */
export function closedLoopTruth(
  speeds: Speeds,
  { users, ...lengths }: Lengths & { readonly users: number },
): number {
  return (1000 * users * lengths.outputTokens) / roundMs(speeds, lengths, users)
}

/** Requests/s that all slots serve together, by the same. */
export function capacityPerS(speeds: Speeds & Pick<SimulatedOptions, 'slots'>, lengths: Lengths) {
  return (1000 * speeds.slots) / roundMs(speeds, lengths, speeds.slots)
}

/** Every answer is begun once and brought to its end. */
function roundMs(
  { prefillTokensPerS, decodeBaseMs, decodePerSequenceMs }: Speeds,
  { inputTokens, outputTokens }: Lengths,
  answers: number,
): number {
  const stepMs = decodeBaseMs + decodePerSequenceMs * answers
  return (answers * 1000 * inputTokens) / prefillTokensPerS + (outputTokens - 1) * stepMs
}
