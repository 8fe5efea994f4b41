import { seededRandom } from '../../random.ts'
import { type Cancel, withCancellation } from './cancellation.ts'
import { createItemReader, type Dataset } from './dataset.ts'
import { drawTokens, type TokenLength } from './lengths.ts'
import type { Message, PlannedSession, Prompt, RequestPlan, WorkloadRequest } from './planned.ts'
import { blocksOf, type Trace } from './trace.ts'
import {
  costOf,
  createNonce,
  createWriter,
  type Drawn,
  joinWords,
  type Wordbook,
  type Writer,
} from './wordbook.ts'
import type { Workload } from './workload.ts'

/** What a workload's files came to, where it has any. */
export type WorkloadData =
  | { readonly kind: 'dataset'; readonly dataset: Dataset }
  | { readonly kind: 'trace'; readonly trace: Trace }

/** What a plan is drawn from; the same in every measuring thread. */
export interface PlanBasis {
  readonly seed: number
  /** Differs from run to run: a server must not know a prompt from an earlier run. */
  readonly salt: string
  readonly level: number
  readonly wordbook: Wordbook
  /** Tokens that the server's template adds to a prompt. */
  readonly overheadTokens: number
  readonly data?: WorkloadData
  readonly cancel?: Cancel
}

/**
 * The requests of one load level. Lengths, order and choice depend on the seed alone, so that two
 * servers get the same work; the words on the run's salt too.
 */
export function createPlan(workload: Workload, basis: PlanBasis): RequestPlan {
  const plan = planOf(workload, basis)
  return basis.cancel ? withCancellation(plan, basis.cancel, basis) : plan
}

function planOf(workload: Workload, basis: PlanBasis): RequestPlan {
  const tools = createTools(basis, 'uniquePrefix' in workload && workload.uniquePrefix === false)
  switch (workload.kind) {
    case 'synthetic':
      return { kind: 'requests', requestAt: syntheticAt(workload, tools) }
    case 'shared-prefix':
      return { kind: 'requests', requestAt: sharedPrefixAt(workload, tools) }
    case 'multi-turn':
      return { kind: 'sessions', sessionAt: sessionAt(workload, tools) }
    case 'dataset':
      return { kind: 'requests', requestAt: itemRequestAt(workload, tools) }
    case 'trace':
      return { kind: 'requests', requestAt: traceRequestAt(tools) }
  }
}

type Of<K extends Workload['kind']> = Extract<Workload, { kind: K }>

/** What all kinds draw with. */
interface Tools {
  readonly basis: PlanBasis
  readonly writer: Writer
  /** A number that depends on the seed and the name alone. */
  readonly length: (of: TokenLength, name: string, number: number) => number
  readonly words: (name: string, number: number, cost: number) => Drawn
  readonly nonce: (number: number, budget: number) => Drawn
}

function createTools(basis: PlanBasis, known: boolean): Tools {
  const { seed, level } = basis
  const salt = known ? '' : basis.salt
  const writer = createWriter(basis.wordbook)
  const none: Drawn = { text: '', cost: 0 }
  const nonce = createNonce(writer, `nonce-${salt}-${level}`)
  return {
    basis,
    writer,
    // Setting up a source of chance costs more than all else that a short prompt does.
    length: (of, name, number) =>
      typeof of === 'number'
        ? of
        : drawTokens(of, seededRandom(seed, `${name}-length-${level}-${number}`)),
    words: (name, number, cost) =>
      writer.draw(seededRandom(seed, `${name}-words-${salt}-${level}-${number}`), cost),
    nonce: known ? () => none : nonce,
  }
}

/** Words that no other of the level begin with. */
function unique({ nonce, words }: Tools, name: string, number: number, cost: number): Drawn[] {
  const front = nonce(number, cost)
  return [front, words(name, number, cost - front.cost)]
}

function uniqueText(
  tools: Tools,
  name: string,
  number: number,
  tokens: number,
): { text: string; tokens: number } {
  const cost = costOf(Math.max(1, tokens), tools.writer.book)
  return joinWords(unique(tools, name, number, cost), tools.writer)
}

function syntheticAt(workload: Of<'synthetic'>, tools: Tools): (number: number) => WorkloadRequest {
  const { overheadTokens } = tools.basis
  return (number) => {
    const wanted = tools.length(workload.inputTokens, 'input', number)
    const { text, tokens } = uniqueText(tools, 'prompt', number, wanted - overheadTokens)
    return {
      prompt: text,
      inputTokens: Math.round(tokens + overheadTokens),
      outputTokens: tools.length(workload.outputTokens, 'output', number),
    }
  }
}

/** The prefix of a group, the request's own nonce, and the rest. */
function sharedPrefixAt(
  workload: Of<'shared-prefix'>,
  tools: Tools,
): (number: number) => WorkloadRequest {
  const { writer, words, basis } = tools
  const prefixes = new Map<number, Drawn>()
  const prefixOf = (group: number): Drawn => {
    const known =
      prefixes.get(group) ?? words('prefix', group, costOf(workload.prefixTokens, writer.book))
    prefixes.set(group, known)
    return known
  }
  return (number) => {
    const group = tools.length(
      { kind: 'uniform', min: 0, max: workload.groups - 1 },
      'group',
      number,
    )
    const wanted = tools.length(workload.inputTokens, 'input', number)
    const prefix = prefixOf(group)
    const left = costOf(wanted - basis.overheadTokens, writer.book) - prefix.cost
    const { text, tokens } = joinWords([prefix, ...unique(tools, 'prompt', number, left)], writer)
    return {
      prompt: text,
      inputTokens: Math.round(tokens + basis.overheadTokens),
      outputTokens: tools.length(workload.outputTokens, 'output', number),
    }
  }
}

/**
 * A conversation: a system prompt that all sessions share, and turns whose history grows. The answers
 * in the history are not the server's own but drawn ones, as long as what was asked for: so the same
 * seed sends every server the same tokens, and a turn can be made before the one before is answered.
 */
function sessionAt(workload: Of<'multi-turn'>, tools: Tools): (number: number) => PlannedSession {
  const { writer, words, basis } = tools
  const textOf = (name: string, number: number, tokens: number) =>
    joinWords([words(name, number, costOf(tokens, writer.book))], writer)
  const system = workload.systemTokens > 0 ? textOf('system', 0, workload.systemTokens) : undefined
  return (session) => {
    const turns = tools.length(workload.turns, 'turns', session)
    const history: Message[] = system ? [{ role: 'system', content: system.text }] : []
    const lengths: number[] = []
    let tokens = basis.overheadTokens + (system?.tokens ?? 0)
    const extend = (turn: number): void => {
      const name = `turn-${turn}`
      const wanted = tools.length(workload.turnInputTokens, name, session)
      const question =
        turn === 0 ? uniqueText(tools, name, session, wanted) : textOf(name, session, wanted)
      const outputTokens = tools.length(workload.outputTokens, `answer-${turn}`, session)
      const answer = textOf(`answer-${turn}`, session, outputTokens)
      history.push(
        { role: 'user', content: question.text },
        { role: 'assistant', content: answer.text },
      )
      lengths.push(tokens + question.tokens, outputTokens)
      tokens += question.tokens + answer.tokens
    }
    const opening = history.length
    return {
      turns,
      requestAt: (turn) => {
        while (lengths.length <= 2 * turn) extend(lengths.length / 2)
        return {
          prompt: history.slice(0, opening + 2 * turn + 1),
          inputTokens: Math.round(lengths[2 * turn] ?? 0),
          outputTokens: lengths[2 * turn + 1] ?? 1,
          session,
          turn,
        }
      },
    }
  }
}

/** Items over and over in the same order: a prompt comes again only after all others. */
function itemRequestAt(
  { uniquePrefix = true }: Of<'dataset'>,
  tools: Tools,
): (number: number) => WorkloadRequest {
  const { data, overheadTokens } = tools.basis
  if (data?.kind !== 'dataset') throw new Error('the dataset was not loaded')
  const { dataset } = data
  const itemAt = createItemReader(dataset)
  return (number) => {
    const index = number % dataset.items
    const { prompt } = itemAt(index)
    const front = uniquePrefix
      ? joinWords([tools.nonce(number, Number.POSITIVE_INFINITY)], tools.writer)
      : undefined
    const counted = dataset.inputTokens?.[index]
    return {
      prompt: front ? prefixed(prompt, front.text) : prompt,
      ...(counted === undefined
        ? {}
        : { inputTokens: Math.round(counted + overheadTokens + (front?.tokens ?? 0)) }),
      outputTokens: dataset.outputTokens[index] ?? 1,
    }
  }
}

/** The prompt with a line in front, in its first message. */
function prefixed(prompt: Prompt, line: string): Prompt {
  if (typeof prompt === 'string') return `${line}\n${prompt}`
  return prompt.map((message, i) =>
    i === 0 ? { ...message, content: `${line}\n${message.content}` } : message,
  )
}

/**
 * Prompts as long as the trace's. Where it names blocks, the same block is the same words, and
 * only what is beyond the blocks is the request's own.
 */
function traceRequestAt(tools: Tools): (number: number) => WorkloadRequest {
  const { writer, words, basis } = tools
  const { data, overheadTokens } = basis
  if (data?.kind !== 'trace') throw new Error('the trace was not loaded')
  const { trace } = data
  return (number) => {
    const row = number % trace.requests
    const wanted = Math.max(1, (trace.inputTokens[row] ?? 1) - overheadTokens)
    const blocks = blocksOf(trace, row)
    const shared = Math.min(blocks.length, Math.floor(wanted / trace.blockTokens))
    const drawn = blocks.slice(0, shared).map((id) => words('block', id, trace.blockTokens))
    const spent = drawn.reduce((total, { cost }) => total + cost, 0)
    const left = costOf(wanted, writer.book) - spent
    const cutBlock = blocks[shared]
    const rest =
      cutBlock === undefined
        ? unique(tools, 'prompt', number, left)
        : [words('block', cutBlock, left)]
    const { text, tokens } = joinWords([...drawn, ...rest], writer)
    const again = number >= trace.requests
    return {
      prompt: text,
      inputTokens: Math.round(tokens + overheadTokens),
      outputTokens: trace.outputTokens[row] ?? 1,
      ...(again ? {} : { dueOffsetMs: trace.dueOffsetsMs[row] }),
    }
  }
}
