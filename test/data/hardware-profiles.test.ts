import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  hardwareProfileSchema,
  loadHardwareProfiles,
  matchProfile,
} from '../../src/detect/hardware-profile.ts'
import { UserError } from '../../src/errors.ts'
import { undeclaredSources } from '../../src/figure.ts'
import { packageRoot } from '../../src/package-files.ts'
import { parseYaml } from '../../src/yaml-file.ts'

const profiles = await loadHardwareProfiles(join(packageRoot, 'hardware-profiles'))

test('there are enough profiles to compare with', () => {
  expect(profiles.length).toBeGreaterThanOrEqual(15)
})

test('no two profiles share an id or a name that a tool prints', () => {
  const ids = profiles.map(({ id }) => id)
  const names = profiles.flatMap(({ match }) => match.map((name) => name.toLowerCase()))
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(names).size).toBe(names.length)
})

test.each(profiles)('$id: every figure has its source', (profile) => {
  expect(undeclaredSources(profile, profile.sources)).toEqual([])
})

test.each(profiles)('$id: every price is above 0 and dated', ({ prices, sources }) => {
  for (const { usd } of prices) {
    expect(usd.value).toBeGreaterThan(0)
    expect(sources[usd.source]?.date).toBeDefined()
  }
})

test.each(profiles)('$id: every source is used', (profile) => {
  const figures = JSON.stringify({ ...profile, sources: {} })
  for (const key of Object.keys(profile.sources)) expect(figures).toContain(`"source":"${key}"`)
})

test('a name matches whole and in any case, and nothing that only resembles it', () => {
  expect(matchProfile('NVIDIA H200', profiles)?.id).toBe('h200-sxm')
  expect(matchProfile('nvidia h200', profiles)?.id).toBe('h200-sxm')
  expect(matchProfile('NVIDIA H200 NVL', profiles)).toBeUndefined()
  expect(matchProfile('NVIDIA L4', profiles)?.id).toBe('l4')
  expect(matchProfile('NVIDIA GeForce RTX 4090 D', profiles)).toBeUndefined()
})

test('only the machine that nobody quoted has placeholder figures', () => {
  const withPlaceholder = profiles.filter((profile) =>
    JSON.stringify(profile).includes('"kind":"placeholder"'),
  )
  expect(withPlaceholder.map(({ id }) => id)).toEqual(['generic-cpu-host'])
})

const minimal = `schemaVersion: 1
id: a-gpu
name: A GPU
vendor: somebody
unit: gpu
match: []
sources:
  quote: { title: A quote }
`

function read(text: string) {
  return parseYaml(text, 'a-gpu.yaml', hardwareProfileSchema)
}

test('a profile without any price is fine', () => {
  expect(read(`${minimal}prices: []\n`).prices).toEqual([])
})

test('a figure of an undeclared source is refused by the name of that source', () => {
  const text = `${minimal}prices: []\ntdpW: { value: 700, source: hearsay, kind: street }\n`
  expect(() => read(text)).toThrow('a-gpu.yaml:10:7: tdpW: no source "hearsay" is declared')
})

test('a price of a server says how many units are in it', () => {
  const text = `${minimal}prices:\n  - per: server\n    what: box\n    usd: { value: 1, source: quote, kind: quote }\n`
  expect(() => read(text)).toThrow(/^a-gpu.yaml:10:5: prices.0.unitsPerServer: /)
})

test('YAML that does not parse is refused at its place', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'broken.yaml'), 'schemaVersion: 1\nmatch: [a, b\nname: x\n')
  const error = await loadHardwareProfiles(folder).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UserError)
  expect(basename((error as UserError).message)).toMatch(/^broken\.yaml:\d+:\d+: /)
})

test('two files with one id are refused', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'a.yaml'), `${minimal}prices: []\n`)
  await writeFile(join(folder, 'b.yaml'), `${minimal}prices: []\n`)
  await expect(loadHardwareProfiles(folder)).rejects.toThrow(
    'b.yaml: another file has the id a-gpu',
  )
})

test('a folder that is not there is the user’s to fix', async () => {
  await expect(loadHardwareProfiles('/no/such/folder')).rejects.toThrow(UserError)
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'baremark-profiles-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}
