import { expect, test } from 'vitest'
import {
  byJsonValue,
  byLine,
  type PrintingTool,
  startPrinting,
} from '../../../src/detect/telemetry/printing-tool.ts'
import { isRunning, worldOf, worldWithTool } from './world.ts'

const start = (script: string, over: { silentMs?: number; firstMs?: number } = {}) =>
  startPrinting(worldWithTool('tool', script), {
    file: 'tool',
    args: [],
    split: byLine,
    read: (line) => (line.startsWith('#') ? undefined : line),
    ...over,
  })

async function running(script: string, over = {}): Promise<PrintingTool<string>> {
  const tool = await start(script, over)
  if ('none' in tool) throw new Error(tool.none)
  return tool
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('JSON values one after the other are parted wherever the pipe cuts them', () => {
  const text = `'CTRL' + 'C' to stop\n[{"a": "]}\\""}]\n{"b": 1}[2`
  for (let cut = 0; cut <= text.length; cut++) {
    const first = byJsonValue(text.slice(0, cut))
    const second = byJsonValue(first.rest + text.slice(cut))
    expect([...first.records, ...second.records]).toEqual(['[{"a": "]}\\""}]', '{"b": 1}'])
    expect(second.rest).toBe('[2')
  }
})

test('a part of a line is kept until the rest has come, and dropped when the tool ends', async () => {
  const tool = await running(`
    process.stdout.write('# heading\\r\\none\\r\\ntw')
    setTimeout(() => process.stdout.write('o\\nthr', () => process.exit(3)), 100)`)
  expect(tool.first.value).toBe('one')
  await sleep(400)
  expect(tool.take().map(({ value }) => value)).toEqual(['one', 'two'])
  expect(() => tool.take()).toThrow('tool ended (exit 3)')
})

test('a tool that is not there, complains and ends, or tells nothing is told apart', async () => {
  const missing = await startPrinting(worldOf({ env: { PATH: '/nowhere' } }), {
    file: 'no-such-tool',
    args: [],
    split: byLine,
    read: (line) => line,
  })
  expect(missing).toEqual({ none: 'no-such-tool: not found' })
  expect(await start(`console.error('no right to do so'); process.exit(9)`)).toEqual({
    none: 'tool ended (exit 9): no right to do so',
  })
  expect(
    await start(`console.log('# only headings'); setInterval(() => {}, 1000)`, { firstMs: 500 }),
  ).toEqual({ none: 'tool told nothing in 500 ms' })
})

test('a tool that hangs is noticed and ended', async () => {
  const tool = await running(`console.log(process.pid); setInterval(() => {}, 1000)`, {
    silentMs: 200,
  })
  const pid = Number(tool.take()[0]?.value)
  expect(tool.take()).toEqual([])
  await sleep(300)
  expect(() => tool.take()).toThrow(/hangs: no word in \d+ ms/)
  await sleep(300)
  expect(isRunning(pid)).toBe(false)
})

test('a closed tool is gone, even one that ignores the polite signal', async () => {
  const tool = await running(`
    process.on('SIGTERM', () => {}); process.stdout.on('error', () => {})
    console.log(process.pid); setInterval(() => {}, 1000)`)
  const pid = Number(tool.first.value)
  expect(isRunning(pid)).toBe(true)
  await tool.close()
  expect(isRunning(pid)).toBe(false)
})

test('a tool is never told the password of the management controller', async () => {
  const world = worldWithTool('tool', `console.log(String(process.env.BAREMARK_REDFISH_PASSWORD))`)
  const tool = await startPrinting(
    { ...world, env: { ...world.env, BAREMARK_REDFISH_PASSWORD: 'secret' } },
    { file: 'tool', args: [], split: byLine, read: (line) => line },
  )
  expect('none' in tool ? tool.none : tool.first.value).toBe('undefined')
})
