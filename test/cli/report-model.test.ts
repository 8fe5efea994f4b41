import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { baremark } from './program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const example = join(root, 'results', 'example-quickstart')
const folder = mkdtempSync(join(tmpdir(), 'baremark-report-model-'))
const config = join(folder, 'config.json')
writeFileSync(
  config,
  JSON.stringify({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 1000,
    torch_dtype: 'bfloat16',
  }),
)

describe('report --model-config', () => {
  test('tells of a run that knew nothing of its model how near it came to the hardware, and says whose word that is', async () => {
    const before = await baremark(['report', example])
    expect(before.stdout).not.toContain('MBU')
    const { stdout, stderr } = await baremark(['report', example, '--model-config', config])
    expect(stdout).toContain('MBU: model bandwidth utilisation')
    expect(stderr).toContain('is not stored with the run')
  })

  test('leaves every other figure of the JSON as it was', async () => {
    const plain = JSON.parse((await baremark(['report', example, '--format', 'json'])).stdout)
    const described = JSON.parse(
      (await baremark(['report', example, '--format', 'json', '--model-config', config])).stdout,
    )
    expect(described.cost).toEqual(plain.cost)
    expect(described.run.roofline.model).toBeDefined()
    for (const [i, point] of plain.summary.points.entries())
      expect(described.summary.points[i]).toMatchObject(point)
  })

  test('is refused beside what is no whole report, and for what describes no model', async () => {
    const at = ['--at', '10 tok/s/user']
    for (const other of [at, ['--as', 'vllm']]) {
      const { exitCode, stderr } = await baremark([
        ...['report', example, '--model-config', config],
        ...other,
      ])
      expect(exitCode).toBe(2)
      expect(stderr).toContain('goes into a whole report')
    }
    const wrong = join(folder, 'wrong.json')
    writeFileSync(wrong, '[1]')
    const { exitCode, stderr } = await baremark(['report', example, '--model-config', wrong])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('describes no model')
  })
})
