import { componentsOf } from '../components.ts'
import type { Ledger } from '../ledger.ts'
import type { OptionOf, Scenario, ScenarioOption } from '../scenario.ts'
import { figureRow, type ModelContext } from './context.ts'

/** Rows that decisions are made by beside the bill: how fast it answers, where that is stated, and the money that is bound. */
export function serviceRows(context: ModelContext, id: string, option: ScenarioOption): void {
  const prefix = `options.${id}`
  const { ttftP95Ms, tokensPerSPerUser } = option.control
  const stated = (name: string, label: string, unit: string, figure: typeof ttftP95Ms) =>
    figure &&
    figureRow(context, { path: `${prefix}.${name}`, label, unit }, figure, context.scenario.sources)
  stated('ttftP95Ms', 'TTFT p95, as stated', 'ms', ttftP95Ms)
  stated(
    'tokensPerSPerUser',
    'Output tokens/s for a user, as stated',
    'tokens/s',
    tokensPerSPerUser,
  )
  if (option.kind === 'hybrid')
    boundRow(context, prefix, `options.${option.base}`, baseOf(context, option))
  else boundRow(context, prefix, prefix, option)
}

function baseOf({ scenario }: ModelContext, { base }: OptionOf<'hybrid'>): ScenarioOption {
  return scenario.options[base] as ScenarioOption
}

/** What is bought before it serves; no row where nothing is. A mix buys by its own count at the prices of its base. */
function boundRow(
  { ledger, scenario }: ModelContext,
  prefix: string,
  pricesAt: string,
  option: ScenarioOption,
): void {
  const bought = componentsOf(option, scenario.capitalMethod).flatMap(
    ({ capital }) => capital ?? [],
  )
  if (bought.length === 0) return
  ledger.result({
    path: `${prefix}.boundUsd`,
    label: 'Money bound before it serves',
    unit: 'USD',
    formula: bought.map(({ count, priceUsd }) => `${count} x ${priceUsd}`).join(' + '),
    from: bought.flatMap(({ count, priceUsd }) => [
      `${prefix}.${count}`,
      `${pricesAt}.${priceUsd}`,
    ]),
    work: (values) => {
      let usd = 0
      for (let i = 0; i < values.length; i += 2)
        usd += (values[i] as number) * (values[i + 1] as number)
      return usd
    },
  })
}

/** What is told of how fast an option answers. */
export const serviceNames = ['ttftP95Ms', 'tokensPerSPerUser'] as const

/** Where a ledger has how fast an option answers: as stated for it; else as measured, where that is of its hardware. */
export function servicePath(
  { scenario, ledger }: { readonly scenario: Scenario; readonly ledger: Ledger },
  id: string,
  option: ScenarioOption,
  name: (typeof serviceNames)[number],
): string | undefined {
  const stated = `options.${id}.${name}`
  const measured = `measured.${name}`
  const has = (wanted: string) => ledger.rows.some(({ path }) => path === wanted)
  if (has(stated)) return stated
  return runsWhatWasMeasured(option, scenario) && has(measured) ? measured : undefined
}

/** Whether an option stands on the hardware that was measured. */
export function runsWhatWasMeasured(
  option: ScenarioOption,
  { hardwareProfile }: Pick<Scenario, 'hardwareProfile'>,
): boolean {
  if (option.kind === 'api' || option.kind === 'hybrid') return false
  return option.hardwareProfile === undefined || option.hardwareProfile === hardwareProfile
}
