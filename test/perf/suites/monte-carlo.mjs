// Draws of a cost model: how long 100,000 take, what memory that needs, and whether the same seed gives the same bytes.

import { waitForQuiet } from '../machine.mjs'
import { median, runNodeClient } from '../rounds.mjs'

const DRAWS = 100_000
const SEED = 1
const MAX_SECONDS = 2
const MAX_RESIDENT_MIB = 200

export async function measureMonteCarlo(world) {
  const rounds = []
  for (let i = 0; i < Math.max(2, world.rounds); i++) {
    await waitForQuiet()
    const round = await runNodeClient(world, 'monte-carlo', { draws: DRAWS, seed: SEED })
    world.onRound({ suite: 'monte-carlo', ...round })
    rounds.push(round)
  }
  const seconds = median(rounds.map((round) => round.seconds))
  const cpuSeconds = median(rounds.map((round) => round.cpuSeconds))
  const residentMib = Math.max(...rounds.map((round) => round.peakResidentMib))
  const same = new Set(rounds.map(({ digest }) => digest)).size === 1
  const [{ options, uncertainInputs }] = rounds
  return [
    {
      what: `${DRAWS} draws of ${options} options with ${uncertainInputs} uncertain inputs`,
      measured: `${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} s CPU), ${residentMib.toFixed(0)} MiB resident, ${same ? 'same' : 'OTHER'} bytes in ${rounds.length} runs`,
      required: `under ${MAX_SECONDS} s, under ${MAX_RESIDENT_MIB} MiB, same bytes`,
      met: seconds < MAX_SECONDS && residentMib < MAX_RESIDENT_MIB && same,
    },
  ]
}
