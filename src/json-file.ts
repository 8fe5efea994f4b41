import type { z } from 'zod'
import { messageOf, UserError } from './errors.ts'

/**
 * What a JSON file holds, through its schema; `file` is only named in errors.
 *
 * @throws UserError naming the file, and the place in it: line and column of what is no JSON, the keys
 *   that lead to what does not fit
 */
export function parseJson<T>(text: string, file: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(jsonOf(text, file))
  if (parsed.success) return parsed.data
  const issue = deepest(parsed.error.issues)
  throw unreadable(`${file}: ${placeOf(issue)}: ${issue?.message}`, parsed.error)
}

/** As `parseJson`, without a schema. */
export function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = messageOf(cause)
    const [, position] = /at position (\d+)/.exec(message) ?? []
    // Some kinds of error come without a position: the text ended too soon.
    const before = text.slice(0, position === undefined ? text.length : Number(position))
    const lines = before.split('\n')
    const place = `${file}:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`
    throw unreadable(`${place}: it is not JSON`, cause)
  }
}

type Issue = z.core.$ZodIssue

/** Of a value that fits no member of a union, what is wrong with the member that it comes nearest to. */
function deepest(issues: readonly Issue[]): Issue | undefined {
  const issue = issues[0]
  if (issue?.code !== 'invalid_union') return issue
  const inner = issue.errors
    .map((errors) => deepest(errors))
    .sort((a, b) => (b?.path.length ?? 0) - (a?.path.length ?? 0))[0]
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] }
}

function placeOf(issue: Issue | undefined): string {
  const path = issue?.path.join('.')
  return path === undefined || path === '' ? 'file' : path
}

function unreadable(message: string, cause: unknown): UserError {
  return new UserError(message, {
    remedy: 'Use the file as it was written; the schemas/ folder describes every key.',
    cause,
  })
}
