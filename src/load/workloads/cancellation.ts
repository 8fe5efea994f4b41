import { seededRandom } from '../../random.ts'
import type { CancelAfter, RequestPlan, WorkloadRequest } from './planned.ts'

/** Which requests are given up on purpose, as a benchmark says it. */
export interface Cancel {
  readonly share: number
  readonly afterChunks?: number
  readonly afterMs?: number
}

/** The plan with a share of its requests to be given up: by their number (and turn) and the seed alone. */
export function withCancellation(
  plan: RequestPlan,
  cancel: Cancel,
  { seed, level }: { readonly seed: number; readonly level: number },
): RequestPlan {
  const after = cancelAfter(cancel)
  const mark = (request: WorkloadRequest, name: string): WorkloadRequest =>
    seededRandom(seed, `cancel-${level}-${name}`)() < cancel.share
      ? { ...request, cancelAfter: after }
      : request
  switch (plan.kind) {
    case 'requests':
      return { kind: 'requests', requestAt: (number) => mark(plan.requestAt(number), `${number}`) }
    case 'sessions':
      return {
        kind: 'sessions',
        sessionAt: (number) => {
          const session = plan.sessionAt(number)
          return {
            turns: session.turns,
            requestAt: (turn) => mark(session.requestAt(turn), `${number}-${turn}`),
          }
        },
      }
  }
}

function cancelAfter({ afterChunks, afterMs }: Cancel): CancelAfter {
  if (afterChunks !== undefined) return { chunks: afterChunks }
  if (afterMs !== undefined) return { ms: afterMs }
  throw new Error('a cancellation without a moment')
}
