import { type CostFigure, figureFinder } from '../price/cost-report.ts'
import { explain, explanationText } from './explain.ts'
import { formatUsd } from './format.ts'
import { refuseNonNumbers } from './json.ts'
import { wrap } from './text.ts'

const LEFT_OUT = [
  'whether that throughput was measured, and under which limit of latency',
  'whole machines for the peak of a demand, and spares',
  'the hours in which nobody asks, beyond the utilisation given',
  'capital, energy, staff, network and space, where the hourly price does not hold them',
]

const NOTICE =
  'STATED, NOT MEASURED: the price is no better than the two numbers that it is made of.'

const prices = ['stated.usdPerMillionOutputTokens', 'stated.usdPerMillionTotalTokens']

/** A price made of two numbers, its formula, and what it leaves out. */
export function quickText(figures: readonly CostFigure[]): string {
  const find = figureFinder({ figures })
  const found = prices.flatMap((path) => find(path) ?? [])
  const lines = [
    ...found.flatMap((figure) => [
      `${formatUsd(figure.value)} per ${figure.unit.replace('USD/M', 'million')}`,
      '',
      explanationText(explain(figures, figure.path, 1), [], 1),
    ]),
    ...wrap(NOTICE, '', '  '),
    'It leaves out:',
    ...LEFT_OUT.flatMap((line) => wrap(line, '  - ', '    ')),
    ...wrap(
      'Price a measurement under a scenario for those: `baremark price RUN --scenario FILE`.',
      '',
      '  ',
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** The same for programs. */
export interface StatedPriceJson {
  readonly schemaVersion: 1
  readonly kind: 'baremark-stated-price'
  readonly notice: readonly string[]
  readonly leavesOut: readonly string[]
  readonly figures: readonly CostFigure[]
}

export function quickJson(figures: readonly CostFigure[]): string {
  const document: StatedPriceJson = {
    schemaVersion: 1,
    kind: 'baremark-stated-price',
    notice: [NOTICE],
    leavesOut: LEFT_OUT,
    figures,
  }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
