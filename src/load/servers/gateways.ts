import { type Answers, modelsPath, objectAt, objectsOf, textAt } from './answers.ts'

/** Something that stands between and passes requests on. */
interface Gateway {
  readonly name: string
  /** Response headers that only it sets, and what they hold. */
  readonly headers?: Readonly<Record<string, RegExp>>
  /** A page that only it has. */
  readonly page?: (answers: Answers) => string | undefined
}

export const livelinessPath = '/health/liveliness'

/** The most telling first: a CDN or a plain proxy may stand before any of them. */
const gateways: readonly Gateway[] = [
  {
    name: 'LiteLLM',
    headers: { 'x-litellm-version': /./, 'x-litellm-call-id': /./, server: /litellm/i },
    page: (answers) =>
      textAt(answers, livelinessPath)?.includes("I'm alive!")
        ? `GET ${livelinessPath}: "I'm alive!"`
        : undefined,
  },
  {
    name: 'OpenRouter',
    page: (answers) => {
      const offers = objectsOf(objectAt(answers, modelsPath)?.data)
      return offers.some((offer) => 'top_provider' in offer && 'pricing' in offer)
        ? `GET ${modelsPath}: data[].top_provider, pricing`
        : undefined
    },
  },
  {
    name: 'NVIDIA Dynamo',
    page: (answers) =>
      /^dynamo_frontend_/m.test(textAt(answers, '/metrics') ?? '')
        ? 'GET /metrics: metrics named dynamo_frontend_...'
        : undefined,
  },
  {
    name: 'Kong',
    headers: {
      server: /^kong\b/i,
      via: /\bkong\b/i,
      'x-kong-request-id': /./,
      'x-kong-proxy-latency': /./,
    },
  },
  { name: 'Istio or Envoy', headers: { server: /envoy/i, 'x-envoy-upstream-service-time': /./ } },
  { name: 'Caddy', headers: { server: /^caddy/i, via: /\bcaddy\b/i } },
  { name: 'Cloudflare', headers: { 'cf-ray': /./, server: /^cloudflare/i } },
  { name: 'an Amazon load balancer', headers: { server: /^awselb/i } },
  { name: 'OpenResty', headers: { server: /^openresty/i } },
  { name: 'nginx', headers: { server: /^nginx/i } },
  { name: 'Squid', headers: { via: /squid/i, 'x-squid-error': /./ } },
  { name: 'a proxy', headers: { via: /./ } },
]

/** What stands in front of a server, where it shows, and by what it was known. */
export function gatewayOf(answers: Answers): { name: string; proof: string } | undefined {
  for (const { name, headers = {}, page } of gateways) {
    const proof = page?.(answers) ?? headerProof(answers, headers)
    if (proof !== undefined) return { name, proof }
  }
  return undefined
}

function headerProof(
  answers: Answers,
  headers: NonNullable<Gateway['headers']>,
): string | undefined {
  for (const [path, answer] of answers) {
    for (const [name, pattern] of Object.entries(headers)) {
      const value = answer.headers[name]?.toString()
      if (value !== undefined && pattern.test(value)) return `GET ${path}: header ${name}`
    }
  }
  return undefined
}
