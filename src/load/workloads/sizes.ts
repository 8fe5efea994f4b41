import { exitCodes, UserError } from '../../errors.ts'
import { boundsOf, describeTokens, meanTokens, type TokenLength } from './lengths.ts'
import type { WorkloadData } from './plan.ts'
import type { Workload } from './workload.ts'

/**
 * The most tokens one request may come to, prompt and answer: the worst case of every distribution,
 * and of every request of a dataset. Unknown for a dataset that nobody counted.
 */
export function mostTokens(workload: Workload, data?: WorkloadData): number | undefined {
  switch (workload.kind) {
    case 'synthetic':
    case 'shared-prefix':
      return boundsOf(workload.inputTokens).max + boundsOf(workload.outputTokens).max
    case 'multi-turn':
      return (
        workload.systemTokens +
        boundsOf(workload.turns).max *
          (boundsOf(workload.turnInputTokens).max + boundsOf(workload.outputTokens).max)
      )
    case 'dataset':
      return data?.kind === 'dataset' && data.dataset.inputTokens
        ? largestSum(data.dataset.inputTokens, data.dataset.outputTokens)
        : undefined
    case 'trace':
      return data?.kind === 'trace'
        ? largestSum(data.trace.inputTokens, data.trace.outputTokens)
        : undefined
  }
}

function largestSum(input: Uint32Array, output: Uint32Array): number {
  return largest(input.map((tokens, i) => tokens + (output[i] ?? 0)))
}

/** A spread would not hold a whole column. */
function largest(column: Uint32Array): number {
  return column.reduce((most, value) => Math.max(most, value), 0)
}

/** @throws UserError when a request of the workload may not fit into a model's context */
export function checkContext(
  workload: Workload,
  contextTokens: number | undefined,
  data?: WorkloadData,
): void {
  const most = mostTokens(workload, data)
  if (most === undefined || contextTokens === undefined || most <= contextTokens) return
  throw new UserError(
    `A request of ${most} tokens does not fit: the server holds ${contextTokens}.`,
    { remedy: remedyFor(workload), exitCode: exitCodes.setup },
  )
}

function remedyFor({ kind }: Workload): string {
  const server = 'or start the server with a longer context.'
  switch (kind) {
    case 'synthetic':
    case 'shared-prefix':
      return `Lower --isl or --osl, ${server}`
    case 'multi-turn':
      return `Lower turns, turnInputTokens or --osl, ${server}`
    case 'dataset':
      return `Take the long prompts out of the file, lower --osl, ${server}`
    case 'trace':
      return `Lower maxInputTokens or maxOutputTokens, ${server}`
  }
}

/** Tokens that a request has on average, as far as the workload itself says; a file's are in its requests. */
export interface AskedTokens {
  readonly inputTokens?: number
  readonly outputTokens?: number
}

export function askedTokens(workload: Workload): AskedTokens {
  switch (workload.kind) {
    case 'synthetic':
    case 'shared-prefix':
      return {
        inputTokens: meanTokens(workload.inputTokens),
        outputTokens: meanTokens(workload.outputTokens),
      }
    case 'multi-turn':
      return { outputTokens: meanTokens(workload.outputTokens) }
    case 'dataset':
      return { outputTokens: workload.outputTokens }
    case 'trace':
      return {}
  }
}

/** Short words for a workload: `1024 input and 1024 output tokens a request`. */
export function describeWorkload(
  workload: Workload,
  format: (tokens: number) => string = String,
): string {
  const write = (length: TokenLength): string => describeTokens(length, format)
  switch (workload.kind) {
    case 'synthetic':
      return `${write(workload.inputTokens)} input and ${write(workload.outputTokens)} output tokens a request`
    case 'shared-prefix':
      return `${write(workload.inputTokens)} input and ${write(workload.outputTokens)} output tokens a request, ${write(workload.prefixTokens)} of the input shared in ${workload.groups} groups`
    case 'multi-turn':
      return `conversations of ${write(workload.turns)} turns, each ${write(workload.turnInputTokens)} new input and ${write(workload.outputTokens)} output tokens, after ${format(workload.systemTokens)} shared tokens`
    case 'dataset':
      return `prompts of ${workload.file}`
    case 'trace':
      return `lengths of the trace ${workload.file}`
  }
}

/** Longest prompt the workload asks for, where it is known. */
export function longestPrompt(workload: Workload, data?: WorkloadData): number | undefined {
  switch (workload.kind) {
    case 'synthetic':
    case 'shared-prefix':
      return boundsOf(workload.inputTokens).max
    case 'multi-turn':
      return (mostTokens(workload) ?? 0) - boundsOf(workload.outputTokens).max
    case 'dataset':
      return data?.kind === 'dataset' && data.dataset.inputTokens
        ? largest(data.dataset.inputTokens)
        : undefined
    case 'trace':
      return data?.kind === 'trace' ? largest(data.trace.inputTokens) : undefined
  }
}

/** Longest answer the workload asks for, as far as it says; what the number of threads is judged by. */
export function longestAnswer(workload: Workload, data?: WorkloadData): number | undefined {
  switch (workload.kind) {
    case 'synthetic':
    case 'shared-prefix':
    case 'multi-turn':
      return boundsOf(workload.outputTokens).max
    case 'dataset':
      return data?.kind === 'dataset' ? largest(data.dataset.outputTokens) : workload.outputTokens
    case 'trace':
      return data?.kind === 'trace' ? largest(data.trace.outputTokens) : undefined
  }
}
