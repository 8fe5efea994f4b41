import { createHash } from 'node:crypto'
import { isFacts, type ModelConfig } from '../detect/fit/model-config.ts'
import { messageOf, UserError } from '../errors.ts'
import { readTextFile } from '../yaml-file.ts'

/** Reads a model's `config.json`, and what tells this file from another. @throws UserError */
export async function readModelConfig(
  file: string,
): Promise<{ readonly config: ModelConfig; readonly sha256: string }> {
  const text = await readTextFile(file)
  return { config: parse(file, text), sha256: createHash('sha256').update(text).digest('hex') }
}

function parse(file: string, text: string): ModelConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new UserError(`${file} is no JSON: ${messageOf(cause)}`, {
      remedy: "Name the model's config.json.",
      cause,
    })
  }
  if (isFacts(value)) return value
  throw new UserError(`${file} describes no model.`, { remedy: "Name the model's config.json." })
}
