import { optionsInOrder } from './build-ledger.ts'
import { type Catalogue, entriesOf, rentalOf } from './catalogue.ts'
import { requirementNames } from './control.ts'
import type {
  CostFigure,
  CostOption,
  CostUncertainty,
  Decision,
  DecisionCriterion,
  DecisionFact,
} from './cost-report.ts'
import { decisionScores } from './decision-scores.ts'
import { runsWhatWasMeasured, serviceNames, servicePath } from './options/service.ts'
import { type Priced, requirementPrices } from './requirement-price.ts'
import type { Requirement, ScenarioOption } from './scenario.ts'
import type { PricedPoint, Subject } from './subject.ts'

/** All that a decision is laid out from. */
export interface DecisionContext {
  readonly subject: Subject
  readonly point: PricedPoint | undefined
  readonly priced: Priced
  readonly catalogue: Catalogue
  readonly options: readonly CostOption[]
  readonly uncertainty?: CostUncertainty
}

/** Cost, performance, security and control of every option side by side, what each requirement costs, and scores where weights were given. */
export function decide(context: DecisionContext): { decision: Decision; figures: CostFigure[] } {
  const { subject, point, priced, catalogue } = context
  const { scenario } = priced
  const requirements = requirementPrices(subject, point, priced, catalogue)
  const scores = decisionScores(priced)
  return {
    decision: {
      options: optionsInOrder(scenario).map(([id, option]) => ({
        option: id,
        facts: factsOf(context, id, option),
        score: scores.paths.get(id),
      })),
      requirements: requirements.prices,
      requirementsUsdPerYear: requirements.togetherUsdPerYear,
    },
    figures: [...requirements.figures, ...scores.figures],
  }
}

function factsOf(
  context: DecisionContext,
  id: string,
  option: ScenarioOption,
): Record<DecisionCriterion, DecisionFact[]> {
  return {
    cost: costFacts(context, id),
    performance: performanceFacts(context, id, option),
    security: securityFacts(context, id, option),
    control: controlFacts(context, id, option),
  }
}

function costFacts({ priced, uncertainty }: DecisionContext, id: string): DecisionFact[] {
  const at = (name: string) => `options.${id}.${name}`
  const bound = at('boundUsd')
  const simulated = uncertainty?.options.find(({ option }) => option === id)
  return [
    { label: 'A million output tokens', path: at('usdPerMillionOutputTokens') },
    { label: 'A year', path: at('usdPerYear') },
    priced.values.has(bound)
      ? { label: 'Money bound', path: bound }
      : { label: 'Money bound', text: 'none' },
    ...(simulated ? [{ label: 'Chance of being cheapest', path: simulated.cheapest }] : []),
  ]
}

const serviceLabels = {
  ttftP95Ms: 'TTFT p95',
  tokensPerSPerUser: 'Output tokens/s for a user',
} as const

/** As stated for the option; else as measured at the priced load, where that is of its hardware. */
function performanceFacts(
  context: DecisionContext,
  id: string,
  option: ScenarioOption,
): DecisionFact[] {
  const { scenario } = context.priced
  if (option.kind === 'hybrid')
    return [option.base, option.api].flatMap((part) =>
      performanceFacts(context, part, scenario.options[part] as ScenarioOption).map((fact) => ({
        ...fact,
        label: `${fact.label}, ${part}`,
      })),
    )
  return serviceNames.map((name) => {
    const label = serviceLabels[name]
    const path = servicePath(context.priced, id, option, name)
    return path === undefined ? { label, text: unmeasured(context, option) } : { label, path }
  })
}

function unmeasured({ priced, point }: DecisionContext, option: ScenarioOption): string {
  if (option.kind === 'api') return 'not measured here'
  if (!runsWhatWasMeasured(option, priced.scenario)) return 'measured on other hardware only'
  return point === undefined ? 'no load could be priced' : 'not known at the priced load'
}

/** Both parts of a mix, each with its name; of another option itself. */
function eachPart(
  { scenario }: Priced,
  option: ScenarioOption,
  id: string,
  say: (option: ScenarioOption, id: string) => string,
): string {
  if (option.kind !== 'hybrid') return say(option, id)
  const parts = [option.base, option.api].map((part) => ({
    part,
    text: say(scenario.options[part] as ScenarioOption, part),
  }))
  const [first, second] = parts
  return first?.text === second?.text
    ? (first?.text ?? '')
    : parts.map(({ part, text }) => `${part}: ${text}`).join('; ')
}

const NOT_STATED = 'not stated'

function securityFacts(
  { priced, options }: DecisionContext,
  id: string,
  option: ScenarioOption,
): DecisionFact[] {
  const stated = (
    label: string,
    of: (control: ScenarioOption['control']) => string | undefined,
  ) => ({
    label,
    text: eachPart(priced, option, id, ({ control }) => of(control) ?? NOT_STATED),
  })
  const failed = options.find((each) => each.id === id)?.excluded ?? []
  return [
    stated('Data is processed in', ({ dataLocation }) => dataLocation),
    stated('Its operator answers to the law of', ({ operatorJurisdiction: operator }) =>
      operator === 'own' ? 'your own country' : operator,
    ),
    stated('Certifications', ({ certifications }) => certifications?.join(', ')),
    stated('Data it may hold', ({ dataClasses }) => dataClasses?.join(', ')),
    ...requirementNames
      .filter((name) => priced.scenario.requirements[name] !== undefined)
      .map((name) => {
        const why = failed.find(({ requirement }) => requirement === name)?.why
        return {
          label: `Required: ${requirementLabels[name]}`,
          text: why === undefined ? 'met' : `not met: ${why}`,
        }
      }),
  ]
}

const requirementLabels: Readonly<Record<Requirement, string>> = {
  dataResidency: 'data stays in place',
  airGap: 'no network',
  operatorJurisdiction: 'no law of others',
  certifications: 'certifications',
  dataClass: 'class of data',
}

function controlFacts(
  context: DecisionContext,
  id: string,
  option: ScenarioOption,
): DecisionFact[] {
  const say = (label: string, of: (option: ScenarioOption, id: string) => string) => ({
    label,
    text: eachPart(context.priced, option, id, of),
  })
  const base = option.kind === 'hybrid' ? option.base : id
  const residual = `options.${base}.residualRatio`
  return [
    say('Operated by', (part) => operatorOf(context, part)),
    say('Cut off from networks', ({ control: { airGapped } }) =>
      airGapped === undefined ? NOT_STATED : airGapped ? 'yes' : 'no',
    ),
    say('Prices are fixed', (part) => fixedFor(context, part)),
    say('Can be left', (part) => exitOf(context, part)),
    ...(context.priced.values.has(residual)
      ? [{ label: 'Left of the price of servers', path: residual }]
      : []),
    say('Tied to', (part) => tiedTo(context, part)),
  ]
}

function operatorOf({ catalogue }: DecisionContext, option: ScenarioOption): string {
  switch (option.kind) {
    case 'owned':
      return 'you'
    case 'colocated':
      return 'you, in the building of others'
    case 'rented':
      return 'you, on machines of others'
    case 'api':
      return apiOf(catalogue, option.api)?.provider ?? NOT_STATED
    case 'hybrid':
      return ''
  }
}

function apiOf(catalogue: Catalogue, id: string) {
  return entriesOf(catalogue, 'api').find(({ entry }) => entry.id === id)?.entry
}

/** How long a rent holds; nothing where no offer is known. */
function commitmentOf(
  { subject, priced, catalogue }: DecisionContext,
  option: Extract<ScenarioOption, { kind: 'rented' }>,
) {
  return rentalOf(option, subject, priced.scenario, catalogue)?.entry.commitment
}

function fixedFor(context: DecisionContext, option: ScenarioOption): string {
  switch (option.kind) {
    case 'owned':
      return 'of what is bought; not of energy and people'
    case 'colocated':
      return 'of what is bought, and of space by its contract; not of people'
    case 'rented': {
      const commitment = commitmentOf(context, option)
      return commitment === undefined ? NOT_STATED : commitments[commitment].fixed
    }
    case 'api': {
      const from = apiOf(context.catalogue, option.api)?.from
      return from === undefined ? 'no' : `no; these are of ${from}`
    }
    case 'hybrid':
      return ''
  }
}

const commitments = {
  'on-demand': { fixed: 'no', exit: 'at any hour' },
  '1-year': { fixed: 'for a year', exit: 'after a year; idle hours are paid' },
  '3-year': { fixed: 'for three years', exit: 'after three years; idle hours are paid' },
  spot: { fixed: 'no, and machines can be taken away', exit: 'at any hour' },
  'capacity-block': { fixed: 'for the block that is booked', exit: 'after that block' },
} as const

function exitOf(context: DecisionContext, option: ScenarioOption): string {
  switch (option.kind) {
    case 'owned':
      return 'by selling what was bought'
    case 'colocated':
      return "by selling what was bought, at the end of the space's contract"
    case 'rented': {
      const commitment = commitmentOf(context, option)
      return commitment === undefined ? NOT_STATED : commitments[commitment].exit
    }
    case 'api':
      return 'at any time'
    case 'hybrid':
      return ''
  }
}

function tiedTo({ catalogue }: DecisionContext, option: ScenarioOption): string {
  switch (option.kind) {
    case 'owned':
    case 'colocated':
    case 'rented':
      return 'the hardware; any model that fits it'
    case 'api':
      return `${apiOf(catalogue, option.api)?.model ?? 'the model'}, as its provider serves it`
    case 'hybrid':
      return ''
  }
}
