/** What a server asks of an engine: one prompt, one answer. */
export interface GenerateRequest {
  readonly prompt: string
  /** The answer has at most this many tokens. */
  readonly maxTokens: number
  /** Until it has said this many tokens the engine passes over its own end; 0 lets it end when it likes. */
  readonly minTokens: number
  /** The same prompt and seed give the same answer, as far as the engine's arithmetic allows. */
  readonly seed: number
  /** Ends the answer at once and frees its slot. */
  readonly signal: AbortSignal
}

/** Text of an answer and the number of tokens it is. */
export interface Piece {
  readonly text: string
  readonly tokens: number
}

/** Requests in a slot, and requests in the queue before the slots. */
export interface Occupancy {
  readonly running: number
  readonly waiting: number
}

/** Something that answers prompts. Up to `slots` answers advance together; the rest wait in turn. */
export interface Engine {
  readonly name: string
  readonly model: string
  /** Whether its timing is computed and not measured: its figures say nothing about any machine. */
  readonly simulated: boolean
  readonly weights: 'random' | 'trained'
  /** Prompt and answer together. */
  readonly contextTokens: number
  readonly slots: number
  readonly countTokens: (text: string) => number
  /**
   * Pieces as they are made, one token each wherever one token is text by itself. Ends early when
   * the request's signal aborts. The request is queued by the call, not by the first read.
   *
   * @throws while it is read, when the engine fails
   */
  readonly generate: (request: GenerateRequest) => AsyncIterable<Piece>
  readonly occupancy: () => Occupancy
  /** Ends every answer and frees what the engine holds. */
  readonly close: () => Promise<void>
}
