import { messageOf, UserError } from '../errors.ts'
import type { Access } from './get.ts'
import { type Inspection, inspectServer } from './inspect-server.ts'
import type { ServerAfter, TargetIdentity } from './run-log.ts'
import {
  type LaunchConfiguration,
  launchNames,
  type ServerIdentity,
  type Told,
} from './server-identity.ts'

/** What is held against each other of a server before a run and after it. */
type Seen = Pick<Inspection, 'server' | 'models' | 'simulated'>

/** Asks the server once more what it is, and what of that is another than before the run. */
export async function serverAfter(
  url: URL,
  before: TargetIdentity,
  access: Access,
): Promise<ServerAfter> {
  try {
    return changesOf(before, await inspectServer(url, before.model, access))
  } catch (error) {
    if (error instanceof UserError) return { unknown: messageOf(error) }
    throw error
  }
}

/** Changes from one account of a server to the next. What only one of them tells is no change: it may have been slow to answer. */
export function changesOf(before: TargetIdentity, after: Seen): ServerAfter {
  if (before.server === undefined) return { unknown: 'it was not asked before the run' }
  if (before.server.kind !== 'openai' && after.server.kind === 'openai')
    return { unknown: 'it no longer told what it is' }
  const gone =
    before.models.includes(before.model) &&
    after.models.length > 0 &&
    !after.models.includes(before.model)
  return {
    changes: [
      ...(gone ? [`The model ${before.model} is no longer offered.`] : []),
      ...change('Server', before.server.kind, after.server.kind),
      ...change('Simulated', before.simulated, after.simulated),
      ...change('Gateway', before.server.gateway?.name, after.server.gateway?.name),
      ...factChanges(before.server, after.server),
    ],
  }
}

type Fact = Told<string | number | boolean> | undefined

function factChanges(before: ServerIdentity, after: ServerIdentity): string[] {
  return [
    ...told('Version', before.version, after.version),
    ...told('Engine', before.engine, after.engine),
    ...told('Context length', before.contextTokens, after.contextTokens),
    ...Object.entries(launchNames).flatMap(([key, name]) => {
      const field = key as keyof LaunchConfiguration
      return told(name, before.launch[field], after.launch[field])
    }),
  ]
}

/** Two endpoints may tell different things under one name, so only what one and the same told is held against each other. */
function told(name: string, before: Fact, after: Fact): string[] {
  return before?.source === after?.source ? change(name, before?.value, after?.value) : []
}

function change(
  name: string,
  before: string | number | boolean | undefined,
  after: string | number | boolean | undefined,
): string[] {
  if (before === undefined || after === undefined || before === after) return []
  return [`${name} was ${before} and is ${after}.`]
}
