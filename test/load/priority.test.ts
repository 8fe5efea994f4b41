import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'

const file = new URL('../../dist/load/priority.js', import.meta.url).href
const NICE_FIELD = 16 // After the name in brackets: the 19th of /proc/PID/stat.

/** What became of the thread that called, and of the main thread beside it. */
const CALL = `
import { readFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
const { hurryThisThread } = await import('${file}')
hurryThisThread()
parentPort.postMessage(readFileSync('/proc/thread-self/stat', 'utf8'))
`

const niceOf = (stat: string): number => Number(stat.split(') ').at(-1)?.split(' ')[NICE_FIELD])

function mayHurry(): boolean {
  const own = getPriority()
  try {
    setPriority(process.pid, constants.priority.PRIORITY_ABOVE_NORMAL)
    setPriority(process.pid, own)
    return true
  } catch {
    return false
  }
}

test.skipIf(process.platform !== 'linux')(
  'a measuring thread goes first where that is allowed, and only it',
  async () => {
    const before = niceOf(readFileSync('/proc/self/stat', 'utf8'))
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(CALL)}`))
    const [stat] = (await once(worker, 'message')) as [string]
    expect(niceOf(stat)).toBe(mayHurry() ? constants.priority.PRIORITY_ABOVE_NORMAL : before)
    expect(niceOf(readFileSync('/proc/self/stat', 'utf8'))).toBe(before)
    await worker.terminate()
  },
)
