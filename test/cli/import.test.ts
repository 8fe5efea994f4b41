import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { baremark } from './program.ts'

const folder = mkdtempSync(join(tmpdir(), 'baremark-import-'))

// As `vllm bench serve` writes it, invented: 4 users, 100 requests of 200 tokens each in 20 s.
const vllm = {
  date: '20260301-101500',
  backend: 'vllm',
  model_id: 'some/model',
  tokenizer_id: 'some/model',
  num_prompts: 100,
  request_rate: 'inf',
  max_concurrency: 4,
  duration: 20,
  completed: 100,
  failed: 0,
  total_input_tokens: 10_000,
  total_output_tokens: 20_000,
  request_throughput: 5,
  output_throughput: 1000,
  total_token_throughput: 1500,
  mean_ttft_ms: 51,
  median_ttft_ms: 50,
  p99_ttft_ms: 80,
  mean_tpot_ms: 4,
  median_tpot_ms: 4,
  p99_tpot_ms: 5,
}

function fileOf(name: string, content: unknown): string {
  const file = join(folder, name)
  writeFileSync(file, JSON.stringify(content))
  return file
}

test('another tool’s result is told as not judged, with what it cannot tell', async () => {
  const { exitCode, stdout } = await baremark(['import', fileOf('vllm.json', vllm)])
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^NOT JUDGED: vLLM/)
  expect(stdout).toContain('does not tell')
  // 1,000 tokens/s; one user sees 1000 / 4 ms = 250.
  expect(stdout).toMatch(/\s1,000\s+250\s+50\.0\s+n\/a\s+4\.00\s+n\/a\s+100\s+0$/m)
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
})

test('for programs it is JSON', async () => {
  const { stdout } = await baremark(['import', fileOf('vllm.json', vllm), '--json'])
  const [imported] = JSON.parse(stdout)
  expect(imported.points[0].metrics.ttftMs.percentiles).toContainEqual({ p: 99, value: 80 })
  expect(imported.summary.verdict).toBe('NOT JUDGED')
})

test('what is no result of a known tool is the user’s to fix', async () => {
  const { exitCode, stderr } = await baremark(['import', fileOf('other.json', { a: 1 })])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('no result of a known format')
  expect(stderr).toContain('vLLM')
})
