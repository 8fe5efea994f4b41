import { seededRandom } from '../random.ts'
import { type Benchmark, type LoadLevel, levelsOf } from './benchmark.ts'
import type { Clock } from './clock.ts'
import { toRecord } from './ended-request.ts'
import { watchHealth } from './health.ts'
import { wordsForTokens } from './prompts.ts'
import type { RequestRecord } from './record.ts'
import { createRequestSource, type RequestTemplate } from './request-source.ts'
import { runLevel } from './run-level.ts'
import type { LevelLog, PromptCalibration } from './run-log.ts'
import type { Sender } from './send.ts'

/** All that a run needs of the world, and who hears of it. */
export interface LoadWorld {
  readonly clock: Clock
  readonly sender: Sender
  readonly template: RequestTemplate
  readonly prompts: PromptCalibration
  /**
   * Goes into the prompts beside the seed, and differs from run to run: a server that was measured
   * before would answer the same prompts from its prefix cache.
   */
  readonly promptSalt: string
  readonly signal: AbortSignal
  readonly onLevelStart: (level: number, load: LoadLevel) => void
  readonly onRecord: (record: RequestRecord) => void
  readonly onLevelEnd: (log: LevelLog) => void
}

/** Runs the load levels of a benchmark one after another; stops early when interrupted or hopeless. */
export async function runLoad(benchmark: Benchmark, world: LoadWorld): Promise<LevelLog[]> {
  const logs: LevelLog[] = []
  let firstId = 0
  for (const [level, load] of levelsOf(benchmark.load).entries()) {
    if (world.signal.aborted) break
    world.onLevelStart(level, load)
    const log = await runOne(benchmark, { level, load, firstId }, world)
    firstId += log.issued
    logs.push(log)
    world.onLevelEnd(log)
    if (log.ended !== 'complete') break
  }
  return logs
}

async function runOne(
  benchmark: Benchmark,
  { level, load, firstId }: { level: number; load: LoadLevel; firstId: number },
  world: LoadWorld,
): Promise<LevelLog> {
  const { workload, seed } = benchmark
  const nextRequest = createRequestSource(world.template, {
    wordCount: wordsForTokens(workload.inputTokens, world.prompts),
    outputTokens: workload.outputTokens,
    random: seededRandom(seed, `prompts-${world.promptSalt}-${level}`),
    firstId,
    idStep: 1,
  })
  const healthNow = watchHealth(world.clock, world.sender)
  const result = await runLevel(
    { ...benchmark, load, random: seededRandom(seed, `arrivals-${level}`) },
    {
      clock: world.clock,
      cancelAll: world.sender.cancelAll,
      signal: world.signal,
      issue: async (phase, dueMs) => {
        const request = {
          ...nextRequest(),
          level,
          phase,
          dueMs,
          requestedInputTokens: workload.inputTokens,
          requestedOutputTokens: workload.outputTokens,
        }
        const record = await new Promise<RequestRecord>((resolve) =>
          world.sender.send(request, (ended) => resolve(toRecord(ended))),
        )
        world.onRecord(record)
        return record
      },
    },
  )
  return {
    level,
    load,
    ...result,
    health: healthNow(),
  }
}
