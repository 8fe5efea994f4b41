import { HttpProtocolError } from './response-reader.ts'

/** Hears of one event's data: a stretch of bytes in a buffer that is reused, so copy to keep. */
export type OnEvent<Owner> = (owner: Owner, bytes: Buffer, start: number, end: number) => void

/** llama.cpp repeats the prompt in its last event: a million tokens are some 5 MiB. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024

/** @throws HttpProtocolError for an event, or what there is of it, of over 16 MiB */
export function checkEventBytes(bytes: number): void {
  if (bytes > MAX_EVENT_BYTES) throw new HttpProtocolError('an event of over 16 MiB')
}
