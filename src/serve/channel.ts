/** A queue between one writer, who never waits, and one reader. */
export interface Channel<Item> {
  /** Without effect once the channel has ended. */
  readonly push: (item: Item) => void
  /** What was pushed can still be read; then the reader is done, or is thrown the error. */
  readonly end: (error?: unknown) => void
  readonly hasEnded: () => boolean
  /** A reader that stops early ends the channel. */
  readonly read: () => AsyncGenerator<Item, void>
}

export function openChannel<Item>(): Channel<Item> {
  const items: Item[] = []
  let ended = false
  let failure: { error: unknown } | undefined
  let wake = (): void => {}

  const push = (item: Item): void => {
    if (ended) return
    items.push(item)
    wake()
  }
  const end = (error?: unknown): void => {
    if (ended) return
    ended = true
    if (error !== undefined) failure = { error }
    wake()
  }
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
    })
  async function* read(): AsyncGenerator<Item, void> {
    try {
      while (true) {
        for (let item = items.shift(); item !== undefined; item = items.shift()) yield item
        if (failure) throw failure.error
        if (ended) return
        await change()
      }
    } finally {
      end()
    }
  }
  return { push, end, hasEnded: () => ended, read }
}
