import type { CommandResult, RunCommand } from '../../src/detect/run-command.ts'

/** The help text of a driver that knows the fields given; an array is a field with its aliases. */
export function helpText(fields: readonly (string | readonly string[])[]): string {
  const entries = fields.map((field) => {
    const names = typeof field === 'string' ? [field] : field
    return `${names.map((name) => `"${name}"`).join(' or ')}\nWords about it.\n`
  })
  return ['List of properties for the switch "--query-gpu":\n', ...entries].join('\n')
}

export function exited(stdout: string, exitCode = 0, stderr = ''): CommandResult {
  return { kind: 'exited', exitCode, stdout, stderr, tookMs: 1 }
}

/** What a call of a fake tool brings, by its arguments: an output, or how the call ended. */
export type Answers = Readonly<Record<string, string | CommandResult>>

/**
 * A tool that lists the GPUs' own fields in its help, and answers for each GPU, in the order asked.
 * Other calls are answered as given, at no time; of themselves they tell addresses and nothing else.
 */
export function fakeNvidiaSmi(
  gpus: readonly Readonly<Record<string, string>>[],
  answers: Answers = {},
): RunCommand {
  const known = [...new Set(gpus.flatMap((gpu) => Object.keys(gpu)))]
  const usual: Answers = {
    '-q -x': xmlText(gpus),
    'topo -m': topoText(gpus.length),
    'nvlink -s': nvLinkText(gpus, 'Device does not have or support Nvlink'),
  }
  return async (_file, args) => {
    const call = args.filter((arg) => !arg.startsWith('--format')).map((arg) => arg.split('=')[0])
    const given = answers[call.join(' ')] ?? usual[call.join(' ')]
    if (given !== undefined) {
      return typeof given === 'string' ? { ...exited(given), tookMs: 0 } : given
    }
    if (args[0] === '--help-query-gpu') return exited(helpText(known))
    if (call[0] !== '--query-gpu') return exited('Invalid combination of input arguments.\n', 2)
    const asked = args[0]?.replace('--query-gpu=', '').split(',') ?? []
    const unknown = asked.find((field) => !known.includes(field))
    if (unknown !== undefined) {
      return exited(`Field "${unknown}" is not a valid field to query.\n`, 2)
    }
    const rows = gpus.map((gpu) => asked.map((field) => gpu[field] ?? '[N/A]').join(', '))
    return exited(`${rows.join('\n')}\n`)
  }
}

/** A document with a block a GPU, and nothing in it but its address, its processes and what is given. */
export function xmlText(
  gpus: readonly Readonly<Record<string, string>>[],
  inside = '<processes>\n</processes>',
): string {
  const blocks = gpus.map((gpu) => `\t<gpu id="${gpu['pci.bus_id'] ?? ''}">${inside}</gpu>\n`)
  return `<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">\n<nvidia_smi_log>\n${blocks.join('')}</nvidia_smi_log>\n`
}

/** The same words about the links of every GPU. */
function nvLinkText(gpus: readonly Readonly<Record<string, string>>[], words: string): string {
  const blocks = gpus.map(
    ({ name, uuid }, place) =>
      `GPU ${place}: ${name} (UUID: ${uuid ?? `GPU-${place}`})\n${words}\n`,
  )
  return blocks.join('')
}

/** A matrix of GPUs that are all far apart, with the header underlined as the tool has it. */
function topoText(count: number): string {
  const names = Array.from({ length: count }, (_, place) => `GPU${place}`)
  const rows = names.map((name) =>
    [name, ...names.map((other) => (other === name ? ' X ' : 'SYS')), '0-15', '0', '', 'N/A'].join(
      '\t',
    ),
  )
  const header = `\t\u001b[4m${names.join('\t')}\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\u001b[0m`
  return `${[header, ...rows].join('\n')}\n\nLegend:\n\n  X    = Self\n`
}

/** Answers in turn, whatever is asked. */
export function answers(...results: readonly CommandResult[]): RunCommand {
  const left = [...results]
  return async () => {
    const next = left.shift()
    if (next === undefined) throw new Error('asked too often')
    return next
  }
}

/** An H100 at rest, as `--format=csv,noheader,nounits` has it. */
export const h100: Readonly<Record<string, string>> = {
  index: '0',
  name: 'NVIDIA H100 80GB HBM3',
  'pci.bus_id': '00000000:1B:00.0',
  'memory.total': '81559',
  'memory.reserved': '551',
  'memory.used': '0',
  'memory.free': '81008',
  driver_version: '570.10.01',
  compute_cap: '9.0',
  'enforced.power.limit': '650.00',
  'power.default_limit': '700.00',
  'power.draw': '71.50',
  'temperature.gpu': '34',
  'clocks.current.sm': '345',
  'clocks.max.sm': '1980',
  'ecc.mode.current': 'Enabled',
  'mig.mode.current': 'Disabled',
  'pcie.link.gen.max': '5',
  'pcie.link.width.max': '16',
}
