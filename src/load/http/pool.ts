import type { Clock } from '../clock.ts'
import { type Connection, type Endpoint, type OnRead, openConnection } from './connection.ts'

/** Keep-alive connections to one endpoint, the most recently used first. */
export interface Pool {
  /** A connection nobody uses: an idle one, or a new one and how long it took to open. */
  readonly take: (
    signal: AbortSignal,
  ) => Promise<{ connection: Connection; connectMs?: number }> | { connection: Connection }
  readonly giveBack: (connection: Connection) => void
  readonly opened: () => number
  /** Closes every connection, also one whose peer never ended its answer. */
  readonly close: () => void
}

export function createPool(endpoint: Endpoint, clock: Clock, onRead: OnRead): Pool {
  const idle: Connection[] = []
  const open = new Set<Connection>()
  let opened = 0

  const openOne = async (
    signal: AbortSignal,
  ): Promise<{ connection: Connection; connectMs: number }> => {
    const startedMs = clock.nowMs()
    const connection = await openConnection(endpoint, clock, onRead, signal)
    opened++
    open.add(connection)
    void connection.closed.then(() => open.delete(connection))
    return { connection, connectMs: clock.nowMs() - startedMs }
  }

  return {
    take: (signal) => {
      for (let connection = idle.pop(); connection; connection = idle.pop()) {
        if (connection.usable()) return { connection }
      }
      return openOne(signal)
    },
    giveBack: (connection) => {
      if (connection.usable()) idle.push(connection)
    },
    opened: () => opened,
    close: () => {
      for (const connection of open) connection.destroy()
    },
  }
}
