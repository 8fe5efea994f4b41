import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '../errors.ts'
import type { RunGroupMember } from '../load/run-group.ts'
import { type FoundRun, summarizeGroup } from '../measure/group-summary.ts'
import type { GroupReport } from '../report/group-report.ts'
import { type ChecksumResult, compareChecksums } from './checksums.ts'
import { foundRun } from './compared-run.ts'
import { readGroup, type StoredGroup } from './read-group.ts'
import { runFiles } from './read-run.ts'
import { type Verification, verifyRun } from './verify-run.ts'

/** A run of a group, checked by itself; without a verification where it cannot be read. */
interface VerifiedMember extends RunGroupMember {
  readonly verification?: Verification
}

/** What checking a group folder found. */
export interface GroupVerification {
  readonly stored: StoredGroup
  readonly runs: readonly VerifiedMember[]
  /** Of the group's own files, and of the checksums of its runs; absent when none are stored. */
  readonly checksums?: readonly ChecksumResult[]
  /** Whether the stored figures are those that the raw records of all runs give; absent when none are stored. */
  readonly figures?: 'same' | 'different'
}

/**
 * Checks that a group folder is what it says: each run by itself, then what the group says of them.
 *
 * @throws UserError when it is no group folder
 */
export async function verifyGroup(directory: string): Promise<GroupVerification> {
  const stored = await readGroup(directory)
  const runs: VerifiedMember[] = []
  for (const member of stored.group.runs) runs.push(await verifyMember(directory, member))
  const summary = summarizeGroup(stored.group, runs.map(foundMember))
  const text = await readFile(join(directory, runFiles.summary), 'utf8').catch(() => undefined)
  return {
    stored,
    runs,
    checksums: await compareChecksums(directory),
    figures:
      text === undefined ? undefined : compareFigures(text, { group: stored.group, summary }),
  }
}

async function verifyMember(directory: string, member: RunGroupMember): Promise<VerifiedMember> {
  try {
    return { ...member, verification: await verifyRun(join(directory, member.directory)) }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return member
  }
}

function foundMember({ directory, seed, verification }: VerifiedMember): FoundRun {
  return foundRun({ directory, seed }, verification?.report)
}

function compareFigures(
  text: string,
  again: Pick<GroupReport, 'group' | 'summary'>,
): 'same' | 'different' {
  const plain = JSON.parse(JSON.stringify(again)) as unknown
  return isDeepStrictEqual(storedFigures(text), plain) ? 'same' : 'different'
}

/** Nothing where the file is no report at all. */
function storedFigures(text: string): unknown {
  try {
    const { group, summary } = JSON.parse(text) as GroupReport
    return { group, summary }
  } catch {
    return undefined
  }
}
