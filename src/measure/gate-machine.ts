import type { Maybe } from '../arithmetic.ts'
import { computeGpus } from '../detect/compute-gpus.ts'
import type { TelemetryScope } from '../detect/telemetry/sample.ts'
import type { RunLog } from '../load/run-log.ts'
import { MIN_COVERAGE_RATIO } from './energy.ts'
import {
  doesNotApply,
  type GateInput,
  type Judgement,
  judged,
  notMeasured,
  percent,
  type RunGateInput,
} from './gate-rule.ts'
import type { DeviceFigures } from './machine-figures.ts'
import { lostGpus } from './machine-summary.ts'

/**
 * Even with the clocks stopped altogether this much of the window costs a thousandth of throughput, a
 * tenth of the 1 % to which counts of tokens agree; below it lies the jitter of the looks at its edges.
 */
export const MAX_THROTTLED_RATIO = 0.001

const NO_GPU = 'no GPU serves the model'

function servingDevices({ machine }: GateInput['point']): DeviceFigures[] {
  return machine?.devices.filter(({ serving }) => serving) ?? []
}

function isGpu(scope: TelemetryScope): boolean {
  return scope === 'gpu' || scope === 'module'
}

/** Where the server is this machine and the machine has no GPU, there is none to watch. */
function hasNoGpu(run: RunLog | undefined): boolean {
  return run?.target.loopback === true && computeGpus(run.hardware).length === 0
}

/** Why no GPU was watched. */
function whyUnwatched(run: RunLog | undefined): string {
  const { telemetry } = run ?? {}
  return telemetry?.kind === 'none'
    ? telemetry.reason
    : 'nothing was told of the clocks of the GPUs that serve'
}

/** By the worst device. The share at the power limit is stated, and no fault: it is how a loaded GPU runs. */
export function judgeThrottling({ point, run }: GateInput): Judgement {
  const devices = servingDevices(point)
  const worst = (cause: 'thermalRatio' | 'powerBrakeRatio' | 'powerCapRatio'): Maybe => {
    const shares = devices.flatMap(({ throttle }) => throttle?.[cause] ?? [])
    return shares.length > 0 ? Math.max(...shares) : undefined
  }
  const told = [
    { cause: 'heat', share: worst('thermalRatio') },
    { cause: 'power brake', share: worst('powerBrakeRatio') },
  ].filter(({ share }) => share !== undefined)
  if (told.length === 0)
    return devices.every(({ scope }) => !isGpu(scope)) && hasNoGpu(run)
      ? doesNotApply(NO_GPU)
      : notMeasured(whyUnwatched(run))
  return judged(
    [...told, { cause: 'power limit', share: worst('powerCapRatio') }]
      .flatMap(({ cause, share }) => (share === undefined ? [] : [`${cause} ${percent(share)}`]))
      .join(', '),
    told.every(({ share = 0 }) => share <= MAX_THROTTLED_RATIO),
  )
}

/**
 * By the device that was looked at least, of those that have anything to tell of energy. Where one scope
 * tells energy and a GPU that serves tells none, what is told is not all of it.
 */
export function judgeCoverage({ point }: GateInput): Judgement {
  const devices = servingDevices(point)
  const sensed = devices.filter(({ energy }) => energy.status !== 'no-sensor')
  if (sensed.length === 0) return doesNotApply('no energy is told')
  const blind = devices.filter(({ energy, scope }) => energy.status === 'no-sensor' && isGpu(scope))
  if (blind.length > 0)
    return notMeasured(
      `${blind.map(({ id }) => id).join(', ')} has no sensor of power, and energy of other parts is told`,
    )
  const least = Math.min(...sensed.map(({ energy }) => energy.coverageRatio))
  return judged(`${(100 * least).toFixed(1)} % of the window`, least >= MIN_COVERAGE_RATIO)
}

export function judgeLostGpus({ run, machine }: RunGateInput): Judgement {
  const isWatched = machine?.telemetry.devices.some(
    ({ scope }, device) => isGpu(scope) && machine.serving.has(device),
  )
  if (machine === undefined || !isWatched)
    return hasNoGpu(run) ? doesNotApply(NO_GPU) : notMeasured(whyUnwatched(run))
  const lost = lostGpus(machine, run.levels)
  const which = lost.length > 0 ? `: ${lost.join('; ')}` : ''
  return judged(`${lost.length} lost${which}`, lost.length === 0)
}

export function judgeMachine({ run: { stateChanges } }: RunGateInput): Judgement {
  if (stateChanges === undefined) return notMeasured('it was not looked at after the run')
  return judged(
    stateChanges.length === 0 ? 'unchanged' : `changed: ${stateChanges.join(', ')}`,
    stateChanges.length === 0,
  )
}

/** As it tells itself. Counters that went back may be those of a server that started anew in the same way. */
export function judgeServer({ run: { serverAfter }, server }: RunGateInput): Judgement {
  if (serverAfter === undefined) return notMeasured('it was not asked after the run')
  if ('unknown' in serverAfter) return notMeasured(serverAfter.unknown.replace(/\.$/, ''))
  const { changes } = serverAfter
  if (changes.length > 0) return judged(`changed: ${changes.join(' ')}`, false)
  if ((server?.resets ?? 0) > 0)
    return notMeasured('its counters went back: it started anew, or several servers answer')
  return judged('unchanged', true)
}

/** What answered: a simulation and random weights have the speed of no model that anybody uses. */
export function judgeModel({ run: { target, config } }: RunGateInput): Judgement {
  if (target.simulated) return judged('simulated: no model ran', false)
  const weights = config.declaredWeights ?? target.weights
  return weights === undefined
    ? notMeasured('the server does not tell its weights, and nobody declared them')
    : judged(`${weights} weights`, weights === 'trained')
}
