import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { CommandResult } from '../../../src/detect/run-command.ts'
import { ipmi, readDcmi } from '../../../src/detect/telemetry/sources/ipmi.ts'
import { consumedW, inputW, redfish } from '../../../src/detect/telemetry/sources/redfish.ts'
import { selfSigned } from '../../load/self-signed.ts'
import { fixtures, opened, readingsOf, worldOf } from './world.ts'

const link = (path: string) => ({ '@odata.id': path })
const list = (...paths: readonly string[]) => ({ Members: paths.map(link) })
const whole = {
  ChassisType: 'RackMount',
  Links: { ComputerSystems: [link('/redfish/v1/Systems/1')] },
}

/** A machine's answers by path: a whole chassis that tells its power in the oldest of the three ways. */
const machine = {
  '/redfish/v1/Chassis': list('/redfish/v1/Chassis/GPU0', '/redfish/v1/Chassis/1'),
  '/redfish/v1/Chassis/GPU0': {
    ...whole,
    ChassisType: 'Module',
    EnvironmentMetrics: link('/redfish/v1/Chassis/GPU0/EnvironmentMetrics'),
  },
  '/redfish/v1/Chassis/GPU0/EnvironmentMetrics': { PowerWatts: { Reading: 71.5 } },
  '/redfish/v1/Chassis/1': { ...whole, Power: link('/redfish/v1/Chassis/1/Power') },
  '/redfish/v1/Chassis/1/Power': {
    PowerControl: [
      { Name: 'CPU Power', PowerConsumedWatts: 120 },
      {
        Name: 'System Power Control',
        PowerConsumedWatts: 429,
        PowerMetrics: { IntervalInMin: 20 },
      },
    ],
  },
}

interface Asked {
  readonly url: string
  readonly seen: string[]
}

async function controller(
  answers: Readonly<Record<string, unknown>>,
  tls?: { key: string; cert: string },
): Promise<Asked> {
  const seen: string[] = []
  const listener: Parameters<typeof createServer>[1] = (request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`)
    const { status = 200 } = answers as { status?: number }
    const answer = answers[request.url ?? '']
    response.writeHead(answer === undefined ? 404 : status).end(JSON.stringify(answer))
  }
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, seen }
}

const worldAsking = (url: string, more: Readonly<Record<string, string>> = {}) =>
  worldOf({
    env: {
      BAREMARK_REDFISH_URL: url,
      BAREMARK_REDFISH_USER: 'reader',
      BAREMARK_REDFISH_PASSWORD: 'secret',
      ...more,
    },
  })

test('no controller is spoken to unless it is named', async () => {
  expect(await redfish.open(worldOf())).toEqual({ none: expect.stringContaining('not asked for') })
})

test('the whole machine’s power is found past its parts’, and the name and password are sent', async () => {
  const { url, seen } = await controller(machine)
  const source = await opened(redfish, worldAsking(url))
  const [reading] = await readingsOf(source, 1)
  expect(reading).toMatchObject({ device: 0, powerAverageW: 429 })
  expect(reading?.powerW).toBeUndefined()
  expect(source.devices[0]).toMatchObject({
    scope: 'node',
    source: 'redfish /redfish/v1/Chassis/1/Power',
    lacks: expect.arrayContaining([expect.stringContaining('plain http')]),
  })
  expect(seen).toContain(`/redfish/v1/Chassis/1/Power Basic ${btoa('reader:secret')}`)
  expect(seen.join()).not.toContain('GPU0/EnvironmentMetrics')
})

test('nothing of what is recorded names the controller, its user or the password', async () => {
  const { url } = await controller(machine)
  const { devices } = await opened(redfish, worldAsking(url))
  expect(JSON.stringify(devices)).not.toMatch(/127\.0\.0\.1|reader|secret/)
  const { url: refusing } = await controller({ ...machine, status: 401 })
  expect(await redfish.open(worldAsking(refusing))).toEqual({
    none: 'the controller refuses BAREMARK_REDFISH_USER (HTTP 401)',
  })
  const unreachable = await redfish.open(worldAsking('http://127.0.0.1:9'))
  expect(unreachable).toEqual({ none: 'the controller cannot be reached (ECONNREFUSED)' })
})

test('an answer that points to another host is not followed there', async () => {
  const { url, seen } = await controller(machine)
  const { url: false_ } = await controller({
    '/redfish/v1/Chassis': list(
      `${url}/redfish/v1/Chassis/1`,
      `//${url.slice(7)}/redfish/v1/Chassis/1`,
    ),
  })
  expect(await redfish.open(worldAsking(false_))).toHaveProperty('none')
  expect(seen).toEqual([])
})

test('the newer ways of telling power are read too; supplies are summed, all or none', async () => {
  const environment = await controller({
    '/redfish/v1/Chassis': list('/c'),
    '/c': { ...whole, EnvironmentMetrics: link('/e') },
    '/e': { PowerWatts: { Reading: 812.25 } },
  })
  const [metrics] = await readingsOf(await opened(redfish, worldAsking(environment.url)), 1)
  expect(metrics?.powerAverageW).toBe(812.25)
  const supplies = {
    '/redfish/v1/Chassis': list('/c'),
    '/c': { ...whole, PowerSubsystem: link('/p') },
    '/p': { PowerSupplies: link('/s') },
    '/s': list('/s/1', '/s/2'),
    '/s/1': { Metrics: link('/s/1/m') },
    '/s/2': { Metrics: link('/s/2/m') },
    '/s/1/m': { InputPowerWatts: { Reading: 400.5 } },
    '/s/2/m': { InputPowerWatts: { Reading: 390 } },
  }
  const both = await controller(supplies)
  const [sum] = await readingsOf(await opened(redfish, worldAsking(both.url)), 1)
  expect(sum?.powerAverageW).toBe(790.5)
  const one = await controller({ ...supplies, '/s/2/m': { InputPowerWatts: { Reading: null } } })
  expect(await redfish.open(worldAsking(one.url))).toEqual({
    none: 'the controller tells the power of no chassis',
  })
})

test('a certificate signed by itself is refused until it is said to be trusted', async () => {
  const { url } = await controller(machine, selfSigned())
  expect(await redfish.open(worldAsking(url))).toEqual({
    none: expect.stringContaining('BAREMARK_REDFISH_INSECURE=1'),
  })
  const source = await opened(redfish, worldAsking(url, { BAREMARK_REDFISH_INSECURE: '1' }))
  expect(source.devices[0]?.lacks?.join()).toContain('its certificate is not checked')
})

test('a password in the address is refused: addresses are logged', async () => {
  expect(await redfish.open(worldAsking('https://me:word@10.0.0.2'))).toEqual({
    none: expect.stringContaining('put them in _USER and _PASSWORD'),
  })
})

const dcmi = (watts: number, state = 'activated') => `

    Instantaneous power reading:                   ${watts} Watts
    Minimum during sampling period:                 68 Watts
    Maximum during sampling period:                504 Watts
    Average power reading over sample period:      348 Watts
    IPMI timestamp:                           Thu Feb 15 08:36:01 2026
    Sampling period:                          00000001 Seconds.
    Power reading state is:                   ${state}

`

test('ipmitool’s power is that of now, not of its statistics', () => {
  expect(readDcmi(dcmi(332))).toEqual({ powerW: 332, samplingPeriodS: 1 })
})

test('a controller that measures nothing is not one at 0 W', () => {
  expect(readDcmi(dcmi(0))).toHaveProperty('none')
  expect(readDcmi(dcmi(235, 'deactivated'))).toEqual({
    none: "the controller's power reading is deactivated",
  })
  expect(readDcmi('DCMI request failed because: Invalid command')).toHaveProperty('none')
})

test('ipmitool is never started twice at once, however long it takes', async () => {
  let running = 0
  let most = 0
  // Its 150 ms are 3 s, longer than the second between two questions: this clock runs 20 times too fast.
  const nowMs = () => performance.now() * 20
  const world = worldOf({
    nowMs,
    runCommand: async (): Promise<CommandResult> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 150))
      running--
      return { kind: 'exited', exitCode: 0, stdout: dcmi(332), stderr: '', tookMs: 150 }
    },
  })
  const source = await opened(ipmi, world)
  const [first, second] = await readingsOf(source, 2)
  expect(most).toBe(1)
  expect([first?.powerAverageW, second?.powerAverageW]).toEqual([332, 332])
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1000)
})

test('a controller that answers no more is lost after 15 s, and why is said', async () => {
  let nowMs = 0
  let stdout = dcmi(332)
  const world = worldOf({
    nowMs: () => nowMs,
    runCommand: async () => ({ kind: 'exited', exitCode: 0, stdout, stderr: '', tookMs: 3 }),
  })
  const source = await opened(ipmi, world)
  stdout = dcmi(0)
  for (nowMs = 0; nowMs <= 15_000; nowMs += 1000) {
    await source.look()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(() => source.look()).toThrow('no answer for 15000 ms: the controller tells 0 W')
})

test('a missing device file is told with what it needs', async () => {
  const stderr = 'Could not open device at /dev/ipmi0 or /dev/ipmi/0: No such file or directory'
  const world = worldOf({
    runCommand: async () => ({ kind: 'exited', exitCode: 1, stdout: '', stderr, tookMs: 3 }),
  })
  expect(await ipmi.open(world)).toEqual({ none: expect.stringMatching(/ipmi0.*needs root/) })
  expect(await ipmi.open(worldOf())).toEqual({ none: 'ipmitool: not found' })
})

const captures = join(fixtures, 'redfish')
const capture = (file: string) => JSON.parse(readFileSync(join(captures, file), 'utf8'))

test.skipIf(!existsSync(captures))('what Dell’s and HPE’s controllers said is read', () => {
  expect(consumedW(capture('dell_power.json'))).toBe(429)
  expect(consumedW(capture('hp_power.json'))).toBe(221)
  expect(inputW(capture('hp_power_subsys_metrics.json'))).toBe(937.4)
})
