import type { Scenario, ScenarioOption } from './scenario.ts'

/** Whether an option buys machines: on its own, or as the base of a mix. */
function ownsMachines(option: ScenarioOption, { options }: Scenario): boolean {
  const base = option.kind === 'hybrid' ? options[option.base] : option
  return base?.kind === 'owned' || base?.kind === 'colocated'
}

/** Every option that buys machines against every one that does not, in the order of the scenario. */
export function investments(scenario: Scenario): { option: string; against: string }[] {
  const all = Object.entries(scenario.options)
  const owning = all.filter(([, option]) => ownsMachines(option, scenario))
  const others = all.filter(([, option]) => !ownsMachines(option, scenario))
  return owning.flatMap(([option]) => others.map(([against]) => ({ option, against })))
}
