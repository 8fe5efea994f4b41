import { difference, type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { UserError } from '../../errors.ts'
import { requireNotNegative, requirePositive } from '../requirements.ts'

/** A workload on a shared machine. Units are whatever is shared: cores, GPUs, GiB. */
export interface Tenant {
  readonly name: string
  /** Set aside for it. */
  readonly requestedUnits: Maybe
  /** Really used by it. */
  readonly usedUnits: Maybe
}

/** What a tenant costs by either basis, USD an hour. */
interface TenantCost {
  readonly name: string
  /** Of max(requested, used): what it keeps others from. The basis to compare with an API. */
  readonly allocationUsdPerHour: Maybe
  /** Of what it used alone: cheaper on paper, since nobody pays for the rest. */
  readonly usageUsdPerHour: Maybe
  /** Its allocation, and its part of the idle rest by the weight of that. */
  readonly withIdleUsdPerHour: Maybe
  /** usage / allocation. On GPUs the two are within 1 % (OpenCost #3900): it is blind there. */
  readonly utilisationRatio: Maybe
}

export interface SharedMachineCost {
  readonly tenants: readonly TenantCost[]
  /** Of what nobody asked for. */
  readonly idleUsdPerHour: Maybe
}

/**
 * Shares a machine's hour by allocation and by usage (OpenCost 1.121 and llm-d): unit price = hour / units; the rest after
 * all allocations is idle. Allocations and idle add up to the hour.
 *
 * @throws UserError when tenants are allocated more than there is
 */
export function shareMachine(
  units: Maybe,
  usdPerHour: Maybe,
  tenants: readonly Tenant[],
): SharedMachineCost {
  requirePositive('units', units)
  const usdPerUnit = ratio(usdPerHour, units)
  const allocatedUnits = sum(tenants.map(allocationUnits))
  requireRoom(units, allocatedUnits)
  const idleUsdPerHour = product([difference(units, allocatedUnits), usdPerUnit])
  const idlePerUnit = ratio(idleUsdPerHour, allocatedUnits)
  return {
    tenants: tenants.map((tenant) => tenantCost(tenant, usdPerUnit, idlePerUnit)),
    idleUsdPerHour,
  }
}

function allocationUnits({ requestedUnits, usedUnits }: Tenant): Maybe {
  requireNotNegative('requestedUnits', requestedUnits)
  requireNotNegative('usedUnits', usedUnits)
  if (requestedUnits === undefined || usedUnits === undefined) return undefined
  return Math.max(requestedUnits, usedUnits)
}

function tenantCost(tenant: Tenant, usdPerUnit: Maybe, idlePerUnit: Maybe): TenantCost {
  const units = allocationUnits(tenant)
  const allocationUsdPerHour = product([units, usdPerUnit])
  return {
    name: tenant.name,
    allocationUsdPerHour,
    usageUsdPerHour: product([tenant.usedUnits, usdPerUnit]),
    withIdleUsdPerHour: sum([allocationUsdPerHour, product([units, idlePerUnit])]),
    utilisationRatio: ratio(tenant.usedUnits, units),
  }
}

/** Shares of a whole, added up, may exceed it by rounding alone. */
const ROUNDING = 1e-9

function requireRoom(units: Maybe, allocatedUnits: Maybe): void {
  if (units === undefined || allocatedUnits === undefined) return
  if (allocatedUnits <= units * (1 + ROUNDING)) return
  throw new UserError(`Tenants are allocated ${allocatedUnits} of ${units} units.`, {
    remedy: 'Give the capacity of the whole machine, or less to its tenants.',
  })
}
