import {
  costDiffSchema,
  explanationSchema,
  indifferenceSchema,
  pricedSchema,
  procurementSchema,
  statedPriceSchema,
} from '../../src/report/price-schemas.ts'

const schemas = {
  'baremark-cost-diff': costDiffSchema,
  'baremark-explanation': explanationSchema,
  'baremark-indifference': indifferenceSchema,
  'baremark-price': pricedSchema,
  'baremark-stated-price': statedPriceSchema,
  'baremark-procurement': procurementSchema,
}

/** What is wrong with a document by the schema of its kind; nothing where it is right. */
export function priceSchemasByKind(document: { readonly kind: keyof typeof schemas }): unknown {
  return schemas[document.kind].safeParse(document).error
}
