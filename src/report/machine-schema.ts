import { z } from 'zod'
import { gpuFields } from '../detect/gpu-fields.ts'
import { hostFields } from '../detect/host-fields.ts'
import type { FieldInfo } from '../detect/reading.ts'
import { telemetryScopes } from '../detect/telemetry/sample.ts'

const number = z.number().optional()
const ratio = z.number().optional().describe('Ratio, 0 to 1')
const ms = z.number().describe("ms since the run's epoch")
const scope = z.enum(telemetryScopes)

const gpuProcessSchema = z.strictObject({
  pid: number,
  name: z.string().optional(),
  usedMib: number,
})

const gpuPartitionSchema = z.strictObject({
  profile: z.string(),
  memoryTotalMib: number,
  memoryUsedMib: number,
})

const readingSchemas = {
  text: readingSchema('text', z.string()),
  number: readingSchema('number', z.number()),
  flag: readingSchema('flag', z.boolean()),
  texts: readingSchema('texts', z.array(z.string())),
  processes: readingSchema('processes', z.array(gpuProcessSchema)),
  partitions: readingSchema('partitions', z.array(gpuPartitionSchema)),
}

function readingSchema<T extends z.ZodType>(kind: string, value: T) {
  const source = z.string().describe('Tool and field it came from')
  return z
    .discriminatedUnion('status', [
      z.strictObject({ status: z.literal('ok'), value, source }),
      z.strictObject({ status: z.literal('absent'), reason: z.string(), source }),
    ])
    .meta({
      id: `${kind}Reading`,
      description: 'A value read from the machine, or why there is none',
    })
}

/** One schema a row of a table of fields. */
function readingsSchema<Fields extends Readonly<Record<string, FieldInfo>>>(fields: Fields) {
  const shape = Object.entries(fields).map(([field, { kind }]) => [field, readingSchemas[kind]])
  return Object.fromEntries(shape) as {
    [F in keyof Fields]: (typeof readingSchemas)[Fields[F]['kind']]
  }
}

const gpuSchema = z.strictObject({
  vendor: z.enum(['nvidia', 'amd', 'intel', 'apple']),
  index: z.int().nonnegative(),
  ...readingsSchema(gpuFields),
})

const topologySchema = readingSchema(
  'topology',
  z.strictObject({ gpus: z.array(z.string()), links: z.array(z.array(z.string())) }),
)

/** A machine: see `Hardware`. */
export const hardwareSchema = z.strictObject({
  detectedAt: z.string(),
  host: z.strictObject(readingsSchema(hostFields)),
  gpus: z.array(gpuSchema),
  topology: topologySchema,
  tools: z.array(
    z.strictObject({
      tool: z.string(),
      outcome: z.enum(['ok', 'not-found', 'timed-out', 'failed']),
      detail: z.string().optional(),
      tookMs: z.number().describe('Time it took, ms'),
    }),
  ),
  hwHash: z.string().describe('Equal for the same machine, whatever its state'),
  stateHash: z.string().describe('Equal for the same set-up: limits, ECC, driver, kernel ...'),
})

export const findingSchema = z.strictObject({
  check: z.string(),
  severity: z.enum(['blocker', 'warning', 'note']),
  text: z.string(),
  remedy: z.string().optional(),
})

const servingSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('known'),
    pciAddresses: z.array(z.string()),
    how: z.string(),
    processes: z.array(gpuProcessSchema),
  }),
  z.strictObject({ kind: z.literal('unknown'), reason: z.string() }),
])

export const telemetryLogSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('recorded'),
    serving: servingSchema,
    idle: z.array(z.strictObject({ when: z.enum(['before', 'after']), fromMs: ms, toMs: ms })),
    died: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('none'), reason: z.string() }),
])

const status = z.enum(['ok', 'partial', 'disputed', 'reset', 'too-short', 'no-sensor'])

const energySchema = z.strictObject({
  device: z.int().nonnegative(),
  id: z.string(),
  name: z.string(),
  scope,
  status,
  reason: z.string().optional(),
  joules: number,
  uncertaintyJ: number,
  counterJ: number,
  integralJ: number,
  gapRatio: number,
  coverageRatio: z.number(),
  sensor: z
    .strictObject({
      counterPeriodMs: number,
      powerPeriodMs: number,
      powerAveragingMs: number,
      kind: z.enum(['counter', 'instant', 'average1s', 'opaque']),
      minWindowMs: z.number(),
    })
    .optional(),
})

const deviceSchema = z.strictObject({
  device: z.int().nonnegative(),
  id: z.string(),
  name: z.string(),
  scope,
  serving: z.boolean().describe('Whether it is counted as serving the model'),
  pciAddress: z.string().optional(),
  looks: z.int().nonnegative(),
  powerMeanW: number,
  powerMaxW: number,
  temperatureMaxC: number,
  temperatureMemoryMaxC: number,
  clockSmMedianMhz: number,
  clockSmMinMhz: number,
  memoryPeakMib: number,
  utilisationMeanRatio: ratio,
  pcieGeneration: number,
  pcieWidth: number,
  throttle: z
    .strictObject({
      powerCapRatio: ratio,
      thermalRatio: ratio,
      powerBrakeRatio: ratio,
      syncBoostRatio: ratio,
      by: z.enum(['counters', 'flags']),
    })
    .optional(),
  energy: energySchema,
})

const scopeEnergySchema = z.strictObject({
  scope,
  devices: z.int().nonnegative(),
  status,
  reason: z.string().optional(),
  joules: number,
  uncertaintyJ: number,
  meanPowerW: number,
  idlePowerW: number,
  grossJPerOutputToken: number,
  netJPerOutputToken: number,
  grossJPerToken: number,
  netJPerToken: number,
  grossJPerRequest: number,
  netJPerRequest: number,
  outputTokensPerJ: number,
  uncertaintyRatio: number,
})

/** The machine in one window: see `MachineFigures`. */
export const machineFiguresSchema = z.strictObject({
  devices: z.array(deviceSchema),
  scopes: z.array(scopeEnergySchema),
})

/** The machine over a whole run: see `MachineSummary`. */
export const machineSummarySchema = z.strictObject({
  idle: z.array(
    z.strictObject({ scope, beforeW: number, afterW: number, reason: z.string().optional() }),
  ),
  timelines: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      scope,
      moments: z.array(
        z.strictObject({
          atMs: ms,
          powerW: number,
          temperatureC: number,
          clockSmMhz: number,
          utilisationRatio: ratio,
        }),
      ),
    }),
  ),
  attribution: z.string(),
  samplerCpuCores: number,
  longestGapMs: number,
})
