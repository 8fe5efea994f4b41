import { describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/errors.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { startReplay } from '../load/replay-server.ts'
import {
  llamaReplay,
  ollamaReplay,
  plainReplay,
  tritonReplay,
  vllmReplay,
} from '../load/replays.ts'
import { closedPort } from '../load/scripted-server.ts'
import { baremark } from './program.ts'

describe('baremark identify', () => {
  test('says which server it is, by what proof, and where each fact stands', async () => {
    const { url } = await startReplay({ ...vllmReplay, headers: { server: 'nginx' } })
    const { exitCode, stdout } = await baremark(['identify', url.href])
    expect(exitCode).toBe(exitCodes.valid)
    for (const line of [
      `vLLM 0.11.0 at ${url.origin}`,
      '  Known by  GET /v1/models: data[].owned_by is "vllm"',
      '  Version   0.11.0 (GET /version: version)',
      '  Model     Qwen/Qwen3-8B',
      '  Context   40,960 tokens (GET /v1/models: data[] max_model_len)',
      '  In front  nginx (GET /v1/models: header server)',
      '  Prefix cache   on (GET /metrics: vllm:cache_config_info{enable_prefix_caching})',
      '  KV cache       33,600 tokens (GET /metrics: vllm:cache_config_info{num_gpu_blocks, block_size})',
      '  Answer length    forced by ignore_eos, min_tokens',
      '  Tokenizer        POST /tokenize',
      '  Empty the cache  POST /reset_prefix_cache; needs VLLM_SERVER_DEV_MODE=1 in the environment of the server',
      '  Metrics          GET /metrics',
    ])
      expect(stdout.split('\n')).toContain(line)
    expect(stdout).toMatch(/GET \/props +HTTP 404/)
  })

  test('as JSON: the same, with every question that was asked', async () => {
    const { url } = await startReplay(llamaReplay)
    const { stdout } = await baremark(['identify', url.href, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      url: url.origin,
      models: ['qwen3'],
      model: 'qwen3',
      simulated: false,
      server: {
        kind: 'llama.cpp',
        proof: 'GET /props: default_generation_settings',
        version: { value: 'b6730-e60f241e', source: 'GET /props: build_info' },
        launch: { maxRunning: { value: 4, source: 'GET /props: total_slots' } },
      },
      usage: {
        label: 'llama.cpp server',
        answerLength: 'forced',
        tokenizer: '/tokenize',
        prefixCacheReset: '/slots/0?action=erase',
        metrics: ['/metrics', '/slots'],
      },
      probes: expect.arrayContaining([{ path: '/info', outcome: 'HTTP 404' }]),
    })
  })

  test('a server that lists no models is told all the same', async () => {
    const { url } = await startReplay(tritonReplay)
    const { exitCode, stdout } = await baremark(['identify', url.href, '--model', 'ensemble'])
    expect(exitCode).toBe(exitCodes.valid)
    expect(stdout).toContain(`Triton Inference Server 2.60.0 at ${url.origin}`)
    expect(stdout).toContain('Engine    ensemble (GET /v2/models/ensemble/config: platform)')
    expect(stdout).toContain('GET :8002/metrics or /metrics')
  })

  test('what cannot be had is said, not left out', async () => {
    const { url } = await startReplay(ollamaReplay)
    const { stdout } = await baremark(['identify', url.href])
    expect(stdout).toContain('Answer length    not forced: Ollama takes max_tokens')
    expect(stdout).toContain('Metrics          n/a (Ollama has no metrics.)')
  })

  test('a simulation is called one', async () => {
    const server = await startServer({ engine: simulatedEngine({}), port: 0 })
    const { stdout } = await baremark(['identify', server.url])
    await server.close()
    expect(stdout).toMatch(/Simulated +no model runs/)
  })

  test('what a server says cannot write to the terminal', async () => {
    const { url } = await startReplay({
      ...plainReplay,
      pages: { '/v1/models': { body: { data: [{ id: 'evil\u001b[2J\nline' }] } } },
    })
    const { stdout } = await baremark(['identify', url.href])
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain('Model     evil line')
  })

  test('nobody there is the set-up, not a bug', async () => {
    const { exitCode, stderr } = await baremark(['identify', `127.0.0.1:${await closedPort()}`])
    expect(exitCode).toBe(exitCodes.setup)
    expect(stderr).toMatch(/^baremark: Nobody listens at /)
  })

  test('the key comes from the environment and is not printed', async () => {
    const { url } = await startReplay(plainReplay)
    const { stdout } = await baremark(['identify', url.href, '--json'], {
      env: { BAREMARK_API_KEY: 'sk-secret' },
    })
    expect(stdout).not.toContain('sk-secret')
  })
})
