// Node's own fetch, reading the body as an async iterable.
import { createPeerSender } from './sender.mjs'

export const createSender = (options) =>
  createPeerSender(options, ({ address, port, method, path, headers, body }, answer) => {
    const stop = new AbortController()
    void read(
      `http://${address}:${port}${path}`,
      { method, headers, body, signal: stop.signal },
      answer,
    )
    return () => stop.abort()
  })

async function read(url, options, answer) {
  try {
    const response = await fetch(url, options)
    answer.onHead(response.status)
    for await (const bytes of response.body)
      answer.onBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    answer.onEnd()
  } catch (error) {
    answer.onError(error)
  }
}
