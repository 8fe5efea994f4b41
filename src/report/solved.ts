import type { Maybe } from '../arithmetic.ts'
import type { Indifference } from '../price/uncertainty/indifference.ts'
import { exactText } from './explain.ts'
import { refuseNonNumbers } from './json.ts'
import { plainText } from './plain-text.ts'
import { wrap } from './text.ts'

/** What one input would have to be for two options to cost the same, for a terminal. */
export function solvedText(solved: Indifference, notices: readonly string[]): string {
  const { input, label, unit, value, low, high } = solved
  const lines = [
    ...notices.flatMap((notice) => wrap(notice, '', '  ')),
    ...(notices.length === 0 ? [] : ['']),
    ...wrap(`${input} = ${exactText({ value, unit })} (${plainText(label)})`, '', '  '),
    ...answerLines(solved).flatMap((line) => wrap(line, '', '  ')),
    ...wrap(
      `Sought from ${exactText({ value: low, unit })} to ${exactText({ value: high, unit })}, all else as it is. ${solved.explanation}`,
      '',
      '  ',
    ),
  ]
  return `${lines.join('\n')}\n`
}

function answerLines(solved: Indifference): string[] {
  const { outcome, optionA, optionB, places, unit } = solved
  switch (outcome) {
    case 'at':
      return places.map((place) => {
        const at = exactText({ value: place.value, unit })
        const how = place.jumps ? 'their bills step over each other' : 'they cost the same'
        return `At ${at} ${how}: below it ${cheaper(place.cheaperBelow)}, above it ${cheaper(place.cheaperAbove)}.`
      })
    case 'never':
      return [`There is no such value: ${solved.dearer} stays dearer.`]
    case 'same':
      return [`${optionA} and ${optionB} cost the same whatever it is.`]
    case 'unknown':
      return ['n/a: a bill is not known.']
  }
}

function cheaper(option: string | undefined): string {
  return option === undefined ? 'they cost the same' : `${option} costs less`
}

/** The same for programs, where an unknown value is an absent key. */
export interface SolvedJson extends Omit<Indifference, 'value' | 'low' | 'high'> {
  readonly value?: Maybe
  readonly low?: Maybe
  readonly high?: Maybe
  readonly notice: readonly string[]
  readonly schemaVersion: 1
  readonly kind: 'baremark-indifference'
}

export function solvedJson(solved: Indifference, notice: readonly string[]): string {
  const document: SolvedJson = {
    notice,
    schemaVersion: 1,
    kind: 'baremark-indifference',
    ...solved,
  }
  return `${JSON.stringify(document, refuseNonNumbers, 2)}\n`
}
