import { type ExitCode, exitCodes, UserError } from '../errors.ts'
import { type GateOutcome, judgePolicy } from '../measure/compare-gate.ts'
import { gatePolicySchema } from '../measure/compare-policy.ts'
import { incomparableLines } from '../report/compare-document.ts'
import { readYamlFile } from '../yaml-file.ts'
import { type FormatFlags, formatOf, pathsOf } from './compare.ts'
import type { Io } from './io.ts'
import { readJudged, readSides } from './read-compared.ts'

interface GateFlags extends FormatFlags {
  readonly baseline: string
  readonly policy: string
}

/** What cannot be judged did not pass, and is the user's to mend: more runs, or another policy. */
const codes: Readonly<Record<GateOutcome, ExitCode>> = {
  pass: exitCodes.valid,
  regression: exitCodes.threshold,
  'not-judged': exitCodes.usage,
  invalid: exitCodes.invalid,
}

/**
 * `baremark gate`: holds a run against a baseline under a policy.
 *
 * @throws UserError for a policy that cannot be read, runs that measure different things, or what is not a run of ours
 */
export async function gateCommand(given: string, flags: GateFlags, io: Io): Promise<number> {
  const format = formatOf(flags)
  const policy = await readYamlFile(flags.policy, gatePolicySchema)
  const lists = [await pathsOf(flags.baseline, io), await pathsOf(given, io)]
  const [baseline = [], candidate = []] = await readSides(lists, (path) => readJudged(path, io))
  const result = judgePolicy(baseline, candidate, policy)
  const sides = [
    { name: 'A', runs: result.baseline },
    { name: 'B', runs: result.candidate },
  ]
  const apart = incomparableLines(result.differences, sides)
  if (apart.length > 0) {
    throw new UserError(
      `The run (B) and the baseline (A) measure different things: ${apart.join('. ')}.`,
      { remedy: 'Measure a baseline with the same benchmark, model and token counts.' },
    )
  }
  io.stdout(format(result))
  return codes[result.outcome]
}
