import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import {
  chooseModelLimits,
  type ModelLimits,
  modelLimitNames,
  modelLimitsSchema,
} from '../measure/search/model-limits.ts'
import { packageRoot } from '../package-files.ts'
import { readYamlFile } from '../yaml-file.ts'

const folder = join(packageRoot, 'model-limits')

/**
 * Limits that somebody published, by `SET:MODEL/SCENARIO`, from the files that come with baremark.
 *
 * @throws UserError that names what there is
 */
export async function readModelLimits(asked: string) {
  const [set = '', name = ''] = asked.split(/:(.*)/)
  const sets = (await readdir(folder))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
  if (!sets.includes(set)) {
    throw new UserError(`There are no model limits "${asked}".`, {
      remedy: `Give SET:MODEL/SCENARIO with a SET of ${sets.join(', ')}, such as mlperf:llama3.1-8b/interactive.`,
    })
  }
  const file: ModelLimits = await readYamlFile(join(folder, `${set}.yaml`), modelLimitsSchema)
  const chosen = chooseModelLimits(file, name, asked)
  if (chosen) return { ...chosen, minDurationS: file.minDurationS?.value }
  throw new UserError(`${set} has no limits for "${name}".`, {
    remedy: `It has: ${modelLimitNames(file).join(', ')}.`,
  })
}
