// Writes schemas/*.schema.json from the built sources, so that editors can complete the YAML files.
import { mkdir, writeFile } from 'node:fs/promises'
import { jsonSchemas } from '../dist/cli/json-schemas.js'

const folder = new URL('../schemas/', import.meta.url)
await mkdir(folder, { recursive: true })
for (const [name, schema] of Object.entries(jsonSchemas())) {
  await writeFile(new URL(name, folder), `${JSON.stringify(schema, undefined, 2)}\n`)
}
