import { exitCodes } from '../errors.ts'
import { describeOrigin } from '../load/http/socket-url.ts'
import { parseTargetUrl } from '../load/identify.ts'
import { type Inspection, inspectServer } from '../load/inspect-server.ts'
import type { LaunchConfiguration, Told } from '../load/server-identity.ts'
import { serverKindOf } from '../load/servers/kinds.ts'
import type { ServerKind } from '../load/servers/server-kind.ts'
import { formatCount, notAvailable } from '../report/format.ts'
import { plainText } from '../report/plain-text.ts'
import { type AccessFlags, readAccess } from './access.ts'
import type { Io } from './io.ts'

interface IdentifyFlags extends AccessFlags {
  readonly model?: string
  readonly json: boolean
}

/** `baremark identify`. @throws UserError when the server cannot be asked */
export async function identifyCommand(
  address: string,
  flags: IdentifyFlags,
  io: Io,
): Promise<number> {
  const url = parseTargetUrl(address)
  const { access } = await readAccess(flags, io)
  const inspection = await inspectServer(url, flags.model, access, io.signal)
  io.stdout(flags.json ? asJson(url, inspection) : asText(url, inspection))
  return exitCodes.valid
}

function asJson(url: URL, { answers: _, ...inspection }: Inspection): string {
  const kind = serverKindOf(inspection.server.kind)
  const usage = {
    label: kind.label,
    answerLength: kind.length.kind,
    tokenizer: kind.tokenize?.path,
    prefixCacheReset: resetPath(kind, inspection.server.launch),
    metrics: metricsAddresses(kind),
    traps: kind.traps,
  }
  return `${JSON.stringify({ url: url.href.replace(/\/$/, ''), ...inspection, usage }, null, 2)}\n`
}

type Row = readonly [title: string, value: string]

function asText(url: URL, inspection: Inspection): string {
  const path = url.pathname.replace(/\/$/, '')
  const kind = serverKindOf(inspection.server.kind)
  const version = inspection.server.version?.value
  const name = version === undefined ? kind.label : `${kind.label} ${version}`
  const blocks = [
    [plainText(`${name} at ${describeOrigin(url)}${path}`), ...table(serverRows(inspection))],
    ['Started with', ...table(launchRows(inspection.server.launch))],
    ['To use it', ...table(usageRows(kind, inspection.server.launch))],
    ['Mind', ...kind.traps.map((trap) => `  ${trap}`)],
    ['Asked', ...table(inspection.probes.map(({ path, outcome }) => [`GET ${path}`, outcome]))],
  ]
  const told = blocks.filter((lines) => lines.length > 1)
  return `${told.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function serverRows({ server, model, models, simulated, weights }: Inspection): Row[] {
  const more = models.length > 1 ? `, of ${models.length} models` : ''
  return [
    ['Known by', server.proof],
    ['Version', fact(server.version)],
    ...(server.engine ? [['Engine', fact(server.engine)] as const] : []),
    ['Model', model === undefined ? `${notAvailable} (it does not say)` : `${model}${more}`],
    ...(simulated ? [['Simulated', 'no model runs'] as const] : []),
    ...(weights ? [['Weights', weights] as const] : []),
    ['Context', fact(server.contextTokens, (count) => `${formatCount(count)} tokens`)],
    [
      'In front',
      server.gateway ? `${server.gateway.name} (${server.gateway.proof})` : 'nothing seen',
    ],
  ]
}

function launchRows(launch: LaunchConfiguration): Row[] {
  const rows: Row[] = [
    ['Quantisation', fact(launch.quantisation)],
    ['Tensor parallel', fact(launch.tensorParallel)],
    ['Pipeline parallel', fact(launch.pipelineParallel)],
    ['Data parallel', fact(launch.dataParallel)],
    ['Prefix cache', fact(launch.prefixCaching, (on) => (on ? 'on' : 'off'))],
    ['Speculation', fact(launch.speculativeDecoding)],
    ['KV cache', fact(launch.kvCacheTokens, (count) => `${formatCount(count)} tokens`)],
    ['KV cache type', fact(launch.kvCacheType)],
    ['Most at once', fact(launch.maxRunning, (count) => `${formatCount(count)} requests`)],
  ]
  const known = rows.filter(([, value]) => value !== notAvailable)
  return known.length > 0 ? known : [['All of it', `${notAvailable} (it does not say)`]]
}

function usageRows(kind: ServerKind, launch: LaunchConfiguration): Row[] {
  return [
    ['Answer length', lengthText(kind)],
    ['Tokenizer', kind.tokenize ? `POST ${kind.tokenize.path}` : notAvailable],
    ['Empty the cache', resetText(kind, launch)],
    ['Metrics', metricsText(kind)],
  ]
}

function lengthText({ length }: ServerKind): string {
  switch (length.kind) {
    case 'forced':
      return `forced by ${Object.keys(length.fields(1)).join(', ')}`
    case 'tried':
      return `tried with ${Object.keys(length.fields(1)).join(', ')}`
    case 'capped':
      return `not forced: ${length.reason}`
  }
}

function resetPath({ resetPrefixCache }: ServerKind, launch: LaunchConfiguration) {
  return resetPrefixCache?.requests(launch)[0]?.path
}

function resetText(kind: ServerKind, launch: LaunchConfiguration): string {
  const path = resetPath(kind, launch)
  if (path === undefined) return notAvailable
  const needs = kind.resetPrefixCache?.needs
  return `POST ${path}${needs === undefined ? '' : `; needs ${needs}`}`
}

function metricsAddresses({ metrics }: ServerKind): string[] {
  if ('none' in metrics) return []
  return metrics.places.map(({ path, port }) => (port === undefined ? path : `:${port}${path}`))
}

function metricsText(kind: ServerKind): string {
  const { metrics } = kind
  if ('none' in metrics) return `${notAvailable} (${metrics.none})`
  const needs = metrics.needs === undefined ? '' : `; needs ${metrics.needs}`
  return `GET ${metricsAddresses(kind).join(' or ')}${needs}`
}

/** A fact with its source. */
function fact<T>(told: Told<T> | undefined, text: (value: T) => string = String): string {
  return told === undefined ? notAvailable : `${text(told.value)} (${told.source})`
}

/** Two columns; the second is whatever the server said, as one harmless line. */
function table(rows: readonly Row[]): string[] {
  const width = Math.max(0, ...rows.map(([title]) => title.length))
  return rows.map(([title, value]) => `  ${title.padEnd(width)}  ${plainText(value)}`)
}
