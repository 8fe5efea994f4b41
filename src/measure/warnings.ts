import { difference, type Maybe, ratio } from '../arithmetic.ts'
import type { RunLog } from '../load/run-log.ts'
import { askedTokens } from '../load/workloads/sizes.ts'
import type { WatchedMachine } from './machine-summary.ts'
import { levelMachineWarnings, machineWarnings } from './machine-warnings.ts'
import { isOverRoof } from './roofline.ts'
import type {
  CountSource,
  Distribution,
  OperatingPoint,
  Roofline,
  TokenAgreement,
  TokenCounts,
  Warning,
} from './summary.ts'

/** Every doubt a run raises, each with what to do. Doubts about the run come before those about a level. */
export function warningsOf(
  run: RunLog,
  points: readonly OperatingPoint[],
  { agreement }: TokenCounts,
  machine?: WatchedMachine,
): Warning[] {
  return [
    ...runWarnings(run),
    ...agreement.filter(({ outcome }) => outcome === 'differ').map(mismatch),
    ...(machine ? machineWarnings(run, machine) : []),
    ...points.flatMap((point) => levelWarnings(run, point)),
  ]
}

/** Where a number comes from, in the middle of a sentence. */
const sourceNames: Readonly<Record<CountSource, string>> = {
  usage: 'the usage of the answers',
  tokenizer: 'the tokenizer that the prompts were made with',
  'server-timings': "the server's own timings of the answers",
  chunks: 'the chunks of the answers',
  'server-counters': "the server's own counters",
}

function mismatch(agreement: TokenAgreement): Warning {
  const { direction, sources, tokens, ratio } = agreement
  const [a, b] = sources.map((source, i) => `${sourceNames[source]} ${tokens[i]}`)
  const apart = ratio === undefined ? '' : ` (ratio ${ratio.toFixed(3)})`
  return {
    kind: 'token-mismatch',
    text: `Two counts of the run's ${direction} tokens do not agree: ${a}, ${b}${apart}. ${mismatchRemedy(agreement)}`,
  }
}

function mismatchRemedy({ sources, tokens: [first, second] }: TokenAgreement): string {
  if (!sources.includes('server-counters'))
    return 'Prices and throughput rest on the first: find out which is right.'
  return second > first
    ? 'Someone else may have used the server: repeat alone.'
    : 'The counters may be of one of several servers behind the address, or late: look at each server by itself.'
}

function runWarnings({ target, state, prompts, config }: RunLog): Warning[] {
  const warnings: Warning[] = []
  if (target.simulated) {
    warnings.push({
      kind: 'simulated',
      text: 'The server is a simulation: no model ran. The figures show the harness, not any hardware.',
    })
  }
  if (target.weights === 'random') {
    warnings.push({
      kind: 'random-weights',
      text: 'The model has random weights: speed is real, answers are meaningless, and early stops and speculative decoding would differ with trained ones.',
    })
  }
  if (state !== 'complete') {
    warnings.push({
      kind: 'partial-run',
      text: 'The run stopped before its end: levels are missing or cut short.',
    })
  }
  if (target.loopback) {
    warnings.push({
      kind: 'shared-machine',
      text: 'Client and server shared this machine: the client took CPU time that a server on the CPU would have used. For figures to publish, drive the load from another host.',
    })
  }
  if (prompts.kind === 'assumed') {
    warnings.push({
      kind: 'prompt-lengths-assumed',
      text: `Prompt lengths are a guess, one token a word, as ${prompts.reason}.`,
    })
  }
  if (config.tlsVerified === false) {
    warnings.push({
      kind: 'tls-not-verified',
      text: "The server's certificate was not verified (--insecure).",
    })
  }
  return warnings
}

function levelWarnings(run: RunLog, point: OperatingPoint): Warning[] {
  const { level } = point
  const warnings: Warning[] = []
  const failedGate = (gate: string): string | undefined =>
    point.gates.find((judged) => judged.gate === gate && judged.status === 'fail')?.value
  const add = (kind: Warning['kind'], text: string): void => {
    warnings.push({ kind, level, text: `${point.label}: ${text}` })
  }

  const withheld = withheldPercentiles(point)
  if (point.requests.completed > 0 && withheld.length > 0) {
    const names = withheld.map(({ name, n, needed }) => `${name} (has ${n}, needs ${needed})`)
    add('few-samples', `too few requests for ${names.join(' and ')}. Measure for longer.`)
  }
  const errors = point.requests.failed + point.requests.timedOut
  if (errors > 0)
    add('failed-requests', `${errors} of ${point.requests.issued} requests failed; see the errors.`)

  const asked = askedTokens(run.config.benchmark.workload)
  const output = point.outputTokens.mean
  if (failedGate('output-length') !== undefined && output !== undefined) {
    const kind = output < (asked.outputTokens ?? 0) ? 'short-output' : 'long-output'
    add(
      kind,
      `answers hold ${output.toFixed(1)} tokens on average, ${asked.outputTokens?.toFixed()} were asked for.`,
    )
  }
  const input = failedGate('input-length')
  if (input !== undefined)
    add(
      'input-length',
      `prompts have ${input} tokens, ${asked.inputTokens?.toFixed()} were asked for.`,
    )
  const late = failedGate('schedule-kept')
  if (late !== undefined)
    add(
      'schedule-missed',
      `requests left up to ${late} late (p99). Lower the rate, or use another host.`,
    )
  const busy = failedGate('client-event-loop') ?? failedGate('client-cpu')
  if (busy !== undefined)
    add('client-busy', `the client itself was busy (${busy}); part of the latency is its own.`)
  const moved = movedByEdges(point)
  if (moved !== undefined)
    add(
      'window-not-steady',
      `a start-up or tail inside the window moves its throughput by ${(100 * moved).toFixed(1)} % against that of its steady part. Warm up for longer.`,
    )
  if (failedGate('token-source') !== undefined) {
    add(
      'no-usage',
      'the server sends no token counts, so chunks were counted; a chunk may hold several tokens.',
    )
  }
  if (point.roofline && isOverRoof(point.roofline))
    add('over-roofline', overRoofText(point.roofline))
  for (const { kind, text } of levelMachineWarnings(run, point)) add(kind, text)
  return warnings
}

function overRoofText({ memoryRatio, computeRatio }: Roofline): string {
  const over = [
    ...((memoryRatio?.low ?? 0) > 1
      ? [`${memoryRatio?.low.toFixed(2)} of the memory bandwidth`]
      : []),
    ...((computeRatio ?? 0) > 1 ? [`${computeRatio?.toFixed(2)} of the arithmetic peak`] : []),
  ]
  return `its tokens would have taken ${over.join(' and ')} there is. The hardware profile, the number of GPUs or config.json is not that of the server, or it drafts several tokens a step.`
}

/** MLPerf's materiality. */
const MIN_MOVED_RATIO = 0.02

/** By how much the throughput of the window is off that of its steady part, where that is no chance and matters. */
function movedByEdges({ steadyState, outputTokensPerS }: OperatingPoint): Maybe {
  if (steadyState?.kind !== 'steady' || outputTokensPerS === undefined) return undefined
  const { interval } = steadyState
  if (interval && outputTokensPerS >= interval.low && outputTokensPerS <= interval.high)
    return undefined
  const moved = difference(ratio(outputTokensPerS, steadyState.outputTokensPerS), 1)
  return moved !== undefined && Math.abs(moved) > MIN_MOVED_RATIO ? moved : undefined
}

/** Which of the tabled percentiles have too few samples. */
function withheldPercentiles(point: OperatingPoint): { name: string; n: number; needed: number }[] {
  const of = (
    name: string,
    { p95 }: Distribution,
  ): { name: string; n: number; needed: number }[] =>
    p95.withheldUntilN === undefined
      ? []
      : [{ name: `${name} p95`, n: p95.n, needed: p95.withheldUntilN }]
  return [...of('TTFT', point.ttftMs), ...of('TPOT', point.tpotMs)]
}
