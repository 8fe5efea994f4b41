import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src')

/** In the order data flows. A file may import from its own room and from rooms before it. */
const rooms = ['detect', 'load', 'measure', 'price', 'report', 'serve', 'verify', 'cli']
const pureRooms = ['measure', 'price', 'report']
const heavyModules = [
  'vega',
  'vega-lite',
  'zod',
  'yaml',
  'execa',
  'systeminformation',
  'koffi',
  'node-llama-cpp',
  '@huggingface/tokenizers',
]

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()

const textOf = (file: string): string => readFileSync(join(source, file), 'utf8')
const roomOf = (file: string): string | undefined =>
  rooms.find((room) => file.startsWith(`${room}/`))

/** Files that a file imports, statically or not, relative to `src/`. */
function importsOf(file: string): string[] {
  return [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    relative(source, join(source, dirname(file), path)),
  )
}

/** Files that are loaded as soon as a file is: static imports that are not only types. */
function loadedBy(file: string): string[] {
  return [...textOf(file).matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from\s+'(\.[^']+)'/gm)].map(
    ([, path = '']) => relative(source, join(source, dirname(file), path)),
  )
}

describe('the tree is the pipeline', () => {
  test.each(files)('%s imports only from its own room or an earlier one', (file) => {
    const own = roomOf(file)
    const limit = own === undefined ? -1 : rooms.indexOf(own)
    if (file === 'bin.ts') return
    for (const imported of importsOf(file)) {
      const room = roomOf(imported)
      expect(
        room === undefined || rooms.indexOf(room) <= limit,
        `${file} imports ${imported}`,
      ).toBe(true)
    }
  })

  test('no file imports itself through others', () => {
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      expect(path, [...path, file].join(' -> ')).not.toContain(file)
      if (done.has(file)) return
      for (const imported of importsOf(file)) visit(imported, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
  })

  test.each(files.filter((file) => pureRooms.includes(roomOf(file) ?? '')))(
    '%s is pure',
    (file) => {
      const code = textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      const impure =
        /'node:|\bfetch\(|\bDate\.now|\bnew Date\(\)|\bperformance\.(?:now|timeOrigin|mark|measure|toJSON)\b|\bMath\.random|\bprocess\.|\bconsole\./
      expect(impure.exec(code)?.[0]).toBeUndefined()
    },
  )

  test.each(files.filter((file) => roomOf(file) !== 'cli' && file !== 'bin.ts'))(
    '%s knows no flag',
    (file) => {
      const code = textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      expect(/from 'commander'|process\.argv/.exec(code)?.[0]).toBeUndefined()
    },
  )
})

describe('starting is cheap', () => {
  test('--help loads no heavy module', () => {
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const next of loadedBy(file)) visit(next)
    }
    visit('bin.ts')
    for (const file of reached) {
      for (const heavy of heavyModules) {
        const text = textOf(file)
        const loads = new RegExp(`^import\\s(?!type\\b)[^;]*?from\\s+'${heavy}'`, 'm').test(text)
        expect(loads, `${file} loads ${heavy}`).toBe(false)
      }
    }
  })

  test('--help, run for real, reads no file of a heavy module', () => {
    const script = `
      const { main } = await import(${JSON.stringify(new URL('../dist/cli/main.js', import.meta.url).href)})
      await main(['--help'], { stdout: () => {}, stderr: () => {}, signal: new AbortController().signal, env: {}, live: false })
      const { createRequire } = await import('node:module')
      console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'))
      console.log(process.moduleLoadList.join('\\n'))`
    const loaded = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      encoding: 'utf8',
    })
    for (const heavy of heavyModules) expect(loaded).not.toContain(`node_modules/${heavy}/`)
  })
})
