import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import { readImported } from '../../src/verify/read-imported.ts'

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-imported-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(folder, file, '..'), { recursive: true })
    await writeFile(join(folder, file), text)
  }
  return folder
}

const vllm = (concurrency: number): string =>
  JSON.stringify({
    request_rate: 'inf',
    max_concurrency: concurrency,
    completed: 10,
    request_throughput: 1,
    output_throughput: 10 * concurrency,
    total_token_throughput: 20 * concurrency,
  })

const genaiRun = JSON.stringify({
  aggregated_metrics: { scenario: 'D(1,1)', num_concurrency: 1, stats: { ttft: { mean: 1 } } },
})
const genaiExperiment = (gpu: string): string =>
  JSON.stringify({ traffic_scenario: [], server_engine: 'vLLM', server_gpu_type: gpu })

test('a file is read whatever it is called', async () => {
  const folder = await folderWith({ 'notes.txt': vllm(4) })
  const { imported } = await readImported(join(folder, 'notes.txt'))
  expect(imported.map(({ format }) => format)).toEqual(['vllm-bench-serve'])
})

test('a sweep of folders is one result a tool, by rising number', async () => {
  const folder = await folderWith({
    'c16/result.json': vllm(16),
    'c4/result.json': vllm(4),
    'llama.jsonl': '{"n_prompt":0,"n_gen":8,"avg_ts":9}\n',
    'README.md': 'words',
    'c4/inputs.json': '{"data": []}',
    'c4/weights.bin': 'not looked at',
  })
  const { imported, skipped } = await readImported(folder)
  expect(imported.map(({ format, points }) => [format, points.length])).toEqual([
    ['vllm-bench-serve', 2],
    ['llama-bench', 1],
  ])
  expect(imported[0]?.points.map(({ outputTokensPerS }) => outputTokensPerS)).toEqual([40, 160])
  expect(skipped.map(({ file, why }) => [file.slice(folder.length + 1), why])).toEqual([
    ['c4/inputs.json', 'no result of a known format'],
    ['README.md', 'no result of a known format'],
  ])
})

test('what lies in one folder belongs together, what lies in another does not', async () => {
  const folder = await folderWith({
    'a/run.json': genaiRun,
    'a/experiment_metadata.json': genaiExperiment('GPU A'),
    'b/run.json': genaiRun,
    'b/experiment_metadata.json': genaiExperiment('GPU B'),
  })
  const { imported } = await readImported(folder)
  expect(imported[0]?.points.map(({ gpu }) => gpu?.name)).toEqual(['GPU A', 'GPU B'])
})

test('a broken file of a folder is told of and hides no other', async () => {
  const folder = await folderWith({ 'a.json': '{"cut', 'b.json': vllm(1) })
  const { imported, skipped } = await readImported(folder)
  expect(imported).toHaveLength(1)
  expect(skipped[0]?.why).toContain(`${join(folder, 'a.json')}: Not JSON at line 1, column 2`)
})

test('YAML is read where a text is nothing else', async () => {
  const folder = await folderWith({
    'report.yaml': `version: '0.2.1'
scenario: {}
results:
  request_performance:
    aggregate:
      requests: { total: 3, failures: 0 }
      throughput: { output_token_rate: { mean: 70, units: tokens/s } }
`,
  })
  const { imported } = await readImported(join(folder, 'report.yaml'))
  expect(imported[0]?.points[0]).toMatchObject({ outputTokensPerS: 70, requests: { issued: 3 } })
})

test.each([
  ['missing.json', 'No such file or folder'],
  ['words.txt', 'holds no result of a known format'],
  ['broken.json', 'Not JSON at line 1'],
  ['', 'holds no result of a known format'],
])('%j is the user’s to fix', async (file, message) => {
  const folder = await folderWith({ 'words.txt': 'words', 'broken.json': '{"a": nope}' })
  const error = await readImported(join(folder, file)).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UserError)
  expect((error as UserError).message).toContain(message)
})
