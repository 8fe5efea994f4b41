import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { onRunClock, readWallMeter } from '../../../src/detect/telemetry/wall-meter.ts'
import { UserError } from '../../../src/errors.ts'
import { fixtures } from './world.ts'

const noon = Date.parse('2026-03-01T12:00:00Z')
const rows = (...lines: readonly string[]) => lines.join('\n')
const readings = (text: string) => readWallMeter(text).readings
const two = [
  { epochMs: noon, powerW: 400 },
  { epochMs: noon + 1000, powerW: 410.5 },
]

test.each([
  [
    'ISO 8601 in UTC',
    rows('time,watts', '2026-03-01T12:00:00Z,400', '2026-03-01T12:00:01.000Z,410.5'),
  ],
  [
    'ISO 8601 with an offset',
    rows('Timestamp,Power (W)', '2026-03-01 13:00:00+01:00,400', '2026-03-01 13:00:01+0100,410.5'),
  ],
  ['seconds since 1970', rows('epoch_s,power_w', `${noon / 1000},400`, `${noon / 1000 + 1},410.5`)],
  ['milliseconds since 1970', rows('timestamp (ms),watts', `${noon},400`, `${noon + 1000},410.5`)],
  ['kilowatts', rows('time,power (kW)', '2026-03-01T12:00:00Z,0.4', '2026-03-01T12:00:01Z,0.4105')],
  [
    'semicolons, a decimal comma, CRLF, a mark at the start and a remark',
    '\uFEFF# meter 7\r\n"Time";"Volts";"Watts"\r\n2026-03-01T12:00:00Z;230,1;400\r\n2026-03-01T12:00:01Z;230,0;410,5\r\n',
  ],
])('%s is read', (_name, text) => {
  expect(readings(text)).toEqual(two)
})

describe('what would need a guess is refused', () => {
  test.each([
    [
      'a time without a zone',
      rows('time,watts', '2026-03-01T12:00:00,1', '2026-03-01T12:00:01,1'),
      'which zone',
    ],
    [
      'a time from the start of the log',
      rows('time,watts', '0,1', '1,1'),
      'neither seconds nor milliseconds',
    ],
    [
      'seconds that are said to be ms',
      rows('time_ms,watts', '1772366400,1', '1772366401,1'),
      'said to be in ms',
    ],
    [
      'a date the other way about',
      rows('time,watts', '01/03/2026 12:00,1', '01/03/2026 12:01,1'),
      'no time of ISO',
    ],
    ['two columns of power', rows('time,watts,power', '1,2,3', '2,3,4'), 'More than one'],
    ['no column of power', rows('time,volts', '1,2', '2,3'), 'None of its columns is the power'],
    [
      'mW, which may be milli or mega',
      rows('time,power (mW)', '1,2', '2,3'),
      'milliwatts or megawatts',
    ],
    [
      'a comma that may part thousands',
      rows('time;watts', '1772366400;1,234', '1772366401;1,235'),
      'thousands',
    ],
    [
      'a decimal comma between commas',
      rows('time,watts', '1772366400,1,5', '1772366401,1,5'),
      '3 cells for 2',
    ],
    ['times that go back', rows('time,watts', '1772366401,1', '1772366400,1'), 'do not only rise'],
    [
      'times that stand still',
      rows('time,watts', '1772366400,1', '1772366400,2'),
      'do not only rise',
    ],
    ['a power below 0', rows('time,watts', '1772366400,1', '1772366401,-2'), 'a power of -2 W'],
    ['a word for a power', rows('time,watts', '1772366400,1', '1772366401,off'), 'no power'],
    ['one reading', rows('time,watts', '1772366400,1'), 'fewer than two'],
    ['nothing', '', 'no column titles'],
  ])('%s', (_name, text, problem) => {
    expect(() => readWallMeter(text)).toThrow(UserError)
    expect(() => readWallMeter(text)).toThrow(problem)
  })
})

test('a reading that the meter says it does not have is left out, not 0', () => {
  const log = readWallMeter(
    rows(
      'time,watts',
      `${noon},400`,
      `${noon + 500},N/A`,
      `${noon + 750},`,
      `${noon + 1000},410.5`,
    ),
  )
  expect(log.readings).toEqual(two)
  expect(log.skippedLines).toBe(2)
})

test('a hole of more than three periods is told, where it lies in the run too', () => {
  const seconds = [0, 1, 2, 3, 8, 9]
  const log = readWallMeter(
    rows('time,watts', ...seconds.map((second) => `${noon + second * 1000},400`)),
  )
  expect(log.periodMs).toBe(1000)
  expect(log.gaps).toEqual([{ fromEpochMs: noon + 3000, toEpochMs: noon + 8000 }])
  const { device } = onRunClock(log, { epoch: '2026-03-01T12:00:00.000Z', offsetMs: 0 })
  expect(device.lacks?.join()).toContain('2026-03-01T12:00:03.000Z to 2026-03-01T12:00:08.000Z')
})

test('readings come onto the run’s clock by its epoch and what the user says of the meter’s clock', () => {
  const log = readWallMeter(rows('time,watts', `${noon},400`, `${noon + 1000},410.5`))
  // The run began 2 s before noon; the meter is 150 ms behind, so its noon was 150 ms later.
  const run = { epoch: '2026-03-01T11:59:58.000Z', offsetMs: 150 }
  const { device, readings: onClock } = onRunClock(log, run)
  expect(onClock).toEqual([
    { atMs: 2150, powerAverageW: 400 },
    { atMs: 3150, powerAverageW: 410.5 },
  ])
  expect(device).toMatchObject({ scope: 'wall', periodMs: 1000 })
  expect(device.lacks?.join()).not.toContain('MLPerf')
  const far = onRunClock(log, { ...run, offsetMs: -1500 })
  expect(far.device.lacks?.join()).toContain('MLPerf Power allows 200 ms')
})

const ptdaemon = rows(
  'Time,03-01-2026 13:00:00.000,Watts,400.000000,Volts,229.700000,Amps,1.780000,PF,0.978000,Mark,2026_run',
  'remark of the daemon',
  'Time,03-01-2026 13:00:01.000,Watts,410.500000,Volts,229.600000,Amps,1.820000,PF,0.979000,Mark,2026_run',
)

test('PTDaemon’s log is read once its zone is stated, and not before', () => {
  expect(() => readWallMeter(ptdaemon)).toThrow('local times')
  const log = readWallMeter(ptdaemon, { utcOffsetMinutes: 60 })
  expect(log).toMatchObject({ format: 'ptdaemon', readings: two, skippedLines: 1 })
})

const captured = join(fixtures, 'energy-ground-truth/5050_A100')

test.skipIf(!existsSync(captured))('a real meter’s log needs the wall time of its start', () => {
  const text = readFileSync(join(captured, 'meter-5ms.csv'), 'utf8')
  expect(() => readWallMeter(text)).toThrow('begin at 2.5, which is neither')
  const startMs = Number(readFileSync(join(captured, 'PMD_start_ts.txt'), 'utf8')) / 1000
  const log = readWallMeter(text.replace(/^[\d.]+(?=,)/gm, (ms) => String(startMs + Number(ms))))
  expect(log.readings).toHaveLength(text.trim().split('\n').length - 1)
  expect(log.periodMs).toBeCloseTo(5, 2)
  expect(log.readings[0]?.epochMs).toBeCloseTo(startMs + 2.5, 2)
  expect(log.readings[0]?.powerW).toBe(65.45)
})
