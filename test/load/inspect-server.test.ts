import { describe, expect, test } from 'vitest'
import { identifyTarget } from '../../src/load/identify.ts'
import { inspectServer } from '../../src/load/inspect-server.ts'
import { startServer } from '../../src/serve/openai-server.ts'
import { simulatedEngine } from '../../src/serve/simulated.ts'
import { type Page, type Replay, startReplay } from './replay-server.ts'
import {
  llamaReplay,
  lmStudioReplay,
  nimReplay,
  ollamaReplay,
  plainReplay,
  sglangReplay,
  tgiReplay,
  tritonReplay,
  trtllmPrometheusText,
  trtllmReplay,
  vllmDevReplay,
  vllmJsonReplay,
  vllmMetricsText,
  vllmReplay,
} from './replays.ts'
import { startScriptedServer } from './scripted-server.ts'
import { socketFile } from './socket-file.ts'

const open = { insecure: false }

async function inspect(replay: Replay, model?: string) {
  const { url } = await startReplay(replay)
  return inspectServer(url, model, open)
}

const withPages = (replay: Replay, pages: Readonly<Record<string, Page>>): Replay => ({
  ...replay,
  pages: { ...replay.pages, ...pages },
})

/** Values without their sources. */
function valuesOf(launch: object): object {
  const told = Object.entries(launch).filter(([, fact]) => fact !== undefined)
  return Object.fromEntries(told.map(([key, fact]) => [key, fact.value]))
}

describe('nine servers are told from each other', () => {
  test.each([
    ['vLLM', vllmReplay, 'vllm', 'GET /v1/models: data[].owned_by is "vllm"'],
    ['SGLang', sglangReplay, 'sglang', 'GET /get_server_info: mem_fraction_static'],
    ['llama.cpp', llamaReplay, 'llama.cpp', 'GET /props: default_generation_settings'],
    ['Ollama', ollamaReplay, 'ollama', 'GET /api/version: version, and GET /api/ps: models'],
    ['TGI', tgiReplay, 'tgi', 'GET /info: router is "text-generation-router"'],
    [
      'TensorRT-LLM',
      trtllmReplay,
      'tensorrt-llm',
      'GET /v1/models: data[].owned_by is "tensorrt_llm"',
    ],
    ['Triton', tritonReplay, 'triton', 'GET /v2: name is "triton"'],
    ['NIM', nimReplay, 'nim', 'GET /v1/metadata: modelInfo'],
    ['LM Studio', lmStudioReplay, 'lm-studio', 'GET /api/v1/models: models[].loaded_instances'],
    ['another', plainReplay, 'openai', 'nothing tells it from other OpenAI-compatible servers'],
  ])('%s', async (_, replay, kind, proof) => {
    const { server } = await inspect(replay)
    expect(server).toMatchObject({ kind, proof })
    expect(server.gateway).toBeUndefined()
  })

  test.each([
    ['vLLM', vllmReplay, '0.11.0', 'GET /version: version'],
    ['SGLang', sglangReplay, '0.5.3', 'GET /get_server_info: version'],
    ['llama.cpp', llamaReplay, 'b6730-e60f241e', 'GET /props: build_info'],
    ['Ollama', ollamaReplay, '0.12.6', 'GET /api/version: version'],
    ['TGI', tgiReplay, '3.3.4', 'GET /info: version'],
    ['TensorRT-LLM', trtllmReplay, '1.1.0', 'GET /version: version'],
    ['Triton', tritonReplay, '2.60.0', 'GET /v2: version'],
    ['NIM', nimReplay, '2.1.0', 'GET /v1/version: release'],
  ])('the version of %s, and where it stands', async (_, replay, value, source) => {
    expect((await inspect(replay)).server.version).toEqual({ value, source })
  })

  test.each([
    ['vLLM', vllmReplay, 40_960],
    ['SGLang', sglangReplay, 131_072],
    ['llama.cpp (of one slot)', llamaReplay, 8_192],
    ['Ollama', ollamaReplay, 4_096],
    ['TGI', tgiReplay, 4_096],
    ['NIM', nimReplay, 131_072],
    ['LM Studio', lmStudioReplay, 8_192],
    ['another', plainReplay, undefined],
  ])('the context that %s was started with', async (_, replay, tokens) => {
    expect((await inspect(replay)).server.contextTokens?.value).toBe(tokens)
  })
})

describe('what a server tells of how it was started', () => {
  test('vLLM: its KV cache is that of all engines', async () => {
    const { server } = await inspect(vllmReplay)
    // 1,000 and 1,100 blocks of 16 tokens.
    expect(valuesOf(server.launch)).toEqual({
      kvCacheTokens: 33_600,
      kvCacheType: 'fp8',
      prefixCaching: true,
    })
    expect(server.launch.kvCacheTokens?.source).toBe(
      'GET /metrics: vllm:cache_config_info{num_gpu_blocks, block_size}',
    )
  })

  test('vLLM in developer mode, as text; the metrics win where both tell', async () => {
    expect(valuesOf((await inspect(vllmDevReplay)).server.launch)).toEqual({
      quantisation: 'fp8',
      tensorParallel: 2,
      pipelineParallel: 1,
      speculativeDecoding: 'none',
      kvCacheTokens: 33_600,
      kvCacheType: 'fp8',
      prefixCaching: true,
    })
  })

  test('vLLM in developer mode, as JSON', async () => {
    expect(valuesOf((await inspect(vllmJsonReplay)).server.launch)).toEqual({
      quantisation: 'awq',
      tensorParallel: 4,
      pipelineParallel: 2,
      dataParallel: 1,
      prefixCaching: true,
      kvCacheType: 'auto',
      maxRunning: 256,
      speculativeDecoding: 'eagle3',
    })
  })

  test('SGLang: each copy of the model has its own cache', async () => {
    expect(valuesOf((await inspect(sglangReplay)).server.launch)).toEqual({
      quantisation: 'fp8',
      tensorParallel: 2,
      pipelineParallel: 1,
      dataParallel: 2,
      prefixCaching: true,
      speculativeDecoding: 'none',
      kvCacheTokens: 800_000,
      kvCacheType: 'fp8_e5m2',
      maxRunning: 1_024,
    })
  })

  test('SGLang under the newer name of the page', async () => {
    const { '/get_server_info': info = { body: '' }, ...rest } = sglangReplay.pages
    const { server } = await inspect({ ...sglangReplay, pages: { ...rest, '/server_info': info } })
    expect(server.kind).toBe('sglang')
    expect(server.launch.tensorParallel?.value).toBe(2)
  })

  test('llama.cpp: slots, and the quantisation that its file name carries', async () => {
    expect(valuesOf((await inspect(llamaReplay)).server.launch)).toEqual({
      quantisation: 'Q4_K_M',
      maxRunning: 4,
      speculativeDecoding: 'none',
    })
  })

  test('llama.cpp whose /slots is switched off still tells the rest', async () => {
    const off = withPages(llamaReplay, { '/slots': { status: 501, body: { error: {} } } })
    expect(valuesOf((await inspect(off)).server.launch)).toEqual({
      quantisation: 'Q4_K_M',
      maxRunning: 4,
    })
  })

  test('TGI: the tokens that fit into a batch', async () => {
    expect(valuesOf((await inspect(tgiReplay)).server.launch)).toEqual({ kvCacheTokens: 61_504 })
  })

  test('TensorRT-LLM with metrics', async () => {
    const replay = withPages(trtllmReplay, {
      '/prometheus/metrics': { body: trtllmPrometheusText },
    })
    expect(valuesOf((await inspect(replay)).server.launch)).toEqual({
      tensorParallel: 8,
      pipelineParallel: 1,
      prefixCaching: true,
      kvCacheTokens: 38_400,
      kvCacheType: 'fp8',
    })
  })

  test('NIM: the engine inside', async () => {
    const { server } = await inspect(nimReplay)
    expect(server.engine).toEqual({
      value: 'vLLM',
      source: 'GET /v1/metrics: metrics named vllm:...',
    })
    expect(server.launch.prefixCaching?.value).toBe(true)
  })

  test('Ollama and LM Studio: the quantisation', async () => {
    expect(valuesOf((await inspect(ollamaReplay)).server.launch)).toEqual({
      quantisation: 'Q4_K_M',
    })
    expect(valuesOf((await inspect(lmStudioReplay)).server.launch)).toEqual({
      quantisation: 'Q4_K_M',
      maxRunning: 4,
    })
  })

  test('LM Studio before 0.4', async () => {
    const { '/api/v1/models': _, ...pages } = lmStudioReplay.pages
    const { server } = await inspect({ ...lmStudioReplay, pages })
    expect(server.proof).toBe('GET /api/v0/models: data[].state, compatibility_type')
    expect(server.contextTokens?.value).toBe(8_192)
    expect(server.launch.quantisation?.value).toBe('Q4_K_M')
  })

  test('of a model that is not loaded nothing is told', async () => {
    const { server } = await inspect(lmStudioReplay, 'gemma-3-4b')
    expect(server.contextTokens).toBeUndefined()
    expect((await inspect(ollamaReplay, 'other')).server.contextTokens).toBeUndefined()
  })

  test('TGI too old to list models names its own', async () => {
    const { '/v1/models': _, ...pages } = tgiReplay.pages
    const inspection = await inspect({ ...tgiReplay, pages })
    expect(inspection).toMatchObject({ models: [], model: 'HuggingFaceH4/zephyr-7b-beta' })
  })
})

describe('what stands in front', () => {
  test.each([
    ['nginx', { server: 'nginx/1.29.1' }],
    ['LiteLLM', { 'x-litellm-version': '1.77.2', server: 'uvicorn' }],
    ['Kong', { via: '1.1 kong/3.9.1', server: 'uvicorn' }],
    ['Istio or Envoy', { server: 'istio-envoy', 'x-envoy-upstream-service-time': '3' }],
    ['Caddy', { via: '1.1 Caddy' }],
    ['Cloudflare', { server: 'cloudflare', 'cf-ray': '8a-FRA' }],
    ['a proxy', { via: '1.1 somewhere' }],
  ])('%s, with vLLM behind it', async (name, headers) => {
    const { server } = await inspect({ ...vllmReplay, headers })
    expect(server.kind).toBe('vllm')
    expect(server.gateway?.name).toBe(name)
    expect(server.gateway?.proof).toMatch(/^GET \/v1\/models: header /)
  })

  test('LiteLLM without its headers, by its own page', async () => {
    const replay = withPages(plainReplay, { '/health/liveliness': { body: '"I\'m alive!"' } })
    expect((await inspect(replay)).server).toMatchObject({
      kind: 'openai',
      gateway: { name: 'LiteLLM', proof: 'GET /health/liveliness: "I\'m alive!"' },
    })
  })

  test('OpenRouter', async () => {
    const offer = { id: 'a/b', pricing: { prompt: '0.1' }, top_provider: {}, context_length: 9 }
    const replay = withPages(plainReplay, { '/v1/models': { body: { data: [offer] } } })
    expect((await inspect(replay)).server.gateway?.name).toBe('OpenRouter')
  })

  test('an engine that a gateway hides is known by its metrics', async () => {
    const replay = withPages(plainReplay, { '/metrics': { body: vllmMetricsText } })
    expect((await inspect(replay)).server).toMatchObject({
      kind: 'vllm',
      proof: 'GET /metrics: metrics named vllm:...',
      launch: { prefixCaching: { value: true } },
    })
  })

  test('the nginx inside NIM is none', async () => {
    expect((await inspect(nimReplay)).server.gateway).toBeUndefined()
  })
})

test('a server on a Unix socket is asked the same, queries included', async () => {
  const { url, asked } = await startReplay(vllmJsonReplay, socketFile())
  const { server } = await inspectServer(url, undefined, open)
  expect(server.launch.tensorParallel?.value).toBe(4)
  expect(asked).toContain('GET /server_info?config_format=json')
})

describe('asking does no harm', () => {
  test('only GETs, at most two rounds, nothing that generates, flushes or loads', async () => {
    for (const replay of [vllmReplay, sglangReplay, llamaReplay, trtllmReplay, plainReplay]) {
      const { url, asked } = await startReplay(replay)
      await inspectServer(url, undefined, open)
      expect(asked.length).toBeLessThan(20)
      expect(new Set(asked).size).toBe(asked.length)
      for (const line of asked) {
        expect(line).toMatch(/^GET /)
        expect(line).not.toMatch(/health_generate|\/health$|flush|reset|load|tokenize|perf_metrics/)
      }
    }
  })

  test("TensorRT-LLM's /metrics, which can be read once only, is left alone", async () => {
    const { url, asked } = await startReplay(trtllmReplay)
    await inspectServer(url, undefined, open)
    expect(asked).not.toContain('GET /metrics')
  })

  const models = JSON.stringify({ data: [{ id: 'a' }] })
  const answerModels = (socket: { write: (text: string) => unknown }): unknown =>
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-length: ${models.length}\r\ncontent-type: application/json\r\n\r\n${models}`,
    )

  test.each([
    ['HTML with 200', 'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<html>hi</html>', 'HTTP 200'],
    [
      'a redirect',
      'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n',
      'HTTP 302, not followed',
    ],
    [
      'a MiB of headers',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1024 * 1024)}\r\ncontent-length: 0\r\n\r\n`,
      'Parse Error: Header overflow',
    ],
    [
      'gzip that nobody asked for',
      'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}',
      'HTTP 200',
    ],
    [
      'a body over the limit',
      `HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n${'x'.repeat(1_500_000)}`,
      'the answer is over 1 MiB',
    ],
    ['nonsense', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', /Parse Error/],
    ['a hang', '', 'no answer within 2 s'],
    [
      'deep JSON',
      `HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n${'['.repeat(200_000)}`,
      'HTTP 200',
    ],
  ])('%s everywhere but at the models leaves a plain server', async (_, text, outcome) => {
    const server = await startScriptedServer([
      (socket, request) =>
        request.startsWith('GET /v1/models ') ? answerModels(socket) : socket.write(text),
    ])
    const { server: found, probes } = await inspectServer(
      new URL(`http://127.0.0.1:${server.port}`),
      undefined,
      open,
    )
    expect(found).toMatchObject({ kind: 'openai', launch: {} })
    expect(probes.find(({ path }) => path === '/v1/models')?.outcome).toBe('HTTP 200')
    const told = probes.find(({ path }) => path === '/props')?.outcome
    if (typeof outcome === 'string') expect(told).toBe(outcome)
    else expect(told).toMatch(outcome)
  })

  test('values of the wrong type are not taken for facts', async () => {
    const replay = withPages(vllmReplay, {
      '/version': { body: { version: { evil: true } } },
      '/v1/models': {
        body: { data: [{ id: 'a', owned_by: 'vllm', max_model_len: -5 }, null, 7, { id: 3 }] },
      },
      '/server_info': { body: { vllm_config: [1, 2] } },
      '/metrics': { body: 'vllm:cache_config_info{block_size="x",num_gpu_blocks="1e999"} 1' },
    })
    const { server, models } = await inspect(replay)
    expect(models).toEqual(['a'])
    expect(server.version).toBeUndefined()
    expect(server.contextTokens).toBeUndefined()
    expect(valuesOf(server.launch)).toEqual({})
  })
})

describe('what a run keeps', () => {
  test('name and version as the engine, and the context the server was started with', async () => {
    const { url } = await startReplay(llamaReplay)
    expect(await identifyTarget(url, undefined, open)).toMatchObject({
      engine: 'llama.cpp server b6730-e60f241e',
      contextTokens: 8_192,
      server: { kind: 'llama.cpp' },
    })
  })

  test('a simulation stays one, though its metrics are named as vLLM names them', async () => {
    const server = await startServer({ engine: simulatedEngine({}), port: 0 })
    const identity = await identifyTarget(new URL(server.url), undefined, open)
    await server.close()
    expect(identity).toMatchObject({
      simulated: true,
      weights: undefined,
      contextTokens: 32_768,
      server: { kind: 'baremark', proof: 'GET /v1/models: data[].baremark' },
    })
  })
})
