import type { Maybe } from '../../arithmetic.ts'
import type { HardwareProfile } from '../../detect/hardware-profile.ts'
import type { Figure, Source } from '../../figure.ts'
import type { Catalogue } from '../catalogue.ts'
import type { LoadShape } from '../demand/load-shape.ts'
import type { LedgerBuilder, LedgerInput } from '../ledger.ts'
import type { Scenario } from '../scenario.ts'
import type { PricedPoint, Subject } from '../subject.ts'
import type { Uncertain } from '../uncertainty/uncertain.ts'

/** All that rows are made from, and the ledger that they go into. */
export interface ModelContext {
  readonly ledger: LedgerBuilder
  readonly subject: Subject
  readonly scenario: Scenario
  readonly catalogue: Catalogue
  /** The measured load that options are priced at; absent where none qualifies. */
  readonly point: PricedPoint | undefined
  /** What made it: the hardware, and how many units of it together. */
  readonly profile: HardwareProfile | undefined
  readonly units: Maybe
  /** When in the week, or the trace, tokens are wanted. */
  readonly shape: LoadShape
}

/** Who says a figure, besides what it is. */
export interface Stated {
  readonly path: string
  readonly label: string
  readonly unit: string
  readonly note?: string
}

/** A figure somebody stated becomes an input; one that nobody did, an unknown one. */
export function figureRow(
  { ledger }: ModelContext,
  { path, label, unit, note }: Stated,
  figure: Figure | undefined,
  sources: Readonly<Record<string, Source>>,
): string {
  if (figure === undefined) return unknownRow(ledger, { path, label, unit, note })
  const source = sources[figure.source]
  return ledger.input({
    path,
    label,
    unit,
    value: figure.value,
    origin: figure.kind,
    source: source?.title ?? figure.source,
    date: source?.date,
    note: [note, figure.note].filter(Boolean).join('; ') || undefined,
    uncertain: uncertainOf(figure, unit),
  })
}

/** An input that nobody has a figure for: whatever is worked from it is unknown, and says so. */
export function unknownRow(ledger: LedgerBuilder, { path, label, unit, note }: Stated): string {
  return ledger.input({
    path,
    label,
    unit,
    value: undefined,
    origin: 'choice',
    source: 'not known',
    note,
  })
}

/** A number chosen by whoever wrote the scenario, or by its default. */
export function choiceRow(
  { ledger, scenario }: ModelContext,
  row: Stated,
  value: Maybe,
  origin: LedgerInput['origin'] = 'choice',
): string {
  return ledger.input({ ...row, value, origin, source: `scenario ${scenario.name}` })
}

/**
 * A range holds the value; a normal law has 90 % of its weight between its ends and is cut where the figure cannot be: amounts at 0, and
 * a ratio whose range lies on one side of 1 stays on that side, as a share or a PUE does.
 */
export function uncertainOf({ value, range }: Figure, unit: string): Uncertain | undefined {
  if (range === undefined || range.low === range.high) return undefined
  const { low, high, law } = range
  switch (law) {
    case 'uniform':
      return { kind: 'uniform', low, high }
    case 'triangular':
      return { kind: 'triangular', low, mode: value, high }
    case 'normal':
    case 'lognormal':
      return {
        kind: law,
        low,
        high,
        confidenceRatio: RANGE_CONFIDENCE,
        ...limitsOf(low, high, unit, law),
      }
  }
}

function limitsOf(
  low: number,
  high: number,
  unit: string,
  law: 'normal' | 'lognormal',
): { least?: number; most?: number } {
  const isRatio = unit.startsWith('ratio')
  if (isRatio && low >= 1) return { least: 1 }
  return {
    ...(law === 'normal' && low >= 0 ? { least: 0 } : {}),
    ...(isRatio && high <= 1 ? { most: 1 } : {}),
  }
}

const RANGE_CONFIDENCE = 0.9
