import { expect, test } from 'vitest'
import type { Gpu } from '../../src/detect/gpu-fields.ts'
import { type HardwareProfile, profileOf } from '../../src/detect/hardware-profile.ts'
import { ok } from '../../src/detect/reading.ts'
import { nvidia } from '../../src/detect/vendors/nvidia.ts'
import { fakeNvidiaSmi, h100 } from './fake-nvidia-smi.ts'
import { fakeMachine, gpuWith } from './machines.ts'

const profile = (id: string, match: string[]): HardwareProfile => ({
  schemaVersion: 1,
  id,
  name: id,
  vendor: 'nvidia',
  unit: 'gpu',
  match,
  sources: {},
  prices: [],
})
const profiles = [profile('a', ['GPU A', 'GPU A OEM']), profile('b', ['GPU B'])]

async function gpusNamed(...names: string[]): Promise<readonly Gpu[]> {
  if (names.length === 0) return []
  return (
    await nvidia.ask(
      fakeMachine({ runCommand: fakeNvidiaSmi(names.map((name) => ({ ...h100, name }))) }),
    )
  ).gpus
}

test.each([
  [['GPU A'], 'a'],
  [['GPU A', 'gpu a oem'], 'a'],
  [['GPU A', 'GPU B'], undefined],
  [['GPU A', 'GPU C'], undefined],
  [['GPU A', '[N/A]'], undefined],
  [['GPU C', 'GPU C'], undefined],
  [[], undefined],
])('a machine with %j has the profile %s', async (names, id) => {
  expect(profileOf({ gpus: await gpusNamed(...names) }, profiles)?.id).toBe(id)
})

test('the processor’s own graphics beside a card leave its profile alone', async () => {
  const cards = await gpusNamed('GPU A')
  const graphics = gpuWith({ integrated: ok(true, 't'), name: ok('Graphics', 't') }, 'intel')
  expect(profileOf({ gpus: [graphics, ...cards] }, profiles)?.id).toBe('a')
  expect(profileOf({ gpus: [graphics] }, profiles)).toBeUndefined()
})
