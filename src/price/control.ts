import type { Exclusion } from './cost-report.ts'
import type { Requirement, Scenario, ScenarioOption } from './scenario.ts'

type Control = ScenarioOption['control']
type Requirements = Scenario['requirements']

/** Requirements that an option does not meet, or does not say that it meets: silence is no compliance. A mix answers for both its parts. */
export function exclusionsOf(option: ScenarioOption, scenario: Scenario): Exclusion[] {
  const parts = partsOf(option, scenario)
  return requirementNames.flatMap((requirement) => {
    if (scenario.requirements[requirement] === undefined) return []
    const why = parts
      .map(({ control }) => judges[requirement](control, scenario.requirements))
      .find((reason) => reason !== undefined)
    return why === undefined ? [] : [{ requirement, why }]
  })
}

const requirementNames = [
  'dataResidency',
  'airGap',
  'operatorJurisdiction',
  'certifications',
  'dataClass',
] as const satisfies readonly Requirement[]

function partsOf(option: ScenarioOption, { options }: Scenario): ScenarioOption[] {
  if (option.kind !== 'hybrid') return [option]
  return [options[option.base], options[option.api]].filter((part) => part !== undefined)
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
    const lacking = wanted.filter((name) => !certifications.includes(name))
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
  if (place === 'premises' || allowed.some((each) => isIn(place, each))) return undefined
  return `${what}: ${place}, not ${allowed.join(' or ')}`
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
