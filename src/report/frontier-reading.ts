import { ratio } from '../arithmetic.ts'
import { type FrontierAxis, type FrontierReading, readFrontier } from '../measure/frontier.ts'
import { servingGpus } from '../measure/serving-gpus.ts'
import { formatCount, formatNumber, formatStated } from './format.ts'
import { frontLines } from './front-matter.ts'
import { refuseNonNumbers } from './json.ts'
import { plainText } from './plain-text.ts'
import type { Report } from './report.ts'
import { wrap } from './text.ts'

/** Where a front is to be read: tokens/s of one user, or ms of a percentile. */
interface WantedPlace {
  readonly axis: FrontierAxis
  readonly at: number
}

/** One output format of what a run's fronts say at one place. */
export interface ReadingFormat {
  readonly name: string
  readonly render: (report: Report, wanted: WantedPlace) => string
}

export const readingFormats: readonly ReadingFormat[] = [
  { name: 'text', render: renderText },
  { name: 'json', render: renderJson },
]

function renderText(report: Report, wanted: WantedPlace): string {
  const reading = readFrontier(report.summary, wanted.axis, wanted.at)
  const lines = [
    ...doubtsOf(report),
    `At ${placeText(wanted.axis, wanted.at)}: ${readingText(report, wanted, reading)}`,
  ]
  return `${lines.flatMap((line) => wrap(line, '', '  ')).join('\n')}\n`
}

/** Doubts about money say nothing of throughput. */
function doubtsOf(report: Report): string[] {
  return frontLines({ ...report, cost: { ...report.cost, warnings: [] } })
}

function placeText(axis: FrontierAxis, at: number): string {
  if (axis.kind === 'interactivity') return `${formatStated(at)} tok/s/user`
  const name = { ttftMs: 'TTFT', tpotMs: 'TPOT' }[axis.metric]
  return `${name} ${axis.percentile} of ${formatStated(at)} ms`
}

function readingText(report: Report, { axis }: WantedPlace, reading: FrontierReading): string {
  switch (reading.kind) {
    case 'measured':
      return `${throughputText(report, reading)}, measured at ${labelOf(report, reading.level)}.`
    case 'interpolated': {
      const [left, right] = reading.between.map((level) => labelOf(report, level))
      return `${throughputText(report, reading)}, INTERPOLATED between ${left} and ${right}, and measured at neither. Measure a load between them to know.`
    }
    case 'outside': {
      const ends = [...new Set([reading.from, reading.to])].map((end) => formatNumber(end))
      const unit = axis.kind === 'interactivity' ? 'tok/s/user' : 'ms'
      return `no number, as it is outside what was measured: the front holds ${ends.join(' to ')} ${unit}.`
    }
    case 'not-measured':
      return 'no number: no load level has both a throughput and this figure, or too few requests for it.'
  }
}

function throughputText(
  { run }: Report,
  { outputTokensPerS }: { readonly outputTokensPerS: number },
): string {
  const gpus = servingGpus(run)
  const perGpu =
    gpus === undefined
      ? 'a GPU unknown, as it is unknown how many serve: state it with --gpus on the run'
      : `${formatNumber(outputTokensPerS / gpus.count)} a GPU on ${formatCount(gpus.count)}, ${plainText(gpus.how)}`
  return `${formatNumber(outputTokensPerS)} output tok/s (${perGpu})`
}

function labelOf({ summary }: Report, level: number): string {
  return plainText(summary.points.find((point) => point.level === level)?.label ?? 'a level')
}

function renderJson(report: Report, { axis, at }: WantedPlace): string {
  const reading = readFrontier(report.summary, axis, at)
  const gpus = servingGpus(report.run)?.count
  const outputTokensPerS = 'outputTokensPerS' in reading ? reading.outputTokensPerS : undefined
  const document = {
    notice: doubtsOf(report),
    schemaVersion: 1,
    runId: report.run.runId,
    axis,
    at,
    reading: { ...reading, outputTokensPerSPerGpu: ratio(outputTokensPerS, gpus) },
    gpus,
  }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
