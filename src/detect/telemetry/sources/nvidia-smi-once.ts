import { type CommandResult, explain } from '../../run-command.ts'
import type { OpenSource, OwnReading, SamplerWorld, TelemetrySource } from '../source.ts'
import { askOnce, readingsOf, type SmiQuery, TOOL } from './nvidia-smi-rows.ts'

/** `nvidia-smi`, started anew for each look: what is left where it will not go on printing. */
export const nvidiaSmiOnce: TelemetrySource = { name: TOOL, open: openOnce }

/** A start takes 0.2 s of a core and wakes the driver. */
const PERIOD_MS = 2_000
const TIMEOUT_MS = 5_000
const MAX_FAILURES_IN_A_ROW = 3

interface Asking {
  readonly world: SamplerWorld
  readonly query: SmiQuery
  arrived: OwnReading[]
  askedMs: number
  busy: boolean
  failures: number
  reason: string
}

async function openOnce(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const query = await askOnce(world, TOOL)
  if ('none' in query) return query
  const asking: Asking = {
    world,
    query,
    arrived: [],
    askedMs: Number.NEGATIVE_INFINITY,
    busy: false,
    failures: 0,
    reason: '',
  }
  return {
    devices: query.devices.map((device) => ({ ...device, periodMs: PERIOD_MS, coarse: true })),
    look: () => look(asking),
    close: async () => {},
  }
}

/** What has come since; and asks again when it is time. */
function look(asking: Asking): readonly OwnReading[] {
  if (asking.failures === MAX_FAILURES_IN_A_ROW) throw new Error(asking.reason)
  const now = asking.world.nowMs()
  if (!asking.busy && now - asking.askedMs >= PERIOD_MS) {
    asking.askedMs = now
    asking.busy = true
    void ask(asking)
  }
  return asking.arrived.splice(0)
}

async function ask(asking: Asking): Promise<void> {
  const { world, query } = asking
  const answer = await world.runCommand(TOOL, query.args, { timeoutMs: TIMEOUT_MS })
  const atMs = world.nowMs()
  const lines = answer.kind === 'exited' ? answer.stdout.split('\n') : []
  const readings = lines.flatMap((line) => readingsOf(query, line, atMs))
  asking.busy = false
  asking.arrived.push(...readings)
  asking.failures = readings.length > 0 ? 0 : asking.failures + 1
  asking.reason = reasonOf(answer)
}

function reasonOf(answer: CommandResult): string {
  if (answer.kind !== 'exited') return explain(answer)
  return answer.stdout.split('\n')[0]?.trim() || `exit code ${answer.exitCode}`
}
