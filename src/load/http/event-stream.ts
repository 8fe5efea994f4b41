import {
  createNdjsonReader,
  endNdjson,
  type NdjsonReader,
  readNdjson,
  resetNdjsonReader,
} from './ndjson.ts'
import { createSseReader, readEvents, resetSseReader, type SseReader } from './sse.ts'
import type { OnEvent } from './unfinished-line.ts'

/** How events lie in a body: server-sent events, or lines of JSON. */
export type Framing = EventStream<unknown>['framing']

/** Where the reading of a body's events stands. */
export type EventStream<Owner> = SseReader<Owner> | NdjsonReader<Owner>

export function createEventStream<Owner>(
  framing: Framing,
  onEvent: OnEvent<Owner>,
): EventStream<Owner> {
  switch (framing) {
    case 'sse':
      return createSseReader(onEvent)
    case 'ndjson':
      return createNdjsonReader(onEvent)
  }
}

/** Makes it ready for another body. */
export function resetEventStream<Owner>(stream: EventStream<Owner>): void {
  switch (stream.framing) {
    case 'sse':
      resetSseReader(stream)
      return
    case 'ndjson':
      resetNdjsonReader(stream)
  }
}

/**
 * Takes the next bytes of a body.
 *
 * @throws HttpProtocolError for an event of over 16 MiB
 */
export function readEventStream<Owner>(
  stream: EventStream<Owner>,
  owner: Owner,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  switch (stream.framing) {
    case 'sse':
      readEvents(stream, owner, bytes, start, end)
      return
    case 'ndjson':
      readNdjson(stream, owner, bytes, start, end)
  }
}

/** Call when the body ended as it should. An unfinished server-sent event is none. */
export function endEventStream<Owner>(stream: EventStream<Owner>, owner: Owner): void {
  switch (stream.framing) {
    case 'sse':
      return
    case 'ndjson':
      endNdjson(stream, owner)
  }
}
