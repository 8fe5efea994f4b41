import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { OpenSource } from '../../../src/detect/telemetry/source.ts'
import { dcgm } from '../../../src/detect/telemetry/sources/dcgm.ts'
import { sleep, worldWith } from './stubs.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** An exporter that answers with what `text` makes. */
async function serve(text: () => string, status = 200): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(text())
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
}

async function open(url: string): Promise<OpenSource> {
  const source = await dcgm.open(worldWith('/', { BAREMARK_DCGM_URL: url }))
  if ('none' in source) throw new Error(source.none)
  return source
}

async function none(url: string): Promise<string> {
  const source = await dcgm.open(worldWith('/', { BAREMARK_DCGM_URL: url }))
  return 'none' in source ? source.none : 'it opened'
}

function labels(gpu: number, more = ''): string {
  return `gpu="${gpu}",UUID="GPU-${gpu}",pci_bus_id="00000000:0${gpu + 2}:00.0",device="nvidia${gpu}",modelName="NVIDIA A \\"B\\", C",Hostname="h"${more}`
}

/** An exposition as the exporter writes it, with traps: marks for no value, a part's own samples, a unit that is not known. */
function exposition(energyMj: number): string {
  return `# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W)
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{${labels(0)}} 220.5
DCGM_FI_DEV_POWER_USAGE{${labels(1)}} 140737488355328.000000
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{${labels(0)}} ${energyMj}
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{${labels(1)}} 9223372036854775794
DCGM_FI_DEV_SM_CLOCK{${labels(0)}} 1410 1700000000000
DCGM_FI_DEV_MEM_CLOCK{${labels(0)}} 1215
DCGM_FI_DEV_GPU_TEMP{${labels(0)}} 50
DCGM_FI_DEV_MEMORY_TEMP{${labels(0)}} 2147483632
DCGM_FI_DEV_GPU_UTIL{${labels(0)}} 0
DCGM_FI_DEV_FB_USED{${labels(0, ',GPU_I_PROFILE="1g.10gb",GPU_I_ID="7"')}} 17
DCGM_FI_DEV_FB_USED{${labels(0)}} 46614
DCGM_FI_DEV_POWER_VIOLATION{${labels(0)}} 12000
DCGM_FI_DEV_SM_CLOCK{${labels(0)} 
`.replaceAll('\n', '\r\n')
}

test('tells what the exporter tells, in the units used here', async () => {
  let energyMj = 955_287_014
  const url = await serve(() => {
    energyMj += 1_000
    return exposition(energyMj)
  })
  const source = await open(url)
  expect(source.devices).toEqual([
    {
      id: '0000:02:00.0',
      scope: 'gpu',
      source: `dcgm-exporter at ${url}`,
      name: 'NVIDIA A \\"B\\", C',
      pciAddress: '0000:02:00.0',
      periodMs: expect.any(Number),
      lacks: ['time held back: its unit is not told'],
    },
  ])
  await source.look()
  await sleep(200)
  expect(await source.look()).toEqual([
    {
      device: 0,
      atMs: expect.any(Number),
      energyJ: energyMj / 1_000,
      powerAverageW: 220.5,
      clockSmMhz: 1410,
      clockMemoryMhz: 1215,
      temperatureC: 50,
      utilisationRatio: 0,
      memoryUsedMib: 46_614,
    },
  ])
})

test('figures that the exporter repeats are told once, and such an exporter is coarse', async () => {
  const source = await open(await serve(() => exposition(1_000_000)))
  expect(source.devices[0]).toMatchObject({ coarse: true })
  expect(source.devices[0]?.lacks?.at(-1)).toContain('DCGM_EXPORTER_INTERVAL')
  const told = []
  for (let i = 0; i < 8; i++) {
    told.push(...(await source.look()))
    await sleep(300)
  }
  expect(told).toHaveLength(1)
})

test('an exporter that goes away is lost, not silent', async () => {
  let energyMj = 0
  const url = await serve(() => {
    energyMj += 1_000
    return exposition(energyMj)
  })
  const source = await open(url)
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  await expect(
    (async () => {
      for (let i = 0; i < 20; i++) {
        await source.look()
        await sleep(100)
      }
    })(),
  ).rejects.toThrow('ECONNREFUSED')
})

test('what is no such exporter is no source', async () => {
  expect(await none(await serve(() => 'process_cpu_seconds_total 3\n'))).toContain(
    'no energy or power there',
  )
  expect(await none(await serve(() => '', 503))).toContain('HTTP 503')
  expect(await none(await serve(() => '', 302))).not.toBe('it opened')
  const gone = await serve(() => '')
  await new Promise((resolve) => servers.pop()?.close(resolve))
  expect(await none(gone)).toContain('ECONNREFUSED')
  expect(await none('no address')).toContain('no address: ')
})
