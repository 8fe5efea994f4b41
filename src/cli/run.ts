import { dirname } from 'node:path'
import { type Benchmark, benchmarkSchema, type Purpose } from '../load/benchmark.ts'
import type { SearchPlan } from '../load/search-plan.ts'
import { readYamlFile } from '../yaml-file.ts'
import { type AccessFlags, readAccess } from './access.ts'
import { loadCatalogue, loadScenario, type PriceFlags } from './catalogue.ts'
import { findCertificate } from './certificate-store.ts'
import type { Io } from './io.ts'
import { type BenchmarkFlags, withFlags } from './overrides.ts'
import { runPipeline } from './pipeline.ts'

/** The flags of every command that measures a server. */
export interface RunFlags extends AccessFlags, BenchmarkFlags, PriceFlags {
  readonly tokenizer?: string
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

/** `baremark run`. @throws UserError */
export async function runCommand(file: string, flags: RunFlags, io: Io): Promise<number> {
  const benchmark = withFlags(await readYamlFile(file, benchmarkSchema), flags)
  return runBenchmark(file, benchmark, flags, io)
}

/** Runs a benchmark whose flags are in force. @throws UserError */
export async function runBenchmark(
  file: string,
  benchmark: Benchmark,
  flags: RunFlags,
  io: Io,
  search?: SearchPlan,
): Promise<number> {
  const [catalogue, scenario, { access, apiKeySource }, certificate] = await Promise.all([
    loadCatalogue(),
    loadScenario(flags),
    readAccess(flags, io),
    findCertificate(flags.certificate, benchmark.load, io),
  ])
  return runPipeline(
    {
      benchmark,
      search,
      folder: dirname(file),
      tokenizer: flags.tokenizer,
      url: flags.url,
      model: flags.model,
      access,
      apiKeySource,
      declaredWeights: flags.weights,
      workers: flags.workers,
      gpus: flags.gpus,
      out: flags.out,
      scenario,
      catalogue,
      certificate,
      telemetry: flags.telemetry,
      restS: flags.rest,
      purpose: flags.for,
      auditCaching: flags.auditCaching ?? flags.for === 'publish',
    },
    io,
  )
}
