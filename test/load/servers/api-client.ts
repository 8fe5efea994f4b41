import { onTestFinished } from 'vitest'
import type { ApiName } from '../../../src/load/api-names.ts'
import type { Clock } from '../../../src/load/clock.ts'
import { startClock } from '../../../src/load/clock.ts'
import { toRecord } from '../../../src/load/ended-request.ts'
import type { RequestRecord } from '../../../src/load/record.ts'
import { requestBytes } from '../../../src/load/request-source.ts'
import { createSender } from '../../../src/load/send.ts'
import { serverApis } from '../../../src/load/servers/index.ts'
import type { ServerApi } from '../../../src/load/servers/server.ts'
import type { Told } from './api-streams.ts'

const PATIENT_MS = 20_000

export interface ApiClient {
  readonly ask: () => Promise<RequestRecord>
  readonly connectionsOpened: () => number
  /** Socket reads worked through so far. */
  readonly reads: () => number
}

interface ApiClientOptions {
  readonly apiKey?: string
  readonly model?: string
  readonly clock?: Clock
  /** Fields of the request beside those of the API. */
  readonly fields?: object
  readonly forceLength?: boolean
}

/** A client that speaks an API with a server on this machine, until the test ends. */
export function apiClient(name: ApiName, port: number, options: ApiClientOptions = {}): ApiClient {
  const { apiKey, fields } = options
  const plain = serverApis[name]
  const api: ServerApi = {
    ...plain,
    body: (ask) => JSON.stringify({ ...(JSON.parse(plain.body(ask)) as object), ...fields }),
  }
  const where = { host: '127.0.0.1', address: '127.0.0.1', port }
  const sender = createSender({
    endpoint: { ...where, tls: false, insecure: false },
    api,
    clock: options.clock ?? startClock().clock,
    timeouts: {
      connectMs: PATIENT_MS,
      firstTokenMs: PATIENT_MS,
      idleMs: PATIENT_MS,
      totalMs: PATIENT_MS,
    },
    secret: apiKey,
  })
  onTestFinished(sender.close)
  const template = {
    api,
    url: `http://127.0.0.1:${port}`,
    model: options.model ?? 'm',
    apiKey,
    userAgent: 'baremark/test',
    forceLength: options.forceLength ?? false,
    idPrefix: 'run',
  }
  const bytes = requestBytes(template, { id: '7', prompt: 'one two', outputTokens: 16 })
  const request = { id: 1, level: 0, phase: 'measured', bytes } as const
  const counts = { requestedInputTokens: 2, requestedOutputTokens: 16 }
  return {
    ask: () =>
      new Promise((resolve) =>
        sender.send({ ...request, ...counts }, (ended) => resolve(toRecord(ended))),
      ),
    connectionsOpened: sender.connectionsOpened,
    reads: () => sender.traffic().reads,
  }
}

/** What a record holds beside its times, absent where it is absent. */
export function toldBy(record: RequestRecord): Told {
  const { usage, serverTimings, finishReason, chunkTokens, chunkMs, firstVisibleMs } = record
  const told = {
    chunks: chunkMs.length,
    reasoningFirst: firstVisibleMs === undefined ? undefined : true,
    usage,
    serverTimings,
    finishReason,
    chunkTokens,
  }
  // Without what is undefined.
  return JSON.parse(JSON.stringify(told)) as Told
}
