import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { h100, helpText } from '../detect/fake-nvidia-smi.ts'
import { baremark } from './program.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const uuid = 'GPU-19d6d965-2acc-f646-00f8-4c76979aabb4'
const gpu = { ...h100, uuid, serial: '1650522003820' }

/** A folder to work in, with an `nvidia-smi` of one GPU in it that comes first on the PATH. */
async function withNvidiaSmi(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-capture-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'help.txt'), helpText(Object.keys(gpu)))
  await writeFile(join(folder, 'gpu.json'), JSON.stringify(gpu))
  // As the real tool: the fields that were asked for, in that order.
  await writeFile(
    join(folder, 'nvidia-smi'),
    `#!${process.execPath}
const { readFileSync } = require('node:fs')
const asked = process.argv[2]
if (asked === '--help-query-gpu') process.stdout.write(readFileSync('${folder}/help.txt'))
else if (asked.startsWith('--query-gpu=')) {
  const gpu = JSON.parse(readFileSync('${folder}/gpu.json'))
  console.log(asked.slice(12).split(',').map((field) => gpu[field] ?? '[N/A]').join(', '))
} else {
  console.log('${uuid} started by /home/ada/bin/serve')
  process.exit(1)
}
`,
  )
  await chmod(join(folder, 'nvidia-smi'), 0o755)
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
  return folder
}

/** What may differ between two detections a moment apart, and how long each tool took. */
function lasting(json: string): unknown {
  return JSON.parse(json, (key, value) =>
    ['detectedAt', 'tookMs', 'memoryAvailableMib', 'swapUsedMib'].includes(key) ? undefined : value,
  )
}

test.skipIf(process.platform === 'win32')(
  'what is captured here is detected the same elsewhere, and names nobody',
  async () => {
    const folder = await withNvidiaSmi()
    const file = join(folder, 'capture.json')
    const captured = await baremark(['capture', '--out', file])
    expect(captured).toMatchObject({ exitCode: 0, stderr: '' })
    expect(captured.stdout).toContain(`Wrote ${file}: `)
    expect(captured.stdout).toContain('Look it over before you publish it')
    const text = await readFile(file, 'utf8')
    expect(text).not.toMatch(/19d6d965|1650522003820|home\/ada/)
    const here = await baremark(['detect', '--json'])
    vi.stubEnv('PATH', '/nowhere')
    const there = await baremark(['detect', '--json', '--from', file])
    expect(there).toMatchObject({ exitCode: 0, stderr: '' })
    const [a, b] = [lasting(here.stdout), lasting(there.stdout)] as [Detected, Detected]
    expect(a.gpus).toHaveLength(1)
    for (const [of, identifier] of [
      ['gpus', 'serial'],
      ['host', 'hostname'],
    ] as const) {
      for (const detected of [a, b]) delete [detected[of]].flat()[0]?.[identifier]
    }
    expect(b).toEqual(a)
  },
)

interface Detected {
  readonly gpus: Record<string, unknown>[]
  readonly host: Record<string, unknown>
}

test('a capture with identifiers says so, and has them', async () => {
  const folder = await withNvidiaSmi()
  const file = join(folder, 'capture.json')
  const { stdout } = await baremark(['capture', '--out', file, '--include-ids'])
  expect(stdout).toContain('Identifiers are in it as they are')
  const bundle = JSON.parse(await readFile(file, 'utf8'))
  expect(bundle).toMatchObject({ format: 'baremark-capture', version: 1, masked: false })
})

test('a capture never writes over a file', async () => {
  const folder = await withNvidiaSmi()
  const file = join(folder, 'gpu.json')
  const { exitCode, stderr } = await baremark(['capture', '--out', file])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('is there already')
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(gpu)
})

test('a capture that cannot be written is told so', async () => {
  const { exitCode, stderr } = await baremark(['capture', '--out', '/nowhere/at/all.json'])
  expect(exitCode).toBe(6)
  expect(stderr).toContain('Cannot write /nowhere/at/all.json')
})
