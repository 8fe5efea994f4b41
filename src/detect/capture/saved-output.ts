import { UserError } from '../../errors.ts'
import type { Hardware, ToolReport } from '../hardware.ts'
import { hashesOf } from '../hashes.ts'
import { hostOf } from '../host-fields.ts'
import { withHashedIdentifiers } from '../identifiers.ts'
import { absent, ok } from '../reading.ts'
import { TOOL as NVIDIA_SMI, withoutCodes } from '../vendors/nvidia/values.ts'
import type { ReadOutput } from './read-output.ts'
import * as amd from './saved-amd.ts'
import * as intel from './saved-intel.ts'
import * as nvidia from './saved-nvidia.ts'
import * as others from './saved-others.ts'

/** One output of one tool, told from others by its content. */
interface OutputFormat {
  readonly tool: string
  readonly signs: readonly RegExp[]
  readonly read: (output: string) => ReadOutput | Promise<ReadOutput>
}

/** A key of each part of their JSON: other programs' JSON has a `gpu` or a `device_id` too. */
const AMD_KEYS =
  /"(asic|bus|bdf|board|clock|driver|ecc|limit|link_type|links|mem_usage|partition|pcie|power|process_list|temperature|throttle|usage|vram)"\s*:/
const XPU_KEYS = /"(device_level|device_list|device_name|pci_bdf_address|tile_level)"\s*:/

/** What is understood, the outputs that tell the most first. All signs of a format have to be there. */
const formats: readonly OutputFormat[] = [
  { tool: `${NVIDIA_SMI} -q -x`, signs: [/<nvidia_smi_log\b/], read: nvidia.readNvidiaXml },
  { tool: `${NVIDIA_SMI} -q`, signs: [/^=+ ?NVSMI LOG ?=+$/m], read: nvidia.readNvidiaText },
  {
    tool: NVIDIA_SMI,
    signs: [/^\| NVIDIA-SMI [\d.]+/m, /Bus-Id/],
    read: nvidia.readNvidiaTable,
  },
  {
    tool: `${NVIDIA_SMI} --query-gpu`,
    signs: [nvidia.CSV_HEADING],
    read: nvidia.readNvidiaCsv,
  },
  {
    tool: `${NVIDIA_SMI} topo -m`,
    signs: [/^\s+GPU0\b/m, /^GPU0\s+X\b/m],
    read: nvidia.readNvidiaTopology,
  },
  { tool: `${NVIDIA_SMI} -L`, signs: [/^GPU \d+: .* \(UUID: GPU-/m], read: nvidia.readNvidiaList },
  { tool: amd.AMDGPU_TOP, signs: [/^\s*\{/m, /"amdgpu_top_version"/], read: amd.readAmdgpuTop },
  { tool: amd.ROCM_SMI, signs: [/^\s*\{[\s\S]*"card\d+"\s*:\s*\{/m], read: amd.readRocmSmiJson },
  {
    tool: amd.ROCM_SMI,
    signs: [/ROCm System Management/, /^GPU\[\d+\]/m],
    read: amd.readRocmSmiText,
  },
  { tool: amd.ROCM_SMI, signs: [/^(Device|GPU) .*PwrCap/m], read: amd.readRocmSmiTable },
  { tool: amd.AMD_SMI, signs: [/"gpu"\s*:\s*\d/, AMD_KEYS], read: amd.readAmdSmiJson },
  {
    tool: amd.AMD_SMI,
    signs: [/^(GPU|CPU|CORE): \d+ *\n +[A-Z][A-Z_ ]*:/m],
    read: amd.readAmdSmiText,
  },
  {
    tool: `${amd.AMD_SMI} monitor`,
    signs: [/^GPU {2,}[A-Z_]+(?: +[A-Z_]+)*\n +\d+ /m],
    read: amd.readAmdSmiMonitor,
  },
  {
    tool: `${amd.AMD_SMI} topology`,
    signs: [/^[A-Z ]+ TABLE: *\n.*[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d/m],
    read: amd.readAmdSmiTopology,
  },
  { tool: `${amd.AMD_SMI} version`, signs: [/^AMDSMI Tool: /m], read: amd.readAmdSmiVersion },
  { tool: amd.ROCMINFO, signs: [/^HSA Agents/m], read: amd.readRocminfo },
  {
    tool: intel.XPU_SMI,
    signs: [/"(device_id|device_list)"\s*:/, XPU_KEYS],
    read: intel.readXpuSmiJson,
  },
  { tool: intel.XPU_SMI, signs: [/^\| Device (ID|Type)\b/m], read: intel.readXpuSmiTable },
  {
    tool: `${intel.XPU_SMI} topology -m`,
    signs: [/^GPU \d+\/\d+ *\|/m],
    read: intel.readXpuSmiMatrix,
  },
  {
    tool: intel.XPU_SMI,
    signs: [/^(PID|Timestamp|Device ID)\b.*\b(Device ?I[Dd]\b|Device Name)/m],
    read: intel.readXpuSmiRows,
  },
  {
    tool: others.POWERMETRICS,
    signs: [/\*\*\* Sampled system activity|<key>elapsed_ns<\/key>/],
    read: others.readSavedPowermetrics,
  },
  {
    tool: others.LSPCI,
    signs: [/^(?:[\da-f]{4}:)?[\da-f]{2}:[\da-f]{2}\.[\da-f] .*\[\w{4}\]: .*\[\w{4}:\w{4}\]/im],
    read: others.readLspci,
  },
]

/** For people: what `--from` takes besides captures. */
const understoodOutputs =
  'nvidia-smi (table, -q, -a, -q -x, -L, topo -m, --query-gpu with titles), rocm-smi (table, -a, --json), ' +
  'amd-smi (text, monitor, --json), amdgpu_top --json, rocminfo, xpu-smi (tables, -j), powermetrics, lspci -nn'

/** A file that holds what a tool printed. */
export interface SavedOutput {
  readonly text: string
  /** When it was written, as far as that is known. */
  readonly savedAt: Date
  readonly includeIds?: boolean
}

/**
 * The machine that one tool's output tells of: its GPUs, and nothing of the host. Of a transcript with
 * several calls (`$ nvidia-smi -q`) the one that tells the most is read. Undefined when no output of a
 * known tool is found.
 */
export async function hardwareOfOutput(saved: SavedOutput): Promise<Hardware | undefined> {
  const found = await bestOf(withoutCodes(inEightBits(saved.text)))
  if (found === undefined) return undefined
  const { tool, read } = found
  const otherwise = { reason: `only the output of ${tool} was given`, source: 'none' }
  const only = absent(otherwise.reason, otherwise.source)
  const identified = { host: hostOf({}, otherwise), gpus: read.gpus }
  const hashed = withHashedIdentifiers(identified, only)
  return {
    detectedAt: saved.savedAt.toISOString(),
    ...(saved.includeIds ? identified : hashed),
    topology: read.topology === undefined ? only : ok(read.topology, tool),
    tools: [reportOf(tool, read)],
    ...hashesOf(hashed.host, hashed.gpus),
  }
}

/** @throws UserError naming what is understood, when the output is of no known tool */
export async function hardwareOfOutputFile(saved: SavedOutput, file: string): Promise<Hardware> {
  const hardware = await hardwareOfOutput(saved)
  if (hardware !== undefined) return hardware
  throw new UserError(`${file}: neither a capture nor the output of a tool that is known`, {
    remedy: `Give a file of \`baremark capture\`, or what one of these printed: ${understoodOutputs}.`,
  })
}

/** What Windows' PowerShell writes with `>` are 16 bits a letter, read here as 8. */
function inEightBits(text: string): string {
  return text.startsWith('\uFFFD\uFFFD') ? text.slice(2).replaceAll('\0', '') : text
}

interface Found {
  readonly tool: string
  readonly read: ReadOutput
}

async function bestOf(text: string): Promise<Found | undefined> {
  let empty: Found | undefined
  for (const { tool, signs, read } of formats) {
    for (const section of sectionsOf(text)) {
      if (!signs.every((sign) => sign.test(section))) continue
      const found = { tool, read: await read(section) }
      if (found.read.gpus.length > 0) return found
      empty ??= found
    }
  }
  return empty
}

/** Calls of a transcript; a file that shows no prompts is one. */
function sectionsOf(text: string): string[] {
  return text.split(/^(?:# ?)?\$ .*$/m)
}

/** Nothing was run now, so that it took no time. */
function reportOf(tool: string, { gpus, problem }: ReadOutput): ToolReport {
  const none = gpus.length === 0 ? 'tells of no GPU' : undefined
  const detail = ['saved output', none, problem].filter((words) => words !== undefined).join('; ')
  return { tool, outcome: problem === undefined ? 'ok' : 'failed', detail, tookMs: 0 }
}
