import type {
  CostDiff,
  DiffSide,
  FigureChange,
  InputChange,
  InputSide,
  OptionChange,
} from '../price/diff-cost.ts'
import type { CompareBlock, CompareDocument } from './compare-document.ts'
import { exactText, provenanceText } from './explain.ts'
import { formatPercent, formatStated, formatUsd, notAvailable } from './format.ts'
import { refuseNonNumbers } from './json.ts'
import { plainText } from './plain-text.ts'

/** What two prices differ in, for people, whatever the format. @param notices of both sides */
export function costDiffDocument(diff: CostDiff, notices: readonly string[]): CompareDocument {
  const { before, after, inputs, options } = diff
  const warnings = notices.filter(isWarning)
  return {
    notices: [...demandNotice(inputs), ...notices.filter((line) => !isWarning(line))],
    blocks: [
      { title: 'Held against each other', lines: [sideLine('A', before), sideLine('B', after)] },
      inputBlock(inputs),
      billBlock(diff),
      ...options.filter(({ change }) => change !== 'same').map(optionBlock),
      ...(warnings.length === 0 ? [] : [{ title: 'Warnings', lines: warnings.map(withoutWord) }]),
    ],
  }
}

/** Bills of different amounts of work are no dearer or cheaper than each other. */
function demandNotice(inputs: readonly InputChange[]): string[] {
  return inputs.some(({ path }) => path === 'demand.outputTokensPerDay')
    ? [
        'DIFFERENT DEMANDS: A and B are bills for different amounts of tokens; hold their prices per million tokens against each other, not their totals.',
      ]
    : []
}

function isWarning(line: string): boolean {
  return line.startsWith('Warning: ') || /^[AB]: Warning: /.test(line)
}

function withoutWord(line: string): string {
  return line.replace('Warning: ', '')
}

/** Lines of both sides once; those that only one of them has begin with its letter. */
export function sharedNotices(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...before.map((line) => (after.includes(line) ? line : `A: ${line}`)),
    ...after.filter((line) => !before.includes(line)).map((line) => `B: ${line}`),
  ]
}

function sideLine(letter: string, { name, what, scenario, verdict }: DiffSide): string {
  return `${letter}: ${plainText(name)} (${plainText(what)}, ${verdict}; scenario ${plainText(scenario)})`
}

function inputBlock(inputs: readonly InputChange[]): CompareBlock {
  const title = 'Inputs that differ'
  if (inputs.length === 0) return { title, lines: ['None.'] }
  return { title, lines: inputs.map(inputLine) }
}

function inputLine({ path, unit, change, before, after }: InputChange): string {
  switch (change) {
    case 'added':
      return `${path}, only in B: ${sideText(after, unit)}`
    case 'removed':
      return `${path}, only in A: ${sideText(before, unit)}`
    case 'changed':
      return `${path}: ${changeText(before, after, unit)}`
    case 'restated':
      return `${path}, the same value from elsewhere: ${changeText(before, after, unit)}`
  }
}

/** A source that is the same in both is told once. */
function changeText(
  before: InputSide | undefined,
  after: InputSide | undefined,
  unit: string,
): string {
  const [was, is] = [sourceText(before), sourceText(after)]
  if (was !== is) return `${sideText(before, unit)} -> ${sideText(after, unit)}`
  return `${valueText(before, unit)} -> ${valueText(after, unit)} [both ${is}]`
}

function sideText(side: InputSide | undefined, unit: string): string {
  return `${valueText(side, unit)} [${sourceText(side)}]`
}

function valueText(side: InputSide | undefined, unit: string): string {
  return exactText({ value: side?.value, unit })
}

function sourceText(side: InputSide | undefined): string {
  if (side === undefined) return notAvailable
  const { formula } = side
  return plainText(formula === undefined ? provenanceText(side) : `worked out: ${formula}`)
}

/** Every option's bill, changed or not. */
function billBlock({ before, after, options }: CostDiff): CompareBlock {
  const rows = options.flatMap(({ option, change, totals }) => {
    const bill = totals.find(isBill)
    return bill ? [[`${marks[change]} ${option}`, ...cells(bill)]] : []
  })
  return {
    title: 'USD a year by every option',
    table: { headings: ['', 'A', 'B', 'difference'], rows },
    lines: [cheapestLine(before, after)],
  }
}

const marks = { added: '+', removed: '-', changed: '~', same: '=' } as const

function optionBlock(option: OptionChange): CompareBlock {
  const { change, lines, totals, nameBefore, nameAfter } = option
  const where = { added: ', only in B', removed: ', only in A', changed: '', same: '' }[change]
  const renamed = change === 'changed' && nameBefore !== nameAfter
  const shown = lines.filter((line) => line.change !== 'same')
  const alike = lines.length - shown.length
  return {
    title: `${option.option}: ${plainText(nameAfter ?? nameBefore ?? '')}${where}`,
    table: {
      headings: ['USD a year', 'A', 'B', 'difference'],
      rows: [...shown, ...totals.filter(isShown)].map((each) => [
        `${marks[each.change]} ${plainText(each.label)}`,
        ...cells(each),
      ]),
    },
    lines: [
      ...(renamed ? [`In A it is ${plainText(nameBefore ?? '')}.`] : []),
      ...gateLines(option),
      ...(alike === 0 ? [] : [`${alike} ${alike === 1 ? 'line' : 'lines'} of the bill unchanged.`]),
    ],
  }
}

/** The bill is told whether or not it moved; other totals where they did. */
function isShown(total: FigureChange): boolean {
  return total.change !== 'same' || isBill(total)
}

function isBill({ path }: FigureChange): boolean {
  return path.endsWith('.usdPerYear')
}

function cells(change: FigureChange): string[] {
  const { unit, before, after } = change
  return [
    change.change === 'added' ? '' : amount(before, unit),
    change.change === 'removed' ? '' : amount(after, unit),
    differenceText(change),
  ]
}

function amount(value: number | undefined, unit: string): string {
  if (unit.startsWith('USD')) return formatUsd(value)
  return unit === 'ratio' ? formatPercent(value) : formatStated(value)
}

function differenceText({ difference, differenceRatio, unit }: FigureChange): string {
  if (difference === undefined) return notAvailable
  if (difference === 0) return '0'
  const sign = difference > 0 ? '+' : '-'
  const size = Math.abs(difference)
  if (unit === 'ratio') return `${sign}${formatStated(Number((size * 100).toPrecision(3)))} points`
  const share =
    differenceRatio === undefined ? '' : ` (${sign}${formatPercent(Math.abs(differenceRatio))})`
  return `${sign}${amount(size, unit)}${share}`
}

/** What keeps an option out of the ranking in one side only. */
function gateLines({ excludedBefore, excludedAfter }: OptionChange): string[] {
  const lacks = (list: OptionChange['excludedBefore'], requirement: string) =>
    !list.some((each) => each.requirement === requirement)
  return [
    ...excludedAfter
      .filter(({ requirement }) => lacks(excludedBefore, requirement))
      .map(({ requirement, why }) => `In B it fails ${requirement}: ${plainText(why)}.`),
    ...excludedBefore
      .filter(({ requirement }) => lacks(excludedAfter, requirement))
      .map(({ requirement }) => `In B it no longer fails ${requirement}.`),
  ]
}

function cheapestLine(before: DiffSide, after: DiffSide): string {
  const [was, is] = [before.cheapest ?? notAvailable, after.cheapest ?? notAvailable]
  return was === is ? `Cheapest in both: ${is}.` : `Cheapest in A: ${was}; in B: ${is}.`
}

/** A difference as a document; `notice` comes first so that no reader misses it. */
export interface CostDiffJson extends CostDiff {
  readonly notice: readonly string[]
}

export function costDiffJson(diff: CostDiff, notice: readonly string[]): string {
  const document: CostDiffJson = { notice: [...demandNotice(diff.inputs), ...notice], ...diff }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
