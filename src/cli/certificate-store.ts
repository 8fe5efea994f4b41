import { mkdir, readdir } from 'node:fs/promises'
import { availableParallelism, cpus, homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { exitCodes, messageOf, systemErrorCode, UserError } from '../errors.ts'
import type { Load } from '../load/benchmark.ts'
import type { ClientMachine, RunLog } from '../load/run-log.ts'
import {
  type Certificate,
  chooseCertificate,
  judgeCertificate,
  type Measurer,
} from '../measure/instrument-certificate.ts'
import { packageVersion } from '../package-files.ts'
import { readCertificate } from '../verify/read-certificate.ts'
import type { Io } from './io.ts'
import { writeJson } from './results-folder.ts'

/** This version of baremark and what it runs on. */
export function thisTool(): RunLog['tool'] {
  return {
    name: 'baremark',
    version: packageVersion(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  }
}

/** The machine this process runs on, and the cores it may use. */
export function thisClient(): ClientMachine {
  return { cpuModel: cpus()[0]?.model.trim(), cores: availableParallelism() }
}

/**
 * Where certificates are kept for later runs: `certificates` in `$BAREMARK_STATE_DIR`, else in
 * `baremark` in the user's folder for state: `$XDG_STATE_HOME` or `~/.local/state` (XDG Base Directory
 * Specification), on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`.
 */
export function certificateFolder(
  env: Io['env'],
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const state = env.BAREMARK_STATE_DIR || join(userStateFolder(env, platform, home), 'baremark')
  return join(state, 'certificates')
}

function userStateFolder(env: Io['env'], platform: NodeJS.Platform, home: string): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  if (platform === 'win32') return env.LOCALAPPDATA || join(home, 'AppData', 'Local')
  const { XDG_STATE_HOME = '' } = env
  // The specification has a relative path ignored.
  return isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(home, '.local', 'state')
}

/** Keeps a certificate for later runs. @returns its file @throws UserError with exit code 6 */
export async function keepCertificate(certificate: Certificate, env: Io['env']): Promise<string> {
  const folder = certificateFolder(env)
  const file = join(folder, `${certificate.date.slice(0, 19).replaceAll(':', '-')}Z.json`)
  try {
    await mkdir(folder, { recursive: true })
    await writeJson(file, certificate)
    return file
  } catch (cause) {
    throw new UserError(`The certificate cannot be kept: ${messageOf(cause)}`, {
      remedy: 'Set BAREMARK_STATE_DIR to a folder that can be written.',
      exitCode: exitCodes.reportNotWritten,
      cause,
    })
  }
}

/** A certificate and where it is. */
interface KeptCertificate {
  readonly file: string
  readonly certificate: Certificate
}

/**
 * The certificate to judge a run with, and a word to the user on which that is or why there is none.
 *
 * @param asked a file, `none`, or nothing for the best of those kept
 * @throws UserError when the file asked for is no certificate
 */
export async function findCertificate(
  asked: string | undefined,
  load: Load,
  io: Io,
): Promise<Certificate | undefined> {
  if (asked === 'none') return undefined
  const measurer = { tool: thisTool(), client: thisClient(), epoch: new Date().toISOString() }
  const found =
    asked === undefined
      ? chooseCertificate(await readKept(io), measurer, load)
      : { file: asked, certificate: await readCertificate(asked) }
  io.stderr(`${sayWhich(found, measurer)}\n`)
  return found?.certificate
}

function sayWhich(found: KeptCertificate | undefined, measurer: Measurer): string {
  const judged = judgeCertificate(measurer, found?.certificate)
  switch (judged.kind) {
    case 'none':
      return `Instrument error: not known, ${judged.reason}.`
    case 'applies':
      return `Instrument error: by the certificate ${found?.file}.`
  }
}

/** A file among them that cannot be read is left out, and told. */
async function readKept(io: Io): Promise<KeptCertificate[]> {
  const folder = certificateFolder(io.env)
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') io.stderr(`${folder}: ${messageOf(error)}\n`)
    return []
  })
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name))
  const kept = await Promise.all(
    files.map(async (file) => {
      try {
        return [{ file, certificate: await readCertificate(file) }]
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        io.stderr(`${error.message} It is left out.\n`)
        return []
      }
    }),
  )
  return kept.flat()
}
