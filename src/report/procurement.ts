import type { JudgedCandidate, Procurement } from '../price/procure.ts'
import { type CompareBlock, type CompareDocument, incomparableLines } from './compare-document.ts'
import { sentence } from './facts.ts'
import { formatNumber, formatPercent, formatStated, formatUsd, notAvailable } from './format.ts'
import { refuseNonNumbers } from './json.ts'
import { plainText } from './plain-text.ts'

/** Candidates held against one demand, for people, whatever the format. @param notices of the measurements */
export function procurementDocument(
  procurement: Procurement,
  notices: readonly string[],
): CompareDocument {
  const { candidates } = procurement
  const warnings = notices.filter((line) => line.includes('Warning: '))
  return {
    notices: [...forcedNotice(procurement), ...notices.filter((line) => !warnings.includes(line))],
    blocks: [
      { title: 'Candidates', lines: candidates.map(candidateLine) },
      tableBlock(procurement),
      { title: 'Outcome', lines: candidates.map(standingLine) },
      { title: 'How it is judged', lines: methodLines(procurement) },
      ...(warnings.length === 0 ? [] : [{ title: 'Warnings', lines: warnings.map(withoutWord) }]),
    ],
  }
}

function withoutWord(line: string): string {
  return line.replace('Warning: ', '')
}

function forcedNotice({ forced, differences }: Procurement): string[] {
  if (!forced) return []
  return [
    `FORCED: held against each other although they measure different things, and the figures may differ for that alone. ${differenceLines(differences).join('. ')}.`,
  ]
}

/** What is not the same in the measurements, a line each. */
export function differenceLines(differences: Procurement['differences']): string[] {
  return incomparableLines(differences, [])
}

function candidateLine(candidate: JudgedCandidate): string {
  const { name, path, machine, what, pricedAt, outputTokensPerSPerServer } = candidate
  const at =
    pricedAt === undefined
      ? 'no load could be priced'
      : `${formatNumber(outputTokensPerSPerServer)} output tokens/s a server at ${plainText(pricedAt)}`
  return `${name}: ${plainText(machine)}, ${at} (${plainText(path)}, ${plainText(what)})`
}

interface Column {
  readonly heading: string
  readonly of: (candidate: JudgedCandidate) => string
}

const columns: readonly Column[] = [
  { heading: 'Candidate', of: ({ name }) => name },
  { heading: 'servers', of: ({ servers }) => formatStated(servers) },
  { heading: 'capex', of: ({ capexUsd }) => formatUsd(capexUsd) },
  { heading: 'USD/year', of: ({ usdPerYear }) => formatUsd(usdPerYear) },
  {
    heading: 'USD/M out',
    of: ({ usdPerMillionOutputTokens }) => formatUsd(usdPerMillionOutputTokens),
  },
  { heading: 'kW', of: ({ fullLoadPowerKw }) => formatNumber(fullLoadPowerKw) },
  { heading: 'racks', of: ({ racks }) => formatStated(racks) },
  { heading: 'U', of: ({ rackUnits }) => formatStated(rackUnits) },
  { heading: 'used', of: ({ utilisationRatio }) => formatPercent(utilisationRatio) },
  { heading: 'SLO', of: ({ meetsSlo }) => sloWord(meetsSlo) },
  { heading: 'verdict', of: ({ verdict }) => verdict },
]

function sloWord(meetsSlo: boolean | undefined): string {
  if (meetsSlo === undefined) return 'none'
  return meetsSlo ? 'met' : 'missed'
}

function tableBlock({
  candidates,
  outputTokensPerDay,
  option,
  scenario,
}: Procurement): CompareBlock {
  return {
    title: `What carries ${formatStated(outputTokensPerDay)} output tokens a day, as option ${option} of scenario ${plainText(scenario)}`,
    table: {
      headings: columns.map(({ heading }) => heading),
      rows: candidates.map((candidate) => columns.map(({ of }) => of(candidate))),
    },
    lines: [],
  }
}

function standingLine(candidate: JudgedCandidate): string {
  const { name, standing, dominatedBy, why } = candidate
  const reasons = why.map((reason) => sentence(plainText(reason))).join(' ')
  switch (standing) {
    case 'undominated':
      return `${name}: no other is at least as good in cost, power and room, and better in one.`
    case 'dominated':
      return `${name}: DOMINATED by ${dominatedBy.join(', ')}.`
    case 'apart':
      return `${name}: APART, neither ranked nor ranked against. ${reasons}`
    case 'unknown':
      return `${name}: ${notAvailable}, not ranked. ${reasons || 'Its power or its racks are not known.'}`
  }
}

function methodLines({ candidates }: Procurement): string[] {
  const boards = candidates.filter(({ boardsOnly }) => boardsOnly)
  const mixed =
    candidates.some(({ meetsSlo }) => meetsSlo === true) &&
    candidates.some(({ meetsSlo, standing }) => meetsSlo === undefined && standing !== 'apart')
  return [
    'A candidate is dominated where another costs no more a year, draws no more power and takes no more room, and is better in one of them. Room is racks and, where both are known, rack units (U, 44.45 mm).',
    'Power is of all servers under full load, without cooling. Capex is all that is bought at first, before any residual value.',
    'Servers are whole, spares included. Each figure rests on one measurement, of a group on the median of its runs: differences as small as runs differ by chance say nothing.',
    ...heightLines(candidates),
    ...(mixed
      ? [
          'What has no SLO is priced at its highest throughput, whatever its latency: it dominates none that met one.',
        ]
      : []),
    ...(boards.length > 0 && boards.length < candidates.length
      ? [
          `Of ${boards.map(({ name }) => name).join(', ')} only the boards have a price or a power: the real ones are higher, and it dominates none whose whole machine is known.`,
        ]
      : []),
  ]
}

/** Nothing where the height of every machine is known, or its number is not. */
function heightLines(candidates: readonly JudgedCandidate[]): string[] {
  const unknown = candidates.filter(
    ({ servers, rackUnits }) => servers !== undefined && rackUnits === undefined,
  )
  if (unknown.length === 0) return []
  return [
    `U is not known of ${unknown.map(({ name }) => name).join(', ')}: state rackUnitsPerServer in the scenario, or rackUnits in the hardware profile.`,
  ]
}

/** A procurement as a document; `notice` comes first so that no reader misses it. */
export interface ProcurementJson extends Procurement {
  readonly notice: readonly string[]
}

export function procurementJson(procurement: Procurement, notices: readonly string[]): string {
  const notice = procurementDocument(procurement, notices).notices
  const document: ProcurementJson = { notice, ...procurement }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
