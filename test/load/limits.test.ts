import { expect, test } from 'vitest'
import { checkOpenFiles } from '../../src/load/limits.ts'

const limits = (soft: string): Promise<string> =>
  Promise.resolve(
    `Limit                     Soft Limit           Hard Limit           Units\nMax processes             10                   10                   processes\nMax open files            ${soft}                 4096                 files\n`,
  )

test('a load that needs more connections than files may be opened is refused before it runs', async () => {
  // 1,000 users and 64 files of our own.
  const load = { kind: 'closed', concurrency: [1, 1000] } as const
  await expect(
    checkOpenFiles({ ...load, concurrency: [1, 1000] }, limits('1063')),
  ).rejects.toMatchObject({
    message: 'The load needs 1064 open files, this process may open 1063.',
    exitCode: 3,
  })
  await expect(
    checkOpenFiles({ ...load, concurrency: [1, 1000] }, limits('1064')),
  ).resolves.toBeUndefined()
})

test('a rate is refused by its limit on requests under way, and by nothing without one', async () => {
  const load = { kind: 'poisson' as const, ratePerS: [100] }
  await expect(checkOpenFiles({ ...load, maxInFlight: 200 }, limits('100'))).rejects.toThrow('264')
  await expect(checkOpenFiles(load, limits('100'))).resolves.toBeUndefined()
})

test('an unknown limit refuses nothing', async () => {
  const load = { kind: 'closed' as const, concurrency: [100_000] }
  await expect(checkOpenFiles(load, limits('unlimited'))).resolves.toBeUndefined()
  await expect(checkOpenFiles(load, Promise.resolve(undefined))).resolves.toBeUndefined()
})
