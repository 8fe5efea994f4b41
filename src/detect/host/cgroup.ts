import { BYTES_PER_MIB } from '../../units.ts'
import type { Machine } from '../machine.ts'
import { absent, ok, type Reading } from '../reading.ts'
import { countOfList } from './cpu-info.ts'
import { firstLine, textOf } from './host-reading.ts'

/** The reason of a limit's absence that is no lack of knowledge. */
export const NO_LIMIT = 'no limit is set'
const ROOT = '/sys/fs/cgroup'
/** Version 1 writes "none" as the largest multiple of a page that fits; no machine has a tenth of it. */
const NO_MEMORY_LIMIT_BYTES = 2 ** 60

/** Folders of one controller, from this process's own group up to the top. */
interface Groups {
  readonly version: 1 | 2
  readonly folders: readonly string[]
}

/** Cores that the control groups of this process let it use: the tightest quota or set on the way up. */
export async function cgroupCpuCores(machine: Machine): Promise<Reading<number>> {
  const groups = await groupsOf(machine, 'cpu')
  if (groups.status === 'absent') return groups
  const sets = await groupsOf(machine, 'cpuset')
  const limits = [
    ...(await Promise.all(groups.value.folders.map((at) => quota(machine, groups.value, at)))),
    sets.status === 'ok' ? await cpuSet(machine, sets.value) : undefined,
  ]
  return tightest(limits)
}

/** Memory that the control groups of this process let it use, MiB. */
export async function cgroupMemoryMib(machine: Machine): Promise<Reading<number>> {
  const groups = await groupsOf(machine, 'memory')
  if (groups.status === 'absent') return groups
  const name = groups.value.version === 2 ? 'memory.max' : 'memory.limit_in_bytes'
  const limits = groups.value.folders.map(async (folder): Promise<Limit> => {
    const bytes = wholeNumber(await textOf(machine, `${folder}/${name}`))
    if (bytes === undefined || bytes >= NO_MEMORY_LIMIT_BYTES) return undefined
    return { value: Math.floor(bytes / BYTES_PER_MIB), source: `${folder}/${name}` }
  })
  return tightest(await Promise.all(limits))
}

type Limit = { readonly value: number; readonly source: string } | undefined

function tightest(limits: readonly Limit[]): Reading<number> {
  const [least] = limits.flatMap((limit) => limit ?? []).sort((a, b) => a.value - b.value)
  return least ? ok(least.value, least.source) : absent(NO_LIMIT, ROOT)
}

/** A machine may have both versions at once: a controller is in version 1 where that lists it. */
async function groupsOf(machine: Machine, controller: string): Promise<Reading<Groups>> {
  const own = await textOf(machine, '/proc/self/cgroup')
  if (own.status === 'absent') return own
  const lines = own.value.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line))
  const v1 = lines.find((line) => line?.[2]?.split(',').includes(controller))
  if (v1?.[2] !== undefined && v1[3] !== undefined) {
    return ok({ version: 1, folders: upwards(`${ROOT}/${controller}`, v1[3]) }, own.source)
  }
  const v2 = lines.find((line) => line?.[1] === '0' && line[2] === '')
  if (v2?.[3] === undefined) return absent(`no group controls ${controller}`, own.source)
  return ok({ version: 2, folders: upwards(ROOT, v2[3]) }, own.source)
}

/** In a container the path may be the host's, which is not to be seen: then only the top is there. */
function upwards(root: string, path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '..')
  const depths = [...names.keys()].map((depth) => names.length - depth)
  return [...depths.map((depth) => `${root}/${names.slice(0, depth).join('/')}`), root]
}

async function quota(machine: Machine, { version }: Groups, folder: string): Promise<Limit> {
  if (version === 2) {
    const source = `${folder}/cpu.max`
    const text = await textOf(machine, source)
    const [, quotaUs, periodUs] =
      /^(\d+) (\d+)/.exec(text.status === 'ok' ? firstLine(text.value) : '') ?? []
    return cores(Number(quotaUs), Number(periodUs), source)
  }
  const source = `${folder}/cpu.cfs_quota_us`
  const quotaUs = wholeNumber(await textOf(machine, source))
  const periodUs = wholeNumber(await textOf(machine, `${folder}/cpu.cfs_period_us`))
  return cores(quotaUs ?? Number.NaN, periodUs ?? Number.NaN, source)
}

function cores(quotaUs: number, periodUs: number, source: string): Limit {
  return quotaUs > 0 && periodUs > 0 ? { value: quotaUs / periodUs, source } : undefined
}

/** The set of this process's own group, which its parents bound already; none where it has all that is online. */
async function cpuSet(machine: Machine, { version, folders }: Groups): Promise<Limit> {
  const name = version === 2 ? 'cpuset.cpus.effective' : 'cpuset.effective_cpus'
  const online = listed(await textOf(machine, '/sys/devices/system/cpu/online'))
  for (const folder of folders) {
    const allowed = listed(await textOf(machine, `${folder}/${name}`))
    if (allowed === undefined) continue
    const fewer = online !== undefined && allowed < online
    return fewer ? { value: allowed, source: `${folder}/${name}` } : undefined
  }
  return undefined
}

function listed(text: Reading<string>): number | undefined {
  return text.status === 'ok' ? countOfList(text.value) : undefined
}

/** `max` and -1 mean that there is no limit. */
function wholeNumber(text: Reading<string>): number | undefined {
  if (text.status === 'absent' || !/^\d+\s*$/.test(text.value)) return undefined
  return Number(text.value)
}
