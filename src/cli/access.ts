import { UserError } from '../errors.ts'
import type { Access } from '../load/get.ts'
import { readTextFile } from '../yaml-file.ts'
import type { Io } from './io.ts'

/** How to reach a server, as flags say it. */
export interface AccessFlags {
  readonly apiKeyEnv: string
  readonly apiKeyFile?: string
  readonly ca?: string
  readonly insecure: boolean
}

const DEFAULT_KEY_VARIABLE = 'BAREMARK_API_KEY'

/** What the flags name, read. @throws UserError when it is not there or of no use */
export async function readAccess(
  flags: AccessFlags,
  io: Io,
): Promise<{ access: Access; apiKeySource?: string }> {
  const [key, ca] = await Promise.all([
    readApiKey(flags, io),
    flags.ca === undefined ? undefined : readTextFile(flags.ca),
  ])
  return { access: { apiKey: key?.key, insecure: flags.insecure, ca }, apiKeySource: key?.source }
}

/** The key and where it came from. It is never a flag: flags show in process lists. @throws UserError */
async function readApiKey(
  flags: AccessFlags,
  { env, readStdin }: Io,
): Promise<{ key: string; source: string } | undefined> {
  if (flags.apiKeyFile === '-')
    return { key: cleanKey(await readStdin()), source: 'standard input' }
  if (flags.apiKeyFile !== undefined) {
    return { key: cleanKey(await readTextFile(flags.apiKeyFile)), source: 'file' }
  }
  const key = env[flags.apiKeyEnv]
  if (!key && flags.apiKeyEnv !== DEFAULT_KEY_VARIABLE) {
    throw new UserError(`The environment has no ${flags.apiKeyEnv}.`, {
      remedy: 'Set it, or leave --api-key-env out.',
    })
  }
  return key ? { key: cleanKey(key), source: `environment ${flags.apiKeyEnv}` } : undefined
}

function cleanKey(text: string): string {
  const key = text.trim()
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw new UserError('The API key is empty or holds blanks or odd characters.', {
    remedy: 'Check where it comes from.',
  })
}
