import { mkdtemp, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { detectCommand } from '../../src/cli/detect.ts'
import { hardwareOfOutput } from '../../src/detect/capture/saved-output.ts'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import { readingValue } from '../../src/detect/reading.ts'
import { hardwareSchema } from '../../src/report/machine-schema.ts'

const savedAt = new Date('2026-03-04T05:06:07Z')
const read = (text: string) => hardwareOfOutput({ text, savedAt, includeIds: true })

async function gpusOf(text: string): Promise<readonly Gpu[]> {
  return (await read(text))?.gpus ?? []
}

const query = `
==============NVSMI LOG==============

Timestamp                                 : Wed Mar  4 06:06:07 2026
Driver Version                            : 555.11.22
CUDA Version                              : 12.5

Attached GPUs                             : 1
GPU 00000000:3B:00.0
    Product Name                          : NVIDIA Example 40
    Persistence Mode                      : Enabled
    MIG Mode
        Current                           : Enabled
        Pending                           : Enabled
    MIG Device
        Index                             : 0
        Shared FB Memory Usage
            Total                         : 9984 MiB
            Used                          : 9 MiB
    Serial Number                         : 1320000000001
    GPU UUID                              : GPU-01234567-89ab-cdef-0123-456789abcdef
    PCI
        Bus Id                            : 00000000:3B:00.0
        GPU Link Info
            PCIe Generation
                Max                       : 4
                Current                   : 1
                Device Current            : 2
            Link Width
                Max                       : 16x
                Current                   : 8x
    Clocks Throttle Reasons
        Idle                              : Not Active
        SW Power Cap                      : Active
        HW Slowdown                       : Active
            HW Thermal Slowdown           : Active
            HW Power Brake Slowdown       : Not Active
    FB Memory Usage
        Total                             : 40960 MiB
        Used                              : 0 MiB
        Free                              : 40500 MiB
    BAR1 Memory Usage
        Total                             : 65536 MiB
    Utilization
        Gpu                               : N/A
    ECC Mode
        Current                           : Enabled
    ECC Errors
        Volatile
            SRAM Uncorrectable            : 2
            DRAM Correctable              : 7
            DRAM Uncorrectable            : 3
    Temperature
        GPU Current Temp                  : 41 C
        GPU Slowdown Temp                 : 95 C
        GPU Max Operating Temp            : 85 C
    Power Readings
        Power Draw                        : 61.50 W
        Power Limit                       : 250.00 W
        Enforced Power Limit              : 240.00 W
    Clocks
        SM                                : 210 MHz
        Memory                            : 1215 MHz
    Max Clocks
        SM                                : 1410 MHz
    Processes
        GPU instance ID                   : N/A
        Process ID                        : 812
            Type                          : G
            Name                          : /usr/lib/xorg/Xorg
            Used GPU Memory               : 4 MiB
        Process ID                        : 4711
            Type                          : C
            Name                          : /opt/llm/bin/server --key secret
            Used GPU Memory               : 1234 MiB
`

describe('nvidia-smi -q', () => {
  test('is read as its XML would be', async () => {
    const [gpu] = await gpusOf(query)
    const told = Object.entries(gpu ?? {}).flatMap(([field, reading]) => {
      const value = typeof reading === 'object' ? readingValue<unknown>(reading) : undefined
      return value === undefined ? [] : [[field, value]]
    })
    expect(Object.fromEntries(told)).toEqual({
      name: 'NVIDIA Example 40',
      pciAddress: '0000:3b:00.0',
      uuid: 'GPU-01234567-89ab-cdef-0123-456789abcdef',
      serial: '1320000000001',
      integrated: false,
      memoryUnified: false,
      vramTotalMib: 40960,
      vramUsedMib: 0,
      vramFreeMib: 40500,
      driverVersion: '555.11.22',
      computeApi: 'CUDA 12.5',
      powerLimitEnforcedW: 240,
      powerLimitRequestedW: 250,
      powerW: 61.5,
      temperatureC: 41,
      temperatureSlowdownC: 85,
      clockSmMhz: 210,
      clockSmMaxMhz: 1410,
      clockMemoryMhz: 1215,
      throttleReasons: ['sw_power_cap', 'hw_slowdown', 'hw_thermal_slowdown'],
      eccEnabled: true,
      eccUncorrectedErrors: 5,
      persistenceEnabled: true,
      migEnabled: true,
      partitions: [{ profile: 'MIG device 0', memoryTotalMib: 9984, memoryUsedMib: 9 }],
      pcieGeneration: 4,
      pcieWidth: 16,
      pcieGenerationNow: 2,
      pcieWidthNow: 8,
      processes: [{ pid: 4711, name: 'server', usedMib: 1234 }],
    })
  })

  test('names its own call as the source, and its own words as the reason', async () => {
    const [gpu] = await gpusOf(query)
    expect(gpu?.vramTotalMib.source).toBe('nvidia-smi -q fb_memory_usage/total')
    expect(gpu?.utilisationRatio).toMatchObject({ reason: 'nvidia-smi says N/A' })
    expect(gpu?.computeMode).toMatchObject({ reason: 'nvidia-smi -q does not tell' })
  })

  test.each([
    ['carriage returns', query.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${query}`],
    ['terminal codes', query.replace('Driver', '\u001b[1mDriver\u001b[0m')],
    ['a prompt before it', `me@host:~$ nvidia-smi -q\n${query}`],
    ['16 bits a letter, read as 8', `\uFFFD\uFFFD${[...query].join('\0')}\0`],
  ])('%s change nothing', async (_, text) => {
    expect(await gpusOf(text)).toEqual(await gpusOf(query))
  })

  test('cut off anywhere tells no other value than when whole, and says that it is cut off', async () => {
    const [whole] = await gpusOf(query)
    for (let end = query.indexOf('Product'); end < query.length - 1; end += 7) {
      const hardware = await read(query.slice(0, end))
      expect(hardware?.tools[0]).toMatchObject({ outcome: 'failed' })
      const gpu = hardware?.gpus[0]
      if (gpu === undefined) throw new Error(`no GPU in the first ${end} characters`)
      const { vendor: _, index: __, ...fields } = gpu
      for (const [field, reading] of Object.entries(fields)) {
        if (reading.status === 'absent') continue
        expect([end, field, reading.value]).toEqual([
          end,
          field,
          readingValue<unknown>(whole?.[field as keyof typeof fields]),
        ])
      }
    }
  })
})

const table = `
+---------------------------------------------------------------------------------------+
| NVIDIA-SMI 535.10.20              Driver Version: 535.10.20    CUDA Version: 12.2     |
|-----------------------------------------+----------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |         Memory-Usage | GPU-Util  Compute M. |
|                                         |                      |               MIG M. |
|=========================================+======================+======================|
|   0  NVIDIA Example 40              On  | 00000000:3B:00.0 Off |                   On |
| N/A   41C    P0              61W / 250W |      9MiB / 40960MiB |     N/A      Default |
|                                         |                      |              Enabled |
+-----------------------------------------+----------------------+----------------------+
|   1  NVIDIA Geforce ...             Off | 00000000:86:00.0  On |                  N/A |
| 30%   ERR!   P8             N/A /  N/A  |   1024MiB / 8192MiB  |     12%    Default   |
|                                         |                      |                  N/A |
+-----------------------------------------+----------------------+----------------------+
+---------------------------------------------------------------------------------------+
| Processes:                                                                            |
|  GPU   GI   CI        PID   Type   Process name                            GPU Memory |
|        ID   ID                                                             Usage      |
|=======================================================================================|
|    1   N/A  N/A       812      G   /usr/lib/xorg/Xorg                           4MiB  |
|    1   N/A  N/A      4711      C   /opt/llm/bin/server                       1000MiB  |
+---------------------------------------------------------------------------------------+
`

describe('the table of nvidia-smi', () => {
  test('tells of GPUs, their limits and their processes', async () => {
    const [first, second] = await gpusOf(table)
    expect(readingValue(first?.name)).toBe('NVIDIA Example 40')
    expect(readingValue(first?.pciAddress)).toBe('0000:3b:00.0')
    expect(readingValue(first?.powerLimitEnforcedW)).toBe(250)
    expect(readingValue(first?.eccEnabled)).toBe(true)
    expect(readingValue(first?.migEnabled)).toBe(true)
    expect(readingValue(first?.processes)).toEqual([])
    expect(readingValue(second?.vramUsedMib)).toBe(1024)
    expect(readingValue(second?.utilisationRatio)).toBe(0.12)
    expect(readingValue(second?.processes)).toEqual([{ pid: 4711, name: 'server', usedMib: 1000 }])
  })

  test('what it cuts off or does not know is absent in its own words', async () => {
    const [first, second] = await gpusOf(table)
    expect(first?.eccUncorrectedErrors).toMatchObject({ reason: 'nvidia-smi says On' })
    expect(first?.utilisationRatio).toMatchObject({ reason: 'nvidia-smi says N/A' })
    expect(second?.name).toMatchObject({ reason: 'cut off in the table: NVIDIA Geforce ...' })
    expect(second?.temperatureC).toMatchObject({ reason: 'nvidia-smi says ERR!' })
    expect(second?.powerW).toMatchObject({ status: 'absent' })
  })

  test('cut off in the second GPU tells of the first alone, and of no processes', async () => {
    const gpus = await gpusOf(table.slice(0, table.indexOf('8192MiB')))
    expect(gpus.map(({ index }) => index)).toEqual([0])
    expect(gpus[0]?.processes.status).toBe('absent')
  })
})

test('rows of --query-gpu are read by their titles, with units or without', async () => {
  const csv =
    'index, name, memory.total [MiB], power.draw [W]\n0, NVIDIA Example 40, 40960 MiB, [N/A]\n'
  const [gpu] = await gpusOf(csv)
  expect(readingValue(gpu?.name)).toBe('NVIDIA Example 40')
  expect(readingValue(gpu?.vramTotalMib)).toBe(40960)
  expect(gpu?.powerW).toMatchObject({ reason: 'nvidia-smi says [N/A]' })
})

test('processes of amd-smi are all told, not the last alone', async () => {
  const block = (pid: number) => `    PROCESS_INFO:\n        NAME: rvs\n        PID: ${pid}\n`
  const [gpu] = await gpusOf(`GPU: 0\n${block(11)}${block(12)}`)
  expect(readingValue(gpu?.processes)).toEqual([
    { pid: 11, name: 'rvs' },
    { pid: 12, name: 'rvs' },
  ])
})

test('of a transcript with several calls the one that tells the most is read', async () => {
  const hardware = await read(`$ nvidia-smi\n${table}\n$ nvidia-smi -q\n${query}`)
  expect(hardware?.tools.map(({ tool }) => tool)).toEqual(['nvidia-smi -q'])
})

test('the document has nothing of a host, and is of the time of the file', async () => {
  const hardware = await hardwareOfOutput({ text: table, savedAt })
  expect(hardwareSchema.safeParse(hardware).success).toBe(true)
  expect(hardware?.detectedAt).toBe('2026-03-04T05:06:07.000Z')
  expect(hardware?.host.cpuModel).toEqual({
    status: 'absent',
    reason: 'only the output of nvidia-smi was given',
    source: 'none',
  })
})

test('identifiers are told as hashes unless they are asked for', async () => {
  const hardware = await hardwareOfOutput({ text: query, savedAt })
  expect(JSON.stringify(hardware)).not.toMatch(/01234567-89ab|1320000000001/)
})

test.each([
  ['prose', 'dear all, please find attached\nname\n'],
  ['other JSON', '{"gpu": 1, "replicas": 2, "device_id": 4}'],
  ['nothing', ''],
])('%s is no output', async (_, text) => {
  expect(await read(text)).toBeUndefined()
})

describe('detect', () => {
  async function fileWith(text: string): Promise<string> {
    const file = join(await mkdtemp(join(tmpdir(), 'baremark-')), 'output.txt')
    await writeFile(file, text)
    await utimes(file, savedAt, savedAt)
    return file
  }

  async function printed(options: Parameters<typeof detectCommand>[0]) {
    const lines: string[] = []
    const exitCode = await detectCommand(options, { stdout: (text) => lines.push(text) })
    return { exitCode, text: lines.join('') }
  }

  test('--from takes the output of a tool', async () => {
    const { text } = await printed({ json: true, from: await fileWith(table) })
    expect(JSON.parse(text)).toMatchObject({
      detectedAt: '2026-03-04T05:06:07.000Z',
      gpus: [{ name: { value: 'NVIDIA Example 40' } }, {}],
    })
  })

  test('--diff takes two', async () => {
    const after = await fileWith(table.replace('250W', '200W'))
    const { exitCode, text } = await printed({ json: false, diff: [await fileWith(table), after] })
    expect(exitCode).toBe(1)
    expect(text).toContain('Power limit in force')
  })

  test('--from and --diff name what is understood when the file is none of it', async () => {
    const file = await fileWith('hello\n')
    const options = [{ from: file }, { diff: [file, file] }]
    for (const option of options) {
      await expect(printed({ json: true, ...option })).rejects.toMatchObject({
        name: 'UserError',
        remedy: expect.stringMatching(/baremark capture.*nvidia-smi.*rocm-smi.*xpu-smi.*lspci/),
      })
    }
  })
})
