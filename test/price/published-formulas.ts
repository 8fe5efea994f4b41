import { type Maybe, product } from '../../src/arithmetic.ts'
import { paretoFront, throughputAt } from '../../src/measure/frontier.ts'
import { type CurvePoint, monotoneCubic } from '../../src/measure/monotone-cubic.ts'
import { allocateByPhaseTime, allocateByPriceRatio } from '../../src/price/allocation/methods.ts'
import { shareMachine } from '../../src/price/allocation/shared-machine.ts'
import {
  type Allocation,
  blendedUsdPerMillion,
  type ClassPrices,
  tokenCounts,
} from '../../src/price/allocation/token-bill.ts'
import { apiUsd, apiUsdPerMillionTokens } from '../../src/price/api-tariff.ts'
import { fractionalServers, wholeServers } from '../../src/price/demand/capacity.ts'
import { poissonQuantile } from '../../src/price/demand/poisson.ts'
import { carbonIntensityG, embodiedShareG } from '../../src/price/electricity/carbon.ts'
import {
  energyUsdPerMillionTokens,
  joulesPerToken,
  joulesPerTokenFromMw,
  windowEnergy,
} from '../../src/price/electricity/energy.ts'
import { buildout, facilityPowerW, nodePowerW } from '../../src/price/electricity/node-power.ts'
import { type DemandIntervalMinutes, demandKw } from '../../src/price/electricity/tariff.ts'
import {
  type Asset,
  capexShares,
  straightLineUsdPerHour,
  straightLineUsdPerMonth,
} from '../../src/price/finance/annuity.ts'
import {
  breakEvenHours,
  breakEvenMillionTokensPerMonth,
  breakEvenUtilisationRatio,
  type Meeting,
  monthsOf,
  paybackMonths,
  thresholdHoursPerDay,
} from '../../src/price/finance/break-even.ts'
import { forwardPrices } from '../../src/price/finance/falling-prices.ts'
import {
  compareOverYears,
  ownedUsdPerHour,
  ownedUsdPerYear,
  purchaseAndEnergy,
  runningCost,
} from '../../src/price/finance/lifetime-cost.ts'
import { usdPerMillionTokensAt } from '../../src/price/frontier/front.ts'
import { hoursPerMonth, type MonthBase } from '../../src/price/month-base.ts'
import {
  compareBills,
  fleetRentUsdPerMonth,
  grossMarginRatio,
  markupRatio,
  millionTokensPerMonth,
  millionTokensPerYear,
  rentUsdPerMonth,
  usdPerMillionTokens,
  usdPerUsedCapacityYear,
  usdPerUsedUnit,
} from '../../src/price/unit-cost.ts'

/** Inputs of a published case, by the names of its file. */
export type Inputs = Readonly<Record<string, unknown>>

/** A number the case gives; unknown when it does not. */
function given(inputs: Inputs, name: string): Maybe {
  const value = inputs[name]
  return typeof value === 'number' ? value : undefined
}

function required(inputs: Inputs, name: string): number {
  const value = given(inputs, name)
  if (value === undefined) throw new Error(`the case has no ${name}`)
  return value
}

function pairs(inputs: Inputs, name: string): CurvePoint[] {
  return inputs[name] as CurvePoint[]
}

function inThousands(value: Maybe): Maybe {
  return product([value, 1000])
}

function fromThousands(value: Maybe): Maybe {
  return product([value, 1 / 1000])
}

function meetingAt(meeting: Meeting): Maybe {
  return meeting.kind === 'at' ? meeting.value : undefined
}

function pricesOf(allocation: Allocation): Partial<ClassPrices> {
  return allocation.kind === 'allocated' ? allocation.usdPerMillion : {}
}

function monthBase(hours: number): MonthBase {
  const found = Object.entries(hoursPerMonth).find(([, value]) => value === hours)
  if (!found) throw new Error(`no month has ${hours} h`)
  return found[0] as MonthBase
}

/** An asset sold for nothing at its end. */
function worthless(priceUsd: Maybe, lifeYears: Maybe): Asset {
  return { priceUsd, residualUsd: 0, lifeYears }
}

function oneStep(input: Maybe, cached: Maybe, output: Maybe) {
  const step = {
    aboveInputTokens: 0,
    usdPerMillionInputTokens: input,
    usdPerMillionCachedInputTokens: cached,
    usdPerMillionOutputTokens: output,
  }
  return { steps: [step], batchRatio: undefined }
}

/** Of tokens/s of one user and tokens/s a GPU. */
function frontOf(points: readonly CurvePoint[]): CurvePoint[] {
  return paretoFront(points, { x: ([user]) => user, y: ([, gpu]) => gpu, better: 'higher' })
}

function isoInteractivity(inputs: Inputs): Record<string, Maybe> {
  const points = pairs(inputs, 'points')
  const front = frontOf(points)
  const rate = given(inputs, 'rate_usd_per_hour')
  const target = required(inputs, 'target')
  const costs = front.map(
    ([user, gpu]): CurvePoint => [user, usdPerMillionTokens(rate, gpu, 1) ?? Number.NaN],
  )
  return {
    tokens_per_second_per_gpu: throughputAt(front, target),
    usd_per_mtok_consistent: usdPerMillionTokensAt(front, target, rate),
    // What the source did and no report of ours does: a curve through the costs themselves.
    usd_per_mtok_separate_spline: monotoneCubic(costs, target),
  }
}

/** How many points the front has, and the throughput at its slow end. */
function frontSize(inputs: Inputs): Record<string, Maybe> {
  const front = frontOf(pairs(inputs, 'points'))
  return { n: front.length, first_y: front[0]?.[1] }
}

function twoPoints(inputs: Inputs): Record<string, Maybe> {
  const xs = inputs.xs as number[]
  const ys = inputs.ys as number[]
  const points = xs.map((x, i): CurvePoint => [x, ys[i] as number])
  return { linear_correct: monotoneCubic(points, required(inputs, 'x')) }
}

function selfHostAgainstApi(inputs: Inputs): Record<string, Maybe> {
  const base = monthBase(required(inputs, 'hours_per_month'))
  const perRequest = tokenCounts(
    required(inputs, 'input_mtok') * 1e6,
    0,
    required(inputs, 'output_mtok') * 1e6,
  )
  const tariff = oneStep(given(inputs, 'price_in'), undefined, given(inputs, 'price_out'))
  const api = apiUsd(tariff, { perRequest, requests: 1, batch: false })
  const own = fleetRentUsdPerMonth(
    given(inputs, 'gpu_usd_per_hour'),
    given(inputs, 'gpus'),
    given(inputs, 'overhead_fraction'),
    base,
  )
  const capacity = millionTokensPerMonth(given(inputs, 'tokens_per_second'), 1, base)
  const blended = apiUsdPerMillionTokens(tariff, { perRequest, batch: false })
  return {
    api_usd_per_month: api,
    selfhost_usd_per_month: own,
    difference_usd: compareBills([api], [own]).savedUsd,
    breakeven_mtok_per_month: meetingAt(breakEvenMillionTokensPerMonth(own, 0, blended, capacity)),
    capacity_mtok_per_month: capacity,
  }
}

function purchase(inputs: Inputs, units: Maybe, powerW: Maybe) {
  return purchaseAndEnergy({
    units,
    usdPerUnit: given(inputs, 'gpu_usd'),
    powerWPerUnit: powerW,
    pueRatio: given(inputs, 'pue'),
    utilisationRatio: given(inputs, 'utilization'),
    usdPerKwh: given(inputs, 'usd_per_kwh'),
    years: given(inputs, 'years'),
  })
}

function pflopYears(inputs: Inputs): Record<string, Maybe> {
  const gpus = given(inputs, 'gpus')
  const { capexUsd, energyUsd, usd } = purchase(inputs, gpus, inThousands(given(inputs, 'kw')))
  return {
    capex_usd: capexUsd,
    energy_usd: energyUsd,
    total_usd: usd,
    usd_per_effective_pflop_year: usdPerUsedCapacityYear(
      usd,
      gpus,
      given(inputs, 'pflops'),
      given(inputs, 'utilization'),
      given(inputs, 'years'),
    ),
  }
}

function facilityBuildout(inputs: Inputs): Record<string, Maybe> {
  const tdpW = given(inputs, 'tdp_w')
  const built = buildout(
    required(inputs, 'facility_mw') * 1e6,
    given(inputs, 'pue'),
    tdpW,
    given(inputs, 'server_overhead'),
  )
  const bill = purchase(inputs, built.gpus, tdpW)
  return {
    gpus: built.gpus,
    it_mw: fromThousands(fromThousands(built.itPowerW)),
    cooling_rt: built.coolingTons,
    capex_usd: bill.capexUsd,
    power_usd_as_published: bill.energyUsd,
  }
}

function hourlyOpex(inputs: Inputs): Record<string, Maybe> {
  const cost = runningCost(
    given(inputs, 'capex_usd'),
    given(inputs, 'annual_support_fraction'),
    given(inputs, 'power_and_cooling_usd_per_hour'),
    given(inputs, 'colo_usd_per_rack_month'),
    monthBase(required(inputs, 'colo_hours_per_month')),
  )
  return {
    support_usd_per_hour: cost.supportUsdPerHour,
    colo_usd_per_hour: cost.colocationUsdPerHour,
    opex_usd_per_hour: cost.usdPerHour,
  }
}

function fiveYears(inputs: Inputs): Record<string, Maybe> {
  const { usd, alternativeUsd, savedUsd, savedRatio } = compareOverYears(
    given(inputs, 'capex_usd'),
    given(inputs, 'opex_usd_per_hour'),
    given(inputs, 'cloud_usd_per_hour'),
    given(inputs, 'years'),
  )
  return {
    onprem_total_usd: usd,
    cloud_total_usd: alternativeUsd,
    net_savings_incl_capex_usd: savedUsd,
    net_savings_incl_capex_fraction: savedRatio,
  }
}

function hoursToBreakEven(inputs: Inputs): Record<string, Maybe> {
  const hours = breakEvenHours(
    given(inputs, 'capex_usd'),
    given(inputs, 'onprem_opex_usd_per_hour'),
    given(inputs, 'cloud_usd_per_hour'),
  )
  const base = monthBase(required(inputs, 'hours_per_month'))
  return { breakeven_hours: meetingAt(hours), breakeven_months: meetingAt(monthsOf(hours, base)) }
}

function servers(inputs: Inputs): Record<string, Maybe> {
  const count = inputs.integer === true ? wholeServers : fractionalServers
  return {
    servers: count(given(inputs, 'peak_rps'), {
      requestsPerSPerInstance: given(inputs, 'rps_per_instance'),
      gpusPerInstance: required(inputs, 'gpus_per_instance'),
      gpusPerServer: required(inputs, 'gpus_per_server'),
    }),
  }
}

function timeSplit(inputs: Inputs): Record<string, Maybe> {
  const bill = given(inputs, 'hourly_usd')
  const tokens = tokenCounts(
    required(inputs, 'prompt_tokens'),
    required(inputs, 'cached_tokens'),
    required(inputs, 'generation_tokens'),
  )
  const prices = pricesOf(
    allocateByPhaseTime(
      bill,
      tokens,
      given(inputs, 'prefill_seconds'),
      given(inputs, 'decode_seconds'),
    ),
  )
  return {
    blended_usd_per_mtok: blendedUsdPerMillion(bill, tokens),
    input_usd_per_mtok: prices.inputTokens,
    output_usd_per_mtok: prices.outputTokens,
    effective_input_tokens: tokens.inputTokens,
  }
}

function ratioSplit(inputs: Inputs): Record<string, Maybe> {
  const requests = 1000
  const tokens = tokenCounts(
    required(inputs, 'input_tokens') * requests,
    0,
    required(inputs, 'output_tokens') * requests,
  )
  const bill = given(inputs, 'total_usd_per_kreq')
  const outputToInput = given(inputs, 'out_in_price_ratio')
  const prices = pricesOf(allocateByPriceRatio(bill, tokens, outputToInput, undefined))
  return { usd_per_mtok_in: prices.inputTokens, usd_per_mtok_out: prices.outputTokens }
}

function idleShares(inputs: Inputs): Record<string, Maybe> {
  const apps = inputs.apps as { name: string; request: number; usage: number }[]
  const { tenants, idleUsdPerHour } = shareMachine(
    given(inputs, 'cores'),
    given(inputs, 'hourly_usd'),
    apps.map(({ name, request, usage }) => ({ name, requestedUnits: request, usedUnits: usage })),
  )
  const byName = tenants.map(({ name, allocationUsdPerHour }) => [name, allocationUsdPerHour])
  return { ...Object.fromEntries(byName), idle: idleUsdPerHour }
}

function cachedCost(inputs: Inputs): Record<string, Maybe> {
  const [input = [0, 0], cached = [0, 0], output = [0, 0]] = pairs(inputs, 'rows')
  const perRequest = tokenCounts(input[0] + cached[0], cached[0], output[0])
  const tariff = oneStep(input[1], cached[1], output[1])
  return { usd: apiUsd(tariff, { perRequest, requests: 1, batch: false }) }
}

function apiRequests(inputs: Inputs): Record<string, Maybe> {
  const tariff = oneStep(given(inputs, 'price_in'), undefined, given(inputs, 'price_out'))
  const perRequest = tokenCounts(
    required(inputs, 'input_tokens'),
    0,
    required(inputs, 'output_tokens'),
  )
  const requests = given(inputs, 'requests') ?? 1
  return { usd: apiUsd(tariff, { perRequest, requests, batch: false }) }
}

function embodied(inputs: Inputs): Record<string, Maybe> {
  return {
    embodied_g: embodiedShareG({
      totalG: given(inputs, 'te_g'),
      reservedHours: given(inputs, 'hours_reserved'),
      lifeHours: given(inputs, 'expected_lifespan_hours'),
      reservedUnits: given(inputs, 'resources_reserved'),
      totalUnits: given(inputs, 'total_resources'),
    }),
  }
}

function trapezoid(inputs: Inputs): Record<string, Maybe> {
  const readings = pairs(inputs, 'samples').map(([atS, powerW]) => ({ atS, powerW }))
  const energy = windowEnergy(readings, required(inputs, 'start'), required(inputs, 'end'), 3)
  return { energy_j: energy?.energyJ, avg_w: energy?.meanPowerW }
}

function nodePower(inputs: Inputs): Record<string, Maybe> {
  const itPowerW = nodePowerW({
    kind: 'parts',
    gpus: given(inputs, 'gpus'),
    gpuPowerW: given(inputs, 'gpu_w'),
    hostPowerW: given(inputs, 'host_w'),
    networkPowerW: given(inputs, 'network_w'),
  })
  return {
    it_kw: fromThousands(itPowerW),
    facility_kw: fromThousands(facilityPowerW(itPowerW, given(inputs, 'pue'))),
  }
}

function clusterCapex(inputs: Inputs): Record<string, Maybe> {
  const parts = ['facility_usd', 'nodes_usd', 'switches_usd', 'cables_usd']
  const { totalUsd, usdPerNode, usdPerGpu } = capexShares(
    parts.map((part) => given(inputs, part)),
    given(inputs, 'nodes'),
    given(inputs, 'gpus_per_node'),
  )
  return { total_usd: totalUsd, usd_per_node: usdPerNode, usd_per_gpu: usdPerGpu }
}

function yearlyBills(inputs: Inputs): Record<string, Maybe> {
  const { usd, alternativeUsd, savedUsd, savedRatio } = compareBills(
    inputs.onprem as number[],
    inputs.cloud as number[],
  )
  return { onprem: usd, cloud: alternativeUsd, savings: savedUsd, savings_fraction: savedRatio }
}

function forwardCurve(inputs: Inputs): Record<string, Maybe> {
  const { meanOfYears2And3, ratioPerYear, year2, year3 } = forwardPrices(
    given(inputs, 'one_year'),
    given(inputs, 'three_year'),
  )
  return { mean_years_2_3: meanOfYears2And3, annual_ratio: ratioPerYear, year2, year3 }
}

/** The formula a case names -> our functions. Only names and units change here. */
export const publishedFormulas: Readonly<
  Record<string, (inputs: Inputs) => Record<string, Maybe>>
> = {
  aii_pflop: pflopYears,
  api_request_cost: apiRequests,
  breakeven_hours: hoursToBreakEven,
  breakeven_volume: (inputs) => ({
    mtok_per_month: meetingAt(
      breakEvenMillionTokensPerMonth(
        given(inputs, 'fixed_usd_per_month'),
        given(inputs, 'self_variable_usd_per_mtok') ?? 0,
        given(inputs, 'api_usd_per_mtok'),
        Number.POSITIVE_INFINITY,
      ),
    ),
  }),
  buildout: facilityBuildout,
  cached_cost: cachedCost,
  energy_usd_per_mtok: (inputs) => ({
    usd_per_mtok: energyUsdPerMillionTokens(
      inThousands(given(inputs, 'kw')),
      given(inputs, 'tokens_per_second'),
      given(inputs, 'usd_per_kwh'),
    ),
  }),
  fleet_tokens: (inputs) => ({
    tokens_per_year_t: fromThousands(
      fromThousands(
        millionTokensPerYear(
          product([given(inputs, 'instances'), given(inputs, 'tokens_per_second')]),
          given(inputs, 'duty'),
        ),
      ),
    ),
    markup: markupRatio(given(inputs, 'price'), given(inputs, 'usd_per_mtok')),
  }),
  forward_price_curve: forwardCurve,
  front_size: frontSize,
  gross_margin: (inputs) => ({
    gross_margin: grossMarginRatio(given(inputs, 'price'), given(inputs, 'cost')),
  }),
  interp_two_point: twoPoints,
  interval_demand: (inputs) => ({
    kw: demandKw(
      given(inputs, 'kwh_per_interval'),
      (60 / required(inputs, 'intervals_per_hour')) as DemandIntervalMinutes,
    ),
  }),
  iso_interactivity: isoInteractivity,
  joules_from_tok_s_mw: (inputs) => ({
    joules_per_token: joulesPerTokenFromMw(given(inputs, 'tokens_per_second_per_mw')),
  }),
  joules_per_token: (inputs) => ({
    joules_per_token: joulesPerToken(
      inThousands(given(inputs, 'kw_per_gpu')),
      given(inputs, 'tokens_per_second_per_gpu'),
    ),
  }),
  k8s_idle: idleShares,
  lenovo_five_year: fiveYears,
  lenovo_hourly_opex: hourlyOpex,
  lenovo_onprem_hourly: (inputs) => ({
    onprem_usd_per_hour: ownedUsdPerHour(
      worthless(given(inputs, 'capex_usd'), given(inputs, 'years')),
      given(inputs, 'opex_usd_per_hour'),
    ),
  }),
  // Reproduced as what it would be right for: a machine rented for 30 % of the month, not one 30 % busy.
  llmtco_month: (inputs) => ({
    usd_per_month: rentUsdPerMonth(
      given(inputs, 'usd_per_hour'),
      given(inputs, 'utilization'),
      '730 h',
    ),
  }),
  measured_j_per_token: (inputs) => ({
    joules_per_token: joulesPerToken(
      given(inputs, 'avg_power_watts'),
      given(inputs, 'tokens_per_second'),
    ),
  }),
  node_power: nodePower,
  nvidia_servers: servers,
  nvidia_yearly_server: (inputs) => ({
    yearly_usd: ownedUsdPerYear(
      worthless(given(inputs, 'initial_usd'), given(inputs, 'depreciation_years')),
      [given(inputs, 'hosting_usd_per_year'), given(inputs, 'licence_usd_per_year')],
    ),
  }),
  opencost_breakeven: (inputs) => ({
    breakeven_utilization: meetingAt(
      breakEvenUtilisationRatio(
        given(inputs, 'self_allocation_usd_per_mtok_at_100pct'),
        given(inputs, 'api_usd_per_mtok'),
      ),
    ),
  }),
  opencost_time_split: timeSplit,
  owned_gpu_hour: (inputs) => ({
    usd_per_gpu_hour: straightLineUsdPerHour(
      worthless(given(inputs, 'capex_usd'), given(inputs, 'years')),
      given(inputs, 'hours_per_year'),
    ),
  }),
  payback_months: (inputs) => ({
    months: meetingAt(
      paybackMonths(
        given(inputs, 'capex_usd'),
        given(inputs, 'local_usd_per_month'),
        given(inputs, 'cloud_usd_per_month'),
      ),
    ),
  }),
  poisson_quantile: (inputs) => ({
    quantile: poissonQuantile(required(inputs, 'mean'), required(inputs, 'p')),
  }),
  sci_embodied: embodied,
  sci_rate: (inputs) => ({
    sci_g_per_unit: carbonIntensityG(
      given(inputs, 'energy_kwh'),
      given(inputs, 'intensity_g_per_kwh'),
      given(inputs, 'embodied_g'),
      given(inputs, 'functional_units'),
    ),
  }),
  selfhost_vs_api: selfHostAgainstApi,
  split_by_ratio: ratioSplit,
  straight_line: (inputs) => ({
    usd_per_month: straightLineUsdPerMonth(
      worthless(given(inputs, 'capex_usd'), required(inputs, 'months') / 12),
    ),
  }),
  sum3: yearlyBills,
  sum_per_node: clusterCapex,
  threshold_hours_per_day: (inputs) => ({
    hours_per_day: meetingAt(
      thresholdHoursPerDay(
        given(inputs, 'onprem_total_usd'),
        given(inputs, 'cloud_usd_per_hour'),
        given(inputs, 'days'),
      ),
    ),
  }),
  trapezoid,
  usd_per_mtok: (inputs) => ({
    usd_per_mtok: usdPerMillionTokens(
      given(inputs, 'rate_usd_per_hour'),
      given(inputs, 'tokens_per_second'),
      given(inputs, 'utilization') ?? 1,
    ),
  }),
  util_curve: (inputs) => ({
    usd_per_used_unit: usdPerUsedUnit(
      given(inputs, 'dedicated_usd_per_unit_at_full_utilization'),
      given(inputs, 'utilization'),
    ),
  }),
  year_tokens: (inputs) => ({
    btok_per_year: fromThousands(millionTokensPerYear(given(inputs, 'tokens_per_second'), 1)),
  }),
}
