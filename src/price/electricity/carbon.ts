import { type Maybe, product, ratio, sum } from '../../arithmetic.ts'
import { S_PER_HOUR, W_PER_KW } from '../../units.ts'
import { requireNotNegative, requirePositive, requirePue, requireRatio } from '../requirements.ts'

/** Hardware whose making is shared over its life and its users. */
export interface EmbodiedCarbon {
  /** TE: emissions of making, moving and scrapping it, gCO2e. */
  readonly totalG: Maybe
  /** TiR: hours it is reserved. */
  readonly reservedHours: Maybe
  /** EL: hours of its expected life. */
  readonly lifeHours: Maybe
  /** RR and ToR: units reserved, of so many. */
  readonly reservedUnits: Maybe
  readonly totalUnits: Maybe
}

/**
 * M of the Software Carbon Intensity (ISO/IEC 21031:2024), gCO2e: TE x (TiR / EL) x (RR / ToR).
 *
 * @throws UserError when more is reserved than there is
 */
export function embodiedShareG(hardware: EmbodiedCarbon): Maybe {
  const timeRatio = ratio(hardware.reservedHours, hardware.lifeHours)
  const unitRatio = ratio(hardware.reservedUnits, hardware.totalUnits)
  requirePositive('lifeHours', hardware.lifeHours)
  requireRatio('reservedHours / lifeHours', timeRatio)
  requireRatio('reservedUnits / totalUnits', unitRatio)
  return product([hardware.totalG, timeRatio, unitRatio])
}

/**
 * Software Carbon Intensity, gCO2e per functional unit: (E x I + M) / R, ISO/IEC 21031:2024. I is
 * location-based: the grid's own average, without certificates or offsets. E has PUE and idle hours in it.
 */
export function carbonIntensityG(
  energyKwh: Maybe,
  gridGPerKwh: Maybe,
  embodiedG: Maybe,
  functionalUnits: Maybe,
): Maybe {
  requireNotNegative('energyKwh', energyKwh)
  requireNotNegative('gridGPerKwh', gridGPerKwh)
  return ratio(sum([product([energyKwh, gridGPerKwh]), embodiedG]), functionalUnits)
}

/**
 * gCO2e per thousand tokens of a machine over an hour: R is the thousands of tokens really served in it.
 *
 * @param meanPowerW of the whole machine over the hour, idle times included
 * @param embodiedGPerHour `embodiedShareG` of one hour
 * @throws UserError when the PUE is under 1
 */
export function gramsPerThousandTokens(
  meanPowerW: Maybe,
  pueRatio: Maybe,
  gridGPerKwh: Maybe,
  embodiedGPerHour: Maybe,
  tokensPerS: Maybe,
): Maybe {
  requirePue(pueRatio)
  const energyKwh = ratio(product([meanPowerW, pueRatio]), W_PER_KW)
  const thousands = ratio(product([tokensPerS, S_PER_HOUR]), TOKENS_PER_THOUSAND)
  return carbonIntensityG(energyKwh, gridGPerKwh, embodiedGPerHour, thousands)
}

const TOKENS_PER_THOUSAND = 1000
