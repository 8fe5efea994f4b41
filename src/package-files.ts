import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json, whether run from `src/` or from `dist/`. */
export const packageRoot = fileURLToPath(new URL('..', import.meta.url))

/** Version of baremark, as package.json has it. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
