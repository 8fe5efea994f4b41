/** Counts since the server started, of requests for generation only; running and waiting are now. */
export interface ServerStats {
  /** Every request that came, faulty and refused ones too. */
  readonly requests: number
  /** Not answered: because of what was asked, or because too many were under way. */
  readonly refused: number
  /** Answered to the limit of tokens. */
  readonly finishedByLength: number
  /** Answered to the engine's own end. */
  readonly finishedByStop: number
  /** The client left, or a fault struck, before the answer was complete. */
  readonly aborted: number
  readonly running: number
  readonly waiting: number
  /** Of prompts whose answer began. */
  readonly promptTokens: number
  readonly generationTokens: number
}
