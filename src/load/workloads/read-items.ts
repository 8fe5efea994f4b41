import type { Message, Prompt } from './planned.ts'
import { brokenPiece, type Piece, parsePiece, readArray, readLines } from './read-file.ts'

/** What a file of prompts holds. */
export type ItemFormat = 'jsonl' | 'sharegpt'

/** One prompt of a dataset. */
export interface DatasetItem {
  readonly prompt: Prompt
  /** How long the answer was or is to be, where the file says so. */
  readonly outputTokens?: number
  /** The answer the dataset has, whose length may stand for it. */
  readonly answer?: string
}

/**
 * Streams the items of a dataset with the place of each, each checked.
 *
 * @returns SHA-256 of the file
 * @throws UserError naming file and line of an item that cannot be used
 */
export async function readItems(
  file: string,
  format: ItemFormat,
  onItem: (item: DatasetItem | undefined, piece: Piece) => void,
): Promise<string> {
  const onPiece = (piece: Piece): void => onItem(itemOf(piece, file, format), piece)
  switch (format) {
    case 'jsonl':
      return readLines(file, onPiece)
    case 'sharegpt':
      return readArray(file, onPiece)
  }
}

/** The item in a piece of the file; nothing where it has no question and answer to use. @throws UserError */
export function itemOf(piece: Piece, file: string, format: ItemFormat): DatasetItem | undefined {
  const value = parsePiece(piece, file)
  const item = format === 'jsonl' ? promptOf(value) : conversationOf(value)
  if (typeof item === 'string') throw brokenPiece(file, piece.line, item)
  return item
}

/** Names under which files say how many tokens an answer is to have. */
const outputNames = ['output_tokens', 'output_length', 'max_completion_tokens', 'max_tokens']

/** `{"prompt": ...}`, `{"text": ...}`, `{"messages": [...]}`, or a line of OpenAI's batch format. Text is what is wrong. */
function promptOf(value: unknown): DatasetItem | string {
  if (!isObject(value)) return 'expected an object'
  const body = isObject(value.body) ? value.body : value
  const outputTokens = outputNames
    .map((name) => body[name])
    .find((tokens) => tokens !== undefined && tokens !== null)
  if (outputTokens !== undefined && !isCount(outputTokens))
    return 'expected a whole number of output tokens over 0'
  const known = outputTokens === undefined ? {} : { outputTokens: outputTokens as number }
  if (body.messages !== undefined) {
    const messages = messagesOf(body.messages)
    return messages ? { prompt: messages, ...known } : 'expected messages with a role and text'
  }
  const prompt = body.prompt ?? body.text
  if (typeof prompt !== 'string') return 'expected "prompt", "text" or "messages"'
  return prompt.trim() === '' ? 'the prompt is empty' : { prompt, ...known }
}

/** Messages of plain text; nothing when they are not that. */
function messagesOf(value: unknown): Message[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const messages: Message[] = []
  for (const message of value as unknown[]) {
    const content = isObject(message) ? textOf(message.content) : undefined
    const role = isObject(message) ? roleOf(message.role) : undefined
    if (content === undefined || role === undefined) return undefined
    messages.push({ role, content })
  }
  return messages
}

function roleOf(role: unknown): Message['role'] | undefined {
  if (role === 'developer') return 'system'
  return role === 'system' || role === 'user' || role === 'assistant' ? role : undefined
}

/** Text, or the parts of a message where all are text. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const parts = (content as unknown[]).map((part) => (isObject(part) ? part.text : undefined))
  return parts.every((part) => typeof part === 'string') ? parts.join('\n') : undefined
}

const people = new Set(['human', 'user'])
const models = new Set(['gpt', 'assistant', 'chatgpt', 'bard', 'bing', 'model'])

/** The first question of a conversation and its answer; nothing where there is no such pair. Text is what is wrong. */
function conversationOf(value: unknown): DatasetItem | string | undefined {
  const turns = isObject(value) ? value.conversations : undefined
  if (!Array.isArray(turns)) return 'expected an object with "conversations"'
  const start = (turns as unknown[]).findIndex(
    (turn) => isObject(turn) && people.has(`${turn.from}`),
  )
  const question: unknown = turns[start]
  const answer: unknown = turns[start + 1]
  if (start < 0 || !isObject(question) || !isObject(answer)) return undefined
  if (!models.has(`${answer.from}`)) return undefined
  if (typeof question.value !== 'string' || typeof answer.value !== 'string')
    return 'expected text as "value" of a turn'
  if (question.value.trim() === '' || answer.value.trim() === '') return undefined
  return { prompt: question.value, answer: answer.value }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}
