// A sender whose bytes travel by somebody else's HTTP client. Everything else is the built engine's
// own: it stands in the place of `load/send.js` in a copy of the build, so that measuring thread,
// event reader, stamps, records and journal are the same.

const [
  { createEventReader },
  { createEventStream, readEventStream },
  { addStamp, clearStamps, createStamps },
] = await Promise.all(
  ['event-reader.js', 'http/event-stream.js', 'stamps.js'].map(
    (file) => import(new URL(file, import.meta.url).href),
  ),
)

const SWEEP_MS = 100
const US_PER_MS = 1e3
const HEAD_END = '\r\n\r\n'
const COMPLETED = { kind: 'completed' }

/**
 * @param {(request: object, answer: { onHead: (status: number) => void, onBytes: (bytes: Buffer) => void,
 *   onEnd: () => void, onError: (error: Error) => void }) => () => void} ask sends a request over
 *   kept connections; gives what breaks it off
 */
export function createPeerSender({ api, clock, endpoint, onSweep }, ask) {
  const readEvent = createEventReader(api)
  const spare = []
  const under = new Set()
  let reads = 0
  let chunks = 0
  const sweeper = setInterval(() => onSweep?.(clock.nowMs()), SWEEP_MS)
  sweeper.unref()

  const tell = (answer, outcome) => {
    if (!under.delete(answer)) return
    const { request, stamps, sentMs, firstByteMs, endMs, status, finishReason, usage } = answer
    answer.onEnded({
      request,
      outcome,
      sentMs,
      firstByteMs,
      chunks: stamps,
      endMs: outcome.kind === 'completed' ? endMs : undefined,
      closedMs: clock.nowMs(),
      httpStatus: status,
      finishReason,
      usage,
    })
    clearStamps(stamps)
    spare.push(stamps)
  }

  const onEvent = (answer, bytes, start, end) => {
    const meaning = readEvent(bytes, start, end)
    if (meaning.output !== undefined) {
      chunks++
      addStamp(answer.stamps, answer.readUs)
    }
    if (meaning.usage !== undefined) answer.usage = meaning.usage
    if (meaning.finishReason !== undefined) answer.finishReason = meaning.finishReason
    if (meaning.done) answer.endMs = answer.readMs
  }

  const cancelAll = () => {
    for (const answer of [...under]) {
      tell(answer, { kind: 'cancelled' })
      answer.breakOff()
    }
  }

  return {
    send: (request, onEnded) => {
      const answer = {
        request,
        onEnded,
        stamps: spare.pop() ?? createStamps(request.requestedOutputTokens),
        events: createEventStream(api.framing, onEvent),
        sentMs: clock.nowMs(),
        readMs: 0,
        readUs: 0,
        breakOff: () => {},
      }
      under.add(answer)
      answer.breakOff = ask(messageOf(request.bytes, endpoint), {
        onHead: (status) => {
          answer.firstByteMs = clock.nowMs()
          answer.status = status
        },
        onBytes: (bytes) => {
          answer.readMs = clock.nowMs()
          answer.readUs = Math.round(answer.readMs * US_PER_MS)
          reads++
          if (under.has(answer)) readEventStream(answer.events, answer, bytes, 0, bytes.length)
        },
        onEnd: () => tell(answer, COMPLETED),
        onError: (error) =>
          tell(answer, { kind: 'failed', failure: 'reset', detail: error.message }),
      })
    },
    cancelAll,
    inFlight: () => under.size,
    connectionsOpened: () => 0,
    traffic: () => ({ reads, chunks }),
    close: () => {
      clearInterval(sweeper)
      cancelAll()
    },
  }
}

/** The engine makes whole messages in advance; other clients want them in parts. */
function messageOf(bytes, { address, port }) {
  const at = bytes.indexOf(HEAD_END)
  const [first, ...lines] = bytes.toString('latin1', 0, at).split('\r\n')
  const [method, path] = first.split(' ')
  const headers = Object.fromEntries(
    lines
      .map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ])
      .filter(([name]) => name !== 'host' && name !== 'connection'),
  )
  return { address, port, method, path, headers, body: bytes.subarray(at + HEAD_END.length) }
}
