import { difference, type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { W_PER_KW } from '../../units.ts'
import { requireBetween, requireNotNegative, requirePue, requireRatio } from '../requirements.ts'
import { wholeDown } from '../whole.ts'

/**
 * What a server draws, W. `parts`: boards, host and network apart. `overhead`: boards times what the rest of the
 * server adds (1.3 in aiinframap's sizer). `whole`: one figure for the machine, from a nameplate or a meter.
 */
export type NodePower =
  | {
      readonly kind: 'parts'
      readonly gpus: Maybe
      readonly gpuPowerW: Maybe
      readonly hostPowerW: Maybe
      readonly networkPowerW: Maybe
    }
  | {
      readonly kind: 'overhead'
      readonly gpus: Maybe
      readonly gpuPowerW: Maybe
      /** Server / its GPUs, at least 1. */
      readonly overheadRatio: Maybe
    }
  | { readonly kind: 'whole'; readonly powerW: Maybe }

/**
 * Power of the machine at its plug.
 *
 * @throws UserError for a negative power or an overhead under 1
 */
export function nodePowerW(node: NodePower): Maybe {
  switch (node.kind) {
    case 'parts':
      requireNotNegative('hostPowerW', node.hostPowerW)
      requireNotNegative('networkPowerW', node.networkPowerW)
      return sum([gpusPowerW(node), node.hostPowerW, node.networkPowerW])
    case 'overhead':
      requireBetween('overheadRatio', node.overheadRatio, 1, Number.MAX_VALUE)
      return product([gpusPowerW(node), node.overheadRatio])
    case 'whole':
      requireNotNegative('powerW', node.powerW)
      return node.powerW
  }
}

function gpusPowerW({ gpus, gpuPowerW }: { gpus: Maybe; gpuPowerW: Maybe }): Maybe {
  requireNotNegative('gpuPowerW', gpuPowerW)
  return product([gpus, gpuPowerW])
}

/**
 * What the building draws for the machines: IT power x PUE.
 *
 * @throws UserError when the PUE is under 1
 */
export function facilityPowerW(itPowerW: Maybe, pueRatio: Maybe): Maybe {
  requirePue(pueRatio)
  return product([itPowerW, pueRatio])
}

/** Mean power of a machine busy for a share of the time: idle + u x (load - idle). */
export function meanPowerW(idlePowerW: Maybe, loadPowerW: Maybe, utilisationRatio: Maybe): Maybe {
  requireRatio('utilisationRatio', utilisationRatio)
  return sum([idlePowerW, product([utilisationRatio, difference(loadPowerW, idlePowerW)])])
}

/** What fits a building of a given power. */
export interface Buildout {
  /** Whole GPUs. */
  readonly gpus: Maybe
  readonly itPowerW: Maybe
  /** Heat to carry away, tons of refrigeration of 3,516.85 W (12,000 BTU/h). */
  readonly coolingTons: Maybe
}

const W_PER_COOLING_TON = 3516.8528

/**
 * GPUs for a facility of a given power: floor(power / PUE / (GPU x server overhead)), as aiinframap's
 * cluster sizer does. The energy bill has to carry the same overhead, which that sizer forgets (-23 %).
 */
export function buildout(
  facilityW: Maybe,
  pueRatio: Maybe,
  gpuPowerW: Maybe,
  overheadRatio: Maybe,
): Buildout {
  requirePue(pueRatio)
  const perGpuW = nodePowerW({ kind: 'overhead', gpus: 1, gpuPowerW, overheadRatio })
  const exact = ratio(facilityW, product([pueRatio, perGpuW]))
  const gpus = exact === undefined ? undefined : wholeDown(exact)
  const itPowerW = product([gpus, perGpuW])
  return { gpus, itPowerW, coolingTons: ratio(itPowerW, W_PER_COOLING_TON) }
}

/**
 * USD for the energy of machines over hours: power / 1,000 x PUE x utilisation x price x hours. The power counts
 * only while busy: where machines draw something idle, give the mean power and a utilisation of 1.
 */
export function energyUsd(
  powerW: Maybe,
  pueRatio: Maybe,
  utilisationRatio: Maybe,
  usdPerKwh: Maybe,
  hours: Maybe,
): Maybe {
  requireRatio('utilisationRatio', utilisationRatio)
  const kw = ratio(facilityPowerW(powerW, pueRatio), W_PER_KW)
  return product([kw, utilisationRatio, usdPerKwh, hours])
}
