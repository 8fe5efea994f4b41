import type { LaunchConfiguration, ServerKindName, Told } from '../server-identity.ts'
import type { ServerReadings } from '../server-readings.ts'
import type { Answers } from './answers.ts'

/** What is known of a server, and what to do with it: one kind, one file, named in `kinds.ts`. */
export interface ServerKind {
  readonly name: ServerKindName
  readonly label: string
  /** GETs that it wants answered before it is recognised. Nothing that sends a prompt or changes anything. */
  readonly paths: readonly string[]
  /** Endpoint and field that prove it; undefined when it is another kind. */
  readonly recognise: (answers: Answers) => string | undefined
  /** What the names of its metrics begin with: proof enough where a gateway hides everything else. */
  readonly metricPrefix?: string
  /** GETs for `describe`, once it is recognised. */
  readonly morePaths?: (model: string | undefined) => readonly string[]
  readonly describe: (answers: Answers, model: string | undefined) => ServerFacts
  readonly length: LengthForcing
  readonly tokenize?: Tokenizer
  readonly resetPrefixCache?: PrefixCacheReset
  /** Request fields that make the server compute the whole prompt, whatever it has cached. */
  readonly coldFields?: Readonly<Record<string, unknown>>
  readonly metrics: MetricsSupport
  /** A gateway that is part of it. */
  readonly ownGateway?: string
  /** What misleads, in words for the user. */
  readonly traps: readonly string[]
}

export interface ServerFacts {
  readonly version?: Told<string>
  readonly engine?: Told<string>
  /** Its model, for where OpenAI's list is missing. */
  readonly model?: Told<string>
  readonly contextTokens?: Told<number>
  readonly launch: LaunchConfiguration
}

/** Whether an answer can be made to have a wanted length. */
export type LengthForcing =
  /** `fields` force it. `tried`: nobody knows before they were sent. */
  | {
      readonly kind: 'forced' | 'tried'
      readonly fields: (outputTokens: number) => Readonly<Record<string, unknown>>
    }
  /** The length can be capped only: a run has answers of many lengths. */
  | { readonly kind: 'capped'; readonly reason: string }

/** A POST that has the server count the tokens of a text, as a text completion would. */
export interface Tokenizer {
  readonly path: string
  readonly body: (ask: { readonly model: string; readonly text: string }) => object
  /** Tokens, from the parsed answer; undefined when it is not what was expected. */
  readonly count: (answer: unknown) => number | undefined
}

/** How to empty the prefix cache while nothing runs. */
interface PrefixCacheReset {
  /** One request after the other. */
  readonly requests: (launch: LaunchConfiguration) => readonly ResetRequest[]
  /** Whether one of them did it; a 200 may say no. */
  readonly succeeded: (status: number, body: string) => boolean
  /** What the server must have been started with. */
  readonly needs?: string
}

interface ResetRequest {
  readonly method: 'POST'
  readonly path: string
}

/** Where the metrics are, the best first; or why there are none. */
type MetricsSupport =
  | { readonly places: readonly MetricsPlace[]; readonly needs?: string }
  | { readonly none: string }

export interface MetricsPlace {
  readonly path: string
  /** Where it is not the port of the API. */
  readonly port?: number
  /** @throws SyntaxError when it is not what this server prints */
  readonly read: (text: string, model: string) => ServerReadings
}
