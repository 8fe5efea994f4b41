import { difference, type Maybe, mean, product, ratio, sum } from '../arithmetic.ts'
import { type TelemetryScope, telemetryScopes } from '../detect/telemetry/sample.ts'
import type { DeviceEnergy, IdlePower, ScopeEnergy } from './machine-figures.ts'

/** Scopes hold one another; the narrowest that serves the model tells most of it. */
export const scopesByRank: readonly TelemetryScope[] = [
  'gpu',
  'module',
  'soc',
  'cpu-package',
  'node',
  'wall',
  'dram',
]

/** What was done in a window. */
export interface WindowWork {
  readonly windowS: number
  /** That arrived in it. */
  readonly outputTokens: Maybe
  readonly inputTokens: Maybe
  readonly completedRequests: Maybe
}

/**
 * Adds up the devices of each scope. All of them must be `ok`: a sum of some is no one's energy.
 * Scopes hold one another (a node its GPUs) and are never added up.
 *
 * @param energies of the devices that serve the model
 */
export function scopeEnergies(
  energies: readonly DeviceEnergy[],
  idle: readonly IdlePower[],
  work: WindowWork,
): ScopeEnergy[] {
  return telemetryScopes.flatMap((scope) => {
    const inside = energies.filter((energy) => energy.scope === scope)
    return inside.length === 0 ? [] : [scopeEnergy(scope, inside, idlePowerW(idle, scope), work)]
  })
}

/** Mean of what was measured before and after; unknown where neither was. */
function idlePowerW(idle: readonly IdlePower[], scope: TelemetryScope): Maybe {
  const measured = idle.find((power) => power.scope === scope)
  return mean([measured?.beforeW, measured?.afterW].filter((powerW) => powerW !== undefined))
}

function scopeEnergy(
  scope: TelemetryScope,
  energies: readonly DeviceEnergy[],
  idlePowerW: Maybe,
  work: WindowWork,
): ScopeEnergy {
  const shared = { scope, devices: energies.length, idlePowerW }
  const refused = energies.find(({ status }) => status !== 'ok')
  if (refused !== undefined)
    return { ...shared, status: refused.status, reason: `${nameOf(refused)}: ${refused.reason}` }
  const joules = sum(energies.map((energy) => energy.joules))
  // Sensors of one kind err alike, so their errors add up and do not cancel out.
  const uncertaintyJ = sum(energies.map((energy) => energy.uncertaintyJ))
  return {
    ...shared,
    status: 'ok',
    joules,
    uncertaintyJ,
    uncertaintyRatio: ratio(uncertaintyJ, joules),
    meanPowerW: ratio(joules, work.windowS),
    ...perUnit(joules, difference(joules, product([idlePowerW, work.windowS])), work),
  }
}

function nameOf({ name, id }: DeviceEnergy): string {
  return name === id ? name : `${name} (${id})`
}

/** Gross is all energy, net is what is above an idle machine with the model loaded. */
function perUnit(
  grossJ: Maybe,
  netJ: Maybe,
  { outputTokens, inputTokens, completedRequests }: WindowWork,
): Partial<ScopeEnergy> {
  const allTokens = sum([inputTokens, outputTokens])
  return {
    grossJPerOutputToken: ratio(grossJ, outputTokens),
    netJPerOutputToken: ratio(netJ, outputTokens),
    grossJPerToken: ratio(grossJ, allTokens),
    netJPerToken: ratio(netJ, allTokens),
    grossJPerRequest: ratio(grossJ, completedRequests),
    netJPerRequest: ratio(netJ, completedRequests),
    outputTokensPerJ: ratio(outputTokens, grossJ),
  }
}
