import type { Maybe } from '../../arithmetic.ts'
import type { Workload } from './marginal-regression.ts'

/** A load by its tokens, and whose word it is. Its time is that of the machine that carried it. */
export interface MeasuredShape extends Workload {
  readonly what: string
}

/** A measured load as far as its shape goes. Of cached tokens, nobody's word is taken as none. */
export interface MeasuredLoad {
  readonly what: string
  readonly outputTokensPerS: Maybe
  readonly inputTokensPerS: Maybe
  readonly cachedInputRatio: Maybe
  readonly meetsSlo: boolean | undefined
}

/** Loads whose proportions of tokens are nearer than this are of one shape. */
const SAME_SHAPE_RATIO = 0.1

/**
 * What a second of the machine makes of tokens of different shape: of each shape the load that made the most, as only a machine that is
 * busy tells what a token takes, among those that did not fail their SLO. Nothing where there is one shape only.
 */
export function measuredShapes(loads: readonly MeasuredLoad[]): MeasuredShape[] | undefined {
  const shapes = loads.flatMap(shapeOf).toSorted((a, b) => tokensOf(b) - tokensOf(a))
  const chosen: MeasuredShape[] = []
  for (const shape of shapes)
    if (!chosen.some((other) => sameShape(shape, other))) chosen.push(shape)
  return chosen.length < 2 ? undefined : chosen
}

function shapeOf(load: MeasuredLoad): MeasuredShape[] {
  const { what, outputTokensPerS, inputTokensPerS, cachedInputRatio = 0, meetsSlo } = load
  if (outputTokensPerS === undefined || inputTokensPerS === undefined || meetsSlo === false)
    return []
  return [
    {
      what,
      gpuSeconds: 1,
      inputTokens: inputTokensPerS * (1 - cachedInputRatio),
      cachedInputTokens: inputTokensPerS * cachedInputRatio,
      outputTokens: outputTokensPerS,
    },
  ]
}

function tokensOf({ inputTokens, cachedInputTokens, outputTokens }: Workload): number {
  return inputTokens + cachedInputTokens + outputTokens
}

function sameShape(a: Workload, b: Workload): boolean {
  const share = (of: Workload, tokens: number) => tokens / tokensOf(of)
  const near = (x: number, y: number) =>
    Math.abs(x - y) <= SAME_SHAPE_RATIO * Math.max(Math.abs(x), Math.abs(y))
  return (
    near(share(a, a.inputTokens), share(b, b.inputTokens)) &&
    near(share(a, a.cachedInputTokens), share(b, b.cachedInputTokens)) &&
    near(share(a, a.outputTokens), share(b, b.outputTokens))
  )
}
