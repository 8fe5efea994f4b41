import { describe, expect, test } from 'vitest'
import { type GpuField, gpuFields } from '../../src/detect/gpu-fields.ts'
import { NO_LIMIT } from '../../src/detect/host/cgroup.ts'
import { hostFields } from '../../src/detect/host-fields.ts'
import type { MachineFigures, ScopeEnergy } from '../../src/measure/machine-figures.ts'
import type { OperatingPoint } from '../../src/measure/summary.ts'
import { csvFormat } from '../../src/report/csv.ts'
import { identityFacts } from '../../src/report/facts.ts'
import { gpuAccount, hostAccount } from '../../src/report/hardware-facts.ts'
import { htmlFormat } from '../../src/report/html.ts'
import { reportFormats } from '../../src/report/index.ts'
import {
  deviceTable,
  energyTable,
  scopeTable,
  sensorTable,
} from '../../src/report/machine-facts.ts'
import { markdownFormat } from '../../src/report/markdown.ts'
import type { Report } from '../../src/report/report.ts'
import { textFormat } from '../../src/report/text.ts'
import { sampleReport, simulatedReport, throttledReport, toldReport } from './sample-report.ts'

const people = reportFormats.filter(({ name }) => name !== 'csv' && name !== 'json')

describe('the headline', () => {
  test('is the energy of a token at the priced level, with its half-width', () => {
    // 584 W x 120 s = 70,080 J; 1,497.6 tok/s x 120 s = 179,712 tokens: 0.38996 J a token.
    // 5 % of gain and 0.8 % between the methods: 5.064 % of it, 0.01975 J.
    expect(energyOf(sampleReport())).toBe(
      '0.390 ± 0.020 J/output token at 8 users (counter; 1 of 1 GPUs serves the model)',
    )
  })

  test('says that GPUs count of which nobody knows whether they serve', () => {
    expect(energyOf(throttledReport())).toBe(
      '22.5 ± 1.1 J/output token at 1 user (counter; which of 8 GPUs serve the model is not known, so all count)',
    )
  })

  test('gives the reason in place of a figure that may not be quoted', () => {
    const { cost, ...rest } = throttledReport()
    const report = { ...rest, cost: { ...cost, pricedLevel: 1 } }
    expect(energyOf(report)).toBe(
      'n/a (partial: NVIDIA H100 80GB HBM3 (0000:1b:00.0): looks cover 51 % of the window, 95 % are needed)',
    )
  })

  test('says why there is none where nothing was watched, no level is priced, or no model ran', () => {
    const { run, cost, ...rest } = sampleReport()
    const none = { kind: 'none', reason: 'not wanted (--no-telemetry)' } as const
    expect(energyOf({ ...rest, cost, run: { ...run, telemetry: none } })).toBe(
      'n/a (not wanted (--no-telemetry))',
    )
    expect(energyOf({ ...rest, run, cost: { ...cost, pricedLevel: undefined } })).toBe(
      'n/a (no load level is priced)',
    )
    const target = { ...run.target, simulated: true }
    expect(energyOf({ ...rest, cost, run: { ...run, target } })).toBe(
      'n/a (a simulator answered, so no model used any)',
    )
  })

  test('says that it is not known how sure a figure is, and never that it is sure', () => {
    const report = withScope(sampleReport(), ({ uncertaintyJ, uncertaintyRatio, ...rest }) => rest)
    expect(energyOf(report)).toMatch(/^0\.390 ± n\/a J\/output token/)
  })

  test('is of the processor where no GPU was watched, whoever used it', () => {
    const report = withScope(sampleReport(), (energy) => ({ ...energy, scope: 'cpu-package' }))
    expect(energyFactOf(report)).toEqual([
      'CPU energy',
      '0.390 ± 0.020 J/output token at 8 users (of all that ran on it)',
    ])
  })

  test('is absent from a run of a version that did not look', () => {
    expect(energyFactOf(toldReport())).toBeUndefined()
  })
})

test('nothing is said of the machine under load where nothing was recorded', async () => {
  for (const { render } of people) {
    expect(await render(toldReport())).not.toMatch(
      /J\/output token|and clocks held back|The machine before/,
    )
    expect(await render(simulatedReport())).not.toMatch(/J\/output token|and clocks held back/)
  }
})

test.each(people)(
  '$name shows the reason and no figure of energy of half a window',
  async (format) => {
    const report = throttledReport()
    const figures = await format.render(onlyLevel(report, 1))
    expect(figures).toMatch(/looks cover 51\s+% of the window/)
    // A watt and a joule of a level, but for the idle 568 W, would be of half of it.
    expect(figures).not.toMatch(/3,695|443,400|43,440|22\.5/)
  },
)

test('scopes stand side by side and are never added up', () => {
  const rows = scopeTable(throttledReport())?.rows.filter(([load]) => load === '1 user')
  // GPUs: 3,695 W x 120 s; processors: 2 x 181 W x 120 s.
  expect(rows?.map((cells) => cells.slice(1, 4))).toEqual([
    ['GPU', '8', '443,400 ± 22,452'],
    ['CPU', '2', '43,440 ± n/a'],
    ['Node', '1', expect.stringMatching(/^n\/a \(too short: Redfish/)],
  ])
})

test('both methods, their gap and the sensor stand with the energy of a device', () => {
  const table = sensorTable(sampleReport())
  expect(table?.headings).toEqual([
    'Load',
    'Device',
    'J',
    'by counter',
    'by power',
    'gap',
    'covered',
    'Sensor',
  ])
  expect(table?.rows[0]).toEqual([
    '1 user',
    'GPU 0',
    '37,500 ± 1,899',
    '37,500',
    '37,200',
    '0.8 %',
    '100 %',
    'energy counter, new every 100 ms, tells 10 s or more',
  ])
})

test('devices of which all is the same share a row, and those that tell nothing have none', () => {
  const halved = sensorTable(throttledReport())?.rows.filter(([load]) => load === '2 users')
  expect(halved?.map(([, device]) => device)).toEqual([
    'GPU 0, 1, 2, 3, 4, 5, 6, 7, package-0, package-1',
    'Redfish chassis 1 (node)',
  ])
  const names = deviceTable(throttledReport())?.rows.map(([, device]) => device)
  expect(names).not.toContain('package-0')
})

test('a device that does not serve the model is counted, not shown', () => {
  const report = withMachine(throttledReport(), ({ devices, scopes }) => ({
    scopes,
    devices: devices.map((each) => (each.device === 5 ? { ...each, serving: false } : each)),
  }))
  const table = deviceTable(report)
  expect(table?.rows.flat()).not.toContain('GPU 5')
  expect(table?.note).toMatch(
    /1 watched device that does not serve the model is left out; summary\.json has it\.$/,
  )
})

test('throttling is that of the GPU held back most, and a power cap is called usual', () => {
  const table = energyTable(throttledReport())
  expect(table?.rows[0]?.slice(-4)).toEqual(['31 %', '12.7 %', '0 %', '89'])
  expect(table?.note).toContain('runs at its power cap is usual, and no fault.')
  expect(table?.note).not.toContain('looks that named the cause')
})

test('shares that looks alone told are said to miss what was between them', () => {
  const report = withMachine(sampleReport(), ({ devices, scopes }) => ({
    scopes,
    devices: devices.map((each) => ({
      ...each,
      throttle: { thermalRatio: 0.02, by: 'flags' as const },
    })),
  }))
  const table = energyTable(report)
  expect(table?.note).toContain('miss what was over between two looks')
  expect(table?.headings).not.toContain('brake')
})

describe('what was found before the run', () => {
  test('is in a terminal what stands in the way, and a count of the rest', async () => {
    const text = await textFormat.render(throttledReport())
    expect(text.indexOf('BLOCKER (open-files)')).toBeLessThan(text.indexOf('WARNING (persistence'))
    expect(text).toContain('Good to know: 2 more')
    expect(text).not.toContain('log level')
  })

  test.each([markdownFormat, htmlFormat])(
    'is all of it in $name, each with what to do',
    async (format) => {
      const text = await format.render(throttledReport())
      for (const part of ['open-files', 'log level of the server', 'nvidia-smi -pm 1']) {
        expect(text).toContain(part)
      }
    },
  )

  test('is no more than commands to copy, without a full stop of ours', async () => {
    expect(await textFormat.render(sampleReport())).toMatch(/nvidia-smi -pm 1\n/)
  })

  test('is nothing where nothing was found, and in HTML that nothing was', async () => {
    const { run, ...rest } = sampleReport()
    const fine = { ...rest, run: { ...run, preflight: [] } }
    expect(await textFormat.render(fine)).not.toContain('The machine before')
    expect(await htmlFormat.render(fine)).toContain(
      'Nothing was found wrong with it before the run.',
    )
    expect(await htmlFormat.render(toldReport())).not.toContain('found wrong with it')
  })
})

test('a change of the set-up during the run is a notice of its own', async () => {
  const page = await htmlFormat.render(throttledReport())
  expect(page).toMatch(/class="remark"[\s\S]*Power limit in force was 700 W and is 650 W/)
  expect(await htmlFormat.render(sampleReport())).not.toContain('class="remark"')
})

describe('hardware', () => {
  test('every field of a GPU and of a host is told, or told to be unknown', () => {
    const { hardware } = sampleReport().run
    const listed: readonly GpuField[] = ['processes', 'partitions']
    const said = JSON.stringify([gpuAccount(hardware), hostAccount(hardware)])
    for (const [field, { label }] of [
      ...Object.entries(gpuFields),
      ...Object.entries(hostFields),
    ]) {
      if (!listed.some((name) => name === field)) expect(said).toContain(label)
    }
    // A field that nobody placed would stand under this title.
    expect(said).not.toContain('"Besides"')
  })

  test('what no GPU tells is summed up by why, and has no row', () => {
    const { notTold, groups } = gpuAccount(sampleReport().run.hardware)
    expect(notTold).toContain('Not told (the tool answered "[N/A]"): PCIe lanes.')
    expect(groups.flatMap(({ rows }) => rows).map(({ label }) => label)).not.toContain('PCIe lanes')
  })

  test('what one GPU does not tell is n/a for it alone, with the reason', () => {
    const numa = gpuAccount(throttledReport().run.hardware).differing.find(
      ({ label }) => label === 'NUMA node',
    )
    expect(numa?.values).toEqual([
      '0',
      '0',
      '0',
      '0',
      '1',
      '1',
      '1',
      'n/a: the tool left the field empty',
    ])
  })

  test('a limit that is not set is none, and not unknown', () => {
    const { hardware } = sampleReport().run
    const cgroupCpuCores = { status: 'absent', reason: NO_LIMIT, source: '/sys/fs/cgroup' } as const
    const account = hostAccount({ ...hardware, host: { ...hardware.host, cgroupCpuCores } })
    expect(account.groups.flatMap(({ rows }) => rows)).toContainEqual({
      label: 'CPU limit of the control group',
      value: 'none',
      source: '/sys/fs/cgroup',
    })
    expect(account.notTold).not.toContain('CPU limit')
  })

  test('links, programs and parts of GPUs have tables of their own', async () => {
    const page = await htmlFormat.render(throttledReport())
    expect(page).toContain('<tr><th scope="row">GPU 1</th><td>NV18</td><td>X</td><td>NV18</td>')
    expect(page).toContain(
      '<tr><th scope="row">GPU 7</th><td>VLLM::Worker_TP</td><td>9007</td><td>71,204 MiB</td></tr>',
    )
    const { run, ...rest } = throttledReport()
    const [first, ...others] = run.hardware.gpus
    if (!first) throw new Error('the sample has GPUs')
    const parts = [{ profile: '1g.10gb', memoryTotalMib: 9_984 }]
    const split = { ...first, partitions: { status: 'ok', value: parts, source: 'x' } as const }
    const hardware = { ...run.hardware, gpus: [split, ...others] }
    expect(await htmlFormat.render({ ...rest, run: { ...run, hardware } })).toContain(
      '<tr><th scope="row">GPU 0</th><td>1g.10gb</td><td>9,984 MiB</td><td>n/a</td></tr>',
    )
  })
})

test('a row of a spreadsheet has energy by scope, and what held clocks back', async () => {
  const cell = await cellsOf(throttledReport())
  expect(cell(1, 'gpu_energy_status')).toBe('ok')
  expect(cell(1, 'gpu_energy_j')).toBe('443400')
  expect(cell(1, 'gpu_power_mean_w')).toBe('3695')
  expect(Number(cell(1, 'gpu_gross_j_per_output_token'))).toBeCloseTo(443_400 / (164.3 * 120), 9)
  expect(cell(1, 'cpu_package_uncertainty_ratio')).toBe('')
  expect(cell(1, 'throttle_thermal_ratio')).toBe('0.127')
  expect(cell(1, 'temperature_max_c')).toBe('89')
  expect(cell(2, 'gpu_energy_status')).toBe('partial')
  expect(cell(2, 'gpu_energy_j')).toBe('')
  expect(cell(2, 'energy_coverage_ratio')).toBe('0.51')
  expect((await cellsOf(toldReport()))(1, 'serving_devices')).toBe('')
})

test('large figures of energy keep to 100 columns, and none is lost', async () => {
  const report = withScope(sampleReport(), (energy) => ({
    ...energy,
    meanPowerW: 123_456,
    grossJPerOutputToken: 765_432.1,
    netJPerOutputToken: 654_321,
    outputTokensPerJ: 0.000_001_3,
  }))
  const text = await textFormat.render(report)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  for (const figure of ['123,456', '765,432 ± 38,758', '654,321']) expect(text).toContain(figure)
})

function energyFactOf(report: Report) {
  return identityFacts(report).find(([name]) => /energy/i.test(name))
}

function energyOf(report: Report): string | undefined {
  return energyFactOf(report)?.[1]
}

function withMachine(report: Report, change: (machine: MachineFigures) => MachineFigures): Report {
  const points = report.summary.points.map(
    (point): OperatingPoint => ({ ...point, machine: point.machine && change(point.machine) }),
  )
  return { ...report, summary: { ...report.summary, points } }
}

function withScope(report: Report, change: (energy: ScopeEnergy) => ScopeEnergy): Report {
  return withMachine(report, ({ devices, scopes }) => ({ devices, scopes: scopes.map(change) }))
}

function onlyLevel(report: Report, level: number): Report {
  const { summary, cost } = report
  const points = summary.points.filter((point) => point.level === level)
  return { ...report, summary: { ...summary, points }, cost: { ...cost, pricedLevel: level } }
}

async function cellsOf(report: Report) {
  const rows = (await csvFormat.render(report))
    .split('\r\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replaceAll(/"[^"]*"/g, 'quoted').split(','))
  return (row: number, name: string) => rows[row]?.[rows[0]?.indexOf(name) ?? -1]
}
