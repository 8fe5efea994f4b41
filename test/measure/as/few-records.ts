import type { RequestRecord } from '../../../src/load/record.ts'
import {
  type RivalLevel,
  type RivalView,
  rivals,
  startRivalView,
} from '../../../src/measure/as/index.ts'
import type { RivalFigure } from '../../../src/measure/as/rival.ts'
import { benchmark, levelLog, operatingPoint, runLog } from '../records.ts'

const closed = (parts: Partial<RequestRecord>): RequestRecord => ({
  id: 0,
  level: 0,
  phase: 'measured',
  sentMs: 0,
  chunkMs: [],
  closedMs: parts.endMs ?? 0,
  outcome: { kind: 'completed' },
  httpStatus: 200,
  ...parts,
})

/** Two chunks of a token each, before the window. */
export const warm = closed({
  id: 0,
  phase: 'warm-up',
  sentMs: -40,
  chunkMs: [-20, -10],
  endMs: -5,
  requestedInputTokens: 4,
  requestedOutputTokens: 2,
  usage: { inputTokens: 4, outputTokens: 2 },
})

export const failed = closed({
  id: 1,
  closedMs: 30,
  outcome: { kind: 'failed', failure: 'http-status', detail: '500' },
  httpStatus: 500,
})

/** A role event, and an answer of one token. */
export const single = closed({
  id: 2,
  sentMs: 10,
  firstEventMs: 50,
  chunkMs: [60],
  endMs: 62,
  requestedInputTokens: 5,
  requestedOutputTokens: 1,
  usage: { inputTokens: 5, outputTokens: 1 },
})

/** On a connection that took 5 ms to open; its second chunk has two tokens, and its finish event none. */
export const pair = closed({
  id: 3,
  sentMs: 20,
  connectMs: 5,
  chunkMs: [70, 90, 110],
  chunkTokens: [1, 2, 1],
  finishMs: 115,
  endMs: 117,
  requestedInputTokens: 6,
  requestedOutputTokens: 4,
  usage: { inputTokens: 6, outputTokens: 4 },
})

/**
 * Role 50 ms after the send; reasoning at 60 and 80 (3 tokens each); text at 100 (1), 120 (2) and 140
 * (1, with the finish reason); the end at 150. Eleven tokens were asked for.
 */
export const reasoned = closed({
  id: 4,
  sentMs: 100,
  firstEventMs: 150,
  chunkMs: [160, 180, 200, 220, 240],
  chunkTokens: [3, 3, 1, 2, 1],
  firstVisibleMs: 200,
  endMs: 250,
  requestedInputTokens: 7,
  requestedOutputTokens: 11,
  usage: { inputTokens: 7, outputTokens: 10, reasoningTokens: 6 },
})

export const few = [warm, failed, single, pair, reasoned]

interface ViewParts {
  readonly slo?: object
  readonly log?: object
  readonly workload?: object
  readonly api?: string
}

/** What a rival makes of a run of one level, whose window is 300 ms. */
export function runViewOf(
  name: string,
  records: readonly RequestRecord[],
  { slo = {}, log: parts = {}, workload, api = 'openai-chat' }: ViewParts = {},
): RivalView {
  const rival = rivals.find((each) => each.name === name)
  if (!rival) throw new Error(`no rival ${name}`)
  const log = levelLog({ windowStartMs: 0, windowEndMs: 300, issued: records.length, ...parts })
  const config = benchmark({ slo, api, ...(workload ? { workload } : {}) })
  const run = runLog({ levels: [log], config: { benchmark: config, url: 'http://127.0.0.1' } })
  const view = startRivalView(rival, run)
  for (const each of records) view.add(each)
  return view.finish([operatingPoint(log, records, config)])
}

/** The only level of it. */
export function viewOf(...of: Parameters<typeof runViewOf>): RivalLevel {
  const [level] = runViewOf(...of).levels
  if (!level) throw new Error('no level')
  return level
}

/** The figure of a key. */
export function at({ figures }: Pick<RivalLevel, 'figures'>, key: string): RivalFigure {
  const found = figures.filter((each) => each.key === key)
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} of ${key}`)
  return found[0]
}

/** Values of several keys at once. */
export function values(level: Pick<RivalLevel, 'figures'>, keys: readonly string[]) {
  return Object.fromEntries(keys.map((key) => [key, at(level, key).value]))
}
