import type { Exclusion } from './cost-report.ts'
import type { Requirement, Scenario, ScenarioOption } from './scenario.ts'

type Control = ScenarioOption['control']
type Requirements = Scenario['requirements']

/** Requirements that an option does not meet, or does not say that it meets: silence is no compliance. A mix answers for both its parts. */
export function exclusionsOf(option: ScenarioOption, scenario: Scenario): Exclusion[] {
  const { requirements } = scenario
  return requirementNames.flatMap((requirement) => {
    if (requirements[requirement] === undefined) return []
    const whys = partsOf(option, scenario).flatMap(({ id, control }) => {
      const why = judges[requirement](control, requirements)
      return why === undefined ? [] : [id === undefined ? why : `${id}: ${why}`]
    })
    return whys.length === 0 ? [] : [{ requirement, why: whys.join('; ') }]
  })
}

export const requirementNames = [
  'dataResidency',
  'airGap',
  'operatorJurisdiction',
  'certifications',
  'dataClass',
] as const satisfies readonly Requirement[]

interface Part {
  /** Of an option that a mix is made of. */
  readonly id?: string
  readonly control: Control
}

function partsOf(option: ScenarioOption, { options }: Scenario): Part[] {
  if (option.kind !== 'hybrid') return [option]
  return [option.base, option.api].flatMap((id) => {
    const part = options[id]
    return part === undefined ? [] : [{ id, control: part.control }]
  })
}

/** Why an option fails a requirement; nothing where it meets it. To add a requirement, add its judge here. */
const judges: Readonly<
  Record<Requirement, (control: Control, wanted: Requirements) => string | undefined>
> = {
  dataResidency: ({ dataLocation }, { dataResidency = [] }) =>
    placeFails(dataLocation, dataResidency, 'where data is processed'),
  airGap: ({ airGapped }) =>
    airGapped === true
      ? undefined
      : airGapped === false
        ? 'it is not cut off from networks'
        : 'nobody says that it is cut off from networks',
  operatorJurisdiction: ({ operatorJurisdiction: operator }, { operatorJurisdiction = [] }) =>
    operator === 'own'
      ? undefined
      : placeFails(operator, operatorJurisdiction, 'whose law its operator answers to'),
  certifications: ({ certifications = [] }, { certifications: wanted = [] }) => {
    const lacking = wanted.filter((name) => !certifications.some((held) => covers(held, name)))
    return lacking.length === 0 ? undefined : `nobody says that it has ${lacking.join(', ')}`
  },
  dataClass: ({ dataClasses }, { dataClass = '' }) =>
    dataClasses?.includes(dataClass) ? undefined : `nobody says that it may hold ${dataClass} data`,
}

function placeFails(
  place: string | undefined,
  allowed: readonly string[],
  what: string,
): string | undefined {
  if (place === undefined) return `nobody says ${what}`
  if (allowed.some((each) => isIn(place, each))) return undefined
  const hint = place === 'premises' ? ' (say in which country the premises are)' : ''
  return `${what}: ${place}, not ${allowed.join(' or ')}${hint}`
}

function isIn(place: string, area: string): boolean {
  return place === area || (unions[area]?.includes(place) ?? false)
}

const eu = 'AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE'.split(
  ' ',
)

/** Members, ISO 3166-1 (European Union, 27 since 2020; the Area adds Iceland, Liechtenstein and Norway). */
const unions: Readonly<Record<string, readonly string[]>> = {
  EU: eu,
  EEA: ['EU', ...eu, 'IS', 'LI', 'NO'],
}

/** Certifications in levels, lowest first: a higher one holds the lower ones too. */
const ladders: readonly (readonly string[])[] = [
  // European Commission, Cloud Sovereignty Framework v1.2.1 (October 2025): the least level of all objectives.
  ['SEAL-0', 'SEAL-1', 'SEAL-2', 'SEAL-3', 'SEAL-4'],
  ['FedRAMP Low', 'FedRAMP Moderate', 'FedRAMP High'],
  // US Department of Defense, Cloud Computing Security Requirements Guide.
  ['IL2', 'IL4', 'IL5', 'IL6'],
]

function covers(held: string, wanted: string): boolean {
  if (held === wanted) return true
  const ladder = ladders.find((levels) => levels.includes(wanted))
  return ladder !== undefined && ladder.indexOf(held) >= ladder.indexOf(wanted)
}
