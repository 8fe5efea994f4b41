import type { Page, Replay } from './replay-server.ts'

const list = (...data: readonly object[]): Page => ({ body: { object: 'list', data } })
const fastApi = {
  notFound: { status: 404, body: { detail: 'Not Found' } },
  wrongMethod: { status: 405, headers: { allow: 'POST' }, body: { detail: 'Method Not Allowed' } },
  headers: { server: 'uvicorn' },
}

export const vllmModel = 'Qwen/Qwen3-8B'

/** Two engines of one model. */
export const vllmMetricsText = `# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",cache_dtype="fp8",enable_prefix_caching="True",engine="0",gpu_memory_utilization="0.9",num_gpu_blocks="1000"} 1.0
vllm:cache_config_info{block_size="16",cache_dtype="fp8",enable_prefix_caching="True",engine="1",gpu_memory_utilization="0.9",num_gpu_blocks="1100"} 1.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="${vllmModel}"} 3.0
vllm:num_requests_running{engine="1",model_name="${vllmModel}"} 4.0
vllm:num_requests_running{engine="0",model_name="other"} 90.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="${vllmModel}"} 1.0
vllm:num_requests_waiting{engine="1",model_name="${vllmModel}"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="${vllmModel}"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="${vllmModel}"} 0.75
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="${vllmModel}"} 1000.0
vllm:prompt_tokens_total{engine="1",model_name="${vllmModel}"} 500.0
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0",model_name="${vllmModel}"} 1.76e+09
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="${vllmModel}"} 200.0
vllm:generation_tokens_total{engine="1",model_name="${vllmModel}"} 100.0
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="${vllmModel}"} 1000.0
vllm:prefix_cache_queries_total{engine="1",model_name="${vllmModel}"} 500.0
# TYPE vllm:prefix_cache_hits_total counter
vllm:prefix_cache_hits_total{engine="0",model_name="${vllmModel}"} 320.0
vllm:prefix_cache_hits_total{engine="1",model_name="${vllmModel}"} 0.0
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{engine="0",model_name="${vllmModel}"} 2.0
# TYPE vllm:spec_decode_num_draft_tokens_total counter
vllm:spec_decode_num_draft_tokens_total{engine="0",model_name="${vllmModel}"} 80.0
# TYPE vllm:spec_decode_num_accepted_tokens_total counter
vllm:spec_decode_num_accepted_tokens_total{engine="0",model_name="${vllmModel}"} 60.0
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="${vllmModel}"} 5.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="${vllmModel}"} 7.0
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="${vllmModel}"} 6.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="1.0",model_name="${vllmModel}"} 10.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="${vllmModel}"} 12.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="${vllmModel}"} 12.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="${vllmModel}"} 4.5
`

export const vllmReplay: Replay = {
  ...fastApi,
  posts: ['/tokenize', '/v1/chat/completions', '/v1/completions'],
  pages: {
    '/v1/models': list({
      id: vllmModel,
      object: 'model',
      created: 1_760_000_000,
      owned_by: 'vllm',
      root: vllmModel,
      parent: null,
      max_model_len: 40_960,
      permission: [],
    }),
    '/version': { body: { version: '0.11.0' } },
    '/metrics': { body: vllmMetricsText },
    '/health': { body: '' },
  },
}

/** As of 0.10 and before: `VLLM_SERVER_DEV_MODE=1`, configuration as text. */
export const vllmDevReplay: Replay = {
  ...vllmReplay,
  pages: {
    ...vllmReplay.pages,
    '/server_info': {
      body: {
        vllm_config: `model='${vllmModel}', speculative_config=None, tokenizer='${vllmModel}', dtype=torch.bfloat16, max_seq_len=40960, tensor_parallel_size=2, pipeline_parallel_size=1, disable_custom_all_reduce=False, quantization=fp8, enforce_eager=False, kv_cache_dtype=auto, enable_prefix_caching=False`,
      },
    },
  },
}

/** The same, newer: configuration as JSON. */
export const vllmJsonReplay: Replay = {
  ...vllmReplay,
  pages: {
    ...vllmReplay.pages,
    '/metrics': { status: 404, body: { detail: 'Not Found' } },
    '/server_info': {
      body: {
        vllm_config: {
          model_config: { model: vllmModel, quantization: 'awq' },
          parallel_config: {
            tensor_parallel_size: 4,
            pipeline_parallel_size: 2,
            data_parallel_size: 1,
          },
          cache_config: { enable_prefix_caching: true, cache_dtype: 'auto' },
          scheduler_config: { max_num_seqs: 256 },
          speculative_config: { method: 'eagle3', num_speculative_tokens: 3 },
        },
      },
    },
  },
}

export const sglangReplay: Replay = {
  notFound: { status: 404, body: { detail: 'Not Found' } },
  wrongMethod: { status: 405, body: { detail: 'Method Not Allowed' } },
  headers: { server: 'uvicorn' },
  posts: ['/tokenize', '/generate'],
  pages: {
    '/v1/models': list({
      id: 'meta-llama/Llama-3.1-8B-Instruct',
      object: 'model',
      owned_by: 'sglang',
      max_model_len: 131_072,
    }),
    '/get_model_info': {
      body: {
        model_path: 'meta-llama/Llama-3.1-8B-Instruct',
        tokenizer_path: 'meta-llama/Llama-3.1-8B-Instruct',
        is_generation: true,
      },
    },
    '/get_server_info': {
      body: {
        model_path: 'meta-llama/Llama-3.1-8B-Instruct',
        quantization: 'fp8',
        kv_cache_dtype: 'fp8_e5m2',
        context_length: null,
        mem_fraction_static: 0.88,
        tp_size: 2,
        pp_size: 1,
        dp_size: 2,
        disable_radix_cache: false,
        speculative_algorithm: null,
        max_running_requests: 1024,
        max_total_num_tokens: 400_000,
        internal_states: [{}],
        version: '0.5.3',
      },
    },
  },
}

/** Two copies of the model on two GPUs each, every rank with its own series. */
export const sglangMetricsText = `# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{dp_rank="0",model_name="m",tp_rank="0"} 10.0
sglang:num_running_reqs{dp_rank="0",model_name="m",tp_rank="1"} 10.0
sglang:num_running_reqs{dp_rank="1",model_name="m",tp_rank="0"} 6.0
sglang:num_running_reqs{dp_rank="1",model_name="m",tp_rank="1"} 6.0
# TYPE sglang:token_usage gauge
sglang:token_usage{dp_rank="0",model_name="m",tp_rank="0"} 0.5
sglang:token_usage{dp_rank="0",model_name="m",tp_rank="1"} 0.5
sglang:token_usage{dp_rank="1",model_name="m",tp_rank="0"} 0.1
# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{model_name="m"} 2000.0
# TYPE sglang:generation_tokens_total counter
sglang:generation_tokens_total{model_name="m"} 900.0
# TYPE sglang:cached_tokens_total counter
sglang:cached_tokens_total{cache_source="device",model_name="m"} 300.0
sglang:cached_tokens_total{cache_source="host",model_name="m"} 100.0
sglang:cached_tokens_total{cache_source="total",model_name="m"} 400.0
# TYPE sglang:e2e_request_latency_seconds histogram
sglang:e2e_request_latency_seconds_sum{model_name="m"} 30.0
sglang:e2e_request_latency_seconds_bucket{le="1.0",model_name="m"} 4.0
sglang:e2e_request_latency_seconds_bucket{le="+Inf",model_name="m"} 9.0
sglang:e2e_request_latency_seconds_count{model_name="m"} 9.0
`

const llamaError = (code: number, message: string, type: string): Page => ({
  status: code,
  body: { error: { code, message, type } },
})

/** llama-server answers an Ollama-like shim too. */
export const llamaReplay: Replay = {
  headers: { server: 'llama.cpp' },
  notFound: llamaError(404, 'File Not Found', 'not_found_error'),
  pages: {
    '/': {
      headers: { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' },
      body: 'not really gzip',
    },
    '/props': {
      body: {
        default_generation_settings: { n_ctx: 8192, params: { n_predict: -1, seed: 4294967295 } },
        total_slots: 4,
        model_alias: 'qwen3',
        model_path: '/models/Qwen3-8B-Q4_K_M.gguf',
        modalities: { vision: false, audio: false },
        chat_template: '{{ messages }}',
        build_info: 'b6730-e60f241e',
      },
    },
    '/slots': {
      body: [
        { id: 0, n_ctx: 8192, speculative: false, is_processing: true },
        { id: 1, n_ctx: 8192, speculative: false, is_processing: false },
      ],
    },
    '/v1/models': {
      body: {
        models: [{ name: 'qwen3', model: 'qwen3', details: { format: 'gguf' } }],
        object: 'list',
        data: [
          {
            id: 'qwen3',
            object: 'model',
            owned_by: 'llamacpp',
            meta: { n_vocab: 151_936, n_ctx_train: 40_960, n_params: 8_190_735_360 },
          },
        ],
      },
    },
    '/api/tags': { body: { models: [{ name: 'qwen3', model: 'qwen3' }] } },
    '/api/version': { body: { version: '0.0.0' } },
    '/api/ps': { body: { models: [] } },
    '/metrics': llamaError(
      501,
      'This server does not support metrics endpoint. Start it with `--metrics`',
      'not_supported_error',
    ),
  },
}

export const ollamaReplay: Replay = {
  notFound: { status: 404, body: '404 page not found' },
  wrongMethod: { status: 405, body: '405 method not allowed' },
  posts: ['/api/show', '/api/generate', '/api/chat'],
  pages: {
    '/': { body: 'Ollama is running' },
    '/api/version': { body: { version: '0.12.6' } },
    '/api/ps': {
      body: {
        models: [
          {
            name: 'llama3.2:latest',
            model: 'llama3.2:latest',
            size: 3_200_000_000,
            details: { format: 'gguf', family: 'llama', quantization_level: 'Q4_K_M' },
            size_vram: 3_200_000_000,
            context_length: 4096,
          },
        ],
      },
    },
    '/v1/models': list({ id: 'llama3.2:latest', object: 'model', owned_by: 'library' }),
  },
}

export const tgiReplay: Replay = {
  notFound: { status: 404, body: '' },
  wrongMethod: { status: 405, headers: { allow: 'POST' }, body: '' },
  posts: ['/tokenize', '/generate'],
  pages: {
    '/': { body: '' },
    '/info': {
      body: {
        model_id: 'HuggingFaceH4/zephyr-7b-beta',
        model_sha: null,
        model_pipeline_tag: 'text-generation',
        max_concurrent_requests: 128,
        max_best_of: 2,
        max_stop_sequences: 4,
        max_input_tokens: 4095,
        max_total_tokens: 4096,
        validation_workers: 2,
        max_client_batch_size: 4,
        router: 'text-generation-router',
        version: '3.3.4',
        sha: null,
        docker_label: null,
      },
    },
    '/v1/models': list({
      id: 'HuggingFaceH4/zephyr-7b-beta',
      object: 'model',
      created: 0,
      owned_by: 'HuggingFaceH4/zephyr-7b-beta',
    }),
    // Built with KServe's protocol, it answers Triton's page too.
    '/v2': { body: { model_name: 'text-generation-inference', version: '3.3.4' } },
    '/metrics': {
      body: `# TYPE tgi_batch_max_total_tokens gauge
tgi_batch_max_total_tokens 61504
# TYPE tgi_queue_size gauge
tgi_queue_size 2
# TYPE tgi_batch_current_size gauge
tgi_batch_current_size 5
# TYPE tgi_request_success counter
tgi_request_success 40
# TYPE tgi_request_input_length histogram
tgi_request_input_length_bucket{le="40.95"} 10
tgi_request_input_length_bucket{le="+Inf"} 41
tgi_request_input_length_sum 8200
tgi_request_input_length_count 41
# TYPE tgi_request_generated_tokens histogram
tgi_request_generated_tokens_bucket{le="+Inf"} 40
tgi_request_generated_tokens_sum 5120
tgi_request_generated_tokens_count 40
# TYPE tgi_request_queue_duration histogram
tgi_request_queue_duration_bucket{le="0.0001"} 30
tgi_request_queue_duration_bucket{le="+Inf"} 40
tgi_request_queue_duration_sum 0.25
tgi_request_queue_duration_count 40
`,
    },
  },
}

export const trtllmReplay: Replay = {
  ...fastApi,
  posts: ['/v1/chat/completions'],
  pages: {
    '/v1/models': list({ id: 'TinyLlama-1.1B', object: 'model', owned_by: 'tensorrt_llm' }),
    '/version': { body: { version: '1.1.0' } },
    '/server_info': { body: { disaggregated_params: {} } },
    '/metrics': {
      body: [
        { iter: 7, numActiveRequests: 9, numQueuedRequests: 9 },
        {
          iter: 8,
          iterLatencyMS: 11.5,
          numActiveRequests: 2,
          numQueuedRequests: 1,
          kvCacheStats: {
            maxNumBlocks: 100,
            freeNumBlocks: 75,
            usedNumBlocks: 25,
            tokensPerBlock: 32,
            reusedBlocks: 3,
            missedBlocks: 9,
          },
        },
      ],
    },
  },
}

/** With `return_perf_metrics`. */
export const trtllmPrometheusText = `# TYPE trtllm_kv_cache_max_blocks gauge
trtllm_kv_cache_max_blocks{engine_type="undefined",model_name="undefined"} 1200.0
trtllm_kv_cache_tokens_per_block{engine_type="undefined",model_name="undefined"} 32.0
trtllm_kv_cache_config_info{cache_dtype="fp8",enable_block_reuse="True",engine_type="undefined",model_name="undefined",page_size="32"} 1.0
trtllm_parallel_config_info{engine_type="undefined",model_name="undefined",pipeline_parallel_size="1",tensor_parallel_size="8"} 1.0
trtllm_num_requests_running{engine_type="undefined",model_name="undefined"} 12.0
trtllm_num_requests_waiting{engine_type="undefined",model_name="undefined"} 3.0
trtllm_kv_cache_utilization{engine_type="undefined",model_name="undefined"} 0.4
trtllm_generation_tokens_total{engine_type="undefined",model_name="undefined"} 777.0
trtllm_time_to_first_token_seconds_sum{engine_type="undefined",model_name="undefined"} 2.0
trtllm_time_to_first_token_seconds_count{engine_type="undefined",model_name="undefined"} 8.0
`

export const tritonReplay: Replay = {
  notFound: { status: 404, body: '' },
  wrongMethod: { status: 405, body: '' },
  pages: {
    '/v2': {
      body: {
        name: 'triton',
        version: '2.60.0',
        extensions: ['classification', 'sequence', 'model_repository', 'generate'],
      },
    },
    '/v2/models/ensemble/config': {
      body: { name: 'ensemble', platform: 'ensemble', backend: '', instance_group: [] },
    },
    '/metrics': { status: 404, body: '' },
  },
}

export const tritonMetricsText = `# TYPE nv_inference_request_success counter
nv_inference_request_success{model="ensemble",version="1"} 40
nv_inference_request_success{model="tensorrt_llm",version="1"} 40
# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{model="ensemble",version="1"} 3
# TYPE nv_inference_queue_duration_us counter
nv_inference_queue_duration_us{model="ensemble",version="1"} 80000
# TYPE nv_trt_llm_request_metrics gauge
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 1
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 6
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512
# TYPE nv_trt_llm_kv_cache_block_metrics gauge
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="tensorrt_llm",version="1"} 0.3
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="tensorrt_llm",version="1"} 2448
`

/** NIM 2.x: vLLM behind nginx. */
export const nimReplay: Replay = {
  ...fastApi,
  headers: { server: 'nginx/1.27.3' },
  pages: {
    ...vllmReplay.pages,
    '/v1/models': list({
      id: 'meta/llama-3.1-8b-instruct',
      object: 'model',
      owned_by: 'vllm',
      max_model_len: 131_072,
    }),
    '/v1/version': { body: { release: '2.1.0', api: '2.1.0' } },
    '/v1/metadata': {
      body: {
        version: '2.1.0',
        assetInfo: [],
        licenseInfo: { name: 'LICENSE' },
        modelInfo: [{ modelUrl: 'ngc://nim/meta/llama-3.1-8b-instruct:hf', shortName: 'hf' }],
        selectedModelProfileId: '4f904d571fe60ff24695b5ee2aa42da58cb460787a968f1e8a09f5a7e862728d',
      },
    },
    '/v1/metrics': { body: vllmMetricsText.replaceAll(vllmModel, 'meta/llama-3.1-8b-instruct') },
  },
}

/** It answers 200 to everything. */
export const lmStudioReplay: Replay = {
  headers: { 'x-powered-by': 'Express' },
  notFound: { status: 200, body: { error: 'Unexpected endpoint or method. (GET /nowhere)' } },
  pages: {
    '/v1/models': list(
      { id: 'qwen3-8b', object: 'model', owned_by: 'organization_owner' },
      { id: 'gemma-3-4b', object: 'model', owned_by: 'organization_owner' },
    ),
    '/api/v1/models': {
      body: {
        models: [
          {
            type: 'llm',
            publisher: 'lmstudio-community',
            key: 'qwen3-8b',
            architecture: 'qwen3',
            quantization: { name: 'Q4_K_M', bits_per_weight: 4 },
            size_bytes: 5_000_000_000,
            loaded_instances: [
              {
                id: 'qwen3-8b',
                config: { context_length: 8192, eval_batch_size: 512, parallel: 4 },
              },
            ],
            max_context_length: 40_960,
            format: 'gguf',
          },
          { type: 'llm', key: 'gemma-3-4b', loaded_instances: [], max_context_length: 131_072 },
        ],
      },
    },
    '/api/v0/models': {
      body: {
        object: 'list',
        data: [
          {
            id: 'qwen3-8b',
            type: 'llm',
            compatibility_type: 'gguf',
            quantization: 'Q4_K_M',
            state: 'loaded',
            max_context_length: 40_960,
            loaded_context_length: 8192,
          },
        ],
      },
    },
  },
}

export const plainReplay: Replay = {
  notFound: {
    status: 404,
    body: { error: { message: 'Not found', type: 'invalid_request_error' } },
  },
  pages: { '/v1/models': list({ id: 'some-model', object: 'model', owned_by: 'someone' }) },
}
