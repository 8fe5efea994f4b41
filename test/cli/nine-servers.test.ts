import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiName } from '../../src/load/api-names.ts'
import { eachRecord } from '../../src/load/read-journal.ts'
import type { RequestRecord } from '../../src/load/record.ts'
import type { RunLog } from '../../src/load/run-log.ts'
import { startReplay } from '../load/replay-server.ts'
import {
  BEGIN_TOKENS,
  type SpeakingServer,
  speakingServers,
  TEMPLATE_TOKENS,
} from '../load/speaking-servers.ts'
import { baremark } from './program.ts'

const INPUT_TOKENS = 48
const OUTPUT_TOKENS = 6
const benchmarkText = `schemaVersion: 1
name: nine
workload: { kind: synthetic, inputTokens: ${INPUT_TOKENS}, outputTokens: ${OUTPUT_TOKENS} }
load: { kind: closed, concurrency: [2] }
warmupS: 0.2
durationS: 1
drainS: 2
`

let folder = ''
let file = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baremark-nine-'))
  file = join(folder, 'nine.yaml')
  await writeFile(file, benchmarkText)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const modelFlags = ({ model }: SpeakingServer): string[] =>
  model === undefined ? [] : ['--model', model]

async function run(speaking: SpeakingServer, api: ApiName) {
  const { url, asked } = await startReplay(speaking.replay)
  const out = await mkdtemp(join(folder, 'out-'))
  const ran = await baremark([
    ...['run', file, '--url', url.href, '--api', api, '--out', out],
    ...modelFlags(speaking),
  ])
  const [name = ''] = await readdir(out)
  const log = JSON.parse(await readFile(join(out, name, 'run.json'), 'utf8')) as RunLog
  const records: RequestRecord[] = []
  await eachRecord(join(out, name, 'requests.jsonl'), (record) => records.push(record))
  const report = await readFile(join(out, name, 'report.html'), 'utf8')
  return { ...ran, log, records, report, asked }
}

test('the nine are nine', () => {
  expect(new Set(speakingServers.map(({ kind }) => kind)).size).toBe(9)
})

describe.each(speakingServers)('$kind', (speaking) => {
  const { kind, apis, tokenizePath } = speaking

  test('is identified', async () => {
    const { url } = await startReplay(speaking.replay)
    const { exitCode, stdout } = await baremark([
      ...['identify', url.href, '--json'],
      ...modelFlags(speaking),
    ])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ server: { kind } })
  })

  test.each(apis)('is measured over %s, and every token is accounted for', async (api) => {
    const { exitCode, stdout, log, records, report, asked } = await run(speaking, api)
    expect(exitCode, stdout).toBe(0)
    expect(log).toMatchObject({ state: 'complete', target: { server: { kind } } })
    expect(records.length).toBeGreaterThan(10)
    expect(new Set(records.map(({ outcome }) => outcome.kind))).toEqual(new Set(['completed']))
    // Triton's own API counts nothing; its chunks are tokens here.
    const counts = api !== 'triton-generate'
    for (const { usage, chunkMs } of records) {
      expect(usage?.inputTokens).toBe(counts ? INPUT_TOKENS : undefined)
      expect(usage?.outputTokens).toBe(counts ? OUTPUT_TOKENS : undefined)
      expect(chunkMs).toHaveLength(OUTPUT_TOKENS)
    }
    if (tokenizePath === undefined) {
      expect(log.prompts.kind).toBe(counts ? 'usage' : 'assumed')
      expect(asked.filter((line) => line.includes('tokenize'))).toEqual([])
    } else {
      expect(log.prompts).toMatchObject({
        kind: 'server-tokenizer',
        path: tokenizePath,
        words: 64,
        tokensPerWord: 1,
        overheadTokens: api === 'openai-chat' ? TEMPLATE_TOKENS : BEGIN_TOKENS,
      })
      expect(report).toContain(`own tokenizer (POST ${tokenizePath}), which counted 64 words`)
    }
  })
})

test('a server whose tokenizer is missing is calibrated on its usage, and the report says why', async () => {
  const [vllm] = speakingServers
  if (vllm === undefined) throw new Error('no server')
  const { '/tokenize': _, ...replies } = vllm.replay.replies ?? {}
  const { exitCode, log, report } = await run(
    { ...vllm, replay: { ...vllm.replay, replies } },
    'openai-chat',
  )
  expect(exitCode).toBe(0)
  expect(log.prompts).toMatchObject({ kind: 'usage', notCounted: 'POST /tokenize: HTTP 404' })
  expect(report).toContain('tokenizer did not count: POST /tokenize: HTTP 404.')
})
