import { within } from '../deadline.ts'
import type { Gpu } from '../gpu-fields.ts'
import type { ToolReport, Topology } from '../hardware.ts'
import { joinAccounts } from '../join-gpus.ts'
import type { Machine } from '../machine.ts'
import { absent, ok, readingValue } from '../reading.ts'
import { type CommandResult, explain } from '../run-command.ts'
import { readAmdKfd } from './amd/kfd.ts'
import { ROCM_SMI, readRocmSmi } from './amd/rocm-smi.ts'
import { AMD_SMI, readAmdSmi } from './amd/smi.ts'
import { readAmdSysfs } from './amd/sysfs.ts'
import type { Vendor, VendorAnswer } from './vendor.ts'

const SYSFS = 'amdgpu (sysfs)'
/** Of one call. `metric` takes 0.1 s and more a GPU, since it watches for throttling. */
const CALL_TIMEOUT_MS = 5_000
/** Of all calls together: with the time it takes to kill a tool the whole stays within a vendor's 15 s. */
const BUDGET_MS = 9_000
const SHORTEST_TIMEOUT_MS = 2_000
const SYSFS_TIMEOUT_MS = 5_000
const DETAIL_CHARACTERS = 200

const ROCM_SMI_ARGUMENTS = ['--showallinfo', '--showmeminfo', 'vram', '--showtopo', '--json']

/** AMD, through `amd-smi`, else `rocm-smi`; what the kernel tells fills in, and stands alone where there is no tool. */
export const amd: Vendor = { name: 'amd', tool: AMD_SMI, ask: askAmd }

interface Account {
  readonly gpus: readonly Gpu[]
  readonly topology?: Topology
}

interface Answer {
  /** The better one first. */
  readonly accounts: readonly Account[]
  readonly reports: readonly ToolReport[]
}

async function askAmd(machine: Machine): Promise<VendorAnswer> {
  const [tools, kernel] = await Promise.all([askTools(machine), askKernel(machine)])
  const accounts = [...tools.accounts, ...kernel.accounts]
  const gpus = joinAccounts(accounts.map((account) => account.gpus))
  const topology = accounts.find((account) => account.topology !== undefined)?.topology
  return {
    gpus: withPackages(gpus.map((gpu) => withSlot(gpu, kernel.accounts))),
    reports: [...tools.reports, ...kernel.reports],
    ...(topology === undefined ? {} : { topology: ok(topology, 'AMD') }),
  }
}

/** `rocm-smi` only where `amd-smi` gave nothing: it knows less, and each call costs a second. */
async function askTools(machine: Machine): Promise<Answer> {
  const first = await askAmdSmi(machine)
  if (first.accounts.length > 0) return first
  const spentMs = first.reports.reduce((sum, { tookMs }) => sum + tookMs, 0)
  const second = await askRocmSmi(machine, Math.max(SHORTEST_TIMEOUT_MS, BUDGET_MS - spentMs))
  return { accounts: second.accounts, reports: [...first.reports, ...second.reports] }
}

const subcommands = ['static', 'metric', 'topology', 'process', 'version'] as const

async function askAmdSmi({ runCommand }: Machine): Promise<Answer> {
  const outputs: Partial<Record<(typeof subcommands)[number], string>> = {}
  const troubles: ToolReport[] = []
  let tookMs = 0
  for (const subcommand of subcommands) {
    const timeoutMs = Math.min(CALL_TIMEOUT_MS, BUDGET_MS - tookMs)
    if (timeoutMs <= 0) break
    const result = await runCommand(AMD_SMI, [subcommand, '--json'], { timeoutMs })
    tookMs += result.tookMs
    troubles.push(...troubleOf(AMD_SMI, subcommand, result))
    // A tool that hangs or is not there is asked nothing more, nor one that tells no GPUs.
    if (result.kind !== 'exited') break
    outputs[subcommand] = result.stdout
    if (readAmdSmi({ static: outputs.static ?? '' }) === undefined) break
  }
  const account = readAmdSmi({ ...outputs, static: outputs.static ?? '' })
  const report = reportOf(AMD_SMI, account, troubles, outputs.static, tookMs)
  return { accounts: account ? [account] : [], reports: [report] }
}

async function askRocmSmi({ runCommand }: Machine, timeoutMs: number): Promise<Answer> {
  const result = await runCommand(ROCM_SMI, ROCM_SMI_ARGUMENTS, {
    timeoutMs: Math.min(CALL_TIMEOUT_MS, timeoutMs),
  })
  const output = result.kind === 'exited' ? result.stdout : undefined
  const account = readRocmSmi(output ?? '')
  const troubles = troubleOf(ROCM_SMI, undefined, result)
  const report = reportOf(ROCM_SMI, account, troubles, output, result.tookMs)
  return { accounts: account ? [account] : [], reports: [report] }
}

/** Only Linux has these files, and only with such GPUs. A driver that hangs holds up whoever reads them. */
async function askKernel(machine: Machine): Promise<Answer> {
  if (machine.platform !== 'linux') return { accounts: [], reports: [] }
  const startMs = performance.now()
  const read = Promise.all([readAmdSysfs(machine), readAmdKfd(machine)])
  const answer = await within(SYSFS_TIMEOUT_MS, read)
  const tookMs = Math.round(performance.now() - startMs)
  if (answer.kind === 'late') {
    const detail = `no answer in ${SYSFS_TIMEOUT_MS} ms`
    return { accounts: [], reports: [{ tool: SYSFS, outcome: 'timed-out', detail, tookMs }] }
  }
  const [cards, kfd] = answer.value
  if (cards.length + kfd.gpus.length === 0) return { accounts: [], reports: [] }
  return { accounts: [{ gpus: cards }, kfd], reports: [{ tool: SYSFS, outcome: 'ok', tookMs }] }
}

/** How asking a tool went on the whole. One subcommand that failed does not make the others' answers wrong. */
function reportOf(
  tool: string,
  account: Account | undefined,
  troubles: readonly ToolReport[],
  output: string | undefined,
  tookMs: number,
): ToolReport {
  const worst = troubles.find(({ outcome }) => outcome !== 'failed') ?? troubles[0]
  const details = troubles.flatMap(({ detail }) => (detail === undefined ? [] : [detail]))
  const detail = details.length > 0 ? { detail: details.join('; ') } : {}
  if (account !== undefined) {
    const outcome = worst === undefined || worst.outcome === 'failed' ? 'ok' : worst.outcome
    return { tool, outcome, ...detail, tookMs }
  }
  if (worst !== undefined) return { tool, outcome: worst.outcome, ...detail, tookMs }
  return { tool, outcome: 'failed', detail: `told of no GPU: ${saidBriefly(output ?? '')}`, tookMs }
}

function troubleOf(
  tool: string,
  subcommand: string | undefined,
  result: CommandResult,
): ToolReport[] {
  const { tookMs } = result
  const where = subcommand === undefined ? '' : `${subcommand}: `
  if (result.kind === 'not-found') return [{ tool, outcome: 'not-found', tookMs }]
  if (result.kind !== 'exited')
    return [{ tool, outcome: result.kind, detail: `${where}${explain(result)}`, tookMs }]
  if (result.exitCode === 0) return []
  const said = saidBriefly(`${result.stderr}\n${result.stdout}`)
  const detail = `${where}exit code ${result.exitCode}: ${said}`
  return [{ tool, outcome: 'failed', detail, tookMs }]
}

function saidBriefly(output: string): string {
  const line = output
    .split('\n')
    .map((each) => each.replace(/\p{Cc}\[[\d;]*m|\p{Cc}|\uFEFF/gu, '').trim())
    .find((each) => each !== '')
  return line?.slice(0, DETAIL_CHARACTERS) ?? 'nothing'
}

/** What the slot allows is known to the kernel alone: the tools tell the GPU's own best. */
function withSlot(gpu: Gpu, kernel: readonly Account[]): Gpu {
  const address = readingValue(gpu.pciAddress)
  const slot = kernel
    .flatMap(({ gpus }) => gpus)
    .find(
      ({ pciAddress, pcieGeneration }) =>
        address !== undefined &&
        readingValue(pciAddress) === address &&
        pcieGeneration.status === 'ok',
    )
  if (slot === undefined) return gpu
  const { pcieGeneration, pcieWidth } = slot
  return { ...gpu, pcieGeneration, ...(pcieWidth.status === 'ok' ? { pcieWidth } : {}) }
}

/** Two GPUs in one package: MI250 and MI250X. */
const DUAL_DIE = /\bMI250X?\b|\bMI200 \(MCM\)/i

/** The first die of a package measures the power of both, the second none. */
function withPackages(gpus: readonly Gpu[]): Gpu[] {
  const dies = gpus.filter(isDual)
  if (dies.every(hasPower) || !dies.some(hasPower)) return [...gpus]
  return gpus.map((gpu) => {
    if (!isDual(gpu)) return gpu
    return hasPower(gpu) ? asFirstDie(gpu) : asSecondDie(gpu)
  })
}

function isDual({ name }: Gpu): boolean {
  return DUAL_DIE.test(readingValue(name) ?? '')
}

function hasPower({ powerW }: Gpu): boolean {
  return powerW.status === 'ok'
}

function asFirstDie(gpu: Gpu): Gpu {
  const source = `${gpu.powerW.source}, of both dies of the package`
  return { ...gpu, powerW: { ...gpu.powerW, source } }
}

function asSecondDie(gpu: Gpu): Gpu {
  const reason = 'second die of its package: the first one tells the power of both'
  const none = { powerW: absent(reason, gpu.powerW.source) }
  if (gpu.powerLimitEnforcedW.status === 'ok') return { ...gpu, ...none }
  return { ...gpu, ...none, powerLimitEnforcedW: absent(reason, gpu.powerLimitEnforcedW.source) }
}
