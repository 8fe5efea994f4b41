import { createHash } from 'node:crypto'
import { type Gpu, type GpuField, gpuFields } from './gpu-fields.ts'
import { type Host, type HostField, hostFields } from './host-fields.ts'
import { type FieldInfo, type FieldRole, type Reading, readingValue } from './reading.ts'

const HASH_CHARACTERS = 16

/**
 * Two hashes of a machine, over identifiers that are hashed already: asking for the identifiers
 * themselves changes neither. The order of GPUs does not matter: it changes on reboot. What could not
 * be read is left out, so that a tool that fell silent is noticed, and a field that a newer version
 * reads in vain changes nothing.
 *
 * They tell machines apart that nobody disguises; they prove nothing against somebody who edits the
 * file. Without a GPU that has a UUID, machines of one make have the same `hwHash`.
 */
export function hashesOf(
  host: Host,
  gpus: readonly Gpu[],
): { readonly hwHash: string; readonly stateHash: string } {
  return { hwHash: hashOf(host, gpus, 'identity'), stateHash: hashOf(host, gpus, 'state') }
}

/** Fields of a GPU that are compared and hashed: its serial number only where no UUID tells it from others. */
export function comparedGpuFields(gpu: Gpu, role: FieldRole): GpuField[] {
  const fields = fieldsOfRole(gpuFields, role)
  return gpu.uuid.status === 'ok' ? fields.filter((field) => field !== 'serial') : fields
}

/** Fields of a host that are compared and hashed. */
export function comparedHostFields(role: FieldRole): HostField[] {
  return fieldsOfRole(hostFields, role)
}

function fieldsOfRole<F extends string>(
  fields: Readonly<Record<F, FieldInfo>>,
  role: FieldRole,
): F[] {
  return (Object.keys(fields) as F[]).filter((field) => fields[field].role === role)
}

function hashOf(host: Host, gpus: readonly Gpu[], role: FieldRole): string {
  const machine = {
    host: knownOf(comparedHostFields(role), host),
    gpus: gpus
      .map((gpu) => JSON.stringify([gpu.vendor, knownOf(comparedGpuFields(gpu, role), gpu)]))
      .sort(),
  }
  return createHash('sha256')
    .update(JSON.stringify(machine))
    .digest('hex')
    .slice(0, HASH_CHARACTERS)
}

function knownOf<F extends string>(
  fields: readonly F[],
  readings: Readonly<Record<NoInfer<F>, Reading<unknown>>>,
): unknown[] {
  return fields.flatMap((field) => {
    const value = readingValue(readings[field])
    return value === undefined ? [] : [[field, value]]
  })
}
