#!/usr/bin/env node
import { text } from 'node:stream/consumers'
import { bugReport, main } from './cli/main.ts'
import { exitCodes } from './errors.ts'

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second one means it.
    if (interrupted.signal.aborted)
      process.exit(name === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated)
    interrupted.abort(name)
  })
}
// `baremark report RUN | head` is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.valid)
  throw error
})

process.on('uncaughtException', (error) => {
  process.stderr.write(`${bugReport(error)}\n`)
  process.exit(exitCodes.bug)
})

process.exitCode = await main(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  readStdin: () => text(process.stdin),
  signal: interrupted.signal,
  env: process.env,
  live: process.stderr.isTTY === true && process.env.TERM !== 'dumb' && !process.env.CI,
})
