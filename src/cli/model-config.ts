import { createHash } from 'node:crypto'
import { acceleratorOf } from '../detect/accelerator.ts'
import { isFacts, type ModelConfig } from '../detect/fit/model-config.ts'
import { type ModelFacts, modelFacts } from '../detect/fit/model-facts.ts'
import type { HardwareProfile } from '../detect/hardware-profile.ts'
import { messageOf, UserError } from '../errors.ts'
import type { RooflineFacts, RunLog } from '../load/run-log.ts'
import { readTextFile } from '../yaml-file.ts'

/** Reads a model's `config.json`, and what tells this file from another. @throws UserError */
export async function readModelConfig(
  file: string,
): Promise<{ readonly config: ModelConfig; readonly sha256: string }> {
  const text = await readTextFile(file)
  return { config: parse(file, text), sha256: createHash('sha256').update(text).digest('hex') }
}

/** A model's sizes, from its `config.json`. @throws UserError */
export async function readModelFacts(file: string): Promise<ModelFacts> {
  const { config, sha256 } = await readModelConfig(file)
  return modelFacts(config, sha256)
}

/** What a roofline rests on: the model, and the peaks of what answered. @param stated id of the hardware profile that the scenario names */
export function rooflineFacts(
  model: ModelFacts,
  { hardware, target }: Pick<RunLog, 'hardware' | 'target'>,
  stated: string | undefined,
  profiles: readonly HardwareProfile[],
): RooflineFacts {
  return { model, accelerator: acceleratorOf(hardware, target.loopback, stated, profiles) }
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
