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

/** A tool that lists the GPUs' own fields in its help, and answers for each GPU, in the order asked. */
export function fakeNvidiaSmi(gpus: readonly Readonly<Record<string, string>>[]): RunCommand {
  const known = [...new Set(gpus.flatMap((gpu) => Object.keys(gpu)))]
  return async (_file, args) => {
    if (args[0] === '--help-query-gpu') return exited(helpText(known))
    const asked = args[0]?.replace('--query-gpu=', '').split(',') ?? []
    const unknown = asked.find((field) => !known.includes(field))
    if (unknown !== undefined) {
      return exited(`Field "${unknown}" is not a valid field to query.\n`, 2)
    }
    const rows = gpus.map((gpu) => asked.map((field) => gpu[field] ?? '[N/A]').join(', '))
    return exited(`${rows.join('\n')}\n`)
  }
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
