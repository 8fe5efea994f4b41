import { expect, test } from 'vitest'
import { watchHeadroom } from '../../src/load/headroom.ts'

const files: Readonly<Record<string, string>> = {
  '/proc/net/sockstat':
    'sockets: used 290\nTCP: inuse 12 orphan 0 tw 30 alloc 15 mem 2\nUDP: inuse 4 mem 1\n',
  '/proc/self/limits':
    'Limit  Soft Limit  Hard Limit  Units\nMax open files   1024   4096   files\n',
  '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
}
const read = (path: string): string => {
  const text = files[path]
  if (text === undefined) throw new Error('ENOENT')
  return text
}

const sizeless = (): number => 0

test('the most open files of all looks, sockets in use and at rest, and what there may be', () => {
  const counts = [40, 25]
  const list = (): string[] => Array(counts.shift() ?? 0).fill('')
  const stop = watchHeadroom({ list, size: sizeless, read })
  expect(stop()).toEqual({
    openFilesMost: 40,
    openFilesAllowed: 1024,
    socketsMost: 12 + 30,
    portsAllowed: 60_999 - 32_768 + 1,
  })
})

test('where the size of the folder of open files is their number, none of them is named', () => {
  const list = (): never => {
    throw new Error('should not be asked for names')
  }
  expect(watchHeadroom({ list, size: () => 33, read })()).toMatchObject({ openFilesMost: 33 })
})

test('where the system does not tell, nothing is known and nothing fails', () => {
  const none = (): never => {
    throw new Error('ENOENT')
  }
  expect(watchHeadroom({ list: none, size: none, read: none })()).toEqual({
    openFilesMost: undefined,
    openFilesAllowed: undefined,
    socketsMost: undefined,
    portsAllowed: undefined,
  })
  const odd = watchHeadroom({ list: () => [], size: sizeless, read: () => 'something else' })()
  expect(odd).toMatchObject({ socketsMost: undefined, portsAllowed: undefined })
})

test.runIf(process.platform === 'linux')(
  'this process has files open, and fewer than it may',
  () => {
    const { openFilesMost = 0, openFilesAllowed = 0 } = watchHeadroom()()
    expect(openFilesMost).toBeGreaterThan(2)
    expect(openFilesMost).toBeLessThan(openFilesAllowed)
  },
)
