import { parentPort, workerData } from 'node:worker_threads'
import { startMeasuring, type ThreadSetup, type ToThread } from './measuring-thread.ts'

// What a measuring thread runs. It does nothing else: the journal, the live view and signals are
// the main thread's, so that none of them can come between a chunk and its time.
if (parentPort) {
  const port = parentPort
  startMeasuring(workerData as ThreadSetup, {
    post: (message, transfer = []) => port.postMessage(message, [...transfer]),
    onMessage: (hear) => port.on('message', (message: ToThread) => hear(message)),
    close: () => port.close(),
  })
}
