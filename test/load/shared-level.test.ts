import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { shareLevel } from '../../src/load/shared-level.ts'
import { packageRoot } from '../../src/package-files.ts'

test('no more requests are taken than there are, and no more places than may be', () => {
  const level = shareLevel(1)
  expect([1, 2, 3].map(() => level.takeRequest(2))).toEqual([true, true, false])
  expect([1, 2].map(() => level.takePlace(1))).toEqual([true, false])
  level.leavePlace()
  expect(level.takePlace(1)).toBe(true)
})

test('what one shard tells is seen through the same memory, and is not that of another shard', () => {
  const mine = shareLevel(2)
  shareLevel(2, mine.memory).ofShard(1).set('chunks', 7)
  expect(mine.ofShard(1).get('chunks')).toBe(7)
  expect(mine.ofShard(0).get('chunks')).toBe(0)
  expect(mine.ofShard(1).get('issued')).toBe(0)
})

test('two threads that take as fast as they can take each request once', async () => {
  const level = shareLevel(2)
  const limit = 200_000
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.file).then(({ shareLevel }) => {
      const level = shareLevel(2, workerData.memory)
      let taken = 0
      while (level.takeRequest(${limit})) taken++
      parentPort.postMessage(taken)
    })`
  const file = `${packageRoot}/dist/load/shared-level.js`
  const taken = await Promise.all(
    [0, 1].map(
      () =>
        new Promise<number>((resolve, reject) => {
          const worker = new Worker(code, {
            eval: true,
            workerData: { file, memory: level.memory },
          })
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    ),
  )
  expect(taken.reduce((sum, each) => sum + each, 0)).toBe(limit)
})
