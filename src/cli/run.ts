import { dirname } from 'node:path'
import { UserError } from '../errors.ts'
import { benchmarkSchema } from '../load/benchmark.ts'
import { readTextFile, readYamlFile } from '../yaml-file.ts'
import { loadCatalogue, loadScenario, type PriceFlags } from './catalogue.ts'
import type { Io } from './io.ts'
import { type BenchmarkFlags, withFlags } from './overrides.ts'
import { runPipeline } from './pipeline.ts'

interface RunFlags extends BenchmarkFlags, PriceFlags {
  readonly tokenizer?: string
  readonly url: string
  readonly model?: string
  readonly out: string
  readonly weights?: 'random' | 'trained'
  readonly apiKeyEnv: string
  readonly apiKeyFile?: string
  readonly workers?: number
  readonly ca?: string
  readonly insecure: boolean
}

const DEFAULT_KEY_VARIABLE = 'BAREMARK_API_KEY'

/** `baremark run`. @throws UserError */
export async function runCommand(file: string, flags: RunFlags, io: Io): Promise<number> {
  const benchmark = withFlags(await readYamlFile(file, benchmarkSchema), flags)
  const [catalogue, scenario, key, ca] = await Promise.all([
    loadCatalogue(),
    loadScenario(flags),
    readApiKey(flags, io),
    flags.ca === undefined ? undefined : readTextFile(flags.ca),
  ])
  return runPipeline(
    {
      benchmark,
      folder: dirname(file),
      tokenizer: flags.tokenizer,
      url: flags.url,
      model: flags.model,
      access: { apiKey: key?.key, insecure: flags.insecure, ca },
      apiKeySource: key?.source,
      declaredWeights: flags.weights,
      workers: flags.workers,
      out: flags.out,
      scenario,
      catalogue,
    },
    io,
  )
}

/** The key and where it came from. It is never a flag: flags show in process lists. @throws UserError */
async function readApiKey(
  flags: RunFlags,
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
