// How fast, how punctual and how small the load engine is, and how fast prices are drawn: `npm run bench [names...]`. See README.md.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { compile, describeMachine, fileLimit, findObstacle, pinning } from './machine.mjs'
import { measureMemory } from './suites/memory.mjs'
import { measureMonteCarlo } from './suites/monte-carlo.mjs'
import { measureRequests } from './suites/requests.mjs'
import { measureSoak } from './suites/soak.mjs'
import { measureStreams } from './suites/streams.mjs'
import { measureSustained } from './suites/sustained.mjs'
import { measureTimetable } from './suites/timetable.mjs'
import { measureWorkers } from './suites/workers.mjs'
import { printTable } from './table.mjs'

/** To add a suite, write its file and name it here: it takes the world and gives rows. */
const suites = {
  streams: measureStreams,
  timetable: measureTimetable,
  memory: measureMemory,
  sustained: measureSustained,
  requests: measureRequests,
  workers: measureWorkers,
  soak: measureSoak,
  'monte-carlo': measureMonteCarlo,
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    dist: { type: 'string', default: join(root, 'dist') },
    verbose: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !(name in suites))
const obstacle =
  unknown.length > 0
    ? `there is no ${unknown.join(', ')}; choose from ${Object.keys(suites).join(', ')}`
    : findObstacle()
if (obstacle) console.log(`Nothing measured: ${obstacle}.`)
else await main(positionals.length > 0 ? positionals : Object.keys(suites))

async function main(names) {
  const about = describeMachine()
  console.log(`${about.machine}; Node ${about.node}; ${pinning}`)
  console.log(`load average at start ${about.loadAverage.toFixed(2)}\n`)
  const { rows, rounds, troubles } = await measure(names)
  printTable(rows)
  for (const trouble of troubles) console.log(`not measured: ${trouble}`)
  if (flags.json !== undefined) {
    const json = { ...about, pinning, rows, notMeasured: troubles, rounds }
    writeFileSync(flags.json, `${JSON.stringify(json, undefined, 2)}\n`)
  }
}

/** A suite that fails says so and leaves the others alone. */
async function measure(names) {
  const folder = mkdtempSync(join(tmpdir(), 'baremark-bench-'))
  const result = { rows: [], rounds: [], troubles: [] }
  const world = {
    folder,
    dist: pathToFileURL(`${resolve(flags.dist)}/`).href,
    rounds: Number(flags.rounds),
    fileLimit: fileLimit(),
    onRound: (round) => report(round, result.rounds),
    onTrouble: (trouble) => result.troubles.push(trouble),
  }
  try {
    compile(folder)
    for (const name of names) {
      process.stderr.write(`measuring: ${name}\n`)
      try {
        result.rows.push(...(await suites[name](world)))
      } catch (error) {
        result.troubles.push(`${name}: ${error.message}`)
      }
    }
  } catch (error) {
    result.troubles.push(error.message)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return result
}

function report(round, rounds) {
  rounds.push(round)
  if (!flags.verbose) return
  const words = Object.entries(round)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? +value.toPrecision(5) : value}`)
  console.log(words.join('  '))
}
