// The built engine with another HTTP client inside: a copy of the build in which the sender is replaced.
import { copyFileSync, cpSync, existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const peersFolder = fileURLToPath(new URL('peers', import.meta.url))
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** To add a client, write `peers/<name>.mjs` and name it here. */
export const PEERS = { undici: 'undici dispatch', http: 'node:http', fetch: 'fetch' }

/** The folder of the built code with that client's sender, as a URL. */
export function distWith({ dist, folder }, peer) {
  // As deep as the original: the engine starts its threads from `dist` of the folder above.
  const copy = join(folder, peer, 'dist')
  if (!existsSync(copy)) {
    cpSync(fileURLToPath(dist), copy, { recursive: true })
    copyFileSync(join(peersFolder, 'sender.mjs'), join(copy, 'load', 'sender.mjs'))
    copyFileSync(join(peersFolder, `${peer}.mjs`), join(copy, 'load', 'send.js'))
    if (!existsSync(join(folder, 'node_modules')))
      symlinkSync(modules, join(folder, 'node_modules'))
  }
  return pathToFileURL(`${copy}/`).href
}
