import { expect, test } from 'vitest'
import type { GpuReadings } from '../../src/detect/gpu-fields.ts'
import { readingValue } from '../../src/detect/reading.ts'
import { readXmlGpus } from '../../src/detect/vendors/nvidia/xml.ts'
import { readXml, textAt } from '../../src/detect/vendors/nvidia/xml-document.ts'

/** Self-written, in the shape of schema v12 and v13. */
const v12 = `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
	<timestamp>Mon Nov 23 10:00:00 2026</timestamp>
	<driver_version>570.10.01</driver_version>
	<cuda_version>12.8</cuda_version>
	<attached_gpus>1</attached_gpus>
	<gpu id="00000000:1B:00.0">
		<product_name>NVIDIA H100 80GB HBM3</product_name>
		<persistence_mode>Disabled</persistence_mode>
		<mig_mode>
			<current_mig>Enabled</current_mig>
			<pending_mig>Enabled</pending_mig>
		</mig_mode>
		<mig_devices>
			<mig_device>
				<index>0</index>
				<fb_memory_usage>
					<total>40448 MiB</total>
					<used>11 MiB</used>
				</fb_memory_usage>
			</mig_device>
		</mig_devices>
		<serial>1650000000000</serial>
		<uuid>GPU-11111111-2222-3333-4444-555555555555</uuid>
		<vbios_version>96.00.A5.00.01</vbios_version>
		<gsp_firmware_version>570.10.01</gsp_firmware_version>
		<pci>
			<pci_bus_id>00000000:1B:00.0</pci_bus_id>
			<pci_gpu_link_info>
				<pcie_gen>
					<max_link_gen>5</max_link_gen>
					<current_link_gen>1</current_link_gen>
					<device_current_link_gen>1</device_current_link_gen>
				</pcie_gen>
				<link_widths>
					<max_link_width>16x</max_link_width>
					<current_link_width>8x</current_link_width>
				</link_widths>
			</pci_gpu_link_info>
		</pci>
		<performance_state>P0</performance_state>
		<clocks_event_reasons>
			<clocks_event_reason_gpu_idle>Not Active</clocks_event_reason_gpu_idle>
			<clocks_event_reason_sw_power_cap>Active</clocks_event_reason_sw_power_cap>
		</clocks_event_reasons>
		<clocks_event_reasons_counters>
			<clocks_event_reasons_counters_sw_power_cap>12 us</clocks_event_reasons_counters_sw_power_cap>
		</clocks_event_reasons_counters>
		<fb_memory_usage>
			<total>81559 MiB</total>
			<reserved>551 MiB</reserved>
			<used>0 MiB</used>
			<free>81008 MiB</free>
		</fb_memory_usage>
		<bar1_memory_usage>
			<total>131072 MiB</total>
		</bar1_memory_usage>
		<compute_mode>Exclusive_Process</compute_mode>
		<utilization>
			<gpu_util>25 %</gpu_util>
		</utilization>
		<ecc_mode>
			<current_ecc>Enabled</current_ecc>
		</ecc_mode>
		<ecc_errors>
			<volatile>
				<sram_correctable>7</sram_correctable>
				<sram_uncorrectable_parity>1</sram_uncorrectable_parity>
				<sram_uncorrectable_secded>0</sram_uncorrectable_secded>
				<dram_correctable>9</dram_correctable>
				<dram_uncorrectable>2</dram_uncorrectable>
			</volatile>
			<aggregate>
				<dram_uncorrectable>50</dram_uncorrectable>
			</aggregate>
		</ecc_errors>
		<remapped_rows>
			<remapped_row_pending>Yes</remapped_row_pending>
		</remapped_rows>
		<temperature>
			<gpu_temp>34 C</gpu_temp>
			<gpu_temp_max_threshold>92 C</gpu_temp_max_threshold>
			<gpu_temp_slow_threshold>89 C</gpu_temp_slow_threshold>
			<gpu_temp_max_gpu_threshold>85 C</gpu_temp_max_gpu_threshold>
			<memory_temp>44 C</memory_temp>
		</temperature>
		<gpu_power_readings>
			<average_power_draw>70.00 W</average_power_draw>
			<instant_power_draw>71.50 W</instant_power_draw>
			<current_power_limit>650.00 W</current_power_limit>
			<requested_power_limit>660.00 W</requested_power_limit>
			<default_power_limit>700.00 W</default_power_limit>
			<min_power_limit>200.00 W</min_power_limit>
			<max_power_limit>700.00 W</max_power_limit>
		</gpu_power_readings>
		<module_power_readings>
			<current_power_limit>N/A</current_power_limit>
		</module_power_readings>
		<clocks>
			<graphics_clock>345 MHz</graphics_clock>
			<sm_clock>345 MHz</sm_clock>
			<mem_clock>2619 MHz</mem_clock>
		</clocks>
		<applications_clocks>
			<graphics_clock>Requested functionality has been deprecated</graphics_clock>
		</applications_clocks>
		<max_clocks>
			<sm_clock>1980 MHz</sm_clock>
			<mem_clock>2619 MHz</mem_clock>
		</max_clocks>
		<processes>
			<process_info>
				<pid>4711</pid>
				<type>C</type>
				<process_name>/home/bob/this&amp;that</process_name>
				<used_memory>512 MiB</used_memory>
			</process_info>
		</processes>
	</gpu>
</nvidia_smi_log>
`

/** What schema v10 and v11 call the same things. */
const renamed: readonly (readonly [string, string])[] = [
  ['gpu_power_readings', 'power_readings'],
  ['current_power_limit', 'enforced_power_limit'],
  ['requested_power_limit', 'power_limit'],
  ['instant_power_draw', 'power_draw'],
  ['clocks_event_reason', 'clocks_throttle_reason'],
  ['device_current_link_gen', 'device_link_gen_that_v10_has_not'],
]
const v10 = renamed.reduce((xml, [now, before]) => xml.replaceAll(now, before), v12)

function onlyReadings(xml: string): Partial<GpuReadings> {
  const { gpus, problem } = readXmlGpus(xml)
  expect(problem).toBeUndefined()
  expect(gpus).toHaveLength(1)
  return gpus[0]?.readings ?? {}
}

function valuesOf(readings: Partial<GpuReadings>): Record<string, unknown> {
  const told = Object.entries(readings).filter(([, reading]) => reading.status === 'ok')
  return Object.fromEntries(told.map(([field, reading]) => [field, readingValue<unknown>(reading)]))
}

test.each([
  ['v12', v12],
  ['v10', v10],
  ['v12 of Windows', `\uFEFF${v12.replaceAll('\n', '\r\n')}`],
  ['v12 with a warning above and below', `WARNING: infoROM\n${v12}\nWARNING: infoROM < old`],
])('every value of %s is read', (_, xml) => {
  expect(valuesOf(onlyReadings(xml))).toEqual({
    name: 'NVIDIA H100 80GB HBM3',
    pciAddress: '0000:1b:00.0',
    uuid: 'GPU-11111111-2222-3333-4444-555555555555',
    serial: '1650000000000',
    integrated: false,
    memoryUnified: false,
    vramTotalMib: 81559,
    vramReservedMib: 551,
    vramUsedMib: 0,
    vramFreeMib: 81008,
    driverVersion: '570.10.01',
    computeApi: 'CUDA 12.8',
    vbiosVersion: '96.00.A5.00.01',
    firmwareVersion: '570.10.01',
    powerLimitEnforcedW: 650,
    powerLimitRequestedW: 660,
    powerLimitDefaultW: 700,
    powerLimitMinW: 200,
    powerLimitMaxW: 700,
    powerW: 71.5,
    temperatureC: 34,
    temperatureMemoryC: 44,
    temperatureSlowdownC: 85,
    clockSmMhz: 345,
    clockSmMaxMhz: 1980,
    clockMemoryMhz: 2619,
    clockMemoryMaxMhz: 2619,
    utilisationRatio: 0.25,
    throttleReasons: ['sw_power_cap'],
    performanceState: 'P0',
    eccEnabled: true,
    // One of SRAM by parity and two of DRAM since the driver was loaded; the 50 are of a lifetime.
    eccUncorrectedErrors: 3,
    memoryRepairPending: true,
    persistenceEnabled: false,
    computeMode: 'Exclusive_Process',
    migEnabled: true,
    pcieGeneration: 5,
    pcieWidth: 16,
    pcieGenerationNow: 1,
    pcieWidthNow: 8,
    processes: [{ pid: 4711, name: 'this&that', usedMib: 512 }],
  })
})

test('tags of the same name in a part of a GPU are the part’s', () => {
  const { gpus } = readXmlGpus(v12)
  expect(readingValue(gpus[0]?.readings.vramTotalMib)).toBe(81559)
  expect(gpus[0]?.migDevices).toEqual([{ index: 0, memoryTotalMib: 40448, memoryUsedMib: 11 }])
})

test('a GPU without parts has none, and one that does not tell of parts may have some', () => {
  const [before = '', after = ''] = v12.split(/<mig_devices>[\s\S]*<\/mig_devices>/)
  const partsOf = (inside: string) => readXmlGpus(before + inside + after).gpus[0]?.migDevices
  expect(partsOf('<mig_devices>None</mig_devices>')).toEqual([])
  expect(partsOf('<mig_devices>N/A</mig_devices>')).toBeUndefined()
  expect(partsOf('')).toBeUndefined()
})

test.each([
  'N/A',
  '[N/A]',
  'Not Supported',
  'Unknown Error',
  'Insufficient Permissions',
  'GPU is lost',
  'Requested functionality has been deprecated',
])('"%s" everywhere is no value anywhere', (words) => {
  const leaf = /<(\w+)>[^<>]*<\/\1>/g
  const xml = v12.replace(leaf, (_, tag: string) => `<${tag}>${words}</${tag}>`)
  const { driverVersion, computeApi, ...readings } = onlyReadings(xml)
  const { processes, memoryUnified, integrated, ...others } = readings
  // The address is in an attribute too; a process of which nothing is known is not listed as computing.
  expect(valuesOf(others)).toEqual({ pciAddress: '0000:1b:00.0' })
  expect(readingValue(processes)).toEqual([])
  const shares = words.includes('N/A') || words === 'Not Supported' ? true : undefined
  expect(readingValue(memoryUnified)).toBe(shares)
  expect(readingValue(integrated)).toBe(shares)
})

test('a slowdown told as a margin is no temperature', () => {
  const xml = v12
    .replace(/<gpu_temp_(slow|max_gpu)_threshold>.*\n/g, '')
    .replace(
      '<memory_temp>',
      '<gpu_temp_slow_tlimit_threshold>-2 C</gpu_temp_slow_tlimit_threshold><memory_temp>',
    )
  expect(onlyReadings(xml).temperatureSlowdownC).toMatchObject({
    status: 'absent',
    reason: 'told only as a margin to a limit (-2 °C)',
  })
})

test('errors of which one kind cannot be counted are not added up', () => {
  const xml = v12.replace('<sram_uncorrectable_parity>1<', '<sram_uncorrectable_parity>N/A<')
  expect(onlyReadings(xml).eccUncorrectedErrors).toMatchObject({ reason: 'nvidia-smi says N/A' })
})

test('before Turing errors come with a total', () => {
  const xml = v12.replace(
    /<volatile>[\s\S]*<\/volatile>/,
    '<volatile><single_bit><total>9</total></single_bit><double_bit><l1_cache>1</l1_cache><total>1</total></double_bit></volatile>',
  )
  expect(readingValue(onlyReadings(xml).eccUncorrectedErrors)).toBe(1)
})

test('output that ends in the middle of the second GPU has the first', () => {
  const block = /<gpu [\s\S]*<\/gpu>/.exec(v12)?.[0] ?? ''
  const two = v12.replace(block, `${block}\n${block.replaceAll('1B:', 'C3:')}`)
  const { gpus, problem } = readXmlGpus(two.slice(0, two.lastIndexOf('<max_clocks>')))
  expect(gpus.map(({ readings }) => readingValue(readings.pciAddress))).toEqual(['0000:1b:00.0'])
  expect(problem).toBe('the XML ends in the middle')
  expect(readXmlGpus(two).gpus).toHaveLength(2)
})

test('wherever output ends, nothing is made up', () => {
  for (let end = 0; end < v12.trimEnd().length; end += 7) {
    const { gpus, problem } = readXmlGpus(v12.slice(0, end))
    expect(problem).toBeDefined()
    if (gpus[0] !== undefined) expect(readingValue(gpus[0].readings.vramTotalMib)).toBe(81559)
  }
})

test.each([
  ['', 'no XML'],
  ['NVIDIA-SMI has failed', 'no XML'],
  ['<a><b></a></b>', '</a> closes nothing'],
  ['<a>1 < 2</a>', '< is no tag'],
  ['<html></html>', 'another document'],
  ['<!DOCTYPE nvidia_smi_log>', 'no XML'],
])('%j is a problem: %s', (output, problem) => {
  expect(readXmlGpus(output)).toEqual({ gpus: [], problem })
})

test('entities are characters, and those unknown stay as they are', () => {
  const { root } = readXml('<a b="&lt;1&gt;"><c>&quot;&apos;&amp;lt;&nbsp;</c></a>')
  expect(root?.attributes.b).toBe('<1>')
  expect(root && textAt(root, 'c')).toBe('"\'&lt;&nbsp;')
})

test('a megabyte of brackets are read in no time worth speaking of', () => {
  const started = performance.now()
  for (const garbage of ['<', '<a', '<!--', '<a>', '&amp', '>']) {
    readXml(garbage.repeat(1_000_000 / garbage.length))
  }
  expect(performance.now() - started).toBeLessThan(10_000)
})
