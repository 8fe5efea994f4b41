import { exitCodes, messageOf, UserError } from '../errors.ts'
import { BYTES_PER_MIB, MS_PER_S } from '../units.ts'
import { type Access, type Answer, get, type Patience } from './get.ts'
import { describeOrigin } from './http/socket-url.ts'
import type { ServerIdentity } from './server-identity.ts'
import {
  type Answers,
  asObject,
  modelsPath,
  offeredModels,
  offerOf,
  textAt,
} from './servers/answers.ts'
import { gatewayOf, livelinessPath } from './servers/gateways.ts'
import { serverKinds } from './servers/kinds.ts'
import { openAi } from './servers/openai.ts'
import type { ServerKind } from './servers/server-kind.ts'

/** One question to the server, and what came of it. */
interface Probe {
  readonly path: string
  /** `HTTP 200`, `HTTP 302, not followed`, or why there was no answer. */
  readonly outcome: string
}

/** What a server says of itself. */
export interface Inspection {
  readonly server: ServerIdentity
  /** Models it offers; empty where it does not say. */
  readonly models: readonly string[]
  /** The model asked for, or the first it has. */
  readonly model?: string
  /** True when the answers come from a simulation and no model runs. */
  readonly simulated: boolean
  /** Unknown for a simulation: it has none, whatever it is called. */
  readonly weights?: 'random' | 'trained'
  /** Everything that was asked to find out. */
  readonly probes: readonly Probe[]
  /** Every answer that came. */
  readonly answers: Answers
}

/** The list of models is waited for: without an answer to it nothing can be measured. */
const MODELS_PATIENCE: Patience = { timeoutMs: 5 * MS_PER_S, maxBytes: 4 * BYTES_PER_MIB }
const PROBE_PATIENCE: Patience = { timeoutMs: 2 * MS_PER_S, maxBytes: BYTES_PER_MIB }

const firstPaths: readonly string[] = [
  ...new Set([modelsPath, ...serverKinds.flatMap(({ paths }) => paths), livelinessPath]),
]
/** Where the names of metrics may tell what nothing else does. */
const metricsPath = '/metrics'

/**
 * Asks a server what it is: one round of GETs that all kinds share, side by side, and a second one
 * for the kind it turned out to be. No prompt is sent, and nothing is changed.
 *
 * @throws UserError when nobody listens, the key is refused, or the address redirects
 */
export async function inspectServer(
  url: URL,
  model: string | undefined,
  access: Access,
  signal?: AbortSignal,
): Promise<Inspection> {
  const first = await askAll(url, firstPaths, access, signal)
  checkAnswered(url, first.get(modelsPath))
  const models = offeredModels(answersOf(first)).map(({ id }) => id)
  const chosen = model ?? models[0]
  const recognised = recognise(answersOf(first))
  const paths = recognised ? (recognised.kind.morePaths?.(chosen) ?? []) : [metricsPath]
  const more = paths.filter((path) => !first.has(path))
  const asked = new Map([...first, ...(await askAll(url, more, access, signal))])
  const answers = answersOf(asked)
  const { kind, proof } = recognised ?? recogniseByMetrics(answers)
  const { model: told, ...facts } = kind.describe(answers, chosen)
  const own = asObject(offerOf(answers, chosen)?.baremark)
  const simulated = own?.simulated === true
  return {
    server: { kind: kind.name, proof, ...facts, gateway: gatewayBefore(kind, answers) },
    models,
    model: chosen ?? told?.value,
    simulated,
    weights: simulated ? undefined : weightsOf(own?.weights),
    probes: [...asked].map(([path, result]) => ({ path, outcome: outcomeOf(result) })),
    answers,
  }
}

function weightsOf(value: unknown): Inspection['weights'] {
  return value === 'random' || value === 'trained' ? value : undefined
}

type Asked = ReadonlyMap<string, Answer | UserError>

async function askAll(
  url: URL,
  paths: readonly string[],
  access: Access,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  const base = url.href.replace(/\/$/, '')
  const results = paths.map(async (path): Promise<[string, Answer | UserError]> => {
    const patience = path === modelsPath ? MODELS_PATIENCE : PROBE_PATIENCE
    try {
      return [path, await get(new URL(base + path), access, { ...patience, signal })]
    } catch (error) {
      if (error instanceof UserError) return [path, error]
      throw error
    }
  })
  return new Map(await Promise.all(results))
}

function answersOf(asked: Asked): Answers {
  const answers = new Map<string, Answer>()
  for (const [path, result] of asked) if (!(result instanceof UserError)) answers.set(path, result)
  return answers
}

function outcomeOf(result: Answer | UserError): string {
  if (result instanceof UserError) return messageOf(result.cause ?? result)
  return `HTTP ${result.status}${isRedirect(result) ? ', not followed' : ''}`
}

function isRedirect({ status }: Answer): boolean {
  return status >= 300 && status < 400
}

/** @throws UserError when the server cannot be used */
function checkAnswered(url: URL, listed: Answer | UserError | undefined): void {
  if (listed === undefined || listed instanceof UserError) throw listed
  if (listed.status === 401 || listed.status === 403) {
    throw new UserError(`${describeOrigin(url)} refuses the key (HTTP ${listed.status}).`, {
      remedy: 'Put a valid key in BAREMARK_API_KEY, or give --api-key-file.',
      exitCode: exitCodes.setup,
    })
  }
  if (isRedirect(listed)) {
    throw new UserError(`${describeOrigin(url)} redirects (HTTP ${listed.status}).`, {
      remedy: 'Give the final address: redirects are not followed, they would be measured.',
      exitCode: exitCodes.setup,
    })
  }
}

interface Recognised {
  readonly kind: ServerKind
  readonly proof: string
}

function recognise(answers: Answers): Recognised | undefined {
  for (const kind of serverKinds) {
    const proof = kind === openAi ? undefined : kind.recognise(answers)
    if (proof !== undefined) return { kind, proof }
  }
  return undefined
}

/** Behind a gateway that hides everything else. */
function recogniseByMetrics(answers: Answers): Recognised {
  const text = `\n${textAt(answers, metricsPath) ?? ''}`
  for (const kind of serverKinds) {
    const prefix = kind.metricPrefix
    if (prefix !== undefined && text.includes(`\n${prefix}`))
      return { kind, proof: `GET ${metricsPath}: metrics named ${prefix}...` }
  }
  return { kind: openAi, proof: openAi.recognise(answers) ?? '' }
}

function gatewayBefore({ ownGateway }: ServerKind, answers: Answers): ServerIdentity['gateway'] {
  const gateway = gatewayOf(answers)
  return gateway?.name === ownGateway ? undefined : gateway
}
