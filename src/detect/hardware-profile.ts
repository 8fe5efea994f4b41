import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, UserError } from '../errors.ts'
import {
  figureSchema,
  sourceSchema,
  undatedMessage,
  undatedPrices,
  undeclaredSources,
} from '../figure.ts'
import { readYamlFile } from '../yaml-file.ts'
import { computeGpus } from './compute-gpus.ts'
import type { Hardware } from './hardware.ts'
import { readingValue } from './reading.ts'

const priceSchema = z
  .discriminatedUnion('per', [
    z.strictObject({
      per: z.literal('unit'),
      usd: figureSchema,
      what: z.string().min(1).describe('What the price buys, e.g. "board" or "street, low end"'),
    }),
    z.strictObject({
      per: z.literal('server'),
      usd: figureSchema,
      unitsPerServer: z.int().positive().describe('Units in the server that the price is of'),
      rackUnits: figureSchema.optional().describe('Height of that server in rack units (44.45 mm)'),
      what: z.string().min(1),
    }),
  ])
  .describe('A price of one unit alone, or of a whole server with its units in it')

/** Halving the bits doubles what is computed, on all hardware with both; the tenth is for rounding. Sparsity doubles it once more. */
const MOST_FP8_TO_BF16 = 2.1

/** What a piece of hardware is and costs: what a file in `hardware-profiles/` may say. */
export const hardwareProfileSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected lower-case letters, digits, dots and dashes'),
    name: z.string().min(1),
    vendor: z.string().min(1),
    unit: z
      .enum(['gpu', 'host'])
      .describe('What one unit is: a GPU, or a whole machine that computes without one'),
    match: z.array(z.string().min(1)).describe('Names that the vendor tool prints for it, in full'),
    sources: z.record(z.string(), sourceSchema),
    memoryGb: figureSchema.optional(),
    bandwidthGbPerS: figureSchema.optional(),
    bf16DenseTflops: figureSchema.optional().describe('Without sparsity'),
    fp8DenseTflops: figureSchema.optional().describe('Without sparsity'),
    fp4DenseTflops: figureSchema.optional().describe('Without sparsity'),
    tdpW: figureSchema.optional().describe('Of the unit alone'),
    prices: z.array(priceSchema),
    powerW: z
      .strictObject({ load: figureSchema.optional(), idle: figureSchema.optional() })
      .optional()
      .describe('At the plug, of one unit and its share of the machine around it, without cooling'),
  })
  .superRefine((profile, context) => {
    for (const [key, value] of Object.entries(profile)) {
      for (const source of undeclaredSources(value, profile.sources)) {
        const message = `no source "${source}" is declared under sources`
        context.addIssue({ code: 'custom', path: [key], message })
      }
    }
    for (const { path, source } of undatedPrices(profile, profile.sources))
      context.addIssue({ code: 'custom', path: [...path], message: undatedMessage(source) })
    const { bf16DenseTflops: bf16, fp8DenseTflops: fp8 } = profile
    if (bf16 && fp8 && fp8.value > MOST_FP8_TO_BF16 * bf16.value)
      context.addIssue({
        code: 'custom',
        path: ['fp8DenseTflops'],
        message: `expected dense TFLOPS, at most double those of bf16DenseTflops (${bf16.value}); given ${fp8.value}: is one of the two with sparsity, which doubles it?`,
      })
  })

export type HardwareProfile = z.infer<typeof hardwareProfileSchema>
export type HardwarePrice = z.infer<typeof priceSchema>

/** The profile whose list holds the name, letter for letter but for case. A name that is only similar is another GPU. */
export function matchProfile(
  gpuName: string,
  profiles: readonly HardwareProfile[],
): HardwareProfile | undefined {
  const wanted = gpuName.toLowerCase()
  return profiles.find(({ match }) => match.some((name) => name.toLowerCase() === wanted))
}

/** The profile that all GPUs of the machine that compute match; none when they differ, when one is unknown, or without a GPU. */
export function profileOf(
  hardware: Pick<Hardware, 'gpus'>,
  profiles: readonly HardwareProfile[],
): HardwareProfile | undefined {
  const matched = computeGpus(hardware).map((gpu) => {
    const name = readingValue(gpu.name)
    return name === undefined ? undefined : matchProfile(name, profiles)
  })
  return matched.every((profile) => profile === matched[0]) ? matched[0] : undefined
}

/**
 * Every `.yaml` file of the folder, by file name.
 *
 * @throws UserError when the folder or a file cannot be read, or two files have the same id
 */
export async function loadHardwareProfiles(folder: string): Promise<HardwareProfile[]> {
  const profiles: HardwareProfile[] = []
  for (const file of await yamlFilesIn(folder)) {
    const profile = await readYamlFile(file, hardwareProfileSchema)
    if (profiles.some(({ id }) => id === profile.id)) {
      throw new UserError(`${file}: another file has the id ${profile.id}`, {
        remedy: 'Give one of the two another id.',
      })
    }
    profiles.push(profile)
  }
  return profiles
}

async function yamlFilesIn(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder)
    return names
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(folder, name))
  } catch (cause) {
    throw new UserError(`Cannot read the folder ${folder}: ${messageOf(cause)}`, {
      remedy: 'Check the path and its permissions.',
      cause,
    })
  }
}
