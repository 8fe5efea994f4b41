import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors.ts'
import {
  carbonIntensityG,
  embodiedShareG,
  gramsPerThousandTokens,
} from '../../src/price/electricity/carbon.ts'
import {
  colocationUsdPerHour,
  colocationUsdPerMonth,
} from '../../src/price/electricity/colocation.ts'
import {
  energyUsdPerMillionTokens,
  joulesPerToken,
  joulesPerTokenFromMw,
  tokensPerSPerMw,
  windowEnergy,
} from '../../src/price/electricity/energy.ts'
import {
  buildout,
  energyUsd,
  facilityPowerW,
  meanPowerW,
  nodePowerW,
} from '../../src/price/electricity/node-power.ts'
import {
  billedDemand,
  coincidentPeakUsdPerYear,
  demandKw,
  intervalMeansKw,
  monthlyElectricityBill,
} from '../../src/price/electricity/tariff.ts'

describe('what a machine draws', () => {
  test('8 x 700 W + 500 W + 100 W = 6.2 kW, at PUE 1.2 7.44 kW', () => {
    const parts = { kind: 'parts', gpus: 8, gpuPowerW: 700, hostPowerW: 500 } as const
    const powerW = nodePowerW({ ...parts, networkPowerW: 100 })
    expect(powerW).toBe(6200)
    expect(facilityPowerW(powerW, 1.2)).toBeCloseTo(7440, 9)
    expect(nodePowerW({ ...parts, networkPowerW: undefined })).toBeUndefined()
  })

  test('boards of 8 kW in a server that adds 30 %: 10.4 kW; a meter says what it says', () => {
    const server = { kind: 'overhead', gpus: 8, gpuPowerW: 1000 } as const
    expect(nodePowerW({ ...server, overheadRatio: 1.3 })).toBeCloseTo(10_400, 9)
    expect(nodePowerW({ kind: 'whole', powerW: 9000 })).toBe(9000)
    expect(() => nodePowerW({ ...server, overheadRatio: 0.3 })).toThrow(UserError)
  })

  test('no building draws less than its machines', () => {
    expect(() => facilityPowerW(1000, 0.9)).toThrow(UserError)
    expect(facilityPowerW(1000, undefined)).toBeUndefined()
  })

  test('half busy between 200 W and 1,000 W is 600 W; 50 is no utilisation', () => {
    expect(meanPowerW(200, 1000, 0.5)).toBe(600)
    expect(meanPowerW(undefined, 1000, 0.5)).toBeUndefined()
    expect(() => meanPowerW(200, 1000, 50)).toThrow(UserError)
  })

  test('13 kW at PUE 1.25 are room for 8 boards that take 1.3 kW each, a watt less for 7', () => {
    expect(buildout(13_000, 1.25, 1000, 1.3).gpus).toBe(8)
    expect(buildout(12_999, 1.25, 1000, 1.3).gpus).toBe(7)
    expect(buildout(12_999, 1.25, 1000, 1.3).itPowerW).toBeCloseTo(9100, 9)
    expect(buildout(12_999, 1.25, 1000, 1.3).coolingTons).toBeCloseTo(9100 / 3516.8528, 9)
  })

  test('1 kW at PUE 1.5 half the time, for 10 h at 0.20: 1.50 USD', () => {
    expect(energyUsd(1000, 1.5, 0.5, 0.2, 10)).toBeCloseTo(1.5, 12)
  })
})

describe('energy of a window', () => {
  const readings = [
    { atS: 0, powerW: 100 },
    { atS: 10, powerW: 200 },
  ]

  test('from 120 W to 160 W in 4 s: 560 J, 140 W', () => {
    const energy = windowEnergy(readings, 2, 6, 10)
    expect(energy?.energyJ).toBeCloseTo(560, 9)
    expect(energy?.meanPowerW).toBeCloseTo(140, 9)
  })

  test('is unknown where no reading lies on or beyond an end, or two are too far apart', () => {
    expect(windowEnergy(readings, -1, 6, 10)).toBeUndefined()
    expect(windowEnergy(readings, 2, 11, 10)).toBeUndefined()
    expect(windowEnergy(readings, 2, 6, 3)).toBeUndefined()
    expect(windowEnergy([], 2, 6, 3)).toBeUndefined()
    expect(windowEnergy(readings, 6, 6, 10)).toBeUndefined()
  })

  test('readings that end exactly at the window are enough, and a doubled one does no harm', () => {
    const doubled = [...readings, { atS: 10, powerW: 200 }]
    expect(windowEnergy(doubled, 0, 10, 10)?.energyJ).toBe(1500)
  })

  test('1,730 W at 5,000 tokens/s are 0.346 J a token, and 2.89 M tokens/s a megawatt', () => {
    const joules = joulesPerToken(1730, 5000)
    expect(joules).toBeCloseTo(0.346, 12)
    expect(tokensPerSPerMw(joules)).toBeCloseTo(2_890_173.41, 2)
    expect(joulesPerTokenFromMw(tokensPerSPerMw(joules))).toBeCloseTo(0.346, 12)
    expect(joulesPerToken(1730, 0)).toBeUndefined()
  })

  test('2 kW at 0.15 and 230 tokens/s: 0.30 USD for 0.828 M', () => {
    expect(energyUsdPerMillionTokens(2000, 230, 0.15)).toBeCloseTo(0.3 / 0.828, 12)
  })
})

describe('a month of electricity', () => {
  const tariff = {
    energyUsdPerKwh: 0.1,
    demand: { usdPerKwMonth: 15, intervalMinutes: 15, ratchetRatio: 0.8 },
  } as const
  const intervals = [10, 20, 40, 10]

  test('25 kWh in 15 minutes are 100 kW, in 30 minutes 50', () => {
    expect(demandKw(25, 15)).toBe(100)
    expect(demandKw(25, 30)).toBe(50)
  })

  test('an interval is the mean of its readings; a started one does not count', () => {
    expect(intervalMeansKw([10, 30, 20, 40, 99], 2)).toEqual([20, 30])
    expect(intervalMeansKw([10, undefined, 20, 40], 2)).toEqual([undefined, 30])
  })

  test('20 kWh are 2 USD; their one bad quarter of an hour is 600', () => {
    const bill = monthlyElectricityBill(tariff, intervals, 15, [])
    expect(bill.energyKwh).toBe(20)
    expect(bill.energyUsd).toBeCloseTo(2, 12)
    expect(bill.peakKw).toBe(40)
    expect(bill.demandUsd).toBe(600)
    expect(bill.usd).toBeCloseTo(602, 12)
  })

  test('a ratchet bills 80 % of a peak of 60 kW up to 11 months later', () => {
    expect(monthlyElectricityBill(tariff, intervals, 15, [60]).billedDemandKw).toBe(48)
    const eleven = Array.from({ length: 11 }, () => 30)
    expect(billedDemand(40, [60, ...eleven], 0.8)).toBe(40)
    expect(billedDemand(40, [60, ...eleven.slice(1)], 0.8)).toBe(48)
    expect(billedDemand(40, [60], 0)).toBe(40)
    expect(billedDemand(40, [undefined], 0.8)).toBeUndefined()
    expect(() => billedDemand(40, [60], 80)).toThrow(UserError)
  })

  test('intervals of 30 minutes do not tell a demand of 15', () => {
    const bill = monthlyElectricityBill(tariff, intervals, 30, [])
    expect(bill.demandUsd).toBeUndefined()
    expect(bill.usd).toBeUndefined()
  })

  test('without a demand charge there is energy alone', () => {
    const bill = monthlyElectricityBill({ energyUsdPerKwh: 0.1 }, intervals, 15, [])
    expect(bill.demandUsd).toBe(0)
    expect(bill.usd).toBeCloseTo(2, 12)
    expect(monthlyElectricityBill(tariff, [10, undefined], 15, []).usd).toBeUndefined()
  })

  test('four grid peaks with a mean of 100 kW at 50 USD: 5,000 a year', () => {
    expect(coincidentPeakUsdPerYear([100, 120, 80, 100], 50)).toBe(5000)
    expect(coincidentPeakUsdPerYear([100, undefined], 50)).toBeUndefined()
    expect(coincidentPeakUsdPerYear([], 50)).toBeUndefined()
  })
})

describe('colocation', () => {
  const dense = { racks: 2, aboveKwPerRack: 50, surchargeRatio: 0.25 }

  test('10.4 kW at 184: 1,913.60 a month, 2.62 an hour of 730', () => {
    const colocation = { contractedKw: 10.4, usdPerKwMonth: 184 }
    expect(colocationUsdPerMonth(colocation)).toBeCloseTo(1913.6, 9)
    expect(colocationUsdPerHour(colocation, '730 h')).toBeCloseTo(2.62137, 6)
  })

  test('120 kW in 2 racks pay a quarter more, 100 kW do not', () => {
    expect(colocationUsdPerMonth({ contractedKw: 120, usdPerKwMonth: 184, dense })).toBeCloseTo(
      27_600,
      9,
    )
    expect(colocationUsdPerMonth({ contractedKw: 100, usdPerKwMonth: 184, dense })).toBe(18_400)
  })

  test('how dense it is has to be known, and no rack holds nothing', () => {
    const unknown = { ...dense, racks: undefined }
    expect(colocationUsdPerMonth({ contractedKw: 1, usdPerKwMonth: 1, dense: unknown })).toBe(
      undefined,
    )
    const none = { ...dense, racks: 0 }
    expect(() => colocationUsdPerMonth({ contractedKw: 1, usdPerKwMonth: 1, dense: none })).toThrow(
      UserError,
    )
  })
})

describe('carbon', () => {
  const server = {
    totalG: 1_000_000,
    reservedHours: 1,
    lifeHours: 35_040,
    reservedUnits: 4,
    totalUnits: 8,
  }

  test('half a server of 1,000 kg for one of its 35,040 h: 14.27 g', () => {
    expect(embodiedShareG(server)).toBeCloseTo(14.269406, 6)
    expect(() => embodiedShareG({ ...server, reservedUnits: 9 })).toThrow(UserError)
    expect(() => embodiedShareG({ ...server, lifeHours: 0 })).toThrow(UserError)
  })

  test('eShoppen’s application tier is 27.07 g, not the 26.178 that were published', () => {
    // 0.02394 kWh x 951 g/kWh + 4.3005 g.
    expect(carbonIntensityG(0.02394, 951, 4.3005, 1)).toBeCloseTo(27.06744, 9)
  })

  test('1 kW at PUE 1.2 and 400 g/kWh, with 20 g of hardware, for 360 thousand tokens: 1.389 g each', () => {
    expect(gramsPerThousandTokens(1000, 1.2, 400, 20, 100)).toBeCloseTo(500 / 360, 12)
    expect(gramsPerThousandTokens(1000, 1.2, 400, undefined, 100)).toBeUndefined()
    expect(() => gramsPerThousandTokens(1000, 0.8, 400, 20, 100)).toThrow(UserError)
  })
})
