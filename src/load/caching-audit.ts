import { MS_PER_S } from '../units.ts'
import type { Clock } from './clock.ts'
import { type EndedRequest, toRecord } from './ended-request.ts'
import type { RequestRecord } from './record.ts'
import { type RequestTemplate, requestBytes } from './request-source.ts'
import type { CachingAudit, PromptCalibration } from './run-log.ts'
import type { Sender } from './send.ts'
import { createPlan } from './workloads/plan.ts'
import type { WorkloadRequest } from './workloads/planned.ts'
import { askedTokens } from './workloads/sizes.ts'
import { averageWordbook, type Wordbook } from './workloads/wordbook.ts'
import type { Workload } from './workloads/workload.ts'

/** Fixed beforehand, so that nobody stops when the answer pleases. */
const PAIRS = 30
/** A slow server is not asked for longer. */
const MOST_MS = 180_000

/** Where a workload does not say. */
const INPUT_TOKENS = 512
/** Longer ones take longer to ask for, and hide the part that a cache of prompts speeds up. */
const MOST_INPUT_TOKENS = 8_192
const MOST_OUTPUT_TOKENS = 32

/** Lengths to ask for: those of the workload, within what is quick to ask. */
export function auditLengths(
  workload: Workload,
): Pick<CachingAudit, 'inputTokens' | 'outputTokens'> {
  const { inputTokens = INPUT_TOKENS, outputTokens = MOST_OUTPUT_TOKENS } = askedTokens(workload)
  return {
    inputTokens: Math.min(Math.ceil(inputTokens), MOST_INPUT_TOKENS),
    outputTokens: Math.min(Math.ceil(outputTokens), MOST_OUTPUT_TOKENS),
  }
}

interface AuditOptions {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly seed: number
  /** Makes the prompts others than those of the run, and of earlier audits. */
  readonly salt: string
  readonly prompts: PromptCalibration
  readonly wordbook?: Wordbook
  readonly inputTokens: number
  readonly outputTokens: number
  readonly signal: AbortSignal
}

/**
 * Whether a server answers a prompt faster that it has just answered (after MLPerf Inference's TEST04, which
 * sends one sample over and over). One request at a time to a server that does nothing else; pairs in the order
 * unique, identical, identical, unique, so that a drift slows both alike. The identical prompt is asked once
 * beforehand, not counted.
 */
export async function auditCaching(
  send: Sender['send'],
  template: RequestTemplate,
  options: AuditOptions,
): Promise<CachingAudit> {
  const { clock, signal, prompts } = options
  const requestAt = promptsOf(options)
  const identical = requestAt(0)
  const ask = (request: WorkloadRequest): Promise<RequestRecord> => askOne(send, template, request)
  const untilMs = clock.nowMs() + MOST_MS
  const pairs: CachingAudit['pairs'][number][] = []
  let failed = 0
  let cutShort: string | undefined
  await ask(identical)
  for (let pair = 0; pair < PAIRS; pair++) {
    if (signal.aborted) cutShort = 'interrupted'
    else if (clock.nowMs() > untilMs) cutShort = `${MOST_MS / MS_PER_S} s were over`
    if (cutShort !== undefined) break
    const asked = [requestAt(pair + 1), identical]
    if (pair % 2 === 1) asked.reverse()
    const records: RequestRecord[] = []
    for (const request of asked) records.push(await ask(request))
    if (pair % 2 === 1) records.reverse()
    const [unique, same] = records.map(timesOf)
    if (unique && same) pairs.push({ unique, identical: same })
    failed += records.filter((each) => timesOf(each) === undefined).length
  }
  const { inputTokens = prompts.overheadTokens, outputTokens } = identical
  return {
    inputTokens,
    outputTokens,
    pairs,
    failed,
    ...(cutShort === undefined ? {} : { cutShort }),
  }
}

/** Prompts of one length, of which no two begin alike. */
function promptsOf({
  seed,
  salt,
  prompts,
  wordbook,
  inputTokens,
  outputTokens,
}: AuditOptions): (number: number) => WorkloadRequest {
  const plan = createPlan(
    { kind: 'synthetic', inputTokens, outputTokens },
    {
      seed,
      salt: `audit-${salt}`,
      level: 0,
      wordbook: wordbook ?? averageWordbook(prompts.tokensPerWord),
      overheadTokens: prompts.overheadTokens,
    },
  )
  if (plan.kind !== 'requests') throw new Error('a synthetic workload has no sessions')
  return plan.requestAt
}

function askOne(
  send: Sender['send'],
  template: RequestTemplate,
  request: WorkloadRequest,
): Promise<RequestRecord> {
  const planned = {
    id: -1,
    level: -1,
    phase: 'warm-up' as const,
    bytes: requestBytes(template, { id: 'audit', ...request }),
    requestedInputTokens: request.inputTokens,
    requestedOutputTokens: request.outputTokens,
  }
  return new Promise((resolve) => send(planned, (ended: EndedRequest) => resolve(toRecord(ended))))
}

function timesOf({
  outcome,
  sentMs,
  endMs,
  chunkMs: [firstMs],
}: RequestRecord): CachingAudit['pairs'][number]['unique'] | undefined {
  if (outcome.kind !== 'completed' || sentMs === undefined) return undefined
  if (endMs === undefined || firstMs === undefined) return undefined
  return { ttftMs: firstMs - sentMs, latencyMs: endMs - sentMs }
}
