import type { Maybe } from '../../arithmetic.ts'
import { scaledFigure } from '../../figure.ts'
import { findProfile, rentalOf } from '../catalogue.ts'
import { componentsOf } from '../components.ts'
import { type LoadShape, meanOver } from '../demand/load-shape.ts'
import { servingServers } from '../fleet.ts'
import type { RentalPrice } from '../price-sheet.ts'
import type { OptionOf } from '../scenario.ts'
import { wholeUp } from '../whole.ts'
import { billRows } from './bill.ts'
import { choiceRow, figureRow, type ModelContext, unknownRow } from './context.ts'
import { countRows, servingRow } from './fleet-rows.ts'
import { busyRows, extraRows, fullUseRows, throughputRow } from './machine.ts'

/** Rows of rented machines: a unit is the smallest that can be rented and holds the model, alone or with others. */
export function rentedRows(context: ModelContext, id: string, option: OptionOf<'rented'>): void {
  const prefix = `options.${id}`
  const rental = rentalOf(option, context.subject, context.scenario, context.catalogue)
  const profile =
    option.hardwareProfile === undefined
      ? context.profile
      : findProfile(context.catalogue, option.hardwareProfile)
  priceRows(context, prefix, option, rental)
  extraRows(context, prefix, option)
  choiceRow(
    context,
    {
      path: `${prefix}.gpusPerServer`,
      label: 'GPUs in a rented machine',
      unit: 'units/server',
      note: rental === undefined ? undefined : profile?.name,
    },
    rental && gpusPerUnit(rental.entry, context.units),
    'specification',
  )
  throughputRow(context, prefix)
  rentedFleetRows(context, prefix, option)
  const components = componentsOf(option, context.scenario.capitalMethod)
  billRows(context.ledger, prefix, components)
  fullUseRows(context, prefix, components)
}

/** Where any number of GPUs can be rented, a machine is as many as serve the model together. */
function gpusPerUnit({ billed, gpus }: RentalPrice, units: Maybe): Maybe {
  return billed === 'per-gpu' ? units : gpus
}

function priceRows(
  context: ModelContext,
  prefix: string,
  option: OptionOf<'rented'>,
  rental: ReturnType<typeof rentalOf>,
): void {
  const row = { path: `${prefix}.rentUsdPerHour`, label: 'Rent', unit: 'USD/h/machine' }
  const own = context.scenario.sources
  if (rental === undefined)
    unknownRow(context.ledger, { ...row, note: 'no rental price of this hardware is known' })
  else {
    const { entry, sources } = rental
    const perGpu = entry.billed === 'per-gpu'
    const gpus = perGpu ? context.units : entry.gpus
    const scale = gpus === undefined ? undefined : gpus / entry.gpus
    const note = `${entry.provider} ${entry.sku}, ${entry.commitment}${perGpu ? ', by the GPU' : ''}`
    if (scale === undefined) unknownRow(context.ledger, { ...row, note })
    else figureRow(context, { ...row, note }, scaledFigure(entry.usdPerHour, scale), sources)
  }
  if (option.discountRatio)
    figureRow(
      context,
      { path: `${prefix}.discountRatio`, label: 'Discount', unit: 'ratio' },
      option.discountRatio,
      own,
    )
  const available = {
    path: `${prefix}.availabilityRatio`,
    label: 'Time that rented machines are there',
    unit: 'ratio',
  }
  if (option.availabilityRatio) figureRow(context, available, option.availabilityRatio, own)
  else choiceRow(context, { ...available, note: 'none stated: all the time' }, 1)
}

function rentedFleetRows(
  { ledger, shape }: ModelContext,
  prefix: string,
  { scaling }: OptionOf<'rented'>,
): void {
  const at = (name: string) => `${prefix}.${name}`
  servingRow(ledger, prefix, 'Machines that carry the peak')
  switch (scaling) {
    case 'always-on':
      ledger.result({
        path: at('servers'),
        label: 'Machines rented around the clock',
        unit: 'servers',
        formula: 'ceil(servingServers / availabilityRatio)',
        from: [at('servingServers'), at('availabilityRatio')],
        work: ([serving = 0, available = 0]) => wholeUp(serving / available),
      })
      break
    case 'follow-load':
      ledger.result({
        path: at('servers'),
        label: 'Machines rented, mean over the hours',
        unit: 'servers',
        formula:
          'mean over the hours of ceil(load x withinHourFactor / outputTokensPerSPerServer), in whole deployments, none in an hour that wants nothing, / availabilityRatio',
        from: [
          'demand.meanOutputTokensPerS',
          'demand.withinHourFactor',
          at('outputTokensPerSPerServer'),
          at('serversPerDeployment'),
          at('availabilityRatio'),
        ],
        work: ([mean = 0, factor = 0, perServer = 0, group = 0, available = 0]) =>
          followingServers(shape, mean, factor, perServer, group, available),
      })
  }
  countRows(ledger, prefix, { machine: 'machine', rulesAt: prefix, rented: true })
  busyRows(ledger, prefix)
}

function followingServers(
  shape: LoadShape,
  mean: number,
  factor: number,
  perServer: number,
  group: number,
  available: number,
): Maybe {
  if (!(perServer > 0)) return undefined
  const servers = meanOver(shape, mean, (load) =>
    load > 0 ? Math.max(group, servingServers(load * factor, perServer, group) ?? 0) : 0,
  )
  return servers / available
}

/**
 * Machines rented for a demand, by the same rules.
 *
 * @param values mean output tokens/s, highest hour / mean, peak inside an hour / its mean, output tokens/s of a machine, machines of a
 *   deployment, time that machines are there
 */
export function rentedServers(
  scaling: OptionOf<'rented'>['scaling'],
  shape: LoadShape,
  values: readonly number[],
): Maybe {
  const [mean = 0, peak = 0, factor = 0, perServer = 0, group = 0, available = 0] = values
  switch (scaling) {
    case 'always-on': {
      const serving = servingServers(mean * peak * factor, perServer, group)
      return serving === undefined ? undefined : wholeUp(serving / available)
    }
    case 'follow-load':
      return followingServers(shape, mean, factor, perServer, group, available)
  }
}
