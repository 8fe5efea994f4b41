import { z } from 'zod'
import { bundleSchema } from '../detect/capture/bundle.ts'
import { hardwareProfileSchema } from '../detect/hardware-profile.ts'
import { benchmarkSchema } from '../load/benchmark.ts'
import { gatePolicySchema } from '../measure/compare-policy.ts'
import { modelLimitsSchema } from '../measure/search/model-limits.ts'
import { priceSheetSchema } from '../price/price-sheet.ts'
import { scenarioSchema } from '../price/scenario.ts'
import { certificateJsonSchema } from '../report/certificate-schema.ts'
import {
  compareJsonSchema,
  comparisonSchema,
  gateResultSchema,
  noiseFloorSchema,
} from '../report/compare-schema.ts'
import { groupJsonSchema } from '../report/group-schema.ts'
import { reportJsonSchema } from '../report/json-schema.ts'
import { hardwareSchema } from '../report/machine-schema.ts'
import {
  costDiffSchema,
  explanationSchema,
  indifferenceSchema,
  pricedSchema,
  priceJsonSchema,
  procurementSchema,
  statedPriceSchema,
} from '../report/price-schemas.ts'

/** What `baremark detect --json` prints. */
const detectedSchema = hardwareSchema.extend({
  hardwareProfile: z.string().optional().describe('Id of the profile that all GPUs match'),
})

/** The JSON Schemas of every file that people or programs read and write, by file name. */
export function jsonSchemas(): Readonly<Record<string, object>> {
  return {
    'benchmark.schema.json': inputSchema(benchmarkSchema, 'benchmark'),
    'capture.schema.json': inputSchema(bundleSchema, 'capture'),
    'comparison.schema.json': compareJsonSchema(comparisonSchema, 'comparison'),
    'cost-difference.schema.json': priceJsonSchema(costDiffSchema, 'cost difference'),
    'explanation.schema.json': priceJsonSchema(explanationSchema, 'explanation'),
    'gate.schema.json': compareJsonSchema(gateResultSchema, 'gate'),
    'gate-policy.schema.json': inputSchema(gatePolicySchema, 'gate policy'),
    'group-report.schema.json': groupJsonSchema(),
    'hardware.schema.json': inputSchema(detectedSchema, 'hardware'),
    'hardware-profile.schema.json': inputSchema(hardwareProfileSchema, 'hardware profile'),
    'indifference.schema.json': priceJsonSchema(indifferenceSchema, 'indifference'),
    'price.schema.json': priceJsonSchema(pricedSchema, 'price'),
    'stated-price.schema.json': priceJsonSchema(statedPriceSchema, 'stated price'),
    'model-limits.schema.json': inputSchema(modelLimitsSchema, 'model limits'),
    'noise-floor.schema.json': compareJsonSchema(noiseFloorSchema, 'noise floor'),
    'price-sheet.schema.json': inputSchema(priceSheetSchema, 'price sheet'),
    'procurement.schema.json': priceJsonSchema(procurementSchema, 'procurement'),
    'scenario.schema.json': inputSchema(scenarioSchema, 'scenario'),
    'certificate.schema.json': certificateJsonSchema(),
    'report.schema.json': reportJsonSchema(),
  }
}

function inputSchema(schema: z.ZodType, name: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return {
    $schema,
    $id: `urn:baremark:schema:${name.replaceAll(' ', '-')}:1`,
    title: `baremark ${name}`,
    ...rest,
  }
}
