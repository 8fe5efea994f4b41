import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { messageOf, systemErrorCode, UserError } from '../errors.ts'
import { readServerSamples, type ServerSample } from '../load/server-metrics.ts'
import type { Plain, Same } from '../report/json-schema.ts'

const figure = z.number().optional()

const histogram = z
  .strictObject({
    sumMs: z.number(),
    count: z.number(),
    buckets: z.array(z.tuple([z.number(), z.number()])),
  })
  .optional()

const readingsSchema = z.strictObject({
  running: figure,
  waiting: figure,
  kvCacheUsedRatio: figure,
  specAcceptedRatio: figure,
  inputTokensTotal: figure,
  outputTokensTotal: figure,
  prefixCacheHitTokensTotal: figure,
  prefixCacheQueryTokensTotal: figure,
  preemptionsTotal: figure,
  specAcceptedTokensTotal: figure,
  specDraftedTokensTotal: figure,
  requestsEndedTotal: figure,
  ttftMs: histogram,
  queueMs: histogram,
  latencyMs: histogram,
  itlMs: histogram,
  tpotMs: histogram,
})

const look = { atMs: z.number(), tookMs: z.number() }

const sampleSchema = z.union([
  z.strictObject({ ...look, readings: readingsSchema }),
  z.strictObject({ ...look, gap: z.string() }),
])

/** Does not compile when the schema and the type differ. */
true satisfies Same<Plain<z.output<typeof sampleSchema>>, Plain<ServerSample>>

/**
 * The looks at the server's own metrics of a results directory; none where there is no such file. What
 * a crash left of the last line is left out.
 *
 * @throws UserError when the file cannot be read, or is none of this version's format
 */
export async function readServerMetrics(file: string): Promise<ServerSample[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    if (systemErrorCode(cause) === 'ENOENT') return ''
    throw notReadable(file, messageOf(cause), cause)
  })
  const samples = readServerSamples(text)
  for (const [i, sample] of samples.entries()) {
    const { error } = sampleSchema.safeParse(sample)
    if (error) throw notReadable(file, `look ${i + 1} is not one`, error)
  }
  return samples
}

function notReadable(file: string, why: string, cause: unknown): UserError {
  return new UserError(`${file} cannot be read: ${why}.`, {
    remedy:
      "Use the version of baremark that wrote it, or remove the file to have the figures without the server's own.",
    cause,
  })
}
