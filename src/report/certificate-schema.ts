import { z } from 'zod'
import type { Certificate } from '../measure/instrument-certificate.ts'
import {
  arrivalSchema,
  clientLoad,
  count,
  distribution,
  endedSchema,
  loadLevelSchema,
  machineSchema,
  ms,
  type Plain,
  perS,
  type Same,
  toolSchema,
} from './json-schema.ts'

const requestMatchesSchema = z.strictObject({
  compared: count,
  incomplete: count,
  miscounted: count,
  recordsWithoutStamp: count,
  stampsWithoutRecord: count,
  unsent: count,
})

const chunkCountsSchema = z.strictObject({
  compared: count,
  lost: count,
  invented: count,
  coalesced: count,
})

const agreement = {
  requests: requestMatchesSchema,
  chunks: chunkCountsSchema,
  negativeDelays: count.describe('Delays below zero by more than rounding explains'),
}

const rateUnderSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('reached'), eventsPerS: perS('Output chunks') }),
  z.strictObject({ kind: z.literal('all-under'), eventsPerS: perS('Output chunks') }),
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('unknown') }),
])

/** A certificate on disk. */
export const certificateSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('baremark-certificate'),
  date: z.string().describe('ISO 8601 UTC'),
  tool: toolSchema,
  machine: machineSchema,
  load: z.strictObject({
    api: z.string(),
    chunksPerSPerStream: z.number(),
    arrival: arrivalSchema,
    inputTokens: count,
    outputChunks: count,
    warmupS: z.number(),
    windowS: z.number(),
  }),
  levels: z.array(
    z.strictObject({
      ...clientLoad,
      load: loadLevelSchema,
      label: z.string(),
      error: z
        .strictObject({
          ...agreement,
          delayMs: distribution("From the server's write to the client's stamp, ms"),
          ttftErrorMs: distribution("The client's TTFT less the server's, ms"),
          gapErrorMs: distribution("Client's gap against server's gap, without sign, ms"),
          latenessMs: distribution('How late requests left, open loop only, ms').optional(),
        })
        .describe('Over the requests of the measured phase'),
      agreement: z.strictObject(agreement).describe('Over every request, warm-up too'),
      cpuUsPerEvent: z.number().optional(),
      cpuCores: z.number().optional(),
      machineCpuRatio: z.number().optional(),
      loopDelayP99Ms: ms('99th percentile of the delay of the event loop').optional(),
      ended: endedSchema,
    }),
  ),
  stampsWithoutRecord: count,
  highestEventsPerS: z.strictObject({ p99Under1Ms: rateUnderSchema, p99Under5Ms: rateUnderSchema }),
  problems: z.array(z.string()).describe('Why the figures must not be believed'),
})

/** The same as a JSON Schema, for programs that are not written in TypeScript. */
export function certificateJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(certificateSchema)
  return {
    $schema,
    $id: 'urn:baremark:schema:certificate:1',
    title: 'baremark certificate',
    description:
      "How far the client's figures are from what a server wrote down. An absent key is an unknown value, never zero.",
    ...schema,
  }
}

/** Does not compile when the schema and the type differ, be it in one optional key. */
true satisfies Same<Plain<z.output<typeof certificateSchema>>, Plain<Certificate>>
