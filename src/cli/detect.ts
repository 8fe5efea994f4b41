import { join } from 'node:path'
import { detectHardware } from '../detect/detect-hardware.ts'
import { changeSentence, diffHardware, type HardwareDiff } from '../detect/diff-hardware.ts'
import type { Hardware } from '../detect/hardware.ts'
import {
  type HardwareProfile,
  loadHardwareProfiles,
  profileOf,
} from '../detect/hardware-profile.ts'
import { vendors } from '../detect/vendors/index.ts'
import { exitCodes, UserError } from '../errors.ts'
import { packageRoot } from '../package-files.ts'
import { plainText } from '../report/plain-text.ts'
import { hardwareText } from './hardware-text.ts'
import type { Io } from './io.ts'
import { readHardware, readSavedMachine } from './read-hardware.ts'

type Output = Pick<Io, 'stdout'>

interface DetectOptions {
  readonly json: boolean
  readonly includeIds?: boolean
  /** A capture, or a tool's saved output, to look at in this machine's stead. */
  readonly from?: string
  /** Two files to compare. */
  readonly diff?: readonly string[]
}

/**
 * Prints what this machine, or a captured one, is; no GPU is an answer too, so the exit code is 0
 * either way. With `diff`, what differs between two machines: exit code 1 when anything does.
 *
 * @throws UserError
 */
export async function detectCommand(
  { json, includeIds = false, from, diff }: DetectOptions,
  io: Output,
  detect: typeof detectHardware = detectHardware,
): Promise<number> {
  if (diff !== undefined) return diffCommand(diff, { json, alone: from === undefined }, io)
  const profiles = await loadHardwareProfiles(join(packageRoot, 'hardware-profiles'))
  const hardware =
    from === undefined ? await detect({ includeIds }) : await readSavedMachine(from, { includeIds })
  const lookedFor = vendors.map(({ name }) => name)
  io.stdout(json ? asJson(hardware, profiles) : hardwareText(hardware, profiles, lookedFor))
  return exitCodes.valid
}

function asJson(hardware: Hardware, profiles: readonly HardwareProfile[]): string {
  const hardwareProfile = profileOf(hardware, profiles)?.id
  return `${JSON.stringify({ ...hardware, hardwareProfile }, null, 2)}\n`
}

async function diffCommand(
  paths: readonly string[],
  { json, alone }: { readonly json: boolean; readonly alone: boolean },
  io: Output,
): Promise<number> {
  const [before, after, ...others] = paths
  if (before === undefined || after === undefined || others.length > 0 || !alone) {
    throw new UserError('--diff compares two machines and nothing else', {
      remedy:
        'Name two of: a file of `detect --json`, a capture, saved output of a tool, a results directory. Leave out --from.',
    })
  }
  const sides = { before: await readHardware(before), after: await readHardware(after) }
  const diff = diffHardware(sides.before, sides.after)
  const told = {
    before: sideOf(before, sides.before),
    after: sideOf(after, sides.after),
    ...diff,
  }
  io.stdout(json ? `${JSON.stringify(told, null, 2)}\n` : diffText(told))
  return diff.identity.length + diff.state.length === 0 ? exitCodes.valid : exitCodes.threshold
}

interface Side {
  readonly path: string
  readonly detectedAt: string
  readonly hwHash: string
  readonly stateHash: string
}

function sideOf(path: string, { detectedAt, hwHash, stateHash }: Hardware): Side {
  return { path, detectedAt, hwHash, stateHash }
}

function diffText(diff: HardwareDiff & { readonly before: Side; readonly after: Side }): string {
  const { before, after, identity, state } = diff
  const lines = (title: string, changes: HardwareDiff['state']) =>
    changes.length === 0
      ? []
      : ['', title, ...changes.map((change) => `  ${plainText(changeSentence(change))}`)]
  return [
    `Before: ${plainText(before.path)} (${plainText(before.detectedAt)})`,
    `After:  ${plainText(after.path)} (${plainText(after.detectedAt)})`,
    verdict(diff),
    ...lines('What it is', identity),
    ...lines('How it is set up', state),
    '',
  ].join('\n')
}

function verdict({ machine, identity, state }: HardwareDiff): string {
  const count = identity.length + state.length
  const differences = count === 1 ? '1 difference' : `${count} differences`
  const set = count === 0 ? 'set up the same' : differences
  switch (machine) {
    case 'same':
      return `The same machine, ${set}.`
    case 'alike':
      return `Two machines of one make or the same one, ${set}: no GPU's UUID tells which.`
    case 'different':
      return `Different machines, ${differences}.`
  }
}
