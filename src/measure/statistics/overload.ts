import { type Point, type Trend, trend } from './trend.ts'

/** Whether a server kept up with the rate it was offered. */
export interface Overload {
  readonly verdict: 'overloaded' | 'keeps-up' | 'too-few-readings'
  readonly inFlight: Trend | undefined
  readonly ttft: Trend | undefined
}

/** A rise counts where half the width of its interval is at most this share of it. */
const MAX_MARGIN_RATIO = 0.5

/**
 * Offered more than it can serve, a server's queue grows for as long as the load lasts: requests in
 * flight and the time to first token both rise, steadily. Then no steady state exists, and every figure
 * tells how long the run was. Both must rise with a narrow interval, as GuideLLM asks (vllm-project/
 * guidellm, over-saturation stopping): one alone rises in a run that keeps up, by chance or by longer prompts.
 * To be asked of an open loop after its start-up; a closed loop cannot have it.
 *
 * @param inFlight requests being served, as time goes by
 * @param ttftMs of each request, at the time it was due
 */
export function overload(
  inFlight: readonly Point[],
  ttftMs: readonly Point[],
  { confidence = 0.95, maxMarginRatio = MAX_MARGIN_RATIO } = {},
): Overload {
  const trends = { inFlight: trend(inFlight, { confidence }), ttft: trend(ttftMs, { confidence }) }
  if (!trends.inFlight || !trends.ttft) return { verdict: 'too-few-readings', ...trends }
  const rising =
    risesSurely(trends.inFlight, maxMarginRatio) && risesSurely(trends.ttft, maxMarginRatio)
  return { verdict: rising ? 'overloaded' : 'keeps-up', ...trends }
}

function risesSurely({ slopePerMs, lowPerMs, highPerMs }: Trend, maxMarginRatio: number): boolean {
  return lowPerMs > 0 && (highPerMs - lowPerMs) / 2 <= maxMarginRatio * slopePerMs
}
