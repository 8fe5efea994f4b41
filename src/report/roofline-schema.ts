import { z } from 'zod'

const count = z.int().nonnegative()
const computeType = z.enum(['bf16', 'fp8']).describe('Number type that matrices are multiplied in')

const acceleratorFigure = z
  .strictObject({ value: z.number(), source: z.string(), date: z.string().optional() })
  .optional()

/** `run.roofline` of a report: what the model and what it runs on could do. */
export const rooflineFactsSchema = z
  .strictObject({
    model: z.strictObject({
      sha256: z.string().describe('Of config.json'),
      architecture: z.string().optional(),
      parameters: z.number().optional(),
      activeParameters: z.number().optional().describe('That take part in one token'),
      lookupParameters: z.number().optional().describe('Of which a token only takes a row'),
      headParameters: z.number().optional().describe('Of the output head'),
      weightBytes: z.number().optional(),
      lookupBytes: z.number().optional(),
      expertBytes: z.number().optional().describe('Of all routed experts'),
      experts: z.number().optional().describe('Routed experts of a layer'),
      expertsPerToken: z.number().optional(),
      quantised: z.boolean(),
      computeType: computeType.optional(),
      attentionFlopsPerPair: z
        .number()
        .optional()
        .describe("Of one layer's attention, for a query and one token it looks at"),
      cachedLayers: z
        .array(
          z.strictObject({
            layers: count,
            numbersPerToken: z.number().describe('Keys and values in one layer'),
            windowTokens: count.optional(),
          }),
        )
        .optional(),
      gaps: z.array(z.string()).describe('What the file lacks'),
      uncounted: z.array(z.string()).describe('Parts with weights that are not counted'),
    }),
    accelerator: z
      .strictObject({
        profile: z.string(),
        name: z.string(),
        unit: z.enum(['gpu', 'host']),
        how: z.enum(['detected', 'stated']),
        bandwidthGbPerS: acceleratorFigure,
        bf16DenseTflops: acceleratorFigure,
        fp8DenseTflops: acceleratorFigure,
      })
      .optional(),
  })
  .describe('What the model, and what it runs on, could do at best')

const bounds = (what: string) =>
  z.strictObject({ low: z.number(), high: z.number() }).optional().describe(what)

/** `roofline` of a level. */
export const rooflineSchema = z
  .strictObject({
    batch: z.number().optional().describe('Answers that share a step, mean over steps'),
    stepsPerS: z.number().optional().describe('Steps of decoding per second, of one copy'),
    bytesPerS: bounds('Bytes that decoding must have read, per second'),
    flopsPerS: z.number().optional().describe('Operations that the tokens took, per second'),
    memoryRatio: bounds('MBU: of the peak bandwidth; over 1 something is wrong'),
    computeRatio: z.number().optional().describe('MFU: of the dense peak; over 1 is wrong'),
    bound: z.enum(['memory', 'compute', 'neither']).optional().describe('At least half of a roof'),
  })
  .describe('How near a level came to what memory and arithmetic units can do')

/** `summary.roofline`. */
export const rooflineBasisSchema = z
  .strictObject({
    accelerator: z.string().optional(),
    units: count.optional().describe('GPUs that serve, or 1 machine without one'),
    memoryBytesPerS: z.number().optional().describe('Peak of all of them, per second'),
    computeType: computeType.optional(),
    computeFlopsPerS: z.number().optional().describe('Dense peak of all of them, per second'),
    kvBytesPerNumber: z.number().optional(),
    copies: bounds('Copies of the model, or stages of a pipeline, that step by themselves'),
    missing: z.array(z.string()).describe('What is unknown'),
    assumptions: z.array(z.string()),
  })
  .describe('The roofs that levels are held against')
