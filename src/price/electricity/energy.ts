import { type Maybe, product, ratio } from '../../arithmetic.ts'
import { W_PER_KW } from '../../units.ts'
import { requireNotNegative } from '../requirements.ts'
import { usdPerMillionTokens } from '../unit-cost.ts'

/** One reading of power. */
export interface PowerReading {
  readonly atS: number
  readonly powerW: number
}

export interface WindowEnergy {
  readonly energyJ: number
  readonly meanPowerW: number
}

/**
 * Energy of one device inside a window: trapezoids between its readings, power at the window's ends
 * interpolated on a straight line (InferenceX utils/aggregate_power.py). Unknown, never guessed, unless
 * readings lie on or beyond both ends and no two neighbours over the window are further apart than `longestGapS`.
 *
 * @param readings in ascending time
 * @param longestGapS InferenceX allows 3 s
 */
export function windowEnergy(
  readings: readonly PowerReading[],
  startS: number,
  endS: number,
  longestGapS: number,
): WindowEnergy | undefined {
  if (!(endS > startS)) return undefined
  let energyJ = 0
  let coveredToS = startS
  for (const [index, right] of readings.entries()) {
    const left = readings[index - 1]
    if (left === undefined || right.atS <= left.atS) continue
    if (right.atS <= startS || left.atS >= endS) continue
    if (left.atS > coveredToS || right.atS - left.atS > longestGapS) return undefined
    const fromS = Math.max(left.atS, startS)
    const toS = Math.min(right.atS, endS)
    energyJ += ((powerAt(left, right, fromS) + powerAt(left, right, toS)) / 2) * (toS - fromS)
    coveredToS = toS
  }
  return coveredToS < endS ? undefined : { energyJ, meanPowerW: energyJ / (endS - startS) }
}

function powerAt(left: PowerReading, right: PowerReading, atS: number): number {
  const share = (atS - left.atS) / (right.atS - left.atS)
  return left.powerW + share * (right.powerW - left.powerW)
}

/** Energy of a token: W / (tokens/s). Per input, output or any token: one energy, three readings, never added. */
export function joulesPerToken(powerW: Maybe, tokensPerS: Maybe): Maybe {
  requireNotNegative('powerW', powerW)
  requireNotNegative('tokensPerS', tokensPerS)
  return ratio(powerW, tokensPerS)
}

const W_PER_MW = 1_000_000

/** Tokens/s that a megawatt makes: 1e6 / (J/token). */
export function tokensPerSPerMw(joulesOfToken: Maybe): Maybe {
  return ratio(W_PER_MW, joulesOfToken)
}

/** Energy of a token where a publication gives tokens/s per MW: 1e6 / that. */
export function joulesPerTokenFromMw(tokensPerSOfMw: Maybe): Maybe {
  return ratio(W_PER_MW, tokensPerSOfMw)
}

/** Electricity for a million tokens: kW x price / (tokens/s x 3,600 / 1e6). */
export function energyUsdPerMillionTokens(
  powerW: Maybe,
  tokensPerS: Maybe,
  usdPerKwh: Maybe,
): Maybe {
  requireNotNegative('powerW', powerW)
  return usdPerMillionTokens(product([ratio(powerW, W_PER_KW), usdPerKwh]), tokensPerS, 1)
}
