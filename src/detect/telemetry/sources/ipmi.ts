import { explain } from '../../run-command.ts'
import { pollSlowly } from '../slow-polling.ts'
import type { OpenSource, SamplerWorld, TelemetrySource } from '../source.ts'

const COMMAND = 'ipmitool dcmi power reading'
const ARGUMENTS = ['dcmi', 'power', 'reading']
const PERIOD_MS = 1000
const TIMEOUT_MS = 4_000
const REMEDY = 'it needs root and the ipmi_devintf module'

/** The whole machine's power, by its own management controller, once a second: `ipmitool` on this box. */
export const ipmi: TelemetrySource = { name: 'ipmi', open: openIpmi }

/** What `ipmitool dcmi power reading` says. */
export interface DcmiPower {
  readonly powerW: number
  /** What the controller says its statistics are over, s. Says nothing of how the power itself is averaged. */
  readonly samplingPeriodS?: number
}

async function openIpmi(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const first = await askDcmi(world)
  if ('none' in first) return first
  const { samplingPeriodS } = first
  const ask = async () => {
    const answer = await askDcmi(world)
    if ('none' in answer) throw new Error(answer.none)
    return { powerAverageW: answer.powerW }
  }
  const over = samplingPeriodS ? `; its statistics are over ${samplingPeriodS} s` : ''
  return {
    devices: [
      {
        id: 'ipmi',
        scope: 'node',
        source: COMMAND,
        name: 'Whole machine, by its management controller',
        periodMs: PERIOD_MS,
        lacks: [
          'energy counter: the controller has none',
          `over how long the power is averaged: the controller does not say${over}`,
        ],
      },
    ],
    ...pollSlowly(world, PERIOD_MS, ask),
  }
}

async function askDcmi(world: SamplerWorld): Promise<DcmiPower | { readonly none: string }> {
  const answer = await world.runCommand('ipmitool', ARGUMENTS, { timeoutMs: TIMEOUT_MS })
  if (answer.kind !== 'exited') return { none: `ipmitool: ${explain(answer)}` }
  if (answer.exitCode === 0) return readDcmi(answer.stdout)
  const said = answer.stderr.trim().split('\n').at(-1)?.slice(0, 200)
  return { none: `ipmitool ended with exit ${answer.exitCode}: ${said} (${REMEDY})` }
}

/** 0 W, or a state other than activated, is a controller that measures nothing. */
export function readDcmi(text: string): DcmiPower | { readonly none: string } {
  const watts = /Instantaneous power reading:\s*(\d+) Watts/i.exec(text)?.[1]
  const state = /Power reading state is:\s*(\w+)/i.exec(text)?.[1]?.toLowerCase()
  if (watts === undefined) return { none: 'ipmitool told no power' }
  if (state !== undefined && state !== 'activated') {
    return { none: `the controller's power reading is ${state}` }
  }
  if (Number(watts) === 0) return { none: 'the controller tells 0 W of a machine that is on' }
  const periodS = Number(/Sampling period:\s*(\d+) Seconds/i.exec(text)?.[1])
  return { powerW: Number(watts), samplingPeriodS: periodS > 0 ? periodS : undefined }
}
