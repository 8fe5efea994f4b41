import type { Maybe } from '../arithmetic.ts'
import type { Interval, OperatingPoint, SteadyState } from '../measure/summary.ts'
import { MS_PER_S } from '../units.ts'
import { formatNumber, formatPercent, notAvailable } from './format.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'
import type { TextTable } from './server-facts.ts'

export const steadyTitle = 'Throughput of the window with its 95 % interval, and its steady part'

/** A level a line: its throughput, how sure it is, and its steady part or why there is none. Empty where nobody looked. */
export function steadyLines(report: Report): string[] {
  return judgedPoints(report).map((point) => {
    const { outputTokensPerS, outputTokensPerSInterval } = point
    const whole =
      outputTokensPerS === undefined
        ? ''
        : `${formatNumber(outputTokensPerS)} tok/s (${intervalText(outputTokensPerSInterval)}); `
    return `${plainText(point.label)}: ${whole}${steadyText(report, point)}`
  })
}

/** The same as a table, with Little's law; nothing where nobody looked. */
export function steadyTable(report: Report): TextTable | undefined {
  const points = judgedPoints(report)
  if (points.length === 0) return undefined
  return {
    note:
      "Intervals are of 95 %, by batch means, and within this run. From and to are seconds since the window opened. Little's law: requests in flight " +
      'against those that ended a second x the time they took, over the steady part.',
    headings: [
      'Load',
      'Window tok/s',
      '95 %',
      'Whole level tok/s',
      'Steady from, s',
      'to, s',
      'Steady tok/s',
      '95 %',
      'In flight',
      "Off Little's law",
    ],
    rows: points.map((point) => [
      plainText(point.label),
      formatNumber(point.outputTokensPerS),
      intervalText(point.outputTokensPerSInterval),
      formatNumber(point.wholeRunOutputTokensPerS),
      ...steadyCells(report, point),
      formatNumber(point.littlesLaw?.meanInFlight),
      signedPercent(point.littlesLaw?.residualRatio),
    ]),
  }
}

/** Why levels have no steady part; empty where all have one. */
export function unsteadyLines(report: Report): string[] {
  return judgedPoints(report)
    .filter(({ steadyState }) => steadyState?.kind !== 'steady')
    .map((point) => `${plainText(point.label)}: ${steadyText(report, point)}.`)
}

function judgedPoints({ summary }: Report): OperatingPoint[] {
  return summary.points.filter(({ steadyState }) => steadyState !== undefined)
}

function steadyText(report: Report, point: OperatingPoint): string {
  const { steadyState } = point
  switch (steadyState?.kind) {
    case undefined:
      return 'steady state not judged'
    case 'steady': {
      const { from, to } = sinceWindow(report, point, steadyState)
      const { outputTokensPerS, interval } = steadyState
      return `steady from ${formatNumber(from)} to ${formatNumber(to)} of ${formatNumber(point.windowS)} s: ${formatNumber(outputTokensPerS)} tok/s (${intervalText(interval)})`
    }
    case 'overloaded':
      return `no steady state, as the rate is above capacity: over half the window requests in flight grew by ${formatPercent(steadyState.inFlightRatio)} and TTFT by ${formatPercent(steadyState.ttftRatio)}`
    case 'drifts': {
      const { changeRatio, lowRatio, highRatio } = steadyState
      return `no steady state, as throughput changed all the while: by ${signedPercent(changeRatio)} (${signedPercent(lowRatio)} to ${signedPercent(highRatio)})`
    }
    case 'never-settles':
      return 'no steady state, as start-up or tail fill too much of the window'
    case 'not-judged':
      return `steady state not judged: ${plainText(steadyState.reason)}`
  }
}

type Steady = Extract<SteadyState, { kind: 'steady' }>

function steadyCells(report: Report, point: OperatingPoint): string[] {
  const { steadyState } = point
  if (steadyState?.kind !== 'steady') return Array.from({ length: 4 }, () => notAvailable)
  const { from, to } = sinceWindow(report, point, steadyState)
  const { outputTokensPerS, interval } = steadyState
  return [from, to, outputTokensPerS]
    .map((value) => formatNumber(value))
    .concat(intervalText(interval))
}

function sinceWindow({ run }: Report, { level }: OperatingPoint, { startMs, endMs }: Steady) {
  const windowStartMs = run.levels.find((log) => log.level === level)?.windowStartMs
  const since = (ms: number): Maybe =>
    windowStartMs === undefined ? undefined : (ms - windowStartMs) / MS_PER_S
  return { from: since(startMs), to: since(endMs) }
}

/** `355 to 456`; `n/a` where none can be told. */
export function intervalText(interval: Interval | undefined): string {
  return interval === undefined
    ? notAvailable
    : `${formatNumber(interval.low)} to ${formatNumber(interval.high)}`
}

function signedPercent(ratio: Maybe): string {
  return ratio === undefined ? notAvailable : `${ratio > 0 ? '+' : ''}${formatPercent(ratio)}`
}
