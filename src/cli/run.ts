import { dirname } from 'node:path'
import { UserError } from '../errors.ts'
import { type Benchmark, benchmarkSchema, type Purpose } from '../load/benchmark.ts'
import type { RunGroupPlan } from '../load/run-group.ts'
import type { SearchPlan } from '../load/search-plan.ts'
import { MIN_RUNS } from '../measure/gate-load.ts'
import { FEWEST_RUNS_OF_A_LOOK, looksUpTo } from '../measure/statistics/looks.ts'
import { readYamlFile } from '../yaml-file.ts'
import { type AccessFlags, readAccess } from './access.ts'
import { loadCatalogue, loadScenario, type PriceFlags } from './catalogue.ts'
import { findCertificate } from './certificate-store.ts'
import type { Io } from './io.ts'
import { readModelFacts } from './model-config.ts'
import { type BenchmarkFlags, withFlags } from './overrides.ts'
import { type RunPlan, runPipeline } from './pipeline.ts'
import { runGroup } from './run-group.ts'

/** The flags of every command that measures a server. */
export interface RunFlags extends AccessFlags, BenchmarkFlags, PriceFlags {
  readonly tokenizer?: string
  readonly modelConfig?: string
  readonly url: string
  readonly model?: string
  readonly out: string
  readonly weights?: 'random' | 'trained'
  readonly workers?: number
  readonly certificate?: string
  readonly telemetry: boolean
  /** Seconds. */
  readonly rest: number
  readonly for: Purpose
  /** By purpose when absent. */
  readonly auditCaching?: boolean
}

interface RunCommandFlags extends RunFlags {
  readonly runs?: number
  /** How far the interval may reach from the median, as a share of it. */
  readonly until?: number
  /** Seconds. */
  readonly pause: number
}

/** `baremark run`. @throws UserError */
export async function runCommand(file: string, flags: RunCommandFlags, io: Io): Promise<number> {
  const repeats = repeatsOf(flags)
  const benchmark = withFlags(await readYamlFile(file, benchmarkSchema), flags)
  if (flags.for === 'publish' && (repeats?.runs ?? 1) < MIN_RUNS)
    io.stderr(`Note: to publish, ${MIN_RUNS} runs or more are needed (--runs ${MIN_RUNS}).\n`)
  return repeats
    ? runGroup(await planOf(file, benchmark, flags, io), repeats, io)
    : runBenchmark(file, benchmark, flags, io)
}

/** Runs a benchmark whose flags are in force. @throws UserError */
export async function runBenchmark(
  file: string,
  benchmark: Benchmark,
  flags: RunFlags,
  io: Io,
  search?: SearchPlan,
): Promise<number> {
  return runPipeline({ ...(await planOf(file, benchmark, flags, io)), search }, io)
}

async function planOf(
  file: string,
  benchmark: Benchmark,
  flags: RunFlags,
  io: Io,
): Promise<RunPlan> {
  const { modelConfig } = flags
  const [catalogue, scenario, { access, apiKeySource }, certificate, modelFacts] =
    await Promise.all([
      loadCatalogue(),
      loadScenario(flags),
      readAccess(flags, io),
      findCertificate(flags.certificate, benchmark.load, io),
      modelConfig === undefined ? undefined : readModelFacts(modelConfig),
    ])
  return {
    benchmark,
    folder: dirname(file),
    tokenizer: flags.tokenizer,
    url: flags.url,
    model: flags.model,
    access,
    apiKeySource,
    declaredWeights: flags.weights,
    workers: flags.workers,
    gpus: flags.gpus,
    modelFacts,
    out: flags.out,
    scenario,
    catalogue,
    certificate,
    telemetry: flags.telemetry,
    restS: flags.rest,
    purpose: flags.for,
    auditCaching: flags.auditCaching ?? flags.for === 'publish',
  }
}

/** The most runs where none is given. */
const DEFAULT_MOST_RUNS = 10

/** Nothing for one run, which is no group. @throws UserError */
function repeatsOf({ runs, until, pause }: RunCommandFlags): RunGroupPlan | undefined {
  if (until === undefined) {
    if (runs !== undefined && runs > 1) return { runs, pauseS: pause }
    if (pause === 0) return undefined
    throw new UserError('--pause is between runs, and there is one.', {
      remedy: 'Give --runs too, or leave it out.',
    })
  }
  const most = runs ?? DEFAULT_MOST_RUNS
  if (most < FEWEST_RUNS_OF_A_LOOK) {
    throw new UserError(`--until needs ${FEWEST_RUNS_OF_A_LOOK} runs before its first look.`, {
      remedy: `Give --runs ${FEWEST_RUNS_OF_A_LOOK} or more, or leave it out.`,
    })
  }
  const looksAfter = looksUpTo(most)
  return { runs: most, pauseS: pause, until: { kind: 'interval', withinRatio: until, looksAfter } }
}
