import type { ApiName } from '../benchmark.ts'
import type { Usage } from '../record.ts'
import type { Prompt } from '../workloads/planned.ts'

/** A request to be put into a server's words. */
export interface Ask {
  readonly model: string
  readonly prompt: Prompt
  readonly outputTokens: number
  /** Also ask the server to produce exactly that many tokens, in fields that not every server knows. */
  readonly forceLength: boolean
}

/** What one stream event means. Several may hold at once; all absent is an event of no interest. */
export interface EventMeaning {
  /** Model output: visible text, reasoning, or the text of a tool call. */
  readonly output?: 'content' | 'reasoning' | 'tool'
  readonly usage?: Usage
  readonly finishReason?: string
  /** The server reports an error inside the stream. */
  readonly error?: string
  /** The API's own end mark. */
  readonly done?: true
}

/** How to speak with one kind of server: two translations. */
export interface ServerApi {
  readonly name: ApiName
  readonly path: string
  readonly contentType: string
  /** Names of the JSON fields that can hold output text, the one that counts first. */
  readonly outputFields: readonly string[]
  /** Names of JSON fields that differ from answer to answer and that `readEvent` never looks at. */
  readonly freeFields: readonly string[]
  readonly body: (ask: Ask) => string
  /** @throws SyntaxError when the event is not what this API sends */
  readonly readEvent: (data: string) => EventMeaning
}
