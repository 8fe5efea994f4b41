/** What `/proc/cpuinfo` or `lscpu` say of the processors; what they leave out is undefined. */
export interface CpuFacts {
  readonly model?: string
  readonly sockets?: number
  /** Of all sockets. */
  readonly coresPhysical?: number
  /** Those the kernel has online. */
  readonly coresLogical?: number
  readonly microcode?: string
  /** Whether the processor says that it is a virtual one; only x86 does. */
  readonly virtual?: boolean
}

/**
 * `/proc/cpuinfo`: a block a thread. On x86 it tells all; on Arm neither a model nor sockets. Cores
 * are `cpu cores` of each `physical id`: `core id` repeats across the dies of one package.
 */
export function readCpuInfo(text: string): CpuFacts {
  const threads = text
    .split(/\n\s*\n/)
    .map(fieldsOf)
    .filter((block) => block.has('processor'))
  const each = (key: string) => threads.map((block) => block.get(key) ?? '')
  const coresOf = new Map<string, number>()
  for (const block of threads) {
    const socket = block.get('physical id')
    const cores = Number(block.get('cpu cores'))
    if (socket !== undefined && cores > 0) coresOf.set(socket, cores)
  }
  const sockets = coresOf.size
  const flags = threads[0]?.get('flags')
  return known({
    model: distinct(each('model name')),
    sockets: sockets > 0 ? sockets : undefined,
    coresPhysical: sockets > 0 ? sum([...coresOf.values()]) : undefined,
    coresLogical: threads.length > 0 ? threads.length : undefined,
    microcode: distinct(each('microcode')),
    virtual: flags === undefined ? undefined : flags.split(' ').includes('hypervisor'),
  })
}

/** `lscpu`, for processors that `/proc/cpuinfo` says little of. Mixed processors have a model each. */
export function readLscpu(text: string): CpuFacts {
  const models = [...text.matchAll(/^\s*Model name:\s*(\S.*)$/gm)].map(([, name]) => name ?? '')
  const fields = fieldsOf(text)
  const number = (key: string) => {
    const value = Number(fields.get(key))
    return value > 0 ? value : undefined
  }
  const sockets = number('Socket(s)')
  const cores = number('Core(s) per socket')
  const mixed = new Set(models).size > 1
  return known({
    model: distinct(models.filter((name) => name !== '-')),
    sockets,
    coresPhysical: sockets && cores && !mixed ? sockets * cores : undefined,
  })
}

/** Of `key : value` lines, the first of each key. */
export function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([^:]+?)\s*:\s*(.*?)\s*$/.exec(line) ?? []
    if (key !== undefined && value !== undefined && !fields.has(key)) fields.set(key, value)
  }
  return fields
}

function distinct(values: readonly string[]): string | undefined {
  const words = [...new Set(values.map((value) => value.replace(/\s+/g, ' ').trim()))]
  const told = words.filter((word) => word !== '')
  return told.length > 0 ? told.join(' + ') : undefined
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** The same without the keys that are undefined. */
function known(facts: { readonly [K in keyof CpuFacts]: CpuFacts[K] | undefined }): CpuFacts {
  const told = Object.entries(facts).filter(([, value]) => value !== undefined)
  return Object.fromEntries(told) as CpuFacts
}

/** How many numbers a kernel list such as `0-3,8` names; undefined where it is none. */
export function countOfList(list: string): number | undefined {
  const ranges = list.trim().split(',')
  const counts = ranges.map((range) => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
    return from === undefined ? Number.NaN : Number(to ?? from) - Number(from) + 1
  })
  const total = sum(counts)
  return Number.isNaN(total) ? undefined : total
}
