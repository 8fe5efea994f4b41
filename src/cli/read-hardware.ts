import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleSchema, hardwareOfBundle, readBundle } from '../detect/capture/bundle.ts'
import { hardwareOfOutput, hardwareOfOutputFile } from '../detect/capture/saved-output.ts'
import { type GpuVendor, gpuOf } from '../detect/gpu-fields.ts'
import type { Hardware } from '../detect/hardware.ts'
import { hashesOf } from '../detect/hashes.ts'
import { hostOf } from '../detect/host-fields.ts'
import { absent } from '../detect/reading.ts'
import { jsonOf, parseJson } from '../json-file.ts'
import { hardwareSchema } from '../report/machine-schema.ts'
import { readTextFile } from '../yaml-file.ts'

/** Older versions had fewer fields. */
const notRead = { reason: 'not read by the version that wrote the file', source: 'none' }

/**
 * The machine of a capture, or that the saved output of a vendor's tool tells of. Of an output the time
 * of detection is that of the file, as it has none that is certain.
 *
 * @throws UserError naming file and place, or what is understood
 */
export async function readSavedMachine(
  path: string,
  { includeIds }: { readonly includeIds: boolean },
): Promise<Hardware> {
  const text = await readTextFile(path)
  if (isOwn(text)) return hardwareOfBundle(await readBundle(path), { includeIds })
  const savedAt = (await stat(path)).mtime
  return hardwareOfOutputFile({ text, savedAt, includeIds }, path)
}

/**
 * The machine that a file tells of: one of `detect --json`, a capture, the saved output of a vendor's
 * tool, or the results directory of a run.
 *
 * @throws UserError naming file and place when it is none of them
 */
export async function readHardware(path: string): Promise<Hardware> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const file = isFolder ? join(path, 'run.json') : path
  const text = await readTextFile(file)
  if (!isOwn(text)) {
    const saved = { text, savedAt: (await stat(file)).mtime }
    if (!isMeantAsJson(text)) return hardwareOfOutputFile(saved, file)
    const told = await hardwareOfOutput(saved)
    if (told !== undefined) return told
  }
  const value = objectOf(jsonOf(text, file))
  if (value.format === 'baremark-capture') {
    return hardwareOfBundle(parseJson(text, file, bundleSchema))
  }
  const { hardwareProfile, ...told } = objectOf('hardware' in value ? value.hardware : value)
  const parsed = parseJson(JSON.stringify(withAllFields(told)), file, olderToo) as Hardware
  return { ...hashesOf(parsed.host, parsed.gpus), ...parsed }
}

const olderToo = hardwareSchema.partial({ hwHash: true, stateHash: true })

type Fields = Readonly<Record<string, unknown>>

/** Written by this program, whole or not: captures hold outputs of tools too. */
function isOwn(text: string): boolean {
  return /^\s*\{/.test(text) && /"(baremark-capture|detectedAt|hardware)"/.test(text)
}

/** Of JSON that does not fit, the place is told; of other text there is none to tell. */
function isMeantAsJson(text: string): boolean {
  return /^\s*(?:[[{"]|null|true|false|-?\d+\s*$)/.test(text)
}

function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function withAllFields(told: Fields): Fields {
  const { host, gpus } = told
  if (typeof host !== 'object' || !Array.isArray(gpus)) return told
  return {
    topology: absent(notRead.reason, notRead.source),
    ...told,
    host: hostOf(objectOf(host), notRead),
    gpus: gpus.map((given) => {
      const { vendor, index, ...readings } = objectOf(given)
      return gpuOf(vendor as GpuVendor, index as number, readings, notRead)
    }),
  }
}
