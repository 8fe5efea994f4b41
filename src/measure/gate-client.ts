import { ratio } from '../arithmetic.ts'
import type { RunLog } from '../load/run-log.ts'
import {
  doesNotApply,
  type GateInput,
  type Judgement,
  judged,
  notMeasured,
  percent,
  type RunGateInput,
} from './gate-rule.ts'

export const MAX_WORKER_CORES = 0.7
export const MAX_LOOP_DELAY_P99_MS = 10
export const MAX_INSTRUMENT_ERROR_RATIO = 0.1
/** Free of a limit, as MLCommons' endpoints asks of its pool of connections. */
const MIN_FREE_RATIO = 1 / 8
/** By judgement: some times what it takes to read two clocks on a busy machine. */
export const MAX_CLOCK_STEP_MS = 50

const NOT_TOLD = 'the system does not tell'

export function judgeClientFailures({ evidence: { clientFailures } }: GateInput): Judgement {
  const kinds = [...clientFailures].map(([kind, requests]) => `${requests} x ${kind}`)
  return judged(kinds.length === 0 ? '0' : kinds.join(', '), kinds.length === 0)
}

export function judgeOpenFiles({ point: { health } }: GateInput): Judgement {
  const { openFilesMost, openFilesAllowed } = health.headroom ?? {}
  return judgeFree(openFilesMost, openFilesAllowed)
}

export function judgePorts({ point: { health }, run }: GateInput): Judgement {
  if (run?.config.url.startsWith('http+unix:')) return doesNotApply('the server is on a socket')
  const { socketsMost, portsAllowed } = health.headroom ?? {}
  return judgeFree(socketsMost, portsAllowed)
}

function judgeFree(most: number | undefined, allowed: number | undefined): Judgement {
  const used = ratio(most, allowed)
  return used === undefined
    ? notMeasured(NOT_TOLD)
    : judged(`${most} of ${allowed} at most`, 1 - used >= MIN_FREE_RATIO)
}

export function judgeLoop({ point: { health } }: GateInput): Judgement {
  const { loopDelayP99Ms } = health
  return loopDelayP99Ms === undefined
    ? notMeasured('no measuring thread told')
    : judged(`${loopDelayP99Ms.toFixed(1)} ms`, loopDelayP99Ms <= MAX_LOOP_DELAY_P99_MS)
}

export function judgeCpu({ point: { health } }: GateInput): Judgement {
  const { busiestWorkerCores } = health
  return busiestWorkerCores === undefined
    ? notMeasured(NOT_TOLD)
    : judged(`${busiestWorkerCores.toFixed(2)} core`, busiestWorkerCores <= MAX_WORKER_CORES)
}

export function judgeInstrument({ point }: GateInput): Judgement {
  const {
    instrument: { error },
    ttftMs,
    tpotMs,
  } = point
  if (error.kind === 'unknown') return notMeasured(error.reason)
  const shares = [
    { what: 'TTFT error p50', errorMs: error.ttftErrorMs.p50.value, ofMs: ttftMs.p50.value },
    { what: 'gap error p50', errorMs: error.gapErrorMs.p50.value, ofMs: tpotMs.p50.value },
  ].flatMap(({ what, errorMs, ofMs }) => {
    const share = ratio(errorMs, ofMs)
    return share === undefined ? [] : [{ text: `${what} ${percent(share)}`, share }]
  })
  if (shares.length === 0) return notMeasured('no request completed')
  return judged(
    shares.map(({ text }) => text).join(', '),
    shares.every(({ share }) => share <= MAX_INSTRUMENT_ERROR_RATIO),
  )
}

/** Over the run, between its levels too. */
export function judgeClock({ run }: RunGateInput): Judgement {
  const looks = wallLooks(run)
  if (looks === undefined) return notMeasured('the wall clock was not looked at')
  const steps = looks.slice(1).map((ms, i) => ms - (looks[i] ?? ms))
  const largest = steps.reduce((most, step) => (Math.abs(step) > Math.abs(most) ? step : most), 0)
  return judged(
    `largest step ${largest.toFixed(1)} ms over ${looks.length} looks`,
    Math.abs(largest) <= MAX_CLOCK_STEP_MS,
  )
}

/** Where the wall clock put the run's epoch, look by look; nothing where a level did not look. */
function wallLooks({ epoch, levels }: RunLog): number[] | undefined {
  const looks = [Date.parse(epoch)]
  for (const { wallEpochMs } of levels) {
    if (wallEpochMs === undefined) return undefined
    looks.push(wallEpochMs.start, wallEpochMs.end)
  }
  return looks.length > 1 ? looks : undefined
}

export function judgeTls({ run: { config } }: RunGateInput): Judgement {
  return config.tlsVerified === undefined
    ? doesNotApply('the server is asked without TLS')
    : judged(config.tlsVerified ? 'verified' : 'not verified', config.tlsVerified)
}
