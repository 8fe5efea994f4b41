import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { jsonSchemas } from '../src/cli/json-schemas.ts'

const committed = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../schemas/${name}`, import.meta.url), 'utf8'))

test.each(Object.entries(jsonSchemas()))(
  'schemas/%s is what the code says; `npm run schemas` writes it',
  (name, schema) => {
    expect(committed(name)).toEqual(JSON.parse(JSON.stringify(schema)))
  },
)
