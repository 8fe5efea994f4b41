import { createHash } from 'node:crypto'
import { type Gpu, gpuFields } from './gpu-fields.ts'
import { type Host, hostFields } from './host-fields.ts'
import { type FieldInfo, type FieldRole, type Reading, readingValue } from './reading.ts'

const HASH_CHARACTERS = 16

/**
 * Two hashes of a machine. The order of GPUs does not matter: it changes on reboot. What could not be
 * read counts as such, so that a tool that fell silent is noticed.
 */
export function hashesOf(
  host: Host,
  gpus: readonly Gpu[],
): { readonly hwHash: string; readonly stateHash: string } {
  return { hwHash: hashOf(host, gpus, 'identity'), stateHash: hashOf(host, gpus, 'state') }
}

function hashOf(host: Host, gpus: readonly Gpu[], role: FieldRole): string {
  const machine = {
    host: valuesOf(hostFields, host, role),
    gpus: gpus.map((gpu) => JSON.stringify([gpu.vendor, valuesOf(gpuFields, gpu, role)])).sort(),
  }
  return createHash('sha256')
    .update(JSON.stringify(machine))
    .digest('hex')
    .slice(0, HASH_CHARACTERS)
}

function valuesOf<F extends string>(
  fields: Readonly<Record<F, FieldInfo>>,
  readings: Readonly<Record<NoInfer<F>, Reading<unknown>>>,
  role: FieldRole,
): unknown[] {
  const wanted = (Object.keys(fields) as F[]).filter((field) => fields[field].role === role)
  return wanted.map((field) => readingValue(readings[field]) ?? null)
}
